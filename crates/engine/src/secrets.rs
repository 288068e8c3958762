//! Secrets in a text that people will read: where they are, and what stands in their place.
//!
//! Found by their form (the prefixes that issuers give their tokens, private key blocks), by what they are named
//! (`password=`, `--token x`) and by where they stand (`Authorization:` headers, passwords in URLs), in the text as it is
//! and in the text without its invisible characters.
//!
//! A mask covers letters, digits and a few harmless signs, nothing else: never a quote, a blank or anything that a shell
//! would act upon. What follows such a sign inside a secret is shown. Every scan is one pass.

use std::borrow::Cow;
use std::ops::Range;

use crate::show::hidden;

mod forms;
mod names;
mod places;
mod quick;

/// Secrets from this length on show how they begin and end, in characters.
const LONG: usize = 18;
const FIRST: usize = 6;
const LAST: usize = 4;

/// Something in a text that is not to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask {
    /// The bytes that it covers.
    pub(crate) range: Range<usize>,
    /// What stands in their place.
    pub(crate) with: String,
}

/// How much of a secret is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Of a long one how it begins and ends.
    Ends,
    /// Nothing.
    Nothing,
    /// Nothing, and that it was a part of a longer one.
    Block,
}

/// A secret and how much of it is shown.
type Found = (Range<usize>, Show);

/// The text with its secrets masked: itself, where there are none.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let masks = find(text);
    if masks.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut shown = 0;
    for mask in masks {
        out.push_str(text.get(shown..mask.range.start).unwrap_or_default());
        out.push_str(&mask.with);
        shown = mask.range.end;
    }
    out.push_str(text.get(shown..).unwrap_or_default());
    Cow::Owned(out)
}

/// The secrets in a text, in its order, apart from each other.
pub(crate) fn find(text: &str) -> Vec<Mask> {
    if quick::may_hold(text) { masks(text) } else { Vec::new() }
}

fn masks(text: &str) -> Vec<Mask> {
    let mut found = found(text);
    found.sort_by_key(|(range, _)| range.start);
    let mut apart: Vec<Found> = Vec::new();
    for (range, show) in found {
        match apart.last_mut().filter(|(last, _)| range.start < last.end) {
            Some((last, how)) => {
                *how = if *last == range && *how == show { show } else { both(*how, show) };
                last.end = last.end.max(range.end);
            }
            None => apart.push((range, show)),
        }
    }
    apart.into_iter().filter_map(|(range, show)| mask(text, range, show)).collect()
}

/// All that the scans find.
fn found(text: &str) -> Vec<Found> {
    let mut found = all(text);
    if text.chars().any(is_invisible) {
        found.extend(behind_invisible(text));
    }
    found
}

/// What is shown of two secrets that overlap.
fn both(one: Show, other: Show) -> Show {
    match (one, other) {
        (Show::Ends, Show::Ends) => Show::Ends,
        (Show::Block, _) | (_, Show::Block) => Show::Block,
        _ => Show::Nothing,
    }
}

/// The mask, if it covers what a mask may cover.
fn mask(text: &str, range: Range<usize>, show: Show) -> Option<Mask> {
    let covered = text.get(range.clone()).filter(|covered| !covered.is_empty() && covered.chars().all(is_plain))?;
    let length = covered.chars().count();
    let with = match show {
        Show::Block => "…redacted…".to_owned(),
        Show::Ends if length >= LONG => {
            let first: String = covered.chars().take(FIRST).collect();
            let last: String = covered.chars().skip(length.saturating_sub(LAST)).collect();
            format!("{first}…{last}")
        }
        Show::Ends | Show::Nothing => "***".to_owned(),
    };
    Some(Mask { range, with })
}

fn all(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    forms::tokens(text, &mut found);
    forms::key_blocks(text, &mut found);
    names::named(text, &mut found);
    places::urls(text, &mut found);
    found
}

/// Secrets that invisible characters cut into pieces: each piece by itself, and nothing of it is shown.
fn behind_invisible(text: &str) -> Vec<Found> {
    let mut seen = String::with_capacity(text.len());
    // For each byte that is seen, where it stands in the text.
    let mut places = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices().filter(|(_, c)| !is_invisible(*c)) {
        seen.push(c);
        places.extend(at..at + c.len_utf8());
    }
    let mut pieces = Vec::new();
    for (range, show) in all(&seen) {
        let bytes = places.get(range).unwrap_or_default();
        let whole = bytes.windows(2).all(|pair| matches!(pair, [one, next] if one + 1 == *next));
        let show = if whole { show } else { both(show, Show::Nothing) };
        for piece in bytes.chunk_by(|one, next| one + 1 == *next) {
            if let (Some(first), Some(last)) = (piece.first(), piece.last()) {
                pieces.push((*first..last + 1, show));
            }
        }
    }
    pieces
}

/// Whether a character could be put into a secret without anybody seeing it. Blanks and line breaks are none: they end
/// words.
fn is_invisible(c: char) -> bool {
    hidden(c) && !c.is_whitespace()
}

/// Whether a mask may cover the character: no shell and no parser acts upon it.
pub(crate) fn is_plain(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "_-./+=~:%@".contains(c) } else { c.is_alphanumeric() && !hidden(c) }
}

/// The secret that begins here, in pieces: what a mask may cover, over signs that passwords have inside. Looks at
/// about `most` bytes.
fn value(text: &str, from: usize, most: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = from;
    loop {
        let end = run_end_within(text, at, from.saturating_add(most), is_plain);
        if end <= at {
            return pieces;
        }
        pieces.push(at..end);
        let inside = text.get(end..).and_then(|rest| rest.chars().next()).is_some_and(|c| "!#^*?,".contains(c));
        if !inside {
            return pieces;
        }
        at = end + 1;
    }
}

/// Where the characters of a kind end that begin here.
fn run_end(text: &str, from: usize, kind: impl Fn(char) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.find(|c| !kind(c)).unwrap_or(rest.len())
}

/// The same, no further than `stop` or the end of the character there.
fn run_end_within(text: &str, from: usize, stop: usize, kind: impl Fn(char) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let other = rest.char_indices().find(|(at, c)| from + at >= stop || !kind(*c));
    from + other.map_or(rest.len(), |(at, _)| at)
}

fn byte_at(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

#[cfg(test)]
mod tests;
