//! The head of a Markdown file: lines of YAML between two `---`, as far as permissions need it.
//!
//! What of it is not understood is an error, never passed over: keys with values and keys with keys below them are read,
//! plain or in quotes. Under keys that do not matter anything may stand that ends where it seems to.

use std::ops::Range;

use countersign_policy::document::{Problem, quoted};

use crate::Text;
use crate::json::{Json, Member, Node};

/// How deep keys may stand.
const MOST_DEPTH: usize = 8;

/// The keys of the head that matter, with what is below them, as an object; without a head an empty one.
///
/// # Errors
/// The first thing that is not understood.
pub(super) fn read(file: &Text<'_>, matter: &[&str]) -> Result<Node, Problem> {
    let lines = Reader { file }.lines(matter)?;
    let mut rest = lines.as_slice();
    let members = Reader { file }.block(&mut rest, 0, 0)?;
    match rest.first() {
        None => Ok(Node { span: 0..0, value: Json::Object(members) }),
        Some(line) => Err(unclear(file, &line.span)),
    }
}

/// A line with a key.
struct Line {
    indent: usize,
    key: String,
    /// The key.
    span: Range<usize>,
    /// What stands behind it, if anything does.
    value: Option<Node>,
}

struct Reader<'a, 't> {
    file: &'a Text<'t>,
}

impl Reader<'_, '_> {
    /// The lines that matter.
    fn lines(&self, matter: &[&str]) -> Result<Vec<Line>, Problem> {
        let text = self.file.text;
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut at = start;
        let (mut lines, mut ended, mut matters) = (Vec::new(), false, true);
        for written in text.get(start..).unwrap_or_default().split_inclusive('\n') {
            let line = written.trim_end();
            let span = at..at + line.len();
            let is_first = at == start;
            at += written.len();
            if is_first {
                match line {
                    "---" => continue,
                    // Another language, which could even be a program.
                    _ if line.starts_with("---") => return Err(unclear(self.file, &span)),
                    _ => return Ok(Vec::new()),
                }
            }
            if line == "---" {
                ended = true;
                break;
            }
            if line.contains('\r') {
                // To YAML that ends a line.
                return Err(unclear(self.file, &span));
            }
            let trimmed = line.trim_start_matches(' ');
            let indent = line.len() - trimmed.len();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if indent > 0 && !matters || indent == 0 && !matters && trimmed.starts_with("- ") {
                continue;
            }
            let line = self.line(trimmed, span.start + indent)?;
            if indent == 0 {
                matters = matter.contains(&&*line.key);
                if !matters {
                    self.ends(&line)?;
                    continue;
                }
            }
            lines.push(Line { indent, ..line });
        }
        if at > start && !ended && text.get(start..).is_some_and(|text| text.starts_with("---")) {
            let help = "write `---` behind the last key";
            return Err(self.file.problem(&(start..start + 3), "the head of the file does not end", Some(help)));
        }
        Ok(lines)
    }

    /// Whether what stands behind a key that does not matter ends in this line, or in lines that are further in.
    fn ends(&self, line: &Line) -> Result<(), Problem> {
        let Some(Node { value: Json::Text(value), span }) = &line.value else { return Ok(()) };
        let written = self.file.text.get(span.clone()).unwrap_or_default();
        let closed = match written.chars().next() {
            Some('{') => written.ends_with('}'),
            Some('[') => written.ends_with(']'),
            _ => true,
        };
        let refers = value.starts_with(['&', '*', '!']) || line.key == "<<";
        if closed && !refers { Ok(()) } else { Err(unclear(self.file, span)) }
    }

    /// `key: value` or `key:`.
    fn line(&self, text: &str, at: usize) -> Result<Line, Problem> {
        let wrong = || unclear(self.file, &(at..at + text.len()));
        let (key, length) = match text.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(text, quote).ok_or_else(wrong)?,
            Some(c) if "&*!|>{}[]%@`,?-#:\t".contains(c) => return Err(wrong()),
            _ => {
                let end = text.find(": ").or_else(|| text.strip_suffix(':').map(str::len)).ok_or_else(wrong)?;
                let key = text.get(..end).unwrap_or_default();
                if key.contains(" #") {
                    return Err(wrong());
                }
                (key.trim_end().to_owned(), end)
            }
        };
        let rest = text.get(length..).unwrap_or_default().trim_start_matches(' ');
        let after =
            rest.strip_prefix(':').filter(|after| after.is_empty() || after.starts_with(' ')).ok_or_else(wrong)?;
        let value = after.trim_start_matches(' ');
        let start = at + text.len() - value.len();
        let value = if value.is_empty() || value.starts_with('#') { None } else { Some(self.value(value, start)?) };
        Ok(Line { indent: 0, key, span: at..at + length, value })
    }

    /// A value in one line.
    fn value(&self, text: &str, at: usize) -> Result<Node, Problem> {
        let node = |length: usize, value: Json| Node { span: at..at + length, value };
        if let Some(quote @ ('"' | '\'')) = text.chars().next() {
            let found = self.quoted(text, quote).filter(|(_, length)| {
                let rest = text.get(*length..).unwrap_or_default();
                rest.trim_start().is_empty() || rest.starts_with(' ') && rest.trim_start().starts_with('#')
            });
            let (value, length) = found.ok_or_else(|| unclear(self.file, &(at..at + text.len())))?;
            return Ok(node(length, Json::Text(value)));
        }
        let plain = text.split(" #").next().unwrap_or_default().trim_end();
        Ok(node(
            plain.len(),
            match plain {
                "true" | "True" | "TRUE" => Json::Bool(true),
                "false" | "False" | "FALSE" => Json::Bool(false),
                plain => Json::Text(plain.to_owned()),
            },
        ))
    }

    /// A text in quotes, and how many bytes it takes with them.
    fn quoted(&self, text: &str, quote: char) -> Option<(String, usize)> {
        let mut out = String::new();
        let mut chars = text.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if quote == '"' => match chars.next()?.1 {
                    c @ ('\\' | '"' | '/') => out.push(c),
                    // No other escape is worth a second reading of ours.
                    _ => return None,
                },
                '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    chars.next();
                    out.push('\'');
                }
                c if c == quote => return Some((out, at + 1)),
                c => out.push(c),
            }
        }
        None
    }

    /// The members at this indent.
    fn block(&self, lines: &mut &[Line], indent: usize, depth: usize) -> Result<Vec<Member>, Problem> {
        let mut members: Vec<Member> = Vec::new();
        while let Some((line, rest)) = lines.split_first().filter(|(line, _)| line.indent == indent) {
            *lines = rest;
            if members.iter().any(|member| member.name == line.key) {
                let message = format!("{} stands there twice", quoted(&line.key));
                return Err(self.file.problem(&line.span, message, Some("take one of them out")));
            }
            let below = lines.first().map(|next| next.indent).filter(|next| *next > indent);
            let node = match (&line.value, below) {
                (Some(node), None) => match &node.value {
                    Json::Text(text) if is_more_than_text(self.file, node, text) => {
                        return Err(unclear(self.file, &node.span));
                    }
                    _ => node.clone(),
                },
                (None, Some(below)) if depth < MOST_DEPTH => {
                    Node { span: line.span.clone(), value: Json::Object(self.block(lines, below, depth + 1)?) }
                }
                (None, None) => Node { span: line.span.clone(), value: Json::Null },
                (_, Some(_)) => return Err(unclear(self.file, &line.span)),
            };
            members.push(Member { name: line.key.clone(), span: line.span.clone(), node, repeated: false });
        }
        Ok(members)
    }
}

/// Whether a value without quotes is a form of its own: a list, an alias, lines below.
fn is_more_than_text(file: &Text<'_>, node: &Node, text: &str) -> bool {
    let is_plain = file.text.get(node.span.clone()) == Some(text);
    is_plain
        && (text.starts_with(['&', '*', '!', '|', '>', '{', '[', '%', '@', '`', '-', '?', ',']) || text.contains(": "))
}

fn unclear(file: &Text<'_>, span: &Range<usize>) -> Problem {
    let help = "write `key: value` or `key:` with lines further in below it, and names with signs in them in quotes";
    file.problem(span, "this is not understood as a line of the file's head", Some(help))
}
