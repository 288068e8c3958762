//! Lengths of time as a human writes them: `90s`, `15m`, `8h`, `2d`, `1h30m`.

use std::fmt;
use std::str::FromStr;

/// A length of time in whole seconds, more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Length(i64);

/// A text that is no length of time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoLength(String);

/// The longest length that is understood: a hundred years.
const LONGEST: i64 = 100 * 366 * 86_400;

impl Length {
    pub(crate) const fn hours(hours: i64) -> Length {
        Length(hours * 3600)
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for Length {
    type Err = NoLength;

    fn from_str(text: &str) -> Result<Length, NoLength> {
        let refused = || NoLength(text.to_owned());
        let mut total = 0_i64;
        let mut rest = text.trim();
        let mut last_unit = i64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
            let (number, after) = rest.split_at_checked(digits).ok_or_else(refused)?;
            let mut after = after.chars();
            let unit = match after.next() {
                Some('s') => 1,
                Some('m') => 60,
                Some('h') => 3600,
                Some('d') => 86_400,
                Some('w') => 7 * 86_400,
                _ => return Err(refused()),
            };
            // `1h30m`, never `30m1h` or `1h2h`.
            if unit >= last_unit {
                return Err(refused());
            }
            last_unit = unit;
            let number: i64 = number.parse().map_err(|_| refused())?;
            total = number.checked_mul(unit).and_then(|part| part.checked_add(total)).ok_or_else(refused)?;
            rest = after.as_str();
        }
        if total == 0 || total > LONGEST { Err(refused()) } else { Ok(Length(total)) }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, letter) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
            if rest >= unit {
                write!(f, "{}{letter}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}

impl fmt::Display for NoLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no length of time: write 90s, 15m, 8h, 2d or 1h30m", self.0)
    }
}

impl std::error::Error for NoLength {}

#[cfg(test)]
mod tests {
    use super::Length;

    #[test]
    fn lengths_are_read_and_written() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m30s"),
            ("15m", 900, "15m"),
            ("8h", 28_800, "8h"),
            ("2d", 172_800, "2d"),
            ("1h30m", 5400, "1h30m"),
        ] {
            let length: Length = text.parse().unwrap();
            assert_eq!((length.seconds(), length.to_string().as_str()), (seconds, shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in
            ["", "0m", "15", "m", "-5m", "1h1h", "30m1h", "1.5h", "99999999999999999999h", "9999999d", "15 m", "１h"]
        {
            assert!(text.parse::<Length>().is_err(), "{text}");
        }
    }
}
