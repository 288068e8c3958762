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
        When { iso: iso(at), words }
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

/// The time in RFC 3339, in UTC, to the second.
pub(crate) fn iso(at: Timestamp) -> String {
    let (days, second) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000) / 1000);
    // Days since 0000-03-01, so that the leap day comes last: the inverse of `Timestamp::from_date`.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;

    use super::{When, iso, span};

    #[test]
    fn times_in_utc() {
        assert_eq!(iso(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(iso(Timestamp::from_date(2024, 2, 29).unwrap()), "2024-02-29T00:00:00Z");
        assert_eq!(iso(Timestamp(1_795_183_387_999)), "2026-11-20T14:03:07Z");
        assert_eq!(iso(Timestamp(-1)), "1969-12-31T23:59:59Z");
    }

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
