//! The calls of one message in both modes: what a graph stops with, what it is resumed with, and what ran.

use std::collections::BTreeSet;

use countersign_formats::langchain::{
    Config, Decision, Gate as Asks, ToolCall, Unexpected, approval, decision, decisions, rejected, request,
};
use countersign_policy::Effect;
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Agent, OPEN_TO_ANSWERS, World, effect, id, quoted};

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
    agent: Agent,
    config: Config,
    /// The calls of the message: id, tool, arguments, and the schema of these.
    calls: Vec<(String, String, Value, Option<Value>)>,
    /// Those that ask: their place among the calls, and the question.
    asked: Vec<(usize, String)>,
    batch: Option<String>,
    executed: Vec<Value>,
    /// By call: what the model is told in place of the tool's answer, and whether as an error.
    told: Vec<(String, String, bool)>,
}

impl Graph {
    fn new(case: &Case, config: Config) -> Graph {
        let interrupts = case.expect["interrupts"].as_array().cloned().unwrap_or_default();
        // The tools' own schemas stand in what a client is sent.
        let schema = |tool: &str| interrupts.iter().find_map(|one| one["response_schema"]["$defs"].get(tool).cloned());
        let calls = case.request["tool_calls"].as_array().unwrap().iter().map(|call| {
            let name = call["name"].as_str().unwrap().to_owned();
            let schema = schema(&name);
            (call["id"].as_str().unwrap().to_owned(), name, call["args"].clone(), schema)
        });
        let calls: Vec<_> = calls.collect();
        let world = World::new(&policy(&config, calls.iter().map(|(_, tool, ..)| &**tool)), &[]);
        let agent = world.agent("langchain", "s");
        let (asked, executed, told) = (Vec::new(), Vec::new(), Vec::new());
        Graph { world, agent, config, calls, asked, batch: None, executed, told }
    }

    /// The model called these tools; what asks is one batch. One call at a time, what does not ask runs at once.
    fn message(&mut self, batched: bool) {
        if self.calls.is_empty() {
            return;
        }
        let each = |(at, (_, tool, args, _)): (usize, &(String, String, Value, _))| {
            (at.to_string(), tool.clone(), of_call(at, args))
        };
        let calls: Vec<(String, String, Value)> = self.calls.iter().enumerate().map(each).collect();
        let turn = self.world.turn(&self.agent, "message", true, &calls);
        for (at, verdict) in turn["calls"].as_array().unwrap().iter().enumerate() {
            match effect(verdict) {
                Effect::Ask => self.asked.push((at, id(&verdict["approval"]))),
                Effect::Allow if !batched => {
                    let (_, tool, args, _) = &self.calls[at];
                    self.executed.push(executed(tool, args));
                }
                Effect::Allow => {}
                Effect::Deny => panic!("{verdict}"),
            }
        }
        self.batch = turn["batch"]["id"].as_str().map(str::to_owned);
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
        let (config, calls) = (self.config.clone(), self.calls.clone());
        let asked: Vec<(ToolCall<'_>, &Asks)> = self.asked.iter().map(|(at, _)| asked(&calls[*at], &config)).collect();
        let decided = decisions(resumed, &asked)?;
        let each = |((at, question), decided): (&(usize, String), Decision)| json!({ "approval": question, "reply": reply(*at, &decided) });
        let replies: Vec<Value> = self.asked.iter().zip(decided.clone()).map(each).collect();
        self.world.human("POST", "/v1/approvals/reply", &json!({ "replies": replies })).is(200);
        self.run_free();
        let batch = self.batch.clone().unwrap();
        self.world.by(&self.agent, &format!("/v1/batches/{batch}/resume"), &json!({})).is(200);
        for ((at, question), decided) in self.asked.clone().into_iter().zip(decided) {
            self.come(at, &question, decided);
        }
        Ok(())
    }

    /// One answer for each call; one that is no answer leaves its call open.
    fn answer(&mut self, answers: &Value) -> Result<(), Unexpected> {
        let Some(answers) = answers.as_array() else { return Ok(()) };
        let config = self.config.clone();
        let mut first = Ok(());
        for ((at, question), answer) in self.asked.clone().into_iter().zip(answers) {
            let one = self.calls[at].clone();
            let (call, gate) = asked(&one, &config);
            match decision(answer, &call, gate) {
                Ok(decided) => {
                    self.world.reply(&question, &reply(at, &decided)).is(200);
                    self.come(at, &question, decided);
                }
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// The tool comes for its answer, and runs or does not.
    fn come(&mut self, at: usize, question: &str, decided: Decision) {
        let (id, tool, args, _) = self.calls[at].clone();
        let told = self.world.wait(&self.agent, question);
        if told["state"] == "allowed" {
            let runs = told.get("args").cloned().unwrap_or_else(|| of_call(at, &args));
            let call = self.world.call(&self.agent, &tool, runs.clone(), Some("message"));
            assert!(self.world.redeems(&self.agent, question, &call), "{call}");
            return self.executed.push(executed(&tool, &runs["args"]));
        }
        assert_eq!(told["state"], "denied", "{told}");
        let said = told["feedback"].as_str();
        let heard = |message: Option<&str>| assert_eq!(said, message.filter(|text| !text.trim().is_empty()));
        match decided {
            Decision::Respond { message } => {
                heard(Some(&message));
                self.told.push((id, message, false));
            }
            Decision::Reject { message } => {
                heard(message.as_deref());
                let of = ToolCall { id: &id, name: &tool, args: &args, schema: None };
                let text = rejected(&of, message.as_deref());
                self.told.push((id, text, true));
            }
            Decision::Approve | Decision::Edit { .. } => panic!("it was allowed: {told}"),
        }
    }

    fn run_free(&mut self) {
        for (at, (_, name, args, _)) in self.calls.iter().enumerate() {
            if !self.asked.iter().any(|(other, _)| *other == at) {
                self.executed.push(executed(name, args));
            }
        }
    }

    fn of_interrupts(&self, theirs: &Value) -> Vec<Difference> {
        let asked: Vec<(ToolCall<'_>, &Asks)> =
            self.asked.iter().map(|(at, _)| asked(&self.calls[*at], &self.config)).collect();
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

/// The tools of the configuration ask, and every other one is allowed.
fn policy<'t>(config: &Config, called: impl Iterator<Item = &'t str>) -> String {
    let (asks, allows): (BTreeSet<&str>, BTreeSet<&str>) = called.partition(|tool| config.tools.contains_key(*tool));
    let rules = |tools: BTreeSet<&str>| {
        let rules: Vec<String> = tools.into_iter().map(|tool| quoted(&format!("tool:{tool}"))).collect();
        rules.join(", ")
    };
    format!("{OPEN_TO_ANSWERS}ask = [{}]\nallow = [{}]\n", rules(asks), rules(allows))
}

/// The arguments of a call of ours. With its place: two calls alike are two questions.
fn of_call(at: usize, args: &Value) -> Value {
    json!({ "call": at, "args": args })
}

/// A decision as a human's answer.
fn reply(at: usize, decided: &Decision) -> Value {
    match decided {
        Decision::Approve => json!({ "outcome": "allow" }),
        Decision::Edit { args } => {
            json!({ "outcome": "allow", "args": of_call(at, &Value::Object(args.clone())) })
        }
        Decision::Reject { message } => json!({ "outcome": "deny", "feedback": message }),
        Decision::Respond { message } => json!({ "outcome": "deny", "feedback": message }),
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
