//! Commands of one turn: what the client is asked, what it answers, and what ran.

use countersign_engine::Request;
use countersign_formats::Text;
use countersign_formats::codex::approval::{self, Answer, COMMAND_APPROVAL, CommandApproval};
use countersign_formats::codex::{Resolution, parse, source};
use countersign_policy::approval::{CancelReason, Outcome};
use countersign_policy::{
    Action, Attendance, Call, Cause, Decision, Effect, GrantResource, Nobody, Offer, Policy, Question, Resource, Scope,
    SourceKind, Target,
};
use countersign_service::disk::Disk;
use countersign_service::gate::Gate;
use countersign_service::store::{Remembered, Reply, Withdraw};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{USER, World, once};

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
    attendance: Attendance,
    cwd: String,
    requests: Vec<Value>,
    /// What became of each command that got so far as to be shown.
    items: Vec<&'static str>,
    interrupted: bool,
}

impl Turn {
    fn new(case: &Case) -> Turn {
        let rules = case.policy["rules"].as_str().unwrap_or_default();
        let rules = parse(&[Text::new("default.rules", rules)]).unwrap();
        let rules = source(&rules, SourceKind::User, "default.rules", true, Resolution::Off);
        let policy = Policy { nobody: Nobody::Deny, ..imported::policy(vec![rules], Vec::new()) };
        // Whoever is never to be asked is not there.
        let never = case.policy["approval_policy"] == "never";
        Turn {
            world: World::new(policy),
            attendance: if never { Attendance::Nobody } else { Attendance::Somebody },
            cwd: case.context["cwd"].as_str().unwrap_or_default().to_owned(),
            requests: Vec::new(),
            items: Vec::new(),
            interrupted: false,
        }
    }

    fn probe(&mut self, line: &str, theirs: &Value) -> Vec<Difference> {
        let call = self.call(line, &json!({}));
        let ours = match self.world.gate(&call) {
            Gate::Pending { .. } => "asked",
            Gate::Decided { decision } if decision.effect() == Effect::Allow => "not-asked",
            _ => "rejected",
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
        let (decision, question) = match self.world.gate(&call) {
            Gate::Pending { decision, question, .. } => (decision, question),
            Gate::Decided { decision } if decision.effect() == Effect::Allow => return self.items.push("ran"),
            // Whoever is never asked is told, and nothing is shown.
            _ => return,
        };
        let request = self.request(line, extra, &call, &decision);
        let question = offering_each(*question, &call, request.amendment.as_deref());
        let id = self.world.ask(&call, &question).record.approval.id;
        self.requests.push(shown(&json!({ "method": COMMAND_APPROVAL, "params": request.params() })));
        // A client that does not answer declines.
        let answer = answers.next().map_or(Some(Answer::Decline), |answer| Answer::read(&answer));
        match answer.unwrap_or(Answer::Decline) {
            Answer::Accept => self.reply(&once(&id, Outcome::Allow)),
            Answer::AcceptForSession => {
                let remember = offers(&question, |resource| matches!(resource, GrantResource::Literal { .. }));
                self.reply(&Reply { remember, scope: Scope::Session, ..once(&id, Outcome::Allow) });
            }
            Answer::Amend(words) => {
                let offer = approval::offer(&words).unwrap();
                let remember = offers(&question, |resource| *resource == offer.resource);
                self.reply(&Reply { remember, scope: Scope::User, ..once(&id, Outcome::Allow) });
            }
            Answer::Decline => self.reply(&once(&id, Outcome::Deny)),
            Answer::Cancel => {
                let (user, session, turn) = (USER.to_owned(), call.session_key(), "t".to_owned());
                self.world.withdraw(&Withdraw::Turn { user, session, turn }, CancelReason::Stop);
                self.interrupted = true;
                return self.items.push("declined");
            }
        }
        let runs = match self.world.gate(&call) {
            Gate::Answered { decision, .. } | Gate::Decided { decision } => decision.effect() == Effect::Allow,
            other => panic!("{other:?}"),
        };
        self.items.push(if runs { "ran" } else { "declined" });
    }

    fn reply(&mut self, reply: &Reply) {
        self.world.reply(reply).unwrap();
    }

    fn request(&self, line: &str, extra: &Value, call: &Call, decision: &Decision) -> CommandApproval {
        let command = approval::command(line);
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

    fn call(&self, line: &str, extra: &Value) -> Call {
        let request = Request {
            session: "thread".to_owned(),
            turn: Some("t".to_owned()),
            user: USER.to_owned(),
            attendance: self.attendance,
            ..Request::of("shell", line)
        };
        let mut call = self.world.engine.call(&request, &Disk);
        // What it asks of the sandbox is a part of what is approved.
        call.args = json!({ "cmd": line, "extra": extra });
        call
    }

    /// The rules that answers left behind, as lines of a rules file.
    fn kept(&mut self) -> String {
        let grants = self.world.grants();
        let prefixes = grants.iter().filter_map(|kept| match &kept.grant.resource {
            GrantResource::Pattern(pattern) => Some(pattern.as_str().to_owned()),
            _ => None,
        });
        // A prefix is kept as a list of words.
        prefixes.map(|text| approval::rule_line(&serde_json::from_str::<Vec<String>>(&text).unwrap())).collect()
    }
}

/// The question with each target as it stands, and the proposed rule where it covers the command.
fn offering_each(mut question: Question, call: &Call, amendment: Option<&[String]>) -> Question {
    for part in &mut question.parts {
        let Some(target) = call.targets.iter().find(|target| target.identity() == part.identity) else { continue };
        let shown = target.resource.literal().unwrap_or_default();
        let key = target.grant_key();
        part.offers = key
            .into_iter()
            .map(|key| Offer { resource: GrantResource::Literal { key, shown: shown.clone() }, words: shown.clone() })
            .collect();
        let covered = words(target).is_some_and(|argv| amendment.is_some_and(|amendment| argv.starts_with(amendment)));
        if covered {
            part.offers.extend(amendment.and_then(approval::offer));
        }
    }
    question
}

/// The offers of what is asked about that are of this kind.
fn offers(question: &Question, is: impl Fn(&GrantResource) -> bool) -> Vec<Remembered> {
    let asks = question.parts.iter().filter(|part| part.effect == Effect::Ask);
    asks.flat_map(|part| {
        part.offers.iter().map(|offer| Remembered { identity: part.identity.clone(), resource: offer.resource.clone() })
    })
    .filter(|remembered| is(&remembered.resource))
    .collect()
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
