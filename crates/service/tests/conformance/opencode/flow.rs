//! Requests and replies of several sessions, through the gate and the store.

use std::collections::BTreeMap;

use countersign_formats::opencode::{Entry, Generation, Platform, Reply, Request, source};
use countersign_policy::approval::State;
use countersign_policy::{Call, Effect, GrantResource, Scope, SourceKind};
use countersign_service::gate::Gate;
use countersign_service::store::ReplyError;
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{World, all_offers, offering, once};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "opencode",
        name: "flow",
        compares: "after each request and reply: the events that clients see, what is open, what each request came to, and whether a reply was taken; at the end what \"always\" left behind",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let by = if case.line.contains("\"opencode-v2\"") { Generation::Second } else { Generation::First };
    let rules: Vec<Entry> = case.policy["rules"].as_array().into_iter().flatten().map(entry).collect();
    let configured = source(SourceKind::User, "configured", true, &rules, Platform::Posix);
    let mut clients = Clients::new(World::new(imported::policy(vec![configured], Vec::new())), by);
    let mut differences = Vec::new();
    let theirs = case.expect["steps"].as_array().unwrap();
    for (step, theirs) in case.request["steps"].as_array().unwrap().iter().zip(theirs) {
        let ours = match step["op"].as_str() {
            Some("ask") => clients.ask(Request::read(step).unwrap()),
            Some("reply") => clients.reply(step),
            other => panic!("{}: an unknown step {other:?}", case.id),
        };
        differences.extend(compare(theirs, &ours));
    }
    let name = if by == Generation::First { "approved" } else { "saved" };
    let theirs: Vec<(String, String)> = each_once(case.expect[name].as_array().unwrap().iter().map(saved));
    let ours = clients.saved();
    if theirs != ours {
        let side = if ours.iter().all(|one| theirs.contains(one)) { Difference::stricter } else { Difference::looser };
        differences.push(side("remembered", format!("{theirs:?}"), format!("{ours:?}")));
    }
    differences
}

/// OpenCode's clients and its tools.
struct Clients {
    world: World,
    by: Generation,
    asked: Vec<(Request, Call, String)>,
    outcomes: BTreeMap<String, String>,
}

impl Clients {
    fn new(world: World, by: Generation) -> Clients {
        Clients { world, by, asked: Vec::new(), outcomes: BTreeMap::new() }
    }

    fn ask(&mut self, request: Request) -> Value {
        let call = call(&request);
        let mut events = Vec::new();
        match self.world.gate(&call) {
            Gate::Decided { decision } if decision.effect() == Effect::Allow => {
                self.outcomes.insert(request.id, "allowed".to_owned());
            }
            Gate::Decided { .. } => {
                self.outcomes.insert(request.id, self.by.denied().to_owned());
            }
            Gate::Pending { question, .. } => {
                let question = offering(*question, request.offers(Platform::Posix));
                let asked = self.world.ask(&call, &question);
                events.push(request.asked(self.by));
                self.asked.push((request, call, asked.record.approval.id));
            }
            other => panic!("{other:?}"),
        }
        self.state(events, None)
    }

    fn reply(&mut self, step: &Value) -> Value {
        let reply = Reply::named(step["reply"].as_str().unwrap()).unwrap();
        let asked = self.asked.iter().find(|(request, ..)| step["requestID"] == *request.id);
        let Some((request, _, id)) = asked.cloned() else { return self.state(Vec::new(), Some(self.by.unknown())) };
        let mut answer = once(&id, reply.outcome());
        answer.feedback = step["message"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        answer.cascade = true;
        if reply == Reply::Always {
            answer.remember = all_offers(&self.world.record(&id).question);
            if !answer.remember.is_empty() {
                answer.scope = Scope::Project;
            }
            if self.by == Generation::Second {
                answer.also = self.open().into_iter().map(|(_, id)| id).collect();
            }
        }
        let replied = match self.world.reply(&answer) {
            Ok(replied) if !replied.repeated => replied,
            Ok(_) | Err(ReplyError::Refused(_) | ReplyError::Unknown(_)) => {
                return self.state(Vec::new(), Some(self.by.unknown()));
            }
            Err(error) => panic!("{error}"),
        };
        let mut events = vec![request.replied(self.by, reply)];
        let others = self.asked.iter().filter(|(.., id)| replied.also.contains(id));
        events.extend(others.map(|(request, ..)| request.replied(self.by, reply)));
        self.come();
        self.state(events, Some("ok"))
    }

    /// Every tool whose request was answered comes for its answer.
    fn come(&mut self) {
        for (request, call, id) in self.asked.clone() {
            if self.outcomes.contains_key(&request.id) || self.world.record(&id).approval.state == State::Open {
                continue;
            }
            // Whoever waits is told what became of its own question, whatever was remembered meanwhile.
            let outcome = if let State::Denied { answer, .. } = self.world.record(&id).approval.state {
                self.world.tell(&id);
                let error = self.by.rejected(answer.feedback.as_deref());
                match answer.feedback {
                    Some(feedback) => format!("{error}:{feedback}"),
                    None if self.by == Generation::Second => format!("die:{error}"),
                    None => error.to_owned(),
                }
            } else {
                let (Gate::Answered { decision, .. } | Gate::Decided { decision }) = self.world.gate(&call) else {
                    panic!("it was answered")
                };
                assert_eq!(decision.effect(), Effect::Allow);
                "allowed".to_owned()
            };
            self.outcomes.insert(request.id, outcome);
        }
    }

    /// What is open, with our ids.
    fn open(&mut self) -> Vec<(String, String)> {
        let world = &mut self.world;
        let open = self.asked.iter().filter(|(.., id)| world.record(id).approval.state == State::Open);
        open.map(|(request, _, id)| (request.id.clone(), id.clone())).collect()
    }

    fn state(&mut self, events: Vec<Value>, reply: Option<&str>) -> Value {
        let pending: Vec<String> = self.open().into_iter().map(|(id, _)| id).collect();
        json!({ "events": events, "pending": pending, "outcomes": self.outcomes, "reply_outcome": reply })
    }

    /// What "always" left behind: permission and pattern.
    fn saved(&mut self) -> Vec<(String, String)> {
        let grants = self.world.grants();
        each_once(grants.into_iter().map(|kept| {
            let GrantResource::Pattern(pattern) = &kept.grant.resource else { panic!("a pattern was offered") };
            let permission = kept.grant.action.to_string().trim_start_matches("tool:").to_owned();
            (permission, pattern.as_str().to_owned())
        }))
    }
}

fn call(request: &Request) -> Call {
    Call {
        host: "opencode".to_owned(),
        session: request.session.clone(),
        // It answers for one prompt of a session at a time.
        turn: Some(request.session.clone()),
        args: request.args(),
        ..imported::call(&request.permission, &request.patterns)
    }
}

fn compare(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    let of = |state: &Value, id: &str| state["outcomes"][id].as_str().unwrap_or("open").to_owned();
    let mut ids: Vec<&String> =
        [theirs, ours].iter().flat_map(|state| state["outcomes"].as_object().unwrap().keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (theirs, ours) = (of(theirs, id), of(ours, id));
        if theirs != ours {
            let side = if ours == "allowed" { Difference::looser } else { Difference::stricter };
            differences.push(side("outcome", format!("{id} {theirs}"), format!("{id} {ours}")));
        }
    }
    // What follows from another outcome is no difference of its own.
    if differences.is_empty() {
        for of in ["pending", "events", "reply_outcome"] {
            if theirs.get(of).unwrap_or(&Value::Null) != &ours[of] {
                differences.push(Difference::looser(of, theirs[of].to_string(), ours[of].to_string()));
            }
        }
    }
    differences
}

fn entry(rule: &Value) -> Entry {
    let text = |name: &str| rule[name].as_str().unwrap();
    Entry::new(text("permission"), text("pattern"), Effect::named(text("action")).unwrap())
}

/// What is remembered, in the words of either system.
fn saved(rule: &Value) -> (String, String) {
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| rule[name].as_str()).unwrap().to_owned();
    (text(["permission", "action"]), text(["pattern", "resource"]))
}

/// In their order; theirs keeps some twice.
fn each_once(all: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = all.collect();
    found.sort_unstable();
    found.dedup();
    found
}

const RULES: &[Rule] = &[Rule {
    name: "a remembered yes lifts no denial",
    inputs: "patterns that the configuration denies and an earlier \"always\" covers",
    answer: "deny",
    why: "what a human once allowed turns asks into allows; whoever configured a denial meant it, and OpenCode's own second permission system has it so",
    side: Side::Stricter,
    explains: |_, difference| difference.of == "outcome" && difference.ours.ends_with("DeniedError"),
}];
