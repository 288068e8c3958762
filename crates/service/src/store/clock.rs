//! The store's time, which never goes back.
//!
//! Grants, questions and tokens end at a time, so setting the computer's clock back would bring them to life again.
//! The store therefore remembers the newest time that it has seen. While the clock is far behind that, time goes on
//! from there at the clock's pace: standing still would keep for ever what was granted for an hour.

use countersign_policy::Timestamp;
use sqlx::SqliteConnection;

/// How far the clock may be behind before that means that it was set back: 60 seconds. Processes that write at the
/// same moment, and a clock that is disciplined by the network, are behind by less.
const NEAR: i64 = 60_000;

/// The newest time that the store has seen, and what the clock said then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    newest: i64,
    seen: i64,
}

impl Clock {
    pub(super) fn of(newest: i64, seen: i64) -> Clock {
        Clock { newest, seen }
    }

    /// The store's clock once this process's clock says `clock`.
    pub(crate) fn tick(self, clock: i64) -> Clock {
        if clock >= self.newest.saturating_sub(NEAR) {
            return Clock { newest: self.newest.max(clock), seen: clock };
        }
        let elapsed = clock.saturating_sub(self.seen);
        let set_back = elapsed < -NEAR;
        Clock {
            newest: self.newest.saturating_add(elapsed.max(0)),
            seen: if set_back { clock } else { self.seen.max(clock) },
        }
    }

    /// The time.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp(self.newest)
    }

    /// What the computer's clock said.
    pub(super) fn seen(self) -> i64 {
        self.seen
    }
}

/// What a reading of the computer's clock was made into.
///
/// Whoever was told the store's time hands that in again as `now`. While the clock is far behind, it must not be taken
/// for a reading: the next true one would look set back again, and time would stand still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    reading: i64,
    time: i64,
}

impl Told {
    pub(super) fn of(reading: Timestamp, clock: Clock) -> Told {
        Told { reading: reading.0, time: clock.newest }
    }

    /// The reading behind `now`.
    pub(super) fn reading(self, now: Timestamp) -> Timestamp {
        let ahead = self.time.saturating_sub(self.reading);
        if ahead > NEAR && now.0 >= self.time { Timestamp(now.0.saturating_sub(ahead)) } else { now }
    }
}

/// Reads it.
pub(super) async fn read(db: &mut SqliteConnection) -> Result<Clock, sqlx::Error> {
    let (newest, seen) = sqlx::query_as("SELECT newest, seen FROM clock").fetch_one(db).await?;
    Ok(Clock { newest, seen })
}

/// Moves it on, inside a transaction, and returns the time.
pub(super) async fn tick(db: &mut SqliteConnection, clock: Timestamp) -> Result<Timestamp, sqlx::Error> {
    let before = read(db).await?;
    let after = before.tick(clock.0);
    if after != before {
        sqlx::query("UPDATE clock SET newest = ?, seen = ?").bind(after.newest).bind(after.seen).execute(db).await?;
    }
    Ok(after.now())
}

#[cfg(test)]
mod tests {
    use super::{Clock, NEAR};

    const HOUR: i64 = 3_600_000;

    #[test]
    fn follows_the_clock() {
        let clock = Clock { newest: 0, seen: 0 }.tick(10 * HOUR);
        assert_eq!(clock, Clock { newest: 10 * HOUR, seen: 10 * HOUR });
        assert_eq!(clock.tick(11 * HOUR).now().0, 11 * HOUR);
        assert_eq!(clock.tick(10 * HOUR - 5).now().0, 10 * HOUR);
    }

    #[test]
    fn set_back_it_goes_on_at_the_clocks_pace() {
        let noon = Clock { newest: 12 * HOUR, seen: 12 * HOUR };
        let back = noon.tick(11 * HOUR);
        assert_eq!(back.now().0, 12 * HOUR);
        // Two processes that write at the same moment do not add up.
        let raced = back.tick(11 * HOUR - 3).tick(11 * HOUR).tick(11 * HOUR - 2);
        assert_eq!(raced.now().0, 12 * HOUR);
        assert_eq!(back.tick(11 * HOUR + 600_000).now().0, 12 * HOUR + 600_000);
    }

    #[test]
    fn once_the_clock_is_right_again_it_is_followed() {
        let back = Clock { newest: 12 * HOUR, seen: 11 * HOUR };
        assert_eq!(back.tick(12 * HOUR - NEAR / 2).now().0, 12 * HOUR);
        assert_eq!(back.tick(13 * HOUR), Clock { newest: 13 * HOUR, seen: 13 * HOUR });
    }
}
