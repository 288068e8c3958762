//! What is known of policy files: which content of a project's counts for whom, and whose examples hold.

use std::collections::HashSet;

use countersign_policy::Timestamp;
use serde_json::json;

use super::{Store, StoreError, Synchronous};

/// How many checked files are remembered.
const MOST_CHECKED: i64 = 1000;

/// What is known of policy files, for one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    trusted: HashSet<(String, String)>,
    checked: HashSet<String>,
}

impl countersign_engine::Known for Known {
    fn trusted(&self, path: &str, content: &str) -> bool {
        self.trusted.contains(&(path.to_owned(), content.to_owned()))
    }

    fn checked(&self, key: &str) -> bool {
        self.checked.contains(key)
    }
}

impl Store {
    /// What is known of policy files.
    ///
    /// # Errors
    /// The store failed.
    pub async fn known(&mut self, user: &str) -> Result<Known, StoreError> {
        let rows =
            sqlx::query_as("SELECT path, digest FROM trust WHERE user = ? UNION ALL SELECT NULL, key FROM checked");
        let rows: Vec<(Option<String>, String)> =
            rows.bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let mut known = Known::default();
        for (path, digest) in rows {
            match path {
                Some(path) => known.trusted.insert((path, digest)),
                None => known.checked.insert(digest),
            };
        }
        Ok(known)
    }

    /// Notes that the examples of these files were checked and hold. Best effort: else they are checked again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn note_checked(&mut self, keys: &[String], now: Timestamp) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let at = writing.now.0;
        let fault = |error| StoreError::of(writing.path, error);
        let insert = sqlx::query("INSERT OR REPLACE INTO checked (key, at) SELECT value, ? FROM json_each(?)");
        let insert = insert.bind(at).bind(json!(keys).to_string());
        insert.execute(&mut *writing.transaction).await.map_err(fault)?;
        let old =
            sqlx::query("DELETE FROM checked WHERE key NOT IN (SELECT key FROM checked ORDER BY at DESC, key LIMIT ?)");
        old.bind(MOST_CHECKED).execute(&mut *writing.transaction).await.map_err(fault)?;
        writing.commit().await
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
