//! Patterns of each dialect as rows of steps.

use super::Step;

pub(super) fn surfsense(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let (step, length) = match c {
            '*' if rest.starts_with("**") => (Step::Run(Some(u32::from('\n'))), 2),
            '*' => (Step::Run(Some(u32::from('/'))), 1),
            c => (Step::One(u32::from(c)), c.len_utf8()),
        };
        steps.push(step);
        rest = rest.get(length..).unwrap_or_default();
    }
    steps
}

/// `*` is any run; `\` takes those of the next characters as they are that can be escaped.
pub(super) fn escaped(pattern: &str, can_be: impl Fn(char) -> bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().filter(|next| c == '\\' && can_be(*next));
        steps.push(match (c, next) {
            (_, Some(next)) => {
                chars.next();
                Step::One(u32::from(next))
            }
            ('*', None) => Step::Run(None),
            (c, None) => Step::One(u32::from(c)),
        });
    }
    steps
}

/// One name of a path. A `[` without its `]` stands for itself; so does a `\` at the very end.
pub(super) fn gitignore(pattern: &str) -> Vec<Step> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        steps.push(match c {
            '*' => Step::Run(None),
            '?' => Step::Any,
            '\\' => {
                let next = chars.get(at).copied();
                at += usize::from(next.is_some());
                Step::One(u32::from(next.unwrap_or('\\')))
            }
            '[' => {
                let negated = matches!(chars.get(at), Some('!' | '^'));
                let after: Vec<char> = chars.get(at + usize::from(negated)..).unwrap_or_default().to_vec();
                let after = if negated { [&['!'][..], &after].concat() } else { after };
                match set(&after) {
                    Some((step, length)) => {
                        at += length;
                        step
                    }
                    None => Step::One(u32::from('[')),
                }
            }
            c => Step::One(u32::from(c)),
        });
    }
    steps
}

pub(super) fn fnmatch(pattern: &str) -> Vec<Step> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        steps.push(match c {
            '*' => Step::Run(None),
            '?' => Step::Any,
            '[' => match set(chars.get(at..).unwrap_or_default()) {
                Some((step, length)) => {
                    at += length;
                    step
                }
                None => Step::One(u32::from('[')),
            },
            c => Step::One(u32::from(c)),
        });
    }
    steps
}

/// A set as `fnmatch.translate` reads what follows `[`, and how much of it; none without a `]`.
fn set(after: &[char]) -> Option<(Step, usize)> {
    let mut from = usize::from(after.first() == Some(&'!'));
    from += usize::from(after.get(from) == Some(&']'));
    let end = from + after.get(from..)?.iter().position(|c| *c == ']')?;
    let inside = after.get(..end)?;
    let mut chunks = chunks(inside);
    // `z-a` is no range: both of its ends are gone, and what stood beside them is together.
    for at in (1..chunks.len()).rev() {
        let (Some(before), Some(chunk)) = (chunks.get(at - 1), chunks.get(at)) else { continue };
        if before.last() > chunk.first() {
            let joined = [before.split_last().map_or(&[][..], |(_, rest)| rest), chunk.get(1..).unwrap_or_default()];
            let joined = joined.concat();
            chunks.remove(at);
            if let Some(place) = chunks.get_mut(at - 1) {
                *place = joined;
            }
        }
    }
    let negated = chunks.first().and_then(|chunk| chunk.first()) == Some(&'!');
    if negated && let Some(first) = chunks.first_mut() {
        first.remove(0);
    }
    let mut ranges: Vec<(u32, u32)> = chunks.iter().flatten().map(|c| (u32::from(*c), u32::from(*c))).collect();
    for (before, chunk) in chunks.iter().zip(chunks.iter().skip(1)) {
        if let (Some(first), Some(last)) = (before.last(), chunk.first()) {
            ranges.push((u32::from(*first), u32::from(*last)));
        }
    }
    Some((Step::Set { negated, ranges }, end + 1))
}

/// What is inside a set, cut at each `-` that makes a range.
fn chunks(inside: &[char]) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut from = 0;
    let mut at = if inside.first() == Some(&'!') { 2 } else { 1 };
    while let Some(found) = inside.get(at..).and_then(|rest| rest.iter().position(|c| *c == '-')) {
        chunks.push(inside.get(from..at + found).unwrap_or_default().to_vec());
        from = at + found + 1;
        at = from + 2;
    }
    match (inside.get(from..).filter(|rest| !rest.is_empty()), chunks.last_mut()) {
        (Some(rest), _) => chunks.push(rest.to_vec()),
        (None, Some(last)) => last.push('-'),
        (None, None) => {}
    }
    chunks
}
