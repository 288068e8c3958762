//! The text of a rule: `selector` or `selector(pattern, pattern)`.

use std::ops::Range;

use super::keys::nearest;
use super::others;
use super::problem::quoted;
use crate::action::{Action, Class};
use crate::effect::Effect;
use crate::pattern::{Pattern, TextPattern};
use crate::rule::Selector;

/// What a rule's text says.
pub(super) struct Speech {
    pub(super) selector: Selector,
    pub(super) patterns: Vec<Pattern>,
}

/// What is wrong with a rule's text, and which bytes of it.
pub(super) struct Fault {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { range, message: message.into(), help: Some(help.into()) }
    }
}

/// Compiles a rule's text; what is wrong with it is appended to `faults`.
pub(super) fn compile(text: &str, effect: Effect, faults: &mut Vec<Fault>) -> Option<Speech> {
    let open = unescaped(text, |byte| byte == b'(');
    let name = text.get(..open.unwrap_or(text.len())).unwrap_or(text);
    let selector = match selector(name, text, effect) {
        Ok(selector) => selector,
        Err(fault) => {
            faults.push(fault);
            return None;
        }
    };
    let Some(open) = open else { return Some(Speech { selector, patterns: Vec::new() }) };
    let inside = match text.get(open + 1..).and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) if !ends_escaped(inside) => inside,
        _ => {
            let help = "close it with `)`; inside a pattern a bracket is written `\\(` and `\\)`";
            faults.push(Fault::new(open..text.len(), "the bracket is not closed at the end of the rule", help));
            return None;
        }
    };
    let Some(language) = language(&selector) else {
        let help = format!("write {} alone", quoted(name));
        faults.push(Fault::new(open..text.len(), format!("{} takes no patterns", quoted(name)), help));
        return None;
    };
    let before = faults.len();
    let mut patterns = Vec::with_capacity(1);
    for (offset, piece) in (Pieces { rest: Some(inside), offset: open + 1 }) {
        if let Some(pattern) = pattern(&language, piece, offset, name, faults) {
            patterns.push(pattern);
        }
    }
    (faults.len() == before).then_some(Speech { selector, patterns })
}

/// Compiles one pattern of a rule about `name`, which begins at `offset`.
pub(super) fn pattern(
    language: &Action,
    piece: &str,
    offset: usize,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<Pattern> {
    if piece.is_empty() {
        let help = format!("write a pattern, or {} alone for all of it", quoted(name));
        faults.push(Fault::new(offset..offset, "a pattern is empty", help));
        return None;
    }
    if let Some(at) = unescaped(piece, |byte| matches!(byte, b'(' | b')')) {
        let bracket = piece.get(at..at + 1).unwrap_or_default();
        let message = format!("a bracket inside a pattern needs a backslash: `\\{bracket}`");
        let help = format!("write `\\{bracket}`; in a TOML text in double quotes `\\\\{bracket}`");
        faults.push(Fault::new(offset + at..offset + at + 1, message, help));
        return None;
    }
    match Pattern::parse(language, piece) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let from = offset + error.offset.min(piece.len());
            let rest = piece.get(error.offset..).unwrap_or("");
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            faults.push(Fault { range: from..from + length, message: error.message, help: None });
            None
        }
    }
}

/// The action whose resources a selector's patterns are about; `None`: it takes none.
pub(crate) fn language(selector: &Selector) -> Option<Action> {
    match selector {
        Selector::Action(Action::Mcp { .. } | Action::Tool(_)) | Selector::Mcp { .. } | Selector::Tool(_) => {
            Some(Action::Tool(String::new()))
        }
        Selector::Action(action) => Some(action.clone()),
        Selector::Every | Selector::Class { .. } | Selector::Named(_) => None,
    }
}

/// The bytes of a rule's text in which its selector stands, and each of its patterns.
pub(crate) fn ranges(text: &str) -> (Range<usize>, Vec<Range<usize>>) {
    let Some(open) = unescaped(text, |byte| byte == b'(') else { return (0..text.len(), Vec::new()) };
    let inside = text.get(open + 1..).and_then(|rest| rest.strip_suffix(')'));
    let pieces = Pieces { rest: inside, offset: open + 1 };
    (0..open, pieces.map(|(offset, piece)| offset..offset + piece.len()).collect())
}

fn selector(name: &str, whole: &str, effect: Effect) -> Result<Selector, Fault> {
    if let Some(action) = Action::builtin(name) {
        return Ok(Selector::Action(action));
    }
    let range = 0..name.len();
    let fault = |message: String, help: &str| Err(Fault::new(range.clone(), message, help));
    if name.is_empty() {
        return fault("the rule names no action".to_owned(), "write for example `shell(git status *)`");
    }
    if name == "*" {
        if effect == Effect::Allow {
            return fault(
                "`*` stands for every action, and only an ask or a deny may say that".to_owned(),
                "name the actions: `read(**)`, `edit(src/**)`, `shell(cargo test *)`",
            );
        }
        return Ok(Selector::Every);
    }
    if let Some((whose, ours)) = others::rule(whole) {
        return Err(Fault::new(0..whole.len(), format!("{} is {whose}", quoted(whole)), format!("write `{ours}`")));
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let help = if name.trim() != name {
            "take the space away"
        } else if whole.contains(|c: char| c.is_control() || "()\\".contains(c)) {
            "write `shell(...)` if it is a command"
        } else {
            let help = format!("write `shell({whole})` if it is a command");
            return Err(Fault::new(range, format!("{} names no action", quoted(name)), help));
        };
        return Err(Fault::new(range, format!("{} names no action", quoted(name)), help));
    }
    if let Some(class) = name.strip_prefix('@') {
        return Ok(Selector::Class { group: None, class: self::class(class, 1)? });
    }
    if let Some(tool) = name.strip_prefix("tool:") {
        if tool.is_empty() {
            return fault("the tool's name is missing".to_owned(), "write `tool:NAME`, or `tool:*` for all");
        }
        let pattern = TextPattern::new(tool);
        return Ok(match pattern.literal() {
            Some(tool) => Selector::Action(Action::Tool(tool)),
            None => Selector::Tool(pattern),
        });
    }
    if let Some((server, tool)) = name.split_once('/') {
        if server.is_empty() || tool.is_empty() {
            return fault(
                format!("{} names no tool of a server", quoted(name)),
                "write `server/tool`, or `server/*` for all of its tools",
            );
        }
        if let Some(class) = tool.strip_prefix('@') {
            let class = self::class(class, server.len() + 2)?;
            return Ok(Selector::Class { group: Some(TextPattern::new(server)), class });
        }
        let (server, tool) = (TextPattern::new(server), TextPattern::new(tool));
        return Ok(match (server.literal(), tool.literal()) {
            (Some(server), Some(tool)) => Selector::Action(Action::Mcp { server, tool }),
            _ => Selector::Mcp { server, tool },
        });
    }
    let message = format!("{} is no action", quoted(name));
    match nearest(Action::BUILTIN, name) {
        Some(near) => fault(message, &format!("did you mean `{near}`?")),
        None => fault(
            message,
            "write shell, read, edit, delete, fetch, search, agent, `server/tool`, `tool:NAME`, `@class` or \
             `group/@class`",
        ),
    }
}

fn class(word: &str, at: usize) -> Result<Class, Fault> {
    Class::named(word).ok_or_else(|| {
        let message = format!("{} is no class", quoted(&format!("@{word}")));
        Fault::new(at - 1..at + word.len(), message, "write `@read`, `@write` or `@delete`")
    })
}

/// The patterns of a list, with their offsets, trimmed; a comma that a backslash escapes does not split.
struct Pieces<'a> {
    rest: Option<&'a str>,
    offset: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = self.rest?;
        let offset = self.offset;
        let (piece, after) = match unescaped(rest, |byte| byte == b',') {
            Some(at) => (rest.get(..at).unwrap_or(rest), rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = after;
        self.offset += piece.len() + 1;
        let start = piece.trim_start();
        let mut trimmed = start.trim_end();
        // A space that a backslash escapes belongs to the pattern.
        if ends_escaped(trimmed)
            && let Some(next) = start.get(trimmed.len()..).and_then(|cut| cut.chars().next())
        {
            trimmed = start.get(..trimmed.len() + next.len_utf8()).unwrap_or(trimmed);
        }
        Some((offset + (piece.len() - start.len()), trimmed))
    }
}

/// The first place of a wanted ASCII character that no backslash escapes.
fn unescaped(text: &str, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let found = !escaped && wanted(byte);
        escaped = byte == b'\\' && !escaped;
        found
    })
}

/// Whether a text ends in a backslash that escapes what follows.
fn ends_escaped(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}
