//! Waits for a human.
//!
//! The store is what is waited on: whoever answers writes there, and a server that dies takes nothing along.

use std::path::Path;
use std::time::{Duration, Instant};

use countersign_policy::approval::State;
use countersign_service::block_on::block_on;
use countersign_service::store::{Store, StoreError};

use super::watchdog::Watchdog;
use crate::here;
use crate::off::Off;

/// How often the store is looked at for a change.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is looked at closely, changed or not: time alone ends questions and listeners.
const CLOSELY: Duration = Duration::from_secs(1);
/// What is left of the time for saying no.
const RESERVE: Duration = Duration::from_secs(1);

/// How one question is waited for.
pub(super) struct Wait<'a> {
    pub(super) watchdog: Watchdog,
    pub(super) user: &'a str,
    /// How long without any listener.
    pub(super) alone: Duration,
    pub(super) off_file: &'a Path,
}

/// How a wait ended.
pub(super) enum Ended {
    /// The question is no longer open.
    Changed(State),
    /// The gate was switched off meanwhile.
    Off(Off),
    /// Nobody listens any more.
    Alone,
    /// The time is up.
    Deadline,
}

impl Wait<'_> {
    pub(super) fn for_answer(&self, store: &mut Store, id: &str) -> Result<Ended, StoreError> {
        let mut heard = Instant::now();
        loop {
            self.watchdog.more_time();
            let version = block_on(store.version())?;
            let now = block_on(store.clock(here::clock()))?;
            match block_on(store.record(id))? {
                Some(record) if record.approval.state == State::Open && record.approval.expires > now => {}
                Some(record) if record.approval.state == State::Open => {
                    return Ok(Ended::Changed(State::Expired { at: now }));
                }
                Some(record) => return Ok(Ended::Changed(record.approval.state)),
                None => return Ok(Ended::Changed(State::Expired { at: now })),
            }
            if let Some(off) = Off::now(self.off_file, here::clock()) {
                return Ok(Ended::Off(off));
            }
            if block_on(store.listening(self.user, now))? {
                heard = Instant::now();
            } else if heard.elapsed() >= self.alone {
                return Ok(Ended::Alone);
            }
            let looked = Instant::now();
            loop {
                if self.watchdog.left() <= RESERVE.min(self.watchdog.total() / 5) {
                    return Ok(Ended::Deadline);
                }
                if looked.elapsed() >= CLOSELY || block_on(store.version())? != version {
                    break;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}
