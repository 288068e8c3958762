//! Agents and humans: what each has sent, and what it was told.

use crate::store::{Disk, Key, Life, QUESTIONS, Turn};

/// How far an agent's process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Agent {
    /// It is about to ask; the second agent about its whole turn.
    Ask,
    /// It waits for the answer to that question.
    Wait(u8),
    /// It waits for its turn to be ready.
    WaitTurn,
    /// It takes the yes to the first of these; then the next.
    Redeem([Option<u8>; 2]),
    /// It is done.
    Done,
}

/// What a server says to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Asked(Option<u8>),
    Over { allowed: bool },
    Taken(bool),
    Redeemed(bool),
}

/// An agent's process with its keys. 0 and 1 make the same call for the first agent; 2 is the second agent, and 3 the
/// stream on which it may be resumed instead.
pub(crate) const AGENTS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Clients {
    pub(crate) agents: [Agent; AGENTS],
    /// Which humans were told that their answer to each question stands, as bits.
    pub(crate) stands: [u8; QUESTIONS],
    /// Which processes were told to run the call of each question, as bits.
    pub(crate) ran: [u8; QUESTIONS],
    /// Which processes were resumed with the turn, as bits.
    pub(crate) resumed: u8,
    /// The question that each process of the first agent was told it asked.
    pub(crate) asked: [Option<u8>; 2],
}

impl Clients {
    pub(crate) fn new() -> Clients {
        Clients {
            agents: [Agent::Ask, Agent::Ask, Agent::Ask, Agent::WaitTurn],
            stands: [0; QUESTIONS],
            ran: [0; QUESTIONS],
            resumed: 0,
            asked: [None; 2],
        }
    }

    /// Whether a server could do something for this agent's request now. A wait is answered once there is an answer.
    pub(crate) fn is_ready(&self, agent: usize, disk: &Disk) -> bool {
        match self.agents[agent] {
            Agent::Ask | Agent::Redeem(_) => true,
            Agent::Wait(question) => !matches!(disk.questions[usize::from(question)], Some(Life::Open { .. })),
            Agent::WaitTurn => !matches!(disk.batch, None | Some(Turn::Open)),
            Agent::Done => false,
        }
    }

    /// A server does what an agent's request says, in one transaction.
    pub(crate) fn serve(&self, agent: usize, disk: &mut Disk) -> Answer {
        let key = agent as Key;
        match self.agents[agent] {
            Agent::Ask if agent < 2 => Answer::Asked(disk.ask(agent).map(|question| question as u8)),
            Agent::Ask => {
                disk.ask_turn();
                Answer::Asked(None)
            }
            Agent::Wait(question) => {
                let question = usize::from(question);
                let allowed = matches!(disk.questions[question], Some(Life::Allowed { .. }));
                disk.tell(question);
                Answer::Over { allowed }
            }
            Agent::WaitTurn => Answer::Taken(disk.take(key)),
            Agent::Redeem(questions) => Answer::Redeemed(disk.redeem(usize::from(questions[0].unwrap()), key)),
            Agent::Done => unreachable!("it sends nothing"),
        }
    }

    /// The answer reaches the agent.
    pub(crate) fn hear(&mut self, agent: usize, answer: Answer, disk: &Disk) {
        self.agents[agent] = match (self.agents[agent], answer) {
            (Agent::Ask, Answer::Asked(Some(question))) => {
                self.asked[agent] = Some(question);
                Agent::Wait(question)
            }
            (Agent::Ask, Answer::Asked(None)) if agent == 2 => Agent::WaitTurn,
            (Agent::Wait(question), Answer::Over { allowed: true }) => Agent::Redeem([Some(question), None]),
            (Agent::WaitTurn, Answer::Taken(true)) => {
                self.resumed |= 1 << agent;
                let allowed = |question: u8| {
                    let life = disk.questions[usize::from(question)];
                    matches!(life, Some(Life::Allowed { .. } | Life::Redeemed { .. })).then_some(question)
                };
                match [allowed(1), allowed(2)] {
                    [None, None] => Agent::Done,
                    [None, second] => Agent::Redeem([second, None]),
                    both => Agent::Redeem(both),
                }
            }
            (Agent::Redeem([Some(question), next]), Answer::Redeemed(runs)) => {
                if runs {
                    self.ran[usize::from(question)] |= 1 << agent;
                }
                if next.is_some() { Agent::Redeem([next, None]) } else { Agent::Done }
            }
            _ => Agent::Done,
        };
    }
}
