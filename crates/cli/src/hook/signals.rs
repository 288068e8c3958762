//! Signals: a host lets a call run whose hook one has ended, or stopped until the host lost patience.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;

use super::mouth::BLOCKED;

/// Signals that end a process. An abort is among them: what a stack that overflows, memory that runs out and a panic
/// within a panic end in.
const ENDING: [i32; 15] = [
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
];

/// Signals that are passed over. A terminal's stops: one that is stopped cannot say no in time. A file that would grow
/// beyond its limit: the write fails, and says so.
const PASSED_OVER: [i32; 4] = [SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ];

/// Makes the signals that would end this process a denial, and lets none stop it that can be caught.
///
/// # Errors
/// A handler cannot be set.
pub(crate) fn deny() -> std::io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in ENDING {
        flag::register_conditional_shutdown(signal, BLOCKED, always.clone())?;
    }
    for signal in PASSED_OVER {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}
