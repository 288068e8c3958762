//! Whether a command asks a human, what the answer may be, and the names of modes.

use countersign_formats::Text;
use countersign_formats::openclaw::{self, Ask, Machine, Mode, Resolved, Security};
use countersign_policy::{Action, Call, Effect, Resource, SourceKind, Target, Word, WordKind, sha256_hex};
use serde_json::{Value, json};

use super::matcher::shell;
use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "truth-requires-approval",
        compares: "whether a human is asked, in a policy of that security, asking, list and remembered line; whether an answer may be remembered; the stricter of two levels; what a mode stands for",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let security = |key: &str| Security::named(case.text(key));
    let ask = |key: &str| Ask::named(case.text(key));
    let ours = match &*case.case {
        "requiresExecApproval" => return asked(case),
        "minSecurity" => json!(security("a").min(security("b")).map(Security::word)),
        "maxAsk" => json!(ask("a").max(ask("b")).map(Ask::word)),
        "allowedDecisions" => answers(case),
        "modePolicy" => {
            let (security, ask, reviewed) = Mode::named(case.text("mode")).unwrap().levels();
            json!({"security": security.word(), "ask": ask.word(), "autoReview": reviewed})
        }
        "modeFromPolicy" => {
            let (security, ask) = (security("security").unwrap(), ask("ask").unwrap());
            let exact = Mode::exactly(security, ask).map(Mode::word);
            json!({"mode": Mode::near(security, ask).word(), "exact": exact})
        }
        other => json!(format!("no adapter knows {other}")),
    };
    if ours == case.expect {
        return Vec::new();
    }
    vec![Difference::looser("answer", case.expect.to_string(), ours.to_string())]
}

/// What counts in a document of these levels and entries.
pub(crate) fn resolved(security: &str, ask: &str, entries: &Value, on: Machine) -> Resolved {
    let text = json!({
        "version": 1, "agents": {"main": {"security": security, "ask": ask, "allowlist": entries}},
    })
    .to_string();
    openclaw::parse(&Text::new("exec-approvals.json", &text), on).unwrap().resolve(Some("main"))
}

fn asked(case: &Case) -> Vec<Difference> {
    let is = |key: &str| case.request[key] == true;
    let words = ["git".to_owned(), "status".to_owned()];
    let mut entries = Vec::new();
    if is("allowlistSatisfied") {
        entries.push(json!({"pattern": "/usr/bin/git"}));
    }
    if is("durableApprovalSatisfied") {
        let marker = format!("=command:{}", &sha256_hex(b"git status")[..16]);
        entries.push(json!({"pattern": marker, "source": "allow-always"}));
    }
    let resolved = resolved(case.text("security"), case.text("ask"), &entries.into(), Machine::Linux);
    let mut call = shell(&words, Some("/usr/bin/git"), "/ws", "/home/u");
    if !is("analysisOk") {
        let unread = Target::primary(Action::Shell, Resource::Text("git status".to_owned()));
        call.targets.push(Target { unclear: Some("not understood".to_owned()), ..unread });
    }
    let theirs = case.expect["requiresApproval"] == true;
    let ours = effect(&resolved, &call);
    match (theirs, ours) {
        (true, Effect::Ask) | (false, Effect::Allow) => Vec::new(),
        // They deny it where they come to run it.
        (false, Effect::Deny) => match case.text("security") {
            "deny" => Vec::new(),
            "allowlist" if !(is("durableApprovalSatisfied") || is("analysisOk") && is("allowlistSatisfied")) => {
                Vec::new()
            }
            _ => vec![Difference::stricter("asked", "runs", "denied")],
        },
        (false, Effect::Ask) => vec![Difference::stricter("asked", "no", "yes")],
        (true, Effect::Deny) => vec![Difference::stricter("asked", "yes", "denied")],
        (true, Effect::Allow) => vec![Difference::looser("asked", "yes", "runs")],
    }
}

pub(crate) fn effect(resolved: &Resolved, call: &Call) -> Effect {
    let source = openclaw::source(SourceKind::User, "exec-approvals.json", true, resolved);
    imported::judged(&imported::policy(vec![source], Vec::new()), call).effect()
}

/// The answers that a human has.
fn answers(case: &Case) -> Value {
    let ask = case.request["ask"].as_str().unwrap_or("off");
    let resolved = resolved("allowlist", ask, &json!([]), Machine::Linux);
    let kind = if case.text("persistence") == "one-shot" { WordKind::Dynamic } else { WordKind::Data };
    let words = vec![Word { text: "git".to_owned(), kind }];
    let may_be_kept = Target::primary(Action::Shell, Resource::Words(words)).grant_key().is_some();
    let mut answers = vec!["allow-once", "deny"];
    if resolved.remembers() && may_be_kept {
        answers.insert(1, "allow-always");
    }
    json!(answers)
}

const RULES: &[Rule] = &[
    Rule {
        name: "what security denies is not asked about",
        inputs: "`security` is `deny`, `ask` is `always`",
        answer: "denied",
        why: "no answer could let it run; theirs denies it too, after this function said that a human is asked",
        side: Side::Stricter,
        explains: |case, difference| case.text("security") == "deny" && difference.ours == "denied",
    },
    Rule {
        name: "what could not be read is not allowed by a list",
        inputs: "a command that could not be taken apart, under `full` or a remembered line",
        answer: "asked; denied where what is not on the list is denied",
        why: "nobody knows what runs, and whether it is what the line was when it was remembered",
        side: Side::Stricter,
        explains: |case, difference| case.request["analysisOk"] == false && difference.of == "asked",
    },
];
