//! What is to be sent to webhooks: claimed, sent by somebody, settled.
//!
//! Several servers share one outbox. Whoever sends a message first claims it until a time; nobody else sends it before
//! that. Whoever dies over it leaves the claim to run out, and the message is sent again, under the same id: it arrives at
//! least once. The attempt is counted when it begins, so that no message is sent without end.

use countersign_policy::Timestamp;
use countersign_policy::batch::{self, BatchEvent, BatchRefusal, BatchState};
use serde::Serialize;
use serde_json::json;

use super::approvals::limit;
use super::{Store, StoreError, Synchronous, Writing};
use crate::notify::{Delivery, Secret};

/// For how long a message is claimed, in seconds: longer than an attempt may take.
pub(crate) const CLAIM_SECONDS: i64 = 30;
/// After how many seconds a message is sent again: the schedule of the Standard Webhooks specification.
const AGAIN_AFTER: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The most messages that one claim looks at, of which all but one need not be sent any more.
const LOOKED_AT: usize = 100;
/// How long what became of a message is kept: longer than any question.
const KEPT_SECONDS: i64 = 60 * 86_400;

/// A message that its holder alone may send, until the claim runs out.
#[derive(Clone)]
pub(crate) struct Claimed {
    /// Its id, the same each time that it is sent.
    pub(crate) id: String,
    /// Where to.
    pub(crate) url: String,
    /// What it is signed with.
    pub(crate) secret: Secret,
    /// What is sent.
    pub(crate) body: String,
    webhook: String,
    kind: String,
    subject: String,
    claim: String,
    tries: i64,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxMessage {
    /// Its id, as the receiver has it.
    pub id: String,
    /// `approval.asked`, `approval.closed` or `turn.resumed`.
    pub kind: String,
    /// The question or the batch.
    pub subject: String,
    /// `waiting`, `sent`, `failed` (given up) or `dropped` (there is no need any more).
    pub state: String,
    /// How often it was tried.
    pub tries: i64,
    /// Whether somebody is sending it.
    pub sending: bool,
    /// What was wrong last, or why it was dropped.
    pub fault: Option<String>,
    /// When it was written.
    pub made: Timestamp,
    /// For `waiting`: when it is sent next.
    pub due: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

type Waiting = (String, String, String, String, i64, String, String);
type Listed = (String, String, String, String, i64, bool, Option<String>, i64, i64, Option<i64>);

impl Store {
    /// The webhooks for which something is due, and in how many milliseconds the next message will be.
    pub(crate) async fn outbox_due(&mut self, now: Timestamp) -> Result<(Vec<String>, Option<i64>), StoreError> {
        let now = self.clock(now).await?.0;
        let due = sqlx::query_scalar(
            "SELECT webhook FROM outbox WHERE state = 'waiting' AND due <= ?1 AND (until IS NULL OR until <= ?1)",
        );
        let due = due.bind(now).fetch_all(&mut self.db).await;
        let mut due: Vec<String> = due.map_err(|error| self.fault(error))?;
        due.sort_unstable();
        due.dedup();
        let next = sqlx::query_scalar(
            "SELECT min(next) FROM (SELECT CASE WHEN until > due THEN until ELSE due END AS next FROM outbox
                                    WHERE state = 'waiting') AS waiting
             WHERE next > ?",
        );
        let next: Option<i64> = next.bind(now).fetch_one(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok((due, next.map(|next| next.saturating_sub(now))))
    }

    /// Claims the next message to this webhook, a turn to be resumed before others.
    pub(crate) async fn outbox_claim(
        &mut self,
        webhook: &str,
        claim: &str,
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let mut claimed = None;
        for _ in 0..LOOKED_AT {
            let Some(waiting) = writing.next_waiting(webhook).await? else { break };
            claimed = writing.claim(webhook, waiting, claim).await?;
            if claimed.is_some() {
                break;
            }
        }
        writing.commit().await?;
        Ok(claimed)
    }

    /// Writes down what became of a message that was claimed. `jitter` is added to the time until the next attempt, in
    /// milliseconds.
    pub(crate) async fn outbox_settle(
        &mut self,
        claimed: &Claimed,
        delivery: &Delivery,
        jitter: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        match delivery {
            Delivery::Taken => writing.taken(claimed).await?,
            Delivery::Gone => {
                writing.not_taken(claimed, "its side ended the webhook (status 410)", None).await?;
                writing.end_webhook(&claimed.webhook, true).await?;
                let detail = json!({ "webhook": claimed.webhook });
                writing.audit("webhook", "webhook gone", None, None, &detail).await?;
            }
            Delivery::NotTaken(fault) => {
                let after =
                    usize::try_from(claimed.tries).ok().and_then(|tries| AGAIN_AFTER.get(tries.saturating_sub(1)));
                writing.not_taken(claimed, fault, after.map(|seconds| seconds * 1_000 + jitter)).await?;
            }
        }
        writing.commit().await
    }

    /// What became of the messages to a user's webhook, the newest first; `None` if they have none of that id.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook_messages(
        &mut self,
        webhook: &str,
        user: &str,
        before: Option<&str>,
        most: u32,
    ) -> Result<Option<Vec<OutboxMessage>>, StoreError> {
        let is_theirs = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND user = ?)");
        let is_theirs = is_theirs.bind(webhook).bind(user).fetch_one(&mut self.db).await;
        let is_theirs: bool = is_theirs.map_err(|error| self.fault(error))?;
        if !is_theirs {
            return Ok(None);
        }
        let rows = sqlx::query_as(
            "SELECT id, kind, subject, state, tries, claim IS NOT NULL, fault, made, due, ended FROM outbox
             WHERE webhook = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        );
        let rows = rows.bind(webhook).bind(before).bind(limit(most));
        let rows: Vec<Listed> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(Some(rows.into_iter().map(message).collect()))
    }

    /// Sends what was given up once more; how many messages, or `None` if the user has no such webhook.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook_retry(
        &mut self,
        webhook: &str,
        user: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let find =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND user = ? AND ended IS NULL)");
        let find = find.bind(webhook).bind(user).fetch_one(writing.db()).await;
        if !find.map_err(|error| writing.fault(error))? {
            return Ok(None);
        }
        let retry = sqlx::query(
            "UPDATE outbox SET state = 'waiting', ended = NULL, due = ?, tries = 0 WHERE webhook = ? AND state = 'failed'",
        );
        let retry = retry.bind(at).bind(webhook).execute(writing.db()).await;
        let many = retry.map_err(|error| writing.fault(error))?.rows_affected();
        writing.commit().await?;
        Ok(Some(many))
    }

    /// Forgets what became of messages long ago.
    pub(crate) async fn trim_outbox(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let before = writing.now.plus_seconds(-KEPT_SECONDS).0;
        let trim = sqlx::query("DELETE FROM outbox WHERE ended <= ?").bind(before);
        trim.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        let over =
            sqlx::query("DELETE FROM noticed WHERE approval NOT IN (SELECT id FROM approvals WHERE state = 'open')");
        over.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }
}

impl Writing<'_> {
    async fn next_waiting(&mut self, webhook: &str) -> Result<Option<Waiting>, StoreError> {
        let now = self.now.0;
        let next = sqlx::query_as(
            "SELECT outbox.id, kind, subject, body, tries, url, secret FROM outbox
               JOIN webhooks ON webhooks.id = outbox.webhook
             WHERE webhook = ?1 AND state = 'waiting' AND due <= ?2 AND (until IS NULL OR until <= ?2)
             ORDER BY kind <> 'turn.resumed', due, outbox.id LIMIT 1",
        );
        let next = next.bind(webhook).bind(now);
        next.fetch_optional(self.db()).await.map_err(|error| self.fault(error))
    }

    /// Claims a message, unless there is no need for it any more.
    async fn claim(&mut self, webhook: &str, waiting: Waiting, claim: &str) -> Result<Option<Claimed>, StoreError> {
        let (id, kind, subject, body, tries, url, secret) = waiting;
        if tries > AGAIN_AFTER.len() as i64 {
            self.end_message(&id, "failed", Some("given up: the last attempt never came back")).await?;
            return Ok(None);
        }
        let is_due = match kind.as_str() {
            "approval.asked" => self.is_open(&id, &subject).await?,
            "turn.resumed" => self.begin_resume(&id, &subject).await?,
            _ => true,
        };
        if !is_due {
            return Ok(None);
        }
        let until = self.now.plus_seconds(CLAIM_SECONDS).0;
        let update = sqlx::query("UPDATE outbox SET claim = ?, until = ?, tries = ? WHERE id = ?");
        let update = update.bind(claim).bind(until).bind(tries + 1).bind(&id);
        update.execute(self.db()).await.map_err(|error| self.fault(error))?;
        let secret = Secret::parse(&secret).map_err(|error| self.damaged("a webhook's secret", error))?;
        let (webhook, claim) = (webhook.to_owned(), claim.to_owned());
        Ok(Some(Claimed { id, url, secret, body, webhook, kind, subject, claim, tries: tries + 1 }))
    }

    /// Whether a question is open; else nobody needs to hear of it any more.
    async fn is_open(&mut self, id: &str, question: &str) -> Result<bool, StoreError> {
        let open = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM approvals WHERE id = ? AND state = 'open')");
        let open = open.bind(question).fetch_one(self.db()).await;
        let open: bool = open.map_err(|error| self.fault(error))?;
        if !open {
            self.end_message(id, "dropped", Some("the question is over")).await?;
        }
        Ok(open)
    }

    /// Takes a turn for a delivery, so that nobody else is given it meanwhile; false if it is not to be had.
    async fn begin_resume(&mut self, id: &str, turn: &str) -> Result<bool, StoreError> {
        let Some(batch) = self.batch(turn).await? else {
            self.end_message(id, "dropped", Some("there is no such turn")).await?;
            return Ok(false);
        };
        match batch::step(&batch, BatchEvent::Send { seconds: CLAIM_SECONDS }, self.now) {
            Ok(next) => {
                self.save_batch(&next).await?;
                Ok(true)
            }
            Err(refusal) => {
                if let (BatchRefusal::Sending, BatchState::Sending { until, .. }) = (&refusal, &batch.state) {
                    let later = sqlx::query("UPDATE outbox SET due = ? WHERE id = ?").bind(until.0).bind(id);
                    later.execute(self.db()).await.map_err(|error| self.fault(error))?;
                } else {
                    self.end_message(id, "dropped", Some(&refusal.to_string())).await?;
                }
                Ok(false)
            }
        }
    }

    /// The receiver has it, whoever else holds the claim by now.
    async fn taken(&mut self, claimed: &Claimed) -> Result<(), StoreError> {
        self.end_message(&claimed.id, "sent", None).await?;
        if claimed.kind != "turn.resumed" {
            return Ok(());
        }
        let Some(batch) = self.batch(&claimed.subject).await? else { return Ok(()) };
        if let Ok(next) = batch::step(&batch, BatchEvent::Sent, self.now)
            && next != batch
        {
            self.save_batch(&next).await?;
            let detail =
                json!({ "turn": batch.id, "by": "webhook", "webhook": claimed.webhook, "message": claimed.id });
            self.audit("agent", "resumed", None, None, &detail).await?;
            self.told_members(&next).await?;
        }
        Ok(())
    }

    /// The receiver does not have it, as far as is known: it is sent again after so many milliseconds, or given up. Nothing
    /// is changed where another holds the claim by now.
    async fn not_taken(&mut self, claimed: &Claimed, fault: &str, after: Option<i64>) -> Result<(), StoreError> {
        let state = sqlx::query_scalar("SELECT state FROM outbox WHERE id = ? AND claim = ?");
        let state = state.bind(&claimed.id).bind(&claimed.claim).fetch_optional(self.db()).await;
        let state: Option<String> = state.map_err(|error| self.fault(error))?;
        let Some(state) = state else { return Ok(()) };
        match after {
            // It was dropped meanwhile.
            _ if state != "waiting" => {}
            Some(after) => {
                let due = self.now.0.saturating_add(after);
                let update =
                    sqlx::query("UPDATE outbox SET claim = NULL, until = NULL, due = ?, fault = ? WHERE id = ?");
                let update = update.bind(due).bind(fault).bind(&claimed.id);
                update.execute(self.db()).await.map_err(|error| self.fault(error))?;
            }
            None => {
                self.end_message(&claimed.id, "failed", Some(fault)).await?;
                let detail = json!({
                    "webhook": claimed.webhook, "message": claimed.id, "kind": claimed.kind, "fault": fault,
                });
                self.audit("webhook", "webhook failed", None, None, &detail).await?;
            }
        }
        if claimed.kind == "turn.resumed"
            && let Some(batch) = self.batch(&claimed.subject).await?
            && let Ok(next) = batch::step(&batch, BatchEvent::NotSent, self.now)
            && next != batch
        {
            self.save_batch(&next).await?;
        }
        Ok(())
    }

    async fn end_message(&mut self, id: &str, state: &'static str, fault: Option<&str>) -> Result<(), StoreError> {
        let now = self.now.0;
        let end =
            sqlx::query("UPDATE outbox SET state = ?, ended = ?, claim = NULL, until = NULL, fault = ? WHERE id = ?");
        let end = end.bind(state).bind(now).bind(fault).bind(id);
        end.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

fn message((id, kind, subject, state, tries, sending, fault, made, due, ended): Listed) -> OutboxMessage {
    let (made, due, ended) = (Timestamp(made), Timestamp(due), ended.map(Timestamp));
    OutboxMessage { id, kind, subject, state, tries, sending, fault, made, due, ended }
}
