use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{
    Action, Attendance, Call, Class, Effect, Policy, Resource, SourceKind, Target, Timestamp, decide,
};

use super::super::{Defaults, read};
use super::report;
use crate::Text;
use crate::import::tests::{policy, shown};
use crate::import::{Became, Report};

fn reported(text: &str) -> Report {
    report(&Text::new("PERMISSIONS.json", text)).unwrap()
}

#[test]
fn an_import_says_what_can_never_apply_and_what_stays() {
    let text = r#"{
  "version": 2,
  "tools": {
    "calculate": "always",
    "delete_file": "never",
    "qb_send": "ask",
    "qb_query": "ask",
    "write_file": "always",
    "web fetch": "ask"
  },
  "resources": {
    "qb_send": {
      "bob@acme.com": "never",
      "*@acme.com": "always",
      "*@sales.*": "ask",
      "eve@acme.com": "never",
      "e*@acme.com": "never",
      "a,(b)\\@x.com": "always"
    },
    "write_file": {"PERMISSIONS.json": "never", "[*].md": "ask"},
    "edit_file": {"a?.md": "ask", "a?b.md": "never"},
    "delete_file": {"tmp.md": "always"},
    "qb_query": {"Invoice": "always"},
    "web_fetch": {"*.gov": "always"}
  },
  "theme": "dark"
}"#;
    let report = reported(text);
    assert!(!report.is_native());
    insta::assert_snapshot!(format!("{}---\n{}", shown(&report), policy(&report)));
}

#[test]
fn a_file_with_mistakes_is_not_imported() {
    let text = Text::new("PERMISSIONS.json", r#"{"tools": {"a": "always", "b": "deny"}}"#);
    assert_eq!(report(&text).unwrap_err().len(), 1);
    assert_eq!(reported("{}"), Report::default());
}

/// What a policy says of a call of `write_file`.
fn says(policy: &Policy, resource: Option<&str>) -> Effect {
    let action = Action::Tool("write_file".to_owned());
    let resource = resource.map_or(Resource::None, |text| Resource::Text(text.to_owned()));
    let call = Call {
        host: "clawbolt".into(),
        host_version: None,
        tool: "write_file".to_owned(),
        class: Class::Write,
        group: None,
        args: serde_json::json!({}),
        cwd: "/w".into(),
        project: "/w".into(),
        home: "/h".into(),
        user: "u".into(),
        session: "s".into(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(action.clone(), resource)],
        in_a_row: 0,
        faults: Vec::new(),
        action,
    };
    decide(policy, &[], None, &call, Timestamp::from_date(2026, 1, 1).unwrap()).effect()
}

#[test]
fn what_is_imported_decides_the_same() {
    const KEYS: [&str; 8] = ["a", "a*", "*b", "ab", "*", "b[*]", "a*b*", "(,"];
    const LEVELS: [&str; 3] = ["always", "ask", "never"];
    const RESOURCES: [Option<&str>; 11] = [
        None,
        Some(""),
        Some("a"),
        Some("ab"),
        Some("a*"),
        Some("*b"),
        Some("*"),
        Some("b*"),
        Some("b[*]"),
        Some("(,"),
        Some("aXbY"),
    ];
    let mut dice: u64 = 1;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap() % sides
    };
    let base = assemble(Vec::new());
    for _ in 0..100 {
        let mut keys = KEYS.to_vec();
        let mut entries = Vec::new();
        for _ in 0..roll(5) {
            let key = keys.remove(roll(keys.len()));
            entries.push(format!("\"{key}\": \"{}\"", LEVELS[roll(3)]));
        }
        let tool = [LEVELS.map(|level| format!("\"write_file\": \"{level}\"")).to_vec(), vec![String::new()]].concat();
        let text = format!(
            "{{\"tools\": {{{}}}, \"resources\": {{\"write_file\": {{{}}}}}}}",
            tool[roll(4)],
            entries.join(", ")
        );
        let made = reported(&text);
        if !made.is_native() {
            assert!(text.contains("\"*\""), "{text}");
            continue;
        }
        let document = parse(SourceKind::User, "countersign.toml", &policy(&made)).unwrap();
        let ours = assemble(vec![Loaded::new(document, true)]);
        let mut theirs = base.clone();
        let text_of = Text::new("PERMISSIONS.json", &text);
        theirs.sources.push(read(&text_of, SourceKind::User, true, &Defaults::default()).unwrap());
        for resource in RESOURCES {
            assert_eq!(says(&ours, resource), says(&theirs, resource), "{resource:?} {text}\n{}", policy(&made));
        }
    }
}

#[test]
fn hostile_files_take_little_time() {
    let entries: Vec<String> = (0..9000).map(|at| format!("\"*x{at}\": \"{}\"", ["ask", "always"][at % 2])).collect();
    let text = format!("{{\"resources\": {{\"write_file\": {{{}}}}}}}", entries.join(", "));
    let stays = |report: &Report| report.rules.iter().all(|fate| matches!(fate.became, Became::Kept { .. }));
    assert!(stays(&reported(&text)));
    let long = "a".repeat(20_000);
    let text = format!("{{\"resources\": {{\"write_file\": {{\"*{long}\": \"ask\", \"{long}*\": \"always\"}}}}}}");
    assert!(stays(&reported(&text)));
}
