//! Ends the hook before its host gives it up: a host lets a call run whose hook takes too long.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::mouth::BLOCKED;

/// How long anything may take that does not wait for a human.
pub(crate) const WORK: Duration = Duration::from_secs(10);
/// How long the last words may take: standard error may be a pipe that nobody reads.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The bell rings at this time after the start, in milliseconds.
static BELL: AtomicU64 = AtomicU64::new(0);

/// Sees to it that the process ends in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watchdog {
    started: Instant,
    deadline: Duration,
}

impl Watchdog {
    /// Starts to watch: work ends within [`WORK`] unless it is given more time, and everything within `deadline`.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(deadline: Duration) -> std::io::Result<Watchdog> {
        let watchdog = Watchdog { started: Instant::now(), deadline };
        watchdog.more_time();
        std::thread::Builder::new()
            .name("watchdog".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || watchdog.watch())?;
        Ok(watchdog)
    }

    /// Gives the work in hand [`WORK`] from now on, within the deadline.
    pub(crate) fn more_time(&self) {
        let bell = (self.started.elapsed() + WORK).min(self.deadline);
        BELL.store(u64::try_from(bell.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// How much there was.
    pub(crate) fn total(&self) -> Duration {
        self.deadline
    }

    /// How much is left until the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.started.elapsed())
    }

    fn watch(self) {
        loop {
            let bell = Duration::from_millis(BELL.load(Ordering::Acquire));
            match bell.checked_sub(self.started.elapsed()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left),
                _ => break,
            }
        }
        let (said, done) = mpsc::channel();
        let text = super::trouble("it took too long");
        let words = std::thread::Builder::new().spawn(move || {
            let _ = std::io::stderr().write_all(text.as_bytes());
            let _ = said.send(());
        });
        if words.is_ok() {
            let _ = done.recv_timeout(LAST_WORDS);
        }
        std::process::exit(BLOCKED);
    }
}
