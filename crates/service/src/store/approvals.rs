//! Questions and what became of them, as rows.

use countersign_policy::approval::{self, Approval, Asker, CancelReason, Consequence, Event, Refusal, State};
use countersign_policy::{Call, Digest, Effect, Question, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Store, StoreError, Synchronous, Writing};

/// A question with the call that it is about and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// The question's id, asker and state.
    pub approval: Approval,
    /// The call as it was when it was asked about.
    pub call: Call,
    /// What the human is asked.
    pub question: Question,
}

/// Which questions to list.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Of this user only.
    pub user: Option<String>,
    /// Of this session only, see [`Call::session_key`].
    pub session: Option<String>,
    /// Only those that nobody has answered.
    pub open: bool,
    /// Only those before this id, to turn pages.
    pub before: Option<String>,
    /// At most so many; 0: 100.
    pub limit: u32,
}

/// Which questions to withdraw.
#[derive(Debug, Clone)]
pub enum Withdraw {
    /// One, if this agent asked it.
    Own {
        /// Its id.
        id: String,
        /// Who asked.
        asker: Asker,
    },
    /// All of a session.
    Session {
        /// Its user.
        user: String,
        /// See [`Call::session_key`].
        session: String,
    },
    /// All of a session but one, if that is a deferred one.
    SessionBut {
        /// Its user.
        user: String,
        /// See [`Call::session_key`].
        session: String,
        /// The id of the one that stays.
        but: String,
    },
    /// All of a turn.
    Turn {
        /// Its user.
        user: String,
        /// See [`Call::session_key`].
        session: String,
        /// The turn.
        turn: String,
    },
}

type Row = (String, String, String);

impl Record {
    /// Whether this question asks the same: of the same targets, and as approvable.
    pub fn asks(&self, question: &Question) -> bool {
        asked(&self.question) == asked(question)
    }
}

/// What of a question makes it this question: the targets that it asks about, and whether it can be approved.
fn asked(question: &Question) -> (Vec<&str>, bool) {
    let parts = question.parts.iter().filter(|part| part.effect == Effect::Ask);
    (parts.map(|part| part.identity.as_str()).collect(), question.unapprovable.is_some())
}

impl Store {
    /// The question of that id.
    ///
    /// # Errors
    /// The store failed.
    pub async fn record(&mut self, id: &str) -> Result<Option<Record>, StoreError> {
        let row = sqlx::query_as("SELECT approval, call, question FROM approvals WHERE id = ?").bind(id);
        let row: Option<Row> = row.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        row.map(|row| self.read(row)).transpose()
    }

    /// The newest question about this call of this asker that the agent has not come for: open, allowed and not
    /// redeemed, or denied and not told. One that has expired by `now` does not count.
    ///
    /// # Errors
    /// The store failed.
    pub async fn find(&mut self, digest: &Digest, asker: &Asker, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let row = sqlx::query_as(
            "SELECT approval, call, question FROM approvals
             WHERE user = ? AND session = ? AND digest = ? AND pending = 1
               AND (due IS NULL OR due > (SELECT max(newest, ?) FROM clock))
             ORDER BY id DESC LIMIT 1",
        );
        let row = row.bind(&asker.user).bind(&asker.session).bind(&digest.0).bind(now.0);
        let row: Option<Row> = row.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        row.map(|row| self.read(row)).transpose()
    }

    /// The questions of a user (of all, if `None`) that wait for an answer, the oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open_questions(&mut self, user: Option<&str>, now: Timestamp) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT approval, call, question FROM approvals
             WHERE due > (SELECT max(newest, ?1) FROM clock) AND state = 'open' AND (?2 IS NULL OR user = ?2)",
        );
        let rows: Vec<Row> =
            rows.bind(now.0).bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let mut records = rows.into_iter().map(|row| self.read(row)).collect::<Result<Vec<_>, _>>()?;
        records.sort_unstable_by(|one, other| one.approval.id.cmp(&other.approval.id));
        Ok(records)
    }

    /// Questions of all kinds, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn records(&mut self, filter: &RecordFilter) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT approval, call, question FROM approvals
             WHERE (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR session = ?2) AND (NOT ?3 OR state = 'open')
               AND (?4 IS NULL OR id < ?4)
             ORDER BY id DESC LIMIT ?5",
        );
        let rows = rows.bind(&filter.user).bind(&filter.session).bind(filter.open).bind(&filter.before);
        let rows = rows.bind(limit(filter.limit));
        let rows: Vec<Row> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// Notes that the agent was told of a no.
    ///
    /// # Errors
    /// The store failed. That there is no such question, or no untold no, is no error.
    pub async fn tell(&mut self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        if let Some(record) = writing.record(id).await?
            && let Ok((next, consequences)) = approval::step(&record.approval, Event::Tell, writing.now)
        {
            writing.save(&next).await?;
            writing.carry_out("agent", &next, consequences, json!({})).await?;
        }
        writing.commit().await
    }

    /// Withdraws questions, and yeses that were not redeemed; returns the ids of those that this changed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cancel(
        &mut self,
        which: &Withdraw,
        actor: &str,
        reason: CancelReason,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let cancelled = writing.cancel(which, actor, reason).await?;
        writing.commit().await?;
        Ok(cancelled)
    }

    /// Ends what time has ended; returns the ids.
    ///
    /// # Errors
    /// The store failed.
    pub async fn expire(&mut self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let expired = writing.expire().await?;
        writing.commit().await?;
        Ok(expired)
    }

    fn read(&self, (approval, call, question): Row) -> Result<Record, StoreError> {
        parse(&approval, &call, &question).map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("an approval cannot be read: {error}"),
        })
    }
}

impl Writing<'_> {
    pub(super) async fn record(&mut self, id: &str) -> Result<Option<Record>, StoreError> {
        let row = sqlx::query_as("SELECT approval, call, question FROM approvals WHERE id = ?").bind(id);
        let row: Option<Row> = row.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        row.map(|row| self.read(&row)).transpose()
    }

    /// The question about this call that its agent has not come for.
    pub(super) async fn pending(&mut self, digest: &Digest, asker: &Asker) -> Result<Option<Record>, StoreError> {
        let now = self.now.0;
        let row = sqlx::query_as(
            "SELECT approval, call, question FROM approvals
             WHERE user = ? AND session = ? AND digest = ? AND pending = 1 AND (due IS NULL OR due > ?)
             ORDER BY id DESC LIMIT 1",
        );
        let row = row.bind(&asker.user).bind(&asker.session).bind(&digest.0).bind(now);
        let row: Option<Row> = row.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        row.map(|row| self.read(&row)).transpose()
    }

    /// The other open questions of the same user, session and turn.
    pub(super) async fn same_turn(&mut self, of: &Approval) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT approval, call, question FROM approvals
             WHERE user = ? AND session = ? AND turn = ? AND state = 'open' AND id <> ? ORDER BY id",
        );
        let rows = rows.bind(&of.asker.user).bind(&of.asker.session).bind(&of.asker.turn).bind(&of.id);
        let rows: Vec<Row> = rows.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        rows.iter().map(|row| self.read(row)).collect()
    }

    pub(super) async fn insert(&mut self, record: &Record) -> Result<(), StoreError> {
        let columns = Columns::of(&record.approval);
        let insert = sqlx::query(
            "INSERT INTO approvals
               (id, digest, user, session, turn, state, pending, asked, due, approval, call, question)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let approval = &record.approval;
        let insert = insert.bind(&approval.id).bind(&approval.digest.0).bind(&approval.asker.user);
        let insert = insert.bind(&approval.asker.session).bind(&approval.asker.turn).bind(columns.state);
        let insert = insert.bind(columns.pending).bind(approval.asked.0).bind(columns.due);
        let insert = insert.bind(self.json(approval)?).bind(self.json(&record.call)?);
        let insert = insert.bind(self.json(&record.question)?);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }

    pub(super) async fn save(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let columns = Columns::of(approval);
        let update = sqlx::query("UPDATE approvals SET state = ?, pending = ?, due = ?, approval = ? WHERE id = ?");
        let update = update.bind(columns.state).bind(columns.pending).bind(columns.due);
        let update = update.bind(self.json(approval)?).bind(&approval.id);
        update.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }

    /// Takes one step, writes it down with its audit entries, and returns the next state.
    pub(super) async fn step(
        &mut self,
        approval: &Approval,
        event: Event,
        actor: &str,
        detail: Value,
    ) -> Result<Result<Approval, Refusal>, StoreError> {
        let (next, consequences) = match approval::step(approval, event, self.now) {
            Ok(stepped) => stepped,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if next != *approval {
            self.save(&next).await?;
        }
        self.carry_out(actor, &next, consequences, detail).await?;
        if approval.state == State::Open && next.state != State::Open {
            self.closed(&next).await?;
        }
        Ok(Ok(next))
    }

    /// Tells the turns that it belongs to, and who was told of it, that it is no longer open.
    async fn closed(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let concerns = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM members WHERE approval = ?1), EXISTS (SELECT 1 FROM outbox WHERE subject = ?1)",
        );
        let concerns = concerns.bind(&approval.id).fetch_one(self.db()).await;
        let (in_turn, was_told): (bool, bool) = concerns.map_err(|error| self.fault(error))?;
        if in_turn {
            self.over(&approval.id).await?;
        }
        if was_told {
            self.tell_closed(approval).await?;
        }
        Ok(())
    }

    pub(super) async fn carry_out(
        &mut self,
        actor: &str,
        approval: &Approval,
        consequences: Vec<Consequence>,
        detail: Value,
    ) -> Result<(), StoreError> {
        for consequence in consequences {
            match consequence {
                Consequence::Audit(kind) => self.audit(actor, kind, Some(&approval.id), None, &detail).await?,
                Consequence::Notify => {
                    self.tell_asked(approval, false).await?;
                }
                // Whoever waits looks at the store's version, which the commit moves on.
                Consequence::Wake => {}
            }
        }
        Ok(())
    }

    pub(super) async fn cancel(
        &mut self,
        which: &Withdraw,
        actor: &str,
        reason: CancelReason,
    ) -> Result<Vec<String>, StoreError> {
        let (user, session, turn, id, agent, but) = match which {
            Withdraw::Own { id, asker } => (&asker.user, &asker.session, None, Some(id), asker.agent.as_ref(), None),
            Withdraw::Session { user, session } => (user, session, None, None, None, None),
            Withdraw::SessionBut { user, session, but } => (user, session, None, None, None, Some(but)),
            Withdraw::Turn { user, session, turn } => (user, session, Some(turn), None, None, None),
        };
        let ids = sqlx::query_scalar(
            "SELECT id FROM approvals WHERE user = ?1 AND session = ?2 AND due IS NOT NULL
             AND (?3 IS NULL OR turn = ?3)
             AND (?4 IS NULL OR (id = ?4 AND approval ->> '$.asker.agent' IS ?5))
             AND (?6 IS NULL OR id <> ?6 OR approval ->> '$.deferred' IS NOT 1)",
        );
        let ids = ids.bind(user).bind(session).bind(turn).bind(id).bind(agent).bind(but);
        let mut ids: Vec<String> = ids.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        ids.sort_unstable();
        self.give_up(which, reason).await?;
        self.all(ids, &Event::Cancel(reason), actor, json!({ "reason": reason })).await
    }

    pub(super) async fn expire(&mut self) -> Result<Vec<String>, StoreError> {
        let now = self.now.0;
        // Put in order here: asked for the order, SQLite walks through all questions by their ids.
        let ids = sqlx::query_scalar("SELECT id FROM approvals WHERE due <= ?").bind(now);
        let mut ids: Vec<String> = ids.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        ids.sort_unstable();
        self.all(ids, &Event::Tick, "time", json!({})).await
    }

    /// The same event for all of them; returns those that it changed. What time has ended meanwhile expires instead.
    pub(super) async fn all(
        &mut self,
        ids: Vec<String>,
        event: &Event,
        actor: &str,
        detail: Value,
    ) -> Result<Vec<String>, StoreError> {
        let mut changed = Vec::new();
        for id in ids {
            let Some(record) = self.record(&id).await? else { continue };
            let stepped = self.step(&record.approval, event.clone(), actor, detail.clone()).await?;
            match stepped {
                Ok(next) if next != record.approval => changed.push(id),
                Ok(_) => {}
                Err(_) => {
                    // The only refusal of these events: time was faster.
                    let _ = self.step(&record.approval, Event::Tick, "time", json!({})).await?;
                }
            }
        }
        Ok(changed)
    }

    fn read(&self, (approval, call, question): &Row) -> Result<Record, StoreError> {
        parse(approval, call, question).map_err(|error| self.damaged("an approval", error))
    }

    pub(super) fn json(&self, value: &impl Serialize) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|error| StoreError::Other {
            path: self.path.to_owned(),
            detail: format!("what should be stored cannot be written as JSON: {error}"),
        })
    }
}

fn parse(approval: &str, call: &str, question: &str) -> Result<Record, serde_json::Error> {
    Ok(Record {
        approval: serde_json::from_str(approval)?,
        call: serde_json::from_str(call)?,
        question: serde_json::from_str(question)?,
    })
}

/// What is searched for of an approval's state.
struct Columns {
    state: &'static str,
    pending: bool,
    due: Option<i64>,
}

impl Columns {
    fn of(approval: &Approval) -> Columns {
        let (state, pending, due) = match &approval.state {
            State::Open => ("open", true, Some(approval.expires.0)),
            State::Allowed { until, .. } => ("allowed", true, Some(until.0)),
            State::Denied { told, .. } => ("denied", !told, None),
            State::Redeemed { .. } => ("redeemed", false, None),
            State::Cancelled { .. } => ("cancelled", false, None),
            State::Expired { .. } => ("expired", false, None),
        };
        Columns { state, pending, due }
    }
}

/// How many rows a list has at most.
pub(super) fn limit(asked: u32) -> i64 {
    if asked == 0 { 100 } else { i64::from(asked.min(10_000)) }
}
