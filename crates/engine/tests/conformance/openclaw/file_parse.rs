//! The document: what is wrong with it, how it is kept, and what counts for an agent.

use countersign_formats::Text;
use countersign_formats::openclaw::{self, Approvals, Machine, Resolved};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "file-parse",
        compares: "whether the document is refused, for which place and for what; the document as it is kept, ids left out; what counts for an agent with what says so, of documents that are refused too",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    match &*case.case {
        "parsePersistedExecApprovals" => parsed(case),
        "fail-closed-fallback" => compare("document", &case.expect, &Approvals::closed(Machine::Linux).normal()),
        _ => resolved(case),
    }
}

fn parsed(case: &Case) -> Vec<Difference> {
    let text = case.text("raw");
    match (openclaw::parse(&Text::new("exec-approvals.json", text), Machine::Linux), case.expect["error"].as_str()) {
        (Ok(approvals), None) => {
            compare("document", &without_ids(&case.expect["file"]), &without_ids(&approvals.normal()))
        }
        (Ok(_), Some(theirs)) => vec![Difference::looser("error", theirs, "none")],
        (Err(problems), None) => vec![Difference::stricter("error", "none", problems[0].message.clone())],
        (Err(problems), Some(theirs)) => {
            let ours: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
            let is_said = ours.iter().any(|ours| says(ours, theirs));
            if is_said { Vec::new() } else { vec![Difference::looser("error", theirs, ours.join("; "))] }
        }
    }
}

/// Whether a message of ours names the place and the kind of theirs.
fn says(ours: &str, theirs: &str) -> bool {
    let Some((place, reason)) = theirs.split_once(": ") else { return true };
    let wanted = match reason {
        // What is missing, what is no text and what is an empty one, we tell apart in other words.
        "expected a string" | "expected a non-empty string" => "must be a text",
        "expected a non-empty string or an object with a non-empty pattern" => "must be a text",
        "expected a finite number" => "must be a number",
        "expected a boolean" => "must be true or false",
        "expected an array" => "must be a list",
        "expected an object" => "must be an object",
        "expected a supported value" if place == "version" => "must be 1",
        "expected a supported value" => "must be one of",
        _ => "must",
    };
    ours.contains(place) && ours.contains(wanted)
}

fn resolved(case: &Case) -> Vec<Difference> {
    let text = case.policy.to_string();
    let (approvals, _) = openclaw::read(&Text::new("exec-approvals.json", &text), Machine::Linux);
    let ours = approvals.resolve(case.request["agentId"].as_str());
    let shown = json!({
        "agent": fields(&ours),
        "defaults": fields(&approvals.defaults()),
        "sources": {
            "security": ours.security.source, "ask": ours.ask.source, "askFallback": ours.ask_fallback.source,
        },
        "allowlist": ours.entries.iter().map(|entry| &entry.pattern).collect::<Vec<_>>(),
    });
    compare("resolved", &case.expect, &shown)
}

fn fields(of: &Resolved) -> Value {
    json!({
        "security": of.security.value.word(), "ask": of.ask.value.word(),
        "askFallback": of.ask_fallback.value.word(), "autoAllowSkills": of.auto_allow_skills.value,
    })
}

fn compare(of: &'static str, theirs: &Value, ours: &Value) -> Vec<Difference> {
    if theirs == ours {
        return Vec::new();
    }
    let provenance = unknown_source(ours).is_some();
    let difference = if provenance { Difference::stricter } else { Difference::looser };
    vec![difference(of, theirs.to_string(), ours.to_string())]
}

/// The entries without their ids: those that are missing are made by chance.
fn without_ids(document: &Value) -> Value {
    let mut document = document.clone();
    for agent in document["agents"].as_object_mut().into_iter().flat_map(|agents| agents.values_mut()) {
        for entry in agent["allowlist"].as_array_mut().into_iter().flatten() {
            entry.as_object_mut().unwrap().remove("id");
        }
        if agent["allowlist"].is_null() {
            agent.as_object_mut().unwrap().remove("allowlist");
        }
    }
    document
}

/// A provenance that they drop.
fn unknown_source(document: &Value) -> Option<&Value> {
    let agents = document["agents"].as_object()?;
    let entries = agents.values().flat_map(|agent| agent["allowlist"].as_array().into_iter().flatten());
    entries.map(|entry| &entry["source"]).find(|source| source.is_string() && *source != "allow-always")
}

const RULES: &[Rule] = &[
    Rule {
        name: "a provenance that nobody knows is one",
        inputs: "an entry with another `source` than `allow-always`",
        answer: "kept, and the entry counts as one that an answer made",
        why: "theirs drops it, and what a program wrote counts as a human's own rule, for any arguments",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "document",
    },
    Rule {
        name: "texts that programs read in different ways are refused",
        inputs: "half of a surrogate pair, a number without end",
        answer: "the document is refused, and nothing runs",
        why: "what one program allows another does not read",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "error" && case.text("raw").contains(['\\', 'e', 'E']),
    },
];
