//! The examples in `match` and `not_match`.

use std::collections::HashMap;
use std::ops::Range;

use countersign_policy::document::quoted;
use countersign_policy::pattern::plain_path;

use super::compile;
use super::rules::HostExecutable;
use super::starlark::Stop;

/// The commands that a rule must match, and those that it must not.
pub(super) struct Examples {
    pub(super) pattern: Vec<Vec<String>>,
    /// Each with whether it must match.
    pub(super) commands: Vec<(Vec<String>, bool)>,
    pub(super) span: Range<usize>,
}

/// The examples that do not hold. Each is checked against its own rule alone, programs also by their names.
pub(super) fn failed(examples: &[Examples], hosts: &[HostExecutable]) -> Vec<Stop> {
    let hosts = compile::hosts(hosts);
    let mut found = Vec::new();
    for Examples { pattern, commands, span } in examples {
        for (words, holds) in commands {
            if matches(pattern, words, &hosts) != *holds {
                let shown = quoted(&words.join(" "));
                let message = if *holds {
                    format!("the rule does not match {shown}, which stands in `match`")
                } else {
                    format!("the rule matches {shown}, which stands in `not_match`")
                };
                found.push(Stop { span: span.clone(), message, help: None });
            }
        }
    }
    found
}

/// Whether a rule speaks of a command, as Codex has it: of a program at any path, where nothing says which paths count.
fn matches(pattern: &[Vec<String>], words: &[String], hosts: &HashMap<&str, &[String]>) -> bool {
    let (Some((programs, rest)), Some((program, words))) = (pattern.split_first(), words.split_first()) else {
        return false;
    };
    let by_name = || {
        let Some(path) = plain_path(program) else { return false };
        let Some(name) = path.rsplit('/').next().filter(|name| !name.is_empty()) else { return false };
        programs.iter().any(|program| program == name) && hosts.get(name).is_none_or(|paths| paths.contains(&path))
    };
    words.len() >= rest.len()
        && rest.iter().zip(words).all(|(wanted, word)| wanted.contains(word))
        && (programs.contains(program) || by_name())
}

/// A line in words, as a POSIX shell splits it: quotes and backslashes, comments; nothing is expanded. None where a quote
/// is not closed or a backslash is last.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => while chars.next().is_some_and(|c| c != '\n') {},
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('$' | '`' | '"' | '\\') => word.push(c),
                            '\n' => {}
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => match chars.next()? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn lines_are_split_as_a_shell_does() {
        for (line, words) in [
            ("git  push\torigin", &["git", "push", "origin"][..]),
            ("echo 'a b'c \"d \\\"e\\\" \\x\"", &["echo", "a bc", "d \"e\" \\x"]),
            ("a\\ b \\'", &["a b", "'"]),
            ("a '' \"\"", &["a", "", ""]),
            ("a # b\nc d#e", &["a", "c", "d#e"]),
            ("a\\\nb", &["ab"]),
            ("  ", &[]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for line in ["a '", "a \"", "a \\", "\"a\\"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
