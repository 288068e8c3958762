//! The one flow that the hook and the server share.
//!
//! 1. The store's time, the grants that could speak of the call, how often in a row it came and the mode that was set for
//!    its session; policy decides.
//! 2. Where it asks, an answer to the same call of the same session that came late is looked for: a yes is redeemed,
//!    a no is told.
//! 3. The decision is logged before anybody hears of it; the server logs in batches. What goes wrong is an error, and
//!    the caller denies.

use countersign_engine::{Engine, Files};
use countersign_policy::approval::{Answered, Asker, State};
use countersign_policy::{Answer, Call, Cause, Decision, Effect, Grant, Question, Timestamp};

use crate::store::{Clock, LogEntry, Looked, Once, Present, Record, RedeemError, Run, Store, StoreError, run_id};

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
    /// A human allowed this call with other arguments: see [`countersign_policy::approval::Edited`]. Only the call with
    /// them may run, and redeems the yes.
    Edited {
        /// The decision about the call as it is: ask.
        decision: Decision,
        /// The question with its answer.
        record: Box<Record>,
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

/// The host's own id of a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostId<'a> {
    /// As the host told it, for the log. Judged again under the same id, it is the same call: it counts once.
    pub told: Option<&'a str>,
    /// Where the host asks once more and tells none: which call it means, see [`Store::judged_before`].
    pub again: Option<&'a str>,
}

impl<'a> HostId<'a> {
    /// The id that the host told, if it did.
    pub fn told(id: Option<&'a str>) -> HostId<'a> {
        HostId { told: id, again: None }
    }
}

/// What became of a call, what the decision log is to know of it, and when that was.
pub(crate) struct Judged {
    pub(crate) gate: Gate,
    pub(crate) entry: LogEntry,
    /// The session's run before this call.
    pub(crate) before: Option<Run>,
    at: Clock,
}

/// Decides a call and logs the decision. `clock` is what the computer's clock says. What the store knows of the call's
/// session is filled into the call.
///
/// # Errors
/// The store failed, the log included: the call must not run then.
pub async fn decide(
    store: &mut Store,
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &mut Call,
    id: HostId<'_>,
    clock: Timestamp,
) -> Result<Gate, StoreError> {
    let sent = Sent { id, ..Sent::default() };
    let Judged { gate, entry, at, .. } = judge(store, engine, files, call, sent, clock).await?;
    store.log_at(&entry, false, at).await?;
    Ok(gate)
}

/// What came with a call beside it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent<'a> {
    /// The host's own id of the call.
    pub(crate) id: HostId<'a>,
    /// The idempotency key of its request: a yes that was taken with it is taken again.
    pub(crate) once: Option<&'a Once>,
    /// The session's run, if the caller knows more of it than the store.
    pub(crate) ahead: Option<Option<&'a Run>>,
    /// What is denied in the sessions above a sub-agent's.
    pub(crate) above: &'a [Grant],
}

impl Sent<'_> {
    /// The id under which the same call may be judged again.
    fn run_id(self, call: &Call) -> Option<String> {
        let told = self.id.told.map(|id| run_id(call.turn.as_deref(), id)).or(self.id.again.map(str::to_owned));
        told.or(self.once.map(|once| format!("key {}", once.key)))
    }
}

/// What a call counts for where repetition is counted.
pub(crate) struct Count {
    call: String,
    id: Option<String>,
    /// The session's run before this call.
    pub(crate) before: Option<Run>,
}

impl Count {
    /// Fills into the call what is known of its session.
    pub(crate) fn of(call: &mut Call, present: Present, sent: Sent<'_>) -> Count {
        let before = match sent.ahead {
            Some(run) => run.cloned(),
            None => present.run,
        };
        let (same, id) = (call.repeated_as().0, sent.run_id(call));
        call.in_a_row = Run::with(before.as_ref(), &same, id.as_deref());
        call.mode = present.mode.or(call.mode.take());
        Count { call: same, id, before }
    }

    /// The log's entry of a decision about the call.
    pub(crate) fn entry(&self, call: &Call, decision: &Decision, call_id: Option<&str>) -> LogEntry {
        LogEntry {
            call_id: call_id.map(str::to_owned),
            run: Some(self.call.clone()),
            run_id: self.id.clone(),
            ..LogEntry::decided(call, decision)
        }
    }
}

/// The same without the log, for a caller that writes it in batches.
pub(crate) async fn judge(
    store: &mut Store,
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &mut Call,
    sent: Sent<'_>,
    clock: Timestamp,
) -> Result<Judged, StoreError> {
    let Looked { clock: at, mut grants, present } = store.look(call, clock).await?;
    grants.extend_from_slice(sent.above);
    let count = Count::of(call, present, sent);
    let call = &*call;
    let now = at.now();
    let decision = engine.decide(&grants, None, call, now);
    let gate = if open_to_an_answer(&decision) || comes_with_grants(&decision) {
        let late = Late { engine, files, call, once: sent.once, above: sent.above, clock };
        late.answered(store, decision, (now, &grants)).await?
    } else {
        Gate::Decided { decision }
    };

    Ok(Judged::of(gate, call, sent, count, at))
}

/// The same for a caller that has looked and cannot write. `existing` finds the same question as
/// [`Store::find`] does. `None` where a human's answer has to be taken or told.
pub(crate) async fn look(
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &mut Call,
    sent: Sent<'_>,
    looked: Looked,
    existing: impl AsyncFnOnce(&Call) -> Result<Option<Record>, StoreError>,
) -> Result<Option<Judged>, StoreError> {
    let Looked { clock: at, mut grants, present } = looked;
    grants.extend_from_slice(sent.above);
    let count = Count::of(call, present, sent);
    let call = &*call;
    let decision = engine.decide(&grants, None, call, at.now());
    let gate = if open_to_an_answer(&decision) {
        let existing = existing(call).await?;
        if sent.once.is_some() || existing.as_ref().is_some_and(|record| record.approval.state != State::Open) {
            return Ok(None);
        }
        asked_or_decided(engine, files, call, decision, existing)
    } else if comes_with_grants(&decision) {
        let existing = existing(call).await?;
        if sent.once.is_some() || existing.is_some_and(|record| made_grants(&record, &decision)) {
            return Ok(None);
        }
        Gate::Decided { decision }
    } else {
        Gate::Decided { decision }
    };
    Ok(Some(Judged::of(gate, call, sent, count, at)))
}

impl Judged {
    fn of(gate: Gate, call: &Call, sent: Sent<'_>, count: Count, at: Clock) -> Judged {
        let (decision, approval) = match &gate {
            Gate::Decided { decision } => (decision, None),
            Gate::Answered { decision, approval } => (decision, Some(approval.clone())),
            Gate::Edited { decision, record } => (decision, Some(record.approval.id.clone())),
            Gate::Pending { decision, existing, .. } => {
                (decision, existing.as_ref().map(|record| record.approval.id.clone()))
            }
        };
        let entry = LogEntry { approval, ..count.entry(call, decision, sent.id.told) };
        Judged { gate, entry, before: count.before, at }
    }
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

/// Whether what let it run, or keeps it from that, is what an answer left behind.
fn comes_with_grants(decision: &Decision) -> bool {
    let with = |cause: &Cause| matches!(cause, Cause::Grant { approval: Some(_), .. });
    match decision.effect() {
        Effect::Allow => decision.judgements().iter().any(|judgement| with(judgement.cause())),
        Effect::Ask => false,
        Effect::Deny => with(decision.cause()),
    }
}

/// Whether the answer that left them behind is one to this very call that was not taken or told yet. It is, with them: an
/// "always" is no second yes, and its agent is told no more than of a yes, and no less than of a no.
fn made_grants(record: &Record, decision: &Decision) -> bool {
    let by = |cause: &Cause| matches!(cause, Cause::Grant { approval: Some(id), .. } if *id == record.approval.id);
    let is_waiting = match &record.approval.state {
        State::Allowed { answer, .. } => decision.effect() == Effect::Allow && answer.edited.is_none(),
        State::Denied { told, .. } => decision.effect() == Effect::Deny && !told,
        _ => false,
    };
    is_waiting && decision.judgements().iter().any(|judgement| by(judgement.cause()))
}

/// A call whose answer may have come late.
struct Late<'a> {
    engine: &'a Engine,
    files: &'a (dyn Files + Sync),
    call: &'a Call,
    once: Option<&'a Once>,
    above: &'a [Grant],
    clock: Timestamp,
}

impl Late<'_> {
    /// Looks for the answer.
    async fn answered(
        &self,
        store: &mut Store,
        mut decision: Decision,
        (now, grants): (Timestamp, &[Grant]),
    ) -> Result<Gate, StoreError> {
        let digest = self.call.digest();
        // A request whose answer was lost on the way comes again: what it took is taken again.
        if let Some(once) = self.once
            && let Ok(Some(id)) = store.once(once).await?
        {
            match self.redeem(store, &id).await? {
                Some(Ok(gate)) => return Ok(gate),
                Some(Err(stricter)) => decision = stricter,
                None => {}
            }
        }
        let existing = store.find(&digest, &Asker::of(self.call), now).await?;
        if comes_with_grants(&decision) {
            let Some(record) = existing.as_ref().filter(|record| made_grants(record, &decision)) else {
                return Ok(Gate::Decided { decision });
            };
            if let State::Denied { answer, .. } = &record.approval.state {
                return self.tell(store, record, answer, (now, &[])).await;
            }
            match self.redeem(store, &record.approval.id).await? {
                Some(Ok(gate)) => return Ok(gate),
                Some(Err(stricter)) => decision = stricter,
                None => return Ok(Gate::Decided { decision }),
            }
        }
        match existing.as_ref().map(|record| (&record.approval.state, record)) {
            Some((State::Allowed { answer, .. }, record)) if answer.edited.is_some() => {
                return Ok(Gate::Edited { decision, record: Box::new(record.clone()) });
            }
            Some((State::Allowed { .. }, record)) => match self.redeem(store, &record.approval.id).await? {
                Some(Ok(gate)) => return Ok(gate),
                Some(Err(stricter)) => decision = stricter,
                // Another call like this one took it first, or time did: this one asks anew.
                None => {}
            },
            Some((State::Denied { answer, .. }, record)) => {
                return self.tell(store, record, answer, (now, grants)).await;
            }
            _ => {}
        }
        let open = existing.filter(|record| !matches!(record.approval.state, State::Allowed { .. }));
        Ok(asked_or_decided(self.engine, self.files, self.call, decision, open))
    }

    /// Tells a no. Beside it the grants that it left behind are left out, so that its human's word is told.
    async fn tell(
        &self,
        store: &mut Store,
        record: &Record,
        answered: &Answered,
        (now, grants): (Timestamp, &[Grant]),
    ) -> Result<Gate, StoreError> {
        let id = record.approval.id.clone();
        let answer = Answer {
            approval: id.clone(),
            digest: self.call.digest(),
            outcome: answered.outcome,
            shown: answered.shown.clone(),
            feedback: answered.feedback.clone(),
        };
        let mut decision = self.engine.decide(grants, Some(&answer), self.call, now);
        if decision.effect() != Effect::Deny {
            // Policy has changed since: what was remembered holds.
            let mut all = store.grants_for(self.call, now).await?;
            all.extend_from_slice(self.above);
            decision = self.engine.decide(&all, Some(&answer), self.call, now);
        }
        store.tell(&id, self.clock).await?;
        Ok(Gate::Answered { decision, approval: id })
    }

    /// Redeems that approval: what became of it, what policy says that is stricter, or nothing if it is not to be had.
    async fn redeem(&self, store: &mut Store, id: &str) -> Result<Option<Result<Gate, Decision>>, StoreError> {
        let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now| {
            self.engine.decide(&[grants, self.above].concat(), answer, call, now)
        };
        match store.redeem_once(id, self.call, self.once, self.clock, &recheck).await {
            Ok(redeemed) => Ok(Some(Ok(Gate::Answered { decision: redeemed.decision, approval: id.to_owned() }))),
            Err(RedeemError::Store(error)) => Err(error),
            Err(RedeemError::Stricter { decision }) => Ok(Some(Err(*decision))),
            Err(RedeemError::Refused(_) | RedeemError::Unknown(_) | RedeemError::KeyReused(_)) => Ok(None),
        }
    }
}

fn asked_or_decided(
    engine: &Engine,
    files: &(dyn Files + Sync),
    call: &Call,
    decision: Decision,
    existing: Option<Record>,
) -> Gate {
    if decision.effect() != Effect::Ask {
        return Gate::Decided { decision };
    }
    let question = Box::new(engine.question(call, &decision, files));
    Gate::Pending { decision, question, existing: existing.map(Box::new) }
}
