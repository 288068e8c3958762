//! Agents that ask, wait and redeem, people who answer, and somebody who disturbs them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::book::{Book, Said};
use crate::dice::Dice;
use crate::house::House;
use crate::wire::{Gone, Heard, WAIT_SECONDS, Wire};

/// How long an agent tries to learn of an answer from a server that could work, before it was never told.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What takes part.
pub(crate) struct Load<'a> {
    pub(crate) house: &'a House,
    pub(crate) book: &'a Book,
    /// Where the servers listen; agents and people are spread over them.
    pub(crate) addresses: Vec<std::net::SocketAddr>,
    pub(crate) seed: u64,
    open: Mutex<VecDeque<String>>,
    asked: Condvar,
    enough: AtomicBool,
    over: AtomicBool,
    broken: AtomicBool,
}

impl<'a> Load<'a> {
    pub(crate) fn new(house: &'a House, book: &'a Book, addresses: Vec<std::net::SocketAddr>, seed: u64) -> Load<'a> {
        let (open, asked, enough, over, broken) = Default::default();
        Load { house, book, addresses, seed, open, asked, enough, over, broken }
    }

    /// Runs all agents and people while `disturb` does; then until every question has come to its end.
    pub(crate) fn run(&self, disturb: impl FnOnce()) {
        std::thread::scope(|scope| {
            let agent = |number| scope.spawn(move || Agent::new(self, number).live());
            let agents: Vec<_> = (0..self.house.agents.len()).map(agent).collect();
            for number in 0..self.house.people.len() {
                scope.spawn(move || Person::new(self, number).live());
            }
            // Whatever becomes of `disturb`, the others come to an end.
            let disturbed = catch_unwind(AssertUnwindSafe(disturb));
            self.broken.store(disturbed.is_err(), Ordering::Relaxed);
            self.enough.store(true, Ordering::Relaxed);
            for agent in agents {
                agent.join().unwrap();
            }
            self.over.store(true, Ordering::Relaxed);
            self.asked.notify_all();
            if let Err(panic) = disturbed {
                resume_unwind(panic);
            }
        });
    }

    /// Whether a request that failed is worth another try.
    pub(crate) fn goes_on(&self) -> bool {
        !self.broken.load(Ordering::Relaxed)
    }

    fn wire(&self, number: usize, secret: &str) -> Wire {
        Wire::new(self.addresses[number % self.addresses.len()], secret)
    }

    /// Two people are to answer it.
    pub(crate) fn show(&self, id: &str) {
        self.open.lock().unwrap().extend([id.to_owned(), id.to_owned()]);
        self.asked.notify_all();
    }

    /// The next question to answer; `None` at the end.
    fn next(&self) -> Option<String> {
        let mut open = self.open.lock().unwrap();
        loop {
            if let Some(id) = open.pop_front() {
                return Some(id);
            }
            if self.over.load(Ordering::Relaxed) {
                return None;
            }
            // The end may be told between the look and the wait.
            open = self.asked.wait_timeout(open, Duration::from_millis(100)).unwrap().0;
        }
    }

    /// What was heard; `None`, after a pause, where nobody knows whether it was done.
    pub(crate) fn known(&self, heard: Result<Heard, Gone>) -> Option<Heard> {
        let known = heard.ok().filter(|heard| heard.status < 500);
        if known.is_none() {
            self.book.fail();
            self.house.pause();
        }
        known
    }

    pub(crate) fn lost(&self, id: &str, what: &str, heard: &Heard) {
        self.book.wrong(|wrong| &mut wrong.lost, format!("{id}: {what} was answered with {heard:?}"));
    }
}

pub(crate) struct Agent<'a> {
    pub(crate) load: &'a Load<'a>,
    pub(crate) number: usize,
    pub(crate) dice: Dice,
    pub(crate) wires: [Wire; 2],
}

impl<'a> Agent<'a> {
    fn new(load: &'a Load<'a>, number: usize) -> Agent<'a> {
        let wire = |at| load.wire(number + at, &load.house.agents[number]);
        Agent { load, number, dice: Dice::of(load.seed, number), wires: [wire(0), wire(1)] }
    }

    fn live(mut self) {
        let mut count = 0;
        while !self.load.enough.load(Ordering::Relaxed) {
            count += 1;
            if self.dice.below(4) == 0 {
                self.turn(count);
                continue;
            }
            let call = self.load.house.call(&format!("git push s{} r{count}", self.number));
            if let Some(id) = self.ask(&call)
                && (self.dice.below(10) > 0 || !self.cancel(&id))
                && self.wait(&id) == "allowed"
                && (self.dice.below(20) > 0 || !self.cancel(&id))
            {
                self.redeem(&id, &call);
            }
        }
    }

    /// Asks until it is acknowledged; `None` if an earlier attempt had been, and was answered and taken meanwhile.
    fn ask(&mut self, call: &Value) -> Option<String> {
        while self.load.goes_on() {
            let heard = self.wires[0].call("POST", "/v1/ask", Some(call));
            let Some(heard) = self.load.known(heard) else { continue };
            let id = heard.text("/approval/id").to_owned();
            match (heard.status, heard.text("/effect"), heard.text("/approval/state")) {
                (201, "ask", _) => {
                    self.load.book.note(&id, Said::Asked);
                    self.load.show(&id);
                    return Some(id);
                }
                (200, "allow", "redeemed") => self.load.book.note(&id, Said::Redeemed),
                (200, "deny", "denied") => {
                    self.load.book.came(&id, "denied", heard.text("/approval/feedback"), self.load.house.since());
                }
                _ => self.load.lost(&id, "a question", &heard),
            }
            return None;
        }
        None
    }

    /// Waits until the question has come to an end, and says to which.
    fn wait(&mut self, id: &str) -> String {
        let path = format!("/v1/approvals/{id}/wait?seconds={WAIT_SECONDS}");
        let asked = Instant::now();
        while self.load.goes_on() && asked.max(self.load.house.since()).elapsed() < PATIENCE {
            let heard = self.wires[0].call("GET", &path, None);
            let Some(heard) = self.load.known(heard) else { continue };
            match (heard.status, heard.text("/state")) {
                (200, "open") => {}
                (200, state) => {
                    self.load.book.came(id, state, heard.text("/feedback"), self.load.house.since());
                    return state.to_owned();
                }
                _ => {
                    self.load.lost(id, "its wait", &heard);
                    return String::new();
                }
            }
        }
        self.load.book.wrong(|wrong| &mut wrong.never_told, format!("{id}: nothing within {PATIENCE:?}"));
        String::new()
    }

    /// Takes a question back; false if it came too late for that.
    fn cancel(&mut self, id: &str) -> bool {
        while self.load.goes_on() {
            let heard = self.wires[1].call("POST", &format!("/v1/approvals/{id}/cancel"), None);
            let Some(heard) = self.load.known(heard) else { continue };
            match (heard.status, heard.text("/state")) {
                (200, "cancelled") => self.load.book.note(id, Said::Cancelled),
                (200, "denied" | "expired") => return false,
                _ => self.load.lost(id, "its withdrawal", &heard),
            }
            break;
        }
        true
    }

    /// Takes a yes, one time in three twice in the same moment.
    pub(crate) fn redeem(&mut self, id: &str, call: &Value) {
        let path = format!("/v1/approvals/{id}/redeem");
        let mut doubt = false;
        while self.load.goes_on() {
            let wires = if self.dice.below(3) == 0 { 2 } else { 1 };
            let sent: Vec<_> =
                self.wires.iter_mut().take(wires).map(|wire| wire.send("POST", &path, Some(call))).collect();
            let heard: Vec<_> =
                sent.into_iter().zip(&mut self.wires).map(|(sent, wire)| sent.and_then(|()| wire.hear())).collect();
            let mut codes = Vec::new();
            for heard in heard {
                let Some(heard) = self.load.known(heard) else {
                    doubt = true;
                    continue;
                };
                if heard.status == 200 {
                    self.load.book.note(id, Said::Redeemed);
                } else if !matches!(heard.text("/code"), "redeemed" | "expired") {
                    self.load.lost(id, "its redemption", &heard);
                }
                codes.push((heard.status, heard.text("/code").to_owned()));
            }
            if codes.is_empty() {
                continue;
            }
            if !doubt && codes.iter().all(|(_, code)| code == "redeemed") {
                self.load
                    .book
                    .wrong(|wrong| &mut wrong.redeemed_twice, format!("{id}: was redeemed by nobody we know"));
            }
            return;
        }
    }
}

struct Person<'a> {
    load: &'a Load<'a>,
    number: usize,
    dice: Dice,
    wire: Wire,
}

impl<'a> Person<'a> {
    fn new(load: &'a Load<'a>, number: usize) -> Person<'a> {
        let wire = load.wire(number, &load.house.people[number]);
        Person { load, number, dice: Dice::of(load.seed, 1_000_000 + number), wire }
    }

    fn live(mut self) {
        let mut count = 0;
        while let Some(id) = self.load.next() {
            count += 1;
            let (allow, remember) = (self.dice.below(4) > 0, self.dice.below(8) == 0);
            let feedback = format!("from {} the {count}", self.number);
            let mut body = json!({ "outcome": if allow { "allow" } else { "deny" }, "feedback": feedback });
            if remember {
                body["scope"] = json!("session");
                body["remember"] = json!([{ "part": 0, "offer": 0 }]);
            }
            let Some(heard) = self.reply(&id, &body) else { return };
            match (heard.status, heard.text("/code")) {
                (200, _) => {
                    let grants = heard.list("/grants");
                    self.load.book.note(&id, Said::Replied { allow, feedback, remember, grants });
                }
                (409, "answered" | "withdrawn" | "redeemed") | (410, "expired") => {}
                _ => self.load.lost(&id, "its answer", &heard),
            }
        }
    }
    /// Answers until it is known what became of it.
    fn reply(&mut self, id: &str, body: &Value) -> Option<Heard> {
        while self.load.goes_on() {
            let heard = self.wire.call("POST", &format!("/v1/approvals/{id}/reply"), Some(body));
            if let Some(heard) = self.load.known(heard) {
                return Some(heard);
            }
        }
        None
    }
}
