//! How often a session made the same call in a row.
//!
//! What counts is what was allowed: a call that was denied, or asked about, neither adds nor ends the row. A yes of a
//! human's begins it anew. The store moves it on with the decision log, in one statement (`schema-6.sql`); [`Run`] says
//! the same of entries that are written together or not yet.

use countersign_policy::{Effect, Timestamp};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::sessions::IDLE_MS;
use super::{LogEntry, LogEvent, Store, StoreError};

/// The last call of a session that was allowed, and how often in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The call, see `Call::repeated_as`.
    call: String,
    /// How often in a row.
    times: u32,
    /// The host's id of the last of them, until it has run: judged again under that id, it is the same call.
    id: Option<String>,
}

/// The id under which the same call may be judged again: the host's own, which may be unique in its turn only.
pub fn run_id(turn: Option<&str>, id: &str) -> String {
    match turn {
        Some(turn) => format!("{turn} {id}"),
        None => id.to_owned(),
    }
}

/// What a session last did and what was set for it, as a decision needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Present {
    /// Its run.
    pub(crate) run: Option<Run>,
    /// The mode that was set for it.
    pub(crate) mode: Option<String>,
}

/// As it stands in the store: when it was last used, the call, how often, its id, and the mode.
pub(super) type Row = (Option<i64>, Option<String>, Option<u32>, Option<String>, Option<String>);

/// Those columns of a row, from this one on: `used`, `run`, `runs`, `run_id`, `mode`.
pub(super) fn row(row: &SqliteRow, at: usize) -> Result<Row, sqlx::Error> {
    Ok((row.try_get(at)?, row.try_get(at + 1)?, row.try_get(at + 2)?, row.try_get(at + 3)?, row.try_get(at + 4)?))
}

impl Present {
    /// What counts of a row for a session that ended by itself before `oldest`.
    pub(super) fn of((used, call, times, id, mode): Row, oldest: i64) -> Present {
        if used.is_none_or(|used| used <= oldest) {
            return Present::default();
        }
        let run = call.zip(times).filter(|(_, times)| *times > 0);
        Present { run: run.map(|(call, times)| Run { call, times, id }), mode }
    }
}

impl Run {
    /// How often in a row.
    pub(crate) fn times(&self) -> u32 {
        self.times
    }

    /// As the columns of a session: the call, how often, its id.
    pub(super) fn columns(self) -> (Option<String>, u32, Option<String>) {
        (Some(self.call), self.times, self.id)
    }

    /// How often `call` would have run in a row with this one.
    pub(crate) fn with(run: Option<&Run>, call: &str, id: Option<&str>) -> u32 {
        match run.filter(|run| run.call == call) {
            Some(run) if id.is_some() && run.id.as_deref() == id => run.times,
            Some(run) => run.times.saturating_add(1),
            None => 1,
        }
    }

    /// What a run becomes with this entry of the log.
    pub(crate) fn after(run: Option<Run>, entry: &LogEntry) -> Option<Run> {
        let ran = entry.event == LogEvent::Ran;
        let Some(call) = entry.run.as_ref().filter(|_| entry.effect == Effect::Allow) else {
            return run.map(|run| match ran && run.id.is_some() && run.id == entry.run_id {
                true => Run { id: None, ..run },
                false => run,
            });
        };
        // Allowed after a question: a human said yes.
        let times = if entry.approval.is_some() { 1 } else { Run::with(run.as_ref(), call, entry.run_id.as_deref()) };
        Some(Run { call: call.clone(), times, id: entry.run_id.clone().filter(|_| !ran) })
    }
}

impl Store {
    /// What a session last did and what was set for it, for whoever does not come by [`Store::look`].
    pub(crate) async fn present(&mut self, user: &str, session: &str, now: Timestamp) -> Result<Present, StoreError> {
        let now = self.tick(now).await?.now();
        let query = sqlx::query("SELECT used, run, runs, run_id, mode FROM sessions WHERE user = ? AND session = ?");
        let found = query.bind(user).bind(session).fetch_optional(&mut self.db).await;
        let found = found.and_then(|found| found.map(|found| row(&found, 0)).transpose());
        let found = found.map_err(|error| self.fault(error))?.unwrap_or_default();
        Ok(Present::of(found, now.0.saturating_sub(IDLE_MS)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test stops here")]
mod tests {
    use countersign_policy::Effect;
    use proptest::prelude::*;

    use super::{Present, Run};
    use crate::block_on::block_on;
    use crate::store::{LogEntry, LogEvent, Open, Store};

    fn entry() -> impl Strategy<Value = LogEntry> {
        let event = prop::sample::select(vec![LogEvent::Decided, LogEvent::Decided, LogEvent::Ran, LogEvent::Host]);
        let effect = prop::sample::select(vec![Effect::Allow, Effect::Allow, Effect::Ask, Effect::Deny]);
        let call = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b"]));
        let id = || prop::option::of(prop::sample::select(vec!["1", "2"]));
        (event, effect, call, id(), id(), prop::bool::weighted(0.2)).prop_map(
            |(event, effect, call, id, run_id, answered)| LogEntry {
                event,
                effect,
                call_id: id.map(str::to_owned),
                approval: answered.then(|| "q".to_owned()),
                run: call.map(|call| call.repeat(64)),
                run_id: run_id.map(str::to_owned),
                ..LogEntry::blank()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// What waits to be written counts as what is written.
        #[test]
        fn the_store_moves_a_run_on_as_this_does(batches in prop::collection::vec(prop::collection::vec(entry(), 1..5), 1..8)) {
            let folder = tempfile::tempdir().unwrap();
            let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Cli)).unwrap();
            let now = countersign_policy::Timestamp(1_800_000_000_000);
            let mut run: Option<Run> = None;
            for batch in batches {
                run = batch.iter().fold(run, Run::after);
                block_on(store.log(&batch, false, now)).unwrap();
                let Present { run: found, .. } = block_on(store.present("ana", "s", now)).unwrap();
                prop_assert_eq!(&found, &run);
            }
        }
    }
}
