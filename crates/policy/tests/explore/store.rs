//! What is on the disk, and the store's transactions over it. Each is one step: the database puts them in order.

use std::cell::RefCell;
use std::collections::HashMap;

use countersign_policy::approval::{self, Answered, Approval, Asker, Asking, CancelReason, Event, Outcome, State};
use countersign_policy::batch::{self, Batch, BatchEvent, BatchState};
use countersign_policy::{Digest, Timestamp};

/// Questions: of the first agent's call, which it makes twice; of the second agent's two calls; and one for the first
/// agent's second try, if its first question is over by then.
pub(crate) const QUESTIONS: usize = 4;
const FIRST: [usize; 2] = [0, 3];
const SECOND: [usize; 2] = [1, 2];

/// Late enough for what is not deferred to expire.
const LATE: i64 = 2 * 86_400;

/// A human: the first allows, the second denies.
pub(crate) type Human = u8;
/// Whoever takes something, by its idempotency key.
pub(crate) type Key = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Open { late: bool },
    Allowed { by: Human, late: bool },
    Denied { by: Human, told: bool },
    Redeemed { by: Human, key: Key },
    Cancelled,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    Open,
    Ready,
    Taken { key: Key },
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Disk {
    pub(crate) questions: [Option<Life>; QUESTIONS],
    pub(crate) batch: Option<Turn>,
    /// Which question each idempotency key of the first agent asked.
    pub(crate) keys: [Option<u8>; 2],
    /// Policy no longer allows anything.
    pub(crate) strict: bool,
    /// Two days have passed.
    pub(crate) late: bool,
    /// A yes was taken that was none: see [`Disk::redeem`].
    pub(crate) wrong: bool,
}

impl Disk {
    fn now(&self) -> Timestamp {
        at(self.late)
    }

    /// The first agent asks, or joins what is there.
    pub(crate) fn ask(&mut self, key: usize) -> Option<usize> {
        self.expire();
        if let Some(question) = self.keys[key] {
            return Some(question.into());
        }
        let pending = |life: Option<Life>| {
            matches!(life, Some(Life::Open { .. } | Life::Allowed { .. } | Life::Denied { told: false, .. }))
        };
        let question = FIRST.into_iter().find(|question| pending(self.questions[*question]));
        let question = question.or_else(|| FIRST.into_iter().find(|question| self.questions[*question].is_none()))?;
        match self.questions[question] {
            Some(Life::Open { .. }) => {
                assert!(self.step(question, What::Join));
            }
            Some(_) => {}
            None => self.questions[question] = Some(Life::Open { late: self.late }),
        }
        self.keys[key] = Some(question as u8);
        Some(question)
    }

    /// The second agent asks about its turn.
    pub(crate) fn ask_turn(&mut self) {
        self.expire();
        if self.batch.is_none() {
            for question in SECOND {
                self.questions[question] = Some(Life::Open { late: self.late });
            }
            self.batch = Some(Turn::Open);
        }
    }

    /// A human answers. Whether the answer stands.
    pub(crate) fn reply(&mut self, question: usize, human: Human) -> bool {
        if human == 0 && self.strict {
            return false;
        }
        let stands = self.step(question, What::Reply(human));
        self.over();
        stands
    }

    /// An agent is told of a no.
    pub(crate) fn tell(&mut self, question: usize) {
        self.step(question, What::Tell);
    }

    /// An agent takes its yes. Whether the call runs.
    pub(crate) fn redeem(&mut self, question: usize, key: Key) -> bool {
        let before = self.questions[question];
        let mut next = *self;
        if !next.step(question, What::Redeem(key)) {
            return false;
        }
        if self.strict {
            self.step(question, What::Cancel(CancelReason::Policy));
            self.over();
            return false;
        }
        // What a yes is, said once more: a human allowed it, and nobody else has taken it.
        let in_force = match before {
            Some(Life::Allowed { by: 0, late }) => late == self.late || SECOND.contains(&question),
            Some(Life::Redeemed { key: first, .. }) => first == key,
            _ => false,
        };
        next.wrong |= !in_force;
        *self = next;
        true
    }

    /// Somebody comes for the second agent's turn. Whether it is theirs.
    pub(crate) fn take(&mut self, key: Key) -> bool {
        let taken = self.batch_step(WhatOfTurn::Take(key));
        if taken {
            for question in SECOND {
                self.tell(question);
            }
        }
        taken
    }

    /// The first agent is stopped.
    pub(crate) fn stop(&mut self) {
        for question in FIRST {
            self.step(question, What::Cancel(CancelReason::Stop));
        }
    }

    /// The second agent's conversation gets a new message.
    pub(crate) fn new_message(&mut self) {
        self.batch_step(WhatOfTurn::NewMessage);
        for question in SECOND {
            self.step(question, What::Cancel(CancelReason::NewMessage));
        }
    }

    /// What time has ended.
    pub(crate) fn expire(&mut self) {
        for question in 0..QUESTIONS {
            self.step(question, What::Tick);
        }
        self.over();
    }

    fn over(&mut self) {
        if SECOND.iter().all(|question| !matches!(self.questions[*question], None | Some(Life::Open { .. }))) {
            self.batch_step(WhatOfTurn::Over);
        }
    }

    /// Takes a step; false if it is refused.
    fn step(&mut self, question: usize, what: What) -> bool {
        let Some(life) = self.questions[question] else { return true };
        let next = STEPS.with_borrow_mut(|known| {
            *known.entry((question, life, what, self.late)).or_insert_with(|| stepped(question, life, what, self.now()))
        });
        self.questions[question] = next.or(self.questions[question]);
        next.is_some()
    }

    fn batch_step(&mut self, what: WhatOfTurn) -> bool {
        let Some(turn) = self.batch else { return false };
        let next = TURN_STEPS.with_borrow_mut(|known| {
            *known.entry((turn, what, self.late)).or_insert_with(|| turned(turn, what, self.now()))
        });
        self.batch = next.or(self.batch);
        next.is_some()
    }
}

/// What can happen to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Join,
    Reply(Human),
    Tell,
    Redeem(Key),
    Cancel(CancelReason),
    Tick,
}

/// What can happen to a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WhatOfTurn {
    Over,
    Take(Key),
    NewMessage,
}

/// Of which question, from where, what, and whether two days have passed.
type Step = (usize, Life, What, bool);
type TurnStep = (Turn, WhatOfTurn, bool);

thread_local! {
    /// What each step comes to; nothing where it is refused. There are few different ones, and each is taken millions of
    /// times.
    static STEPS: RefCell<HashMap<Step, Option<Life>>> = RefCell::default();
    static TURN_STEPS: RefCell<HashMap<TurnStep, Option<Turn>>> = RefCell::default();
}

fn stepped(question: usize, life: Life, what: What, now: Timestamp) -> Option<Life> {
    let approval = approval_of(question, life);
    let event = match what {
        What::Join => Event::Join { deferred: false },
        What::Reply(human) => Event::Reply(Answered { at: now, ..answer(human) }),
        What::Tell => Event::Tell,
        What::Redeem(key) => {
            Event::Redeem { digest: approval.digest.clone(), asker: approval.asker.clone(), key: Some(key.to_string()) }
        }
        What::Cancel(reason) => Event::Cancel(reason),
        What::Tick => Event::Tick,
    };
    let (next, _) = approval::step(&approval, event, now).ok()?;
    Some(life_of(&next, life, now == at(true)))
}

fn turned(turn: Turn, what: WhatOfTurn, now: Timestamp) -> Option<Turn> {
    let event = match what {
        WhatOfTurn::Over => BatchEvent::Over,
        WhatOfTurn::Take(key) => BatchEvent::Take { by: "poll", key: Some(key.to_string()) },
        WhatOfTurn::NewMessage => BatchEvent::Cancel(CancelReason::NewMessage),
    };
    let next = batch::step(&batch_of(turn), event, now).ok()?;
    Some(match next.state {
        BatchState::Open => Turn::Open,
        BatchState::Ready { .. } | BatchState::Sending { .. } => Turn::Ready,
        BatchState::Resumed { key, .. } => Turn::Taken { key: key.unwrap().parse().unwrap() },
        BatchState::Cancelled { .. } => Turn::Cancelled,
    })
}

fn at(late: bool) -> Timestamp {
    Timestamp(1_800_000_000_000).plus_seconds(if late { LATE } else { 0 })
}

/// The approval that this stands for.
fn approval_of(question: usize, life: Life) -> Approval {
    let session = if SECOND.contains(&question) { "host:second" } else { "host:first" };
    let digest = Digest(if SECOND.contains(&question) { question.to_string() } else { "same".to_owned() });
    let asker = Asker {
        user: "ana".to_owned(),
        session: session.to_owned(),
        turn: None,
        project: "/repo".to_owned(),
        agent: None,
    };
    let asked = matches!(life, Life::Open { late: true });
    let deferred = SECOND.contains(&question);
    let (mut approval, _) = approval::open(Asking { id: question.to_string(), digest, asker, deferred }, at(asked));
    approval.state = match life {
        Life::Open { .. } => State::Open,
        Life::Allowed { by, late } => {
            let seconds = if deferred { approval::DEFERRED_SECONDS } else { approval::REDEEM_SECONDS };
            State::Allowed { answer: answer(by), until: at(late).plus_seconds(seconds) }
        }
        Life::Denied { by, told } => State::Denied { answer: answer(by), told },
        Life::Redeemed { by, key } => State::Redeemed { answer: answer(by), at: at(true), key: Some(key.to_string()) },
        Life::Cancelled => State::Cancelled { reason: CancelReason::Stop, at: at(false) },
        Life::Expired => State::Expired { at: at(false) },
    };
    approval
}

/// The first human's yes, or the second one's no.
fn answer(by: Human) -> Answered {
    Answered {
        outcome: if by == 0 { Outcome::Allow } else { Outcome::Deny },
        by: by.to_string(),
        at: at(false),
        feedback: None,
        shown: Vec::new(),
        edited: None,
    }
}

fn life_of(approval: &Approval, before: Life, late: bool) -> Life {
    let by = |answer: &Answered| answer.by.parse().unwrap();
    match &approval.state {
        State::Open => before,
        State::Allowed { answer, .. } => match before {
            Life::Allowed { .. } => before,
            _ => Life::Allowed { by: by(answer), late },
        },
        State::Denied { answer, told } => Life::Denied { by: by(answer), told: *told },
        State::Redeemed { answer, key, .. } => {
            Life::Redeemed { by: by(answer), key: key.as_ref().unwrap().parse().unwrap() }
        }
        State::Cancelled { .. } => Life::Cancelled,
        State::Expired { .. } => Life::Expired,
    }
}

fn batch_of(turn: Turn) -> Batch {
    let now = at(false);
    Batch {
        id: "b".to_owned(),
        user: "ana".to_owned(),
        session: "host:second".to_owned(),
        turn: None,
        deferred: true,
        members: Vec::new(),
        made: now,
        state: match turn {
            Turn::Open => BatchState::Open,
            Turn::Ready => BatchState::Ready { at: now },
            Turn::Taken { key } => BatchState::Resumed { at: now, by: "poll".to_owned(), key: Some(key.to_string()) },
            Turn::Cancelled => BatchState::Cancelled { reason: CancelReason::NewMessage, at: now },
        },
    }
}
