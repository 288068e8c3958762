//! How often one may guess, and how often a refusal is put on record.

use std::collections::{HashMap, VecDeque};

use countersign_policy::Timestamp;

/// The most wrong codes in a minute, from all who try.
const MOST: usize = 10;
const WINDOW_MS: i64 = 60_000;

/// The wrong codes of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    wrong: VecDeque<Timestamp>,
}

impl Guesses {
    /// Whether another guess is taken now.
    pub(crate) fn allowed(&mut self, now: Timestamp) -> bool {
        while self.wrong.front().is_some_and(|at| now.0.saturating_sub(at.0) >= WINDOW_MS) {
            self.wrong.pop_front();
        }
        self.wrong.len() < MOST
    }

    /// Notes a wrong guess.
    pub(crate) fn wrong(&mut self, now: Timestamp) {
        if self.wrong.len() < MOST {
            self.wrong.push_back(now);
        }
    }
}

/// The refusals of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    seen: HashMap<String, Timestamp>,
}

impl Refused {
    /// Whether this was not refused in the last minute; notes it.
    pub(crate) fn is_new(&mut self, what: String, now: Timestamp) -> bool {
        self.seen.retain(|_, at| now.0.saturating_sub(at.0) < WINDOW_MS);
        let new = !self.seen.contains_key(&what);
        if new {
            self.seen.insert(what, now);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;

    use super::{Guesses, Refused};

    #[test]
    fn a_refusal_is_new_once_a_minute() {
        let mut refused = Refused::default();
        assert!(refused.is_new("a".to_owned(), Timestamp(0)));
        assert!(!refused.is_new("a".to_owned(), Timestamp(59_999)));
        assert!(refused.is_new("b".to_owned(), Timestamp(59_999)));
        assert!(refused.is_new("a".to_owned(), Timestamp(60_000)));
    }

    #[test]
    fn ten_in_a_minute() {
        let mut guesses = Guesses::default();
        for _ in 0..10 {
            assert!(guesses.allowed(Timestamp(1_000)));
            guesses.wrong(Timestamp(1_000));
        }
        assert!(!guesses.allowed(Timestamp(60_999)));
        assert!(guesses.allowed(Timestamp(61_000)));
    }
}
