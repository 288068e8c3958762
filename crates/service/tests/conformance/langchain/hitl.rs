//! The calls of one message in both modes: what a graph stops with, what it is resumed with, and what ran.

use countersign_formats::langchain::{
    Config, Decision, Gate as Asks, ToolCall, Unexpected, approval, decision, decisions, rejected, request,
};
use countersign_policy::approval::{Outcome, State};
use countersign_policy::{Call, Effect, Question, SourceKind, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::Gate;
use countersign_service::store::{EditedCall, Owner, Reply};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{USER, World, once};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "langchain",
        name: "hitl",
        compares: "that a configuration or an answer is refused; each interrupt's value and what may be answered to it; the calls that ran; of those that did not, what the model is told",
        replay,
        rules: vec![
            Rule {
                name: "arguments are shown by their names",
                inputs: "calls with several arguments",
                answer: "the description lists them in the order of their names",
                why: "an agent chooses the order in which it writes them, and what is asked twice reads the same twice",
                side: Side::Stricter,
                explains: |_, difference| difference.of == "order",
            },
            Rule {
                name: "an edit stays with its tool",
                inputs: "an edit that names another tool, of several calls at once",
                answer: "refused, and nothing runs",
                why: "theirs runs the other tool without asking about it; its newer mode refuses such an edit too",
                side: Side::Stricter,
                explains: |case, difference| {
                    case.context["interrupt_mode"] == "batched"
                        && case.request["resume"].to_string().contains("edited_action")
                        && difference.of != "interrupts"
                },
            },
        ],
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let theirs = &case.expect;
    let config = match (Config::read(&case.policy["interrupt_on"]), theirs.get("config_error").is_some()) {
        (Ok(config), false) => config,
        (Err(_), true) => return Vec::new(),
        (Err(error), false) => return vec![Difference::stricter("config", "read", error)],
        (Ok(_), true) => return vec![Difference::looser("config", "an error", "read")],
    };
    let batched = case.context["interrupt_mode"] != "per_call";
    let mut graph = Graph::new(case, config);
    graph.message(batched);
    let mut differences = graph.of_interrupts(&theirs["interrupts"]);
    let error = match batched {
        true => graph.resume(&case.request["resume"]).err(),
        false => graph.answer(&case.request["answers_sorted_by_tool_call_id"]).err(),
    };
    match (theirs.get("error").is_some(), &error) {
        (true, None) => differences.push(Difference::looser("error", theirs["error"].to_string(), "none")),
        (false, Some(error)) => differences.push(Difference::stricter("error", "none", error.to_string())),
        _ => {}
    }
    let sorted = |calls: &Value| {
        let mut calls: Vec<String> = calls.as_array().into_iter().flatten().map(Value::to_string).collect();
        calls.sort_unstable();
        calls
    };
    let (theirs_ran, ours_ran) = (sorted(&theirs["executed"]), sorted(&json!(graph.executed)));
    if theirs_ran != ours_ran {
        let side = if ours_ran.iter().all(|call| theirs_ran.contains(call)) {
            Difference::stricter
        } else {
            Difference::looser
        };
        differences.push(side("executed", theirs_ran.join(" "), ours_ran.join(" ")));
    }
    differences.extend(graph.of_messages(&theirs["messages"]));
    differences
}

/// A graph, its agent, and the human who answers.
struct Graph {
    world: World,
    config: Config,
    /// The calls of the message: id, tool, arguments, and the schema of these.
    calls: Vec<(String, String, Value, Option<Value>)>,
    /// Those that ask, by their place among the calls.
    asked: Vec<usize>,
    batch: Option<String>,
    executed: Vec<Value>,
    /// By call: what the model is told in place of the tool's answer, and whether as an error.
    told: Vec<(String, String, bool)>,
}

impl Graph {
    fn new(case: &Case, config: Config) -> Graph {
        let source = config.source(SourceKind::User, "interrupt_on", true);
        let world = World::new(imported::policy(vec![source], Vec::new()));
        let interrupts = case.expect["interrupts"].as_array().cloned().unwrap_or_default();
        // The tools' own schemas stand in what a client is sent.
        let schema = |tool: &str| interrupts.iter().find_map(|one| one["response_schema"]["$defs"].get(tool).cloned());
        let calls = case.request["tool_calls"].as_array().unwrap().iter().map(|call| {
            let name = call["name"].as_str().unwrap().to_owned();
            let schema = schema(&name);
            (call["id"].as_str().unwrap().to_owned(), name, call["args"].clone(), schema)
        });
        let calls = calls.collect();
        Graph { world, config, calls, asked: Vec::new(), batch: None, executed: Vec::new(), told: Vec::new() }
    }

    /// The model called these tools; what asks is one batch. One call at a time, what does not ask runs at once.
    fn message(&mut self, batched: bool) {
        let mut asks: Vec<(String, Call, Question)> = Vec::new();
        for (at, (id, name, args, _)) in self.calls.clone().into_iter().enumerate() {
            let call = call(&id, &name, &args);
            match self.world.gate(&call) {
                Gate::Pending { question, .. } => {
                    asks.push((id, call, *question));
                    self.asked.push(at);
                }
                Gate::Decided { decision } if decision.effect() == Effect::Allow => {
                    if !batched {
                        self.executed.push(executed(&name, &args));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        self.batch = self.world.ask_turn(&asks, true).batch.map(|batch| batch.id);
    }

    /// All answers at once, or none.
    fn resume(&mut self, resumed: &Value) -> Result<(), Unexpected> {
        if self.asked.is_empty() {
            self.run_free();
            return Ok(());
        }
        if resumed.is_null() {
            return Ok(());
        }
        let config = self.config.clone();
        let calls = self.calls.clone();
        let asked: Vec<(ToolCall<'_>, &Asks)> = self.asked.iter().map(|at| asked(&calls[*at], &config)).collect();
        let decided = decisions(resumed, &asked)?;
        for (at, decided) in self.asked.clone().into_iter().zip(decided) {
            self.decide(at, decided);
        }
        self.run_free();
        let now = self.world.pass();
        let owner = Owner { user: USER.to_owned(), session: "langchain:s".to_owned() };
        let batch = self.batch.clone().unwrap();
        block_on(self.world.store.take_batch(&batch, &owner, "request", None, now)).unwrap();
        for at in self.asked.clone() {
            self.come(at);
        }
        Ok(())
    }

    /// One answer for each call; one that is no answer leaves its call open.
    fn answer(&mut self, answers: &Value) -> Result<(), Unexpected> {
        let Some(answers) = answers.as_array() else { return Ok(()) };
        let config = self.config.clone();
        let mut first = Ok(());
        for (at, answer) in self.asked.clone().into_iter().zip(answers) {
            let one = self.calls[at].clone();
            let (call, gate) = asked(&one, &config);
            match decision(answer, &call, gate) {
                Ok(decided) => {
                    self.decide(at, decided);
                    self.come(at);
                }
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    fn decide(&mut self, at: usize, decided: Decision) {
        let (id, name, args, _) = self.calls[at].clone();
        let original = call(&id, &name, &args);
        let question = self.question(&original);
        let answer = match decided {
            Decision::Approve => once(&question, Outcome::Allow),
            Decision::Edit { args } => {
                let call = call(&id, &name, &Value::Object(args));
                let decision = self.world.engine.decide(&[], None, &call, Timestamp(0));
                let edited = EditedCall { question: self.world.engine.question(&call, &decision, &Disk), call };
                Reply { edited: Some(edited), ..once(&question, Outcome::Allow) }
            }
            Decision::Reject { message } => {
                let of = ToolCall { id: &id, name: &name, args: &args, schema: None };
                self.told.push((id.clone(), rejected(&of, message.as_deref()), true));
                Reply { feedback: message, ..once(&question, Outcome::Deny) }
            }
            Decision::Respond { message } => {
                self.told.push((id.clone(), message.clone(), false));
                Reply { feedback: Some(message), ..once(&question, Outcome::Deny) }
            }
        };
        self.world.reply(&answer).unwrap();
    }

    fn question(&mut self, call: &Call) -> String {
        let Gate::Pending { existing: Some(record), .. } = self.world.gate(call) else { panic!("it is open") };
        record.approval.id
    }

    /// The tool comes for its answer, and runs or does not.
    fn come(&mut self, at: usize) {
        let (id, name, args, _) = self.calls[at].clone();
        match self.world.gate(&call(&id, &name, &args)) {
            Gate::Edited { record, .. } => {
                let State::Allowed { answer, .. } = &record.approval.state else { panic!() };
                let runs = answer.edited.as_ref().unwrap().args["args"].clone();
                let redeemed = self.world.redeem(&record.approval.id, &call(&id, &name, &runs)).unwrap();
                assert_eq!(redeemed.effect(), Effect::Allow);
                self.executed.push(executed(&name, &runs));
            }
            Gate::Answered { decision, .. } if decision.effect() == Effect::Allow => {
                self.executed.push(executed(&name, &args));
            }
            // Denied; in one batch its agent has been told already, and the call would ask anew.
            Gate::Answered { .. } | Gate::Pending { existing: None, .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn run_free(&mut self) {
        for (at, (_, name, args, _)) in self.calls.iter().enumerate() {
            if !self.asked.contains(&at) {
                self.executed.push(executed(name, args));
            }
        }
    }

    fn of_interrupts(&self, theirs: &Value) -> Vec<Difference> {
        let asked: Vec<(ToolCall<'_>, &Asks)> =
            self.asked.iter().map(|at| asked(&self.calls[*at], &self.config)).collect();
        let theirs = theirs.as_array().cloned().unwrap_or_default();
        let values: Vec<&Value> = theirs.iter().map(|one| &one["value"]).collect();
        let is_batched = values.iter().all(|value| value.get("action_requests").is_some());
        let ours: Vec<Value> = match is_batched {
            _ if asked.is_empty() => Vec::new(),
            true => vec![request(&asked)],
            false => asked.iter().map(|(call, gate)| approval(call, gate)).collect(),
        };
        let letters = |value: String| {
            let mut letters: Vec<char> = value.chars().collect();
            letters.sort_unstable();
            letters
        };
        let (shown, ours_shown) = (json!(values).to_string(), json!(ours).to_string());
        if shown != ours_shown && letters(shown.clone()) == letters(ours_shown.clone()) {
            return vec![Difference::stricter("order", shown, ours_shown)];
        }
        if values != ours.iter().collect::<Vec<_>>() {
            return vec![Difference::looser("interrupts", json!(values).to_string(), json!(ours).to_string())];
        }
        // What may be answered, where their schema says it.
        let mut differences = Vec::new();
        for (one, (_, gate)) in theirs.iter().zip(&asked) {
            let Some(mapping) = one["response_schema"]["discriminator"]["mapping"].as_object() else { continue };
            let mut ours: Vec<&str> = gate.allowed.iter().map(|allowed| allowed.word()).collect();
            ours.sort_unstable();
            let mut theirs: Vec<&String> = mapping.keys().collect();
            theirs.sort_unstable();
            if theirs != ours {
                differences.push(Difference::looser("interrupts", format!("{theirs:?}"), format!("{ours:?}")));
            }
        }
        differences
    }

    fn of_messages(&self, theirs: &Value) -> Vec<Difference> {
        let mut differences = Vec::new();
        for message in theirs.as_array().into_iter().flatten().filter(|message| message["type"] == "tool") {
            let id = message["tool_call_id"].as_str().unwrap();
            let told = self.told.iter().find(|(call, ..)| call == id);
            let (said, is_error) = (message["content"].as_str().unwrap(), message["status"] == "error");
            let same = match told {
                Some((_, text, error)) => text == said && *error == is_error,
                // It ran: its answer is the tool's.
                None => !is_error,
            };
            if !same {
                differences.push(Difference::looser("message", message.to_string(), format!("{told:?}")));
            }
        }
        differences
    }
}

fn asked<'a>(
    (id, name, args, schema): &'a (String, String, Value, Option<Value>),
    config: &'a Config,
) -> (ToolCall<'a>, &'a Asks) {
    (ToolCall { id, name, args, schema: schema.as_ref() }, &config.tools[name])
}

/// With its id: two calls alike are two questions.
fn call(id: &str, tool: &str, args: &Value) -> Call {
    Call {
        host: "langchain".to_owned(),
        turn: Some("message".to_owned()),
        args: json!({ "tool_call_id": id, "args": args }),
        faults: Vec::new(),
        ..imported::call(tool, &[])
    }
}

/// What the recorder's tools note of a call that runs.
fn executed(tool: &str, args: &Value) -> Value {
    match tool {
        "send" => json!([tool, args["to"], args.get("body").cloned().unwrap_or(json!("x"))]),
        "delete" => json!([tool, args["path"]]),
        _ => json!([tool, args["q"]]),
    }
}
