//! What is printed: for humans in colours where there is a terminal, for programs as JSON.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};
use countersign_policy::Effect;
use serde::Serialize;

use crate::diff::Line;

/// Where the answer to a command goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    colours: bool,
    json: bool,
}

/// How a piece of text is painted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    Good,
    Bad,
    Care,
    Quiet,
    Strong,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Screen {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Screen { colours: !json && wanted && able && std::io::stdout().is_terminal(), json }
    }

    /// One line for a human; nothing where a program reads.
    pub(crate) fn line(self, text: impl Display) -> Result<()> {
        if self.json { Ok(()) } else { write(&format!("{text}\n")) }
    }

    /// A text that may be long, folded to the width of a terminal: what an agent wrote never begins a line as ours do.
    pub(crate) fn folded(self, first: &str, rest: &str, paint: Option<Paint>, text: &str) -> Result<()> {
        for (at, line) in fold(text, WIDTH.saturating_sub(columns(rest).max(columns(first)))).into_iter().enumerate() {
            let indent = if at == 0 { first } else { rest };
            self.line(format!("{indent}{}", paint.map_or(line.to_owned(), |paint| self.paint(paint, line))))?;
        }
        Ok(())
    }

    /// One JSON document, on one line, for a program; nothing where a human reads.
    pub(crate) fn value(self, value: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let text = serde_json::to_string(value).context("the answer could not be written as JSON")?;
        write(&format!("{text}\n"))
    }

    /// The text in that colour, where there are colours.
    pub(crate) fn paint(self, paint: Paint, text: impl Display) -> String {
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Care => "33",
            Paint::Quiet => "2",
            Paint::Strong => "1",
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// An effect in its colour.
    pub(crate) fn effect(self, effect: Effect) -> String {
        let paint = match effect {
            Effect::Allow => Paint::Good,
            Effect::Ask => Paint::Care,
            Effect::Deny => Paint::Bad,
        };
        // As wide as the longest, painted or not.
        self.paint(paint, format!("{:<5}", effect.word()))
    }

    /// What an edit changes.
    pub(crate) fn diff(self, old: &str, new: &str) -> Result<()> {
        for line in crate::diff::lines(old, new) {
            match line {
                Line::Same(text) => self.line(format!("    {}", printable(&text)))?,
                Line::Old(text) => self.line(self.paint(Paint::Bad, format!("  - {}", printable(&text))))?,
                Line::New(text) => self.line(self.paint(Paint::Good, format!("  + {}", printable(&text))))?,
                Line::Gap => self.line(self.paint(Paint::Quiet, "    ..."))?,
            }
        }
        Ok(())
    }
}

/// The text with control, invisible and direction-changing characters made visible: what an agent wrote never moves a
/// human's cursor.
pub(crate) fn printable(text: &str) -> String {
    countersign_engine::show::printable(text)
}

/// How many columns a terminal has for certain.
const WIDTH: usize = 80;

/// The text in pieces of so many columns, broken behind a blank where there is one late enough.
fn fold(text: &str, most: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let mut width = 0;
        let mut blank = None;
        let mut full = None;
        for (at, c) in rest.char_indices() {
            width += columns_of(c);
            if width > most && at > 0 {
                full = Some(at);
                break;
            }
            if c == ' ' && width * 2 > most {
                blank = Some(at + 1);
            }
        }
        let end = full.map(|full| blank.unwrap_or(full));
        match end.and_then(|end| rest.split_at_checked(end)) {
            Some((line, after)) => {
                lines.push(line);
                rest = after;
            }
            None => {
                lines.push(rest);
                return lines;
            }
        }
    }
}

/// How many columns a text takes at most, its colours aside.
fn columns(text: &str) -> usize {
    let mut escape = false;
    let mut width = 0;
    for c in text.chars() {
        match (escape, c) {
            (false, '\u{1b}') => escape = true,
            (true, 'm') => escape = false,
            (true, _) => {}
            (false, c) => width += columns_of(c),
        }
    }
    width
}

/// How many columns a character takes at most: from Hangul on, some take two.
fn columns_of(c: char) -> usize {
    if matches!(u32::from(c), 0x1100..=0x115F | 0x2E80.. ) { 2 } else { 1 }
}

/// Writes to standard output. Nobody reading any more is an orderly end.
fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(NobodyReads.into()),
        other => other.context("standard output could not be written to"),
    }
}

/// Standard output was closed by its reader.
#[derive(Debug)]
pub(crate) struct NobodyReads;

impl Display for NobodyReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for NobodyReads {}

impl Screen {
    /// A fault, on standard error: for a human with all its causes, for a program as JSON.
    pub(crate) fn fault(self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let text = if self.json {
            serde_json::json!({ "error": causes.join(": ") }).to_string()
        } else {
            format!("countersign: {}", causes.join(": "))
        };
        // Best effort: the exit status says it too.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, fold};

    #[test]
    fn a_long_text_is_folded_and_nothing_of_it_lost() {
        let text = format!("git push {} 漢字漢字漢字 {}", "x".repeat(150), "ab ".repeat(40));
        let lines = fold(&text, 40);
        assert_eq!(lines.concat(), text);
        assert!(lines.iter().all(|line| columns(line) <= 40), "{lines:?}");
        assert_eq!(fold("ls", 40), ["ls"]);
        assert_eq!(fold("", 40), [""]);
    }
}
