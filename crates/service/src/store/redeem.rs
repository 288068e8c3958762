//! An agent comes for its answer.

use countersign_policy::approval::{self, Asker, CancelReason, Event, Refusal, State};
use countersign_policy::{Answer, Call, Decision, Effect, Timestamp};
use serde_json::json;

use super::once::{KeyReused, Once};
use super::{Recheck, Record, Store, StoreError, Synchronous, Withdraw};

/// A yes that was taken, once and for all. On the disk before it is returned.
#[derive(Debug, Clone)]
pub struct Redeemed {
    /// What policy says of the call with the answer: allow.
    pub decision: Decision,
    /// The answer.
    pub answer: Answer,
    /// The question.
    pub record: Record,
}

/// Why there was nothing to take. The call does not run.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// There is no such question.
    #[error("there is no approval `{0}`")]
    Unknown(String),
    /// It cannot be redeemed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Policy, or what the call touches, has changed since a human allowed it. The approval is withdrawn.
    #[error("a human allowed this, but policy has become stricter since: the approval was withdrawn")]
    Stricter {
        /// What policy says now.
        decision: Box<Decision>,
    },
    /// The key came with another request.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes a yes for this call, exactly once: the same call by the agent that asked, in time, and only if policy
    /// with the answer still allows it.
    ///
    /// `call` is the call as it is now, its paths looked up anew: what the approval was about is what runs.
    ///
    /// # Errors
    /// See [`RedeemError`]; the call must not run then.
    pub async fn redeem(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Redeemed, RedeemError> {
        self.redeem_once(id, call, None, now, recheck).await
    }

    /// The same, once for each idempotency key: with the key that took it before, it is taken again as long as a yes
    /// counts and policy allows the call.
    ///
    /// # Errors
    /// The key came with another request, too.
    pub async fn redeem_once(
        &mut self,
        id: &str,
        call: &Call,
        once: Option<&Once>,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Redeemed, RedeemError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        if let Some(once) = once {
            writing.once(once).await??;
        }
        let Some(mut record) = writing.record(id).await? else {
            return Err(RedeemError::Unknown(id.to_owned()));
        };
        let key = once.map(|once| once.key.clone());
        let take = Event::Redeem { digest: call.digest(), asker: Asker::of(call), key };
        let (next, consequences) = match approval::step(&record.approval, take, writing.now) {
            Ok(stepped) => stepped,
            Err(refusal) => {
                if refusal == Refusal::Expired {
                    writing.expire().await?;
                    writing.commit().await?;
                }
                return Err(refusal.into());
            }
        };
        let (State::Allowed { answer, .. } | State::Redeemed { answer, .. }) = &record.approval.state else {
            return Err(Refusal::NotAnswered.into());
        };
        let answer = Answer {
            approval: id.to_owned(),
            digest: record.approval.approved().clone(),
            outcome: answer.outcome,
            shown: answer.shown.clone(),
            feedback: answer.feedback.clone(),
        };
        let grants = writing.grants_for(call).await?;
        let decision = recheck(call, Some(&answer), &grants, writing.now);
        if decision.effect() != Effect::Allow {
            let own = Withdraw::Own { id: id.to_owned(), asker: record.approval.asker };
            writing.cancel(&own, "policy", CancelReason::Policy).await?;
            writing.commit().await?;
            return Err(RedeemError::Stricter { decision: Box::new(decision) });
        }
        writing.save(&next).await?;
        if let Some(once) = once {
            writing.done(once, id).await?;
        }
        writing.carry_out("agent", &next, consequences, json!({ "revision": decision.revision() })).await?;
        writing.commit().await?;
        record.approval = next;
        Ok(Redeemed { decision, answer, record })
    }
}
