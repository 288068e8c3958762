//! The examples in `match` and `not_match`.

use std::ops::Range;

use countersign_policy::Word;
use countersign_policy::document::quoted;
use countersign_policy::pattern::{Case, PrefixPattern};

use super::compile::{Place, patterns};
use super::rules::HostExecutable;
use super::starlark::Stop;

/// A command that a rule must match, or must not.
pub(super) struct Example {
    pub(super) words: Vec<String>,
    pub(super) holds: bool,
    pub(super) pattern: Vec<Vec<String>>,
    pub(super) span: Range<usize>,
}

/// The examples that do not hold. Each is checked against its own rule alone, programs also by their names.
pub(super) fn failed(examples: &[Example], hosts: &[HostExecutable]) -> Vec<Stop> {
    let mut found = Vec::new();
    for example in examples {
        let words: Vec<Word> = example.words.iter().map(Word::data).collect();
        let matches = |pattern: PrefixPattern| pattern.matches(&words, Case::Fold);
        let exact = patterns(&example.pattern, hosts, Place::Exact).any(matches);
        let matched = exact || patterns(&example.pattern, hosts, Place::ByName).any(matches);
        if matched != example.holds {
            let shown = quoted(&example.words.join(" "));
            let message = if matched {
                format!("the rule matches {shown}, which stands in `not_match`")
            } else {
                format!("the rule does not match {shown}, which stands in `match`")
            };
            found.push(Stop { span: example.span.clone(), message, help: None });
        }
    }
    found
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
