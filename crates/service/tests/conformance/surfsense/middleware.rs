//! The calls of one message: what its graph stops with, what it is resumed with, what runs, and what the model is told.

use countersign_formats::surfsense::{Entry, Interrupt, Reply as Resumed, denied, merged, rejected, reply, source};
use countersign_policy::approval::Outcome;
use countersign_policy::{
    Attendance, Call, Cause, Decision, Effect, GrantResource, Nobody, Offer, Policy, Question, Resource, Scope,
    SourceKind, Timestamp,
};
use countersign_service::disk::Disk;
use countersign_service::gate::Gate;
use countersign_service::store::{EditedCall, Remembered, Reply, ReplyError};
use serde_json::{Value, json};

use crate::case::{Case, Folder, texts};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{World, once};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "surfsense",
        name: "middleware",
        compares: "each interrupt's payload in order; the calls that run with their arguments; the messages about those that do not; what \"always\" left behind. What a resolver makes of a call is taken from the case",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut graph = Graph::new(case);
    let resumes = case.request["resumes"].as_array().cloned().unwrap_or_default();
    graph.message(case.request["tool_calls"].as_array().unwrap(), resumes);
    let theirs = &case.expect;
    let mut differences = Vec::new();
    let stops: Vec<&Value> = theirs["trace"].as_array().unwrap().iter().map(|stop| &stop["interrupt"]).collect();
    if stops != graph.stops.iter().collect::<Vec<_>>() {
        let side = if graph.stops.len() > stops.len() { Difference::stricter } else { Difference::looser };
        differences.push(side("interrupts", json!(stops).to_string(), json!(graph.stops).to_string()));
    }
    let ran = |calls: &Value| {
        let mut calls = calls.as_array().unwrap().clone();
        calls.sort_by_key(|call| call["id"].to_string());
        calls
    };
    let (theirs_ran, ours_ran) = (ran(&theirs["tool_calls"]), ran(&json!(graph.ran)));
    if theirs_ran != ours_ran {
        let side = if ours_ran.iter().all(|call| theirs_ran.contains(call)) {
            Difference::stricter
        } else {
            Difference::looser
        };
        differences.push(side("runs", json!(theirs_ran).to_string(), json!(ours_ran).to_string()));
    }
    let by_call = |messages: &Value, id: &str| {
        messages.as_array().unwrap().iter().find(|message| message["tool_call_id"] == id).cloned()
    };
    for call in case.request["tool_calls"].as_array().unwrap() {
        let id = call["id"].as_str().unwrap();
        let (theirs, ours) = (by_call(&theirs["tool_messages"], id), by_call(&json!(graph.messages), id));
        if theirs != ours {
            // Without a message it ran, or is still open.
            let ran = ours_ran.iter().any(|call| call["id"] == id);
            let side = if theirs.is_none() || !ran { Difference::stricter } else { Difference::looser };
            differences.push(side("message", format!("{theirs:?}"), format!("{ours:?}")));
        }
    }
    let ours = graph.remembered();
    let left: Vec<&Value> = theirs["runtime_rules"].as_array().unwrap().iter().collect();
    if left != ours.iter().collect::<Vec<_>>() {
        let side = if ours.iter().all(|rule| left.contains(&rule)) { Difference::stricter } else { Difference::looser };
        differences.push(side("remembered", json!(left).to_string(), json!(ours).to_string()));
    }
    differences
}

/// A graph with the middleware in it, and the human who resumes it.
struct Graph {
    world: World,
    entries: Vec<Entry>,
    /// The patterns of each tool with a resolver, as it made them of the call's first arguments.
    resolved: Vec<(String, Vec<String>)>,
    attendance: Attendance,
    /// What the tool's metadata says of its connector.
    connector: serde_json::Map<String, Value>,
    stops: Vec<Value>,
    ran: Vec<Value>,
    messages: Vec<Value>,
}

/// A call with the question about it.
struct Asked {
    sent: Value,
    call: Call,
    id: String,
}

impl Graph {
    fn new(case: &Case) -> Graph {
        let entries: Vec<Entry> = [&case.policy["defaults"], &case.policy["rules"]]
            .into_iter()
            .flat_map(|rules| rules.as_array().into_iter().flatten())
            .enumerate()
            .map(|(at, rule)| entry(at, rule))
            .collect();
        let sources = vec![source(SourceKind::User, "rules", true, &entries)];
        let policy = Policy { nobody: Nobody::Deny, ..imported::policy(sources, Vec::new()) };
        let attendance = if case.context["emit"] == false { Attendance::Nobody } else { Attendance::Somebody };
        let mut resolved = Vec::new();
        if case.context.get("pattern_resolver").is_some() {
            for stop in case.expect["trace"].as_array().unwrap() {
                let tool = stop["interrupt"]["action_requests"][0]["name"].as_str().unwrap().to_owned();
                resolved.push((tool, texts(&stop["interrupt"]["context"]["patterns"])));
            }
        }
        let mut graph = Graph {
            world: World::new(policy),
            entries,
            resolved,
            attendance,
            connector: serde_json::Map::new(),
            stops: Vec::new(),
            ran: Vec::new(),
            messages: Vec::new(),
        };
        let first = &case.expect["trace"][0]["interrupt"]["context"];
        let known = |(name, _): &(&String, &Value)| !["patterns", "rules", "always"].contains(&name.as_str());
        let more = first.as_object().into_iter().flatten().filter(known);
        graph.connector = more.map(|(name, value)| (name.clone(), value.clone())).collect();
        graph
    }

    /// The model called these tools in one message.
    fn message(&mut self, calls: &[Value], resumes: Vec<Value>) {
        let mut asks: Vec<(String, Call, Question)> = Vec::new();
        let mut sent: Vec<Value> = Vec::new();
        for one in calls {
            let call = self.call(one["name"].as_str().unwrap(), one["args"].clone(), &one["args"]);
            match self.world.gate(&call) {
                Gate::Decided { decision } if decision.effect() == Effect::Allow => self.run(one, &call),
                // Nobody can be asked: that is a no.
                Gate::Decided { decision } if matches!(decision.cause(), Cause::Nobody { .. }) => {
                    let no = Resumed::Reject { feedback: None };
                    self.messages.extend(rejected(one["id"].as_str().unwrap(), &call.tool, &no));
                }
                Gate::Decided { decision } => {
                    let rule = self.denying(&decision);
                    self.messages.push(denied(one["id"].as_str().unwrap(), &call.tool, &rule));
                }
                Gate::Pending { question, .. } => {
                    asks.push((one["id"].as_str().unwrap().to_owned(), call.clone(), each_itself(*question, &call)));
                    sent.push(one.clone());
                }
                other => panic!("{other:?}"),
            }
        }
        let turn = self.world.ask_turn(&asks, true);
        let ids = turn.asked.into_iter().map(|asked| asked.unwrap().record.approval.id);
        let mut resumes = resumes.into_iter();
        for ((sent, (_, call, _)), id) in sent.into_iter().zip(asks).zip(ids) {
            let asked = Asked { sent, call, id };
            self.asked(&asked, &mut resumes);
        }
    }

    /// Stops with a call, unless an answer before it was about it too.
    fn asked(&mut self, asked: &Asked, resumes: &mut impl Iterator<Item = Value>) {
        if let Gate::Pending { decision, .. } = self.world.gate(&asked.call) {
            let rules: Vec<Entry> =
                decision.judgements().iter().filter_map(|judged| self.rule(judged.cause())).collect();
            let patterns = patterns(&asked.call);
            let stop = Interrupt {
                tool: &asked.call.tool,
                args: &asked.call.args,
                patterns: &patterns,
                rules: &rules.iter().collect::<Vec<_>>(),
                connector: &self.connector,
            };
            self.stops.push(stop.payload());
            let Some(resumed) = resumes.next() else { return };
            let replied = reply(&resumed);
            let feedback = self.answer(asked, &replied);
            if let Some(message) = rejected(asked.sent["id"].as_str().unwrap(), &asked.call.tool, &feedback) {
                self.messages.push(message);
                let Gate::Answered { decision, .. } = self.world.gate(&asked.call) else { panic!("it was denied") };
                assert_eq!(decision.effect(), Effect::Deny);
                return;
            }
        } else {
            self.run(&asked.sent, &asked.call);
            return;
        }
        self.come(asked);
    }

    /// Takes the human's reply; what became of it: an edit that policy does not let run is a rejection.
    fn answer(&mut self, asked: &Asked, replied: &Resumed) -> Resumed {
        let allow = once(&asked.id, Outcome::Allow);
        let answer = match replied {
            Resumed::Once { edited } if !edited.is_empty() => {
                let call = self.call(&asked.call.tool, merged(&asked.call.args, edited), &asked.call.args);
                let decision = self.world.engine.decide(&[], None, &call, Timestamp(0));
                let question = self.world.engine.question(&call, &decision, &Disk);
                Reply { edited: Some(EditedCall { call, question }), ..allow }
            }
            Resumed::Once { .. } => allow,
            Resumed::Always => {
                let question = self.world.record(&asked.id).question;
                let asks = question.parts.iter().filter(|part| part.effect == Effect::Ask);
                let each = asks.flat_map(|part| {
                    part.offers
                        .iter()
                        .map(|offer| Remembered { identity: part.identity.clone(), resource: offer.resource.clone() })
                });
                Reply { remember: each.collect(), scope: Scope::Session, ..allow }
            }
            Resumed::Reject { feedback } => Reply { feedback: feedback.clone(), ..once(&asked.id, Outcome::Deny) },
        };
        match self.world.reply(&answer) {
            Ok(_) => replied.clone(),
            Err(ReplyError::EditedRefused { .. }) => {
                self.world.reply(&once(&asked.id, Outcome::Deny)).unwrap();
                Resumed::Reject { feedback: None }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The agent comes for its answer, and with other arguments where a human changed them.
    fn come(&mut self, asked: &Asked) {
        let call = match self.world.gate(&asked.call) {
            Gate::Edited { record, .. } => {
                let countersign_policy::approval::State::Allowed { answer, .. } = &record.approval.state else {
                    panic!()
                };
                let args = answer.edited.as_ref().unwrap().args.clone();
                let call = self.call(&asked.call.tool, args, &asked.call.args);
                assert_eq!(self.world.redeem(&record.approval.id, &call).unwrap().effect(), Effect::Allow);
                call
            }
            // What was remembered decides by itself.
            Gate::Answered { decision, .. } | Gate::Decided { decision } if decision.effect() == Effect::Allow => {
                asked.call.clone()
            }
            other => panic!("{other:?}"),
        };
        self.run(&asked.sent, &call);
    }

    fn run(&mut self, sent: &Value, call: &Call) {
        self.ran.push(json!({ "id": sent["id"], "name": call.tool, "args": call.args }));
    }

    /// A call of a tool; a resolver's pattern that was one of the first arguments follows it.
    fn call(&self, tool: &str, args: Value, first: &Value) -> Call {
        let resolved = self.resolved.iter().find(|(name, _)| name == tool).map(|(_, patterns)| patterns.clone());
        let mut patterns = resolved.unwrap_or_else(|| vec![tool.to_owned()]);
        for pattern in &mut patterns {
            let argument = first.as_object().into_iter().flatten().find(|(_, value)| **value == **pattern);
            if let Some(changed) = argument.and_then(|(name, _)| args[name].as_str()) {
                changed.clone_into(pattern);
            }
        }
        Call {
            host: "surfsense".to_owned(),
            turn: Some("message".to_owned()),
            attendance: self.attendance,
            args,
            ..imported::call(tool, &patterns)
        }
    }

    fn rule(&self, cause: &Cause) -> Option<Entry> {
        let Cause::Rule(rule) = cause else { return None };
        self.entries.iter().find(|entry| entry.origin == rule.origin).cloned()
    }

    fn denying(&self, decision: &Decision) -> Entry {
        let denies = |judged: &&countersign_policy::Judgement| judged.effect() == Effect::Deny;
        self.rule(decision.judgements().iter().find(denies).unwrap().cause()).unwrap()
    }

    /// What "always" left behind, as rules.
    fn remembered(&mut self) -> Vec<Value> {
        let rule = |kept: countersign_service::store::KeptGrant| {
            let GrantResource::Literal { shown, .. } = kept.grant.resource else { panic!("a pattern as it stands") };
            let tool = kept.grant.action.to_string().trim_start_matches("tool:").to_owned();
            json!({ "permission": tool, "pattern": shown, "action": kept.grant.effect.word() })
        };
        self.world.grants().into_iter().map(rule).collect()
    }
}

fn patterns(call: &Call) -> Vec<String> {
    let text = |target: &countersign_policy::Target| match &target.resource {
        Resource::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    call.targets.iter().map(text).collect()
}

/// The question with each of its targets to be remembered as it stands.
fn each_itself(mut question: Question, call: &Call) -> Question {
    for part in &mut question.parts {
        let target = call.targets.iter().find(|target| target.identity() == part.identity).unwrap();
        let shown = target.resource.literal().unwrap_or_default();
        let resource = GrantResource::Literal { key: target.grant_key().unwrap(), shown: shown.clone() };
        part.offers = vec![Offer { resource, words: shown }];
    }
    question
}

fn entry(at: usize, rule: &Value) -> Entry {
    let text = |name: &str| rule[name].as_str().unwrap().to_owned();
    let (permission, pattern) = (text("permission"), text("pattern"));
    let effect = Effect::named(&text("action")).unwrap();
    let line = u32::try_from(at).unwrap() + 1;
    let origin =
        countersign_policy::Origin { file: "rules".into(), line, text: format!("{permission}: {pattern} = {effect}") };
    Entry { permission, pattern, effect, origin }
}

const RULES: &[Rule] = &[
    Rule {
        name: "each answer is for the call that was shown",
        inputs: "several calls of one message that ask, of which an earlier one is approved for always",
        answer: "every answer counts for its own call",
        why: "LangGraph runs the node again and hands answers out by their position, so that an \"always\" moves every later answer one call back: what was rejected runs, and is allowed from then on",
        side: Side::Stricter,
        explains: |case, difference| {
            let resumes = case.request["resumes"].to_string();
            let several = case.request["tool_calls"].as_array().is_some_and(|calls| calls.len() > 1);
            several
                && resumes.contains("approve_always")
                && ["runs", "message", "remembered", "interrupts"].contains(&difference.of)
        },
    },
    Rule {
        name: "changed arguments are decided anew",
        inputs: "a human's `edit` that moves a call to what a rule denies",
        answer: "rejected",
        why: "theirs looks at the rules once, before the edit",
        side: Side::Stricter,
        explains: |case, difference| {
            case.request["resumes"].to_string().contains("edit") && ["runs", "message"].contains(&difference.of)
        },
    },
    Rule {
        name: "only what was asked about is remembered",
        inputs: "a call with several patterns, of which some are allowed anyway, that is approved for always",
        answer: "those that asked are remembered",
        why: "the answer was to a question about these; theirs keeps an allow for all of them, which outlives the rule that allowed the others",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "remembered",
    },
];
