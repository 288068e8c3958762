//! What is written decides as what it was made of, and reads as a person would write it.
#![allow(clippy::indexing_slicing, reason = "a failed test stops here")]

use std::collections::BTreeSet;

use countersign_engine::{Engine, Request};
use countersign_formats::clawbolt::extract::{ResourceFrom, Tool};
use countersign_formats::json::{self, Grammar};
use countersign_formats::{Setting, System, Text};
use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{Attendance, Effect, SourceKind, Timestamp};
use countersign_service::disk::Disk;
use serde_json::{Value, json};

use super::with_native;

const SETTING: Setting<'_> =
    Setting { kind: SourceKind::User, trusted: true, agent: None, platform: None, home: "/home/u", project: "/" };

/// The policy by a file that is taken in, and by what is written in its place; `None` where it stays.
fn both(system: System, file: &Text<'_>, setting: &Setting<'_>) -> Option<(Engine, Engine, String)> {
    let files = std::slice::from_ref(file);
    let report = system.report(files, setting).ok().filter(|report| report.is_native())?;
    let imports = parse(SourceKind::User, "countersign.toml", "[[import]]\nfrom = \"x\"\n").unwrap();
    let imported = vec![system.read(files, setting).unwrap()];
    let theirs = assemble(vec![Loaded { document: imports, trusted: true, imported }]);
    let text = with_native("", &report).unwrap();
    let document = parse(SourceKind::User, "countersign.toml", &text).unwrap_or_else(|_| panic!("{text}"));
    let ours = assemble(vec![Loaded::new(document, true)]);
    Some((Engine::new(theirs), Engine::new(ours), text))
}

fn effect(engine: &Engine, tool: &str, args: &Value, version: Option<&str>) -> Effect {
    let request = Request {
        host: "elsewhere".to_owned(),
        host_version: version.map(str::to_owned),
        tool: tool.to_owned(),
        args: args.clone(),
        cwd: "/".to_owned(),
        project: "/".to_owned(),
        attendance: Attendance::Somebody,
        ..Request::of("shell", "")
    };
    engine.decide(&[], None, &engine.call(&request, &Disk), Timestamp(0)).effect()
}

fn recorded(name: &str) -> Vec<String> {
    let path = format!("{}/../../conformance/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Files that clawbolt's own functions were recorded with, and each call of these records and each resource that the file
/// names: through the import and through what is written in its place.
#[test]
fn what_is_written_of_a_clawbolt_file_decides_as_the_file() {
    let (mut native, mut stays, mut unequal) = (0, 0, 0);
    let mut seen = BTreeSet::new();
    // Some of them: each is put together with the built-in rules twice.
    for line in recorded("clawbolt/resolve.jsonl").into_iter().step_by(5) {
        let case: Value = serde_json::from_str(&line).unwrap();
        let root = json::parse(&Text::new("case", &line), Grammar::Json).unwrap();
        // The order of members counts.
        let policy = line.get(root.member("policy").unwrap().span.clone()).unwrap();
        if !seen.insert((policy.to_owned(), case["request"].to_string())) {
            continue;
        }
        // Their own cases are about tools of which nothing is known; ours as well about one that has resources.
        for policy in [policy.to_owned(), policy.replace("\"web_fetch\"", "\"write_file\"")] {
            let Some((theirs, ours, text)) = both(System::Clawbolt, &Text::new("PERMISSIONS.json", &policy), &SETTING)
            else {
                stays += 1;
                continue;
            };
            native += 1;
            let keys = case["policy"]["resources"].as_object().into_iter().flat_map(|tools| tools.values());
            let keys = keys.filter_map(Value::as_object).flat_map(|map| map.keys().map(String::as_str));
            let resources: Vec<&str> = keys.chain(case["request"]["resource"].as_str()).chain(["", "other"]).collect();
            let tools = ["write_file", "qb_send", "qb_query", "st_add_job_note"].into_iter();
            let tools = tools.chain(case["request"]["tool"].as_str());
            for tool in tools {
                for resource in &resources {
                    let args = match Tool::named(tool).map(|tool| tool.resource) {
                        Some(ResourceFrom::Argument(name)) => json!({ name: resource }),
                        _ => json!({ "query": resource, "job_id": 1 }),
                    };
                    let (theirs, ours) = (effect(&theirs, tool, &args, None), effect(&ours, tool, &args, None));
                    assert!(ours >= theirs, "{tool} {args}: {theirs} became {ours}\n{policy}\n{text}");
                    // Asks and denies hold whatever the case of letters.
                    unequal += usize::from(ours != theirs);
                }
            }
        }
    }
    assert!(native > 10 && stays > 10 && unequal < 20, "{native} {stays} {unequal}");
}

#[test]
fn what_is_written_of_a_flowfuse_file_decides_as_the_file() {
    let base: Value = serde_json::from_str(&recorded("flowfuse/basecat.json").join("\n")).unwrap();
    let mut compared = 0;
    for line in recorded("flowfuse/policy.jsonl").into_iter().step_by(7) {
        let case: Value = serde_json::from_str(&line).unwrap();
        let mut file = case["policy"].clone();
        let catalog = if case["context"]["catalog"].is_array() { &case["context"]["catalog"] } else { &base };
        file["toolCatalog"] = catalog.clone();
        let text = file.to_string();
        let setting = Setting { agent: case["context"]["team"].as_str(), ..SETTING };
        let Some((theirs, ours, text)) = both(System::FlowFuse, &Text::new("kept.json", &text), &setting) else {
            continue;
        };
        let keys = catalog.as_array().into_iter().flatten().filter_map(|entry| entry["key"].as_str());
        for tool in keys.chain(case["request"]["tool"].as_str()).chain(["unheard-of"]) {
            for version in [case["context"]["version"].as_str(), None, Some("1.2.0"), Some("9.9.9")] {
                let args = json!({});
                let (theirs, ours) = (effect(&theirs, tool, &args, version), effect(&ours, tool, &args, version));
                assert_eq!(theirs, ours, "{tool} {version:?}\n{file}\n{text}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn what_is_written_reads_as_a_person_would_write_it() {
    let clawbolt = Text::new(
        "PERMISSIONS.json",
        r#"{"version": 1, "tools": {"qb_send": "ask", "calculate": "always", "write_file": "always"},
            "resources": {"qb_send": {"boss@acme.com": "never", "*@acme.com": "always"},
                          "write_file": {"PERMISSIONS.json": "never", "a\\b\"c": "ask"}}}"#,
    );
    let report = System::Clawbolt.report(std::slice::from_ref(&clawbolt), &SETTING).unwrap();
    let base = "# mine\nallow = [\"tool:calculate\"]\n\n[tools.\"tool:qb_send\"]\nshow = [\"/email\"]\n";
    let text = with_native(base, &report).unwrap();
    insta::assert_snapshot!(text);
    // What stands there is not written again.
    assert_eq!(with_native(&text, &report).unwrap(), text);
    let other = base.replace("show = [\"/email\"]", "resource = \"/to\"");
    let error = with_native(&other, &report).unwrap_err().to_string();
    assert_eq!(error, "`[tools.\"tool:qb_send\"]` says otherwise of `resource`: make it `/email`, or take it out");
}
