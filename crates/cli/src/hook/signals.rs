//! Signals: a host lets a call run whose hook one has ended.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM,
    SIGXCPU, SIGXFSZ,
};
use signal_hook::flag;

use super::mouth::BLOCKED;

/// Signals that end a process. An abort is among them: what a stack that overflows, memory that runs out and a panic
/// within a panic end in.
const ENDING: [i32; 14] = [
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM,
    SIGXCPU,
];

/// Makes every signal that can be caught a denial.
///
/// # Errors
/// A handler cannot be set.
pub(crate) fn deny() -> std::io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in ENDING {
        flag::register_conditional_shutdown(signal, BLOCKED, always.clone())?;
    }
    // A file that would grow beyond its limit: the write fails, and says so.
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}
