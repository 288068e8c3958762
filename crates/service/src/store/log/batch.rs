//! Many entries at once: each decision that differs in something has a row, and each session, grant and the clock is
//! moved on once.
//!
//! An entry that is written by itself does this with triggers, in one statement (`schema-6.sql`); here the same is done for
//! all entries of a session together, from what the store says of it in the same transaction.

use std::collections::{BTreeMap, HashMap};
use std::ptr;
use std::sync::LazyLock;

use serde_json::json;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteArguments;

use super::LogEntry;
use crate::store::clock::Clock;
use crate::store::runs::{self, Present, Run};
use crate::store::sessions::IDLE_MS;

/// Entries in the order in which they came.
pub(super) struct Batch<'a> {
    /// Those that differ, with how often each came.
    rows: Vec<(&'a LogEntry, u32)>,
    sessions: BTreeMap<(&'a str, &'a str), Vec<&'a LogEntry>>,
    /// How often each grant was used.
    grants: BTreeMap<&'a str, i64>,
}

impl<'a> Batch<'a> {
    pub(super) fn of(entries: impl Iterator<Item = &'a LogEntry>) -> Batch<'a> {
        let mut batch = Batch { rows: Vec::new(), sessions: BTreeMap::new(), grants: BTreeMap::new() };
        let mut known: HashMap<*const LogEntry, usize> = HashMap::new();
        for entry in entries {
            let row = *known.entry(ptr::from_ref(entry)).or_insert(batch.rows.len());
            match batch.rows.get_mut(row) {
                Some((_, times)) => *times = times.saturating_add(1),
                None => batch.rows.push((entry, 1)),
            }
            batch.sessions.entry((&entry.user, &entry.session)).or_default().push(entry);
            for grant in &entry.grants {
                *batch.grants.entry(grant).or_default() += 1;
            }
        }
        batch
    }

    /// Writes all of it, inside a transaction.
    pub(super) async fn write(&self, db: &mut SqliteConnection, at: Clock) -> Result<(), sqlx::Error> {
        let (whole, rest) = self.rows.as_chunks::<AT_ONCE>();
        for rows in whole {
            let insert = sqlx::query(*INSERT_AT_ONCE);
            let insert = rows.iter().fold(insert, |insert, (entry, times)| bind(insert, entry, Some(*times), at));
            insert.execute(&mut *db).await?;
        }
        for (entry, times) in rest {
            bind(sqlx::query(*INSERT), entry, Some(*times), at).execute(&mut *db).await?;
        }
        for ((user, session), entries) in &self.sessions {
            move_on(db, (user, session), entries, at).await?;
        }
        for (id, uses) in &self.grants {
            let used = sqlx::query("UPDATE grants SET uses = uses + ?, used = ? WHERE id = ?");
            used.bind(uses).bind(at.now().0).bind(*id).execute(&mut *db).await?;
        }
        Ok(())
    }
}

/// Notes that a session is in use, and moves its run on.
async fn move_on(
    db: &mut SqliteConnection,
    (user, session): (&str, &str),
    entries: &[&LogEntry],
    at: Clock,
) -> Result<(), sqlx::Error> {
    let now = at.now().0;
    let found = sqlx::query("SELECT used, run, runs, run_id, mode FROM sessions WHERE user = ? AND session = ?");
    let found = found.bind(user).bind(session).fetch_optional(&mut *db).await?;
    let before = found.map(|row| runs::row(&row, 0)).transpose()?.unwrap_or_default();
    let Present { run: before, .. } = Present::of(before, now.saturating_sub(IDLE_MS));
    let run = entries.iter().fold(before, |run, entry| Run::after(run, entry));
    let (call, times, id) = run.map_or((None, 0, None), Run::columns);
    let upsert = sqlx::query(
        "INSERT INTO sessions (user, session, begun, used, run, runs, run_id) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET
            begun = iif(used <= ?3 - ?7, ?3, begun),
            used = max(used, ?3),
            mode = iif(used <= ?3 - ?7, NULL, mode),
            run = ?4, runs = ?5, run_id = ?6",
    );
    let upsert = upsert.bind(user).bind(session).bind(now).bind(call).bind(times).bind(id).bind(IDLE_MS);
    upsert.execute(db).await?;
    Ok(())
}

/// So many rows are one statement; what is left over goes one by one.
const AT_ONCE: usize = 32;
const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static INSERT: LazyLock<&str> = LazyLock::new(|| inserts(1));
static INSERT_AT_ONCE: LazyLock<&str> = LazyLock::new(|| inserts(AT_ONCE));

/// The statement for so many rows. It lives as long as the program, so that SQLite compiles it once.
fn inserts(many: usize) -> &'static str {
    let columns = "at, clock, event, user, session, project, host, tool, call_id, digest, effect, summary, revision, \
                   approval, run, run_id, grants, detail, times";
    format!("INSERT INTO log ({columns}) VALUES {}", vec![ROW; many].join(", ")).leak()
}

/// Writes one entry with all that it leaves behind.
pub(super) async fn insert(db: &mut SqliteConnection, entry: &LogEntry, at: Clock) -> Result<(), sqlx::Error> {
    bind(sqlx::query(*INSERT), entry, None, at).execute(db).await?;
    Ok(())
}

type Insert<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

fn bind<'q>(insert: Insert<'q>, entry: &'q LogEntry, times: Option<u32>, at: Clock) -> Insert<'q> {
    let grants = (!entry.grants.is_empty()).then(|| json!(entry.grants).to_string());
    let insert = insert.bind(at.now().0).bind(at.seen()).bind(entry.event.word()).bind(&entry.user);
    let insert = insert.bind(&entry.session).bind(&entry.project).bind(&entry.host).bind(&entry.tool);
    let insert = insert.bind(&entry.call_id).bind(&entry.digest).bind(entry.effect.word()).bind(&entry.summary);
    let insert = insert.bind(&entry.revision).bind(&entry.approval);
    insert.bind(&entry.run).bind(&entry.run_id).bind(grants).bind(entry.detail.text()).bind(times)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test stops here")]
mod tests {
    use std::sync::Arc;

    use countersign_policy::{Action, Effect, GrantResource, Reach, Scope, Timestamp};
    use proptest::prelude::*;

    use crate::block_on::block_on;
    use crate::store::{Human, LogEntry, LogEvent, LogFilter, NewGrant, Open, Setting, Store, Via};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    /// An entry: session, event, effect, call, id, whether it was answered, whether by the grant.
    type Shape = (u8, LogEvent, Effect, Option<&'static str>, Option<&'static str>, bool, bool);

    fn shape() -> impl Strategy<Value = Shape> {
        let event = prop::sample::select(vec![LogEvent::Decided, LogEvent::Decided, LogEvent::Ran]);
        let effect = prop::sample::select(vec![Effect::Allow, Effect::Allow, Effect::Ask]);
        let call = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b"]));
        let id = prop::option::of(prop::sample::select(vec!["1", "2"]));
        (0..3_u8, event, effect, call, id, prop::bool::weighted(0.1), any::<bool>())
    }

    fn entry((session, event, effect, call, id, answered, by_grant): Shape, grant: &str) -> LogEntry {
        LogEntry {
            event,
            effect,
            session: format!("h:{session}"),
            approval: answered.then(|| "q".to_owned()),
            run: call.map(|call| call.repeat(64)),
            run_id: id.map(str::to_owned),
            grants: if by_grant { vec![grant.to_owned()] } else { Vec::new() },
            ..LogEntry::blank()
        }
    }

    /// All that entries leave behind.
    #[derive(Debug, PartialEq)]
    struct Left {
        sessions: Vec<String>,
        uses: i64,
        used: Option<i64>,
        clock: (i64, i64),
    }

    struct World {
        _folder: tempfile::TempDir,
        store: Store,
        grant: String,
    }

    impl World {
        fn new() -> World {
            let folder = tempfile::tempdir().unwrap();
            let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Cli)).unwrap();
            let reach = Reach { scope: Scope::User, user: "ana".to_owned(), project: None, session: None, turn: None };
            let (action, resource) = (Action::Shell, GrantResource::Whole);
            let new = NewGrant { effect: Effect::Allow, action, resource, reach, expires: None };
            let grant = block_on(store.grant(new, "ana", NOON)).unwrap().id;
            let (by, mode) = (Human { user: "ana".to_owned(), via: Via::Api }, Some(Some("plan".to_owned())));
            block_on(store.set_session("h:0", &Setting { mode, roots: None }, &by, NOON)).unwrap();
            World { _folder: folder, store, grant }
        }

        fn left(&mut self) -> Left {
            let db = &mut self.store.db;
            let columns =
                "user || ' ' || session || ' ' || begun || ' ' || used || ' ' || coalesce(run, '-') || ' ' || runs
                || ' ' || coalesce(run_id, '-') || ' ' || coalesce(mode, '-')";
            let sessions = format!("SELECT {columns} FROM sessions ORDER BY session");
            let sessions = block_on(sqlx::query_scalar(sqlx::AssertSqlSafe(sessions)).fetch_all(&mut *db)).unwrap();
            let (uses, used) = block_on(sqlx::query_as("SELECT uses, used FROM grants").fetch_one(&mut *db)).unwrap();
            let clock = block_on(sqlx::query_as("SELECT newest, seen FROM clock").fetch_one(&mut *db)).unwrap();
            Left { sessions, uses, used, clock }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is written together leaves behind what it would have if it had been written one by one.
        #[test]
        fn together_as_one_by_one(
            batches in prop::collection::vec((prop::collection::vec(shape(), 2..9), 0..14_i64), 1..6)
        ) {
            let (mut one, mut all) = (World::new(), World::new());
            let mut now = NOON;
            for (shapes, hours) in batches {
                now = now.plus_seconds(hours * 3_600);
                for shape in &shapes {
                    block_on(one.store.log(&[entry(*shape, &one.grant)], false, now)).unwrap();
                }
                let batch: Vec<_> = shapes.iter().map(|shape| Arc::new(entry(*shape, &all.grant))).collect();
                block_on(all.store.log_batch(&batch, now)).unwrap();
                prop_assert_eq!(one.left(), all.left());
            }
        }
    }

    #[test]
    fn what_differs_in_nothing_is_one_row_with_its_number() {
        let mut world = World::new();
        let shape = |call| (1, LogEvent::Decided, Effect::Allow, Some(call), None, false, true);
        let (a, b) = (Arc::new(entry(shape("a"), &world.grant)), Arc::new(entry(shape("b"), &world.grant)));
        let like_a = Arc::new(LogEntry::clone(&a));
        block_on(world.store.log_batch(&[a.clone(), b, a.clone(), a, like_a], NOON)).unwrap();
        let rows = block_on(world.store.log_entries(&LogFilter::default())).unwrap();
        let said: Vec<_> = rows.iter().rev().map(|row| (row.id, row.entry.run.clone().unwrap(), row.times)).collect();
        // One that came by itself is one, though it says the same.
        assert_eq!(said, [(1, "a".repeat(64), 3), (2, "b".repeat(64), 1), (3, "a".repeat(64), 1)]);
        let Left { sessions, uses, .. } = world.left();
        assert_eq!(uses, 5);
        assert!(sessions[1].contains(&format!("{} 3 ", "a".repeat(64))), "{sessions:?}");
    }
}
