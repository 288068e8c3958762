//! Claude Code's events: what each does, and how it is answered.

use countersign_engine::hosts::claude_code::{Answer, Event, HookEnvironment, transcript_of};

use super::gate::Gate;
use super::options::{OnAsk, Options};
use super::record;
use super::watchdog::Watchdog;
use super::{Fault, fault, trouble};
use crate::here;
use crate::place::Place;

/// Answers one event.
pub(crate) fn answer(bytes: &[u8], options: &Options, watchdog: Watchdog) -> Answer {
    let (place, event) = match read(bytes, options) {
        Ok(read) => read,
        Err(reason) => return fault(&reason.0),
    };
    match &event {
        Event::PreToolUse(request) | Event::PermissionRequest(request) => {
            let transcript = if options.on_ask == OnAsk::Defer { transcript_of(bytes) } else { None };
            let mut gate = Gate { place: &place, options, watchdog, event: &event, request, transcript };
            // Whatever went wrong, in the form of the denial that this event has.
            gate.answer().unwrap_or_else(|fault| Answer::deny(&event, trouble(&fault.0).trim_end()))
        }
        Event::PostToolUse { request, succeeded } => recorded(record::ran(&place, request, *succeeded)),
        Event::SessionEnd { session, reason } => recorded(record::ended(&place, session, reason)),
        Event::Other(_) => Answer::no_opinion(),
    }
}

fn read(bytes: &[u8], options: &Options) -> Result<(Place, Event), Fault> {
    let place =
        Place::new(options.told.clone(), |name| std::env::var_os(name)).map_err(|error| Fault(error.to_string()))?;
    let environment = HookEnvironment {
        project_dir: project_dir()?,
        user: crate::terminal::user(),
        home: here::text(place.home()).map_err(|error| Fault(error.to_string()))?.to_owned(),
        path: std::env::var("PATH").ok(),
    };
    let event = countersign_engine::hosts::claude_code::event(bytes, &environment);
    Ok((place, event.map_err(|error| Fault(error.to_string()))?))
}

/// The project's folder, where the host tells it. One that cannot be written as text is not passed over: its rules
/// would not be read.
fn project_dir() -> Result<Option<String>, Fault> {
    let Some(folder) = std::env::var_os("CLAUDE_PROJECT_DIR").filter(|folder| !folder.is_empty()) else {
        return Ok(None);
    };
    let text = here::text(folder.as_ref()).map_err(|error| Fault(error.to_string()))?;
    Ok(Some(text.to_owned()))
}

/// What only records never holds anything up: its host is told of trouble, and its user of an alarm.
fn recorded(result: Result<Option<String>, Fault>) -> Answer {
    match result {
        Ok(None) => Answer::no_opinion(),
        Ok(Some(alarm)) => Answer {
            stdout: format!("{}\n", serde_json::json!({ "systemMessage": alarm })),
            stderr: String::new(),
            exit: 0,
        },
        Err(fault) => Answer {
            stdout: String::new(),
            stderr: format!("Countersign could not record this: {}\n", countersign_engine::show::printable(&fault.0)),
            exit: 1,
        },
    }
}

/// Whether a person sits in front of the host and would see its prompt. What is not known counts as nobody.
pub(super) fn attended() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|its| its == value);
    is("CLAUDE_CODE_SESSION_ATTENDED", "1") && is("CLAUDE_CODE_ENTRYPOINT", "cli")
}
