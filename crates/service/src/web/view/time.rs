//! Times and spans in words.

use countersign_policy::Timestamp;

/// A time as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// `2026-11-20T14:03:07Z`.
    pub(crate) iso: String,
    /// `3 min ago`, `in 2 h`.
    pub(crate) words: String,
}

impl When {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> When {
        let seconds = now.0.saturating_sub(at.0) / 1000;
        let words = match seconds {
            -9..=9 => "just now".to_owned(),
            10.. => format!("{} ago", span(seconds)),
            _ => format!("in {}", span(seconds.saturating_neg())),
        };
        When { iso: at.utc(), words }
    }
}

/// A span of time in its largest whole unit: `45 min`, `8 h`, `7 days`.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;

    use super::{When, span};

    #[test]
    fn times_in_words() {
        let now = Timestamp(1_000_000_000);
        let words = |seconds: i64| When::of(now.plus_seconds(seconds), now).words;
        assert_eq!(words(0), "just now");
        assert_eq!(words(-45), "45 s ago");
        assert_eq!(words(-300), "5 min ago");
        assert_eq!(words(28_800), "in 8 h");
        assert_eq!(span(604_800), "7 days");
        assert_eq!(span(3_600), "1 h");
    }
}
