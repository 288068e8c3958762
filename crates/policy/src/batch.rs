//! The questions of one turn that are answered together, as a pure state machine.
//!
//! ```text
//! open -> ready -> resumed
//!              <-> sending
//!      -> cancelled
//! ```
//!
//! A turn that needs several answers ends with one batch. Once the last of its questions is over it is ready, and its
//! agent is resumed with all outcomes at once: exactly one taker gets it, whichever way it comes.

use serde::{Deserialize, Serialize};

use crate::approval::CancelReason;
use crate::time::Timestamp;

/// The questions of one turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    pub id: String,
    /// The user for whom the agent works.
    pub user: String,
    /// Host and session, see [`crate::Call::session_key`].
    pub session: String,
    /// The turn, in a host that has turns.
    pub turn: Option<String>,
    /// Whether the agent has ended its turn with it, and is to be resumed.
    pub deferred: bool,
    /// Its questions, in the order of the calls.
    pub members: Vec<Member>,
    /// When it was made.
    pub made: Timestamp,
    /// What became of it.
    pub state: BatchState,
}

/// One call of a turn that a human was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The host's id of the call.
    pub call: String,
    /// The question about it.
    pub approval: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BatchState {
    /// Some question is still open.
    Open,
    /// All are over, and nobody has taken it.
    Ready {
        /// Since when.
        at: Timestamp,
    },
    /// It is being delivered to an address; nobody else may take it meanwhile.
    Sending {
        /// Since when it was ready.
        ready: Timestamp,
        /// Until when the delivery may take: then it is ready again.
        until: Timestamp,
    },
    /// Its agent has been resumed.
    Resumed {
        /// When.
        at: Timestamp,
        /// Which way: `poll`, `stream`, `request` or `webhook`.
        by: String,
        /// The idempotency key of the request that took it.
        key: Option<String>,
    },
    /// The turn was given up: nobody is resumed with it.
    Cancelled {
        /// Why.
        reason: CancelReason,
        /// When.
        at: Timestamp,
    },
}

/// What can happen to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchEvent {
    /// The last of its questions is over.
    Over,
    /// Somebody comes for it.
    Take {
        /// Which way.
        by: &'static str,
        /// The idempotency key of the request: what was taken may be taken again by the same key.
        key: Option<String>,
    },
    /// Its delivery to an address begins, and takes at most so many seconds.
    Send {
        /// The most seconds that it may take.
        seconds: i64,
    },
    /// It was delivered.
    Sent,
    /// It could not be delivered.
    NotSent,
    /// The turn is given up.
    Cancel(CancelReason),
}

/// Why nobody gets a batch. Nothing changes then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefusal {
    /// Some question is still open.
    #[error("some questions of this turn wait for an answer")]
    NotReady,
    /// It is on its way to the application's webhook.
    #[error("this turn is being sent to the webhook: if that fails, it can be resumed here")]
    Sending,
    /// Its agent was resumed before.
    #[error("this turn was resumed before, and that happens once")]
    Resumed,
    /// The turn was given up.
    #[error("the turn was given up ({})", .0.words())]
    Cancelled(CancelReason),
}

/// What becomes of a batch when `event` happens.
///
/// # Errors
/// The event is refused, and nothing changes.
pub fn step(batch: &Batch, event: BatchEvent, now: Timestamp) -> Result<Batch, BatchRefusal> {
    let mut next = batch.clone();
    // A delivery that never came back has failed.
    if let BatchState::Sending { ready, until } = next.state
        && until <= now
        && event != BatchEvent::Sent
    {
        next.state = BatchState::Ready { at: ready };
    }
    next.state = match (event, next.state.clone()) {
        (BatchEvent::Over, BatchState::Open) => BatchState::Ready { at: now },
        (BatchEvent::Take { by, key }, BatchState::Ready { .. }) => {
            BatchState::Resumed { at: now, by: by.to_owned(), key }
        }
        (BatchEvent::Take { key: Some(key), .. }, BatchState::Resumed { key: Some(first), at, by }) if key == first => {
            BatchState::Resumed { at, by, key: Some(first) }
        }
        (BatchEvent::Send { seconds }, BatchState::Ready { at }) => {
            BatchState::Sending { ready: at, until: now.plus_seconds(seconds) }
        }
        // One that was slow may have been given up meanwhile.
        (BatchEvent::Sent, BatchState::Sending { .. } | BatchState::Ready { .. }) => {
            BatchState::Resumed { at: now, by: "webhook".to_owned(), key: None }
        }
        (BatchEvent::NotSent, BatchState::Sending { ready, .. }) => BatchState::Ready { at: ready },
        // What is on its way may arrive all the same; it is not sent again.
        (BatchEvent::Cancel(reason), BatchState::Open | BatchState::Ready { .. } | BatchState::Sending { .. }) => {
            BatchState::Cancelled { reason, at: now }
        }
        // What is over already stays as it is.
        (BatchEvent::Over | BatchEvent::Cancel(_) | BatchEvent::Sent | BatchEvent::NotSent, state) => state,
        (BatchEvent::Take { .. } | BatchEvent::Send { .. }, state) => return Err(refusal(&state)),
    };
    Ok(next)
}

fn refusal(state: &BatchState) -> BatchRefusal {
    match state {
        BatchState::Cancelled { reason, .. } => BatchRefusal::Cancelled(*reason),
        BatchState::Open => BatchRefusal::NotReady,
        BatchState::Sending { .. } => BatchRefusal::Sending,
        BatchState::Ready { .. } | BatchState::Resumed { .. } => BatchRefusal::Resumed,
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, BatchEvent, BatchRefusal, BatchState, step};
    use crate::approval::CancelReason;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn batch(state: BatchState) -> Batch {
        Batch {
            id: "b".into(),
            user: "ana".into(),
            session: "host:s".into(),
            turn: None,
            deferred: true,
            members: Vec::new(),
            made: NOW,
            state,
        }
    }

    fn take(by: &'static str, key: Option<&str>) -> BatchEvent {
        BatchEvent::Take { by, key: key.map(str::to_owned) }
    }

    #[test]
    fn one_taker_gets_it_and_may_ask_again_by_its_key() {
        let open = batch(BatchState::Open);
        assert_eq!(step(&open, take("poll", None), NOW), Err(BatchRefusal::NotReady));
        let ready = step(&open, BatchEvent::Over, NOW).unwrap();
        let taken = step(&ready, take("poll", Some("k1")), NOW).unwrap();
        assert_eq!(step(&taken, take("stream", None), NOW), Err(BatchRefusal::Resumed));
        assert_eq!(step(&taken, take("poll", Some("k2")), NOW), Err(BatchRefusal::Resumed));
        assert_eq!(step(&taken, take("request", Some("k1")), NOW), Ok(taken.clone()));
        assert_eq!(step(&taken, BatchEvent::Cancel(CancelReason::Stop), NOW), Ok(taken));
    }

    #[test]
    fn nobody_takes_what_is_being_delivered_until_the_delivery_has_failed() {
        let ready = batch(BatchState::Ready { at: NOW });
        let sending = step(&ready, BatchEvent::Send { seconds: 30 }, NOW).unwrap();
        assert_eq!(step(&sending, take("poll", None), NOW.plus_seconds(29)), Err(BatchRefusal::Sending));
        assert_eq!(step(&sending, BatchEvent::Send { seconds: 30 }, NOW.plus_seconds(29)), Err(BatchRefusal::Sending));
        assert!(step(&sending, take("poll", None), NOW.plus_seconds(30)).is_ok());
        assert_eq!(step(&sending, BatchEvent::NotSent, NOW), Ok(ready.clone()));
        let sent = step(&sending, BatchEvent::Sent, NOW).unwrap();
        assert_eq!(step(&ready, BatchEvent::Sent, NOW), Ok(sent.clone()), "late, and it arrived");
        assert_eq!(step(&sent, take("poll", None), NOW), Err(BatchRefusal::Resumed));
    }

    #[test]
    fn what_was_given_up_resumes_nobody() {
        let given_up = step(&batch(BatchState::Open), BatchEvent::Cancel(CancelReason::NewMessage), NOW).unwrap();
        assert_eq!(step(&given_up, BatchEvent::Over, NOW), Ok(given_up.clone()));
        let refused = step(&given_up, take("poll", None), NOW);
        assert_eq!(refused, Err(BatchRefusal::Cancelled(CancelReason::NewMessage)));
        // Nor is it after a delivery that had begun and came to nothing, or to something.
        let ready = batch(BatchState::Ready { at: NOW });
        let sending = step(&ready, BatchEvent::Send { seconds: 30 }, NOW).unwrap();
        let given_up = step(&sending, BatchEvent::Cancel(CancelReason::Stop), NOW).unwrap();
        for event in [BatchEvent::NotSent, BatchEvent::Sent] {
            assert_eq!(step(&given_up, event, NOW), Ok(given_up.clone()));
        }
        let again = step(&given_up, BatchEvent::Send { seconds: 30 }, NOW);
        assert_eq!(again, Err(BatchRefusal::Cancelled(CancelReason::Stop)));
    }
}
