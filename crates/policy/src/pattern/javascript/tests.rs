use super::{compile, units};

fn test(pattern: &str, text: &str) -> Option<bool> {
    compile(pattern).map(|regex| regex.is_match(&units(text)))
}

#[test]
fn what_is_regular_matches_as_in_javascript() {
    for (pattern, text) in [
        ("^status$", "status"),
        ("a.c", "xabcx"),
        ("^a{2,3}$", "aaa"),
        ("^a{,2}$", "a{,2}"),
        ("^}]$", "}]"),
        (r"^\d+\s\w$", "12 x"),
        (r"^[\w.-]+$", "a.b-c"),
        ("^[]a]", ""),
        ("^[^]$", "\n"),
        ("^..$", "😀"),
        ("^😀$", "😀"),
        (r"^\ud83d\ude00$", "😀"),
        ("^(?<name>a|b)+?$", "abab"),
        (r"^\/x\-y\ z\u0041\x42\0$", "/x-y zAB\0"),
        (r"\bgit\b", "a git b"),
        (r"^[\b]$", "\u{8}"),
        (r"^[\D]$", "a"),
        ("", "anything"),
        ("^[a&&b]$", "&"),
        ("^[[:alpha:]]$", "a]"),
    ] {
        let expected = pattern != "^[]a]";
        assert_eq!(test(pattern, text), Some(expected), "{pattern:?} {text:?}");
    }
    for (pattern, text) in
        [("^a$", "a\n"), (".", "\n"), (".", "\u{2028}"), (r"\d", "٣"), (r"\w", "é"), ("^.$", "😀"), (r"\s", "\u{85}")]
    {
        assert_eq!(test(pattern, text), Some(false), "{pattern:?} {text:?}");
    }
}

#[test]
fn what_is_not_regular_or_read_in_two_ways_matches_nothing() {
    for pattern in [
        "(",
        ")",
        "*a",
        "a**",
        "^*",
        "a|*",
        "[a",
        "[b-a]",
        r"\",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        r"(a)\1",
        r"\k<a>",
        "(?i)a",
        "(?i:a)",
        "(?P<a>b)",
        r"\A",
        r"\z",
        r"\a",
        r"\p{L}",
        r"\cA",
        r"\x4",
        r"\u{41}",
        r"\B",
        "a{3,2}",
        "a{1}{2}",
        r"[\d-x]",
        "{2}",
        "a{1000}{1000}",
    ] {
        assert_eq!(test(pattern, "a"), None, "{pattern:?}");
    }
}

#[test]
fn no_expression_takes_long_or_much() {
    assert_eq!(test(&format!("^{}$", "(a*)*".repeat(50)), &"a".repeat(5000)), Some(true));
    assert_eq!(test("^(a+)+$", &format!("{}b", "a".repeat(20_000))), Some(false));
    assert_eq!(test(&"(".repeat(10_000), "a"), None);
    assert_eq!(test("((((a{900}){900}){900}){900})", "a"), None);
    assert_eq!(test(&"a".repeat(20_000), "a"), None);
}
