//! Each way to break a policy's text or a call, and what must come of it: nothing is read loosely, nothing is allowed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test stops here")]

use std::collections::BTreeMap;

use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{
    Action, Attendance, Call, Decision, Effect, PathResource, Resource, SourceKind, Target, Timestamp, Word, decide,
};

/// A file that says something of everything.
const GOOD: &str = r#"default = "deny"
nobody = "deny"
max-open = 5
repeats = 4
allow = ["read(**)", { rule = "edit(src/**)", unless = ["src/secret"], expires = 2027-01-01 }]
ask = [{ rule = "shell(git push *)", why = "leaves", remember = "session", offer = "turn" }]
deny = ["@delete", { rule = "hub/send", when = { to = "*@evil.com" } }]
examples = ["deny delete: x"]
[tools."hub/send"]
class = "write"
resource = "/to"
show = ["/to"]
[ceiling]
ask = ["shell"]
deny = ["fetch(evil.com)"]
grants = { max = "8h", scopes = ["session"] }
roles = { viewer = "read" }
"#;

#[test]
fn each_way_to_break_a_text_is_an_error() {
    assert!(parse(SourceKind::Managed, "file", GOOD).is_ok(), "the text itself is in order");
    let breaks = [
        ("a key with another letter", "deny = [\"@delete\"", "dany = [\"@delete\""),
        ("a key of another case", "deny = [\"@delete\"", "Deny = [\"@delete\""),
        ("a list that is not closed", "\"@delete\", {", "\"@delete\" {"),
        ("a text that is not closed", "\"@delete\"", "\"@delete"),
        ("a rule that is a number", "\"@delete\"", "7"),
        ("a rule that is a list", "\"@delete\"", "[\"@delete\"]"),
        ("a rule that is empty", "\"@delete\"", "\"\""),
        ("a class that is none", "@delete", "@remove"),
        ("an action that is none", "shell(git push *)", "sh(git push *)"),
        ("an action of another case", "shell(git push *)", "Shell(git push *)"),
        ("a bracket that is not closed", "shell(git push *)", "shell(git push *"),
        ("text behind the bracket", "shell(git push *)", "shell(git push *) x"),
        ("an empty pattern", "shell(git push *)", "shell()"),
        ("an operator in a pattern", "git push *", "git push | cat"),
        ("a quote in a pattern", "git push *", "git 'push'"),
        ("a pattern that leads out", "read(**)", "read(../**)"),
        ("a scheme without a host", "evil.com)", "https:///x)"),
        ("everything allowed", "read(**)", "*"),
        ("a key of a rule that is not known", "why = \"leaves\"", "reason = \"leaves\""),
        ("a scope that is none", "remember = \"session\"", "remember = \"forever\""),
        ("an offer that is none", "offer = \"turn\"", "offer = \"team\""),
        ("an exception that is no list", "unless = [\"src/secret\"]", "unless = \"src/secret\""),
        ("a condition that is no table", "when = { to = \"*@evil.com\" }", "when = \"x\""),
        ("a condition that says nothing", "when = { to = \"*@evil.com\" }", "when = {}"),
        ("an end that is a text", "expires = 2027-01-01", "expires = \"2027-01-01\""),
        ("a day that there is not", "expires = 2027-01-01", "expires = 2027-02-30"),
        ("an end without a zone", "expires = 2027-01-01", "expires = 2027-01-01T00:00:00"),
        ("a default that is none", "default = \"deny\"", "default = \"no\""),
        ("nobody as none", "nobody = \"deny\"", "nobody = \"wait\""),
        ("nobody with too long a wait", "nobody = \"deny\"", "nobody = \"wait 99999999d\""),
        ("a count below one", "max-open = 5", "max-open = 0"),
        ("a count that is negative", "max-open = 5", "max-open = -1"),
        ("a repetition that is none", "repeats = 4", "repeats = 1"),
        ("a repetition without end by another word", "repeats = 4", "repeats = \"off\""),
        ("an example that is none", "deny delete: x", "deny x"),
        ("a tool that is none", "[tools.\"hub/send\"]", "[tools.send]"),
        ("a class of a tool that is none", "class = \"write\"", "class = \"Read\""),
        ("a pointer that is none", "resource = \"/to\"", "resource = \"to\""),
        ("an allow in a ceiling", "ask = [\"shell\"]", "allow = [\"shell\"]"),
        ("a lifetime that is none", "max = \"8h\"", "max = \"8 h\""),
        ("a scope of grants that is none", "scopes = [\"session\"]", "scopes = [\"once\"]"),
        ("a class of a role that is none", "viewer = \"read\"", "viewer = \"none\""),
        ("what is not supported yet", "max-open = 5", "profile = \"dev\""),
        ("what is not supported yet in a ceiling", "ask = [\"shell\"]", "people = []"),
        ("what only the built-in rules may say", "why = \"leaves\"", "implied = false"),
        ("a key that stands twice", "max-open = 5", "max-open = 5\nmax-open = 6"),
        ("a character that nobody sees", "leaves", "lea\u{202E}ves"),
        ("a control character", "leaves", "lea\u{0}ves"),
    ];
    for (what, from, to) in breaks {
        assert_eq!(GOOD.matches(from).count().min(1), 1, "`{from}` stands in the text");
        let text = GOOD.replacen(from, to, 1);
        assert!(parse(SourceKind::Managed, "file", &text).is_err(), "{what} was read");
    }
}

#[test]
fn a_text_that_ends_early_is_an_error_or_says_less_and_never_more() {
    let all = parse(SourceKind::Managed, "file", GOOD).unwrap().rules();
    for (end, _) in GOOD.char_indices() {
        if let Ok(document) = parse(SourceKind::Managed, "file", GOOD.split_at(end).0) {
            assert!(document.rules() <= all);
        }
    }
}

#[test]
fn settings_of_a_project_are_errors_there() {
    for text in [
        "default = \"allow\"",
        "nobody = \"wait 1h\"",
        "max-open = 1000",
        "repeats = 1000",
        "repeats = \"never\"",
        "on-deny = \"continue\"",
        "profile = \"open\"",
        "hooks = {}",
        "[ceiling]\nask = []",
    ] {
        for kind in [SourceKind::Project, SourceKind::Local] {
            assert!(parse(kind, "file", text).is_err(), "{text}");
        }
    }
    assert!(parse(SourceKind::User, "file", "[ceiling]\nask = []").is_err());
}

#[test]
fn all_problems_come_at_once_and_in_order() {
    let text = "alow = []\ndeny = [\"@remove\", 7, \"shell()\"]\nmax-open = 0\n[tools.x]\n";
    let problems = parse(SourceKind::User, "file", text).unwrap_err();
    let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 2, 2, 2, 3, 4]);
}

#[test]
fn a_flood_of_problems_stays_readable() {
    let text = format!("allow = [{}]", "7,".repeat(100_000));
    let problems = parse(SourceKind::User, "file", &text).unwrap_err();
    assert_eq!(problems.len(), 200);
    assert!(problems.last().unwrap().help.as_ref().unwrap().contains("99800 more"));
}

/// A policy that allows whatever can be allowed.
fn open() -> countersign_policy::Policy {
    let text = r#"default = "allow"
allow = ["read", "edit", "delete", "search", "fetch", "agent", "shell", "*/*", "tool:*"]"#;
    let document = parse(SourceKind::User, "file", text).unwrap();
    assemble(vec![Loaded::new(document, true)])
}

fn call(targets: Vec<Target>) -> Call {
    Call {
        host: "test".to_owned(),
        host_version: None,
        tool: "Tool".to_owned(),
        action: Action::Read,
        class: Action::Read.default_class(),
        group: None,
        args: serde_json::json!({}),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/me".to_owned(),
        user: "me".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: Some("bypassPermissions".to_owned()),
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets,
        in_a_row: 0,
        faults: Vec::new(),
    }
}

fn decided(call: &Call) -> Decision {
    decide(&open(), &[], None, call, Timestamp(0))
}

fn path(real: Option<&str>) -> Target {
    let path = PathResource { written: "a".to_owned(), lexical: "/repo/a".to_owned(), real: real.map(str::to_owned) };
    Target::primary(Action::Read, Resource::Path(path))
}

#[test]
fn each_way_to_break_a_call_asks_at_least() {
    assert_eq!(decided(&call(vec![path(Some("/repo/a"))])).effect(), Effect::Allow, "the call itself is in order");

    assert_eq!(decided(&call(Vec::new())).effect(), Effect::Deny, "nothing that could be judged");
    assert_eq!(decided(&call(vec![path(None)])).effect(), Effect::Ask, "where it leads is not known");
    let unclear = Target { unclear: Some("a parse error".to_owned()), ..path(Some("/repo/a")) };
    assert_eq!(
        decided(&call(vec![path(Some("/repo/a")), unclear])).effect(),
        Effect::Ask,
        "one target is not understood"
    );
    let faulty = Call { faults: vec!["no resource was found".to_owned()], ..call(vec![path(Some("/repo/a"))]) };
    assert_eq!(decided(&faulty).effect(), Effect::Ask, "something went wrong before");
    let empty = call(vec![Target::primary(Action::Shell, Resource::Words(Vec::new()))]);
    assert!(decided(&empty).effect() <= Effect::Ask, "no words are no reason to fail");
    let ours =
        call(vec![Target::primary(Action::Shell, Resource::Words(vec![Word::data("countersign"), Word::data("off")]))]);
    assert_eq!(decided(&ours).effect(), Effect::Deny, "nothing opens the ceiling");
}

#[test]
fn an_untrusted_file_says_nothing_of_defaults_or_tools() {
    let text = "[tools.\"hub/send\"]\nclass = \"read\"\nhidden = false\n";
    let document = parse(SourceKind::Project, "file", text).unwrap();
    let policy = assemble(vec![Loaded::new(document.clone(), false)]);
    assert!(policy.catalog.tools.is_empty());
    let user =
        parse(SourceKind::User, "user", "default = \"allow\"\nnobody = \"wait 1h\"\nmax-open = 100\nrepeats = 9")
            .unwrap();
    let policy = assemble(vec![Loaded::new(user, false)]);
    assert_eq!((policy.default, policy.max_open), (Effect::Ask, 20));
    assert_eq!(policy.nobody, countersign_policy::Nobody::Deny);
    assert_eq!(policy.repeats, countersign_policy::Repeats::Ask(3));
}

#[test]
fn the_revision_tells_texts_and_trust_apart() {
    let of = |text: &str, trusted| {
        let document = parse(SourceKind::Project, "file", text).unwrap();
        assemble(vec![Loaded::new(document, trusted)]).revision
    };
    assert_eq!(of("allow = []", true), of("allow = []", true));
    assert_ne!(of("allow = []", true), of("allow = []", false));
    assert_ne!(of("allow = []", true), of("allow = [] ", true));
}
