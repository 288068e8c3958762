//! A call whose arguments a human has changed.

use countersign_engine::hosts::claude_code::Answer;
use countersign_policy::approval::State;
use countersign_policy::{Answer as Answered, Call, Decision, Effect, Grant, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{LogEntry, Record, RedeemError, Store};

use super::Fault;
use super::gate::{Gate, Judged, refusal};

impl Gate<'_> {
    /// Lets the call run with the human's arguments, if policy lets that call run with their yes: the yes is for that
    /// call alone, and counts once.
    pub(super) fn edited(
        &self,
        store: &mut Store,
        judged: &Judged,
        decision: &Decision,
        record: &Record,
    ) -> Result<Answer, Fault> {
        let id = &record.approval.id;
        let args = match &record.approval.state {
            State::Allowed { answer, .. } => answer.edited.as_ref().map(|edited| edited.args.clone()),
            _ => None,
        };
        let Some(args) = args else {
            return Err(Fault(format!("the answer to question `{id}` has no arguments")));
        };
        let engine = &judged.engine;
        let call = engine.with_args(&judged.call, args, &Disk);
        let recheck = |call: &Call, answer: Option<&Answered>, grants: &[Grant], now: Timestamp| {
            engine.decide(grants, answer, call, now)
        };
        let redeemed = match block_on(store.redeem(id, &call, judged.now, &recheck)) {
            Ok(redeemed) => redeemed,
            Err(RedeemError::Store(error)) => return Err(error.into()),
            Err(RedeemError::Stricter { decision }) => {
                let told = format!("with the user's changes: {}", engine.denial(&call, &decision));
                return self.denied_as(store, &call, judged, &decision, Some(id), &told);
            }
            Err(error) => {
                let why = format!("the user changed its arguments, and {error}");
                return self.denied(store, judged, decision, Some(id), &refusal(&why));
            }
        };
        let entry = LogEntry {
            call_id: self.request.call_id.clone(),
            approval: Some(id.clone()),
            ..LogEntry::decided(&call, &redeemed.decision)
        };
        // What runs is this call: what the host reports of it later is held against the entry.
        block_on(store.log(&[entry], false, judged.now))?;
        let cause = countersign_engine::why::cause(redeemed.decision.cause(), Effect::Allow);
        let reason = format!("Countersign: {cause}, with arguments that the user changed");
        Ok(Answer::allow_edited(self.event, &reason, &call.args))
    }
}
