use proptest::prelude::*;

use super::{is_as_it_reads, masked, masked_lines, printable, printable_lines, written_out};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_stays_as_it_is_need_not_be_written_out(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "\\", "\\\\", "u{", "u{202E}", " ", "                 ", "                                ", "⟨", "9", "9 spaces⟩", "a",
                "git status", "~", "\t", "\u{7f}", "\u{202E}", "\u{301}", "é", "{}", "\u{a0}", "!", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ]),
            0..8,
        ),
        any in ".{0,20}",
    ) {
        for text in [pieces.concat(), any] {
            let mut slow = String::new();
            written_out(&text, &mut slow);
            prop_assert_eq!(printable(&text), slow.clone());
            prop_assert!(!is_as_it_reads(&text) || slow == text);
        }
    }
}

#[test]
fn what_most_records_hold_stays_as_it_is() {
    for text in
        ["git status --short", "/home/ana/shop/.countersign/policy.toml", &" ".repeat(32), "allow shell(x *) u{1}"]
    {
        assert!(is_as_it_reads(text), "{text:?}");
    }
    for text in ["\\u{202E}", "é", "\n", &" ".repeat(33)] {
        assert!(!is_as_it_reads(text), "{text:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_written_out() {
    assert_eq!(printable("ls\u{202E}x\u{200B}"), "ls\\u{202E}x\\u{200B}");
    assert_eq!(printable("a\rb\nc\u{a0}"), "a\\u{D}b\\u{A}c\\u{A0}");
    assert_eq!(printable_lines("a\nb\tc"), "a\nb\\u{9}c");
    assert_eq!(printable("\u{1b}[2K\u{1b}]52;c;eA==\u{7}"), "\\u{1B}[2K\\u{1B}]52;c;eA==\\u{7}");
    assert_eq!(printable("README.md\u{e0063}\u{e0075}"), "README.md\\u{E0063}\\u{E0075}");
}

#[test]
fn an_escape_in_the_text_does_not_read_like_ours() {
    assert_eq!(printable("\\u{202E}"), "\\\\u{202E}");
    assert_eq!(printable("\\n"), "\\n");
    assert_eq!(printable("\\\u{202E}"), "\\\\\\u{202E}");
    // Two backslashes and letters once read like one backslash and the character itself.
    assert_eq!(printable("\\\\u{202E}"), "\\\\\\\\u{202E}");
}

#[test]
fn padding_does_not_push_the_rest_out_of_sight() {
    assert_eq!(printable(&format!("ls{}; rm -rf x", " ".repeat(312))), "ls⟨312 spaces⟩; rm -rf x");
    assert_eq!(
        printable_lines(&format!("ls\n{}rm -rf x\n", "\n  \n".repeat(2000))),
        "ls\n⟨4000 empty lines⟩\nrm -rf x\n"
    );
    assert_eq!(printable(&format!("a{}b", "\t".repeat(500))), "a\\u{9}⟨500 times⟩b");
    let indented = format!("{}x\n\n\ny", " ".repeat(32));
    assert_eq!(printable_lines(&indented), indented);
}

#[test]
fn a_count_in_the_text_does_not_read_like_ours() {
    assert_eq!(printable("ls⟨3 spaces⟩x"), "ls\\u{27E8}3 spaces⟩x");
    assert_eq!(printable("⟨ψ|φ⟩"), "⟨ψ|φ⟩");
}

#[test]
fn floods_of_accents_are_written_out_and_ordinary_ones_are_not() {
    let flood = format!("a{}b", "\u{336}".repeat(900));
    assert_eq!(printable(&flood), format!("a{}\\u{{336}}⟨896 times⟩b", "\u{336}".repeat(4)));
    for ordinary in ["а\u{301}", "Vie\u{323}\u{302}t", "naïve café – 漢字 😀", "ที่นี่"] {
        assert_eq!(printable(ordinary), ordinary);
    }
    // An accent changes how syntax looks.
    assert_eq!(printable("a;\u{338} b|\u{20d2}"), "a;\\u{338} b|\\u{20D2}");
}

#[test]
fn every_text_can_be_read_back() {
    // No two of these read alike.
    let pieces = ["\\", "u{202E}", "\u{202E}", "⟨9 times⟩", "\u{202E}\u{202E}\u{202E}", " ", "u", "{", "\u{301}"];
    let mut seen = std::collections::BTreeMap::new();
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = format!("{a}{b}{c}{a}");
                if let Some(other) = seen.insert(printable(&text), text.clone()) {
                    assert_eq!(other, text);
                }
            }
        }
    }
}

/// What OpenClaw 2026.9.6 shows (recorded from `sanitizeExecApprovalDisplayTextWithStatus`), where ours agrees.
#[test]
fn as_openclaw_shows_it() {
    let agreed = [
        ("git status", "git status"),
        ("a\u{200d}b", "a\\u{200D}b"),
        ("a\u{feff}b", "a\\u{FEFF}b"),
        ("a\tb", "a\\u{9}b"),
        ("a\nb", "a\\u{A}b"),
        ("a\0b", "a\\u{0}b"),
        ("a\u{2003}b", "a\\u{2003}b"),
        ("a\u{2028}b", "a\\u{2028}b"),
        ("a\u{115f}b", "a\\u{115F}b"),
        ("a\u{3164}b", "a\\u{3164}b"),
        ("a\u{ffa0}b", "a\\u{FFA0}b"),
        ("a\u{ad}b", "a\\u{AD}b"),
        ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
        ("raw é 漢字 😀", "raw é 漢字 😀"),
        (
            "curl -H \"Authorization: Bearer abcdefghijklmnopqrstuvwxyz\"",
            "curl -H \"Authorization: Bearer abcdef…wxyz\"",
        ),
        ("token=short", "token=***"),
        ("export OPENAI_API_KEY=\"sk-proj-abcdefghijklmnopqrstuvwxyz123456\"", "export OPENAI_API_KEY=\"sk-pro…3456\""),
        ("sk-abc\u{200b}defghijklmnopqrstuvwxyz123456", "***\\u{200B}***"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_ab…6789"),
        ("ghp_abc\u{200b}defghijklmnopqrstuvwxyz0123456789", "***\\u{200B}***"),
        ("password=hunter2", "password=***"),
        ("https://u:p@h/x?token=abcdefabcdefabcdef&x=1", "https://u:***@h/x?token=abcdef…cdef&x=1"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIO…MPLE"),
        ("xoxb-123456789012-abcdefghijkl", "xoxb-1…ijkl"),
        ("echo $API_KEY", "echo $API_KEY"),
        (
            "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\u{A}…redacted…\\u{A}-----END PRIVATE KEY-----",
        ),
    ];
    for (text, shown) in agreed {
        assert_eq!(masked(text), shown, "{text:?}");
    }
    // Where it does not: theirs hides the end of an expansion, and cuts at 16 KiB.
    assert_eq!(masked("echo ${API_KEY:-x}"), "echo ${API_KEY:-x}");
    assert_eq!(masked_lines("a\r\nb"), "a\\u{D}\nb");
}
