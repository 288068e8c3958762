//! Times as a human reads them.

use countersign_policy::Timestamp;

/// `2026-11-20T14:40:25Z`.
pub(crate) fn moment(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `3m ago`, `in 2h`, `now`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.0.saturating_sub(now.0) / 1000;
    let (number, unit) = match seconds.unsigned_abs() {
        0..=59 => (seconds.unsigned_abs(), 's'),
        60..=3599 => (seconds.unsigned_abs() / 60, 'm'),
        3600..=172_799 => (seconds.unsigned_abs() / 3600, 'h'),
        more => (more / 86_400, 'd'),
    };
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {number}{unit}"),
        _ => format!("{number}{unit} ago"),
    }
}

/// The date of a day counted from 1970-01-01: the inverse of [`Timestamp::from_date`].
fn date(days: i64) -> (i64, i64, i64) {
    // Days since 0000-03-01, so that the leap day comes last in its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment(Timestamp(0)), "1970-01-01T00:00:00Z");
        for (year, month, day) in [(2024, 2, 29), (2026, 11, 20), (2027, 1, 1), (1999, 12, 31), (2000, 3, 1)] {
            let at = Timestamp::from_date(year, month, day).unwrap().plus_seconds(3661);
            assert_eq!(moment(at), format!("{year}-{month:02}-{day:02}T01:01:01Z"));
        }
    }

    #[test]
    fn distances() {
        let now = Timestamp(1_000_000_000);
        for (seconds, text) in [(0, "now"), (-5, "5s ago"), (90, "in 1m"), (7200, "in 2h"), (-864_000, "10d ago")] {
            assert_eq!(relative(now.plus_seconds(seconds), now), text);
        }
    }
}
