//! Secrets that are known by their form.

use super::{Found, Show, byte_at, run_end};

/// What issuers begin their tokens with, and how many characters follow at least.
pub(super) const PREFIXES: &[(&str, usize)] = &[
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("gsk_", 20),
    ("AIza", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("hf_", 30),
    ("shpat_", 20),
    ("dop_v1_", 30),
    ("AGE-SECRET-KEY-", 20),
];

/// Tokens with a prefix, access keys and web tokens.
pub(super) fn tokens(text: &str, found: &mut Vec<Found>) {
    // Up to where these need not be tried again: what is behind their beginning was looked at.
    let (mut no_sk, mut no_jwt) = (0, 0);
    let mut at = 0;
    let mut inside = false;
    while let Some(byte) = byte_at(text, at) {
        let mut end = at + 1;
        if byte.is_ascii_alphabetic() && !inside {
            let rest = text.get(at..).unwrap_or_default();
            if let Some(length) = prefixed(rest).or_else(|| access_key(rest)) {
                end = at + length;
                found.push((at..end, Show::Ends));
            } else if at >= no_sk && rest.starts_with("sk-") {
                no_sk = run_end(text, at, is_token);
                if is_random(text.get(at + 3..no_sk).unwrap_or_default()) {
                    end = no_sk;
                    found.push((at..end, Show::Ends));
                }
            } else if at >= no_jwt && rest.starts_with("eyJ") {
                no_jwt = run_end(text, at, |c| is_token(c) || c == '.');
                if text.get(at..no_jwt).unwrap_or_default().bytes().filter(|byte| *byte == b'.').count() >= 2 {
                    end = no_jwt;
                    found.push((at..end, Show::Ends));
                }
            }
        }
        inside = byte.is_ascii_alphanumeric() || end > at + 1;
        at = end;
    }
}

/// Whether a token or a block of a key could have its beginning at the end of this.
pub(super) fn begins(bytes: &[u8]) -> bool {
    match bytes {
        [.., b'-', b'-'] => bytes.ends_with(b"-----"),
        // Before it looks at the prefixes one by one: what they have before their sign.
        [
            ..,
            b'e' | b't' | b'p' | b'o' | b'u' | b's' | b'r' | b'a' | b'b' | b'k' | b'm' | b'i' | b'f' | b'1' | b'Y',
            b'_' | b'-',
        ] => bytes.ends_with(b"sk-") || PREFIXES.iter().any(|(prefix, _)| bytes.ends_with(prefix.as_bytes())),
        [.., b'I', b'A'] => bytes.ends_with(b"AKIA") || bytes.ends_with(b"ASIA"),
        [.., b'z', b'a'] => bytes.ends_with(b"AIza"),
        [.., b'e', b'y', b'J'] => true,
        _ => false,
    }
}

/// The length of the token that the text begins with.
fn prefixed(rest: &str) -> Option<usize> {
    let (prefix, least) =
        PREFIXES.iter().find(|(prefix, _)| byte_at(prefix, 0) == byte_at(rest, 0) && rest.starts_with(prefix))?;
    let end = run_end(rest, 0, is_token);
    (end >= prefix.len() + least).then_some(end)
}

/// An access key of AWS: 20 capitals and digits.
fn access_key(rest: &str) -> Option<usize> {
    let key = rest.get(..20).filter(|key| key.starts_with("AKIA") || key.starts_with("ASIA"))?;
    let capitals = key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let ends = !byte_at(rest, 20).is_some_and(|byte| byte.is_ascii_alphanumeric());
    (capitals && ends).then_some(20)
}

/// Whether what follows `sk-` was not made of words: `sk-learn-contrib-tools` is a name.
fn is_random(rest: &str) -> bool {
    rest.len() >= 16
        && (rest.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            || rest.split(['-', '_']).any(|word| word.len() >= 16))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The lines of private keys between their first line and their last.
pub(super) fn key_blocks(text: &str, found: &mut Vec<Found>) {
    const BEGIN: &str = "-----BEGIN ";
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(BEGIN)).map(|found| at + found + BEGIN.len()) {
        let label_end = run_end(text, start, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
        let label = text.get(start..label_end).unwrap_or_default();
        let is_key = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
        let closed = text.get(label_end..).is_some_and(|rest| rest.starts_with("-----"));
        at = if is_key && closed { block(text, label_end + 5, found) } else { label_end };
    }
}

/// The lines of a block from here on; where they end.
fn block(text: &str, from: usize, found: &mut Vec<Found>) -> usize {
    let mut at = from;
    loop {
        let end = run_end(text, at, |c| c.is_ascii_alphanumeric() || "+/=".contains(c));
        if end > at {
            // `Proc-Type: 4,ENCRYPTED` is no part of the key.
            let is_header = matches!(byte_at(text, end), Some(b'-' | b':'))
                && !text.get(end..).is_some_and(|rest| rest.starts_with("-----"));
            if is_header {
                at = run_end(text, end, |c| c.is_ascii_alphanumeric() || "-:, ".contains(c));
                continue;
            }
            found.push((at..end, Show::Block));
            at = end;
        }
        at += match (byte_at(text, at), byte_at(text, at + 1)) {
            (Some(b'\n' | b'\r' | b' ' | b'\t'), _) => 1,
            // A line break as JSON and C write it.
            (Some(b'\\'), Some(b'n' | b'r')) => 2,
            _ => return at,
        };
    }
}
