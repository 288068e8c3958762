//! The life of one question, as a pure state machine.
//!
//! ```text
//! open -> allowed -> redeemed
//!      -> denied | cancelled | expired
//! ```
//!
//! [`step`] says what becomes of an approval; whoever calls it writes the next state down in the same transaction in
//! which it read the present one, and only then carries out the consequences.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::digest::Digest;
use crate::time::Timestamp;

/// How long an allowed call may wait for its agent to come for it: 10 minutes.
pub const REDEEM_SECONDS: i64 = 600;
/// How long a question stays open: 24 hours.
pub const OPEN_SECONDS: i64 = 86_400;
/// How long a deferred question stays open, and how long a yes to it waits for its agent: 30 days, or until the session
/// ends. Its agent does not wait for it, and may come back long after its process has ended.
pub const DEFERRED_SECONDS: i64 = 2_592_000;

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The user for whom the agent works.
    pub user: String,
    /// Host and session, see [`Call::session_key`].
    pub session: String,
    /// The turn, in a host that has turns.
    pub turn: Option<String>,
    /// The project.
    pub project: String,
    /// The sub-agent.
    pub agent: Option<String>,
}

impl Asker {
    /// Who makes this call.
    pub fn of(call: &Call) -> Asker {
        Asker {
            user: call.user.clone(),
            session: call.session_key(),
            turn: call.turn.clone(),
            project: call.project.clone(),
            agent: call.agent.clone(),
        }
    }
}

/// One question and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// The call that it is about.
    pub digest: Digest,
    /// Who asked.
    pub asker: Asker,
    /// When.
    pub asked: Timestamp,
    /// When it expires unanswered.
    pub expires: Timestamp,
    /// How often the same call was asked about.
    pub count: u32,
    /// Whether its agent has ended its turn with it: see [`DEFERRED_SECONDS`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
    /// What became of it.
    pub state: State,
}

/// A question that is about to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Its id.
    pub id: String,
    /// The call that it is about.
    pub digest: Digest,
    /// Who asks.
    pub asker: Asker,
    /// Whether the agent ends its turn with it instead of waiting.
    pub deferred: bool,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Nobody has answered yet.
    Open,
    /// A human said yes; the agent has not come for it yet.
    Allowed {
        /// The answer.
        answer: Answered,
        /// Until when it may be redeemed.
        until: Timestamp,
    },
    /// A human said no.
    Denied {
        /// The answer.
        answer: Answered,
        /// Whether the agent was told.
        told: bool,
    },
    /// The agent has taken the yes; the call may have run.
    Redeemed {
        /// The answer.
        answer: Answered,
        /// When.
        at: Timestamp,
        /// The idempotency key of the request that took it: that request may come again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// It was withdrawn.
    Cancelled {
        /// Why.
        reason: CancelReason,
        /// When.
        at: Timestamp,
    },
    /// Nobody answered, or nobody redeemed, in time.
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// Why a question was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The human stopped the agent.
    Stop,
    /// The conversation was started over.
    StartOver,
    /// A new message came in between.
    NewMessage,
    /// The session ended.
    SessionEnd,
    /// The agent withdrew it.
    Agent,
    /// The host's own prompt answered it.
    Host,
    /// Policy, or what the call touches, changed in between.
    Policy,
}

impl CancelReason {
    /// The reason in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            CancelReason::Stop => "the agent was stopped",
            CancelReason::StartOver => "the conversation was started over",
            CancelReason::NewMessage => "a new message came in between",
            CancelReason::SessionEnd => "the session ended",
            CancelReason::Agent => "the agent took it back",
            CancelReason::Host => "the host's own prompt answered it",
            CancelReason::Policy => "policy, or what the call touches, has changed",
        }
    }
}

/// A human's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Yes or no.
    pub outcome: Outcome,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What the human wants the agent to know.
    pub feedback: Option<String>,
    /// The identities of the targets that the human was shown.
    pub shown: Vec<String>,
    /// The arguments that the human allowed instead of those that were asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Box<Edited>>,
}

/// Other arguments for the same tool, by a human's hand. Only the call that has them may run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    /// The arguments, in full.
    pub args: serde_json::Value,
    /// The digest of the call with them.
    pub digest: Digest,
}

impl Edited {
    /// The arguments of that call.
    pub fn of(call: &Call) -> Box<Edited> {
        Box::new(Edited { args: call.args.clone(), digest: call.digest() })
    }
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

/// What can happen to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The same call is asked about again.
    Join {
        /// Whether its agent now ends its turn with it.
        deferred: bool,
    },
    /// A human answers.
    Reply(Answered),
    /// The agent comes for the answer with the call that it wants to run.
    Redeem {
        /// The digest of that call.
        digest: Digest,
        /// Who comes.
        asker: Asker,
        /// The idempotency key of the request: one that was taken may be taken again by the same key.
        key: Option<String>,
    },
    /// The agent is told of a no.
    Tell,
    /// It is withdrawn.
    Cancel(CancelReason),
    /// Time has passed.
    Tick,
}

/// What is to be done once the next state is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Tell humans of a new question.
    Notify,
    /// Wake whoever waits for the answer.
    Wake,
    /// Write the audit entry of this name.
    Audit(&'static str),
}

/// Why an event is refused. Nothing changes then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Another answer came first.
    #[error("already answered: {} by {} — nothing was changed", word(.0.outcome), .0.by)]
    Answered(Answered),
    /// It was withdrawn.
    #[error("the question was withdrawn ({}) and can no longer be answered", .0.words())]
    Cancelled(CancelReason),
    /// It expired.
    #[error("the question has expired: the agent can ask again")]
    Expired,
    /// There is no yes to redeem yet.
    #[error("nobody has answered yet")]
    NotAnswered,
    /// The yes was redeemed before.
    #[error("this approval was used before, and each counts once")]
    Redeemed,
    /// Another call than the one that was approved.
    #[error("this is not the call that was approved")]
    OtherCall,
    /// Another agent than the one that asked.
    #[error("this approval belongs to another session")]
    OtherAsker,
}

/// What became of a question by that answer, as it stands in the audit and in refusals.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allowed",
        Outcome::Deny => "denied",
    }
}

/// A new question.
pub fn open(asking: Asking, now: Timestamp) -> (Approval, Vec<Consequence>) {
    let Asking { id, digest, asker, deferred } = asking;
    let approval = Approval {
        id,
        digest,
        asker,
        asked: now,
        expires: now.plus_seconds(if deferred { DEFERRED_SECONDS } else { OPEN_SECONDS }),
        count: 1,
        deferred,
        state: State::Open,
    };
    (approval, vec![Consequence::Audit("asked"), Consequence::Notify])
}

/// What becomes of an approval when `event` happens.
///
/// # Errors
/// The event is refused, and nothing changes. The same answer by the same human again is no error and changes nothing.
pub fn step(approval: &Approval, event: Event, now: Timestamp) -> Result<(Approval, Vec<Consequence>), Refusal> {
    let mut next = approval.clone();
    // What time has already done comes first, whoever noticed it.
    if expired(approval, now) {
        if event == Event::Tick {
            next.state = State::Expired { at: now };
            return Ok((next, vec![Consequence::Audit("expired"), Consequence::Wake]));
        }
        return Err(Refusal::Expired);
    }
    let consequences = match (event, &approval.state) {
        (Event::Tick, _) => Vec::new(),
        (Event::Join { deferred }, State::Open) => {
            next.count = next.count.saturating_add(1);
            if deferred && !approval.deferred {
                next.deferred = true;
                next.expires = now.plus_seconds(DEFERRED_SECONDS);
            }
            Vec::new()
        }
        (Event::Reply(answer), State::Open) => {
            let name = word(answer.outcome);
            next.state = match answer.outcome {
                Outcome::Allow => State::Allowed { answer, until: now.plus_seconds(approval.redeem_seconds()) },
                Outcome::Deny => State::Denied { answer, told: false },
            };
            vec![Consequence::Audit(name), Consequence::Wake]
        }
        (
            Event::Reply(answer),
            State::Allowed { answer: first, .. }
            | State::Denied { answer: first, .. }
            | State::Redeemed { answer: first, .. },
        ) => {
            if !first.same(&answer) {
                return Err(Refusal::Answered(first.clone()));
            }
            Vec::new()
        }
        (Event::Redeem { digest, asker, key }, state) => {
            if asker.user != approval.asker.user || asker.session != approval.asker.session {
                return Err(Refusal::OtherAsker);
            }
            if digest != *approval.approved() || asker.agent != approval.asker.agent {
                return Err(Refusal::OtherCall);
            }
            match state {
                State::Allowed { answer, .. } => {
                    next.state = State::Redeemed { answer: answer.clone(), at: now, key };
                    vec![Consequence::Audit("redeemed")]
                }
                // The same request again, because its answer was lost on the way; not for ever.
                State::Redeemed { at, key: Some(first), .. }
                    if key.as_ref() == Some(first) && now < at.plus_seconds(REDEEM_SECONDS) =>
                {
                    Vec::new()
                }
                State::Open => return Err(Refusal::NotAnswered),
                State::Denied { answer, .. } => return Err(Refusal::Answered(answer.clone())),
                State::Redeemed { .. } => return Err(Refusal::Redeemed),
                State::Cancelled { reason, .. } => return Err(Refusal::Cancelled(*reason)),
                State::Expired { .. } => return Err(Refusal::Expired),
            }
        }
        (Event::Tell, State::Denied { answer, .. }) => {
            next.state = State::Denied { answer: answer.clone(), told: true };
            Vec::new()
        }
        (Event::Cancel(reason), State::Open | State::Allowed { .. }) => {
            next.state = State::Cancelled { reason, at: now };
            vec![Consequence::Audit("cancelled"), Consequence::Wake]
        }
        // To withdraw what is already over changes nothing.
        (Event::Cancel(_), _) => Vec::new(),
        (_, State::Cancelled { reason, .. }) => return Err(Refusal::Cancelled(*reason)),
        (_, State::Expired { .. }) => return Err(Refusal::Expired),
        (_, State::Redeemed { .. }) => return Err(Refusal::Redeemed),
        (Event::Join { .. }, State::Allowed { answer, .. } | State::Denied { answer, .. }) => {
            return Err(Refusal::Answered(answer.clone()));
        }
        (Event::Tell, _) => return Err(Refusal::NotAnswered),
    };
    Ok((next, consequences))
}

impl Approval {
    /// The digest of the call that a human allowed: that which was asked about, or the one that they made of it.
    pub fn approved(&self) -> &Digest {
        let answer = match &self.state {
            State::Allowed { answer, .. } | State::Redeemed { answer, .. } => Some(answer),
            _ => None,
        };
        answer.and_then(|answer| answer.edited.as_ref()).map_or(&self.digest, |edited| &edited.digest)
    }

    fn redeem_seconds(&self) -> i64 {
        if self.deferred { DEFERRED_SECONDS } else { REDEEM_SECONDS }
    }
}

impl Answered {
    /// Whether it is the same answer by the same human.
    fn same(&self, other: &Answered) -> bool {
        self.outcome == other.outcome
            && self.by == other.by
            && self.feedback == other.feedback
            && self.edited == other.edited
    }
}

/// Whether time alone has ended it.
fn expired(approval: &Approval, now: Timestamp) -> bool {
    match &approval.state {
        State::Open => approval.expires <= now,
        State::Allowed { until, .. } => *until <= now,
        _ => false,
    }
}
