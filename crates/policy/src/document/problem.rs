//! What is wrong with a policy file, where, and what to write instead.

use std::fmt::Write as _;
use std::ops::Range;

/// The widest line that a report prints.
const WIDTH: usize = 80;

/// How much of a user's text a message repeats.
const QUOTED: usize = 60;

/// One thing that is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct Problem {
    /// The file, as a human would name it.
    pub file: String,
    /// The bytes of its text that this is about.
    pub span: Range<usize>,
    /// The line of the span's start, from 1.
    pub line: u32,
    /// The character of that line, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with what stands at these bytes of a file's text.
    pub fn at(file: &str, text: &str, span: Range<usize>, message: String, help: Option<String>) -> Problem {
        let lines = Lines::of(text);
        let (line, column) = (lines.line(span.start), lines.column(text, span.start));
        Problem { file: file.to_owned(), span, line, column, message, help }
    }

    /// A report of at most 80 columns: place and message, the line of `text` with the place underlined, help.
    ///
    /// `text` is what was parsed; with any other text the snippet is left out or shows what stands there.
    pub fn render(&self, text: &str) -> String {
        let mut out = String::new();
        let head = format!("{}:{}:{}: {}", visible(&self.file), self.line, self.column, self.message);
        push_wrapped(&mut out, &head, "", "    ");
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        if let Some((shown, marks)) = snippet(text, &self.span, WIDTH - number.len() - 3) {
            let _ = writeln!(out, "{gutter} |\n{number} | {shown}\n{gutter} | {marks}");
        }
        if let Some(help) = &self.help {
            push_wrapped(&mut out, help, &format!("{gutter} = help: "), &format!("{gutter}         "));
        }
        out
    }
}

/// A user's text for a message: in backticks, shortened, with what cannot be seen made visible.
pub fn quoted(text: &str) -> String {
    let mut shown = visible(text.get(..text.ceil_char_boundary(QUOTED * 4)).unwrap_or(text));
    if shown.chars().count() > QUOTED {
        shown = shown.chars().take(QUOTED - 3).collect::<String>() + "...";
    }
    format!("`{shown}`")
}

/// Whether a character shows nothing, or changes how others show.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{17B4}' | '\u{17B5}' | '\u{2800}' | '\u{1D173}'..='\u{1D17A}' | '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    out
}

fn push_visible(out: &mut String, c: char) {
    if c == '\t' {
        out.push(' ');
    } else if c.is_control() || is_invisible(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// The line of the span with the span underlined, cut to `width` characters around it.
fn snippet(text: &str, span: &Range<usize>, width: usize) -> Option<(String, String)> {
    let before = text.get(..span.start)?;
    let from = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(from..)?;
    let line = rest.lines().next().unwrap_or("");
    let (mut shown, mut start, mut end) = (String::new(), None, None);
    let mut width_so_far = 0;
    // Far more than is ever shown is never looked at.
    let skip = span.start.saturating_sub(from).saturating_sub(4 * WIDTH);
    let skip = line.floor_char_boundary(skip);
    for (at, c) in line.get(skip..)?.char_indices() {
        let at = from + skip + at;
        if at >= span.start && start.is_none() {
            start = Some(width_so_far);
        }
        if at >= span.end && end.is_none() {
            end = Some(width_so_far);
        }
        if start.is_some() && width_so_far > start.unwrap_or(0) + 2 * WIDTH {
            break;
        }
        let length = shown.len();
        push_visible(&mut shown, c);
        width_so_far += shown.get(length..).map_or(0, |added| added.chars().count());
    }
    let start = start.unwrap_or(width_so_far);
    let end = end.unwrap_or(width_so_far).max(start + 1);
    let cut = if start + 4 > width || (end > width && start > width / 2) { start.saturating_sub(width / 3) } else { 0 };
    let mut visible: String = shown.chars().skip(cut).take(width).collect();
    if skip > 0 || cut > 0 {
        visible = "...".to_owned() + &visible.chars().skip(3).collect::<String>();
    }
    if width_so_far > cut + width {
        visible = visible.chars().take(width - 3).collect::<String>() + "...";
    }
    let length = (end - start).min((width + cut).saturating_sub(start)).max(1);
    Some((visible.trim_end().to_owned(), " ".repeat(start - cut) + &"^".repeat(length)))
}

/// Appends `text` with lines broken at spaces, the first behind `first`, the others behind `next`.
fn push_wrapped(out: &mut String, text: &str, first: &str, next: &str) {
    let mut width = first.chars().count();
    out.push_str(first);
    for (position, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if position > 0 {
            if width + 1 + length > WIDTH {
                out.push('\n');
                out.push_str(next);
                width = next.chars().count();
            } else {
                out.push(' ');
                width += 1;
            }
        }
        // A word that no line has room for goes on in the next ones.
        for letter in word.chars() {
            if width == WIDTH {
                out.push('\n');
                out.push_str(next);
                width = next.chars().count();
            }
            out.push(letter);
            width += 1;
        }
    }
    out.push('\n');
}

/// Where the lines of a text begin.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Lines {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Lines { starts }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }

    /// The character of a byte within its line, from 1.
    pub(crate) fn column(&self, text: &str, at: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        let before = text.get(start..at).map_or(0, |before| before.chars().count());
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}
