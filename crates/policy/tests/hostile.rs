//! No text panics: policy files, patterns, JSON, made up at random and from parts that mean something.

use countersign_policy::document::parse;
use countersign_policy::json::parse_strict;
use countersign_policy::pattern::{Case, Glob, Pattern};
use countersign_policy::{Action, SourceKind};
use proptest::prelude::*;

fn parts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "allow",
            "ask",
            "deny",
            "=",
            " = [",
            "]",
            "[",
            "[[",
            "]]",
            "{",
            "}",
            "\"",
            "'",
            "\"\"\"",
            "'''",
            "\n",
            ",",
            ".",
            "#",
            "\\",
            "rule = ",
            "why = ",
            "unless = ",
            "when = ",
            "expires = 2027-01-01",
            "[ceiling]",
            "[agents.Explore]",
            "[agents.\"",
            "descendants = \"only\"",
            "[tools.\"a/b\"]",
            "examples",
            "\"shell(git *)\"",
            "\"read(**)\"",
            "shell(",
            ")",
            "\\(",
            "@write",
            "a/@read",
            "tool:",
            "*",
            "**",
            "~/",
            "/",
            "..",
            "https://",
            "\u{202E}",
            "é",
            "\u{1F600}",
            "\0",
            "\t",
            "\r\n",
            "\u{FEFF}",
            "prefix_rule(",
            "default = \"deny\"",
            "max-open = 9",
            "repeats = \"never\"",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn kind() -> impl Strategy<Value = SourceKind> {
    prop::sample::select(vec![SourceKind::Builtin, SourceKind::Managed, SourceKind::User, SourceKind::Project])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_policy_file_is_read_or_refused_with_reports(kind in kind(), text in parts()) {
        if let Err(problems) = parse(kind, "a file", &text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                let report = problem.render(&text);
                prop_assert!(!report.chars().any(|c| c.is_control() && c != '\n'), "{report:?}");
                // Another text than the one that was read: it changed on the disk in between.
                let _ = problem.render("é\n");
            }
        }
    }

    #[test]
    fn a_rule_is_compiled_or_refused(rule in parts()) {
        let text = format!("deny = [{}]", toml::Value::String(rule));
        if let Err(problems) = parse(SourceKind::User, "a file", &text) {
            for problem in problems {
                prop_assert!(problem.span.end <= text.len() && text.get(problem.span.clone()).is_some());
                let _ = problem.render(&text);
            }
        }
    }

    #[test]
    fn a_pattern_is_compiled_or_refused(text in parts()) {
        for name in Action::BUILTIN {
            let _ = Pattern::parse(&Action::builtin(name).unwrap(), &text);
        }
    }

    #[test]
    fn a_glob_ends(pattern in "[a*\\\\]{0,40}", text in "[ab]{0,40}") {
        let glob = Glob::compile(&pattern);
        let _ = glob.matches(&text, Case::Fold);
        if let Some(literal) = glob.literal() {
            prop_assert!(glob.matches(&literal, Case::Exact));
            prop_assert_eq!(glob.matches(&text, Case::Exact), literal == text);
        }
    }

    #[test]
    fn bytes_are_json_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse_strict(&bytes);
    }

    #[test]
    fn what_is_read_strictly_is_what_others_read(text in "[\\[\\]{}\",:0-9eE.+\\-\\\\u ad]{0,30}") {
        if let Ok(value) = parse_strict(text.as_bytes()) {
            prop_assert_eq!(Some(value), serde_json::from_str::<serde_json::Value>(&text).ok());
        }
    }
}

/// What a person writes is not needed to be deep, and deep nesting must not exhaust the stack.
#[test]
fn deep_nesting_is_refused() {
    for text in [
        "[".repeat(200_000),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        "a.".repeat(200_000),
    ] {
        assert!(parse(SourceKind::User, "a file", &text).is_err());
    }
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(parse(SourceKind::User, "a file", &dotted).is_err());
}
