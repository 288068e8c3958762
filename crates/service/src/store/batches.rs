//! The questions of a turn as one batch: made with them, ready when the last is over, taken once.

use std::collections::BTreeSet;

use countersign_policy::Timestamp;
use countersign_policy::approval::{CancelReason, Event, State};
use countersign_policy::batch::{self, Batch, BatchEvent, BatchRefusal, BatchState, Member};
use serde_json::json;

use super::once::{KeyReused, Once};
use super::{Record, Store, StoreError, Synchronous, Withdraw, Writing};

/// For how long it is told with which batches an agent was resumed: 24 hours.
const DAY_MS: i64 = 86_400_000;

/// A batch with its questions, in the order of its members.
#[derive(Debug, Clone)]
pub struct BatchRecord {
    /// The batch.
    pub batch: Batch,
    /// Its questions.
    pub records: Vec<Record>,
}

impl BatchRecord {
    /// Each call that was asked about, with what became of it in one word and the question.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&Member, &'static str, &Record)> {
        let mut seen = BTreeSet::new();
        self.batch.members.iter().filter_map(move |member| {
            let record = self.records.iter().find(|record| record.approval.id == member.approval)?;
            let again = !seen.insert(&member.approval);
            Some((member, outcome(&record.approval.state, again), record))
        })
    }
}

fn outcome(state: &State, again: bool) -> &'static str {
    match state {
        State::Open => "open",
        State::Allowed { .. } | State::Redeemed { .. } if again => "repeated",
        State::Allowed { .. } | State::Redeemed { .. } => "approved",
        State::Denied { .. } => "denied",
        State::Cancelled { .. } => "cancelled",
        State::Expired { .. } => "expired",
    }
}

/// Why nobody gets a batch.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// There is no such batch in this session.
    #[error("there is no turn `{0}`")]
    Unknown(String),
    /// It is not to be had.
    #[error(transparent)]
    Refused(#[from] BatchRefusal),
    /// The key came with another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose batch it is: an agent gets those of its own session only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// See [`countersign_policy::Call::session_key`].
    pub session: String,
}

impl Store {
    /// The batch of that id with its questions.
    ///
    /// # Errors
    /// The store failed.
    pub async fn batch(&mut self, id: &str) -> Result<Option<BatchRecord>, StoreError> {
        let find = sqlx::query_scalar("SELECT body FROM batches WHERE id = ?").bind(id);
        let body: Option<String> = find.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        let Some(body) = body else { return Ok(None) };
        let batch: Batch = serde_json::from_str(&body).map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("a batch cannot be read: {error}"),
        })?;
        let mut records = Vec::with_capacity(batch.members.len());
        for member in &batch.members {
            records.extend(self.record(&member.approval).await?);
        }
        Ok(Some(BatchRecord { batch, records }))
    }

    /// The ids of a session's batches that are over and wait for their agent, which has ended its turn, to be resumed;
    /// the oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn batches_ready(&mut self, owner: &Owner, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let find = sqlx::query_scalar(
            "SELECT id FROM batches WHERE user = ? AND session = ? AND body ->> '$.deferred'
               AND (state = 'ready' OR (state = 'sending' AND body ->> '$.state.until' <= ?)) ORDER BY id",
        );
        let find = find.bind(&owner.user).bind(&owner.session).bind(now.0);
        find.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// The ids of a session's batches that its agent may still want: those that are open or wait to be picked up, and
    /// those with which it was resumed in the last day; of this state alone, where one is given. The newest first, at
    /// most 200.
    ///
    /// # Errors
    /// The store failed.
    pub async fn batches_of(
        &mut self,
        owner: &Owner,
        state: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let find = sqlx::query_scalar(
            "SELECT id FROM batches WHERE user = ?1 AND session = ?2
               AND (state IN ('open', 'ready', 'sending') OR (state = 'resumed' AND body ->> '$.state.at' > ?3))
               AND (?4 IS NULL OR iif(state = 'sending', 'ready', state) = ?4)
             ORDER BY id DESC LIMIT 200",
        );
        let find = find.bind(&owner.user).bind(&owner.session).bind(now.0.saturating_sub(DAY_MS)).bind(state);
        find.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// Takes a batch, exactly once; `by` says which way. Its denials count as told.
    ///
    /// # Errors
    /// See [`TakeError`]; nothing was changed.
    pub async fn take_batch(
        &mut self,
        id: &str,
        owner: &Owner,
        by: &'static str,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<BatchRecord, TakeError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        // What time has ended is over, too.
        writing.expire().await?;
        let batch = writing.batch(id).await?.filter(|batch| batch.user == owner.user && batch.session == owner.session);
        let Some(batch) = batch else { return Err(TakeError::Unknown(id.to_owned())) };
        if let Some(once) = once {
            writing.once(once).await??;
        }
        let event = BatchEvent::Take { by, key: once.map(|once| once.key.clone()) };
        let next = batch::step(&batch, event, writing.now)?;
        if next != batch {
            writing.save_batch(&next).await?;
            writing.audit("agent", "resumed", None, None, &json!({ "turn": id, "by": by })).await?;
            if let Some(once) = once {
                writing.done(once, id).await?;
            }
        }
        let records = writing.told_members(&next).await?;
        writing.commit().await?;
        Ok(BatchRecord { batch: next, records })
    }
}

impl Writing<'_> {
    pub(super) async fn batch(&mut self, id: &str) -> Result<Option<Batch>, StoreError> {
        let find = sqlx::query_scalar("SELECT body FROM batches WHERE id = ?").bind(id);
        let body: Option<String> = find.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        body.map(|body| serde_json::from_str(&body).map_err(|error| self.damaged("a batch", error))).transpose()
    }

    /// The questions of a batch, now that its agent is told of them.
    pub(super) async fn told_members(&mut self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::with_capacity(batch.members.len());
        for member in &batch.members {
            let Some(mut record) = self.record(&member.approval).await? else { continue };
            if matches!(record.approval.state, State::Denied { told: false, .. })
                && let Ok(told) = self.step(&record.approval, Event::Tell, "agent", json!({})).await?
            {
                record.approval = told;
            }
            records.push(record);
        }
        Ok(records)
    }

    pub(super) async fn insert_batch(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let body = self.json(batch)?;
        let insert = sqlx::query(
            "INSERT INTO batches (id, user, session, turn, state, made, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(&batch.id).bind(&batch.user).bind(&batch.session).bind(&batch.turn);
        let insert = insert.bind(word(&batch.state)).bind(batch.made.0).bind(body);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        for member in &batch.members {
            let insert = sqlx::query("INSERT OR IGNORE INTO members (approval, batch) VALUES (?, ?)");
            let insert = insert.bind(&member.approval).bind(&batch.id);
            insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    pub(super) async fn save_batch(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let update = sqlx::query("UPDATE batches SET state = ?, body = ? WHERE id = ?");
        let update = update.bind(word(&batch.state)).bind(self.json(batch)?).bind(&batch.id);
        update.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }

    /// A question is over: the batches of which it was the last are ready.
    pub(super) async fn over(&mut self, approval: &str) -> Result<(), StoreError> {
        let find = sqlx::query_scalar(
            "SELECT body FROM batches WHERE state = 'open' AND id IN (SELECT batch FROM members WHERE approval = ?1)
               AND NOT EXISTS (SELECT 1 FROM members JOIN approvals ON approvals.id = members.approval
                               WHERE members.batch = batches.id AND approvals.state = 'open')",
        );
        let bodies: Vec<String> = find.bind(approval).fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        for body in bodies {
            let batch: Batch = serde_json::from_str(&body).map_err(|error| self.damaged("a batch", error))?;
            if let Ok(next) = batch::step(&batch, BatchEvent::Over, self.now) {
                self.save_batch(&next).await?;
                self.tell_ready(&next).await?;
            }
        }
        Ok(())
    }

    /// Gives up the batches of a turn or session: nobody is resumed with them.
    pub(super) async fn give_up(&mut self, which: &Withdraw, reason: CancelReason) -> Result<(), StoreError> {
        let (user, session, turn) = match which {
            Withdraw::Own { .. } => return Ok(()),
            Withdraw::Session { user, session } | Withdraw::SessionBut { user, session, .. } => (user, session, None),
            Withdraw::Turn { user, session, turn } => (user, session, Some(turn)),
        };
        let find = sqlx::query_scalar(
            "SELECT body FROM batches WHERE user = ?1 AND session = ?2 AND state IN ('open', 'ready', 'sending')
               AND (?3 IS NULL OR turn = ?3)",
        );
        let find = find.bind(user).bind(session).bind(turn);
        let bodies: Vec<String> = find.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        for body in bodies {
            let batch: Batch = serde_json::from_str(&body).map_err(|error| self.damaged("a batch", error))?;
            if let Ok(next) = batch::step(&batch, BatchEvent::Cancel(reason), self.now)
                && next != batch
            {
                self.save_batch(&next).await?;
            }
        }
        Ok(())
    }
}

fn word(state: &BatchState) -> &'static str {
    match state {
        BatchState::Open => "open",
        BatchState::Ready { .. } => "ready",
        BatchState::Sending { .. } => "sending",
        BatchState::Resumed { .. } => "resumed",
        BatchState::Cancelled { .. } => "cancelled",
    }
}
