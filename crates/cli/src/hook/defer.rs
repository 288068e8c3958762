//! Calls that the host puts off: it ends, and comes with the same call when somebody resumes its session.
//!
//! A host that does not heed the word lets the call go on, so it is said only where the host's own transcript shows that
//! it will be heeded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use countersign_engine::hosts::claude_code::transcript::{Hindrance, deferrable};
use countersign_engine::hosts::claude_code::{Answer, Event};
use countersign_policy::approval::{Asker, CancelReason, State};
use countersign_policy::{Decision, Effect};
use countersign_service::block_on::block_on;
use countersign_service::store::{LogEvent, Record, Store, Withdraw};

use super::Fault;
use super::gate::{Gate, Judged, refusal};

/// How much of a transcript is read, from its end.
const TAIL: u64 = 16 * 1024 * 1024;
/// How long the host may take to write down the call that it asks about.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the transcript is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Whether the call at hand can be put off.
pub(super) enum Deferral {
    /// It can.
    Can,
    /// Not in this kind of session, whatever the call.
    NotHere,
    /// It could be, but for this.
    Hindered(Hindrance),
}

impl Gate<'_> {
    /// Whether the host would heed it.
    pub(super) fn deferral(&self) -> Deferral {
        let (Event::PreToolUse(_), Some(call_id), None) = (self.event, &self.request.call_id, &self.request.agent)
        else {
            return Deferral::NotHere;
        };
        if !headless() {
            return Deferral::NotHere;
        }
        let Some(transcript) = self.transcript.as_deref().map(Path::new) else {
            return Deferral::Hindered(Hindrance::NotShown);
        };
        let started = Instant::now();
        loop {
            let shown = tail(transcript).map_err(|_| Hindrance::NotShown);
            match shown.and_then(|bytes| deferrable(&bytes, call_id)) {
                Ok(()) => return Deferral::Can,
                Err(Hindrance::NotShown) if started.elapsed() < PATIENCE => std::thread::sleep(LOOK),
                Err(hindrance) => return Deferral::Hindered(hindrance),
            }
        }
    }

    /// Puts the call off for this question.
    pub(super) fn put_off(
        &self,
        store: &mut Store,
        judged: &Judged,
        decision: &Decision,
        asked: &Record,
    ) -> Result<Answer, Fault> {
        let mut entry = self.entry(judged, decision);
        entry.event = LogEvent::Deferred;
        entry.approval = Some(asked.approval.id.clone());
        // By it the end of the session knows what stays open.
        block_on(store.log(&[entry], true, judged.now))?;
        let cause = countersign_engine::why::cause(decision.cause(), Effect::Ask);
        Ok(Answer::defer(&format!("Countersign asks: {cause}")))
    }

    /// A call that was put off comes again and its question is over: why it does not run. `None` where it is asked about
    /// as any other call.
    pub(super) fn over(&self, store: &mut Store, judged: &Judged) -> Result<Option<(String, String)>, Fault> {
        let Some(call_id) = &self.request.call_id else { return Ok(None) };
        let call = &judged.call;
        let Some(id) = block_on(store.deferred_call(&call.user, &call.session_key(), call_id))? else {
            return Ok(None);
        };
        let Some(record) = block_on(store.record(&id))? else { return Ok(None) };
        let late = "make the call again if it is still needed, and somebody will be asked anew";
        let why = match &record.approval.state {
            State::Open if record.approval.expires <= judged.now => format!("nobody answered in time: {late}"),
            State::Allowed { until, .. } if *until <= judged.now => format!("its approval has expired: {late}"),
            State::Expired { .. } => format!("nobody answered in time, or came for the answer: {late}"),
            State::Cancelled { reason, .. } if *reason != CancelReason::Policy => {
                "the question about it was withdrawn".to_owned()
            }
            State::Denied { answer, told: true } => match &answer.feedback {
                Some(feedback) => format!("the user said no: {}", countersign_engine::show::printable(feedback)),
                None => "the user said no".to_owned(),
            },
            // What would run is no longer what was asked about: that question is of no use to anybody.
            _ if record.approval.digest != call.digest() => {
                let own = Withdraw::Own { id, asker: Asker::of(call) };
                block_on(store.cancel(&own, "policy", CancelReason::Policy, judged.now))?;
                return Ok(None);
            }
            _ => return Ok(None),
        };
        Ok(Some((id, refusal(&why))))
    }
}

/// Whether the host runs without a person and ends with its turn: `claude -p`. What is not known is not.
fn headless() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|its| its == value);
    is("CLAUDE_CODE_SESSION_ATTENDED", "0") && is("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe could keep the hook until its time is up.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}
