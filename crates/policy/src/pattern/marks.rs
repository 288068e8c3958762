//! A cheap look at a text before a pattern walks it: which pairs of characters stand next to each other in it.

/// The pairs of neighbouring characters of a text, each as one of 128 bits, without regard to case. Two pairs may share
/// a bit, so that a pattern whose pairs are all there may match, and one with a pair that is missing cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(u128);

impl Marks {
    /// What all of several patterns want; nothing where there are none.
    pub(crate) fn common(patterns: impl Iterator<Item = Marks>) -> Marks {
        patterns.reduce(|one, other| Marks(one.0 & other.0)).unwrap_or_default()
    }

    /// The pairs of a path, as if it ended in `/`. Other letters than ASCII's may be another spelling of any: such a path
    /// has all pairs.
    pub(super) fn of_path(path: &str) -> Marks {
        if !path.is_ascii() {
            return Marks(u128::MAX);
        }
        let next = path.bytes().skip(1).chain([b'/']);
        Marks(path.bytes().zip(next).fold(0, |marks, (one, other)| marks | pair(one, other)))
    }

    /// Adds the pair of two characters that stand for themselves; one that is not ASCII says nothing.
    pub(super) fn add(&mut self, one: Option<char>, other: Option<char>) {
        let ascii = |c: Option<char>| c.filter(char::is_ascii).and_then(|c| u8::try_from(c).ok());
        if let (Some(one), Some(other)) = (ascii(one), ascii(other)) {
            self.0 |= pair(one, other);
        }
    }

    /// Whether all these pairs are there.
    pub(super) fn hold(self, wanted: Marks) -> bool {
        wanted.0 & !self.0 == 0
    }
}

fn pair(one: u8, other: u8) -> u128 {
    let [one, other] = [one, other].map(|byte| u32::from(byte.to_ascii_lowercase()));
    1 << ((one * 37 + other * 101) % 128)
}
