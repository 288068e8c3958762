//! Files as their users have them, how they break, and what they decide.

use countersign_policy::document::{self, Problem};
use countersign_policy::{
    Action, Call, Effect, Located, Policy, Resource, SourceKind, Target, Timestamp, Word, WordKind, decide,
};
use serde_json::json;

use super::{Approvals, Ask, Machine, Resolved, Security, granted, import, parse, source, unbindable};
use crate::Text;
use crate::import::{Became, Fate};

const WHOLE: &str = r#"{
  "version": 1,
  "socket": { "path": "~/.openclaw/exec-approvals.sock", "token": "c2VjcmV0" },
  "defaults": { "security": "allowlist", "ask": "on-miss", "askFallback": "deny" },
  "agents": {
    "*": {
      "allowlist": [
        "/usr/bin/rg",
        { "id": "1f", "pattern": "~/Projects/**/bin/*", "lastUsedAt": 1789273436004 }
      ]
    },
    "default": { "autoAllowSkills": true, "allowlist": [{ "pattern": "/USR/bin/git" }, { "pattern": "jq" }] },
    "main": {
      "ask": "on-miss",
      "allowlist": [
        { "pattern": "/usr/bin/git" },
        { "pattern": "/usr/bin/tool name" },
        { "pattern": "/usr/bin/bash" },
        { "pattern": "/usr/bin/curl", "source": "allow-always", "lastUsedCommand": "curl https://example.org" },
        { "pattern": "/usr/bin/cargo", "source": "allow-always",
          "argPattern": "sha256:cwd-argv:v1:794d11e9eefdd6ee8f37e2924656af7ee47f7215fc5c5a71e69b01e0640c34de" },
        { "pattern": "/usr/bin/go", "argPattern": "sha256:argv:00", "source": "allow-always" },
        { "pattern": "/usr/bin/make", "argPattern": "^(check|test)$" },
        { "pattern": "/usr/bin/ls", "argPattern": "^(?!-R)" }
      ],
      "mcpTools": [{ "server": "github", "tool": "get_me", "source": "allow-always", "addedAt": 1789273436004 }]
    },
    "ops": { "security": "full", "ask": "always" }
  }
}"#;

fn resolved(text: &str, agent: Option<&str>) -> Resolved {
    parse(&Text::new("exec-approvals.json", text), Machine::Linux).unwrap().resolve(agent)
}

fn agent(member: &str) -> Resolved {
    resolved(&format!(r#"{{"version": 1, "agents": {{"main": {member}}}}}"#), Some("main"))
}

fn policy(resolved: &Resolved) -> Policy {
    let decides = source(SourceKind::User, "exec-approvals.json", true, resolved);
    let remembered = granted(SourceKind::User, "exec-approvals.json", true, resolved);
    Policy { sources: vec![decides], remembered: vec![remembered], ..document::assemble(Vec::new()) }
}

fn call(targets: Vec<Target>) -> Call {
    let mut call: Call = serde_json::from_value(json!({
        "host": "openclaw", "tool": "exec", "action": "shell", "class": "write", "args": {}, "cwd": "/ws",
        "project": "/ws", "home": "/home/u", "user": "u", "session": "s", "attendance": "somebody", "targets": [],
    }))
    .unwrap();
    call.targets = targets;
    call
}

/// A command of these words, whose program is in `/usr/bin`.
fn command(line: &str) -> Target {
    let words: Vec<Word> = line.split(' ').map(Word::data).collect();
    let name = line.split(' ').next().unwrap();
    let place = if name.starts_with('/') { name.to_owned() } else { format!("/usr/bin/{name}") };
    let mut target = Target::primary(Action::Shell, Resource::Words(words));
    target.programs.insert(name.to_owned(), Located { found: place.clone(), real: place });
    target
}

fn effect(resolved: &Resolved, line: &str) -> Effect {
    decide(&policy(resolved), &[], None, &call(vec![command(line)]), Timestamp(0)).effect()
}

#[test]
fn a_whole_file() {
    let approvals = parse(&Text::new("exec-approvals.json", WHOLE), Machine::Linux).unwrap();
    let main = approvals.resolve(Some("main"));
    let entries: Vec<String> = main
        .entries
        .iter()
        .map(|entry| {
            let inert = entry.executable(Machine::Linux).inert();
            format!(
                "{}: {}{}",
                entry.origin.line,
                entry.pattern,
                inert.map_or(String::new(), |inert| format!(" ({})", inert.why))
            )
        })
        .collect();
    insta::assert_snapshot!(format!(
        "security {:?}\nask {:?}\nfallback {:?}\nskills {:?}\n{}",
        main.security,
        main.ask,
        main.ask_fallback,
        main.auto_allow_skills,
        entries.join("\n")
    ));
    assert!(!format!("{approvals:?}").contains("c2VjcmV0"));
    assert_eq!(approvals.resolve(Some("ops")).security.source.as_deref(), Some("agents.ops.security"));
    assert_eq!(approvals.resolve(None).entries.len(), 2);
}

#[test]
fn a_whole_file_decides() {
    let main = resolved(WHOLE, Some("main"));
    for (line, expected) in [
        ("git status", Effect::Allow),
        ("git push --force", Effect::Allow),
        ("/tmp/git status", Effect::Ask),
        ("jq . x.json", Effect::Allow),
        ("/usr/bin/jq .", Effect::Ask),
        ("bash -c id", Effect::Ask),
        ("make check", Effect::Allow),
        ("make install", Effect::Ask),
        ("ls", Effect::Ask),
        ("curl https://example.org", Effect::Ask),
        ("cargo status", Effect::Allow),
        ("cargo publish", Effect::Ask),
        ("go test", Effect::Ask),
        ("pwd", Effect::Allow),
        ("sudo git status", Effect::Ask),
    ] {
        assert_eq!(effect(&main, line), expected, "{line}");
    }
    assert_eq!(effect(&resolved(WHOLE, Some("ops")), "git status"), Effect::Ask);
    assert_eq!(effect(&resolved(WHOLE, Some("other")), "rg x"), Effect::Allow);
}

#[test]
fn security_and_asking() {
    let list = r#""allowlist": ["/usr/bin/git", "*"]"#;
    for (security, ask, expected) in [
        ("deny", "off", Effect::Deny),
        ("deny", "always", Effect::Deny),
        ("allowlist", "off", Effect::Allow),
        ("allowlist", "always", Effect::Ask),
        ("full", "off", Effect::Allow),
        ("full", "on-miss", Effect::Allow),
        ("full", "always", Effect::Ask),
    ] {
        let resolved = agent(&format!(r#"{{"security": "{security}", "ask": "{ask}", {list}}}"#));
        assert_eq!(effect(&resolved, "git status"), expected, "{security} {ask}");
    }
    let off = agent(r#"{"security": "allowlist", "ask": "off", "allowlist": ["/usr/bin/git"]}"#);
    assert_eq!(effect(&off, "rm x"), Effect::Deny);
    // Whatever is on the list, what gives a program other rights is not.
    let all = agent(r#"{"security": "allowlist", "ask": "off", "allowlist": ["*"]}"#);
    assert_eq!((effect(&all, "anything at all"), effect(&all, "sudo ls")), (Effect::Allow, Effect::Deny));
    let always = agent(r#"{"security": "allowlist", "ask": "always"}"#);
    let decision = decide(&policy(&always), &[], None, &call(vec![command("git status")]), Timestamp(0));
    assert!(decision.judgements()[0].remember().scopes.is_empty());
}

#[test]
fn what_could_not_be_read_is_allowed_by_no_list() {
    let full = agent(r#"{"security": "full"}"#);
    let marked = agent(r#"{"security": "allowlist", "ask": "off", "allowlist": ["*"]}"#);
    let unread = Target::primary(Action::Shell, Resource::Text("eval $X".to_owned()));
    let unread = Target { unclear: Some("known only when it runs".to_owned()), ..unread };
    let with = |resolved: &Resolved| {
        decide(&policy(resolved), &[], None, &call(vec![command("ls"), unread.clone()]), Timestamp(0)).effect()
    };
    assert_eq!((with(&full), with(&marked)), (Effect::Ask, Effect::Deny));
    let dynamic = vec![Word::data("git"), Word { text: "$X".to_owned(), kind: WordKind::Dynamic }];
    let target = Target { resource: Resource::Words(dynamic), ..command("git") };
    assert_eq!(decide(&policy(&marked), &[], None, &call(vec![target]), Timestamp(0)).effect(), Effect::Deny);
}

#[test]
fn a_session_makes_it_stricter_and_a_missing_human_does_too() {
    let full = agent(r#"{"security": "full", "ask": "on-miss", "askFallback": "full"}"#);
    let under = full.clone().under(Security::Allowlist, Ask::Always);
    assert_eq!((under.security.value, under.ask.value), (Security::Allowlist, Ask::Always));
    assert_eq!(under.ask_fallback.value, Security::Allowlist);
    assert_eq!(full.clone().under(Security::Full, Ask::Off), full);
    assert!(!full.still_holds(&under) && under.still_holds(&full));
    let alone = agent(r#"{"security": "full", "ask": "always"}"#).unattended();
    assert_eq!(effect(&alone, "git status"), Effect::Deny);
}

#[test]
fn answers_about_tools_turn_asks_into_allows_and_nothing_else() {
    let main = resolved(WHOLE, Some("main"));
    let tool = |tool: &str| Action::Mcp { server: "github".to_owned(), tool: tool.to_owned() };
    let judged = |tool: Action, resolved: &Resolved| {
        let target = Target::primary(tool.clone(), Resource::None);
        let call = Call { action: tool, ..call(vec![target]) };
        decide(&policy(resolved), &[], None, &call, Timestamp(0)).effect()
    };
    assert_eq!(judged(tool("get_me"), &main), Effect::Allow);
    assert_eq!(judged(tool("delete"), &main), Effect::Ask);
    assert_eq!(judged(tool("get_me"), &resolved(WHOLE, Some("ops"))), Effect::Ask);
}

#[test]
fn a_provenance_that_nobody_knows_is_one() {
    let strange = agent(
        r#"{"security": "allowlist", "ask": "off",
            "allowlist": [{"pattern": "/usr/bin/git", "source": "Allow-Always"}, {"pattern": "/usr/bin/ls", "source": " "}]}"#,
    );
    assert_eq!((effect(&strange, "git push"), effect(&strange, "ls")), (Effect::Deny, Effect::Allow));
}

fn broken(texts: &[(&str, Machine)]) -> String {
    let report = |(text, on): &(&str, Machine)| {
        let problems = parse(&Text::new("exec-approvals.json", text), *on).unwrap_err();
        problems.iter().map(|problem: &Problem| problem.render(text)).collect::<String>()
    };
    texts.iter().map(report).collect::<Vec<_>>().join("\n")
}

#[test]
fn how_files_break() {
    let linux = |text| (text, Machine::Linux);
    insta::assert_snapshot!(broken(&[
        linux("not json"),
        linux(""),
        linux("null"),
        linux("{}"),
        linux(r#"{"version": "1"}"#),
        linux(r#"{"version": 2, "agents": []}"#),
        linux("{\"version\": 1, \"note\": \"a\nb\"}"),
        linux(r#"{"version": 1, "note": "\ud800"}"#),
        linux(r#"{"version": 1, "socket": {"path": 5}}"#),
        linux(r#"{"version": 1, "defaults": {"security": "nope", "ask": "deny", "autoAllowSkills": 1}}"#),
        linux(r#"{"version": 1, "agents": {"__proto__": {"security": "full"}}}"#),
        linux(r#"{"version": 1, "agents": {"a": null, "main": {"allowlist": ["/a", " ", 5, {"pattern": ""}]}}}"#),
        linux(r#"{"version": 1, "agents": {"main": {"allowlist": [{"argPattern": 5, "lastUsedAt": null}]}}}"#),
        linux(
            r#"{"version": 1, "agents": {"main": {"mcpTools": [{"server": "s", "source": "manual", "addedAt": -1}]}}}"#
        ),
        ("{\"version\": 1, \"agents\": {\"main\": {\"allowlist\": [\"/a\"]}}}", Machine::WindowsNode),
    ]));
}

#[test]
fn messages_say_nothing_of_what_stands_in_the_file() {
    let secret = "s3cr3t";
    for text in [
        format!(r#"{{"version": "{secret}", "socket": "{secret}", "defaults": {{"ask": "{secret}"}}}}"#),
        format!(r#"{{"version": 1, "agents": {{"{secret}": {{"ask": "{secret}", "allowlist": "{secret}"}}}}}}"#),
        format!(r#"{{"version": 1, "agents": {{"a": {{"mcpTools": ["{secret}", {{"source": "{secret}"}}]}}}}}}"#),
    ] {
        for problem in parse(&Text::new("x", &text), Machine::Linux).unwrap_err() {
            assert!(!format!("{} {:?}", problem.message, problem.help).contains(secret), "{problem:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_lets_nothing_run() {
    for on in [Machine::Linux, Machine::WindowsNode] {
        let closed = Approvals::closed(on).resolve(Some("main"));
        assert_eq!(effect(&closed, "ls"), Effect::Deny);
    }
}

#[test]
fn the_windows_node_starts_stricter_and_reads_its_older_words() {
    let text = r#"{"version": 1, "agents": {"main": {"ask": "deny", "askFallback": "off", "allowlist": [{"pattern": "C:/a/**"}]}}}"#;
    let node = parse(&Text::new("x", text), Machine::WindowsNode).unwrap().resolve(Some(" "));
    assert_eq!(
        (node.security.value, node.ask.value, node.ask_fallback.value),
        (Security::Allowlist, Ask::Deny, Security::Full)
    );
    assert_eq!(effect(&node, "ls"), Effect::Deny);
}

#[test]
fn what_is_large_or_deep_is_refused_in_little_time() {
    let list = |count: usize| vec![r#"{"pattern":"/usr/bin/*"}"#; count].join(",");
    let agents = |list: &str| {
        format!(r#"{{"version":1,"agents":{{"default":{{"allowlist":[{list}]}},"main":{{"allowlist":[{list}]}}}}}}"#)
    };
    for text in [
        agents(&list(10_001)),
        "[".repeat(100_000),
        format!(r#"{{"version":1,"agents":{}"#, r#"{"a":"#.repeat(100_000)),
        format!(r#"{{"version":1,"note":"{}"}}"#, "a".repeat(5_000_000)),
        "\u{0}\u{1}\u{2}".to_owned(),
    ] {
        assert!(parse(&Text::new("x", &text), Machine::Linux).is_err());
    }
    let many = parse(&Text::new("x", &agents(&list(10_000))), Machine::Linux).unwrap().resolve(Some("main"));
    assert_eq!(many.entries.len(), 1);
}

fn became(resolved: &Resolved) -> Vec<String> {
    let line = |fate: &Fate| format!("{}: {} -> {:?}", fate.origin.line, fate.origin.text, fate.became);
    import(&"exec-approvals.json".into(), resolved).iter().map(line).collect()
}

/// The rules of ours that an import comes to, as a policy file that can be read.
fn rules(resolved: &Resolved) -> Vec<String> {
    let mut all = Vec::new();
    for fate in import(&"exec-approvals.json".into(), resolved) {
        if let Became::Native { effect, rules, .. } = fate.became {
            let file = format!(
                "{effect} = {}",
                serde_json::to_string(&rules.iter().map(|native| &native.rule).collect::<Vec<_>>()).unwrap()
            );
            document::parse(SourceKind::User, "countersign.toml", &file).unwrap();
            all.push(file);
        }
    }
    all
}

#[test]
fn an_import() {
    let main = resolved(WHOLE, Some("main"));
    assert!(!rules(&main).is_empty());
    insta::assert_snapshot!(became(&main).join("\n"));
}

#[test]
fn an_import_of_what_no_list_decides() {
    assert_eq!(rules(&agent(r#"{"security": "deny"}"#)), ["deny = [\"shell(**)\"]"]);
    assert_eq!(rules(&agent(r#"{"security": "full", "ask": "always"}"#)), ["ask = [\"shell(**)\"]"]);
    assert_eq!(rules(&agent(r#"{"security": "full"}"#)), ["allow = [\"shell(**)\"]"]);
    let denies = agent(r#"{"security": "allowlist", "ask": "off", "allowlist": ["/a/$(b), 'c'"]}"#);
    assert_eq!(rules(&denies).len(), 1);
    assert!(became(&denies)[0].contains("Kept"));
}

#[test]
fn commands_that_the_windows_node_does_not_remember() {
    for (words, why) in [
        (&[][..], Some("empty-command")),
        (&["a\0b"][..], Some("argument-contains-nul")),
        (&["cmd.exe", "/c", "x"][..], Some("non-canonical-cmd-carrier")),
        (&["cmd", "/d", "/s", "/c", "dir"][..], Some("carrier-payload-is-shell-builtin")),
        (&["cmd", "/d", "/s", "/c", "a & b"][..], Some("carrier-payload-not-static")),
        (&[r"C:\x\cmd.exe", "/d", "/s", "/c", "a"][..], Some("untrusted-cmd-carrier-image")),
        (&["pwsh", "-c", "x"][..], Some("shell-wrapper")),
        (&["env", "A=1", "git"][..], Some("env-wrapper-has-modifiers")),
        (&[r"\\server\share\a.exe"][..], Some("executable-on-network-path")),
        (&["a.bat"][..], Some("executable-not-bindable")),
        (&["env", "git.exe", "status"][..], None),
    ] {
        assert_eq!(unbindable(words), why, "{words:?}");
    }
}
