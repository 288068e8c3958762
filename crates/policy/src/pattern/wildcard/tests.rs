use proptest::prelude::*;

use super::{Dialect, Wildcard, steps};

fn matches(dialect: Dialect, pattern: &str, text: &str) -> bool {
    Wildcard::compile(dialect, pattern).matches(text)
}

#[test]
fn opencode() {
    let posix = Dialect::OpenCode { windows: false };
    for (pattern, text) in [
        ("git *", "git"),
        ("git *", "git "),
        ("git *", "git a\nb"),
        ("git  *", "git "),
        (" *", ""),
        ("* *", "x"),
        ("src/*", "src\\a/b"),
        ("a?", "a\n"),
        ("??", "😀"),
        ("", ""),
        ("a[b]", "a[b]"),
    ] {
        assert!(matches(posix, pattern, text), "{pattern:?} {text:?}");
    }
    for (pattern, text) in [
        ("git *", "gitx"),
        ("git *", "git\tx"),
        ("git **", "git"),
        ("?", "😀"),
        ("**/.env", ".env"),
        ("A", "a"),
        ("a", ""),
    ] {
        assert!(!matches(posix, pattern, text), "{pattern:?} {text:?}");
    }
    let windows = Dialect::OpenCode { windows: true };
    assert!(matches(windows, "GIT *", "git push") && matches(windows, "é", "É"));
    assert!(!matches(windows, "s", "ſ") && !matches(windows, "k", "\u{212a}") && !matches(windows, "ss", "ß"));
}

#[test]
fn surfsense() {
    let dialect = Dialect::SurfSense;
    for (pattern, text) in
        [("*", "a/b\nc"), ("a*", "a\nb"), ("a**", "a/b"), ("a", "a\n"), ("a?", "a?"), ("**", "a\n"), ("***", "a")]
    {
        assert!(matches(dialect, pattern, text), "{pattern:?} {text:?}");
    }
    for (pattern, text) in [("a*", "a/b"), ("a**", "a\nb"), ("a *", "a"), ("a", "a\n\n"), ("a?", "ab")] {
        assert!(!matches(dialect, pattern, text), "{pattern:?} {text:?}");
    }
}

#[test]
fn fnmatch() {
    for (pattern, text) in [
        ("*.gov", "a/b.gov"),
        ("a?c", "a\nc"),
        ("[ab]", "a"),
        ("[!ab]", "c"),
        ("[]", "[]"),
        ("[!]", "[!]"),
        ("[]]", "]"),
        ("[!]]", "a"),
        ("[[]", "["),
        ("[a-c]", "b"),
        ("[a-]", "-"),
        ("[-a]", "-"),
        ("[!a-c]", "d"),
        ("[^a]", "^"),
        ("[\\]", "\\"),
        ("[a&&b]", "&"),
        ("a[b", "a[b"),
        ("[a-c-e]", "-"),
    ] {
        assert!(matches(Dialect::Fnmatch, pattern, text), "{pattern:?} {text:?}");
    }
    for (pattern, text) in
        [("[ab]", "c"), ("[!ab]", "a"), ("[z-a]", "m"), ("[z-a]", "z"), ("a", "A"), ("[a-c]", "-"), ("[^a]", "b")]
    {
        assert!(!matches(Dialect::Fnmatch, pattern, text), "{pattern:?} {text:?}");
    }
}

const DIALECTS: [Dialect; 7] = [
    Dialect::Exact,
    Dialect::OpenCode { windows: false },
    Dialect::OpenCode { windows: true },
    Dialect::SurfSense,
    Dialect::Fnmatch,
    Dialect::ClaudeCode,
    Dialect::Gitignore,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 8000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn literals_and_runs_lead_where_the_steps_do(
        dialect in prop::sample::select(&DIALECTS[..]),
        pattern in "([ab/\\\\ Kk]|\\*|\n|\u{e9}){0,8}",
        text in "[ab/\\\\ Kk\n\u{e9}\u{c9}\u{212a}\u{1f600}]{0,10}",
    ) {
        let wildcard = Wildcard::compile(dialect, &pattern);
        let walked = wildcard.matches_by_steps(&steps(dialect, &pattern), &text);
        prop_assert_eq!(wildcard.matches(&text), walked);
    }
}

#[test]
fn many_stars_stay_polynomial() {
    for dialect in [Dialect::OpenCode { windows: false }, Dialect::SurfSense, Dialect::Fnmatch] {
        assert!(!matches(dialect, &"*a".repeat(500), &"a".repeat(499).replace("aa", "ab")));
    }
}
