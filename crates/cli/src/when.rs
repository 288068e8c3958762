//! Times as a human reads them.

use countersign_policy::Timestamp;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let now = Timestamp(1_000_000_000);
        for (seconds, text) in [(0, "now"), (-5, "5s ago"), (90, "in 1m"), (7200, "in 2h"), (-864_000, "10d ago")] {
            assert_eq!(relative(now.plus_seconds(seconds), now), text);
        }
    }
}
