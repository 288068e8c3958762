//! A turn of several rounds of calls: prompts, replies in words, what runs and what is remembered.

use std::collections::BTreeMap;

use countersign_formats::Text;
use countersign_formats::clawbolt::reply::Reply as Words;
use countersign_formats::clawbolt::{Covers, Defaults, Level, prompt, read};
use countersign_formats::json::{self, Grammar};
use countersign_policy::approval::{Asker, CancelReason, State};
use countersign_policy::{
    Attendance, Call, Cause, Decision, Effect, GrantResource, Judgement, Nobody, Offer, Policy, Question, Scope,
    SourceKind,
};
use countersign_service::gate::Gate;
use countersign_service::store::{Remembered, Reply, Withdraw};
use serde_json::{Value, json};

use super::rules::ROUND;
use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind};
use crate::world::{World, offering, once};

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
    if turn.world.records().iter().any(|record| record.approval.state == State::Open) {
        differences.push(Difference::looser("open", "nothing", "a question"));
    }
    differences
}

/// One of the case's tools.
struct Tool {
    /// What its calls are for: a constant, or the argument `res`.
    extract: Option<String>,
    noun: Option<String>,
}

/// A prompt that theirs sent, and what the human replied.
struct Line {
    first: String,
    reply: String,
    offers_all: bool,
    used: bool,
}

/// One message of a user, which an agent works at.
struct Turn {
    world: World,
    tools: BTreeMap<String, Tool>,
    attendance: Attendance,
    /// What theirs asked, in order.
    lines: Vec<Line>,
    /// What theirs came to, by call.
    theirs: Value,
    outcomes: BTreeMap<String, (Call, &'static str)>,
    calls: usize,
    events: Vec<Value>,
    differences: Vec<Difference>,
}

impl Turn {
    fn new(case: &Case) -> Turn {
        let mut defaults = Defaults { other: Some(Level::Ask), ..Defaults::default() };
        let mut tools = BTreeMap::new();
        for tool in case.context["tools"].as_array().unwrap() {
            let text = |name: &str| tool[name].as_str().map(str::to_owned);
            let name = text("name").unwrap();
            // A tool without a policy always runs.
            let level = text("default").map_or(Level::Always, |word| Level::named(&word).unwrap());
            defaults.tools.insert(name.clone(), level);
            tools.insert(name, Tool { extract: text("extract"), noun: text("noun") });
        }
        let lines = case.expect["prompts"].as_array().unwrap().iter().map(|prompt| Line {
            first: prompt["first_line"].as_str().unwrap().to_owned(),
            reply: prompt["reply"].as_str().unwrap().to_owned(),
            offers_all: prompt["offers_always_all"] == true,
            used: false,
        });
        let there = case.context["channel"] == true;
        Turn {
            world: World::new(policy(case, &defaults)),
            tools,
            attendance: if there { Attendance::Somebody } else { Attendance::Nobody },
            lines: lines.collect(),
            theirs: case.expect["outcomes"].clone(),
            outcomes: BTreeMap::new(),
            calls: 0,
            events: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Calls that came at once: all are decided first, and then asked about one after the other.
    fn round(&mut self, calls: &[Value]) {
        let mut waiting: Vec<(String, Call)> = Vec::new();
        let mut asks: Vec<(String, Call, Question)> = Vec::new();
        for sent in calls {
            let id = format!("call_{}", self.calls);
            self.calls += 1;
            let call = self.call(sent);
            match self.world.gate(&call) {
                Gate::Pending { question, .. } => {
                    let question = offering(*question, offers(&call));
                    asks.push((id.clone(), call.clone(), question));
                    waiting.push((id, call));
                }
                // A no until the turn ends answers a question that there is all the same.
                Gate::Decided { decision } if by_turn(&decision) => waiting.push((id, call)),
                decided => self.decided(id, &call, &decided),
            }
        }
        self.world.ask_turn(&asks, false);
        let mut interrupted = false;
        for (id, call) in waiting {
            interrupted = interrupted || self.ask(&id, &call);
            if interrupted {
                self.withdraw(&call);
                self.outcomes.insert(id, (call, "interrupted"));
            }
        }
    }

    /// Comes for an answer until there is one. Returns whether the human spoke of something else.
    fn ask(&mut self, id: &str, call: &Call) -> bool {
        loop {
            let open = match self.world.gate(call) {
                Gate::Pending { existing: Some(record), .. } => record.approval.id,
                Gate::Pending { existing: None, question, .. } => {
                    self.world.ask(call, &offering(*question, offers(call))).record.approval.id
                }
                decided => {
                    self.decided(id.to_owned(), call, &decided);
                    return false;
                }
            };
            if self.prompt(&open, id, call) {
                return true;
            }
        }
    }

    fn decided(&mut self, id: String, call: &Call, gate: &Gate) {
        let (Gate::Decided { decision } | Gate::Answered { decision, .. }) = gate else { panic!("{gate:?}") };
        let outcome = if decision.effect() == Effect::Allow { "executed" } else { "denied" };
        self.outcomes.insert(id, (call.clone(), outcome));
    }

    /// Sends a prompt; the human replies. Returns whether they spoke of something else.
    fn prompt(&mut self, open: &str, id: &str, call: &Call) -> bool {
        let noun = self.tools[&call.tool].noun.clone();
        // To allow all is offered where there is one of them.
        let blanket = noun.is_some() && resource(call).is_some();
        let text = prompt::approval(&description(call), blanket, noun.as_deref());
        let first = text.lines().next().unwrap();
        let known = self.lines.iter().position(|line| !line.used && line.first == first);
        let reply = match known {
            Some(at) => {
                self.lines[at].used = true;
                if self.lines[at].offers_all != text.contains("\n  always all: ") {
                    self.differences.push(Difference::looser("prompt", first, text.as_str()));
                }
                self.lines[at].reply.clone()
            }
            // Theirs did not ask: the human lets it end as it ended there.
            None => {
                self.differences.push(Difference::stricter("asked", "not asked", first));
                if self.theirs[id] == "executed" { "yes".to_owned() } else { "no".to_owned() }
            }
        };
        if known.is_some() {
            self.event("requested", call, None);
        }
        match (&*reply, Words::of(&reply)) {
            ("<new-topic>", _) => {
                self.event("decided", call, Some("interrupted"));
                return true;
            }
            // Nobody heard of it, or nobody answered: a no until the turn ends.
            ("<timeout>" | "<publish-fails>", _) => {
                self.answer(open, call, Words::Denied);
                if reply == "<timeout>" {
                    self.event("timed_out", call, None);
                }
            }
            (_, Some(words)) => {
                self.answer(open, call, words);
                if known.is_some() {
                    self.event("decided", call, Some(words.word()));
                }
            }
            (other, None) => panic!("an unknown reply {other}"),
        }
        false
    }

    fn answer(&mut self, open: &str, call: &Call, words: Words) {
        let mut answer = once(open, words.outcome());
        let remembers = words.remembers(resource(call).is_some(), self.tools[&call.tool].noun.is_some());
        if let Some((covers, scope)) = remembers {
            let question = self.world.record(open).question;
            let offers =
                question.parts.iter().flat_map(|part| part.offers.iter().map(|offer| (part.identity.clone(), offer)));
            let mut of =
                offers.filter(|(_, offer)| (offer.resource == GrantResource::Whole) == (covers == Covers::Tool));
            let (identity, offer) = of.next().unwrap();
            answer =
                Reply { remember: vec![Remembered { identity, resource: offer.resource.clone() }], scope, ..answer };
        }
        self.world.reply(&answer).unwrap();
    }

    fn event(&mut self, what: &str, call: &Call, decision: Option<&str>) {
        self.events.push(json!([what, call.tool, decision]));
    }

    fn withdraw(&mut self, call: &Call) {
        if let Gate::Pending { existing: Some(record), .. } = self.world.gate(call) {
            let own = Withdraw::Own { id: record.approval.id, asker: Asker::of(call) };
            self.world.withdraw(&own, CancelReason::NewMessage);
        }
    }

    fn call(&self, sent: &Value) -> Call {
        let tool = sent["tool"].as_str().unwrap();
        let args = sent["args"].clone();
        let resource = match self.tools[tool].extract.as_deref() {
            Some("res") => args["res"].as_str().map(str::to_owned),
            constant => constant.map(str::to_owned),
        };
        let texts: Vec<String> = resource.into_iter().collect();
        Call {
            host: "clawbolt".to_owned(),
            turn: Some("t".to_owned()),
            attendance: self.attendance,
            faults: Vec::new(),
            args,
            ..imported::call(tool, &texts)
        }
    }
}

impl Turn {
    fn of_outcomes(&self, theirs: &Value) -> Vec<Difference> {
        let mut differences = self.differences.clone();
        for (id, (call, ours)) in &self.outcomes {
            let theirs = theirs[id].as_str().unwrap_or("nothing");
            if theirs != *ours {
                let side = if *ours == "executed" { Difference::looser } else { Difference::stricter };
                let tool = &call.tool;
                differences.push(side(
                    "outcome",
                    format!("{id} of {tool}: {theirs}"),
                    format!("{id} of {tool}: {ours}"),
                ));
            }
        }
        differences
    }

    /// What theirs asked and we did not: looser where the call ran.
    fn of_prompts(&self) -> Vec<Difference> {
        let ran = |line: &Line| {
            let mut ran = self.outcomes.values().filter(|(_, outcome)| *outcome == "executed");
            ran.any(|(call, _)| line.first == format!("I'd like to: {}", description(call)))
        };
        let left = self.lines.iter().filter(|line| !line.used);
        left.map(|line| {
            let side = if ran(line) { Difference::looser } else { Difference::stricter };
            side("asked", line.first.as_str(), "not asked")
        })
        .collect()
    }

    /// What replies left behind for ever: each as tool, resource and level.
    fn of_stored(&mut self, before: &Value, after: &Value) -> Vec<Difference> {
        let levels = |file: &Value| {
            let mut levels: Vec<(String, Option<String>, String)> = Vec::new();
            for (tool, level) in file["tools"].as_object().into_iter().flatten() {
                levels.push((tool.clone(), None, level.as_str().unwrap_or_default().to_owned()));
            }
            for (tool, resources) in file["resources"].as_object().into_iter().flatten() {
                for (resource, level) in resources.as_object().into_iter().flatten() {
                    let level = level.as_str().unwrap_or_default().to_owned();
                    levels.push((tool.clone(), Some(resource.clone()), level));
                }
            }
            levels
        };
        let before = levels(before);
        let mut theirs = levels(after);
        theirs.retain(|level| !before.contains(level));
        theirs.sort();
        let mut ours: Vec<(String, Option<String>, String)> = Vec::new();
        for kept in self.world.grants().into_iter().filter(|kept| kept.grant.reach.scope == Scope::User) {
            let tool = kept.grant.action.to_string().trim_start_matches("tool:").to_owned();
            let resource = match kept.grant.resource {
                // An empty key stands for a call without a resource.
                GrantResource::Literal { key, shown } if !key.is_empty() => Some(shown),
                _ => None,
            };
            let level = if kept.grant.effect == Effect::Allow { Level::Always } else { Level::Never };
            ours.push((tool, resource, level.word().to_owned()));
        }
        ours.sort();
        ours.dedup();
        if theirs == ours {
            return Vec::new();
        }
        let whole = |level: &(String, Option<String>, String)| (level.0.clone(), None, level.2.clone());
        let stricter = ours.iter().all(|level| level.2 == "never" || theirs.contains(level))
            && theirs.iter().all(|level| level.2 == "always" || ours.contains(level) || ours.contains(&whole(level)));
        let side = if stricter { Difference::stricter } else { Difference::looser };
        vec![side("stored", format!("{theirs:?}"), format!("{ours:?}"))]
    }
}

fn policy(case: &Case, defaults: &Defaults) -> Policy {
    let line = Text::new("case", &case.line);
    let root = json::parse(&line, Grammar::Json).unwrap();
    let file = match &case.policy {
        Value::Null => "{}",
        _ => &case.line[root.member("policy").unwrap().span.clone()],
    };
    let source = read(&Text::new("PERMISSIONS.json", file), SourceKind::User, true, defaults).unwrap();
    Policy { nobody: Nobody::Deny, ..imported::policy(vec![source], Vec::new()) }
}

fn description(call: &Call) -> String {
    format!("{} {}", call.tool, call.args["text"].as_str().unwrap())
}

/// Whether it is denied because the human said no to the same in this turn.
fn by_turn(decision: &Decision) -> bool {
    let by_grant = |judged: &Judgement| matches!(judged.cause(), Cause::Grant { .. });
    decision.effect() == Effect::Deny && decision.judgements().iter().any(by_grant)
}

/// What a call is for.
fn resource(call: &Call) -> Option<String> {
    call.targets.first().and_then(|target| target.resource.literal())
}

/// What a prompt offers: this resource as it stands, and the tool whatever it does.
fn offers(call: &Call) -> Vec<Offer> {
    let target = &call.targets[0];
    let shown = resource(call).unwrap_or_default();
    let literal = GrantResource::Literal { key: target.grant_key().unwrap(), shown: shown.clone() };
    vec![
        Offer { resource: literal, words: shown },
        Offer { resource: GrantResource::Whole, words: format!("all of {}", call.tool) },
    ]
}
