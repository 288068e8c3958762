//! The one flow that the hook and the server share.
//!
//! 1. The store's time and the grants that could speak of the call; policy decides.
//! 2. Where it asks, an answer to the same call of the same session that came late is looked for: a yes is redeemed,
//!    a no is told.
//! 3. The decision is logged before anybody hears of it; the server logs in batches. What goes wrong is an error, and
//!    the caller denies.

use countersign_engine::{Engine, Files};
use countersign_policy::approval::{Asker, State};
use countersign_policy::{Answer, Call, Cause, Decision, Effect, Grant, Question, Timestamp};

use crate::store::{Clock, LogEntry, Record, RedeemError, Store, StoreError};

/// What became of a call at the gate. It is in the decision log.
#[must_use]
#[derive(Debug, Clone)]
pub enum Gate {
    /// Policy and grants decided: allow or deny.
    Decided {
        /// The decision.
        decision: Decision,
    },
    /// A human's answer decided. A yes is redeemed, a no is told: neither counts again.
    Answered {
        /// The decision with the answer: allow or deny.
        decision: Decision,
        /// The question that was answered.
        approval: String,
    },
    /// A human has to be asked, with [`Store::ask`]. Once they answered, the call comes to the gate again.
    Pending {
        /// The decision: ask.
        decision: Decision,
        /// What to ask.
        question: Box<Question>,
        /// The same question, if it is open already.
        existing: Option<Box<Record>>,
    },
}

/// What became of a call, what the decision log is to know of it, and when that was.
pub(crate) struct Judged {
    pub(crate) gate: Gate,
    pub(crate) entry: LogEntry,
    at: Clock,
}

/// Decides a call and logs the decision. `clock` is what the computer's clock says, `call_id` the host's own id of the
/// call, for the log.
///
/// # Errors
/// The store failed, the log included: the call must not run then.
pub async fn decide(
    store: &mut Store,
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &Call,
    call_id: Option<&str>,
    clock: Timestamp,
) -> Result<Gate, StoreError> {
    let Judged { gate, entry, at } = judge(store, engine, files, call, call_id, clock).await?;
    store.log_at(&entry, false, at).await?;
    Ok(gate)
}

/// The same without the log, for a caller that writes it in batches.
pub(crate) async fn judge(
    store: &mut Store,
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &Call,
    call_id: Option<&str>,
    clock: Timestamp,
) -> Result<Judged, StoreError> {
    let (at, grants) = store.look(call, clock).await?;
    let now = at.now();
    let decision = engine.decide(&grants, None, call, now);
    let gate = if open_to_an_answer(&decision) {
        answered(store, engine, files, call, decision, (now, &grants), clock).await?
    } else {
        Gate::Decided { decision }
    };

    let (decision, approval) = match &gate {
        Gate::Decided { decision } => (decision, None),
        Gate::Answered { decision, approval } => (decision, Some(approval.clone())),
        Gate::Pending { decision, existing, .. } => {
            (decision, existing.as_ref().map(|record| record.approval.id.clone()))
        }
    };
    let entry = LogEntry { call_id: call_id.map(str::to_owned), approval, ..LogEntry::decided(call, decision) };
    Ok(Judged { gate, entry, at })
}

/// Whether a human's answer could change it: it asks, or would have asked had anybody been there.
fn open_to_an_answer(decision: &Decision) -> bool {
    let asks = |effect, cause: &Cause| {
        effect == Effect::Ask || effect == Effect::Allow || matches!(cause, Cause::Nobody { .. })
    };
    let mut judgements = decision.judgements().iter();
    decision.effect() != Effect::Allow
        && !decision.judgements().is_empty()
        && judgements.all(|judgement| asks(judgement.effect(), judgement.cause()))
}

/// Looks for an answer that came late.
async fn answered(
    store: &mut Store,
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &Call,
    mut decision: Decision,
    (now, grants): (Timestamp, &[Grant]),
    clock: Timestamp,
) -> Result<Gate, StoreError> {
    let digest = call.digest();
    let mut existing = store.find(&digest, &Asker::of(call), now).await?;
    match existing.as_ref().map(|record| &record.approval.state) {
        Some(State::Allowed { .. }) => {
            let id = existing.take().map(|record| record.approval.id).unwrap_or_default();
            let recheck =
                |call: &Call, answer: Option<&Answer>, grants: &[Grant], now| engine.decide(grants, answer, call, now);
            match store.redeem(&id, call, clock, &recheck).await {
                Ok(redeemed) => return Ok(Gate::Answered { decision: redeemed.decision, approval: id }),
                Err(RedeemError::Store(error)) => return Err(error),
                Err(RedeemError::Stricter { decision: stricter }) => decision = *stricter,
                // Another call like this one took it first, or time did: this one asks anew.
                Err(RedeemError::Refused(_) | RedeemError::Unknown(_)) => {}
            }
        }
        Some(State::Denied { answer, .. }) => {
            let id = existing.as_ref().map(|record| record.approval.id.clone()).unwrap_or_default();
            let answer = Answer {
                approval: id.clone(),
                digest,
                outcome: answer.outcome,
                shown: answer.shown.clone(),
                feedback: answer.feedback.clone(),
            };
            let decision = engine.decide(grants, Some(&answer), call, now);
            store.tell(&id, clock).await?;
            return Ok(Gate::Answered { decision, approval: id });
        }
        _ => {}
    }
    if decision.effect() == Effect::Ask {
        let question = Box::new(engine.question(call, &decision, files));
        return Ok(Gate::Pending { decision, question, existing: existing.map(Box::new) });
    }
    Ok(Gate::Decided { decision })
}
