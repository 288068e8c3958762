//! Several units in one transaction, so that they wait for the disk together.
//!
//! While a group is open, each unit (`ask`, `reply` ...) is a savepoint: one that fails or is dropped leaves nothing, and
//! its neighbours stand. Nobody else sees any of them before the group is committed, and whoever runs the group must let
//! no answer out before that.
//!
//! Some faults of a statement (no room, a failed read) make SQLite roll back the whole transaction. What came before is
//! gone then, and what came after would be committed on its own: so a group that has lost its transaction takes nothing
//! more and cannot be committed.

use sqlx::sqlite::SqliteTransactionManager;
use sqlx::{Connection as _, SqlSafeStr as _};
use sqlx_core::transaction::TransactionManager as _;

use super::{Open, Store, StoreError, Synchronous};

/// Whether units are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Each unit is a transaction of its own.
    None,
    /// They are parts of one. `shaken`: the last one was not kept, and may have taken the transaction with it.
    Open { synchronous: Synchronous, shaken: bool },
    /// The transaction is gone, or may be: the connection has to be made anew.
    Lost,
}

impl Group {
    /// Notes that a unit was kept; false if there is no group.
    pub(super) fn kept(&mut self) -> bool {
        if let Group::Open { shaken, .. } = self {
            *shaken = false;
        }
        *self != Group::None
    }
}

impl Store {
    /// Begins a group that is acknowledged as `synchronous` says; units that need more are refused in it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open_group(&mut self, synchronous: Synchronous) -> Result<(), StoreError> {
        if self.group != Group::None {
            self.make_anew().await?;
        }
        self.set(synchronous).await?;
        // Should this be dropped half-way, nothing says whether it has begun.
        self.group = Group::Lost;
        match SqliteTransactionManager::begin(&mut self.db, Some("BEGIN IMMEDIATE".into_sql_str())).await {
            Ok(()) => {
                self.group = Group::Open { synchronous, shaken: false };
                Ok(())
            }
            Err(error) => {
                self.group = Group::None;
                Err(self.fault(error))
            }
        }
    }

    /// Commits the group. On an error nothing of it was written, and all who have a part in it must be told.
    ///
    /// # Errors
    /// The store failed.
    pub async fn commit_group(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        // Until it is done, nothing is known of it.
        self.group = Group::Lost;
        let committed = SqliteTransactionManager::commit(&mut self.db).await;
        if let Err(error) = committed {
            let error = self.fault(error);
            // A new connection even where a rollback would do: that it did is one more thing that could go wrong.
            self.make_anew().await?;
            return Err(error);
        }
        self.group = Group::None;
        self.commits = self.commits.saturating_add(1);
        Ok(())
    }

    /// Whether what follows is a part of a group; counts as failed until it is kept.
    pub(super) async fn join_group(&mut self, needed: Synchronous) -> Result<bool, StoreError> {
        if self.group == Group::None {
            return Ok(false);
        }
        self.settle().await?;
        match &mut self.group {
            Group::Open { synchronous, .. } if *synchronous < needed => {
                let detail = "what must be on the disk was written where it need not be".to_owned();
                Err(StoreError::Other { path: self.path.clone(), detail })
            }
            Group::Open { shaken, .. } => {
                *shaken = true;
                Ok(true)
            }
            Group::None | Group::Lost => Err(self.lost()),
        }
    }

    /// Makes sure that the group still has its transaction.
    async fn settle(&mut self) -> Result<(), StoreError> {
        match self.group {
            Group::None | Group::Open { shaken: false, .. } => Ok(()),
            Group::Lost => Err(self.lost()),
            Group::Open { synchronous, shaken: true } => {
                self.group = Group::Lost;
                // SQLite refuses a transaction within a transaction: that it does is the sign that there is one.
                if sqlx::raw_sql("BEGIN").execute(&mut self.db).await.is_ok() {
                    return Err(self.lost());
                }
                self.group = Group::Open { synchronous, shaken: false };
                Ok(())
            }
        }
    }

    fn lost(&self) -> StoreError {
        let detail = "an earlier write failed and took this one with it: try again".to_owned();
        StoreError::Other { path: self.path.clone(), detail }
    }

    /// Makes sure, where there is no group, that the connection is in no transaction.
    ///
    /// SQLite ends one by itself after some faults of the disk. sqlx is not told, cannot roll back what is not there, and
    /// would refuse to begin another for as long as the connection lives: so it does not.
    pub(super) async fn come_out(&mut self) -> Result<(), StoreError> {
        if !self.db.is_in_transaction() {
            return Ok(());
        }
        // A rollback that was asked for when a transaction was dropped may not have had its turn.
        self.db.ping().await.map_err(|error| self.fault(error))?;
        if self.db.is_in_transaction() { self.make_anew().await } else { Ok(()) }
    }

    /// Leaves the connection with whatever was begun on it, and makes another.
    async fn make_anew(&mut self) -> Result<(), StoreError> {
        let mut new = Store::open(&self.path, Open::Serve).await?;
        // The version that waiters look at must not go back.
        new.commits = self.commits;
        new.told = self.told;
        *self = new;
        Ok(())
    }
}

/// Notes something, and panics half-way.
#[cfg(test)]
pub(crate) async fn panic_half_way(store: &mut Store, now: countersign_policy::Timestamp) -> Result<(), StoreError> {
    let mut writing = store.begin(now, Synchronous::Full).await?;
    writing.audit("ana", "half", None, None, &serde_json::json!({})).await?;
    assert!(now.0 == 0, "a panic on purpose");
    writing.commit().await
}

/// Writes what SQLite will refuse at the commit: a grant whose question does not exist.
#[cfg(test)]
pub(crate) async fn fail_commit(store: &mut Store) -> Result<(), StoreError> {
    let broken = "PRAGMA defer_foreign_keys = ON;
        INSERT INTO grants (id, effect, scope, user, action, seek, created, approval, body)
        VALUES ('g', 'allow', 'user', 'ana', 'shell', printf('%064d', 0), 0, 'none', '{\"id\":\"g\",\"effect\":\"allow\"}')";
    sqlx::raw_sql(broken).execute(&mut store.db).await.map(|_| ()).map_err(|error| store.fault(error))
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;
    use serde_json::json;

    use crate::block_on::block_on;
    use crate::store::{AuditFilter, Open, Store, StoreError, Synchronous};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    fn store() -> (tempfile::TempDir, Store, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/countersign.db");
        let store = block_on(Store::open(&path, Open::Serve)).unwrap();
        let reader = block_on(Store::open_reader(&path)).unwrap();
        (folder, store, reader)
    }

    async fn note(store: &mut Store, kind: &str) -> Result<(), StoreError> {
        store.audit("ana", kind, &json!({}), NOON).await
    }

    /// Begins to note something and does not go through with it.
    async fn half(store: &mut Store) {
        let mut writing = store.begin(NOON, Synchronous::Full).await.unwrap();
        writing.audit("ana", "half", None, None, &json!({})).await.unwrap();
    }

    async fn raw(store: &mut Store, sql: &'static str) -> bool {
        sqlx::raw_sql(sql).execute(&mut store.db).await.is_ok()
    }

    fn kinds(store: &mut Store) -> Vec<String> {
        let entries = block_on(store.audit_entries(&AuditFilter::default())).unwrap();
        entries.into_iter().rev().map(|entry| entry.kind).collect()
    }

    #[test]
    fn what_fails_leaves_nothing_and_its_neighbours_stand() {
        let (_folder, mut store, mut reader) = store();
        block_on(async {
            store.open_group(Synchronous::Full).await.unwrap();
            note(&mut store, "before").await.unwrap();
            half(&mut store).await;
            note(&mut store, "after").await.unwrap();
            half(&mut store).await;
            store.commit_group().await.unwrap();
        });
        assert_eq!(kinds(&mut reader), ["before", "after"]);
    }

    #[test]
    fn nobody_sees_what_is_not_committed() {
        let (_folder, mut store, mut reader) = store();
        block_on(store.open_group(Synchronous::Full)).unwrap();
        block_on(note(&mut store, "first")).unwrap();
        assert_eq!(kinds(&mut reader), [""; 0]);
        assert_eq!(kinds(&mut store), ["first"]);
        let before = block_on(reader.version()).unwrap();
        block_on(store.commit_group()).unwrap();
        assert_eq!(kinds(&mut reader), ["first"]);
        assert_ne!(block_on(reader.version()).unwrap(), before);
    }

    #[test]
    fn a_commit_that_fails_leaves_nothing_and_the_next_group_works() {
        let (_folder, mut store, mut reader) = store();
        block_on(async {
            store.open_group(Synchronous::Full).await.unwrap();
            note(&mut store, "lost").await.unwrap();
            super::fail_commit(&mut store).await.unwrap();
            assert!(store.commit_group().await.is_err());
            store.open_group(Synchronous::Full).await.unwrap();
            note(&mut store, "kept").await.unwrap();
            store.commit_group().await.unwrap();
        });
        assert_eq!(kinds(&mut reader), ["kept"]);
    }

    #[test]
    fn a_group_that_lost_its_transaction_takes_nothing_more() {
        let (_folder, mut store, mut reader) = store();
        block_on(async {
            store.open_group(Synchronous::Full).await.unwrap();
            note(&mut store, "lost").await.unwrap();
            let unit = store.begin(NOON, Synchronous::Full).await.unwrap();
            drop(unit);
            // As SQLite does by itself when there is no room.
            assert!(raw(&mut store, "ROLLBACK").await);
            assert!(note(&mut store, "on its own").await.is_err());
            assert!(note(&mut store, "on its own").await.is_err());
            assert!(store.commit_group().await.is_err());
            store.open_group(Synchronous::Full).await.unwrap();
            note(&mut store, "kept").await.unwrap();
            store.commit_group().await.unwrap();
        });
        assert_eq!(kinds(&mut reader), ["kept"]);
    }

    #[test]
    fn what_must_be_on_the_disk_is_refused_where_it_need_not_be() {
        let (_folder, mut store, mut reader) = store();
        block_on(async {
            store.open_group(Synchronous::Normal).await.unwrap();
            assert!(note(&mut store, "durable").await.is_err());
            store.listener_beat("l", "page", "ana", NOON, NOON.plus_seconds(9)).await.unwrap();
            store.commit_group().await.unwrap();
        });
        assert_eq!(kinds(&mut reader), [""; 0]);
        assert!(block_on(reader.listening("ana", NOON)).unwrap());
    }

    #[test]
    fn a_reader_cannot_write() {
        let (_folder, _store, mut reader) = store();
        assert!(block_on(note(&mut reader, "written")).is_err());
        assert_eq!(kinds(&mut reader), [""; 0]);
    }
}
