//! Edits of files that can be undone.

use countersign_policy::Timestamp;

use super::approvals::limit;
use super::{Store, StoreError, Synchronous};

/// An edit of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its number.
    pub id: i64,
    /// The file.
    pub path: String,
    /// What it held; `None`: it did not exist.
    pub before: Option<String>,
    /// What it holds since; `None`: it was removed.
    pub after: Option<String>,
    /// When.
    pub at: Timestamp,
    /// When it was undone.
    pub undone: Option<Timestamp>,
}

impl Store {
    /// Notes an edit, before it is made; returns its number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn edit(
        &mut self,
        user: &str,
        path: &str,
        before: Option<&str>,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let insert = sqlx::query("INSERT INTO edits (user, path, before, after, at) VALUES (?, ?, ?, ?, ?)");
        let insert = insert.bind(user).bind(path).bind(before).bind(after).bind(at);
        let id = insert.execute(writing.db()).await.map_err(|error| writing.fault(error))?.last_insert_rowid();
        writing.commit().await?;
        Ok(id)
    }

    /// A user's edits, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn edits(&mut self, user: &str, at_most: u32) -> Result<Vec<Edit>, StoreError> {
        type Row = (i64, String, Option<String>, Option<String>, i64, Option<i64>);
        let rows = sqlx::query_as(
            "SELECT id, path, before, after, at, undone FROM edits WHERE user = ? ORDER BY id DESC LIMIT ?",
        );
        let rows = rows.bind(user).bind(limit(at_most));
        let rows: Vec<Row> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let edit = |(id, path, before, after, at, undone): Row| Edit {
            id,
            path,
            before,
            after,
            at: Timestamp(at),
            undone: undone.map(Timestamp),
        };
        Ok(rows.into_iter().map(edit).collect())
    }

    /// Notes that an edit was undone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn edit_undone(&mut self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let update = sqlx::query("UPDATE edits SET undone = ? WHERE id = ?").bind(at).bind(id);
        update.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }
}
