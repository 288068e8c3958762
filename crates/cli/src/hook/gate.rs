//! A call on its way to its verdict.

use std::mem::ManuallyDrop;
use std::time::Duration;

use countersign_engine::hosts::claude_code::{Answer, Event};
use countersign_engine::{Engine, Known, Reading, Request};
use countersign_policy::approval::{CancelReason, State};
use countersign_policy::{Attendance, Call, Decision, Effect, Nobody, Question, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::{self, HostId};
use countersign_service::store::{Ask, AskError, LogEntry, LogEvent, Record, Store};

use super::claude_code::attended;
use super::defer::Deferral;
use super::opening::{Opened, Opening, session_key};
use super::options::{OnAsk, Options};
use super::wait::{Ended, Wait};
use super::watchdog::Watchdog;
use super::{Fault, record};
use crate::here;
use crate::off::Off;
use crate::place::Place;

/// How long a question waits whose last listener has gone.
const ALONE: Duration = Duration::from_secs(60);

/// One call and what is known about it before it is judged.
pub(super) struct Gate<'a> {
    pub(super) place: &'a Place,
    pub(super) options: &'a Options,
    pub(super) watchdog: Watchdog,
    pub(super) event: &'a Event,
    pub(super) request: &'a Request,
    /// Where the host writes the session down, where that is wanted.
    pub(super) transcript: Option<String>,
}

/// A call as it was judged at one moment.
pub(super) struct Judged {
    pub(super) engine: Engine,
    pub(super) call: Call,
    gate: gate::Gate,
    pub(super) now: Timestamp,
}

/// What becomes of a call about which policy asks.
enum Way {
    /// It waits for an answer: so long without a listener, and then until the deadline.
    Wait(Duration),
    /// The host's own prompt.
    Host,
    /// The host puts the call off.
    Defer,
    /// The host cannot put this call off, for this reason.
    Hindered(String),
    /// Nobody can be asked.
    Nobody,
}

impl Gate<'_> {
    /// The answer to the host.
    pub(super) fn answer(&mut self) -> Result<Answer, Fault> {
        if let Some(off) = Off::now(&self.place.off_file(), here::clock()) {
            record::off(self.place, self.request, &off);
            return Ok(Answer::no_opinion());
        }
        let opening = Opening::start(self.place, self.request)?;
        let reading = self.read(&opening);
        let Opened { store, now, roots, .. } = opening.finish()?;
        // Never closed: closing folds what was written into the file, for which the host would have to wait.
        let mut store = ManuallyDrop::new(store);
        let judged = reading.and_then(|reading| self.judge(&mut store, reading, roots, now));
        let answer = judged.and_then(|judged| self.settle(&mut store, judged));
        if let Err(fault) = &answer {
            record::fault(&mut store, self.request, fault);
        }
        answer
    }

    fn settle(&mut self, store: &mut Store, judged: Judged) -> Result<Answer, Fault> {
        // Never dropped: to free a thousand rules one by one takes longer than to decide by them.
        let mut judged = ManuallyDrop::new(judged);
        loop {
            match &judged.gate {
                gate::Gate::Decided { decision } => return Ok(self.decided(&judged, decision, false)),
                gate::Gate::Answered { decision, .. } => return Ok(self.decided(&judged, decision, true)),
                gate::Gate::Edited { decision, record } => return self.edited(store, &judged, decision, record),
                gate::Gate::Pending { decision, question, existing } => {
                    if let Some((id, told)) = self.over(store, &judged)? {
                        return self.denied(store, &judged, decision, Some(&id), &told);
                    }
                    let way = self.way(store, &judged)?;
                    match &way {
                        Way::Nobody => return self.nobody(store, &judged),
                        Way::Hindered(why) => return self.denied(store, &judged, decision, None, &refusal(why)),
                        Way::Wait(_) | Way::Host | Way::Defer => {}
                    }
                    let deferred = matches!(way, Way::Defer);
                    let asked = match ask(store, &judged, question, existing.as_deref(), deferred) {
                        Ok(asked) => asked,
                        Err(AskError::Store(error)) => return Err(error.into()),
                        Err(error) => return self.denied(store, &judged, decision, None, &refusal(&error.to_string())),
                    };
                    match way {
                        Way::Host => return self.at_host(store, &judged, decision, &asked),
                        Way::Defer if asked.approval.state == State::Open => {
                            return self.put_off(store, &judged, decision, &asked);
                        }
                        Way::Wait(alone) => {
                            if let Some(answer) = self.wait(store, &judged, decision, &asked, alone)? {
                                return Ok(answer);
                            }
                        }
                        // Somebody was faster: the call is judged with their answer.
                        Way::Defer | Way::Hindered(_) | Way::Nobody => {}
                    }
                }
            }
            judged = ManuallyDrop::new(self.judge_anew(store)?);
        }
    }

    /// Judges the call as things are now: policy files, links and grants are looked at anew.
    fn judge_anew(&self, store: &mut Store) -> Result<Judged, Fault> {
        let now = block_on(store.clock(here::clock()))?;
        let known = block_on(store.known(&self.request.user))?;
        let roots = block_on(store.roots(&self.request.user, &session_key(self.request), now))?;
        let reading = self.read(&known)?;
        self.judge(store, reading, roots, now)
    }

    fn read(&self, known: &dyn Known) -> Result<Reading, Fault> {
        let layout = here::layout(self.place).map_err(|error| Fault(error.to_string()))?;
        countersign_engine::load(&Disk, &layout, &self.request.project, known)
            .map_err(|fault| Fault(format!("the policy cannot be used: {fault}")))
    }

    fn judge(&self, store: &mut Store, reading: Reading, roots: Vec<String>, now: Timestamp) -> Result<Judged, Fault> {
        block_on(store.note_checked(&reading.checked, now))?;
        let mut call = match roots.is_empty() {
            true => reading.engine.call(self.request, &Disk),
            false => reading.engine.call(&Request { roots, ..self.request.clone() }, &Disk),
        };
        let again = match self.event {
            // The host's prompt is about a call that was judged before, and does not say which.
            Event::PermissionRequest(_) => block_on(store.judged_before(&call))?,
            _ => None,
        };
        let id = HostId { told: self.request.call_id.as_deref(), again: again.as_deref() };
        let gate = block_on(gate::decide(store, &reading.engine, &Disk, &mut call, id, now))?;
        Ok(Judged { engine: reading.engine, call, gate, now })
    }

    fn way(&self, store: &mut Store, judged: &Judged) -> Result<Way, Fault> {
        Ok(match self.options.on_ask {
            OnAsk::Deny => Way::Nobody,
            OnAsk::Wait => Way::Wait(Duration::MAX),
            OnAsk::Host if attended() => Way::Host,
            OnAsk::Host => Way::Nobody,
            OnAsk::Defer => match self.deferral() {
                Deferral::Can => Way::Defer,
                Deferral::Hindered(hindrance) => Way::Hindered(hindrance.to_string()),
                Deferral::NotHere => self.best(store, judged)?,
            },
            OnAsk::Best => self.best(store, judged)?,
        })
    }

    /// To wait where somebody listens, else the host's prompt where somebody sits in front of it, else what policy says.
    fn best(&self, store: &mut Store, judged: &Judged) -> Result<Way, Fault> {
        Ok(if block_on(store.listening(&judged.call.user, judged.now))? {
            Way::Wait(ALONE)
        } else if attended() {
            Way::Host
        } else {
            match judged.engine.policy().nobody {
                Nobody::Deny => Way::Nobody,
                Nobody::Wait(seconds) => Way::Wait(Duration::from_secs(seconds.into())),
            }
        })
    }

    /// Waits for the answer. `None`: the call is to be judged anew.
    fn wait(
        &self,
        store: &mut Store,
        judged: &Judged,
        decision: &Decision,
        asked: &Record,
        alone: Duration,
    ) -> Result<Option<Answer>, Fault> {
        let wait = Wait { watchdog: self.watchdog, user: &judged.call.user, alone, off_file: &self.place.off_file() };
        let approval = Some(asked.approval.id.as_str());
        let text = match wait.for_answer(store, &asked.approval.id)? {
            Ended::Changed(State::Cancelled { reason: CancelReason::Host, .. })
                if matches!(self.event, Event::PermissionRequest(_)) =>
            {
                // The person has answered the host's own prompt meanwhile.
                return Ok(Some(Answer::no_opinion()));
            }
            Ended::Changed(State::Cancelled { reason, .. })
                if !matches!(reason, CancelReason::Policy | CancelReason::Host) =>
            {
                refusal("the question about it was withdrawn")
            }
            Ended::Changed(State::Expired { .. }) => refusal("nobody answered the question about it in time"),
            Ended::Changed(_) => return Ok(None),
            Ended::Off(off) => {
                record::off(self.place, self.request, &off);
                return Ok(Some(Answer::no_opinion()));
            }
            Ended::Alone | Ended::Deadline => judged.engine.denial(&judged.call, decision),
        };
        self.denied(store, judged, decision, approval, &text).map(Some)
    }

    /// Leaves the question to the host's own prompt.
    fn at_host(
        &self,
        store: &mut Store,
        judged: &Judged,
        decision: &Decision,
        asked: &Record,
    ) -> Result<Answer, Fault> {
        let mut entry = self.entry(judged, decision);
        entry.event = LogEvent::Host;
        // Should it run, a person has said yes to it: see `record::ran`.
        entry.run = Some(judged.call.repeated_as().0);
        entry.approval = Some(asked.approval.id.clone());
        block_on(store.log(&[entry], false, judged.now))?;
        Ok(match self.event {
            // The prompt is what the event is about.
            Event::PermissionRequest(_) => Answer::no_opinion(),
            _ => Answer::ask(&format!(
                "Countersign asks: {}",
                countersign_engine::why::cause(decision.cause(), Effect::Ask)
            )),
        })
    }

    /// Denies, because nobody can be asked, and says how somebody could be.
    fn nobody(&self, store: &mut Store, judged: &Judged) -> Result<Answer, Fault> {
        let mut policy = judged.engine.policy().clone();
        policy.nobody = Nobody::Deny;
        let engine = Engine::new(policy);
        let call = Call { attendance: Attendance::Nobody, ..judged.call.clone() };
        let grants = block_on(store.grants_for(&call, judged.now))?;
        let decision = engine.decide(&grants, None, &call, judged.now);
        let text = engine.denial(&call, &decision);
        self.denied(store, judged, &decision, None, &text)
    }

    /// The answer for a verdict, which is in the log already. Anything but an allow denies.
    fn decided(&self, judged: &Judged, decision: &Decision, by_a_human: bool) -> Answer {
        if decision.effect() != Effect::Allow {
            return Answer::deny(self.event, &judged.engine.denial(&judged.call, decision));
        }
        let reason = format!("Countersign: {}", countersign_engine::why::cause(decision.cause(), Effect::Allow));
        if by_a_human {
            return Answer::allow_answered(self.event, &reason);
        }
        Answer::allow(&judged.call, self.event, &reason)
    }

    pub(super) fn denied(
        &self,
        store: &mut Store,
        judged: &Judged,
        decision: &Decision,
        approval: Option<&str>,
        text: &str,
    ) -> Result<Answer, Fault> {
        self.denied_as(store, &judged.call, judged, decision, approval, text)
    }

    /// The same for what a human has made of the call.
    pub(super) fn denied_as(
        &self,
        store: &mut Store,
        call: &Call,
        judged: &Judged,
        decision: &Decision,
        approval: Option<&str>,
        text: &str,
    ) -> Result<Answer, Fault> {
        let call_id = self.request.call_id.clone();
        let mut entry = LogEntry { call_id, ..LogEntry::decided(call, decision) };
        entry.effect = Effect::Deny;
        entry.approval = approval.map(str::to_owned);
        entry.detail = entry.detail.with("told", text);
        // A denial that cannot be written down still denies.
        let _ = block_on(store.log(&[entry], false, judged.now));
        Ok(Answer::deny(self.event, text))
    }

    pub(super) fn entry(&self, judged: &Judged, decision: &Decision) -> LogEntry {
        let call_id = self.request.call_id.clone();
        LogEntry { call_id, ..LogEntry::decided(&judged.call, decision) }
    }
}

/// Asks about the call. One that was put off and comes again is not asked about once more: nobody repeated it.
fn ask(
    store: &mut Store,
    judged: &Judged,
    question: &Question,
    existing: Option<&Record>,
    deferred: bool,
) -> Result<Record, AskError> {
    let stands = |record: &&Record| {
        deferred && record.approval.deferred && record.approval.state == State::Open && record.asks(question)
    };
    if let Some(record) = existing.filter(stands) {
        return Ok(record.clone());
    }
    let max_open = judged.engine.policy().max_open;
    let ask = Ask { call: &judged.call, question, max_open, deferred };
    Ok(block_on(store.ask(&ask, judged.now))?.record)
}

pub(super) fn refusal(why: &str) -> String {
    format!("Countersign did not let this run: {why}. Go on with something else, and ask the user if it is needed.")
}
