//! Time as an argument: this crate reads no clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time and `seconds` more, held at the largest time there is.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Midnight UTC at the start of a day of the proleptic Gregorian calendar; `None` if there is no such day.
    pub fn from_date(year: i64, month: u8, day: u8) -> Option<Timestamp> {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        if day == 0 || day > last || !(0..=9999).contains(&year) {
            return None;
        }
        // Days since 1970-01-01 with March as the first month, so that the leap day comes last.
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (i64::from(month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Timestamp((era * 146_097 + day_of_era - 719_468) * 86_400_000))
    }

    /// The time in RFC 3339, in UTC, to the second: `2026-11-20T14:03:07Z`.
    pub fn utc(self) -> String {
        let (days, second) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000) / 1000);
        // The way back from `from_date`: days since 0000-03-01, so that the leap day comes last in its year.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn dates() {
        assert_eq!(Timestamp::from_date(1970, 1, 1), Some(Timestamp(0)));
        assert_eq!(Timestamp::from_date(2027, 1, 1), Some(Timestamp(1_798_761_600_000)));
        assert_eq!(Timestamp::from_date(2024, 2, 29), Some(Timestamp(1_709_164_800_000)));
        assert_eq!(Timestamp::from_date(2026, 2, 29), None);
        assert_eq!(Timestamp::from_date(2026, 13, 1), None);
    }

    #[test]
    fn times_in_utc() {
        assert_eq!(Timestamp(0).utc(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(1_795_183_387_999).utc(), "2026-11-20T14:03:07Z");
        assert_eq!(Timestamp(-1).utc(), "1969-12-31T23:59:59Z");
        for (year, month, day) in [(2024, 2, 29), (2027, 1, 1), (1999, 12, 31), (2000, 3, 1), (2100, 3, 1)] {
            let at = Timestamp::from_date(year, month, day).unwrap().plus_seconds(3661);
            assert_eq!(at.utc(), format!("{year}-{month:02}-{day:02}T01:01:01Z"));
        }
        for furthest in [i64::MIN, i64::MAX] {
            assert!(Timestamp(furthest).utc().ends_with('Z'));
        }
    }
}
