//! Prompts in one chat: what is open, replies, timeouts, replies that were not understood.

use countersign_policy::approval::{Asker, CancelReason, Outcome, State};
use countersign_policy::{Call, Effect};
use countersign_service::gate::Gate;
use countersign_service::store::{ReplyError, Withdraw};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{World, once};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "gate",
        compares: "what each request came to; whether a reply was taken, something is open, and a reply that was not understood is asked about again; the events, and how many prompts were sent. A reply is to the prompt that was sent last",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let most = u32::try_from(case.context["max_reprompts"].as_u64().unwrap_or(2)).unwrap();
    let mut chat = Chat::new(most);
    for op in case.request["ops"].as_array().unwrap() {
        chat.operate(op);
    }
    let theirs = &case.expect;
    let mut differences = Vec::new();
    for (n, theirs) in theirs["decisions"].as_object().unwrap() {
        let ours = chat.decision(n);
        if *theirs != ours {
            // An answer that nobody hears is an error of theirs.
            let side = if theirs == "still_waiting" { Difference::stricter } else { Difference::looser };
            differences.push(side("decision", format!("{n} {theirs}"), format!("{n} {ours}")));
        }
    }
    for (theirs, ours) in theirs["trace"].as_array().unwrap().iter().zip(&chat.trace) {
        if theirs != ours {
            let open = ours["value"] == true || ours["found"] == true;
            let side = if open { Difference::stricter } else { Difference::looser };
            differences.push(side("trace", theirs.to_string(), ours.to_string()));
        }
    }
    let is_open = chat.open();
    if theirs["pending_row"].is_null() == is_open {
        let side = if is_open { Difference::stricter } else { Difference::looser };
        differences.push(side("open", theirs["pending_row"].to_string(), is_open.to_string()));
    }
    if differences.is_empty() && theirs["events"] != json!(chat.events) {
        differences.push(Difference::looser("events", theirs["events"].to_string(), json!(chat.events).to_string()));
    }
    if theirs["prompts_sent"] != chat.asked.len() {
        differences.push(Difference::looser(
            "prompts",
            theirs["prompts_sent"].to_string(),
            chat.asked.len().to_string(),
        ));
    }
    differences
}

/// A request, as its agent knows it.
struct Asked {
    n: String,
    call: Call,
    id: String,
    /// When its agent no longer waits, in milliseconds of this case.
    until: Option<i64>,
    /// How often a reply was not understood.
    unclear: u32,
    /// The reply in its words, once there is one.
    said: Option<String>,
}

struct Chat {
    world: World,
    most: u32,
    asked: Vec<Asked>,
    trace: Vec<Value>,
    events: Vec<Value>,
}

impl Chat {
    fn new(most: u32) -> Chat {
        let world = World::new(imported::policy(Vec::new(), Vec::new()));
        Chat { world, most, asked: Vec::new(), trace: Vec::new(), events: Vec::new() }
    }

    fn operate(&mut self, op: &Value) {
        match op["op"].as_str() {
            Some("request") => self.request(op),
            Some("resolve") => {
                let found = self.resolve(op["decision"].as_str().unwrap());
                self.trace.push(json!({ "op": "resolve", "found": found }));
            }
            Some("has_pending") => {
                let value = self.open();
                self.trace.push(json!({ "op": "has_pending", "value": value }));
            }
            Some("ambiguous") => {
                let most = self.most;
                let last = self.asked.last_mut();
                let again = last.is_some_and(|asked| {
                    asked.unclear += 1;
                    asked.unclear <= most
                });
                self.trace.push(json!({ "op": "ambiguous", "reprompt": again }));
            }
            Some("sleep") => {
                let seconds = op["s"].as_f64().unwrap();
                self.world.now.0 += (seconds * 1000.0).round() as i64;
                self.time_out();
            }
            other => panic!("an unknown operation {other:?}"),
        }
    }

    fn request(&mut self, op: &Value) {
        let n = op["n"].to_string();
        let args = json!({ "n": op["n"] });
        let call =
            Call { host: "clawbolt".to_owned(), args, faults: Vec::new(), ..imported::call(&format!("tool{n}"), &[]) };
        let Gate::Pending { question, .. } = self.world.gate(&call) else { panic!("nothing decides it") };
        let id = self.world.ask(&call, &question).record.approval.id;
        let until = op["timeout"].as_f64().map(|seconds| self.world.now.0 + (seconds * 1000.0).round() as i64);
        self.events.push(json!(["requested", call.tool, null]));
        self.asked.push(Asked { n, call, id, until, unclear: 0, said: None });
        // A prompt that could not be sent is a no.
        if op.as_object().unwrap().iter().any(|(name, value)| name.contains("fail") && *value != false) {
            let last = self.asked.len() - 1;
            self.deny(last);
        }
    }

    /// A reply to the prompt that was sent last. Returns whether it was taken.
    fn resolve(&mut self, decision: &str) -> bool {
        let Some(at) = self.asked.len().checked_sub(1) else { return false };
        let (id, call) = (self.asked[at].id.clone(), self.asked[at].call.clone());
        let taken = if decision == "interrupted" {
            let own = Withdraw::Own { id, asker: Asker::of(&call) };
            !self.world.withdraw(&own, CancelReason::NewMessage).is_empty()
        } else {
            let outcome = if decision.contains("den") { Outcome::Deny } else { Outcome::Allow };
            match self.world.reply(&once(&id, outcome)) {
                Ok(replied) => !replied.repeated,
                Err(ReplyError::Refused(_)) => false,
                Err(error) => panic!("{error}"),
            }
        };
        if taken {
            self.asked[at].said = Some(decision.to_owned());
            self.events.push(json!(["decided", call.tool, decision]));
        }
        taken
    }

    /// Whoever waited too long gives up.
    fn time_out(&mut self) {
        let now = self.world.now.0;
        for at in 0..self.asked.len() {
            let late = self.asked[at].until.is_some_and(|until| until <= now);
            let id = self.asked[at].id.clone();
            if late && self.world.record(&id).approval.state == State::Open {
                self.deny(at);
                let tool = self.asked[at].call.tool.clone();
                self.events.push(json!(["timed_out", tool, null]));
            }
        }
    }

    fn deny(&mut self, at: usize) {
        let own = Withdraw::Own { id: self.asked[at].id.clone(), asker: Asker::of(&self.asked[at].call) };
        self.world.withdraw(&own, CancelReason::Agent);
    }

    fn open(&mut self) -> bool {
        self.world.records().iter().any(|record| record.approval.state == State::Open)
    }

    /// What a request came to, once its agent comes for it.
    fn decision(&mut self, n: &str) -> String {
        let asked = self.asked.iter().find(|asked| asked.n == n).unwrap();
        let (call, id, said) = (asked.call.clone(), asked.id.clone(), asked.said.clone());
        match self.world.record(&id).approval.state {
            State::Open => "still_waiting".to_owned(),
            State::Cancelled { reason: CancelReason::NewMessage, .. } => "interrupted".to_owned(),
            State::Allowed { .. } | State::Denied { .. } => {
                let Gate::Answered { decision, .. } = self.world.gate(&call) else { panic!("it was answered") };
                let said = said.unwrap();
                assert_eq!(decision.effect() == Effect::Allow, !said.contains("den"), "{said}");
                said
            }
            _ => "denied".to_owned(),
        }
    }
}

const RULES: &[Rule] = &[Rule {
    name: "a second question leaves the first one open",
    inputs: "two requests in one chat at the same time",
    answer: "each is open until it is answered or its own agent gives up, and an answer names its question",
    why: "theirs keeps one for each user: the second takes the first one's place, which then hangs, and the first one's timeout takes the second away, so that nobody can answer it",
    side: Side::Stricter,
    explains: |case, _| case.request["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "request").count() > 1,
}];
