//! An agent asks: about one call, or about those of a turn at once.

use countersign_policy::approval::{self, Asker, Asking, CancelReason, Event, State};
use countersign_policy::batch::{Batch, BatchState, Member};
use countersign_policy::{Call, Question, Timestamp};
use serde_json::json;

use super::once::{KeyReused, Once};
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
    /// Whether the agent ends its turn with it instead of waiting.
    pub deferred: bool,
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
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The key came with another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session has too many open questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{open} questions of this session wait for an answer, and no more are taken: wait for a human to answer them")]
pub struct TooMany {
    /// How many are open.
    pub open: u32,
}

/// The calls of one turn about which policy asks.
#[derive(Debug, Clone)]
pub struct AskTurn<'a> {
    /// Each with the host's own id of the call, in their order. All are of one session and turn.
    pub asks: Vec<(&'a str, Ask<'a>)>,
}

/// What became of a turn's questions. On the disk before it is returned.
#[derive(Debug, Clone)]
pub struct AskedTurn {
    /// The batch, if anything was asked.
    pub batch: Option<Batch>,
    /// Each call's question, in their order; or why it was not asked.
    pub asked: Vec<Result<Asked, TooMany>>,
}

impl Store {
    /// Asks about a call; joins the question about the same call of the same session that is there already.
    ///
    /// A question whose text has changed since, because the policy has, is withdrawn and asked anew: nobody answers
    /// what they were not shown.
    ///
    /// # Errors
    /// The session has too many open questions; the store failed.
    pub async fn ask(&mut self, ask: &Ask<'_>, now: Timestamp) -> Result<Asked, AskError> {
        self.ask_once(ask, None, now).await
    }

    /// The same, once for each idempotency key.
    ///
    /// # Errors
    /// The key came with another request, too.
    pub async fn ask_once(&mut self, ask: &Ask<'_>, once: Option<&Once>, now: Timestamp) -> Result<Asked, AskError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        if let Some(once) = once
            && let Some(id) = writing.once(once).await??
            && let Some(record) = writing.record(&id).await?
        {
            return Ok(Asked { record, joined: true });
        }
        let asked = writing.ask(ask).await?;
        if let (Ok(asked), Some(once)) = (&asked, once) {
            writing.done(once, &asked.record.approval.id).await?;
        }
        // What had expired stays so, whether or not this was asked.
        writing.commit().await?;
        Ok(asked?)
    }

    /// Asks about the calls of a turn, all in one transaction: what is asked is one batch.
    ///
    /// # Errors
    /// The key came with another request; the store failed. Nothing was asked then.
    pub async fn ask_turn(
        &mut self,
        turn: &AskTurn<'_>,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<AskedTurn, AskError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        let known = match once {
            Some(once) => writing.once(once).await??,
            None => None,
        };
        if let Some(id) = known
            && let Some(batch) = writing.batch(&id).await?
        {
            return writing.asked_before(turn, batch).await;
        }
        let mut asked = Vec::with_capacity(turn.asks.len());
        let mut members = Vec::new();
        for (id, ask) in &turn.asks {
            let one = writing.ask(ask).await?;
            if let Ok(one) = &one {
                members.push(Member { call: (*id).to_owned(), approval: one.record.approval.id.clone() });
            }
            asked.push(one);
        }
        let batch = match turn.asks.first() {
            Some((_, ask)) if !members.is_empty() => {
                let Asker { user, session, turn, .. } = Asker::of(ask.call);
                let made = writing.now;
                let (id, deferred) = (new_id(made), ask.deferred);
                Some(Batch { id, user, session, turn, deferred, members, made, state: BatchState::Open })
            }
            _ => None,
        };
        if let Some(batch) = &batch {
            writing.insert_batch(batch).await?;
            if let Some(once) = once {
                writing.done(once, &batch.id).await?;
            }
            // All may have been answered before.
            if let Some(member) = batch.members.first() {
                writing.over(&member.approval).await?;
            }
        }
        writing.commit().await?;
        Ok(AskedTurn { batch, asked })
    }
}

impl Writing<'_> {
    /// Asks about one call, or joins the question that is there.
    async fn ask(&mut self, ask: &Ask<'_>) -> Result<Result<Asked, TooMany>, StoreError> {
        let digest = ask.call.digest();
        let asker = Asker::of(ask.call);
        self.touch_session(&asker.user, &asker.session).await?;
        if let Some(record) = self.pending(&digest, &asker).await? {
            if record.approval.state != State::Open || record.asks(ask.question) {
                return Ok(Ok(self.join(record, ask.deferred).await?));
            }
            let old = Withdraw::Own { id: record.approval.id, asker: asker.clone() };
            self.cancel(&old, "policy", CancelReason::Policy).await?;
        }
        let open = self.open_of(&asker).await?;
        if open >= ask.max_open {
            return Ok(Err(TooMany { open }));
        }
        let asking = Asking { id: new_id(self.now), digest, asker, deferred: ask.deferred };
        let (approval, consequences) = approval::open(asking, self.now);
        let record = Record { approval, call: ask.call.clone(), question: ask.question.clone() };
        self.insert(&record).await?;
        let detail = json!({ "digest": record.approval.digest, "summary": record.question.summary });
        self.carry_out("agent", &record.approval, consequences, detail).await?;
        Ok(Ok(Asked { record, joined: false }))
    }

    /// What became of a turn that was asked about before, by the same key.
    async fn asked_before(&mut self, turn: &AskTurn<'_>, batch: Batch) -> Result<AskedTurn, AskError> {
        let mut asked = Vec::with_capacity(turn.asks.len());
        for (id, ask) in &turn.asks {
            let member = batch.members.iter().find(|member| member.call == *id);
            let record = match member {
                Some(member) => self.record(&member.approval).await?,
                None => None,
            };
            let open = ask.max_open;
            asked.push(record.map(|record| Asked { record, joined: true }).ok_or(TooMany { open }));
        }
        Ok(AskedTurn { batch: Some(batch), asked })
    }

    /// Counts the same question again; an answer that came first is returned as it is.
    async fn join(&mut self, mut record: Record, deferred: bool) -> Result<Asked, StoreError> {
        if let Ok(next) = self.step(&record.approval, Event::Join { deferred }, "agent", json!({})).await? {
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
