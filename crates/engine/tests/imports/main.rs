//! Files of other systems that a policy file takes in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test stops here")]

#[path = "../disk/mod.rs"]
mod disk;
mod together;
mod windows;

use std::cell::RefCell;
use std::collections::BTreeMap;

use countersign_engine::{Known, Layout, LoadFault, NothingKnown, Reading, Request, load};
use countersign_policy::{Attendance, Decision, Effect, Timestamp};
use disk::Disk;

const USER: &str = "/home/u/.config/countersign/countersign.toml";

fn layout() -> Layout {
    Layout {
        home: "/home/u".to_owned(),
        user_file: USER.to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    }
}

fn loaded(disk: &Disk, known: &dyn Known) -> Result<Reading, LoadFault> {
    load(disk, &layout(), "/repo", known)
}

fn judged(reading: &Reading, disk: &Disk, tool: &str, resource: &str) -> Decision {
    judged_with(reading, disk, tool, serde_json::json!({ "resource": resource }))
}

fn judged_with(reading: &Reading, disk: &Disk, tool: &str, args: serde_json::Value) -> Decision {
    let request = Request {
        host: countersign_engine::hosts::GENERIC.to_owned(),
        host_version: None,
        tool: tool.to_owned(),
        mcp_server: None,
        args,
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        mode: None,
        user: "u".to_owned(),
        home: "/home/u".to_owned(),
        role: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        call_id: None,
    };
    let call = reading.engine.call(&request, disk);
    reading.engine.decide(&[], None, &call, Timestamp(0))
}

#[test]
fn a_clawbolt_file_decides_as_there() {
    let mut disk = Disk::new();
    disk.write(
        USER,
        "[[import]]\nfrom = \"~/clawbolt/PERMISSIONS.json\"\n[tools.\"tool:web_fetch\"]\nresource = \"/resource\"\n",
    );
    let file = r#"{"tools": {"web_fetch": "ask"}, "resources": {"web_fetch": {"*.gov": "always", "x.gov": "never"}}}"#;
    disk.write("/home/u/clawbolt/PERMISSIONS.json", file);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (resource, effect) in [("a.gov", Effect::Allow), ("x.gov", Effect::Deny), ("a.com", Effect::Ask)] {
        assert_eq!(judged(&reading, &disk, "web_fetch", resource).effect(), effect, "{resource}");
    }
    disk.write("/home/u/clawbolt/PERMISSIONS.json", r#"{"tools": {"web_fetch": "deny"}}"#);
    assert!(loaded(&disk, &NothingKnown).is_err());
}

const OPENCODE: &str =
    r#"{ "permission": { "bash": { "*": "ask", "make *": "allow", "make deploy*": "deny" }, "edit": "ask" } }"#;

#[test]
fn a_users_file_decides_as_there() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"../opencode/opencode.json\"\n");
    disk.write("/home/u/.config/opencode/opencode.json", OPENCODE);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (line, effect) in [
        ("make test", Effect::Allow),
        ("make deploy", Effect::Deny),
        ("make deploy-all", Effect::Deny),
        ("npm i", Effect::Ask),
    ] {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
    // Each command of a line is judged, and what it writes.
    assert_eq!(judged(&reading, &disk, "shell", "make test && make deploy").effect(), Effect::Deny);
    assert_eq!(judged(&reading, &disk, "shell", "make test > /repo/src/x").effect(), Effect::Ask);
    assert_eq!(reading.files.len(), 2);
}

/// OpenCode 1.18 compares a command's text as it stands and a path as it is in the project: a denial is slipped past by a
/// variable, a folder, a link or another case, and one of a path in full never holds.
#[test]
fn a_denial_taken_in_holds_however_it_is_said() {
    let file = r#"{ "permission": {
        "bash": { "*": "ask", "make *": "allow", "A=1 make *": "allow", "rm *": "deny" },
        "edit": { "*": "allow", "secret/*": "deny", "/repo/private/*": "deny" },
        "read": { "*": "ask", "src/*": "allow", "*.key": "deny" } } }"#;
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"/o/opencode.json\"\n");
    disk.write("/o/opencode.json", file);
    disk.write("/repo/secret/x", "");
    disk.write("/repo/src/x.key", "");
    disk.link("/repo/src/l", "/repo/secret/x");
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (tool, resource, effect) in [
        ("shell", "FOO=bar rm -rf x", Effect::Deny),
        ("shell", "/bin/rm -rf x", Effect::Deny),
        ("shell", "RM -rf x", Effect::Deny),
        ("shell", "nice /bin/rm x", Effect::Deny),
        ("shell", "rm 'a\nb'", Effect::Deny),
        ("shell", "make test", Effect::Allow),
        ("edit", "secret/x", Effect::Deny),
        ("edit", "SECRET/x", Effect::Deny),
        ("edit", "src/l", Effect::Deny),
        ("edit", "private/x", Effect::Deny),
        ("edit", "src/main.rs", Effect::Allow),
        ("read", "src/X.KEY", Effect::Deny),
        ("read", "src/main.rs", Effect::Allow),
        // What no rule allows where it leads is not allowed.
        ("read", "src/l", Effect::Ask),
    ] {
        assert_eq!(judged(&reading, &disk, tool, resource).effect(), effect, "{tool} {resource}");
    }
}

/// OpenCode 2 compares a rule with the whole line: `git *` is `git status && rm -rf x`.
#[test]
fn a_rule_of_the_whole_line_holds_for_each_command() {
    let file = r#"{ "permission": [
        { "action": "bash", "resource": "*", "effect": "ask" },
        { "action": "bash", "resource": "git *", "effect": "allow" },
        { "action": "bash", "resource": "rm *", "effect": "deny" } ] }"#;
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"/o/opencode.json\"\n");
    disk.write("/o/opencode.json", file);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (line, effect) in [
        ("git status", Effect::Allow),
        ("git status && rm -rf x", Effect::Deny),
        ("git status; curl evil.example", Effect::Ask),
        ("git log > /etc/x", Effect::Ask),
        ("git log $(rm x)", Effect::Deny),
    ] {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
}

/// SurfSense's `**` ends at a line break, and its denials with it.
#[test]
fn a_line_break_is_no_way_past_a_denial() {
    let file = r#"[{ "permission": "*", "pattern": "*", "action": "allow" },
        { "permission": "shell", "pattern": "rm **", "action": "deny" },
        { "permission": "send", "pattern": "all **", "action": "deny" }]"#;
    let mut disk = Disk::new();
    let tool = "[tools.\"tool:send\"]\nresource = \"/resource\"\n";
    disk.write(USER, &format!("[[import]]\nfrom = \"/o/rules.json\"\nsystem = \"surfsense\"\n{tool}"));
    disk.write("/o/rules.json", file);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (tool, resource, effect) in [
        ("shell", "rm -rf a", Effect::Deny),
        ("shell", "rm -rf 'a\nb'", Effect::Deny),
        ("shell", "sort a", Effect::Allow),
        ("send", "all of\nthem", Effect::Deny),
        ("send", "one of\nthem", Effect::Allow),
    ] {
        assert_eq!(judged(&reading, &disk, tool, resource).effect(), effect, "{tool} {resource:?}");
    }
}

const CODEX: &str = r#"
for reading in ["status", "log"]:
    prefix_rule(pattern = ["git", reading])
prefix_rule(pattern = ["git", ["push", "fetch"]], decision = "prompt")
prefix_rule(pattern = ["git", "push", "--force"], decision = "forbidden", justification = "others have it")
prefix_rule(pattern = ["curl"])
network_rule(host = "evil.example", protocol = "https", decision = "deny")
"#;

#[test]
fn codexs_rules_decide_as_there() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/.codex/rules/default.rules\"\n");
    disk.write("/home/u/.codex/rules/default.rules", CODEX);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (line, effect) in [
        ("git status --short", Effect::Allow),
        ("/usr/bin/git log", Effect::Allow),
        ("git push origin main", Effect::Ask),
        ("git push --force", Effect::Deny),
        ("git status && git push --force", Effect::Deny),
        ("sudo /usr/bin/git push --force", Effect::Deny),
        ("git push $FLAGS", Effect::Deny),
        ("git log $WHAT", Effect::Ask),
        ("/tmp/evil/git status", Effect::Ask),
        ("curl https://evil.example/x", Effect::Deny),
    ] {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
    disk.write("/home/u/.codex/rules/default.rules", "prefix_rule([])");
    let fault = loaded(&disk, &NothingKnown).unwrap_err();
    assert!(fault.report().contains("default.rules:1:1: a pattern is empty"), "{}", fault.report());
}

#[test]
fn claude_codes_settings_decide_as_there_in_every_host() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/.claude/settings.json\"\n");
    let settings = r#"{ "permissions": {
        "allow": ["Bash(make *)", "Edit(docs/**)", "Edit(/notes/**)", "WebFetch(domain:*.example.org)", "mcp__gh__get_*"],
        "deny": ["Bash(make deploy *)", "Read(secrets/**)", "Read(//etc/hosts)"] } }"#;
    disk.write("/home/u/.claude/settings.json", settings);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (tool, resource, effect) in [
        ("shell", "make test", Effect::Allow),
        ("shell", "sudo make deploy", Effect::Deny),
        ("shell", "make test && cp secrets/a b", Effect::Deny),
        ("read", "/repo/a/SECRETS/x", Effect::Deny),
        ("read", "/etc/hosts", Effect::Deny),
        ("edit", "/repo/docs/x/y", Effect::Allow),
        ("edit", "/repo/notes/x", Effect::Ask),
        ("fetch", "https://a.example.org/x", Effect::Allow),
        ("fetch", "https://example.org/x", Effect::Ask),
        ("mcp__gh__get_issue", "", Effect::Allow),
        ("mcp__gh__create_issue", "", Effect::Ask),
    ] {
        assert_eq!(judged(&reading, &disk, tool, resource).effect(), effect, "{tool} {resource}");
    }
}

#[test]
fn what_is_taken_in_is_guarded_and_bounded_by_the_ceilings() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/rules/mine.json\"\nsystem = \"opencode\"\n");
    disk.write("/home/u/rules/mine.json", r#"{ "permission": "allow" }"#);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    assert_eq!(judged(&reading, &disk, "edit", "/home/u/rules/mine.json").effect(), Effect::Ask);
    assert_eq!(judged(&reading, &disk, "delete", "/home/u/rules/mine.json").effect(), Effect::Ask);
    assert_eq!(judged(&reading, &disk, "edit", USER).effect(), Effect::Deny);
    assert_eq!(judged(&reading, &disk, "edit", "/repo/src/main.rs").effect(), Effect::Allow);
}

/// Trusts the contents that it was given, by path.
struct Trusting(RefCell<Vec<(String, String)>>);

impl Known for Trusting {
    fn trusted(&self, path: &str, content: &str) -> bool {
        self.0.borrow().iter().any(|(its_path, its)| its_path == path && its == content)
    }

    fn checked(&self, _key: &str) -> bool {
        false
    }
}

#[test]
fn a_projects_import_allows_once_both_files_are_trusted() {
    let mut disk = Disk::new();
    let policy = "[[import]]\nfrom = \"opencode.json\"\n";
    disk.write("/repo/countersign.toml", policy);
    disk.write("/repo/opencode.json", OPENCODE);
    let of = |text: &str| countersign_policy::sha256_hex(text.as_bytes());
    let both = [("/repo/countersign.toml", of(policy)), ("/repo/opencode.json", of(OPENCODE))];
    for (count, effect) in [(0, Effect::Ask), (1, Effect::Ask), (2, Effect::Allow)] {
        let known = both.iter().take(count).map(|(path, content)| ((*path).to_owned(), content.clone())).collect();
        let reading = loaded(&disk, &Trusting(RefCell::new(known))).unwrap();
        assert_eq!(judged(&reading, &disk, "shell", "make test").effect(), effect, "{count}");
        // Denies count in any case.
        assert_eq!(judged(&reading, &disk, "shell", "make deploy").effect(), Effect::Deny, "{count}");
    }
}

#[test]
fn examples_are_decided_with_what_is_taken_in() {
    let mut disk = Disk::new();
    disk.write(USER, "examples = [\"allow shell: make test\", \"deny shell: make deploy\"]\n[[import]]\nfrom = \"/o/opencode.json\"\n");
    disk.write("/o/opencode.json", OPENCODE);
    assert!(loaded(&disk, &NothingKnown).is_ok());
    disk.write("/o/opencode.json", r#"{ "permission": "ask" }"#);
    assert!(loaded(&disk, &NothingKnown).is_err());
}

#[test]
fn a_change_of_what_is_taken_in_is_another_revision() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"/o/opencode.json\"\n");
    disk.write("/o/opencode.json", OPENCODE);
    let before = loaded(&disk, &NothingKnown).unwrap().engine.policy().revision.clone();
    disk.write("/o/opencode.json", r#"{ "permission": "ask" }"#);
    assert_ne!(loaded(&disk, &NothingKnown).unwrap().engine.policy().revision, before);
}

#[test]
fn what_cannot_be_taken_in_is_said() {
    let mut reports = Vec::new();
    for (import, files) in [
        ("from = \"nowhere.json\"", vec![]),
        ("from = \"x.json\"", vec![("/home/u/.config/countersign/x.json", "{\"a\": 1}")]),
        (
            "from = \"opencode.json\"",
            vec![("/home/u/.config/countersign/opencode.json", "{ \"permission\": { \"bash\": \"alow\" } }")],
        ),
        ("from = \"opencode.json\"", vec![("/home/u/.config/countersign/opencode.json", "{ \"permission\": {")]),
        ("from = \"/o/opencode.json\"\nplatform = \"win32\"", vec![("/o/opencode.json", "{}")]),
        ("from = \"/o/opencode.json\"\nplatform = \"Windows\"", vec![("/o/opencode.json", "{}")]),
        ("from = \"/o/opencode.json\"\nplatform = \"windows-node\"", vec![("/o/opencode.json", "{}")]),
        ("from = \"/o/PERMISSIONS.json\"\nplatform = \"windows\"", vec![("/o/PERMISSIONS.json", "{}")]),
    ] {
        let mut disk = Disk::new();
        disk.write(USER, &format!("[[import]]\n{import}\n"));
        for (path, text) in files {
            disk.write(path, text);
        }
        match loaded(&disk, &NothingKnown) {
            Ok(_) => panic!("{import}"),
            Err(fault) => reports.push(fault.report()),
        }
    }
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn a_list_of_programs_decides_by_where_they_are() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/.openclaw/exec-approvals.json\"\nagent = \"ops\"\n");
    let approvals = r#"{"version": 1, "agents": {"ops": {
        "security": "allowlist", "ask": "off", "allowlist": ["/opt/real/tool", "/opt/ghost"]}}}"#;
    disk.write("/home/u/.openclaw/exec-approvals.json", approvals);
    disk.program("/opt/real/tool");
    disk.link("/opt/tool", "/opt/real/tool");
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (line, effect) in [
        ("/opt/real/tool x", Effect::Allow),
        ("/opt/tool x", Effect::Allow),
        ("/opt/other x", Effect::Deny),
        // Nothing is there yet: whoever puts it there chooses what runs.
        ("/opt/ghost x", Effect::Deny),
        ("/opt/tool x && ls", Effect::Deny),
    ] {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
    disk.write("/home/u/.openclaw/exec-approvals.json", r#"{"version": 2}"#);
    assert!(loaded(&disk, &NothingKnown).is_err());
}

/// OpenClaw with `askFallback: full` runs what was asked and nobody answered.
#[test]
fn what_nobody_answers_does_not_run_whatever_a_file_says() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"/o/exec-approvals.json\"\n");
    let file = r#"{"version": 1, "agents": {"main": {
        "security": "allowlist", "ask": "on-miss", "askFallback": "full", "allowlist": []}}}"#;
    disk.write("/o/exec-approvals.json", file);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (attendance, effect) in [(Attendance::Somebody, Effect::Ask), (Attendance::Nobody, Effect::Deny)] {
        let request = Request {
            home: "/home/u".to_owned(),
            cwd: "/repo".to_owned(),
            project: "/repo".to_owned(),
            attendance,
            ..Request::of("shell", "make")
        };
        let call = reading.engine.call(&request, &disk);
        assert_eq!(reading.engine.decide(&[], None, &call, Timestamp(0)).effect(), effect);
    }
}

/// A repository could name any file of the machine, and what is wrong with it would be told to the agent.
#[test]
fn a_projects_file_shows_nothing_of_what_it_takes_in() {
    let secret = "API_KEY = sk_live_abc\n";
    for (from, place) in [
        ("\"~/.env\"", "/home/u/.env"),
        ("\"/etc/env\"", "/etc/env"),
        ("\"out/env\"", "/etc/env"),
        ("\".env\"", "/repo/.env"),
        ("[\".env\", \"src/main.rs\"]", "/repo/.env"),
        ("\"/etc\"", "/etc/x.rules"),
        ("\"out\"", "/etc/x.rules"),
        ("\"src\"", "/repo/src/x.rules"),
    ] {
        let mut disk = Disk::new();
        disk.write("/repo/countersign.toml", &format!("[[import]]\nfrom = {from}\nsystem = \"codex\"\n"));
        disk.write(place, secret);
        let Err(fault) = loaded(&disk, &NothingKnown) else { panic!("{from} was taken in") };
        let told = format!("{fault}\n{}", fault.report());
        assert!(!told.contains("sk_live") && !told.contains("API_KEY"), "{told}");
        assert!(told.contains("countersign.toml:2:8"), "{told}");
    }
}

/// An agent writes the query: what its first `FROM` names is not all that is read.
#[test]
fn clawbolts_tools_are_judged_by_every_resource() {
    use serde_json::json;
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/PERMISSIONS.json\"\n");
    let file = r#"{"tools": {"qb_query": "ask", "st_add_job_note": "never", "calendar_delete_event": "ask", "qb_send": "always"},
        "resources": {"qb_query": {"Invoice": "always", "Customer": "always", "Payroll": "never"},
                      "st_add_job_note": {"job:7": "always"}, "qb_send": {"a@b.c": "ask"},
                      "calendar_delete_event": {"delete event": "always"}}}"#;
    disk.write("/home/u/PERMISSIONS.json", file);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (tool, args, effect) in [
        ("qb_query", json!({"query": "SELECT * FROM Invoice"}), Effect::Allow),
        ("qb_query", json!({"query": "select x from Invoice; from Customer"}), Effect::Allow),
        ("qb_query", json!({"query": "SELECT * FROM Invoice; FROM Item"}), Effect::Ask),
        ("qb_query", json!({"query": "SELECT * FROM Invoice; FROM Payroll"}), Effect::Deny),
        // What names nothing is not the tool alone, and a list is no query.
        ("qb_query", json!({"query": "SELECT 1"}), Effect::Ask),
        ("qb_query", json!({"query": ["FROM Invoice"]}), Effect::Ask),
        ("qb_query", json!({}), Effect::Ask),
        ("st_add_job_note", json!({"job_id": 7}), Effect::Allow),
        ("st_add_job_note", json!({"job_id": "7"}), Effect::Allow),
        ("st_add_job_note", json!({"job_id": 8}), Effect::Deny),
        ("st_add_job_note", json!({}), Effect::Deny),
        ("calendar_delete_event", json!({"event_id": "x"}), Effect::Allow),
        ("qb_send", json!({"email": "a@b.c"}), Effect::Ask),
        ("qb_send", json!({"email": "x@b.c"}), Effect::Allow),
        ("qb_send", json!({"email": ""}), Effect::Ask),
        ("qb_send", json!({"to": "x@b.c"}), Effect::Ask),
    ] {
        assert_eq!(judged_with(&reading, &disk, tool, args.clone()).effect(), effect, "{tool} {args}");
    }
    // What a file of ours says of the argument counts in its place.
    let policy = "[tools.\"tool:qb_query\"]\nresource = \"/table\"\n[[import]]\nfrom = \"~/PERMISSIONS.json\"\n";
    disk.write(USER, policy);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    let args = json!({"query": "FROM Payroll", "table": "Invoice"});
    assert_eq!(judged_with(&reading, &disk, "qb_query", args).effect(), Effect::Allow);
}
