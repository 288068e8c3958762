//! Requests and replies of several sessions.

use std::collections::BTreeMap;

use countersign_formats::opencode::{Entry, Generation, Platform, Reply, Request, source};
use countersign_policy::{Effect, GrantResource, SourceKind, Target};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Agent, OPEN_TO_ANSWERS, World, chosen, effect, name_of, tool_with_resource};

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
    let mut clients = Clients::new(case, by);
    let mut differences = Vec::new();
    let theirs = case.expect["steps"].as_array().unwrap();
    for (step, theirs) in case.request["steps"].as_array().unwrap().iter().zip(theirs) {
        let ours = match step["op"].as_str() {
            Some("ask") => clients.ask(Request::read(step).unwrap()),
            Some("reply") => clients.reply(step),
            other => panic!("{}: an unknown step {other:?}", case.id),
        };
        let found = compare(theirs, &ours);
        // What is done with a request that theirs did not ask about follows from that.
        let follows = |id: &str| theirs["outcomes"][id] == "allowed" && asked_for_nothing(case, id);
        if step["op"] == "reply" && follows(step["requestID"].as_str().unwrap()) {
            differences.extend(found.into_iter().map(|one| Difference { side: Side::Stricter, ..one }));
        } else {
            differences.extend(found);
        }
    }
    let name = if by == Generation::First { "approved" } else { "saved" };
    let theirs: Vec<(String, String)> = each_once(case.expect[name].as_array().unwrap().iter().map(saved));
    let ours = each_once(clients.saved().into_iter());
    if theirs != ours {
        let side = if ours.iter().all(|one| theirs.contains(one)) { Difference::stricter } else { Difference::looser };
        differences.push(side("remembered", format!("{theirs:?}"), format!("{ours:?}")));
    }
    differences
}

/// OpenCode in front of our server: its tools ask, and its clients answer.
struct Clients {
    world: World,
    by: Generation,
    agents: BTreeMap<String, Agent>,
    asked: Vec<Asked>,
    outcomes: BTreeMap<String, String>,
}

/// A request with its call and its question.
#[derive(Clone)]
struct Asked {
    request: Request,
    agent: Agent,
    call: Value,
    question: String,
}

impl Clients {
    fn new(case: &Case, by: Generation) -> Clients {
        let rules = case.policy["rules"].as_array().into_iter().flatten();
        let rule = |rule: &Value| json!({ "action": rule["permission"], "resource": rule["pattern"], "effect": rule["action"] });
        // Behind what comes with the program: a ruleset of a case is all that there is.
        let everything = json!({ "action": "*", "resource": "*", "effect": "ask" });
        let rules: Vec<Value> = [everything].into_iter().chain(rules.map(rule)).collect();
        let steps = case.request["steps"].as_array().unwrap().iter();
        let mut permissions: Vec<&str> = steps.filter_map(|step| step["permission"].as_str()).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let tools: String = permissions.iter().map(|name| tool_with_resource(name, "/patterns")).collect();
        let policy = format!("{OPEN_TO_ANSWERS}\n[[import]]\nfrom = \"opencode.json\"\n{tools}");
        let file = json!({ "permission": rules }).to_string();
        let world = World::new(&policy, &[("opencode.json", &file)]);
        Clients { world, by, agents: BTreeMap::new(), asked: Vec::new(), outcomes: BTreeMap::new() }
    }

    fn ask(&mut self, request: Request) -> Value {
        let world = &self.world;
        let agent = self.agents.entry(request.session.clone());
        let agent = agent.or_insert_with(|| world.agent("opencode", &request.session)).clone();
        // It answers for one prompt of a session at a time.
        let call = world.call(&agent, &request.permission, request.args(), Some(&request.session));
        let mut events = Vec::new();
        match effect(&world.decide(&agent, &call)) {
            Effect::Allow => {
                self.outcomes.insert(request.id, "allowed".to_owned());
            }
            Effect::Deny => {
                self.outcomes.insert(request.id, self.by.denied().to_owned());
            }
            // What "always" would remember is OpenCode's tools' to say, and no agent can say that over HTTP: it would
            // have its human remember what it likes.
            Effect::Ask => {
                let asks = [(request.id.clone(), call.clone())];
                let offers = |_, _: &Target| request.offers(Platform::Posix);
                let question = world.asks_beside(&agent, &asks, false, offers).questions.remove(0);
                events.push(request.asked(self.by));
                self.asked.push(Asked { request, agent, call, question });
            }
        }
        self.state(events, None)
    }

    fn reply(&mut self, step: &Value) -> Value {
        let reply = Reply::named(step["reply"].as_str().unwrap()).unwrap();
        let asked = self.asked.iter().rev().find(|asked| step["requestID"] == *asked.request.id);
        let Some(asked) = asked.cloned() else { return self.state(Vec::new(), Some(self.by.unknown())) };
        let mut open = self.open();
        if !open.iter().any(|other| other.question == asked.question) {
            self.too_late(&asked, reply);
            return self.state(Vec::new(), Some(self.by.unknown()));
        }
        open.retain(|other| other.question != asked.question);
        let replies = match reply {
            Reply::Once => vec![to(&asked, json!({ "outcome": "allow" }))],
            Reply::Always => self.always(&asked, &open),
            Reply::Reject => {
                let feedback = step["message"].as_str();
                let rejected = to(&asked, json!({ "outcome": "deny", "feedback": feedback }));
                // Every other request of the session is rejected with it, and is not told why.
                open.retain(|other| other.request.session == asked.request.session);
                let others = open.iter().map(|other| to(other, json!({ "outcome": "deny" })));
                [rejected].into_iter().chain(others).collect()
            }
        };
        self.world.human("POST", "/v1/approvals/reply", &json!({ "replies": replies })).is(200);
        let now_open = self.open();
        let over = |other: &&Asked| !now_open.iter().any(|still| still.question == other.question);
        let mut events = vec![asked.request.replied(self.by, reply)];
        events.extend(open.iter().filter(over).map(|other| other.request.replied(self.by, reply)));
        self.come();
        self.state(events, Some("ok"))
    }

    /// The answer that remembers what was offered, and what it answers besides.
    fn always(&self, asked: &Asked, open: &[Asked]) -> Vec<Value> {
        let remember = chosen(&self.world.question(&asked.question), |_| true);
        let scope = if remember.is_empty() { "once" } else { "project" };
        let answer = json!({ "outcome": "allow", "scope": scope, "remember": remember });
        let also: Vec<&Asked> = match self.by {
            // Whatever the rules and all that is saved allow from now on, in any session.
            Generation::Second => open.iter().collect(),
            Generation::First => self.covered(asked, open),
        };
        let listed: Vec<&str> = also.iter().map(|other| &*other.question).collect();
        let mut with_others = answer.clone();
        with_others["also"] = json!(listed);
        with_others["alone"] = json!(true);
        let mut replies = vec![to(asked, with_others)];
        if self.by == Generation::First {
            // What was approved before covers them too: the client says so of each.
            replies.extend(also.iter().map(|other| to(other, json!({ "outcome": "allow" }))));
        }
        replies
    }

    /// The other requests of the session that what was approved allows by itself: the first system leaves the rules out
    /// of that. It is a step of OpenCode's own, and no request.
    fn covered<'a>(&self, asked: &Asked, open: &'a [Asked]) -> Vec<&'a Asked> {
        let mut approved = self.saved();
        let permission = &asked.request.permission;
        approved.extend(asked.request.always.iter().map(|pattern| (permission.clone(), pattern.clone())));
        let entries: Vec<Entry> =
            approved.iter().map(|(permission, pattern)| Entry::new(permission, pattern, Effect::Allow)).collect();
        let approved = source(SourceKind::User, "approved", true, &entries, Platform::Posix);
        let policy = imported::policy(vec![approved], Vec::new());
        let allows = |other: &&Asked| {
            let call = imported::call(&other.request.permission, &other.request.patterns);
            other.request.session == asked.request.session && imported::judged(&policy, &call).effect() == Effect::Allow
        };
        open.iter().filter(allows).collect()
    }

    /// An answer to what is over changes nothing.
    fn too_late(&self, asked: &Asked, reply: Reply) {
        let before = (self.world.state(&asked.question), self.world.grants());
        let outcome = if reply == Reply::Reject { "deny" } else { "allow" };
        let replied = self.world.reply(&asked.question, &json!({ "outcome": outcome }));
        assert!([200, 409].contains(&replied.status), "{}", replied.body);
        assert_eq!((self.world.state(&asked.question), self.world.grants()), before, "it was answered twice");
    }

    /// Every tool whose request was answered comes for its answer.
    fn come(&mut self) {
        for Asked { request, agent, call, question } in self.asked.clone() {
            if self.outcomes.contains_key(&request.id) {
                continue;
            }
            let told = self.world.wait(&agent, &question);
            let outcome = match told["state"].as_str() {
                Some("open") => continue,
                // Whoever waits is told what became of its own question, whatever was remembered meanwhile.
                Some("denied") => {
                    let feedback = told["feedback"].as_str();
                    let error = self.by.rejected(feedback);
                    match feedback {
                        Some(feedback) => format!("{error}:{feedback}"),
                        None if self.by == Generation::Second => format!("die:{error}"),
                        None => error.to_owned(),
                    }
                }
                _ if self.world.redeems(&agent, &question, &call) => "allowed".to_owned(),
                _ => self.by.denied().to_owned(),
            };
            self.outcomes.insert(request.id, outcome);
        }
    }

    fn open(&self) -> Vec<Asked> {
        let open = self.world.open();
        self.asked.iter().filter(|asked| open.contains(&asked.question)).cloned().collect()
    }

    fn state(&self, events: Vec<Value>, reply: Option<&str>) -> Value {
        let pending: Vec<String> = self.open().into_iter().map(|asked| asked.request.id).collect();
        json!({ "events": events, "pending": pending, "outcomes": self.outcomes, "reply_outcome": reply })
    }

    /// What "always" left behind: permission and pattern.
    fn saved(&self) -> Vec<(String, String)> {
        let grants = self.world.grants().into_iter();
        let saved = grants.map(|grant| {
            let GrantResource::Pattern(pattern) = &grant.resource else { panic!("a pattern was offered") };
            let permission = name_of(&grant.action);
            (permission, pattern.as_str().to_owned())
        });
        saved.collect()
    }
}

fn to(asked: &Asked, reply: Value) -> Value {
    json!({ "approval": asked.question, "reply": reply })
}

/// Whether that request was for nothing.
fn asked_for_nothing(case: &Case, id: &str) -> bool {
    let mut steps = case.request["steps"].as_array().unwrap().iter();
    steps.any(|step| step["id"] == *id && step["patterns"].as_array().is_some_and(Vec::is_empty))
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

const RULES: &[Rule] = &[
    Rule {
        name: "a remembered yes lifts no denial",
        inputs: "patterns that the configuration denies and an earlier \"always\" covers",
        answer: "deny",
        why: "what a human once allowed turns asks into allows; whoever configured a denial meant it, and OpenCode's own second permission system has it so",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "outcome" && difference.ours.ends_with("DeniedError"),
    },
    Rule {
        name: "a call for nothing asks",
        inputs: "calls without any pattern or resource",
        answer: "what the rules say of any, and at least ask",
        why: "a tool that should have named what it touches and named nothing was not understood",
        side: Side::Stricter,
        explains: |case, _| {
            let ids = case.request["steps"].as_array().unwrap().iter().filter_map(|step| step["id"].as_str());
            ids.into_iter().any(|id| asked_for_nothing(case, id))
        },
    },
];
