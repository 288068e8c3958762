//! A turn of several rounds of calls: prompts, replies in words, what runs and what is remembered.

mod compare;

use std::collections::{BTreeMap, BTreeSet};

use countersign_formats::clawbolt::Level;
use countersign_formats::clawbolt::reply::Reply as Words;
use countersign_policy::Effect;
use serde_json::{Value, json};

use super::channel::{Channel, Prompt};
use super::file::completed;
use super::rules::ROUND;
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind};
use crate::world::{Agent, Asked, NOBODY_THERE, OPEN_TO_ANSWERS, World, chosen, effect, id, tool_with_resource};

/// The tool of which our chats know that it can be allowed for all: clawbolt's own has that name.
const WITH_NOUN: &str = "qb_send";

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "round",
        compares: "what became of each call; each prompt's first line and whether it offers to allow all; the events; what a reply left behind; whether a question stays open. A human answers each prompt as they answered it there",
        replay,
        rules: ROUND.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut turn = Turn::new(case);
    for round in case.request["rounds"].as_array().unwrap() {
        turn.round(round.as_array().unwrap());
    }
    let theirs = &case.expect;
    if theirs.get("raised").is_some() {
        let denies = turn.outcomes.values().any(|(_, outcome)| *outcome == "denied");
        let side = if denies { Difference::stricter } else { Difference::looser };
        return vec![side("crash", "the turn fails", if denies { "the call is denied" } else { "every call runs" })];
    }
    let mut differences = turn.of_outcomes(&theirs["outcomes"]);
    differences.extend(turn.of_prompts());
    differences.extend(turn.of_stored(&case.policy, &theirs["stored"]));
    if differences.is_empty() && theirs["events"] != json!(turn.events) {
        differences.push(Difference::looser("events", theirs["events"].to_string(), json!(turn.events).to_string()));
    }
    if !turn.world.open().is_empty() {
        differences.push(Difference::looser("open", "nothing", "a question"));
    }
    differences
}

/// One of the case's tools.
struct Tool {
    /// Its name with us.
    name: String,
    /// What its calls are for: a constant, or the argument `res`.
    extract: Option<String>,
}

/// A prompt that theirs sent, and what the human replied.
struct Line {
    first: String,
    reply: String,
    offers_all: bool,
    used: bool,
}

/// A call of the case.
#[derive(Clone)]
struct Sent {
    id: String,
    /// The tool's name in the case.
    tool: String,
    text: String,
    /// What it is for.
    resource: Option<String>,
    call: Value,
    /// The question about it.
    question: Option<String>,
}

/// One message of a user, which an agent works at.
struct Turn {
    world: World,
    agent: Agent,
    channel: Channel,
    tools: BTreeMap<String, Tool>,
    /// What theirs asked, in order.
    lines: Vec<Line>,
    /// What theirs came to, by call.
    theirs: Value,
    outcomes: BTreeMap<String, (Sent, &'static str)>,
    /// What the human has said no to in this turn, or not answered: tool and resource.
    refused: BTreeSet<(String, Option<String>)>,
    /// Of these, what nobody answered.
    given_up: BTreeSet<(String, Option<String>)>,
    /// Tools of which a prompt did not offer to remember anything.
    unoffered: BTreeSet<String>,
    calls: usize,
    events: Vec<Value>,
    differences: Vec<Difference>,
}

impl Turn {
    fn new(case: &Case) -> Turn {
        let (mut tools, mut levels, mut pointers) = (BTreeMap::new(), Vec::new(), String::new());
        for tool in case.context["tools"].as_array().unwrap() {
            let text = |name: &str| tool[name].as_str().map(str::to_owned);
            let own = text("name").unwrap();
            let name = if text("noun").is_some() { WITH_NOUN.to_owned() } else { own.clone() };
            // A tool without a policy always runs.
            let level = text("default").unwrap_or_else(|| Level::Always.word().to_owned());
            if text("extract").is_some() {
                pointers.push_str(&tool_with_resource(&name, "/for"));
            }
            levels.push((own.clone(), level));
            tools.insert(own, Tool { name, extract: text("extract") });
        }
        let mut file = completed(case, &levels);
        for (own, tool) in tools.iter().filter(|(own, tool)| **own != tool.name) {
            file = file.replace(&crate::world::quoted(own), &crate::world::quoted(&tool.name));
        }
        let there = if case.context["channel"] == true { OPEN_TO_ANSWERS } else { NOBODY_THERE };
        let policy = format!("{there}\n[[import]]\nfrom = \"PERMISSIONS.json\"\n{pointers}");
        let world = World::new(&policy, &[("PERMISSIONS.json", &file)]);
        let lines = case.expect["prompts"].as_array().unwrap().iter().map(|prompt| Line {
            first: prompt["first_line"].as_str().unwrap().to_owned(),
            reply: prompt["reply"].as_str().unwrap().to_owned(),
            offers_all: prompt["offers_always_all"] == true,
            used: false,
        });
        let agent = world.agent("clawbolt", "s");
        Turn {
            channel: Channel::new(&world, &agent),
            agent,
            world,
            tools,
            lines: lines.collect(),
            theirs: case.expect["outcomes"].clone(),
            outcomes: BTreeMap::new(),
            refused: BTreeSet::new(),
            given_up: BTreeSet::new(),
            unoffered: BTreeSet::new(),
            calls: 0,
            events: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Calls that came at once: all are decided first, and then asked about one after the other.
    fn round(&mut self, calls: &[Value]) {
        let sent: Vec<Sent> = calls.iter().map(|call| self.sent(call)).collect();
        if sent.is_empty() {
            return;
        }
        let of_turn = |sent: &Sent| {
            let call = &sent.call;
            (sent.id.clone(), call["tool"].as_str().unwrap().to_owned(), call["args"].clone())
        };
        let asked = self.world.turn(&self.agent, "t", false, &sent.iter().map(of_turn).collect::<Vec<_>>());
        let mut waiting = Vec::new();
        for (mut sent, verdict) in sent.into_iter().zip(asked["calls"].as_array().unwrap()) {
            match effect(verdict) {
                Effect::Allow => self.decided(&sent, "executed"),
                Effect::Ask => {
                    sent.question = Some(id(&verdict["approval"]));
                    waiting.push(sent);
                }
                // A no until the turn ends answers a question that there is all the same.
                Effect::Deny if self.refused.contains(&sent.key()) => waiting.push(sent),
                Effect::Deny => self.decided(&sent, "denied"),
            }
        }
        let mut interrupted = false;
        for sent in &waiting {
            interrupted = interrupted || self.come(sent, &waiting);
            if interrupted {
                self.decided(sent, "interrupted");
            }
        }
    }

    /// Comes for an answer until there is one. Returns whether the human spoke of something else.
    fn come(&mut self, sent: &Sent, waiting: &[Sent]) -> bool {
        let mut question = sent.question.clone();
        loop {
            // Whose question nobody answered does not ask again in this turn: clawbolt's own agent remembers that.
            if self.given_up.contains(&sent.key()) {
                if let Some(question) = question {
                    self.world.cancel(&self.agent, &question);
                }
                self.decided(sent, "denied");
                return false;
            }
            let open = match question.take() {
                Some(open) => open,
                None => match self.world.ask(&self.agent, &sent.call) {
                    Asked::Open(open) => open,
                    Asked::Decided(effect) => {
                        self.decided(sent, if effect == Effect::Allow { "executed" } else { "denied" });
                        return false;
                    }
                },
            };
            match self.world.wait(&self.agent, &open)["state"].as_str() {
                Some("open") => {
                    let prompt = self.channel.present(&self.world).unwrap();
                    // A call that is asked about anew comes behind those that were asked about before.
                    let other = waiting.iter().find(|other| other.question.as_ref() == Some(&prompt.question));
                    let shown = if prompt.question == open { sent } else { other.unwrap() };
                    if self.prompt(&prompt, shown) {
                        return true;
                    }
                    question = Some(open);
                }
                Some("allowed") => {
                    let runs = self.world.redeems(&self.agent, &open, &sent.call);
                    self.decided(sent, if runs { "executed" } else { "denied" });
                    return false;
                }
                Some("denied" | "cancelled") => {
                    self.decided(sent, "denied");
                    return false;
                }
                // A call like this one took the yes: this one asks anew.
                Some("redeemed") => {}
                state => panic!("{state:?}"),
            }
        }
    }

    fn decided(&mut self, sent: &Sent, outcome: &'static str) {
        self.outcomes.insert(sent.id.clone(), (sent.clone(), outcome));
    }

    /// Sends a prompt; the human replies. Returns whether they spoke of something else.
    fn prompt(&mut self, prompt: &Prompt, sent: &Sent) -> bool {
        let first = format!("I'd like to: {}", sent.description());
        let known = self.lines.iter().position(|line| !line.used && line.first == first);
        let reply = match known {
            Some(at) => {
                self.lines[at].used = true;
                if self.lines[at].offers_all != prompt.is_offered("always all") {
                    let (theirs, ours) = (self.lines[at].offers_all, prompt.offers.join(", "));
                    let side = if theirs { Difference::stricter } else { Difference::looser };
                    self.differences.push(side("prompt", format!("{first}: {theirs}"), ours));
                }
                self.lines[at].reply.clone()
            }
            // Theirs did not ask: the human lets it end as it ended there.
            None => {
                self.differences.push(Difference::stricter("asked", "not asked", &*first));
                if self.theirs[&sent.id] == "executed" { "yes".to_owned() } else { "no".to_owned() }
            }
        };
        if known.is_some() {
            self.event("requested", sent, None);
        }
        match (&*reply, Words::of(&reply)) {
            // Nobody heard of it, or nobody answered: a no until the turn ends.
            ("<timeout>" | "<publish-fails>", _) => {
                if reply == "<timeout>" {
                    self.channel.take(&self.world, prompt);
                    self.event("timed_out", sent, None);
                }
                self.world.cancel(&self.agent, &prompt.question);
                self.refused.insert(sent.key());
                self.given_up.insert(sent.key());
            }
            ("<new-topic>", _) => {
                self.channel.take(&self.world, prompt);
                self.channel.change_topic(&self.world);
                self.event("decided", sent, Some("interrupted"));
                return true;
            }
            (_, Some(words)) => {
                self.channel.take(&self.world, prompt);
                self.say(prompt, sent, &reply, words);
                if known.is_some() {
                    self.event("decided", sent, Some(words.word()));
                }
            }
            (other, None) => panic!("an unknown reply {other}"),
        }
        false
    }

    fn say(&mut self, prompt: &Prompt, sent: &Sent, reply: &str, words: Words) {
        let allows = matches!(words, Words::Approved | Words::AlwaysAllow | Words::AlwaysAllowAll);
        if !allows {
            self.refused.insert(sent.key());
        }
        if words == Words::Denied {
            return self.deny_until_the_turn_ends(prompt);
        }
        let mut heard = self.channel.say(&self.world, reply);
        // What the prompt does not offer is no reply: the human says as much as it does offer.
        if heard["outcome"] == "asked_again" {
            assert!(!prompt.is_offered("always"), "{heard}");
            self.unoffered.insert(sent.tool.clone());
            heard = self.channel.say(&self.world, if allows { "yes" } else { "no" });
        }
        assert_eq!(heard["outcome"], if allows { "allowed" } else { "denied" }, "{heard}");
        assert_eq!(heard["question"], *prompt.question);
    }

    /// clawbolt's no holds for the same in all of the turn. A chat's is about one call: this one is given as on a page.
    fn deny_until_the_turn_ends(&self, prompt: &Prompt) {
        let mut remember = chosen(&self.world.question(&prompt.question), |_| true);
        remember.retain(|choice| choice["offer"] == 0);
        let scope = if remember.is_empty() { "once" } else { "turn" };
        let answer = json!({ "outcome": "deny", "scope": scope, "remember": remember });
        self.world.reply(&prompt.question, &answer).is(200);
    }

    fn event(&mut self, what: &str, sent: &Sent, decision: Option<&str>) {
        self.events.push(json!([what, sent.tool, decision]));
    }

    fn sent(&mut self, sent: &Value) -> Sent {
        let id = format!("call_{}", self.calls);
        self.calls += 1;
        let own = sent["tool"].as_str().unwrap();
        let tool = &self.tools[own];
        // What a tool's extractor makes of a call comes with it.
        let resource = match tool.extract.as_deref() {
            Some("res") => sent["args"]["res"].as_str().map(str::to_owned),
            constant => constant.map(str::to_owned),
        };
        let mut args = sent["args"].clone();
        if let Some(resource) = &resource {
            args["for"] = json!(resource);
        }
        let call = self.world.call(&self.agent, &tool.name, args, Some("t"));
        let text = sent["args"]["text"].as_str().unwrap_or_default().to_owned();
        Sent { id, tool: own.to_owned(), text, resource, call, question: None }
    }
}

impl Sent {
    fn key(&self) -> (String, Option<String>) {
        (self.tool.clone(), self.resource.clone())
    }

    fn description(&self) -> String {
        format!("{} {}", self.tool, self.text)
    }
}
