//! Prompts in one chat: what is open, replies, timeouts, replies that were not understood.

use countersign_policy::approval::State;
use countersign_service::chat::MOST_AGAIN;
use serde_json::{Value, json};

use super::channel::Channel;
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{self, Agent, OPEN_TO_ANSWERS, World};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "gate",
        compares: "what each request came to; whether a reply was taken, something is open, and a reply that was not understood is asked about again; the events, and how many prompts were sent. A chat answers in words, and a reply is to the prompt that was sent last",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut chat = Chat::new();
    for op in case.request["ops"].as_array().unwrap() {
        chat.operate(op);
    }
    let theirs = &case.expect;
    let mut differences = Vec::new();
    let is_yes = |decision: &str| decision == "approved" || decision.starts_with("always_allow");
    for (n, theirs) in theirs["decisions"].as_object().unwrap() {
        let (theirs, ours) = (theirs.as_str().unwrap(), chat.decision(n));
        if theirs != ours {
            // An answer that nobody hears is an error of theirs.
            let is_looser = is_yes(&ours) && !is_yes(theirs) && theirs != "still_waiting";
            let side = if is_looser { Difference::looser } else { Difference::stricter };
            differences.push(side("decision", format!("{n} {theirs}"), format!("{n} {ours}")));
        }
    }
    for (theirs, ours) in theirs["trace"].as_array().unwrap().iter().zip(&chat.trace) {
        if theirs != ours {
            let open = ours["value"] == true || ours["found"] == true || ours["reprompt"] == true;
            let side = if open { Difference::stricter } else { Difference::looser };
            differences.push(side("trace", theirs.to_string(), ours.to_string()));
        }
    }
    let is_open = !chat.world.open().is_empty();
    if theirs["pending_row"].is_null() == is_open {
        let side = if is_open { Difference::stricter } else { Difference::looser };
        differences.push(side("open", theirs["pending_row"].to_string(), is_open.to_string()));
    }
    if differences.is_empty() && theirs["events"] != json!(chat.events) {
        differences.push(Difference::looser("events", theirs["events"].to_string(), json!(chat.events).to_string()));
    }
    // Of a prompt that its channel did not take, no case says whether it counts.
    let (least, most) = (chat.channel.sent, chat.channel.sent + chat.lost);
    let sent = usize::try_from(theirs["prompts_sent"].as_u64().unwrap()).unwrap();
    if !(least..=most).contains(&sent) {
        // One that waits for its turn is not answered before it was shown.
        let side = if sent > most { Difference::stricter } else { Difference::looser };
        differences.push(side("prompts", sent.to_string(), most.to_string()));
    }
    differences
}

/// A request, as its agent knows it.
struct Asked {
    n: String,
    tool: String,
    call: Value,
    question: String,
    /// When its agent no longer waits, in milliseconds of this case.
    until: Option<i64>,
    /// The reply in its words, once there is one.
    said: Option<String>,
}

struct Chat {
    world: World,
    agent: Agent,
    channel: Channel,
    /// Milliseconds of this case.
    now: i64,
    asked: Vec<Asked>,
    trace: Vec<Value>,
    events: Vec<Value>,
    /// How many prompts the channel did not take.
    lost: usize,
}

impl Chat {
    fn new() -> Chat {
        let world = World::new(&format!("{OPEN_TO_ANSWERS}ask = [\"*\"]\n"), &[]);
        let agent = world.agent("clawbolt", "s");
        let channel = Channel::new(&world, &agent);
        Chat { world, agent, channel, now: 0, asked: Vec::new(), trace: Vec::new(), events: Vec::new(), lost: 0 }
    }

    fn operate(&mut self, op: &Value) {
        match op["op"].as_str() {
            Some("request") => self.request(op),
            Some("resolve") => {
                let found = self.resolve(op["decision"].as_str().unwrap());
                self.trace.push(json!({ "op": "resolve", "found": found }));
            }
            Some("has_pending") => {
                let value = !self.world.open().is_empty();
                self.trace.push(json!({ "op": "has_pending", "value": value }));
            }
            Some("ambiguous") => {
                let again = self.unclear();
                self.trace.push(json!({ "op": "ambiguous", "reprompt": again }));
            }
            Some("sleep") => {
                let seconds = op["s"].as_f64().unwrap();
                self.now += (seconds * 1000.0).round() as i64;
                self.time_out();
            }
            other => panic!("an unknown operation {other:?}"),
        }
    }

    fn request(&mut self, op: &Value) {
        let n = op["n"].to_string();
        let tool = format!("tool{n}");
        let call = self.world.call(&self.agent, &tool, json!({ "n": op["n"] }), Some(&n));
        let world::Asked::Open(question) = self.world.ask(&self.agent, &call) else { panic!("nothing decides it") };
        let until = op["timeout"].as_f64().map(|seconds| self.now + (seconds * 1000.0).round() as i64);
        self.events.push(json!(["requested", tool, null]));
        self.asked.push(Asked { n, tool, call, question: question.clone(), until, said: None });
        // A prompt that could not be sent is a no.
        if op.as_object().unwrap().iter().any(|(name, value)| name.contains("fail") && *value != false) {
            self.lost += 1;
            self.channel.present(&self.world);
            self.world.cancel(&self.agent, &question);
        }
        self.channel.send(&self.world);
    }

    /// A reply that was not understood. Whether it is asked again: where it is not, clawbolt goes on with an
    /// `interrupted` of its own.
    fn unclear(&mut self) -> bool {
        let prompt = self.channel.present(&self.world);
        let again = prompt.is_some_and(|prompt| prompt.again < u64::from(MOST_AGAIN));
        again && self.channel.say(&self.world, "lol")["outcome"] == "asked_again"
    }

    /// A reply to the prompt that was sent last. Returns whether it was taken.
    fn resolve(&mut self, decision: &str) -> bool {
        let words = match decision {
            "interrupted" => return self.interrupt(),
            "approved" => "yes",
            "denied" => "no",
            "always_allow" => "always",
            "always_allow_all" => "always all",
            "always_deny" => "never",
            other => panic!("an unknown decision {other}"),
        };
        let heard = self.channel.say(&self.world, words);
        let taken = ["allowed", "denied"].iter().any(|outcome| heard["outcome"] == **outcome);
        if taken {
            self.decided(heard["question"].as_str().unwrap(), decision);
        }
        self.channel.send(&self.world);
        taken
    }

    /// The person spoke of something else. clawbolt's model may hear that at once, and its host says so.
    fn interrupt(&mut self) -> bool {
        let Some(prompt) = self.channel.present(&self.world) else { return false };
        if prompt.again < u64::from(MOST_AGAIN) {
            let turn = self.asked.iter().find(|asked| asked.question == prompt.question).unwrap().n.clone();
            assert_eq!(
                self.world.give_up(&self.agent, Some(&turn), "new_message"),
                std::slice::from_ref(&prompt.question)
            );
        } else {
            self.channel.change_topic(&self.world);
        }
        self.decided(&prompt.question, "interrupted");
        self.channel.send(&self.world);
        true
    }

    fn decided(&mut self, question: &str, decision: &str) {
        let asked = self.asked.iter_mut().find(|asked| asked.question == question).unwrap();
        asked.said = Some(decision.to_owned());
        self.events.push(json!(["decided", asked.tool, decision]));
    }

    /// Whoever waited too long gives up.
    fn time_out(&mut self) {
        let late = self.asked.iter().filter(|asked| asked.until.is_some_and(|until| until <= self.now));
        for asked in late {
            if self.world.state(&asked.question) == State::Open {
                self.world.cancel(&self.agent, &asked.question);
                self.events.push(json!(["timed_out", asked.tool, null]));
            }
        }
        self.channel.send(&self.world);
    }

    /// What a request came to, once its agent comes for it.
    fn decision(&self, n: &str) -> String {
        let asked = self.asked.iter().find(|asked| asked.n == n).unwrap();
        let told = self.world.wait(&self.agent, &asked.question);
        let said = || asked.said.clone().unwrap();
        match told["state"].as_str() {
            Some("open") => "still_waiting".to_owned(),
            Some("cancelled") if told["reason"] == "new_message" => "interrupted".to_owned(),
            Some("allowed") => {
                assert!(self.world.redeems(&self.agent, &asked.question, &asked.call), "it was allowed");
                assert!(!said().contains("den"), "{}", said());
                said()
            }
            Some("denied") => {
                assert!(said().contains("den"), "{}", said());
                said()
            }
            _ => "denied".to_owned(),
        }
    }
}

const RULES: &[Rule] = &[Rule {
    name: "a second question leaves the first one open",
    inputs: "two requests in one chat at the same time",
    answer: "each is open until it is answered or its own agent gives up; the second one's prompt is sent once the first one is over, and a reply is to the prompt that was sent last",
    why: "theirs keeps one for each user: the second takes the first one's place, which then hangs, and the first one's timeout takes the second away, so that nobody can answer it",
    side: Side::Stricter,
    explains: |case, _| case.request["ops"].as_array().unwrap().iter().filter(|op| op["op"] == "request").count() > 1,
}];
