//! An agent asks.

use countersign_policy::approval::{self, Asker, CancelReason, Event, State};
use countersign_policy::{Call, Effect, Question};
use serde_json::json;

use super::{Record, Store, StoreError, Synchronous, Withdraw, Writing, new_id};

/// What an agent asks.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The call.
    pub call: &'a Call,
    /// What a human is asked about it.
    pub question: &'a Question,
    /// The most open questions that a session may have: the policy's.
    pub max_open: u32,
}

/// What became of asking. On the disk before it is returned.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The question. Not open where a human was faster: its answer is to be redeemed or told.
    pub record: Record,
    /// Whether it had been asked before.
    pub joined: bool,
}

/// Why asking failed.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The session has too many open questions.
    #[error(
        "{open} questions of this session wait for an answer, and no more are taken: wait for a human to answer them"
    )]
    TooMany {
        /// How many are open.
        open: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Asks about a call; joins the question about the same call of the same session that is there already.
    ///
    /// A question whose text has changed since, because the policy has, is withdrawn and asked anew: nobody answers
    /// what they were not shown.
    ///
    /// # Errors
    /// The session has too many open questions; the store failed.
    pub async fn ask(&mut self, ask: &Ask<'_>, now: countersign_policy::Timestamp) -> Result<Asked, AskError> {
        let digest = ask.call.digest();
        let asker = Asker::of(ask.call);
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        writing.touch_session(&asker.user, &asker.session).await?;
        if let Some(record) = writing.pending(&digest, &asker).await? {
            if record.approval.state != State::Open || asks(&record.question) == asks(ask.question) {
                let asked = writing.join(record).await?;
                writing.commit().await?;
                return Ok(asked);
            }
            let old = Withdraw::Own { id: record.approval.id, asker: asker.clone() };
            writing.cancel(&old, "policy", CancelReason::Policy).await?;
        }
        let open = writing.open_of(&asker).await?;
        if open >= ask.max_open {
            // What had expired stays so.
            writing.commit().await?;
            return Err(AskError::TooMany { open });
        }
        let (approval, consequences) = approval::open(new_id(writing.now), digest, asker, writing.now);
        let record = Record { approval, call: ask.call.clone(), question: ask.question.clone() };
        writing.insert(&record).await?;
        let detail = json!({ "digest": record.approval.digest, "summary": record.question.summary });
        writing.carry_out("agent", &record.approval, consequences, detail).await?;
        writing.commit().await?;
        Ok(Asked { record, joined: false })
    }
}

impl Writing<'_> {
    /// Counts the same question again; an answer that came first is returned as it is.
    async fn join(&mut self, mut record: Record) -> Result<Asked, StoreError> {
        if let Ok(next) = self.step(&record.approval, Event::Join, "agent", json!({})).await? {
            record.approval = next;
        }
        Ok(Asked { record, joined: true })
    }

    async fn open_of(&mut self, asker: &Asker) -> Result<u32, StoreError> {
        let count =
            sqlx::query_scalar("SELECT count(*) FROM approvals WHERE user = ? AND session = ? AND state = 'open'");
        let count = count.bind(&asker.user).bind(&asker.session);
        count.fetch_one(self.db()).await.map_err(|error| self.fault(error))
    }
}

/// What of a question makes it this question: the targets that it asks about, and whether it can be approved.
fn asks(question: &Question) -> (Vec<&str>, bool) {
    let asked = question.parts.iter().filter(|part| part.effect == Effect::Ask);
    (asked.map(|part| part.identity.as_str()).collect(), question.unapprovable.is_some())
}
