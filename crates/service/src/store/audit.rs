//! Who did what that matters: durable, and never changed.

use countersign_policy::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::approvals::limit;
use super::{Store, StoreError, Synchronous, Writing};

/// One entry of the audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a user, `agent`, `policy`, `time`, `server` or `webhook`.
    pub actor: String,
    /// What: `asked`, `allowed`, `denied`, `redeemed`, `cancelled`, `expired`, `granted`, `revoked` ...
    pub kind: String,
    /// The question that it is about.
    pub approval: Option<String>,
    /// The grant that it is about.
    pub grant: Option<String>,
    /// What else is to be known.
    pub detail: Value,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this question only.
    pub approval: Option<String>,
    /// Of this kind only.
    pub kind: Option<String>,
    /// Only those before this number, to turn pages.
    pub before: Option<i64>,
    /// At most so many; 0: 100.
    pub limit: u32,
}

impl Store {
    /// Entries of the audit, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit_entries(&mut self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        type Row = (i64, i64, String, String, Option<String>, Option<String>, String);
        let rows = sqlx::query_as(
            "SELECT id, at, actor, kind, approval, grant_id, detail FROM audit
             WHERE (?1 IS NULL OR approval = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR id < ?3)
             ORDER BY id DESC LIMIT ?4",
        );
        let rows = rows.bind(&filter.approval).bind(&filter.kind).bind(filter.before).bind(limit(filter.limit));
        let rows: Vec<Row> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let entry = |(id, at, actor, kind, approval, grant, detail): Row| {
            let detail = serde_json::from_str(&detail).map_err(|error| StoreError::Damaged {
                path: self.path.clone(),
                detail: format!("the audit's entry {id} cannot be read: {error}"),
            })?;
            Ok(AuditEntry { id, at: Timestamp(at), actor, kind, approval, grant, detail })
        };
        rows.into_iter().map(entry).collect()
    }

    /// The number of the newest entry; 0 if there is none.
    pub(crate) async fn newest_entry(&mut self) -> Result<i64, StoreError> {
        let newest = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM audit");
        newest.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The entries after that one, each with the question that it is about.
    pub(crate) async fn changed_since(&mut self, entry: i64) -> Result<Vec<(i64, Option<String>)>, StoreError> {
        let rows = sqlx::query_as("SELECT id, approval FROM audit WHERE id > ? ORDER BY id").bind(entry);
        rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// Writes an entry about something that the store itself does not do: a policy file was edited, the gate was
    /// switched off for a while. On the disk before it returns.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit(&mut self, actor: &str, kind: &str, detail: &Value, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.audit(actor, kind, None, None, detail).await?;
        writing.commit().await
    }
}

impl Writing<'_> {
    pub(super) async fn audit(
        &mut self,
        actor: &str,
        kind: &str,
        approval: Option<&str>,
        grant: Option<&str>,
        detail: &Value,
    ) -> Result<(), StoreError> {
        let now = self.now.0;
        let insert =
            sqlx::query("INSERT INTO audit (at, actor, kind, approval, grant_id, detail) VALUES (?, ?, ?, ?, ?, ?)");
        let insert = insert.bind(now).bind(actor).bind(kind).bind(approval).bind(grant).bind(detail.to_string());
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}
