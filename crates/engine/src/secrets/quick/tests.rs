use proptest::prelude::*;

use super::super::{forms, found, masked, names};
use super::may_hold;

/// What the scans look for, and what stands around it.
const PIECES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "gsk_",
    "AIza",
    "npm_",
    "pypi-",
    "hf_",
    "shpat_",
    "dop_v1_",
    "AGE-SECRET-KEY-",
    "AKIA",
    "ASIA",
    "sk-",
    "eyJ",
    "a.b.c",
    "IOSFODNN7EXAMPLE",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "-----BEGIN ",
    "RSA ",
    "PRIVATE KEY",
    " BLOCK",
    "-----",
    "\n",
    "\\n",
    "MIIE",
    "-----END",
    "password",
    "Passwd",
    "PASSPHRASE",
    "secret",
    "token",
    "api_key",
    "API-KEY",
    "apikey",
    "access_key",
    "accesskey",
    "secret_key",
    "secretkey",
    "private_key",
    "privatekey",
    "auth_key",
    "signing_key",
    "encryption-key",
    "account_key",
    "accountkey",
    "master_key",
    "session_key",
    "credential",
    "credentials",
    "sshpass",
    "DB_PASS",
    "DB_PWD",
    "_pass",
    "-pwd",
    "PWD",
    "X_KEY",
    "x-some-key",
    "key",
    "sig",
    "signature",
    "auth",
    "pass",
    "pwd",
    "?",
    "&",
    "-u",
    "--user",
    "--proxy-user",
    "--pass",
    "bearer",
    "Basic",
    "Bearer ",
    "authorization",
    "Proxy-Authorization",
    "=",
    ": ",
    ":",
    " ",
    "\t",
    "'",
    "\"",
    "\\\"",
    "$",
    "${",
    "}",
    "(",
    "/",
    "://",
    "https://",
    "user:",
    "hunter2",
    "@h",
    "@",
    "!",
    "#",
    ",",
    ".",
    "*",
    "x",
    "Z9",
    "\u{200b}",
    "\u{1}",
    "\u{7f}",
    "\u{b}",
    "é",
    "_",
    "-",
    "--",
    "abc",
    "git status --short",
    "42",
];

/// Pieces put together, some of them cut or in the other case.
fn texts() -> impl Strategy<Value = String> {
    let piece = (0..PIECES.len(), 0..8_u8, 0..40_usize).prop_map(|(at, how, cut)| {
        let piece = PIECES[at];
        match how {
            0 => piece.to_ascii_uppercase(),
            1 => piece.to_ascii_lowercase(),
            2 => piece.chars().take(cut).collect(),
            3 => piece.chars().skip(cut % 4).collect(),
            _ => piece.to_owned(),
        }
    });
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

fn never_none_where_there_is_some(text: &str) {
    assert!(may_hold(text) || found(text).is_empty(), "{text:?} holds {:?}", found(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn it_says_no_only_where_no_scan_finds_any(text in texts()) {
        never_none_where_there_is_some(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nor_in_any_text(text in "[ -~]{0,60}|.{0,30}") {
        never_none_where_there_is_some(&text);
    }
}

/// Every two pieces: what a random text meets once in thousands.
#[test]
fn every_pair_of_pieces_with_something_behind_it() {
    for one in PIECES {
        for other in PIECES {
            for (before, after) in
                [("", ""), (" ", "hunter2hunter2hunter2"), ("?", "=Zabcdefghijklmnopqrstuvwxyz01234567 "), ("x_", "@h")]
            {
                never_none_where_there_is_some(&format!("{before}{one}{other}{after}"));
            }
        }
    }
}

/// Each kind of secret alone, found by the scan that it is for: a condition that is left out shows here.
#[test]
fn one_of_each_kind() {
    let long = "Zabcdefghijklmnopqrstuvwxyz0123456789";
    let mut texts: Vec<String> = forms::PREFIXES.iter().map(|(prefix, _)| format!("{prefix}{long}")).collect();
    texts.extend(names::NAMES.iter().map(|name| format!("x{name}='{long}'")));
    texts.extend(names::IN_QUERY.iter().map(|name| format!("?{name}={long}&")));
    texts.extend(names::USERS.iter().map(|name| format!("{name} ana:{long}")));
    texts.extend(
        ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "eyJa.b.c", "--pass x1y", "ANY_KEY=x", "x-other-key: 'x'"]
            .map(str::to_owned),
    );
    texts.extend([
        format!("sk-{long}"),
        format!("Authorization: Basic {long}"),
        format!("Basic {long}"),
        format!("bearer {long}"),
        format!("https://ana:{long}@h/"),
        "-----BEGIN PRIVATE KEY-----\nMII".to_owned(),
    ]);
    for text in texts {
        assert!(!found(&text).is_empty(), "nothing is found in {text:?}");
        assert_ne!(masked(&text), text);
        never_none_where_there_is_some(&text);
    }
}

#[test]
fn what_most_records_hold_is_passed_over() {
    for text in [
        "allow shell(git status *)",
        "/home/ana/shop/.countersign/policy.toml",
        "0d1f3c5b7a9e0d1f3c5b7a9e0d1f3c5b7a9e0d1f3c5b7a9e0d1f3c5b7a9e0d1f",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "shell: git status --short && git log -1",
        "https://example.com/a?b=1",
        "git@example.com:ana/shop.git",
        "rule",
    ] {
        assert!(!may_hold(text), "{text:?}");
    }
}
