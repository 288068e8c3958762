//! Commands of one turn: what the client is asked, what it answers, and what ran.

use countersign_formats::Text;
use countersign_formats::codex::approval::{self, Answer, COMMAND_APPROVAL, CommandApproval};
use countersign_formats::codex::{self, Resolution, parse, source};
use countersign_policy::{Action, Call, Cause, Effect, GrantResource, Offer, Policy, Resource, SourceKind, Target};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Agent, NOBODY_THERE, OPEN_TO_ANSWERS, World, chosen, effect, quoted};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "codex",
        name: "approval-flow",
        compares: "each request's command, folder, reason, proposed rule and decisions; which commands ran and which were declined; whether the turn ended; the rules that were kept; of single commands whether they are asked about, rejected or run",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut turn = Turn::new(case);
    match case.request["argv"].as_array() {
        Some(argv) => turn.probe(argv.last().unwrap().as_str().unwrap(), &case.expect["outcome"]),
        None => turn.play(case),
    }
}

/// A turn of the model, its app server, and the client.
struct Turn {
    world: World,
    agent: Agent,
    /// The rules by themselves.
    rules: Policy,
    cwd: String,
    requests: Vec<Value>,
    /// What became of each command that got so far as to be shown.
    items: Vec<&'static str>,
    interrupted: bool,
}

impl Turn {
    fn new(case: &Case) -> Turn {
        let text = case.policy["rules"].as_str().unwrap_or_default();
        let rules = parse(&[Text::new("default.rules", text)]).unwrap();
        // Whoever is never to be asked is not there.
        let never = case.policy["approval_policy"] == "never";
        let there = if never { NOBODY_THERE } else { OPEN_TO_ANSWERS };
        let policy = format!(
            "{there}ask = [{{ rule = \"shell\", unless = [{}] }}]\n\n[[import]]\nfrom = \"default.rules\"\n",
            allowed(&rules)
        );
        let world = World::new(&policy, &[("default.rules", text)]);
        let source = source(&rules, SourceKind::User, "default.rules", true, Resolution::ByName);
        Turn {
            agent: world.agent("countersign", "thread"),
            world,
            rules: imported::policy(vec![source], Vec::new()),
            cwd: case.context["cwd"].as_str().unwrap_or_default().to_owned(),
            requests: Vec::new(),
            items: Vec::new(),
            interrupted: false,
        }
    }

    fn probe(&mut self, line: &str, theirs: &Value) -> Vec<Difference> {
        let call = self.call(line, &json!({}));
        let ours = match effect(&self.world.decide(&self.agent, &call)) {
            Effect::Ask => "asked",
            Effect::Allow => "not-asked",
            Effect::Deny => "rejected",
        };
        let theirs = theirs.as_str().unwrap();
        let word = theirs.split(':').next().unwrap();
        if word == ours {
            return Vec::new();
        }
        let runs = ["not-asked", "ran-sandboxed"].contains(&word);
        let side = if runs || ours == "rejected" { Difference::stricter } else { Difference::looser };
        vec![side("command", theirs, ours)]
    }

    fn play(&mut self, case: &Case) -> Vec<Difference> {
        let commands = case.request["model_calls"].as_array().unwrap().iter().all(|call| call["cmd"].is_string());
        if !commands {
            return vec![Difference::stricter("tool", case.expect["requests"].to_string(), "refused")];
        }
        let mut answers = case.request["client_answers"].as_array().cloned().unwrap_or_default().into_iter();
        for sent in case.request["model_calls"].as_array().unwrap() {
            if !self.interrupted {
                self.command(sent["cmd"].as_str().unwrap(), &sent["extra"], &mut answers);
            }
        }
        let theirs = &case.expect;
        let mut differences = Vec::new();
        let asked: Vec<Value> = theirs["requests"].as_array().unwrap().iter().map(shown).collect();
        if asked != self.requests {
            let side = if self.requests.len() > asked.len() { Difference::stricter } else { Difference::looser };
            differences.push(side("requests", json!(asked).to_string(), json!(self.requests).to_string()));
        }
        let became = |item: &Value| if item["status"] == "declined" { "declined" } else { "ran" };
        let items: Vec<&str> = theirs["items"].as_array().unwrap().iter().map(became).collect();
        if items != self.items {
            let ran = |items: &[&str]| items.iter().filter(|item| **item == "ran").count();
            let side = if ran(&self.items) < ran(&items) { Difference::stricter } else { Difference::looser };
            differences.push(side("items", items.join(" "), self.items.join(" ")));
        }
        let turn = if self.interrupted { "interrupted" } else { "completed" };
        if theirs["turn"] != turn {
            differences.push(Difference::looser("turn", theirs["turn"].to_string(), turn));
        }
        let kept = self.kept();
        if theirs["default_rules"].as_str().unwrap_or_default() != kept {
            differences.push(Difference::looser("rules", theirs["default_rules"].to_string(), kept));
        }
        differences
    }

    fn command(&mut self, line: &str, extra: &Value, answers: &mut impl Iterator<Item = Value>) {
        let call = self.call(line, extra);
        match effect(&self.world.decide(&self.agent, &call)) {
            Effect::Allow => return self.items.push("ran"),
            // Whoever is never asked is told, and nothing is shown.
            Effect::Deny => return,
            Effect::Ask => {}
        }
        let taken_apart = self.world.taken_apart(&self.agent, &call);
        let request = self.request(line, extra, &taken_apart);
        // What a client may have remembered is Codex's to propose, some of it in the model's own words: no agent can say
        // that over HTTP.
        let offers = |_, target: &Target| offers(target, request.amendment.as_deref());
        let beside = self.world.asks_beside(&self.agent, &[("call".to_owned(), call.clone())], false, offers);
        let id = &beside.questions[0];
        self.requests.push(shown(&json!({ "method": COMMAND_APPROVAL, "params": request.params() })));
        // A client that does not answer declines.
        let answer = answers.next().map_or(Some(Answer::Decline), |answer| Answer::read(&answer));
        let answer = answer.unwrap_or(Answer::Decline);
        let remembering = |scope: &str, is: &dyn Fn(&GrantResource) -> bool| {
            let remember = chosen(&self.world.question(id), |offer| is(&offer.resource));
            json!({ "outcome": "allow", "scope": scope, "remember": remember })
        };
        let reply = match answer {
            Answer::Accept => json!({ "outcome": "allow" }),
            Answer::AcceptForSession => {
                remembering("session", &|resource| matches!(resource, GrantResource::Literal { .. }))
            }
            Answer::Amend(words) => {
                let offer = approval::offer(&words).unwrap();
                remembering("user", &|resource| *resource == offer.resource)
            }
            Answer::Decline => json!({ "outcome": "deny" }),
            Answer::Cancel => {
                self.world.give_up(&self.agent, Some("t"), "stop");
                self.interrupted = true;
                return self.items.push("declined");
            }
        };
        self.world.reply(id, &reply).is(200);
        let told = self.world.wait(&self.agent, id);
        let runs = told["state"] == "allowed" && self.world.redeems(&self.agent, id, &call);
        self.items.push(if runs { "ran" } else { "declined" });
    }

    /// What the client is shown. Why it is asked stands in a rule, and no answer of ours names that: Codex evaluates its
    /// rules itself.
    fn request(&self, line: &str, extra: &Value, call: &Call) -> CommandApproval {
        let command = approval::command(line);
        let decision = imported::judged(&self.rules, call);
        let by_rule = decision.judgements().iter().find_map(|judged| match judged.cause() {
            Cause::Rule(rule) => Some(rule.why.clone()),
            _ => None,
        });
        let commands: Vec<Vec<String>> = call.targets.iter().filter_map(words).collect();
        let suggested: Option<Vec<String>> =
            extra["prefix_rule"].as_array().map(|_| crate::case::texts(&extra["prefix_rule"]));
        let amendment = match (&by_rule, &*commands) {
            (None, [argv]) => approval::amendment(argv, suggested.as_deref()),
            _ => None,
        };
        let said = extra["justification"].as_str().map(str::to_owned);
        let reason = by_rule.map(|why| approval::reason(&command, why.as_deref())).or(said);
        CommandApproval { command, cwd: self.cwd.clone(), reason, amendment }
    }

    /// What it asks of the sandbox is a part of what is approved.
    fn call(&self, line: &str, extra: &Value) -> Value {
        self.world.call(&self.agent, "shell", json!({ "resource": line, "extra": extra }), Some("t"))
    }

    /// The rules that answers left behind, as lines of a rules file.
    fn kept(&self) -> String {
        let grants = self.world.grants();
        let prefixes = grants.iter().filter_map(|grant| match &grant.resource {
            GrantResource::Pattern(pattern) => Some(pattern.as_str().to_owned()),
            _ => None,
        });
        // A prefix is kept as a list of words.
        prefixes.map(|text| approval::rule_line(&serde_json::from_str::<Vec<String>>(&text).unwrap())).collect()
    }
}

/// What rules allow is not asked about. Whatever they do not speak of is: with us no sandbox stands in for an answer.
fn allowed(rules: &codex::Rules) -> String {
    let allow = rules.prefixes.iter().filter(|rule| rule.decision == codex::Decision::Allow);
    let mut lines: Vec<String> = Vec::new();
    for rule in allow {
        let mut prefixes = vec![String::new()];
        for words in &rule.pattern {
            let longer =
                |prefix: &String| words.iter().map(|word| format!("{prefix}{} ", escaped(word))).collect::<Vec<_>>();
            prefixes = prefixes.iter().flat_map(longer).collect();
        }
        lines.extend(prefixes.iter().map(|prefix| quoted(&format!("{prefix}**"))));
    }
    lines.join(", ")
}

fn escaped(word: &str) -> String {
    let escape = |c: char| if c.is_alphanumeric() || "-_./".contains(c) { c.to_string() } else { format!("\\{c}") };
    word.chars().map(escape).collect()
}

/// A target as it stands, and the proposed rule where it covers the command.
fn offers(target: &Target, amendment: Option<&[String]>) -> Vec<Offer> {
    let shown = target.resource.literal().unwrap_or_default();
    let literal = |key| Offer { resource: GrantResource::Literal { key, shown: shown.clone() }, words: shown.clone() };
    let covers = |amendment: &&[String]| words(target).is_some_and(|argv| argv.starts_with(amendment));
    let amended = amendment.filter(covers).and_then(approval::offer);
    target.grant_key().map(literal).into_iter().chain(amended).collect()
}

/// The words of a command that is known.
fn words(target: &Target) -> Option<Vec<String>> {
    match &target.resource {
        Resource::Words(words) if target.action == Action::Shell => {
            Some(words.iter().map(|word| word.text.to_string()).collect())
        }
        _ => None,
    }
}

/// What of a request is compared.
fn shown(request: &Value) -> Value {
    let params = &request["params"];
    let keys = ["kind", "command", "cwd", "reason", "proposedExecpolicyAmendment", "availableDecisions"];
    let mut shown = json!({ "method": request["method"] });
    for key in keys {
        if let Some(value) = params.get(key) {
            shown[key] = value.clone();
        }
    }
    shown
}

const RULES: &[Rule] = &[
    Rule {
        name: "a session's permissions do not grow",
        inputs: "calls that are no command: `request_permissions`, patches",
        answer: "refused",
        why: "there are no permission profiles yet that could grow, and what is not known is not granted",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "tool",
    },
    Rule {
        name: "nothing runs unasked because of a sandbox",
        inputs: "commands of which no rule speaks, where Codex runs them in its sandbox without asking",
        answer: "asked, and denied where nobody is to be asked",
        why: "a command's sandbox says what it can reach and not whether it should run; with us a rule says so",
        side: Side::Stricter,
        explains: |case, difference| {
            let unasked = ["not-asked", "ran-sandboxed"].iter().any(|word| case.expect["outcome"] == **word);
            unasked || case.policy["approval_policy"] != "untrusted" && ["items", "requests"].contains(&difference.of)
        },
    },
];
