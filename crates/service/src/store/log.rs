//! The decision log: every decision with its digest and cause. Capped; a power cut may take its last second.

mod batch;

use countersign_engine::show::masked;
use countersign_policy::{Call, Cause, Decision, Effect, Judgement, Timestamp, canonical, sha256_hex};
use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use std::sync::Arc;

use batch::Batch;

use super::approvals::limit;
use super::clock::Clock;
use super::detail::Detail;
use super::{Store, StoreError, Synchronous};

/// The longest summary, in characters.
const SUMMARY: usize = 300;
/// How many entries are cut in one transaction.
pub(crate) const TRIMMED_AT_ONCE: u64 = 1000;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogEvent {
    /// A call was decided.
    Decided,
    /// The host reported that a call ran.
    Ran,
    /// The question was left to the host's own prompt.
    Host,
    /// The gate was switched off, and the call went through without a decision.
    Off,
    /// Deciding failed, and the call was denied.
    Fault,
    /// The host has put the call off, until somebody answers and its session is resumed.
    Deferred,
}

impl LogEvent {
    const ALL: [LogEvent; 6] =
        [LogEvent::Decided, LogEvent::Ran, LogEvent::Host, LogEvent::Off, LogEvent::Fault, LogEvent::Deferred];

    /// The word as it stands in output.
    pub fn word(self) -> &'static str {
        match self {
            LogEvent::Decided => "decided",
            LogEvent::Ran => "ran",
            LogEvent::Host => "host",
            LogEvent::Off => "off",
            LogEvent::Fault => "fault",
            LogEvent::Deferred => "deferred",
        }
    }
}

/// What is written of one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogEntry {
    /// What it is about.
    pub event: LogEvent,
    /// Who the agent works for.
    pub user: String,
    /// See [`Call::session_key`].
    pub session: String,
    /// The project.
    pub project: String,
    /// The program that runs the agent.
    pub host: String,
    /// The tool as the host names it.
    pub tool: String,
    /// The host's id of the call.
    pub call_id: Option<String>,
    /// [`Call::digest`].
    pub digest: String,
    /// What was decided.
    pub effect: Effect,
    /// The call in one line.
    pub summary: String,
    /// The policy's revision.
    pub revision: String,
    /// The question that it led to or came from.
    pub approval: Option<String>,
    /// What the call counts as where repetition is counted: [`Call::repeated_as`]. `None`: it does not count.
    #[serde(skip)]
    pub run: Option<String>,
    /// The id under which the same call may be judged again: see [`super::run_id`].
    #[serde(skip)]
    pub run_id: Option<String>,
    /// The grants that let the call run. Writing the entry counts their use.
    pub grants: Vec<String>,
    /// The decision with all its causes, or what else is to be known.
    pub detail: Detail,
}

/// An entry with its number and time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoggedEntry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// How many decisions it stands for: those of a fifth of a second that differ in nothing.
    pub times: u32,
    /// The entry.
    #[serde(flatten)]
    pub entry: LogEntry,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// This entry only.
    pub id: Option<i64>,
    /// Of this user only.
    pub user: Option<String>,
    /// Of this session only.
    pub session: Option<String>,
    /// Of this project only.
    pub project: Option<String>,
    /// Of this effect only.
    pub effect: Option<Effect>,
    /// Of this kind only.
    pub event: Option<LogEvent>,
    /// Only those before this number, to turn pages.
    pub before: Option<i64>,
    /// Only those after this number, to follow.
    pub after: Option<i64>,
    /// At most so many; 0: 100.
    pub limit: u32,
}

/// What tells one set of arguments from another, in the log: SHA-256 of their canonical form. Unlike a call's digest it
/// stays the same where a command has changed the working directory meanwhile.
pub fn args_digest(args: &Value) -> String {
    sha256_hex(canonical(args).as_bytes())
}

impl LogEntry {
    /// The entry about a decision.
    pub fn decided(call: &Call, decision: &Decision) -> LogEntry {
        LogEntry {
            revision: decision.revision().to_owned(),
            grants: grants_in(decision),
            detail: Detail::of(call, decision),
            ..LogEntry::about(call, LogEvent::Decided, decision.effect())
        }
    }

    /// The entry about a call of which there is no decision: `effect` says whether it ran.
    pub fn about(call: &Call, event: LogEvent, effect: Effect) -> LogEntry {
        LogEntry {
            event,
            user: call.user.clone(),
            session: call.session_key(),
            project: call.project.clone(),
            host: call.host.clone(),
            tool: call.tool.clone(),
            call_id: None,
            digest: call.digest().0,
            effect,
            summary: summary(call),
            revision: String::new(),
            approval: None,
            run: None,
            run_id: None,
            grants: Vec::new(),
            detail: Detail::default(),
        }
    }
}

#[cfg(test)]
impl LogEntry {
    /// An entry of no call in particular, of ana's session `s`.
    pub(crate) fn blank() -> LogEntry {
        LogEntry {
            event: LogEvent::Decided,
            user: "ana".to_owned(),
            session: "s".to_owned(),
            project: "/repo".to_owned(),
            host: "h".to_owned(),
            tool: "t".to_owned(),
            call_id: None,
            digest: "d".to_owned(),
            effect: Effect::Allow,
            summary: String::new(),
            revision: String::new(),
            approval: None,
            run: None,
            run_id: None,
            grants: Vec::new(),
            detail: Detail::default(),
        }
    }
}

/// The call in one printable line: its action, and the first thing that it touches, with secrets masked.
fn summary(call: &Call) -> String {
    let resource = call.targets.first().and_then(|target| target.resource.literal());
    let line = match resource {
        Some(resource) => format!("{}: {resource}", call.action),
        None => call.action.to_string(),
    };
    // Masked before it is cut: the beginning of a secret no longer looks like one.
    let whole = masked(&line.chars().take(SUMMARY * 8).collect::<String>());
    let mut short: String = whole.chars().take(SUMMARY).collect();
    if short.len() < whole.len() {
        short.push('…');
    }
    short
}

/// The grants that let the call run.
fn grants_in(decision: &Decision) -> Vec<String> {
    if decision.effect() != Effect::Allow {
        return Vec::new();
    }
    let grant = |judgement: &Judgement| match judgement.cause() {
        Cause::Grant { id, .. } => Some(id.clone()),
        _ => None,
    };
    let mut ids: Vec<String> = decision.judgements().iter().filter_map(grant).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Store {
    /// Writes entries, and notes that their sessions are in use. `durable`: on the disk before it returns.
    ///
    /// # Errors
    /// The store failed: a decision that could not be logged must not leave.
    pub async fn log(&mut self, entries: &[LogEntry], durable: bool, now: Timestamp) -> Result<(), StoreError> {
        let at = self.tick(now).await?;
        if let [entry] = entries {
            return self.log_at(entry, durable, at).await;
        }
        self.log_all(entries.iter(), Synchronous::of(durable), now).await
    }

    /// Writes what waited to be written, which a power cut may take back.
    pub(crate) async fn log_batch(&mut self, entries: &[Arc<LogEntry>], now: Timestamp) -> Result<(), StoreError> {
        self.log_all(entries.iter().map(Arc::as_ref), Synchronous::Normal, now).await
    }

    async fn log_all(
        &mut self,
        entries: impl Iterator<Item = &LogEntry>,
        synchronous: Synchronous,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let batch = Batch::of(entries);
        let at = self.tick(now).await?;
        let mut writing = self.begin(now, synchronous).await?;
        batch.write(writing.db(), at).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }

    /// Writes one entry at that time.
    pub(crate) async fn log_at(&mut self, entry: &LogEntry, durable: bool, at: Clock) -> Result<(), StoreError> {
        let grouped = self.join_group(Synchronous::of(durable)).await?;
        if !grouped {
            self.set(Synchronous::of(durable)).await?;
        }
        batch::insert(&mut self.db, entry, at).await.map_err(|error| self.fault(error))?;
        if !self.group.kept() {
            self.commits = self.commits.saturating_add(1);
        }
        Ok(())
    }

    /// What was last said of the call with this id of the host's, before it ran.
    ///
    /// # Errors
    /// The store failed.
    pub async fn logged_call(
        &mut self,
        user: &str,
        session: &str,
        call_id: &str,
    ) -> Result<Option<LoggedEntry>, StoreError> {
        let row = sqlx::query_as(
            "SELECT * FROM log
             WHERE session = ? AND call_id = ? AND user = ? AND event <> 'ran' ORDER BY id DESC LIMIT 1",
        );
        let row = row.bind(session).bind(call_id).bind(user);
        row.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The [`LogEntry::run_id`] of the call that was last judged and counts as the same as this one: what a host means that
    /// asks once more without saying about which call.
    ///
    /// # Errors
    /// The store failed.
    pub async fn judged_before(&mut self, call: &Call) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar(
            "SELECT run_id FROM log
             WHERE session = ? AND call_id IS NOT NULL AND user = ? AND run = ? AND event <> 'ran'
             ORDER BY id DESC LIMIT 1",
        );
        let found = found.bind(call.session_key()).bind(&call.user).bind(call.repeated_as().0);
        found.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The question for whose answer the host has put off the call with this id, if it has.
    ///
    /// # Errors
    /// The store failed.
    pub async fn deferred_call(
        &mut self,
        user: &str,
        session: &str,
        call_id: &str,
    ) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar(
            "SELECT approval FROM log
             WHERE session = ? AND call_id = ? AND user = ? AND event = 'deferred' AND approval IS NOT NULL
             ORDER BY id DESC LIMIT 1",
        );
        let id = id.bind(session).bind(call_id).bind(user);
        id.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The question with which a session has stopped: that of the call which its host has put off, if nothing was logged
    /// of the session since.
    ///
    /// # Errors
    /// The store failed.
    pub async fn stopped_with(&mut self, user: &str, session: &str) -> Result<Option<String>, StoreError> {
        let filter = LogFilter {
            user: Some(user.to_owned()),
            session: Some(session.to_owned()),
            limit: 1,
            ..LogFilter::default()
        };
        let newest = self.log_entries(&filter).await?.into_iter().next();
        Ok(newest.filter(|newest| newest.entry.event == LogEvent::Deferred).and_then(|newest| newest.entry.approval))
    }

    /// Entries, the newest first; with [`LogFilter::after`] the oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn log_entries(&mut self, filter: &LogFilter) -> Result<Vec<LoggedEntry>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM log
             WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR user = ?2) AND (?3 IS NULL OR session = ?3)
               AND (?4 IS NULL OR project = ?4) AND (?5 IS NULL OR effect = ?5) AND (?6 IS NULL OR event = ?6)
               AND (?7 IS NULL OR id < ?7) AND (?8 IS NULL OR id > ?8)
             ORDER BY iif(?8 IS NULL, -id, id) LIMIT ?9",
        );
        let rows = rows.bind(filter.id).bind(&filter.user).bind(&filter.session).bind(&filter.project);
        let rows = rows.bind(filter.effect.map(Effect::word)).bind(filter.event.map(LogEvent::word));
        let rows = rows.bind(filter.before).bind(filter.after).bind(limit(filter.limit));
        rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// Cuts the log to the newest `rows` and to what is younger than `seconds`, in batches; returns how many went.
    /// For the server and the command line now and then, never in a hook.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trim_log(&mut self, rows: u32, seconds: i64, now: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let batch = self.trim_log_once(rows, seconds, now).await?;
            gone += batch;
            if batch < TRIMMED_AT_ONCE {
                return Ok(gone);
            }
        }
    }

    /// Cuts a batch of at most [`TRIMMED_AT_ONCE`] entries.
    pub(crate) async fn trim_log_once(&mut self, rows: u32, seconds: i64, now: Timestamp) -> Result<u64, StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let oldest = writing.now.plus_seconds(seconds.saturating_neg()).0;
        // The newest entry stays, so that no number is ever used twice.
        let delete = sqlx::query(
            "DELETE FROM log WHERE id IN (
               SELECT id FROM (SELECT id, at FROM log ORDER BY id LIMIT ?3)
               WHERE id <= (SELECT max(id) FROM log) - max(?1, 1) OR (at < ?2 AND id < (SELECT max(id) FROM log)))",
        );
        let delete = delete.bind(i64::from(rows)).bind(oldest).bind(TRIMMED_AT_ONCE as i64);
        let batch = delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected();
        writing.commit().await?;
        Ok(batch)
    }
}

impl FromRow<'_, SqliteRow> for LoggedEntry {
    fn from_row(row: &SqliteRow) -> Result<LoggedEntry, sqlx::Error> {
        let event: &str = row.try_get("event")?;
        let effect: &str = row.try_get("effect")?;
        let grants: Option<&str> = row.try_get("grants")?;
        let entry = LogEntry {
            event: LogEvent::ALL
                .into_iter()
                .find(|known| known.word() == event)
                .ok_or_else(|| decode(format!("`{event}` is no event of the log")))?,
            user: row.try_get("user")?,
            session: row.try_get("session")?,
            project: row.try_get("project")?,
            host: row.try_get("host")?,
            tool: row.try_get("tool")?,
            call_id: row.try_get("call_id")?,
            digest: row.try_get("digest")?,
            effect: Effect::named(effect).ok_or_else(|| decode(format!("`{effect}` is no effect")))?,
            summary: row.try_get("summary")?,
            revision: row.try_get("revision")?,
            approval: row.try_get("approval")?,
            run: row.try_get("run")?,
            run_id: row.try_get("run_id")?,
            grants: serde_json::from_str(grants.unwrap_or("[]")).map_err(decode)?,
            detail: Detail::read(row.try_get("detail")?).map_err(decode)?,
        };
        let times: Option<u32> = row.try_get("times")?;
        Ok(LoggedEntry { id: row.try_get("id")?, at: Timestamp(row.try_get("at")?), times: times.unwrap_or(1), entry })
    }
}

fn decode(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
