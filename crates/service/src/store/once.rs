//! Idempotency keys: a request that an agent sends again, because it never heard the answer, has its effect once.
//!
//! A key is written in the transaction of the effect that it stands for, with what that made or took. The same key
//! with another request is refused. Keys are kept for a day.

use super::{Store, StoreError, Synchronous, Writing};

/// How long a key is kept: 24 hours.
const KEPT_MS: i64 = 86_400_000;

/// An idempotency key as it came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The user of the agent that sent it.
    pub user: String,
    /// Its session.
    pub session: String,
    /// The key.
    pub key: String,
    /// SHA-256 of what was requested.
    pub fingerprint: String,
}

/// A key was sent before, with another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this idempotency key was used for another request: every request needs a key of its own")]
pub struct KeyReused;

impl Store {
    /// What the key's request made or took, if it came before.
    ///
    /// # Errors
    /// The store failed. Inside: it came with another request.
    pub async fn once(&mut self, once: &Once) -> Result<Result<Option<String>, KeyReused>, StoreError> {
        let find = sqlx::query_as("SELECT fingerprint, subject FROM keys WHERE user = ? AND session = ? AND key = ?");
        let find = find.bind(&once.user).bind(&once.session).bind(&once.key);
        let found: Option<(String, String)> =
            find.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(subject(once, found))
    }

    /// Forgets keys that are older than a day.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trim_keys(&mut self, now: countersign_policy::Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let old = writing.now.0.saturating_sub(KEPT_MS);
        let delete = sqlx::query("DELETE FROM keys WHERE at < ?").bind(old);
        delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }
}

impl Writing<'_> {
    /// What the key's request made or took, if it came before.
    pub(super) async fn once(&mut self, once: &Once) -> Result<Result<Option<String>, KeyReused>, StoreError> {
        let find = sqlx::query_as("SELECT fingerprint, subject FROM keys WHERE user = ? AND session = ? AND key = ?");
        let find = find.bind(&once.user).bind(&once.session).bind(&once.key);
        let found: Option<(String, String)> =
            find.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(subject(once, found))
    }

    /// Notes what a key's request made or took.
    pub(super) async fn done(&mut self, once: &Once, subject: &str) -> Result<(), StoreError> {
        let now = self.now.0;
        let insert = sqlx::query(
            "INSERT OR IGNORE INTO keys (user, session, key, fingerprint, subject, at) VALUES (?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(&once.user).bind(&once.session).bind(&once.key).bind(&once.fingerprint);
        let insert = insert.bind(subject).bind(now);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

fn subject(once: &Once, found: Option<(String, String)>) -> Result<Option<String>, KeyReused> {
    match found {
        Some((fingerprint, _)) if fingerprint != once.fingerprint => Err(KeyReused),
        found => Ok(found.map(|(_, subject)| subject)),
    }
}
