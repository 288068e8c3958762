use countersign_policy::document::{Loaded, assemble};
use countersign_policy::{Attendance, Call, Cause, Class, Decision, Resource, SourceKind, Target, Timestamp, decide};

use super::super::{Defaults, Level};
use super::{check, read};
use crate::Text;

/// A file as clawbolt writes it after a few weeks of use.
const WHOLE: &str = r#"{
  "version": 1,
  "tools": {
    "calendar_list_events": "always",
    "calendar_delete_event": "ask",
    "qb_query": "ask",
    "qb_send": "ask",
    "write_file": "always",
    "delete_file": "never"
  },
  "resources": {
    "qb_query": {
      "Invoice": "always",
      "Customer": "ask"
    },
    "qb_send": {
      "bob@acme.com": "ask",
      "*@acme.com": "always",
      "*@*.example": "never",
      "x@y.example": "deny"
    },
    "write_file": {
      "PERMISSIONS.json": "never"
    }
  },
  "note": "mine"
}
"#;

/// The decision on a call under a file and nothing else.
pub(super) fn decision(text: &str, defaults: &Defaults, tool: &str, resource: Option<&str>) -> Decision {
    let source = read(&Text::new("PERMISSIONS.json", text), SourceKind::User, true, defaults).unwrap();
    let mut policy = assemble(Vec::<Loaded>::new());
    policy.sources.push(source);
    let action = countersign_policy::Action::Tool(tool.to_owned());
    let resource = resource.map_or(Resource::None, |text| Resource::Text(text.to_owned()));
    let call = Call {
        host: "clawbolt".into(),
        host_version: None,
        tool: tool.to_owned(),
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
    decide(&policy, &[], None, &call, Timestamp::from_date(2026, 1, 1).unwrap())
}

#[test]
fn a_whole_file() {
    let defaults = Defaults { tools: [("calculate".to_owned(), Level::Always)].into(), other: Some(Level::Ask) };
    let mut out = String::new();
    for (tool, resource) in [
        ("calendar_list_events", None),
        ("calendar_delete_event", Some("delete event")),
        ("qb_query", Some("Invoice")),
        ("qb_query", Some("invoice")),
        ("qb_query", None),
        ("qb_send", Some("bob@acme.com")),
        ("qb_send", Some("eve@acme.com")),
        ("qb_send", Some("*@acme.com")),
        ("qb_send", Some("a@b.example")),
        ("qb_send", Some("x@y.example")),
        ("qb_send", Some("")),
        ("write_file", Some("PERMISSIONS.json")),
        ("write_file", Some("permissions.json")),
        ("delete_file", Some("a.md")),
        ("calculate", None),
        ("unknown", Some("x")),
    ] {
        let decision = decision(WHOLE, &defaults, tool, resource);
        let cause = match decision.cause() {
            Cause::Rule(rule) => {
                let why = rule.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                format!("{}: {}{why}", rule.origin.line, rule.origin.text)
            }
            other => format!("{other:?}"),
        };
        out.push_str(&format!("{tool} {resource:?}: {} by {cause}\n", decision.effect()));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_wrong_elsewhere_stops_no_good_answer_and_denies_where_it_would_decide() {
    let text = r#"{"tools": {"a": "deny", "b": "always"}, "resources": {"b": {"x*": "auto", "*": "ask"}, "c": null}}"#;
    let defaults = Defaults { tools: [("c".to_owned(), Level::Always)].into(), other: None };
    for (tool, resource, effect) in [
        ("a", None, "deny"),
        ("b", None, "allow"),
        ("b", Some("xy"), "deny"),
        ("b", Some("y"), "ask"),
        ("c", None, "allow"),
        ("c", Some(""), "deny"),
    ] {
        let decision = decision(text, &defaults, tool, resource);
        assert_eq!(decision.effect().word(), effect, "{tool} {resource:?}");
    }
    for (text, resource, effect) in [
        (r#"{"tools": null}"#, None, "deny"),
        (r#"{"tools": [], "resources": {"c": {"x": "always"}}}"#, Some("x"), "allow"),
        (r#"{"tools": [], "resources": {"c": {"x": "always"}}}"#, Some("y"), "deny"),
        (r#"{"tools": {"c": "always"}, "resources": 1}"#, None, "allow"),
        (r#"{"tools": {"c": "always"}, "resources": 1}"#, Some("x"), "deny"),
        ("{}", Some("x"), "allow"),
    ] {
        assert_eq!(decision(text, &defaults, "c", resource).effect().word(), effect, "{text} {resource:?}");
    }
}

/// The reports of each text, below each other.
pub(in super::super) fn reports(texts: &[&str]) -> String {
    let mut out = String::new();
    for text in texts {
        let problems = check(&Text::new("PERMISSIONS.json", text));
        assert!(!problems.is_empty(), "this was read without a problem:\n{text}");
        for problem in problems {
            let report = problem.render(text);
            assert!(report.lines().all(|line| line.chars().count() <= 80), "wider than a terminal:\n{report}");
            out.push_str(&report);
        }
        out.push_str("----\n");
    }
    out
}

#[test]
fn all_that_is_wrong_is_said_with_its_place() {
    insta::assert_snapshot!(reports(&[
        WHOLE,
        "{",
        "",
        "null",
        "{\"tools\": {\"qb_send\": \"always\",}}",
        "{\"tools\": null, \"resources\": []}",
        "{\"tools\": \"x\", \"resources\": {\"qb_send\": []}}",
        "{\"tools\": {\"a\": \"auto\", \"b\": \"ALWAYS\", \"c\": \" ask\", \"d\": \"\", \"e\": \"perhaps\"}}",
        "{\"tools\": {\"a\": true, \"b\": null, \"c\": {\"level\": \"ask\"}, \"d\": [\"ask\"], \"e\": 1}}",
        "{\"resources\": {\"q\": {\"\": \"no\", \"\u{202e}*\": \"allow\"}}}",
        "{\"tools\": {\"a\": \"ask\"},\n \"tools\": {\"a\": \"never\",\n \"a\": \"always\"}}",
    ]));
}

#[test]
fn what_clawbolt_takes_is_taken() {
    for text in ["{}", r#"{"version": 99}"#, r#"{"unknown": {"deep": [1]}}"#, r#"{"resources": {"t": {}}}"#] {
        assert_eq!(check(&Text::new("PERMISSIONS.json", text)), [], "{text}");
    }
}

#[test]
fn a_file_that_is_too_much_is_refused() {
    let levels = |name: &str, count: usize| {
        let all: Vec<String> = (0..count).map(|at| format!("\"{name}{at}\": \"no\"")).collect();
        format!("{{\"resources\": {{\"a\": {{{}}}}}}}", all.join(", "))
    };
    let many = levels("", 10_001);
    let wide = levels(&"*a".repeat(4000), 10);
    let some = levels("", 300);
    let deep = "[".repeat(100_000);
    let told: Vec<String> = [&many, &wide, &some, &deep]
        .into_iter()
        .map(|text| check(&Text::new("PERMISSIONS.json", text)).last().unwrap().message.clone())
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(read(&Text::new("x", &many), SourceKind::User, true, &Defaults::default()).is_err());
    assert!(read(&Text::new("x", &some), SourceKind::User, true, &Defaults::default()).is_ok());
}
