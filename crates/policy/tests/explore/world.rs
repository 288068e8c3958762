//! All of it together: what can happen next, and what must always hold.

use std::ops::Range;

use stateright::{Model, Property};

use crate::clients::{AGENTS, Agent, Clients};
use crate::store::{Disk, Human, Life, QUESTIONS, Turn};

/// Which agents take part, with all that can happen to them, and both humans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// The first agent: the same call twice at once, each by a process that waits for its answer.
    First,
    /// The second agent: a turn with two calls that ends, and is resumed by a poll or a stream, whichever is first.
    Second,
    /// Both.
    Both,
}

impl World {
    fn agents(self) -> Range<usize> {
        match self {
            World::First => 0..2,
            World::Second => 2..AGENTS,
            World::Both => 0..AGENTS,
        }
    }

    fn give_up(self) -> &'static [Action] {
        match self {
            World::First => &[Action::Stop],
            World::Second => &[Action::NewMessage],
            World::Both => &[Action::Stop, Action::NewMessage],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) disk: Disk,
    pub(crate) clients: Clients,
}

/// What may happen next, on either server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A server does what an agent asks of it; it says so, or crashes before.
    Serve { agent: usize, crash: bool },
    /// A server takes a human's answer, or refuses it; it says so, or crashes before.
    Reply { human: Human, question: usize, crash: bool },
    /// The first agent is stopped.
    Stop,
    /// The second agent's conversation gets a new message.
    NewMessage,
    /// Policy denies from now on.
    Stricter,
    /// Time passes.
    TwoDaysLater,
    /// A server notes what time has ended.
    Expire,
}

type Condition = fn(&World, &State) -> bool;

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { disk: Disk::default(), clients: Clients::new() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let State { disk, clients, .. } = state;
        for agent in self.agents().filter(|agent| clients.is_ready(*agent, disk)) {
            actions.extend([false, true].map(|crash| Action::Serve { agent, crash }));
        }
        for question in (0..QUESTIONS).filter(|question| disk.questions[*question].is_some()) {
            for human in 0..2 {
                actions.extend([false, true].map(|crash| Action::Reply { human, question, crash }));
            }
        }
        actions.extend(self.give_up());
        actions.extend([Action::Stricter, Action::TwoDaysLater, Action::Expire]);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        let State { disk, clients } = &mut next;
        match action {
            Action::Serve { agent, crash } => {
                let answer = clients.serve(agent, disk);
                if !crash {
                    clients.hear(agent, answer, disk);
                }
            }
            Action::Reply { human, question, crash } => {
                let stands = disk.reply(question, human);
                if stands && !crash {
                    clients.stands[question] |= 1 << human;
                }
            }
            Action::Stop => disk.stop(),
            Action::NewMessage => disk.new_message(),
            Action::Stricter => disk.strict = true,
            Action::TwoDaysLater => disk.late = true,
            Action::Expire => disk.expire(),
        }
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("answered at most once", |_, state: &State| {
                state.clients.stands.iter().all(|humans| humans.count_ones() <= 1)
            }),
            Property::always("redeemed at most once", |_, state: &State| {
                state.clients.ran.iter().all(|processes| processes.count_ones() <= 1)
            }),
            Property::always("never redeemed without an allow in force", |_, state: &State| !state.disk.wrong),
            Property::always("resumed at most once", |_, state: &State| state.clients.resumed.count_ones() <= 1),
            Property::always("nothing acknowledged is forgotten", |_, state: &State| remembers(state)),
            Property::always("every waiter is told", |_, state: &State| everybody_is_told(state)),
        ];
        let sometimes: [(&'static str, Condition); 2] = match self {
            World::First => [
                ("a call runs", |_, state| state.clients.ran[0] > 0),
                ("the same call runs twice, for two answers", |_, state| {
                    state.clients.ran[0] > 0 && state.clients.ran[3] > 0
                }),
            ],
            World::Second | World::Both => [
                ("a whole turn runs", |_, state| state.clients.ran[1] > 0 && state.clients.ran[2] > 0),
                ("the stream resumes the turn", |_, state| state.clients.resumed == 1 << 3),
            ],
        };
        properties.extend(sometimes.map(|(name, condition)| Property::sometimes(name, condition)));
        properties
    }
}

fn remembers(state: &State) -> bool {
    let State { disk, clients, .. } = state;
    let asked = clients.asked.iter().flatten().all(|question| disk.questions[usize::from(*question)].is_some());
    let turn = !matches!(clients.agents[2], Agent::WaitTurn | Agent::Redeem(_)) || disk.batch.is_some();
    let mut resumed = (0..AGENTS).filter(|agent| clients.resumed & (1 << agent) != 0);
    let resumed = resumed.all(|agent| disk.batch == Some(Turn::Taken { key: agent as u8 }));
    let answered = (0..QUESTIONS).all(|at| {
        (0..2_u8).filter(|human| clients.stands[at] & (1 << human) != 0).all(|human| {
            match disk.questions[at] {
                Some(Life::Allowed { by, .. } | Life::Denied { by, .. } | Life::Redeemed { by, .. }) => by == human,
                // A yes may be withdrawn, or expire, before it is taken; a no stays a no.
                Some(Life::Cancelled | Life::Expired) => human == 0,
                None | Some(Life::Open { .. }) => false,
            }
        })
    });
    let ran = (0..QUESTIONS).all(|at| {
        let took = |key: u8| clients.ran[at] & (1 << key) != 0;
        match disk.questions[at] {
            Some(Life::Redeemed { key, .. }) => (0..AGENTS as u8).all(|other| other == key || !took(other)),
            _ => clients.ran[at] == 0,
        }
    });
    asked && turn && resumed && answered && ran
}

/// Whoever still waits, waits for a question that is open, or has an answer coming: no server needs to be woken for it.
fn everybody_is_told(state: &State) -> bool {
    let State { disk, clients, .. } = state;
    (0..AGENTS).all(|agent| match clients.agents[agent] {
        Agent::Wait(question) => {
            let open = matches!(disk.questions[usize::from(question)], Some(Life::Open { .. }));
            open || clients.is_ready(agent, disk)
        }
        Agent::WaitTurn => {
            let open = |question: usize| matches!(disk.questions[question], Some(Life::Open { .. }));
            disk.batch.is_none() || open(1) || open(2) || clients.is_ready(agent, disk)
        }
        _ => true,
    })
}
