//! What webhooks are told, written into the outbox by the transaction that it tells of: nothing that was acknowledged goes
//! untold, and nothing is told that was not kept.
//!
//! A message says that something happened and under which id. What a person has to read before they answer, arguments,
//! and what is remembered are not in it: they are asked for with a token.

use countersign_policy::approval::{Approval, State};
use countersign_policy::batch::Batch;
use serde_json::{Value, json};

use super::{BatchRecord, StoreError, Writing, new_id};

/// The longest body, in bytes. What makes it longer is left out.
const LONGEST: usize = 20_000;
/// The longest summary, in characters.
const SUMMARY: usize = 200;

impl Writing<'_> {
    /// Tells of a question; `again`: it was told of before, by a server that is gone. Returns how many are told.
    pub(super) async fn tell_asked(&mut self, approval: &Approval, again: bool) -> Result<usize, StoreError> {
        let webhooks = self.webhooks_for(&approval.asker.user, &approval.asker.session).await?;
        let mut told = 0;
        for webhook in webhooks {
            if again && self.is_on_its_way(&webhook, &approval.id).await? {
                continue;
            }
            let Some(record) = self.record(&approval.id).await? else { continue };
            let asker = &approval.asker;
            let data = json!({
                "approval": approval.id, "session": asker.session, "turn": asker.turn, "agent": asker.agent,
                "project": asker.project, "summary": summary(&record.question.summary), "asked": approval.asked,
                "expires": approval.expires, "again": again,
            });
            self.post(&webhook, "approval.asked", "approval", &approval.id, data).await?;
            told += 1;
        }
        Ok(told)
    }

    /// Tells those who were told of a question that it is over. Who was not needs to hear of neither.
    pub(super) async fn tell_closed(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let now = self.now.0;
        let drop = sqlx::query(
            "UPDATE outbox SET state = 'dropped', ended = ?, fault = 'the question was over before'
             WHERE subject = ? AND kind = 'approval.asked' AND state = 'waiting' AND tries = 0",
        );
        let drop = drop.bind(now).bind(&approval.id);
        drop.execute(self.db()).await.map_err(|error| self.fault(error))?;
        let told = sqlx::query_scalar(
            "SELECT DISTINCT outbox.webhook FROM outbox JOIN webhooks ON webhooks.id = outbox.webhook
             WHERE outbox.subject = ? AND outbox.kind = 'approval.asked' AND outbox.tries > 0 AND webhooks.ended IS NULL",
        );
        let told: Vec<String> =
            told.bind(&approval.id).fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        for webhook in told {
            let (state, by) = became(&approval.state);
            let data = json!({
                "approval": approval.id, "session": approval.asker.session, "turn": approval.asker.turn,
                "state": state, "by": by,
            });
            self.post(&webhook, "approval.closed", "approval", &approval.id, data).await?;
        }
        Ok(())
    }

    /// Sends a turn that ended with its questions, and whose questions are all over, to the webhook that resumes it.
    pub(super) async fn tell_ready(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if !batch.deferred {
            return Ok(());
        }
        let webhook = sqlx::query_scalar(
            "SELECT id FROM webhooks WHERE user = ? AND resumes = 1 AND ended IS NULL AND (host IS NULL OR host = ?)
             ORDER BY host IS NULL, id LIMIT 1",
        );
        let webhook = webhook.bind(&batch.user).bind(host(&batch.session)).fetch_optional(self.db()).await;
        let webhook: Option<String> = webhook.map_err(|error| self.fault(error))?;
        let Some(webhook) = webhook else { return Ok(()) };
        let mut records = Vec::with_capacity(batch.members.len());
        for member in &batch.members {
            records.extend(self.record(&member.approval).await?);
        }
        let found = BatchRecord { batch: batch.clone(), records };
        let outcomes: Vec<Value> = found
            .outcomes()
            .map(|(member, outcome, _)| json!({ "call": member.call, "outcome": outcome, "approval": member.approval }))
            .collect();
        let data = json!({ "batch": batch.id, "session": batch.session, "turn": batch.turn, "outcomes": outcomes });
        self.post(&webhook, "turn.resumed", "batch", &batch.id, data).await
    }

    /// The webhooks that are told of the questions of this session.
    async fn webhooks_for(&mut self, user: &str, session: &str) -> Result<Vec<String>, StoreError> {
        let find = sqlx::query_scalar(
            "SELECT id FROM webhooks WHERE user = ? AND notices = 1 AND ended IS NULL AND (host IS NULL OR host = ?)
             ORDER BY id",
        );
        let find = find.bind(user).bind(host(session));
        find.fetch_all(self.db()).await.map_err(|error| self.fault(error))
    }

    /// Whether a message about this question has still to be taken there.
    async fn is_on_its_way(&mut self, webhook: &str, approval: &str) -> Result<bool, StoreError> {
        let find = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox
               WHERE subject = ? AND webhook = ? AND kind = 'approval.asked' AND state = 'waiting')",
        );
        let find = find.bind(approval).bind(webhook);
        find.fetch_one(self.db()).await.map_err(|error| self.fault(error))
    }

    async fn post(
        &mut self,
        webhook: &str,
        kind: &'static str,
        what: &'static str,
        subject: &str,
        data: Value,
    ) -> Result<(), StoreError> {
        let now = self.now;
        let whole = |data: &Value| json!({ "type": kind, "timestamp": now.utc(), "data": data }).to_string();
        let mut body = whole(&data);
        if body.len() > LONGEST {
            body = whole(&json!({ what: subject, "cut": true }));
        }
        let id = format!("msg_{}", new_id(now).replace('-', ""));
        let insert = sqlx::query(
            "INSERT INTO outbox (id, webhook, kind, subject, body, state, made, due)
             VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?)",
        );
        let insert = insert.bind(id).bind(webhook).bind(kind).bind(subject).bind(body).bind(now.0).bind(now.0);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

/// The host of a session's key.
fn host(session: &str) -> &str {
    session.split(':').next().unwrap_or(session)
}

/// The beginning of a question's one line, in which secrets are masked already.
fn summary(text: &str) -> String {
    let mut short: String = text.chars().take(SUMMARY).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What became of a question, and by whom.
fn became(state: &State) -> (&'static str, Option<&str>) {
    match state {
        State::Open => ("open", None),
        State::Allowed { answer, .. } | State::Redeemed { answer, .. } => ("allowed", Some(&answer.by)),
        State::Denied { answer, .. } => ("denied", Some(&answer.by)),
        State::Cancelled { .. } => ("cancelled", None),
        State::Expired { .. } => ("expired", None),
    }
}
