//! One SQLite file that keeps questions, answers, grants and records.
//!
//! The unit is the transaction: [`Store::ask`], [`Store::reply`] and [`Store::redeem`] each read, judge and write in
//! one `BEGIN IMMEDIATE`, so that two processes that race are put in order by the database. What is acknowledged is on
//! the disk (`synchronous=FULL`), but for the decision log and marks of use, of which a power cut may take the last.
//!
//! Time is an argument: `now` is what the computer's clock says, or what [`Store::clock`] made of it. The store takes
//! the later of it and the newest time that it has seen, and hands that on to whatever it calls: see `clock.rs`.

mod applications;
mod approvals;
mod ask;
mod audit;
mod batches;
mod chats;
mod clock;
mod credentials;
mod detail;
mod edits;
mod fault;
mod file;
mod given_up;
mod grants;
mod group;
mod hear;
mod leave;
mod listeners;
mod live;
mod log;
mod once;
mod outbox;
mod promote;
mod redeem;
mod reply;
mod runs;
mod schema;
mod servers;
mod sessions;
mod tell;
mod tokens;
mod trust;
mod wal_index;
mod webhooks;

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_policy::{Answer, Call, Decision, Grant, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};

use group::Group;

pub use applications::{Application, NewApplication};
pub use approvals::{Record, RecordFilter, Withdraw};
pub use ask::{Ask, AskError, AskTurn, Asked, AskedTurn, TooMany};
pub use audit::{AuditEntry, AuditFilter};
pub use batches::{BatchRecord, Owner, TakeError};
pub use chats::{Chat, Waiting};
pub(crate) use clock::Clock;
pub use credentials::{HumanSession, NewHumanSession};
pub use detail::Detail;
pub use edits::Edit;
pub use fault::StoreError;
pub use given_up::GivenUp;
pub(crate) use grants::Looked;
pub use grants::{GrantFilter, KeptGrant, NewGrant};
#[cfg(test)]
pub(crate) use group::{fail_commit, panic_half_way};
pub use hear::{HearError, Heard, Message};
pub(crate) use live::{Changes, KeptSession, LiveGrants};
pub(crate) use log::TRIMMED_AT_ONCE;
pub use log::{LogEntry, LogEvent, LogFilter, LoggedEntry, args_digest};
pub use once::{KeyReused, Once};
pub(crate) use outbox::CLAIM_SECONDS;
pub use outbox::OutboxMessage;
pub use promote::{PromoteError, Promotion};
pub use redeem::{RedeemError, Redeemed};
pub use reply::{EditedCall, Human, Remembered, Replied, Reply, ReplyError, Via};
pub use runs::run_id;
pub(crate) use runs::{Present, Run};
pub use sessions::{Session, Setting};
pub use tokens::{AgentToken, Below, NewToken, TokenError, TokenRequest};
pub(crate) use tokens::{LONGEST_NAME, LONGEST_TOKEN, TOKEN_SECONDS};
pub use trust::Known;
pub(crate) use wal_index::{Head, WalIndex};
pub use webhooks::{NewWebhook, Webhook, WebhookError, WebhookRequest};

/// Judges a call again inside a transaction, with the grants of that moment: `Engine::decide`.
pub type Recheck<'a> = &'a (dyn Fn(&Call, Option<&Answer>, &[Grant], Timestamp) -> Decision + Sync);

/// Who opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// A host's hook: waits shortly for locks, and makes a new store but never migrates an old one.
    Hook,
    /// The command line: migrates.
    Cli,
    /// The server: migrates.
    Serve,
}

/// A store: one connection to one file.
#[derive(Debug)]
pub struct Store {
    db: SqliteConnection,
    path: PathBuf,
    /// What `PRAGMA synchronous` was last set to; `None` while that is not known.
    synchronous: Option<Synchronous>,
    /// How many transactions this connection committed.
    commits: i64,
    /// What the store last made of the computer's clock.
    told: Option<clock::Told>,
    /// Whether several units are to be committed as one.
    group: Group,
}

/// What has to be on the disk when a transaction is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Synchronous {
    /// A power cut may take it back.
    Normal,
    /// All of it.
    Full,
}

impl Synchronous {
    fn of(durable: bool) -> Synchronous {
        if durable { Synchronous::Full } else { Synchronous::Normal }
    }
}

impl Store {
    /// Opens the store at this absolute path, and makes it if it does not exist.
    ///
    /// # Errors
    /// The folder or file is open to others or not ours, the schema is newer (for a hook: another), the file is
    /// damaged, locked or cannot be written.
    pub async fn open(path: &Path, how: Open) -> Result<Store, StoreError> {
        file::prepare(path)?;
        let patience = match how {
            Open::Hook => Duration::from_secs(2),
            Open::Cli | Open::Serve => Duration::from_secs(5),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(patience)
            .pragma("synchronous", "NORMAL")
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        let options = match how {
            Open::Hook => options.pragma("wal_autocheckpoint", "0"),
            Open::Cli | Open::Serve => options,
        };
        let fault = |error| StoreError::of(path, error);
        let db = options.connect().await.map_err(fault)?;
        let mut store = Store {
            db,
            path: path.to_owned(),
            synchronous: Some(Synchronous::Normal),
            commits: 0,
            told: None,
            group: Group::None,
        };
        schema::bring_up(&mut store, how).await?;
        if how == Open::Hook {
            leave::fold(&mut store).await;
        }
        Ok(store)
    }

    /// Opens the store for reading alone: what SQLite then refuses is every write.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) async fn open_reader(path: &Path) -> Result<Store, StoreError> {
        let mut store = Store::open(path, Open::Serve).await?;
        let only = sqlx::raw_sql("PRAGMA query_only = ON").execute(&mut store.db).await;
        only.map_err(|error| store.fault(error))?;
        Ok(store)
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's time: the later of `clock` and the newest time that it has seen.
    ///
    /// # Errors
    /// The store failed.
    pub async fn clock(&mut self, clock: Timestamp) -> Result<Timestamp, StoreError> {
        Ok(self.tick(clock).await?.now())
    }

    /// A number that grows whenever something was written, by this connection or another: what a waiter looks at.
    ///
    /// # Errors
    /// The store failed.
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        let found: Result<i64, _> = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.db).await;
        Ok(found.map_err(|error| self.fault(error))?.saturating_add(self.commits))
    }

    fn fault(&self, error: sqlx::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }

    /// The store's clock at this moment.
    async fn tick(&mut self, now: Timestamp) -> Result<Clock, StoreError> {
        let before = clock::read(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(self.told(before, now))
    }

    fn told(&mut self, before: Clock, now: Timestamp) -> Clock {
        let reading = self.reading(now);
        let clock = before.tick(reading.0);
        self.told = Some(clock::Told::of(reading, clock));
        clock
    }

    /// What the computer's clock said, where `now` is what the store made of it.
    fn reading(&self, now: Timestamp) -> Timestamp {
        self.told.map_or(now, |told| told.reading(now))
    }

    /// Sets what the next transaction waits for.
    async fn set(&mut self, synchronous: Synchronous) -> Result<(), StoreError> {
        if self.synchronous == Some(synchronous) {
            return Ok(());
        }
        let pragma = match synchronous {
            Synchronous::Full => "PRAGMA synchronous = FULL",
            Synchronous::Normal => "PRAGMA synchronous = NORMAL",
        };
        self.synchronous = None;
        sqlx::raw_sql(pragma).execute(&mut self.db).await.map_err(|error| StoreError::of(&self.path, error))?;
        self.synchronous = Some(synchronous);
        Ok(())
    }

    /// Begins a transaction that holds the file's only write lock, and moves the store's time on. In a group it is a
    /// part of the group's transaction, that can be undone alone.
    async fn begin(&mut self, clock: Timestamp, synchronous: Synchronous) -> Result<Writing<'_>, StoreError> {
        let grouped = self.join_group(synchronous).await?;
        if !grouped {
            self.come_out().await?;
            self.set(synchronous).await?;
        }
        let clock = self.reading(clock);
        let Store { db, path, commits, group, .. } = self;
        let fault = |error| StoreError::of(path, error);
        let begun = if grouped { db.begin().await } else { db.begin_with("BEGIN IMMEDIATE").await };
        let mut transaction = begun.map_err(fault)?;
        let now = clock::tick(&mut transaction, clock).await.map_err(fault)?;
        Ok(Writing { transaction, path, commits, group, now })
    }
}

/// A transaction that writes. Dropped without [`Writing::commit`], nothing was written.
struct Writing<'a> {
    transaction: Transaction<'a, Sqlite>,
    path: &'a Path,
    commits: &'a mut i64,
    group: &'a mut Group,
    /// The store's time.
    now: Timestamp,
}

impl Writing<'_> {
    fn db(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    fn fault(&self, error: sqlx::Error) -> StoreError {
        StoreError::of(self.path, error)
    }

    /// A row of ours that cannot be read.
    fn damaged(&self, what: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Damaged { path: self.path.to_owned(), detail: format!("{what} cannot be read: {error}") }
    }

    async fn commit(self) -> Result<(), StoreError> {
        let fault = |error| StoreError::of(self.path, error);
        self.transaction.commit().await.map_err(fault)?;
        if !self.group.kept() {
            *self.commits = self.commits.saturating_add(1);
        }
        Ok(())
    }
}

/// A new id: 48 bits of time and 74 random ones.
fn new_id(now: Timestamp) -> String {
    let milliseconds = u64::try_from(now.0).unwrap_or_default();
    let time = uuid::Timestamp::from_unix_time(milliseconds / 1000, (milliseconds % 1000) as u32 * 1_000_000, 0, 0);
    uuid::Uuid::new_v7(time).to_string()
}
