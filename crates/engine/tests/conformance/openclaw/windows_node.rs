//! The Windows node: its evaluator, what holds where nobody answers, its globs, and what it warns of.

use countersign_engine::{Engine, Request};
use countersign_formats::Text;
use countersign_formats::openclaw::{self, Ask, Machine, Resolved, Security, unbindable};
use countersign_policy::approval::Outcome;
use countersign_policy::{
    Action, Answer, Effect, Resource, SourceKind, Target, Timestamp, Word, WordKind, decide, document,
};
use serde_json::json;

use super::matcher::{policy, shell};
use super::requires::effect;
use crate::case::{Case, Folder};
use crate::imported;
use crate::looser;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::vfs::Vfs;

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "windows-node",
        compares: "allow, ask or deny, before and after an answer; where nobody answers; whether an answer may be remembered; whether it still stands under another policy; whether a glob matches; whether mixed scripts are warned of; why a command is not remembered",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    match &*case.case {
        "ExecApprovalEvaluator.Evaluate" => evaluated(case),
        "ExecApprovalsCoordinator.FallbackDecision" => unattended(case),
        "AllowAlwaysAvailable" => remembered(case),
        "Currency.security" => current(case, "security"),
        "Currency.ask" => current(case, "ask"),
        "Currency.askFallback" => current(case, "askFallback"),
        "ExecAllowlistMatcher.glob" => glob(case),
        "ConfusableDetector.HasMixedScriptConfusable" => warned(case),
        _ => bound(case),
    }
}

const PROGRAM: &str = "C:/Tools/tool.exe";

/// What counts with these members, and with an entry for the program if it is on the list.
fn resolved(members: &[(&str, &str)], listed: bool) -> Resolved {
    let mut agent = json!({"allowlist": if listed { json!([{"pattern": PROGRAM}]) } else { json!([]) }});
    for (name, word) in members {
        agent[*name] = json!(word);
    }
    let text = json!({"version": 1, "agents": {"main": agent}}).to_string();
    openclaw::parse(&Text::new("exec-approvals.json", &text), Machine::WindowsNode).unwrap().resolve(None)
}

fn tool() -> countersign_policy::Call {
    shell(&[PROGRAM.to_owned()], Some(PROGRAM), "C:/", "")
}

fn evaluated(case: &Case) -> Vec<Difference> {
    let levels = [("security", case.text("security")), ("ask", case.text("ask"))];
    let resolved = resolved(&levels, case.request["allAllowlistResolutionsMatched"] == true);
    let source = openclaw::source(SourceKind::User, "exec-approvals.json", true, &resolved);
    let call = tool();
    let answer = case.request["approvalDecision"].as_str().map(|decision| Answer {
        approval: "a".to_owned(),
        digest: call.digest(),
        outcome: if decision == "deny" { Outcome::Deny } else { Outcome::Allow },
        shown: call.targets.iter().map(Target::identity).collect(),
        feedback: None,
    });
    let policy = imported::policy(vec![source], Vec::new());
    let ours = decide(&policy, &[], answer.as_ref(), &call, Timestamp(0)).effect();
    let theirs = match case.expect["outcome"].as_str().unwrap() {
        "allow" => Effect::Allow,
        "requires-prompt" => Effect::Ask,
        _ => Effect::Deny,
    };
    compare("decision", theirs, ours)
}

fn compare(of: &'static str, theirs: Effect, ours: Effect) -> Vec<Difference> {
    match theirs.cmp(&ours) {
        std::cmp::Ordering::Equal => Vec::new(),
        std::cmp::Ordering::Less => vec![Difference::stricter(of, theirs.word(), ours.word())],
        std::cmp::Ordering::Greater => vec![Difference::looser(of, theirs.word(), ours.word())],
    }
}

/// Yes or no, where yes lets more pass.
fn allowed(of: &'static str, theirs: bool, ours: bool) -> Vec<Difference> {
    let effect = |yes| if yes { Effect::Allow } else { Effect::Deny };
    compare(of, effect(theirs), effect(ours))
}

fn unattended(case: &Case) -> Vec<Difference> {
    let levels = [("security", case.text("security")), ("ask", "always"), ("askFallback", case.text("askFallback"))];
    let resolved = resolved(&levels, case.request["allResolutionsMatched"] == true).unattended();
    let ours = effect(&resolved, &tool()) == Effect::Allow;
    let by_list = ours && resolved.security.value == Security::Allowlist;
    let mut differences = allowed("decision", case.expect["decision"] == "allow-once", ours);
    if case.expect["matchDependent"] != by_list {
        differences.push(Difference::looser(
            "match dependent",
            case.expect["matchDependent"].to_string(),
            by_list.to_string(),
        ));
    }
    differences
}

fn remembered(case: &Case) -> Vec<Difference> {
    let levels = [("security", case.text("security")), ("ask", case.text("ask"))];
    let kind = if case.request["reusableCommandBound"] == true { WordKind::Data } else { WordKind::Dynamic };
    let words = vec![Word { text: PROGRAM.to_owned(), kind }];
    let may_be_kept = Target::primary(Action::Shell, Resource::Words(words)).grant_key().is_some();
    let ours = resolved(&levels, false).remembers() && may_be_kept;
    allowed("remembered", case.expect["available"] == true, ours)
}

fn current(case: &Case, field: &str) -> Vec<Difference> {
    let of = |key: &str| resolved(&[(field, case.text(key))], true);
    allowed("current", case.expect["current"] == true, of("approvedUnder").still_holds(&of("now")))
}

fn glob(case: &Case) -> Vec<Difference> {
    let pattern = case.text("pattern");
    let policy = policy(&json!([{"pattern": pattern}]), Machine::WindowsNode).unwrap();
    let call = shell(&["x".to_owned()], Some(case.text("target")), "C:/", "");
    let ours = imported::judged(&policy, &call).effect() == Effect::Allow;
    let mut differences = allowed("match", case.expect["match"] == true, ours);
    let executable = countersign_policy::pattern::Executable::compile(Machine::WindowsNode, pattern, None, false);
    differences.extend(allowed("valid", case.expect["validPattern"] == true, executable.inert().is_none()));
    differences
}

/// A word that mixes scripts has a human look at the command.
fn warned(case: &Case) -> Vec<Difference> {
    let engine = Engine::new(document::assemble(Vec::new()));
    let mut request = Request::of("shell", case.text("text"));
    request.cwd = "/repo".to_owned();
    request.project = "/repo".to_owned();
    let call = engine.call(&request, &Vfs::with_folders(["/repo"]));
    let ours = call.targets.iter().any(|target| target.caution.is_some() || target.unclear.is_some());
    allowed("unwarned", case.expect["flag"] != true, !ours)
}

fn bound(case: &Case) -> Vec<Difference> {
    let request = &case.request;
    let path = request["path"].as_str().or(request["resolvedPath"].as_str()).map(str::to_owned);
    let argv = if request["argv"].is_array() { case.argv() } else { path.into_iter().collect() };
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    // No file is there.
    let is_place = argv.first().is_some_and(|program| program.contains([':', '/', '\\']));
    let missing = if is_place { "executable-not-found" } else { "executable-not-resolved" };
    let ours = unbindable(&argv).unwrap_or(missing);
    if case.expect["reason"] == ours {
        return Vec::new();
    }
    vec![Difference::looser("reason", case.expect["reason"].to_string(), ours)]
}

/// Whether an answer is asked to lift what the policy denies.
fn lifts_a_denial(case: &Case) -> bool {
    let (security, ask) = (Security::named(case.text("security")), Ask::named(case.text("ask")));
    let missed = case.request["allAllowlistResolutionsMatched"] == false;
    case.text("approvalDecision").starts_with("allow")
        && (ask == Some(Ask::Deny) || (ask == Some(Ask::Off) && security == Some(Security::Allowlist)))
        && (missed || security == Some(Security::Full))
}

const RULES: &[Rule] = &[
    Rule {
        name: "an answer lifts no denial",
        inputs: "an answer that allows what is not on the list where nobody is asked, or what `ask` denies",
        answer: "denied",
        why: "nobody was asked; an answer turns an ask into an allow, and a denial into nothing",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "decision" && lifts_a_denial(case),
    },
    Rule {
        name: "names in another script, and signs that look like others",
        inputs: "a program's name that reads like one in ASCII, full-width signs",
        answer: "a human is warned",
        why: "theirs looks at Latin, Greek and Cyrillic letters within one word only",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "unwarned" && !case.text("text").is_ascii(),
    },
    Rule {
        explains: |case, difference| difference.of == "unwarned" && !case.text("text").is_ascii(),
        ..looser::LETTERS
    },
];
