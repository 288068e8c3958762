//! A look at a text that tells whether it may hold a secret at all. Most hold none, and the scans are dear.
//!
//! It says no only where no scan would find anything; what it does not know at a glance, it leaves to them.

use super::{forms, names};

/// What a byte is to this look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a name or a token, and no more.
    Letter,
    /// The last letter of a beginning without a sign: `AKIA`, `ASIA`, `AIza`, `eyJ`.
    Beginning,
    /// `_` or `-`, with which most beginnings of tokens end.
    Sign,
    /// What ends a name.
    Other,
    /// Control characters and what is not ASCII.
    Unknown,
}

const KINDS: [Kind; 256] = kinds();

#[expect(clippy::indexing_slicing, reason = "every index is below 256, and a wrong one would not compile")]
const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Unknown; 256];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte] = match byte as u8 {
            b'A' | b'a' | b'J' => Kind::Beginning,
            b'_' | b'-' => Kind::Sign,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => Kind::Letter,
            b' '..=b'~' | b'\t' | b'\n' | b'\r' => Kind::Other,
            _ => Kind::Unknown,
        };
        byte += 1;
    }
    kinds
}

/// Whether a scan could find anything in the text.
pub(super) fn may_hold(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Where the name begins that is being read.
    let mut name = 0;
    let mut has_scheme = false;
    for (at, byte) in bytes.iter().enumerate() {
        match KINDS.get(usize::from(*byte)).copied().unwrap_or(Kind::Unknown) {
            Kind::Letter => {}
            Kind::Beginning | Kind::Sign => {
                if bytes.get(..=at).is_some_and(forms::begins) {
                    return true;
                }
            }
            Kind::Other => {
                if name < at && names::is_followed(text, name, at) {
                    return true;
                }
                name = at + 1;
                if *byte == b':' {
                    has_scheme |= bytes.get(at + 1..).is_some_and(|rest| rest.starts_with(b"//"));
                } else if *byte == b'@' && has_scheme {
                    return true;
                }
            }
            Kind::Unknown => return true,
        }
    }
    // A name with nothing behind it names nothing.
    false
}

#[cfg(test)]
mod tests;
