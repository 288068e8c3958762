use countersign_engine::show::masked_value;
use countersign_engine::{Engine, Request};
use countersign_policy::approval::Outcome;
use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{Answer, Attendance, Call, Decision, SourceKind, Timestamp};
use serde_json::{Value, json};

use super::{Detail, args_digest};
use crate::disk::Disk;
use crate::store::LogEntry;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// As it was made before: a value, masked text by text.
fn by_value(call: &Call, decision: &Decision) -> Value {
    let mut detail = json!({
        "cause": decision.cause(), "judgements": decision.judgements(), "args": args_digest(&call.args),
    });
    masked_value(&mut detail);
    detail
}

fn same(call: &Call, decision: &Decision) -> Value {
    let detail = LogEntry::decided(call, decision).detail;
    let value: Value = serde_json::from_str(detail.text()).unwrap();
    assert_eq!(value, by_value(call, decision), "{decision:?}");
    assert_eq!(detail.value(), value);
    assert_eq!(serde_json::to_value(&detail).unwrap(), value);
    assert_eq!(Detail::read(detail.text()).unwrap(), detail);
    value
}

fn engines() -> Vec<Engine> {
    let policies = [
        "",
        "allow = [\"shell(git status *)\", \"shell(login --password hunter2 *)\", \"read(**)\"]",
        "deny = [\"shell(curl -u ana:hunter2 *)\", \"shell(git push *)\", \"edit(/**)\"]",
        "ask = [\"shell(TOKEN=abc1 *)\", \"shell(*)\"]\nnobody = \"deny\"",
    ];
    let engine = |text: &str| {
        let file = "/home/ana/token=abcdef1/countersign.toml";
        let document = parse(SourceKind::User, file, text).unwrap();
        Engine::new(assemble(vec![Loaded::new(document, true)]))
    };
    policies.into_iter().map(engine).collect()
}

fn calls(engine: &Engine) -> Vec<Call> {
    let lines = [
        "git status --short",
        "git push origin main",
        "login --password hunter2 --force",
        "curl -u ana:hunter2 https://ana:hunter2@example.com/",
        "TOKEN=abc1 ./run \"a\\n\" > '/tmp/password=hunter2'",
        "cat a && rm -rf \"$X\"; echo \u{200b}PASS\u{200b}WORD=hunter2",
        "if",
        "",
    ];
    let mut calls = Vec::new();
    for (line, attendance) in
        lines.into_iter().flat_map(|line| [Attendance::Somebody, Attendance::Nobody].map(|at| (line, at)))
    {
        for (tool, args) in [
            ("shell", json!({ "resource": line })),
            ("edit", json!({ "resource": line })),
            ("x", json!({ "password": line, "list": [line, 1, null] })),
        ] {
            let request = Request {
                args,
                tool: tool.to_owned(),
                cwd: "/".to_owned(),
                project: "/".to_owned(),
                user: "ana".to_owned(),
                home: "/home/ana".to_owned(),
                session: "s1".to_owned(),
                attendance,
                ..Request::of("shell", line)
            };
            calls.push(engine.call(&request, &Disk));
        }
    }
    calls
}

#[test]
fn decisions_are_written_as_their_value_was() {
    let mut all = String::new();
    for engine in engines() {
        for call in calls(&engine) {
            let decision = engine.decide(&[], None, &call, NOW);
            all.push_str(&same(&call, &decision).to_string());
            for outcome in [Outcome::Allow, Outcome::Deny] {
                let answer = Answer {
                    approval: "q1".to_owned(),
                    digest: call.digest(),
                    outcome,
                    shown: Vec::new(),
                    feedback: Some("use password=\"hunter2\"\nor ghp_abcdefghijklmnopqrstuvwxyz".to_owned()),
                };
                all.push_str(&same(&call, &engine.decide(&[], Some(&answer), &call, NOW)).to_string());
            }
        }
    }
    assert!(all.contains("\"answer\"") && all.contains("\"rule\"") && all.contains("\"nobody\""), "{all}");
    assert!(all.contains("***") && !all.contains("hunter2"), "{all}");
}

#[test]
fn faults_are_too() {
    let engine = Engine::new(assemble(Vec::new()));
    let call = calls(&engine).remove(0);
    for reason in ["", "no policy", "`password=hunter2` cannot be read", "\"\\\n\u{1}\u{202e}é", "token=\"abc1\"\\n"] {
        same(&call, &Decision::fault(reason));
    }
}

#[test]
fn a_member_more() {
    let detail = Detail::from(json!({ "a": 1 })).with("told", "no \"x\"");
    assert_eq!(detail.value(), json!({ "a": 1, "told": "no \"x\"" }));
    assert_eq!(Detail::default().with("told", "no").value(), Value::Null);
}

#[test]
fn what_is_no_json_is_not_read() {
    for text in ["", "{", "{\"a\":1} x", "\u{0}"] {
        assert!(Detail::read(text).is_err(), "{text}");
    }
}
