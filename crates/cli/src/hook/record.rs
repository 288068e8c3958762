//! What the hook writes down: what ran, what was not judged, what went wrong, that a session ended.

use std::mem::ManuallyDrop;

use countersign_engine::hosts::claude_code::HOST;
use countersign_engine::{Engine, Request};
use countersign_policy::approval::{Asker, CancelReason};
use countersign_policy::{Call, Effect, document};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{LogEntry, LogEvent, LoggedEntry, Open, Store, Withdraw, args_digest, run_id};
use serde_json::{Value, json};

use super::Fault;
use crate::here;
use crate::off::Off;
use crate::place::Place;

/// A call has run, or has failed. Returns what its user has to be told at once.
pub(super) fn ran(place: &Place, request: &Request, succeeded: bool) -> Result<Option<String>, Fault> {
    let mut store = ManuallyDrop::new(block_on(Store::open(&place.store(), Open::Hook))?);
    let now = block_on(store.clock(here::clock()))?;
    let engine = Engine::new(document::assemble(Vec::new()));
    let call = engine.call(request, &Disk);
    let decided = match &request.call_id {
        Some(id) => block_on(store.logged_call(&call.user, &call.session_key(), id))?,
        None => None,
    };
    let alarm = alarm(place, request, decided.as_ref());
    let mut entry = entry(request, &call, LogEvent::Ran, Effect::Allow);
    entry.approval = decided.as_ref().and_then(|decided| decided.entry.approval.clone());
    // Whoever was asked at the host has said yes: what is counted of the same call in a row begins anew.
    let at_host = decided.as_ref().filter(|decided| decided.entry.event == LogEvent::Host);
    entry.run = at_host.and_then(|decided| decided.entry.run.clone());
    entry.run_id = request.call_id.as_deref().map(|id| run_id(call.turn.as_deref(), id));
    entry.detail = json!({"succeeded": succeeded, "args": args_digest(&request.args), "alarm": alarm}).into();
    block_on(store.log(&[entry], alarm.is_some(), now))?;
    if let Some(alarm) = &alarm {
        let detail = json!({"alarm": alarm, "tool": call.tool, "call": request.call_id, "session": call.session_key()});
        block_on(store.audit(HOST, "alarm", &detail, now))?;
    }
    // It ran, so whoever was asked at the host has said yes.
    if let Some(decided) = decided.filter(|decided| decided.entry.event == LogEvent::Host)
        && let Some(id) = decided.entry.approval
    {
        let own = Withdraw::Own { id, asker: Asker::of(&call) };
        block_on(store.cancel(&own, HOST, CancelReason::Host, now))?;
    }
    Ok(alarm.map(|alarm| format!("Countersign: {alarm}. `countersign log` in a terminal says more.")))
}

/// What is wrong with a call having run, if something is.
fn alarm(place: &Place, request: &Request, decided: Option<&LoggedEntry>) -> Option<String> {
    let off = || Off::now(&place.off_file(), here::clock()).is_some();
    let tool = countersign_engine::show::printable(&request.tool);
    let Some(decided) = decided else {
        return (request.call_id.is_some() && !off())
            .then(|| format!("a call of `{tool}` ran about which it was never asked"));
    };
    let entry = &decided.entry;
    if entry.event == LogEvent::Off {
        return None;
    }
    if entry.event == LogEvent::Deferred {
        return Some(format!("a call of `{tool}` ran that was put off until somebody answers"));
    }
    if entry.effect == Effect::Deny {
        return Some(format!("a call of `{tool}` ran that it had denied"));
    }
    let same = entry.tool == request.tool
        && entry.detail.value().get("args").and_then(Value::as_str) == Some(args_digest(&request.args).as_str());
    (!same).then(|| format!("another call of `{tool}` ran than the one that it had judged"))
}

/// What the host says of the end of a session that nobody ended: its process had nothing more to do.
const RAN_OUT: &str = "other";

/// A session is over: its questions are withdrawn, and what was allowed for it ends. If its process ended because a call
/// was put off, the question about that call stays: it is what the session will be resumed for.
pub(super) fn ended(place: &Place, session: &str, reason: &str) -> Result<Option<String>, Fault> {
    let mut store = ManuallyDrop::new(block_on(Store::open(&place.store(), Open::Hook))?);
    let now = block_on(store.clock(here::clock()))?;
    let key = format!("{HOST}:{session}");
    let user = crate::terminal::user();
    let stopped_with = if reason == RAN_OUT { block_on(store.stopped_with(&user, &key))? } else { None };
    match stopped_with {
        Some(question) => block_on(store.end_session_but(&user, &key, &question, HOST, now))?,
        None => block_on(store.end_session(&user, &key, HOST, now))?,
    };
    Ok(None)
}

/// A call was not judged, because the gate is off. Best effort.
pub(super) fn off(place: &Place, request: &Request, off: &Off) {
    let Ok(store) = block_on(Store::open(&place.store(), Open::Hook)) else { return };
    let mut store = ManuallyDrop::new(store);
    let call = Engine::new(document::assemble(Vec::new())).call(request, &Disk);
    let mut entry = entry(request, &call, LogEvent::Off, Effect::Allow);
    entry.detail = json!({"off": off}).into();
    let _ = block_on(store.log(&[entry], false, here::clock()));
}

/// A call could not be judged. Best effort: it does not run either way.
pub(super) fn fault(store: &mut Store, request: &Request, fault: &Fault) {
    let call = Engine::new(document::assemble(Vec::new())).call(request, &Disk);
    let mut entry = entry(request, &call, LogEvent::Fault, Effect::Deny);
    entry.detail = json!({"fault": fault.0}).into();
    let _ = block_on(store.log(&[entry], false, here::clock()));
}

fn entry(request: &Request, call: &Call, event: LogEvent, effect: Effect) -> LogEntry {
    LogEntry { call_id: request.call_id.clone(), ..LogEntry::about(call, event, effect) }
}
