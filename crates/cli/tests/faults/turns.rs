//! Agents that ask about a whole turn, end it, and are resumed once all of it is answered.

use std::time::Instant;

use serde_json::{Value, json};

use crate::book::Said;
use crate::load::{Agent, PATIENCE};
use crate::wire::{Heard, WAIT_SECONDS};

/// How many calls a turn has.
const CALLS: usize = 2;

impl Agent<'_> {
    /// Asks about a turn, is resumed, and redeems what was allowed.
    pub(crate) fn turn(&mut self, count: u64) {
        let commands: Vec<String> = (0..CALLS).map(|at| format!("git push s{} r{count} {at}", self.number)).collect();
        let Some(batch) = self.ask_turn(&commands, count) else { return };
        let Some(resumed) = self.resume(&batch) else { return };
        for outcome in resumed.body["outcomes"].as_array().into_iter().flatten() {
            let text = |pointer| outcome.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (id, state) = (text("/approval/id"), text("/approval/state").to_owned());
            self.load.book.note(id, Said::Came { state, feedback: text("/approval/feedback").to_owned() });
            let command = text("/call").parse().ok().and_then(|at: usize| commands.get(at));
            if let (Some(command), "approved") = (command, text("/outcome")) {
                self.redeem(id, &self.turn_call(command, count));
            }
        }
    }

    /// The call as it was asked about, for redeeming.
    fn turn_call(&self, command: &str, count: u64) -> Value {
        let mut call = self.load.house.call(command);
        call["turn"] = json!(format!("turn {count}"));
        call
    }

    /// Asks until it is acknowledged; `None` if an earlier attempt had been, and nothing is open of it any more.
    fn ask_turn(&mut self, commands: &[String], count: u64) -> Option<String> {
        let mut body = self.turn_call("", count);
        let calls = commands.iter().enumerate();
        let calls = calls
            .map(|(at, command)| json!({ "id": at.to_string(), "tool": "shell", "args": { "resource": command } }));
        body["calls"] = calls.collect();
        body["on_ask"] = json!("defer");
        let body = body.as_object_mut()?;
        body.retain(|key, _| key != "tool" && key != "args");
        let body = Value::Object(body.clone());
        let key = format!("turn-{}-{count}", self.number);
        while self.load.goes_on() {
            let heard = self.wires[0].with_key(&key).call("POST", "/v1/turns", Some(&body));
            let Some(heard) = self.load.known(heard) else { continue };
            if heard.status != 200 {
                self.load.lost(&key, "a turn", &heard);
                return None;
            }
            for call in heard.body["calls"].as_array().into_iter().flatten() {
                let text = |pointer| call.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let id = text("/approval/id");
                match (text("/effect"), text("/approval/state")) {
                    ("ask", _) => {
                        self.load.book.note(id, Said::Asked);
                        self.load.show(id);
                    }
                    // An earlier attempt had asked, and a human was faster than the next one.
                    ("allow", "redeemed") => self.load.book.note(id, Said::Redeemed),
                    ("deny", "denied") => {}
                    _ => self.load.lost(id, "a call of a turn", &heard),
                }
            }
            // What an attempt has left that never was acknowledged.
            for batch in heard.body["resumed"].as_array().into_iter().flatten() {
                let id = batch["id"].as_str().unwrap_or_default();
                self.load.book.note(id, Said::Resumed { key: String::new() });
            }
            let batch = heard.text("/batch/id").to_owned();
            return (!batch.is_empty()).then_some(batch);
        }
        None
    }

    /// Comes for a turn, one time in three twice in the same moment with keys of their own, until it is resumed.
    fn resume(&mut self, batch: &str) -> Option<Heard> {
        let path = format!("/v1/batches/{batch}/resume?seconds={WAIT_SECONDS}");
        let both = if self.dice.below(3) == 0 { 2 } else { 1 };
        let keys = [0, 1].map(|at| format!("resume-{at}-{batch}"));
        let (asked, mut refused) = (Instant::now(), [false; 2]);
        while self.load.goes_on() && asked.max(self.load.house.since()).elapsed() < PATIENCE {
            let wires = || (0..both).filter(|at| !refused[*at]);
            let sent: Vec<_> =
                wires().map(|at| (at, self.wires[at].with_key(&keys[at]).send("POST", &path, None))).collect();
            let heard = sent.into_iter().map(|(at, sent)| (at, sent.and_then(|()| self.wires[at].hear())));
            let heard: Vec<_> = heard.collect();
            let mut resumed = None;
            for (at, heard) in heard {
                let Some(heard) = self.load.known(heard) else { continue };
                match (heard.status, heard.text("/code")) {
                    (200, _) => {
                        self.load.book.note(batch, Said::Resumed { key: keys[at].clone() });
                        resumed = Some(heard);
                    }
                    (409, "resumed") => refused[at] = true,
                    (409, "not-ready") => {}
                    _ => self.load.lost(batch, "its resumption", &heard),
                }
            }
            if resumed.is_some() {
                return resumed;
            }
            if refused.iter().take(both).all(|refused| *refused) {
                self.load.book.wrong(|wrong| &mut wrong.resumed_twice, format!("{batch}: by nobody we know"));
                return None;
            }
        }
        self.load.book.wrong(|wrong| &mut wrong.never_told, format!("{batch}: not resumed within {PATIENCE:?}"));
        None
    }
}
