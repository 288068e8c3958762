//! Which servers are there, and what is told again once one is gone without a word.
//!
//! A server says again and again that it is there. Whoever finds that another's time is over takes its row away, in the
//! transaction that tells again of what is open: so that happens once, however many look at the same moment. The times
//! are the store's own, which never go back.

use countersign_policy::Timestamp;
use serde_json::json;

use super::{Record, Store, StoreError, Synchronous};

impl Store {
    /// Says that this server is there for so many seconds more. Returns whether another one's time is over: then
    /// [`Store::tell_again`] is due.
    ///
    /// # Errors
    /// The store failed.
    pub async fn server_beat(&mut self, id: &str, seconds: i64, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let now = writing.now;
        let beat = sqlx::query(
            "INSERT INTO servers (id, begun, seen, until) VALUES (?1, ?2, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, until = excluded.until",
        );
        let beat = beat.bind(id).bind(now.0).bind(now.plus_seconds(seconds).0);
        beat.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        let over = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM servers WHERE until <= ?)").bind(now.0);
        let over = over.fetch_one(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await?;
        Ok(over)
    }

    /// How many servers there are.
    ///
    /// # Errors
    /// The store failed.
    pub async fn servers(&mut self, now: Timestamp) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM servers WHERE until > (SELECT max(newest, ?) FROM clock)");
        count.bind(now.0).fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// Says that this server ends in good order: nothing is told again because of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn server_gone(&mut self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let gone = sqlx::query("DELETE FROM servers WHERE id = ?").bind(id);
        gone.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }

    /// Takes away the servers whose time is over, and tells again of each question that is open, unless a server that is
    /// still there was there beside the last of them. Returns the questions that were told of again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tell_again(&mut self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        let now = writing.now.0;
        let gone = sqlx::query_as("DELETE FROM servers WHERE until <= ? RETURNING id, seen").bind(now);
        let gone: Vec<(String, i64)> = gone.fetch_all(writing.db()).await.map_err(|error| writing.fault(error))?;
        let mut told = Vec::new();
        let Some((server, seen)) = gone.into_iter().max_by_key(|(_, seen)| *seen) else { return Ok(told) };
        let beside = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM servers WHERE begun < ?)").bind(seen);
        let beside: bool = beside.fetch_one(writing.db()).await.map_err(|error| writing.fault(error))?;
        if !beside {
            let forget = sqlx::query("DELETE FROM noticed");
            forget.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
            let open = sqlx::query_scalar("SELECT id FROM approvals WHERE state = 'open' AND asked <= ? ORDER BY id");
            let open = open.bind(now).fetch_all(writing.db()).await;
            let open: Vec<String> = open.map_err(|error| writing.fault(error))?;
            for id in open {
                // One that cannot be read keeps nobody from hearing of the others.
                let record = match writing.record(&id).await {
                    Ok(Some(record)) => record,
                    Ok(None) | Err(StoreError::Damaged { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let webhooks = writing.tell_asked(&record.approval, true).await?;
                let detail = json!({ "server": server, "webhooks": webhooks });
                writing.audit("server", "told again", Some(&id), None, &detail).await?;
                told.push(id);
            }
        }
        writing.commit().await?;
        Ok(told)
    }

    /// Whether a question of this user is open that no server has shown on the desktop.
    pub(crate) async fn unnoticed(&mut self, user: &str, now: Timestamp) -> Result<bool, StoreError> {
        let find = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM approvals WHERE user = ? AND state = 'open'
               AND due > (SELECT max(newest, ?) FROM clock) AND id NOT IN (SELECT approval FROM noticed))",
        );
        let find = find.bind(user).bind(now.0);
        find.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The open questions of this user that no server has shown on the desktop, the oldest first: from now on this one has.
    pub(crate) async fn take_unnoticed(&mut self, user: &str, now: Timestamp) -> Result<Vec<Record>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let now = writing.now.0;
        let take = sqlx::query_scalar(
            "INSERT INTO noticed (approval) SELECT id FROM approvals
               WHERE user = ? AND state = 'open' AND due > ? AND id NOT IN (SELECT approval FROM noticed)
             RETURNING approval",
        );
        let take = take.bind(user).bind(now).fetch_all(writing.db()).await;
        let mut ids: Vec<String> = take.map_err(|error| writing.fault(error))?;
        ids.sort();
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            match writing.record(&id).await {
                Ok(record) => records.extend(record),
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        writing.commit().await?;
        Ok(records)
    }
}
