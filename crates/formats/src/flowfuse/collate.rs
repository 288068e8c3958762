//! The order of names in a list, as browsers have it.

use std::cmp::Ordering;

/// Blanks and signs in ASCII in the order of the Unicode collation, before digits and letters.
const SIGNS: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Compares two names: letters without regard to case, then the small ones first.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let base = |name: &str| name.chars().map(rank).collect::<Vec<_>>();
    let case = |name: &str| name.chars().map(char::is_uppercase).collect::<Vec<_>>();
    base(one).cmp(&base(other)).then_with(|| case(one).cmp(&case(other)))
}

fn rank(c: char) -> (usize, char) {
    match SIGNS.chars().position(|sign| sign == c) {
        Some(at) => (at, ' '),
        None => (SIGNS.len(), c.to_lowercase().next().unwrap_or(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn signs_come_before_digits_before_letters_and_small_letters_first() {
        let sorted =
            ["", " a", "_a", "-a", "$", "1", "alpha", "Alpha", "alphb", "Beta", "tool", "Tool", "Tool A", "v1"];
        let mut names = sorted;
        names.reverse();
        names.sort_by(|one, other| compare(one, other));
        assert_eq!(names, sorted);
    }
}
