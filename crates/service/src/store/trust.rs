//! Which content of which project's file counts for whom.

use std::collections::HashSet;

use countersign_policy::Timestamp;
use serde_json::json;

use super::{Store, StoreError, Synchronous};

/// What a user trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust(HashSet<(String, String)>);

impl Trust {
    /// Whether the user trusts this content of this file.
    pub fn covers(&self, path: &str, digest: &str) -> bool {
        self.0.contains(&(path.to_owned(), digest.to_owned()))
    }
}

impl Store {
    /// All that a user trusts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trust_of(&mut self, user: &str) -> Result<Trust, StoreError> {
        let rows = sqlx::query_as("SELECT path, digest FROM trust WHERE user = ?").bind(user);
        let rows: Vec<(String, String)> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(Trust(rows.into_iter().collect()))
    }

    /// Trusts this content (SHA-256 in hexadecimal) of this file, for this user, in place of what was trusted of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn trust(&mut self, path: &str, digest: &str, user: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let fault = |error| StoreError::of(writing.path, error);
        let old = sqlx::query("DELETE FROM trust WHERE user = ? AND path = ?").bind(user).bind(path);
        old.execute(&mut *writing.transaction).await.map_err(fault)?;
        let new = sqlx::query("INSERT INTO trust (user, path, digest, created) VALUES (?, ?, ?, ?)");
        let new = new.bind(user).bind(path).bind(digest).bind(at);
        new.execute(&mut *writing.transaction).await.map_err(fault)?;
        writing.audit(user, "trusted", None, None, &json!({ "path": path, "digest": digest })).await?;
        writing.commit().await
    }

    /// Trusts no content of this file any more; false if none was trusted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn untrust(&mut self, path: &str, user: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let delete = sqlx::query("DELETE FROM trust WHERE user = ? AND path = ?").bind(user).bind(path);
        let gone = delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected() > 0;
        if gone {
            writing.audit(user, "untrusted", None, None, &json!({ "path": path })).await?;
        }
        writing.commit().await?;
        Ok(gone)
    }
}
