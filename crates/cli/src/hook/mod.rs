//! `countersign hook HOST`: reads one event of an agent's host and answers it.
//!
//! Hosts fail open, and this does not: whatever goes wrong in here ends as a denial that the host honours, well before
//! the host loses patience.

mod claude_code;
mod defer;
mod edited;
mod gate;
mod mouth;
mod opening;
mod options;
mod record;
mod signals;
mod wait;
mod watchdog;

use std::ffi::OsString;
use std::io::Read;
use std::panic::catch_unwind;
use std::sync::Mutex;

use countersign_engine::hosts::claude_code::Answer;
use countersign_service::store::StoreError;

use options::Options;
use watchdog::Watchdog;

/// The longest event that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;
/// What the panic said, for the one line that tells of it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Why a call could not be judged, in words for a human.
#[derive(Debug)]
struct Fault(String);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault(error.to_string())
    }
}

/// Runs the hook and ends the process.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ! {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(mut said) = PANIC.lock() {
            *said = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
        }
    }));
    if let Err(error) = signals::deny() {
        mouth::end(&fault(&format!("signals cannot be caught: {error}")));
    }
    let options = match options::read(arguments) {
        Ok(options) => options,
        Err(reason) => mouth::end(&fault(&format!("its command line is wrong: {reason}"))),
    };
    let watchdog = match Watchdog::start(options.deadline()) {
        Ok(watchdog) => watchdog,
        Err(error) => mouth::end(&fault(&format!("no thread could be started: {error}"))),
    };
    // On this thread: another would have to be given memory of its own first. A stack that overflows aborts, and an
    // abort is a denial: see `signals.rs`.
    let answer = catch_unwind(|| work(&options, watchdog)).unwrap_or_else(|_| {
        let place = PANIC.lock().ok().and_then(|place| place.clone()).unwrap_or_default();
        fault(&format!("it has a bug ({place}), please report it"))
    });
    mouth::end(&answer)
}

fn work(options: &Options, watchdog: Watchdog) -> Answer {
    let mut bytes = Vec::new();
    match std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes) {
        Err(error) => return fault(&format!("the event could not be read: {error}")),
        Ok(_) if bytes.len() as u64 > LONGEST => {
            return fault(&format!("the event is longer than {} MiB", LONGEST / 1024 / 1024));
        }
        Ok(_) => {}
    }
    claude_code::answer(&bytes, options, watchdog)
}

/// A denial in a form that holds for every event.
fn fault(reason: &str) -> Answer {
    Answer { stdout: String::new(), stderr: trouble(reason), exit: mouth::BLOCKED }
}

/// The one line that says what is wrong with the gate itself and how a human gets out.
fn trouble(reason: &str) -> String {
    let reason = countersign_engine::show::printable(reason);
    format!(
        "Countersign could not judge this call, so it does not run: {reason}. Tell the user: `countersign doctor` in a \
         terminal says what is wrong, and `countersign off 15m` there switches the gate off for a while.\n"
    )
}
