//! Patterns that are written as another system, a shell or a regular expression has them. They stand for themselves here,
//! and so match nothing that anybody meant.
//!
//! A backslash before the character in question says that it is meant, and ends the warning.

use super::{Part, Warning};
use crate::action::Action;
use crate::document::{language, quoted};
use crate::pattern::Pattern;
use crate::rule::{Rule, Selector};

/// What a pattern looks like, and what to write.
type Look = (String, String);

pub(super) fn warnings(position: usize, rule: &Rule) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut add = |part, look: Option<Look>| {
        warnings.extend(look.map(|(message, help)| Warning { rule: position, part, message, help }));
    };
    if matches!(rule.selector, Selector::Mcp { .. } | Selector::Tool(_)) {
        let name = rule.origin.text.split('(').next().unwrap_or_default();
        add(Part::Selector, expression(name, true).or_else(|| sets(name)));
    }
    let Some(language) = language(&rule.selector) else { return warnings };
    let look = |pattern: &Pattern| if pattern.is_native() { look(&language, pattern.as_str()) } else { None };
    for (at, pattern) in rule.patterns.iter().enumerate() {
        add(Part::Pattern(at), look(pattern));
    }
    for (at, pattern) in rule.unless.iter().enumerate() {
        add(Part::Exception(at), look(pattern));
    }
    warnings
}

/// What the pattern looks like, if it does not look like one of ours. The first thing that is found is told.
fn look(language: &Action, text: &str) -> Option<Look> {
    match language {
        Action::Shell => anchors(text)
            .or_else(|| negation(text))
            .or_else(|| prefix(text))
            .or_else(|| text.split(' ').find_map(word_looks)),
        Action::Read | Action::Edit | Action::Delete | Action::Search => path_looks(text),
        Action::Fetch => domain(text).or_else(|| expression(text, true)).or_else(|| host_sets(text)),
        _ => expression(text, true).or_else(|| sets(text)),
    }
}

fn path_looks(text: &str) -> Option<Look> {
    if let Some(rest) = text.strip_prefix("//") {
        let help = format!("write {}", quoted(&format!("/{rest}")));
        return Some(("`//` begins an absolute path in Claude's rules, and here `/` does".to_owned(), help));
    }
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") {
        let message = format!("the home of another user is not looked up: {} stands for itself", quoted(text));
        return Some((message, "write the whole path, `/home/...`, or `\\~` if a name begins with it".to_owned()));
    }
    if text.ends_with(" *") && !text.ends_with("\\ *") {
        let help = "write `**` for what is below a folder, or `\\ *` if the names have that space";
        return Some(("the space belongs to the path: ` *` takes no further words here".to_owned(), help.to_owned()));
    }
    let drive = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1..).is_some_and(|rest| rest.starts_with(":\\") || rest.starts_with(":/"));
    if drive {
        let message = "drive letters are not known here: paths begin with `/`, `~/` or a name in the workspace";
        return Some((message.to_owned(), "write the path as calls have it".to_owned()));
    }
    negation(text)
        .or_else(|| variable(text))
        .or_else(|| expression(text, false))
        .or_else(|| text.split('/').find_map(|name| (name == ".*").then(any_dotfile)))
        .or_else(|| backslash(text))
        .or_else(|| sets(text))
}

fn word_looks(word: &str) -> Option<Look> {
    // Programs of their own, git's `HEAD@{1}` and what find and xargs fill in.
    let own = ["[", "[[", "{}", "?"].contains(&word) || word.contains("@{") || word.contains("://");
    if own {
        return None;
    }
    let dots = (word == ".*").then(any_dotfile);
    dots.or_else(|| variable(word)).or_else(|| classes(word)).or_else(|| backslash(word)).or_else(|| sets(word))
}

fn any_dotfile() -> Look {
    let message = "`.*` stands for names that begin with a dot, not for any text".to_owned();
    (message, "write `*` for any text, or `\\.*` if such names are meant".to_owned())
}

/// `!src/secret`, as ignore files have it.
fn negation(text: &str) -> Option<Look> {
    let rest = text.strip_prefix('!').filter(|rest| !rest.is_empty() && !rest.starts_with(' '))?;
    let help = format!("write {} into the rule's `unless`, or `\\!` if a name begins with it", quoted(rest));
    Some(("`!` takes nothing out: it stands for itself".to_owned(), help))
}

/// `git diff:*`, Claude's prefix.
fn prefix(text: &str) -> Option<Look> {
    let before = text.strip_suffix(":*").filter(|before| !before.ends_with('\\'))?;
    let message = "`:*` at the end is Claude's way to say any arguments, and here the colon stands for itself";
    let help = format!("write {}, or `\\:*` if the colon is meant", quoted(&format!("{before} *")));
    Some((message.to_owned(), help))
}

/// `domain:docs.rs`, Claude's.
fn domain(text: &str) -> Option<Look> {
    let host = text.strip_prefix("domain:")?;
    Some(("`domain:` is Claude's, and here it is part of the host".to_owned(), format!("write {}", quoted(host))))
}

/// `$HOME`, `${HOME}`, `%USERPROFILE%`.
fn variable(text: &str) -> Option<Look> {
    let found = unescaped(text, '$')
        .filter(|(_, rest)| rest.starts_with(|c: char| c == '_' || c == '{' || c.is_ascii_alphabetic()));
    let end = |c: char| c != '_' && !c.is_ascii_alphanumeric();
    let name = match found {
        Some((_, rest)) => {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            rest.get(..rest.find(end).unwrap_or(rest.len()))
        }
        None => text
            .split('%')
            .skip(1)
            .step_by(2)
            .find(|name| name.len() > 3 && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase())),
    }?;
    let help = match name {
        "HOME" | "USERPROFILE" => "write `~/` in a path".to_owned(),
        "PWD" | "CLAUDE_PROJECT_DIR" | "workspaceFolder" | "workspaceRoot" => {
            "leave it out: a path that begins with a name is in the workspace".to_owned()
        }
        _ => "write what it stands for, or a backslash before it if it is meant".to_owned(),
    };
    Some((format!("variables are not looked up: {} stands for itself", quoted(name)), help))
}

/// `^git`, `\.rs$`, and with `anywhere` the `.*` that other texts than paths have no use for.
fn expression(text: &str, anywhere: bool) -> Option<Look> {
    anchors(text).or_else(|| classes(text)).or_else(|| (anywhere && text.contains(".*")).then(regular))
}

fn anchors(text: &str) -> Option<Look> {
    let end = text.strip_suffix('$').is_some_and(|before| !before.is_empty() && !before.ends_with(['\\', ' ']));
    (text.starts_with('^') || end || text.ends_with(".+")).then(regular)
}

/// `\d`, `\w+`, `\s*`.
fn classes(text: &str) -> Option<Look> {
    let class = |rest: &str| {
        rest.starts_with(['d', 'D', 'w', 'W', 's', 'S', 'b'])
            && !rest.get(1..).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        rest = rest.get(at + 1..)?;
        if class(rest) {
            return Some(regular());
        }
        let mut after = rest.chars();
        after.next();
        rest = after.as_str();
    }
    None
}

fn regular() -> Look {
    let message = "this looks like a regular expression, and patterns are none: `*` alone is any text".to_owned();
    (message, "write what matches with `*`, and a backslash before what stands for itself".to_owned())
}

/// `src\main.rs`.
fn backslash(text: &str) -> Option<Look> {
    let (_, rest) = text.split_once('\\')?;
    rest.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| {
        let help = format!("write {}", quoted(&text.replace('\\', "/")));
        ("a backslash takes the next character as it is, and parts no folders".to_owned(), help)
    })
}

/// Sets of hosts; brackets are also around addresses, and `?` begins a query.
fn host_sets(text: &str) -> Option<Look> {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().unwrap_or_default();
    if host.contains(':') { None } else { sets(host) }
}

/// `?`, `[a-z]`, `{a,b}`. Of `{a,b}` a rule's list of patterns leaves `{a`.
fn sets(text: &str) -> Option<Look> {
    if let Some((_, rest)) = unescaped(text, '{')
        && rest.split_once('}').is_none_or(|(inside, _)| inside.contains(',') || inside.contains(".."))
    {
        let message = "`{` begins no list of choices: it stands for itself, and a comma parts two patterns".to_owned();
        return Some((message, "write one pattern for each choice, or `\\{` if it is meant".to_owned()));
    }
    if let Some((_, rest)) = unescaped(text, '[')
        && rest.contains(']')
    {
        let message = "`[` begins no set of characters: it stands for itself".to_owned();
        return Some((message, "write one pattern for each, or `*`; `\\[` if it is meant".to_owned()));
    }
    unescaped(text, '?').map(|_| {
        let message = "`?` stands for itself, not for any character".to_owned();
        (message, "write `*` for any run of characters, or `\\?` if it is meant".to_owned())
    })
}

/// The first of this character that no backslash escapes, with what is before and behind it.
fn unescaped(text: &str, wanted: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == wanted && !escaped {
            return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}
