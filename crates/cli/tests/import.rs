//! `countersign import`: what it shows, what it writes, and what that decides.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod world;

use world::{World, write};

const CLAWBOLT: &str = r#"{
  "version": 1,
  "tools": {"qb_send": "ask"},
  "resources": {"qb_send": {"boss@acme.com": "never", "*@acme.com": "always"}}
}
"#;

#[test]
fn rules_with_exceptions_and_what_is_said_of_tools() {
    let world = World::new();
    write(&world.project().join("PERMISSIONS.json"), CLAWBOLT);
    let said = world.run(&["import", "--plan", "PERMISSIONS.json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let project = world.project().canonicalize().unwrap();
    insta::assert_snapshot!(said.stdout.replace(project.to_str().unwrap(), "/project"));
    let said = world.run(&["import", "--plan", "--json", "PERMISSIONS.json"]);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["tools"], serde_json::json!({"tool:qb_send": {"resource": "/email"}}));
    // What changes a policy needs a person.
    assert_ne!(world.run(&["import", "--yes", "PERMISSIONS.json"]).code, Some(0));
    assert!(!world.policy().exists());
    let said = world.run_in_terminal("import --yes PERMISSIONS.json", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = std::fs::read_to_string(world.policy()).unwrap();
    assert!(text.contains("  { rule = \"tool:qb_send\", unless = [\"*@acme.com\"] },\n"), "{text}");
    assert!(text.ends_with("[tools.\"tool:qb_send\"]\nresource = \"/email\"\n"), "{text}");
    assert!(text.starts_with("# What agents may do"), "{text}");
    // Once is enough.
    let said = world.run_in_terminal("import --yes PERMISSIONS.json", "");
    assert!(said.stdout.contains("says so already"), "{said:?}");
}

#[test]
fn a_folder_and_files_that_belong_together() {
    let world = World::new();
    let rules = world.home().join(".codex/rules");
    write(&rules.join("a.rules"), "prefix_rule(pattern = [\"git\"])\n");
    let path = "prefix_rule(pattern = [\"/usr/bin/git\", \"push\"], decision = \"forbidden\")\n";
    write(&rules.join("b.rules"), &format!("prefix_rule(pattern = [\"git\", \"\"])\n{path}"));
    let settings = world.settings();
    write(&settings, "{\"permissions\": {\"deny\": [\"Bash(* --force)\"]}}");
    let local = world.project().join(".claude/settings.local.json");
    write(&local, "{\"permissions\": {\"allow\": [\"Bash(make *)\"]}}");
    let all = [&rules, &settings, &local].map(|path| path.to_str().unwrap().to_owned()).join(" ");
    let said = world.run_in_terminal(&format!("import --yes {all}"), "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = std::fs::read_to_string(world.policy()).unwrap();
    assert!(text.contains("from = \"~/.codex/rules\"\n"), "{text}");
    assert!(text.contains("from = [\"~/.claude/settings.json\", \""), "{text}");
    assert_eq!(world.run(&["check", "shell: make test"]).code, Some(0));
    assert_eq!(world.run(&["check", "shell: make --force"]).code, Some(20));
    assert_eq!(world.run(&["check", "shell: /usr/bin/git push"]).code, Some(20));
    assert_eq!(world.run(&["check", "--policy", rules.to_str().unwrap(), "shell: git log"]).code, Some(0));
}

/// Nothing in the file says on which machine it holds.
#[test]
fn a_list_for_windows() {
    let world = World::new();
    let list = r#"[{"pattern": "C:/Tools/*.exe"}]"#;
    let file = world.project().join("exec-approvals.json");
    write(&file, &format!(r#"{{"version": 1, "agents": {{"main": {{"allowlist": {list}}}}}}}"#));
    // OpenClaw starts with everything allowed, its node for Windows with the list.
    let check = |platform: &[&str], line: &str| {
        let arguments = [&["check", "--policy", "exec-approvals.json"], platform, &[line]].concat();
        world.run(&arguments).code
    };
    let node = ["--platform", "windows-node"];
    assert_eq!(check(&[], "shell: C:/Other/x.exe"), Some(0));
    assert_eq!(check(&node, "shell: C:/Other/x.exe"), Some(10));
    assert_eq!(check(&node, "shell: c:/tools/X.EXE"), Some(0));
    let said = world.run_in_terminal("import --yes --platform windows-node exec-approvals.json", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = std::fs::read_to_string(world.policy()).unwrap();
    assert!(text.ends_with("exec-approvals.json\"\nplatform = \"windows-node\"\n"), "{text}");
    assert_eq!(world.run(&["check", "shell: c:/tools/X.EXE"]).code, Some(0));
    assert_eq!(world.run(&["check", "shell: C:/Other/x.exe"]).code, Some(10));
    write(&world.project().join("PERMISSIONS.json"), CLAWBOLT);
    write(&world.project().join("mine.toml"), "ask = [\"edit\"]\n");
    for (arguments, told) in [
        (
            &["import", "--plan", "--platform", "win", "exec-approvals.json"][..],
            "write one of linux, macos, windows, windows-node",
        ),
        (&["import", "--plan", "--platform", "windows", "PERMISSIONS.json"], "takes no `platform`"),
        (&["lint", "--platform", "windows", "PERMISSIONS.json"], "takes no `platform`"),
        (&["lint", "--platform", "windows", "mine.toml"], "`mine.toml` is a file of ours"),
        (&["check", "--policy", "mine.toml", "--platform", "windows", "edit: x"], "mine.toml` is a file of ours"),
        (&["check", "--policy", "PERMISSIONS.json", "--platform", "windows", "edit: x"], "takes no `platform`"),
        (&["check", "--platform", "windows", "edit: x"], "--policy"),
    ] {
        let said = world.run(arguments);
        assert!(said.code != Some(0) && said.stderr.contains(told), "{arguments:?} {said:?}");
    }
}

#[test]
fn files_with_mistakes_and_of_nobody_end_in_an_error() {
    let world = World::new();
    write(&world.project().join("rules/a.rules"), "prefix_rule([])\n");
    write(&world.project().join("rules/b.rules"), "\n\nprefix_rule(3)\n");
    let said = world.run(&["import", "--plan", "rules"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("a.rules:1:1") && said.stdout.contains("b.rules:3:1"), "{said:?}");
    write(&world.project().join("x.json"), "{}");
    for (arguments, told) in [
        (&["import", "--plan", "x.json"][..], "say it with `--system`"),
        (&["import", "--plan", "nowhere.json"], "there is no file"),
        (&["import", "--plan", "--system", "mine", "x.json"], "there is no system `mine`"),
        (&["import", "--plan", "--system", "clawbolt", "rules"], "stands alone"),
        (&["import", "--plan", "."], "cannot be told"),
    ] {
        let said = world.run(arguments);
        assert!(said.code != Some(0) && said.stderr.contains(told), "{arguments:?} {said:?}");
    }
}
