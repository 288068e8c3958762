//! Secrets that are known by where they stand: passwords in URLs.

use super::{Found, Show, is_plain, run_end, value};

/// The password of `https://user:password@host`.
pub(super) fn urls(text: &str, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("://")).map(|found| at + found + 3) {
        let end = run_end(text, start, |c| (is_plain(c) || "!^*,".contains(c)) && c != '/');
        let authority = text.get(start..end).unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some(colon) = user.find(':')
        {
            let stop = start + user.len();
            for piece in value(text, start + colon + 1, usize::MAX) {
                if piece.start < stop {
                    found.push((piece.start..piece.end.min(stop), Show::Ends));
                }
            }
        }
        at = end;
    }
}
