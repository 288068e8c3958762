//! Where a human would see a question: live pages and watching terminals.

use countersign_policy::Timestamp;

use super::{Store, StoreError, Synchronous};

impl Store {
    /// Says that a listener of this user lives until then. `kind`: `page` or `terminal`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn listener_beat(
        &mut self,
        id: &str,
        kind: &str,
        user: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let at = writing.now.0;
        let fault = |error| StoreError::of(writing.path, error);
        let gone = sqlx::query("DELETE FROM listeners WHERE until <= ?").bind(at);
        gone.execute(&mut *writing.transaction).await.map_err(fault)?;
        let beat = sqlx::query("INSERT OR REPLACE INTO listeners (id, kind, user, until) VALUES (?, ?, ?, ?)");
        let beat = beat.bind(id).bind(kind).bind(user).bind(until.0);
        beat.execute(&mut *writing.transaction).await.map_err(fault)?;
        writing.commit().await
    }

    /// Says that a listener is gone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn listener_gone(&mut self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let delete = sqlx::query("DELETE FROM listeners WHERE id = ?").bind(id);
        delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }

    /// Whether a listener of this user is alive.
    ///
    /// # Errors
    /// The store failed.
    pub async fn listening(&mut self, user: &str, now: Timestamp) -> Result<bool, StoreError> {
        let alive = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM listeners WHERE user = ? AND until > (SELECT max(newest, ?) FROM clock))",
        );
        alive.bind(user).bind(now.0).fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }
}
