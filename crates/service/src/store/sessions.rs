//! When a session ends: with the host's word, by a human, or 12 hours after its last use.

use countersign_policy::Timestamp;
use countersign_policy::approval::CancelReason;
use serde_json::json;

use super::{Owner, Store, StoreError, Synchronous, Withdraw, Writing};

/// How long a session lasts after its last use: 12 hours.
pub(super) const IDLE_MS: i64 = 12 * 3_600_000;

impl Store {
    /// Ends a session: withdraws its questions and ends its session and turn grants. Returns the questions' ids.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_session(
        &mut self,
        user: &str,
        session: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let all = Withdraw::Session { user: user.to_owned(), session: session.to_owned() };
        let cancelled = writing.cancel(&all, actor, CancelReason::SessionEnd).await?;
        let ended = writing.end_grants_of(user, session).await?;
        let delete = sqlx::query("DELETE FROM sessions WHERE user = ? AND session = ?").bind(user).bind(session);
        let deleted = delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected();
        if deleted > 0 || ended > 0 {
            let detail = json!({ "user": user, "session": session, "grants": ended });
            writing.audit(actor, "session ended", None, None, &detail).await?;
        }
        writing.commit().await?;
        Ok(cancelled)
    }
}

impl Store {
    /// Starts a session's conversation over: withdraws its questions and turns, and ends what was allowed for it and for
    /// its turns. Denials stay. Returns the questions' ids.
    ///
    /// # Errors
    /// The store failed.
    pub async fn start_over(&mut self, owner: &Owner, actor: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let Owner { user, session } = owner.clone();
        let all = Withdraw::Session { user, session };
        let cancelled = writing.cancel(&all, actor, CancelReason::StartOver).await?;
        let update = sqlx::query(
            "UPDATE grants SET ended = ? WHERE user = ? AND session = ? AND effect = 'allow' AND ended IS NULL",
        );
        let update = update.bind(writing.now.0).bind(&owner.user).bind(&owner.session);
        let ended = update.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected();
        if ended > 0 {
            let detail = json!({ "user": owner.user, "session": owner.session, "grants": ended });
            writing.audit(actor, "started over", None, None, &detail).await?;
        }
        writing.commit().await?;
        Ok(cancelled)
    }
}

impl Writing<'_> {
    /// Notes that a session is in use. One that had ended begins anew, without its old grants.
    pub(super) async fn touch_session(&mut self, user: &str, session: &str) -> Result<(), StoreError> {
        let now = self.now.0;
        let upsert = sqlx::query(
            "INSERT INTO sessions (user, session, begun, used) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT DO UPDATE SET begun = iif(used <= ?3 - ?4, ?3, begun), used = ?3",
        );
        let upsert = upsert.bind(user).bind(session).bind(now).bind(IDLE_MS);
        upsert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }

    async fn end_grants_of(&mut self, user: &str, session: &str) -> Result<u64, StoreError> {
        let now = self.now.0;
        let update = sqlx::query("UPDATE grants SET ended = ? WHERE user = ? AND session = ? AND ended IS NULL");
        let update = update.bind(now).bind(user).bind(session);
        Ok(update.execute(self.db()).await.map_err(|error| self.fault(error))?.rows_affected())
    }
}
