//! Literals with runs of anything between them, looked for in a text as it stands: no program, no allocation.
//!
//! The first literal stands at the start, the last at the end, each of the others at the first place behind the one
//! before it: whatever else would match, that does too. Time is at most the product of both lengths.

/// Which bytes count as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// The same bytes.
    Same,
    /// `\` and `/` too.
    Slash,
    /// `\` and `/`, and ASCII's letters of either case.
    CaseAndSlash,
}

/// Whether the whole of a text matches a pattern in which `*` is any run and all else stands for itself.
pub(super) fn match_runs(pattern: &str, text: &str, alike: Alike) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let Some(first) = pattern.iter().position(|byte| *byte == b'*') else { return alike.all(pattern, text) };
    let Some((head, rest)) = pattern.split_at_checked(first) else { return false };
    let Some((start, text)) = text.split_at_checked(head.len()) else { return false };
    if !alike.all(head, start) {
        return false;
    }
    let last = rest.iter().rposition(|byte| *byte == b'*').unwrap_or_default();
    let Some((middle, tail)) = rest.split_at_checked(last + 1) else { return false };
    let Some((mut text, end)) = text.len().checked_sub(tail.len()).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    if !alike.all(tail, end) {
        return false;
    }
    for literal in middle.split(|byte| *byte == b'*').filter(|literal| !literal.is_empty()) {
        match alike.find(literal, text).and_then(|at| text.get(at + literal.len()..)) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// Whether the whole of a text without line breaks matches a pattern in which `**` is any run and `*` one without `/`.
///
/// There are two places to go on from: the last `*`, and once that meets a `/`, the last `**`.
pub(super) fn match_runs_between_slashes(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    let mut short: Option<(&[u8], &[u8])> = None;
    let mut long: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([], []) => return true,
            ([b'*', b'*', after @ ..], _) => {
                if after.is_empty() {
                    return true;
                }
                (pattern, short, long) = (after, None, Some((after, text)));
            }
            ([b'*', after @ ..], _) => (pattern, short) = (after, Some((after, text))),
            ([wanted, after @ ..], [found, rest @ ..]) if wanted == found => (pattern, text) = (after, rest),
            _ => {
                let further = match (short, long) {
                    (Some((after, [skipped, rest @ ..])), _) if *skipped != b'/' => {
                        short = Some((after, rest));
                        Some((after, rest))
                    }
                    (_, Some((after, [_, rest @ ..]))) => {
                        (short, long) = (None, Some((after, rest)));
                        long
                    }
                    _ => None,
                };
                let Some(further) = further else { return false };
                (pattern, text) = further;
            }
        }
    }
}

impl Alike {
    fn all(self, wanted: &[u8], found: &[u8]) -> bool {
        wanted == found
            || self != Alike::Same
                && wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| self.fold(*wanted) == self.fold(*found))
    }

    /// Where the literal stands first; it is not empty.
    fn find(self, literal: &[u8], text: &[u8]) -> Option<usize> {
        let (first, rest) = literal.split_first()?;
        let first = self.fold(*first);
        let last = text.len().checked_sub(literal.len())?;
        let starts = text.get(..=last)?;
        let mut from = 0;
        loop {
            from += starts.get(from..)?.iter().position(|byte| self.fold(*byte) == first)?;
            let found = text.get(from + 1..from + literal.len())?;
            if self.all(rest, found) {
                return Some(from);
            }
            from += 1;
        }
    }

    fn fold(self, byte: u8) -> u8 {
        match self {
            Alike::Same => byte,
            Alike::Slash if byte == b'\\' => b'/',
            Alike::Slash => byte,
            Alike::CaseAndSlash if byte == b'\\' => b'/',
            Alike::CaseAndSlash => byte.to_ascii_lowercase(),
        }
    }
}
