//! When a session ends: with the host's word, by a human, or 12 hours after its last use.

use countersign_policy::approval::CancelReason;
use countersign_policy::{Grant, Timestamp};
use serde_json::json;
use sqlx::{Row as _, SqliteConnection};

use super::runs::{self, Present};
use super::{Human, Owner, Run, Store, StoreError, Synchronous, Withdraw, Writing};

/// How long a session lasts after its last use: 12 hours.
pub(super) const IDLE_MS: i64 = 12 * 3_600_000;

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// When it began.
    pub begun: Timestamp,
    /// When it was last used.
    pub used: Timestamp,
    /// The mode that was set for it.
    pub mode: Option<String>,
    /// Real paths of the further folders that it works in.
    pub roots: Vec<String>,
    /// How many of its questions are open.
    pub open: u32,
    /// What was remembered for it or for one of its turns, the newest first.
    pub grants: Vec<Grant>,
    pub(crate) run: Option<Run>,
}

impl Session {
    /// How often in a row it made the last call that was allowed; 0: there was none.
    pub fn in_a_row(&self) -> u32 {
        self.run.as_ref().map_or(0, Run::times)
    }
}

/// What is set in a session. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The mode of its calls; inside `None`: what its host says.
    pub mode: Option<Option<String>>,
    /// Real paths of the further folders that it works in.
    pub roots: Option<Vec<String>>,
}

impl Store {
    /// A user's session; `None` if it has not begun, or has ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&mut self, user: &str, session: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let now = self.tick(now).await?.now();
        let oldest = now.0.saturating_sub(IDLE_MS);
        let query = sqlx::query(
            "SELECT used, run, runs, run_id, mode, begun,
               (SELECT count(*) FROM approvals a
                WHERE a.user = s.user AND a.session = s.session AND a.state = 'open' AND a.due > ?3),
               (SELECT folders FROM roots r WHERE r.user = s.user AND r.session = s.session AND r.begun = s.begun)
             FROM sessions s WHERE user = ?1 AND session = ?2 AND used > ?4",
        );
        let query = query.bind(user).bind(session).bind(now.0).bind(oldest).fetch_optional(&mut self.db);
        let Some(row) = query.await.map_err(|error| self.fault(error))? else { return Ok(None) };
        let read = || Ok((runs::row(&row, 0)?, row.try_get(0)?, row.try_get(5)?, row.try_get(6)?, row.try_get(7)?));
        let (columns, used, begun, open, folders) = read().map_err(|error| self.fault(error))?;
        let roots = self.folders(folders)?;
        let grants = sqlx::query_scalar(
            "SELECT body FROM grants WHERE user = ? AND session = ? AND ended IS NULL AND created >= ?
               AND (expires IS NULL OR expires > ?) ORDER BY id DESC LIMIT 1000",
        );
        let grants = grants.bind(user).bind(session).bind(begun).bind(now.0).fetch_all(&mut self.db);
        let grants: Vec<String> = grants.await.map_err(|error| self.fault(error))?;
        let grants: Result<Vec<Grant>, _> = grants.iter().map(|body| serde_json::from_str(body)).collect();
        let grants = grants.map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("a grant cannot be read: {error}"),
        })?;
        let Present { run, mode } = Present::of(columns, oldest);
        Ok(Some(Session { begun: Timestamp(begun), used: Timestamp(used), mode, roots, open, grants, run }))
    }

    /// The further folders that a user's session works in: real paths; none if it has not begun, or has ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn roots(&mut self, user: &str, session: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT folders FROM clock, sessions JOIN roots USING (user, session, begun)
             WHERE user = ?1 AND session = ?2 AND used > max(newest, ?3) - ?4",
        );
        let query = query.bind(user).bind(session).bind(now.0).bind(IDLE_MS);
        let folders = query.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        self.folders(folders)
    }

    /// Sets what is in force in a user's session. One that has not begun begins.
    ///
    /// # Errors
    /// The store failed.
    pub async fn set_session(
        &mut self,
        session: &str,
        setting: &Setting,
        by: &Human,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.touch_session(&by.user, session).await?;
        let mut detail =
            serde_json::Map::from_iter([("session".to_owned(), json!(session)), ("via".to_owned(), json!(by.via))]);
        if let Some(mode) = &setting.mode {
            let update = sqlx::query("UPDATE sessions SET mode = ? WHERE user = ? AND session = ?");
            let update = update.bind(mode).bind(&by.user).bind(session);
            update.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
            detail.insert("mode".to_owned(), json!(mode));
        }
        if let Some(roots) = &setting.roots {
            let replace = sqlx::query(
                "INSERT OR REPLACE INTO roots (user, session, begun, folders)
                 SELECT user, session, begun, ? FROM sessions WHERE user = ? AND session = ?",
            );
            let replace = replace.bind(json!(roots).to_string()).bind(&by.user).bind(session);
            replace.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
            detail.insert("roots".to_owned(), json!(roots));
        }
        writing.audit(&by.user, "session set", None, None, &detail.into()).await?;
        writing.commit().await
    }

    /// The folders of a row of `roots`.
    pub(super) fn folders(&self, text: Option<String>) -> Result<Vec<String>, StoreError> {
        let folders = text.map(|text| serde_json::from_str(&text)).transpose();
        let folders: Option<Vec<String>> = folders.map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("a session's roots cannot be read: {error}"),
        })?;
        Ok(folders.unwrap_or_default())
    }

    /// Ends a session and those of the sub-agents below it: withdraws their questions and ends their session and turn
    /// grants. Returns the questions' ids.
    ///
    /// # Errors
    /// The store failed; nothing has ended then.
    pub async fn end_session(
        &mut self,
        user: &str,
        session: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        self.end_sessions(user, session, None, actor, now).await
    }

    /// The same for a session whose host has put one call off: the question about that call stays, for the session will
    /// be resumed with it. What was allowed for the session ends all the same.
    ///
    /// # Errors
    /// The store failed; nothing has ended then.
    pub async fn end_session_but(
        &mut self,
        user: &str,
        session: &str,
        but: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        self.end_sessions(user, session, Some(but), actor, now).await
    }

    /// The sessions of the sub-agents below this one, at any depth, in which there is something to end.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_below(&mut self, user: &str, session: &str) -> Result<Vec<String>, StoreError> {
        below(&mut self.db, user, session).await.map_err(|error| self.fault(error))
    }

    async fn end_sessions(
        &mut self,
        user: &str,
        session: &str,
        but: Option<&str>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let mut cancelled = writing.end_one(user, session, but, (actor, None)).await?;
        let sessions = below(writing.db(), user, session).await.map_err(|error| writing.fault(error))?;
        for one in sessions {
            cancelled.extend(writing.end_one(user, &one, None, (actor, Some(session))).await?);
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
             ON CONFLICT DO UPDATE SET begun = iif(used <= ?3 - ?4, ?3, begun), used = ?3,
               run = iif(used <= ?3 - ?4, NULL, run), runs = iif(used <= ?3 - ?4, 0, runs),
               run_id = iif(used <= ?3 - ?4, NULL, run_id), mode = iif(used <= ?3 - ?4, NULL, mode)",
        );
        let upsert = upsert.bind(user).bind(session).bind(now).bind(IDLE_MS);
        upsert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }

    /// Ends one session; `above`: it ends with the session of that agent.
    async fn end_one(
        &mut self,
        user: &str,
        session: &str,
        but: Option<&str>,
        (actor, above): (&str, Option<&str>),
    ) -> Result<Vec<String>, StoreError> {
        let (its_user, its) = (user.to_owned(), session.to_owned());
        let questions = match but {
            None => Withdraw::Session { user: its_user, session: its },
            Some(but) => Withdraw::SessionBut { user: its_user, session: its, but: but.to_owned() },
        };
        let cancelled = self.cancel(&questions, actor, CancelReason::SessionEnd).await?;
        let ended = self.end_grants_of(user, session).await?;
        let delete = sqlx::query("DELETE FROM sessions WHERE user = ? AND session = ?").bind(user).bind(session);
        let deleted = delete.execute(self.db()).await.map_err(|error| self.fault(error))?.rows_affected();
        if deleted > 0 || ended > 0 {
            let mut detail = json!({ "user": user, "session": session, "grants": ended });
            if let (Some(above), Some(detail)) = (above, detail.as_object_mut()) {
                detail.insert("with".to_owned(), json!(above));
            }
            self.audit(actor, "session ended", None, None, &detail).await?;
        }
        Ok(cancelled)
    }

    async fn end_grants_of(&mut self, user: &str, session: &str) -> Result<u64, StoreError> {
        let now = self.now.0;
        let update = sqlx::query("UPDATE grants SET ended = ? WHERE user = ? AND session = ? AND ended IS NULL");
        let update = update.bind(now).bind(user).bind(session);
        Ok(update.execute(self.db()).await.map_err(|error| self.fault(error))?.rows_affected())
    }
}

/// See [`Store::sessions_below`]. A session belongs to one agent, so that each of its tokens says where it stands, also
/// one that counts no more.
async fn below(db: &mut SqliteConnection, user: &str, session: &str) -> Result<Vec<String>, sqlx::Error> {
    let find = sqlx::query_scalar(
        "WITH RECURSIVE below (id, session) AS (
           SELECT id, session FROM tokens WHERE user = ?1 AND session = ?2
           UNION SELECT tokens.id, tokens.session FROM below JOIN tokens ON tokens.parent = below.id AND tokens.user = ?1)
         SELECT DISTINCT session FROM below
         WHERE session <> ?2
           AND (EXISTS (SELECT 1 FROM sessions s WHERE s.user = ?1 AND s.session = below.session)
             OR EXISTS (SELECT 1 FROM approvals a WHERE a.user = ?1 AND a.session = below.session AND a.pending = 1
                          AND a.due IS NOT NULL))
         ORDER BY session",
    );
    find.bind(user).bind(session).fetch_all(db).await
}
