//! The calls of one message: what its graph stops with, what it is resumed with, what runs, and what the model is told.

use countersign_formats::surfsense::{Entry, Interrupt, Reply as Resumed, denied, merged, rejected, reply, source};
use countersign_policy::approval::State;
use countersign_policy::{Call, Cause, Effect, Grant, GrantResource, Judgement, Offer, Policy, SourceKind};
use serde_json::{Value, json};

use crate::case::{Case, Folder, texts};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Agent, NOBODY_THERE, OPEN_TO_ANSWERS, World, chosen, effect, id, name_of, tool_with_resource};

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
    agent: Agent,
    /// The rules by themselves.
    rules: Policy,
    entries: Vec<Entry>,
    /// The patterns of each tool with a resolver, as it made them of the call's first arguments.
    resolved: Vec<(String, Vec<String>)>,
    /// What the tool's metadata says of its connector.
    connector: serde_json::Map<String, Value>,
    stops: Vec<Value>,
    ran: Vec<Value>,
    messages: Vec<Value>,
}

/// A call of the message.
struct Sent {
    id: String,
    tool: String,
    args: Value,
    patterns: Vec<String>,
    call: Value,
    /// The question about it.
    question: Option<String>,
}

impl Graph {
    fn new(case: &Case) -> Graph {
        let written: Vec<&Value> = [&case.policy["defaults"], &case.policy["rules"]]
            .into_iter()
            .flat_map(|rules| rules.as_array().into_iter().flatten())
            .collect();
        let entries: Vec<Entry> = written.iter().enumerate().map(|(at, rule)| entry(at, rule)).collect();
        let rules = imported::policy(vec![source(SourceKind::User, "rules", true, &entries)], Vec::new());
        let mut resolved = Vec::new();
        if case.context.get("pattern_resolver").is_some() {
            for stop in case.expect["trace"].as_array().unwrap() {
                let tool = stop["interrupt"]["action_requests"][0]["name"].as_str().unwrap().to_owned();
                resolved.push((tool, texts(&stop["interrupt"]["context"]["patterns"])));
            }
        }
        let mut tools: Vec<&str> = calls(case).filter_map(|call| call["name"].as_str()).collect();
        tools.sort_unstable();
        tools.dedup();
        let tools: String = tools.into_iter().map(|tool| tool_with_resource(tool, "/patterns")).collect();
        let there = if case.context["emit"] == false { NOBODY_THERE } else { OPEN_TO_ANSWERS };
        let policy = format!("{there}\n[[import]]\nfrom = \"rules.json\"\nsystem = \"surfsense\"\n{tools}");
        let world = World::new(&policy, &[("rules.json", &json!(written).to_string())]);
        let first = &case.expect["trace"][0]["interrupt"]["context"];
        let known = |(name, _): &(&String, &Value)| !["patterns", "rules", "always"].contains(&name.as_str());
        let more = first.as_object().into_iter().flatten().filter(known);
        Graph {
            agent: world.agent("surfsense", "s"),
            world,
            rules,
            entries,
            resolved,
            connector: more.map(|(name, value)| (name.clone(), value.clone())).collect(),
            stops: Vec::new(),
            ran: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// The model called these tools in one message.
    fn message(&mut self, calls: &[Value], resumes: Vec<Value>) {
        let mut sent: Vec<Sent> = calls.iter().enumerate().map(|(at, call)| self.sent(at, call)).collect();
        if sent.is_empty() {
            return;
        }
        let each = |(at, sent): (usize, &Sent)| (at.to_string(), sent.tool.clone(), sent.call["args"].clone());
        let turn: Vec<(String, String, Value)> = sent.iter().enumerate().map(each).collect();
        let turn = self.world.turn(&self.agent, "message", true, &turn);
        for (sent, verdict) in sent.iter_mut().zip(turn["calls"].as_array().unwrap()) {
            match effect(verdict) {
                Effect::Allow => self.run(sent, &sent.args),
                Effect::Ask => sent.question = Some(id(&verdict["approval"])),
                Effect::Deny => {
                    let message = match self.denying(sent) {
                        Some(rule) => Some(denied(&sent.id, &sent.tool, &rule)),
                        // Nobody can be asked: that is a no.
                        None => rejected(&sent.id, &sent.tool, &Resumed::Reject { feedback: None }),
                    };
                    self.messages.extend(message);
                }
            }
        }
        let mut resumes = resumes.into_iter();
        for sent in sent {
            if let Some(question) = sent.question.clone() {
                self.asked(&sent, &question, &mut resumes);
            }
        }
    }

    /// Stops with a call, unless an answer before it was about it too.
    fn asked(&mut self, sent: &Sent, question: &str, resumes: &mut impl Iterator<Item = Value>) {
        if self.world.state(question) == State::Open {
            let rules: Vec<Entry> = self.causes(sent).into_iter().filter_map(|(_, rule)| rule).collect();
            let stop = Interrupt {
                tool: &sent.tool,
                args: &sent.args,
                patterns: &sent.patterns,
                rules: &rules.iter().collect::<Vec<_>>(),
                connector: &self.connector,
            };
            self.stops.push(stop.payload());
            let Some(resumed) = resumes.next() else { return };
            let became = self.answer(sent, question, &reply(&resumed));
            if let Some(message) = rejected(&sent.id, &sent.tool, &became) {
                self.messages.push(message);
            }
        }
        self.come(sent, question);
    }

    /// Takes the human's reply; what became of it: an edit that policy does not let run is a rejection.
    fn answer(&self, sent: &Sent, question: &str, replied: &Resumed) -> Resumed {
        let answer = match replied {
            Resumed::Once { edited } if !edited.is_empty() => {
                let args = self.args(sent, merged(&sent.args, edited));
                json!({ "outcome": "allow", "args": args })
            }
            Resumed::Once { .. } => json!({ "outcome": "allow" }),
            Resumed::Always => {
                let literal = |offer: &Offer| matches!(offer.resource, GrantResource::Literal { .. });
                let remember = chosen(&self.world.question(question), literal);
                json!({ "outcome": "allow", "scope": "session", "remember": remember })
            }
            Resumed::Reject { feedback } => json!({ "outcome": "deny", "feedback": feedback }),
        };
        let taken = self.world.reply(question, &answer);
        if taken.code() == "stricter" {
            self.world.reply(question, &json!({ "outcome": "deny" })).is(200);
            return Resumed::Reject { feedback: None };
        }
        taken.is(200);
        replied.clone()
    }

    /// The agent comes for its answer, and with other arguments where a human changed them.
    fn come(&mut self, sent: &Sent, question: &str) {
        let told = self.world.wait(&self.agent, question);
        if told["state"] != "allowed" {
            return assert_eq!(told["state"], "denied", "{told}");
        }
        let mut call = sent.call.clone();
        if let Some(args) = told.get("args") {
            call["args"] = args.clone();
        }
        assert!(self.world.redeems(&self.agent, question, &call), "{call}");
        self.run(sent, &call["args"]["args"]);
    }

    fn run(&mut self, sent: &Sent, args: &Value) {
        self.ran.push(json!({ "id": sent.id, "name": sent.tool, "args": args }));
    }

    fn sent(&self, at: usize, sent: &Value) -> Sent {
        let text = |name: &str| sent[name].as_str().unwrap().to_owned();
        let (id, tool, args) = (text("id"), text("name"), sent["args"].clone());
        let resolved = self.resolved.iter().find(|(name, _)| *name == tool).map(|(_, patterns)| patterns.clone());
        let patterns = resolved.unwrap_or_else(|| vec![tool.clone()]);
        let of_call = json!({ "call": at, "patterns": patterns, "args": args });
        let call = self.world.call(&self.agent, &tool, of_call, Some("message"));
        Sent { id, tool, args, patterns, call, question: None }
    }

    /// The arguments of the same call once a human changed those of the tool; a resolver's pattern that was one of them
    /// follows it.
    fn args(&self, sent: &Sent, args: Value) -> Value {
        let mut of_call = sent.call["args"].clone();
        let follow = |pattern: &String| {
            let first = sent.args.as_object().into_iter().flatten().find(|(_, value)| **value == **pattern);
            let changed = first.and_then(|(name, _)| args[name].as_str());
            changed.map_or_else(|| pattern.clone(), str::to_owned)
        };
        of_call["patterns"] = sent.patterns.iter().map(follow).collect();
        of_call["args"] = args;
        of_call
    }

    /// What the rules say of each pattern. What a graph stops with names them, and no answer of ours does: the
    /// middleware evaluates them itself.
    fn causes(&self, sent: &Sent) -> Vec<(Effect, Option<Entry>)> {
        let call = Call { args: sent.args.clone(), ..imported::call(&sent.tool, &sent.patterns) };
        let decision = imported::judged(&self.rules, &call);
        let cause = |judged: &Judgement| match judged.cause() {
            Cause::Rule(rule) => self.entries.iter().find(|entry| entry.origin == rule.origin).cloned(),
            _ => None,
        };
        decision.judgements().iter().map(|judged| (judged.effect(), cause(judged))).collect()
    }

    fn denying(&self, sent: &Sent) -> Option<Entry> {
        let denies = self.causes(sent).into_iter().find(|(effect, _)| *effect == Effect::Deny);
        denies.and_then(|(_, rule)| rule)
    }

    /// What "always" left behind, as rules.
    fn remembered(&self) -> Vec<Value> {
        let rule = |grant: Grant| {
            let GrantResource::Literal { key, .. } = grant.resource else { panic!("a pattern as it stands") };
            let pattern = serde_json::from_str::<Vec<String>>(&key).unwrap().pop();
            let tool = name_of(&grant.action);
            json!({ "permission": tool, "pattern": pattern, "action": grant.effect.word() })
        };
        self.world.grants().into_iter().map(rule).collect()
    }
}

fn calls(case: &Case) -> impl Iterator<Item = &Value> {
    case.request["tool_calls"].as_array().into_iter().flatten()
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
