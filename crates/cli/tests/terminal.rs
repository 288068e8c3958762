//! What only a human may do, and that nobody else can: in a terminal, without one, and under an agent's host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use world::{PROGRAM, Said, World, feed, write};

/// What loosens something, or answers for a human.
const HUMAN: &[&[&str]] = &[
    &["allow", "shell(ls)"],
    &["ask", "shell(ls)"],
    &["deny", "shell(ls)"],
    &["undo", "--yes"],
    &["trust", "--yes"],
    &["trust", "--remove"],
    &["off", "15m"],
    &["init", "--yes"],
    &["approvals", "allow", "x"],
    &["approvals", "deny", "x"],
    &["approvals", "watch"],
    &["open"],
    &["grants", "promote", "x", "--scope", "project"],
    &["tokens", "make", "bot", "--session", "h:s"],
    &["tokens", "make", "chat", "--application"],
    &["webhooks", "add", "https://hooks.example/", "--questions"],
    &["webhooks", "remove", "x"],
    &["webhooks", "retry", "x"],
];

fn prepared() -> World {
    let world = World::new();
    write(&world.project().join("countersign.toml"), "allow = [\"shell(true)\"]\n");
    write(&world.settings(), "{}\n");
    world
}

#[test]
fn without_a_terminal_it_is_refused() {
    let world = prepared();
    for arguments in HUMAN {
        let said = world.run(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?} {said:?}");
        assert!(
            said.stderr.contains("needs a terminal") || said.stderr.contains("for a human"),
            "{arguments:?} {said:?}"
        );
    }
    assert!(!world.policy().exists());
    assert_eq!(std::fs::read_to_string(world.settings()).unwrap(), "{}\n");
    assert!(!world.data().join("off.json").exists());
}

#[test]
fn under_an_agents_host_it_is_refused_even_in_a_terminal() {
    let world = prepared();
    // What a host starts is below a process of that name, whatever it unsets on the way.
    let host = world.project().join("claude");
    write(&host, "#!/bin/sh\nsh line.sh\necho code=$?\n");
    std::fs::set_permissions(&host, std::fs::Permissions::from_mode(0o755)).unwrap();
    for arguments in HUMAN {
        let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        write(&world.project().join("line.sh"), &format!("'{PROGRAM}' {}\n", words.join(" ")));
        let said = world.in_terminal("./claude", "y\n");
        assert!(said.stdout.contains("for a human") && said.stdout.contains("code=2"), "{arguments:?} {said:?}");
    }
    let said = world.in_terminal(&format!("CLAUDECODE=1 '{PROGRAM}' off 15m"), "y\n");
    assert!(said.stdout.contains("CLAUDECODE"), "{said:?}");
    let said = world.in_terminal(&format!("CLAUDECODE=1 sh -c 'env -u CLAUDECODE {PROGRAM} off 15m; true'"), "y\n");
    assert!(said.stdout.contains("CLAUDECODE"), "{said:?}");
    assert!(!world.policy().exists());
    assert!(!world.data().join("off.json").exists());
}

#[test]
fn a_rule_is_added_and_taken_back() {
    let world = World::new();
    let event = world.event("PreToolUse", "git push", "t1");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
    let said = world.run_in_terminal("allow 'shell(git push *)'", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("+   \"shell(git push *)\","), "{said:?}");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"));
    assert_eq!(std::fs::metadata(world.policy()).unwrap().permissions().mode() & 0o777, 0o600);

    let said = world.run_in_terminal("allow 'shell(git'", "");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("was left alone"), "{said:?}");

    let said = world.run_in_terminal("undo", "n\n");
    assert!(said.stdout.contains("Nothing was changed"), "{said:?}");
    let said = world.run_in_terminal("undo", "y\n");
    assert!(said.stdout.contains("Undone"), "{said:?}");
    assert!(!world.policy().exists());
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
    let said = world.run_in_terminal("undo", "y\n");
    assert!(said.stdout.contains("nothing to undo"), "{said:?}");
}

/// clawbolt's settings page replaces the whole file from what it read before: what was added meanwhile is lost.
#[test]
fn rules_that_are_added_at_once_are_all_kept() {
    let world = World::new();
    let rules: Vec<String> = (0..6).map(|number| format!("shell(tool{number} *)")).collect();
    let running: Vec<_> =
        rules.iter().map(|rule| world.start_in_terminal(&format!("'{PROGRAM}' deny '{rule}'"), "")).collect();
    for running in running {
        let said = running.wait();
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let policy = std::fs::read_to_string(world.policy()).unwrap();
    assert!(rules.iter().all(|rule| policy.contains(rule.as_str())), "{policy}");
}

/// clawbolt reads a malformed file as an empty one and writes over it: what was forbidden is lost for good.
#[test]
fn a_file_that_cannot_be_read_is_not_written_over() {
    for broken in ["deny = [\"shell(rm *)\"", "dney = [\"shell(rm *)\"]\n", "deny = \"shell(rm *)\"\n"] {
        let world = World::new().with_policy(broken);
        for command in ["allow 'shell(ls *)'", "deny 'shell(ls *)'", "undo --yes", "import opencode.json"] {
            let said = world.run_in_terminal(command, "y\n");
            assert_ne!(said.code, Some(0), "{command} {said:?}");
        }
        assert_eq!(std::fs::read_to_string(world.policy()).unwrap(), broken);
    }
}

#[test]
fn a_rule_for_some_hours() {
    let world = World::new();
    let said = world.run_in_terminal("allow 'shell(git push *)' --for 8h", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(std::fs::read_to_string(world.policy()).unwrap().contains("expires = 20"));
    assert_eq!(world.hook(&world.event("PreToolUse", "git push", "t1")).decision().as_deref(), Some("allow"));
    let said = world.run_in_terminal("deny 'shell(git push *)' --for 8h", "");
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn a_projects_allows_count_once_they_are_trusted_and_no_longer_when_they_change() {
    let world = World::new();
    let file = world.project().join("countersign.toml");
    write(&file, "allow = [\"shell(git push *)\"]\n");
    let event = world.event("PreToolUse", "git push", "t1");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
    let said = world.run_in_terminal("trust", "y\n");
    assert!(said.stdout.contains("allow shell(git push *)") && said.stdout.contains("trusted"), "{said:?}");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"));
    write(&file, "allow = [\"shell(git push *)\", \"shell(**)\"]\n");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
    write(&file, "allow = [\"shell(git push *)\"]\n");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"));
    assert_eq!(world.run_in_terminal("trust --remove", "").code, Some(0));
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
}

#[test]
fn the_gate_goes_off_and_on() {
    let world = World::new();
    let event = world.event("PreToolUse", "cat .env", "t1");
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
    assert_eq!(world.run_in_terminal("off 9h", "").code, Some(2));
    assert_eq!(world.run_in_terminal("off 15m", "").code, Some(0));
    let said = world.hook(&event);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert!(world.run(&["log"]).stdout.contains("off"));
    assert!(world.run(&["status"]).stdout.contains("OFF"));
    // Also where the store is what is broken.
    std::fs::write(world.store(), "broken").unwrap();
    assert_eq!(world.hook(&event).code, Some(0));
    assert_eq!(world.run(&["on"]).code, Some(0));
    assert_eq!(world.hook(&event).code, Some(2));
}

#[test]
fn init_registers_and_remove_restores() {
    let world = World::new();
    let before =
        "{\n  \"model\": \"opus\",\n  \"permissions\": {\"allow\": [\"Bash(git push:*)\", \"Bash(a && b)\"]}\n}\n";
    write(&world.settings(), before);
    let said = world.run(&["init", "--plan"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("+") && said.stdout.contains("Bash(a && b)"), "{said:?}");
    assert_eq!(std::fs::read_to_string(world.settings()).unwrap(), before);

    let said = world.run_in_terminal("init", "n\n");
    assert!(said.stdout.contains("Nothing was changed"), "{said:?}");
    assert_eq!(std::fs::read_to_string(world.settings()).unwrap(), before);
    let said = world.run_in_terminal("init", "y\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(std::fs::read_to_string(world.policy()).unwrap().contains("\"shell(git push *)\""));
    assert_eq!(world.hook(&world.event("PreToolUse", "git push", "t1")).decision().as_deref(), Some("allow"));
    let doctor = world.run(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    let again = world.run(&["init", "--plan"]);
    assert!(again.stdout.contains("nothing to change"), "{again:?}");

    // Doctor is red when the hook no longer blocks.
    let gated = std::fs::read_to_string(world.settings()).unwrap();
    std::fs::write(
        world.settings(),
        gated.replace("--timeout", "--home /nowhere/at/all --timeout 3 || true --timeout"),
    )
    .unwrap();
    let doctor = world.run(&["doctor"]);
    assert_eq!(doctor.code, Some(2), "{doctor:?}");
    std::fs::write(world.settings(), &gated).unwrap();

    let said = world.run_in_terminal("init --remove", "y\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(std::fs::read_to_string(world.settings()).unwrap(), before);
    assert!(!world.policy().exists());
    assert_eq!(world.run(&["doctor"]).code, Some(2));
}

#[test]
fn what_changed_since_init_stays_when_it_is_removed() {
    let world = World::new();
    write(&world.settings(), "{}\n");
    assert_eq!(world.run_in_terminal("init --yes", "").code, Some(0));
    let gated = std::fs::read_to_string(world.settings()).unwrap();
    std::fs::write(world.settings(), gated.replacen('{', "{\n  \"model\": \"opus\",", 1)).unwrap();
    assert_eq!(world.run_in_terminal("init --remove --yes", "").code, Some(0));
    let after = std::fs::read_to_string(world.settings()).unwrap();
    assert!(after.contains("opus") && !after.contains("countersign"), "{after}");
}

/// A hook that waits for an answer.
fn waiting(world: &World, event: &str) -> std::process::Child {
    let mut command = world.command(PROGRAM);
    command.args(["hook", "claude-code", "--on-ask", "wait", "--timeout", "60"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.as_bytes()).unwrap();
    child
}

fn open_question(world: &World) -> String {
    loop {
        let list: serde_json::Value =
            serde_json::from_str(&world.run(&["approvals", "list", "--json"]).stdout).unwrap();
        if let Some(id) = list[0]["approval"]["id"].as_str() {
            return id.to_owned();
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_waiting_call_runs_after_a_yes_and_not_after_a_no() {
    let world = World::new();
    let event = world.event("PreToolUse", "git push", "t1");
    let hook = waiting(&world, &event);
    let id = open_question(&world);
    let said = world.run_in_terminal(&format!("approvals allow {id}"), "n\n");
    assert!(said.stdout.contains("git push") && said.stdout.contains("Not answered"), "{said:?}");
    let said = world.run_in_terminal(&format!("approvals allow {id} --scope session"), "y\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    let said: Said = hook.wait_with_output().unwrap().into();
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("allow")), "{said:?}");
    // Remembered for the session: not asked again, and gone with it.
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"));
    assert!(world.run(&["grants", "list"]).stdout.contains("for this session"));
    assert_eq!(
        world.hook("{\"hook_event_name\":\"SessionEnd\",\"session_id\":\"s1\",\"reason\":\"other\"}").code,
        Some(0)
    );
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));

    let hook = waiting(&world, &world.event("PreToolUse", "git fetch", "t2"));
    let id = open_question(&world);
    let said = world.run_in_terminal(&format!("approvals deny {id} --message 'not on a Friday'"), "y\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    let said: Said = hook.wait_with_output().unwrap().into();
    assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{said:?}");
    assert!(said.stdout.contains("not on a Friday"), "{said:?}");
}

#[test]
fn what_is_remembered_is_made_to_reach_further() {
    let world = World::new();
    let event = world.event("PreToolUse", "git push", "t1");
    let hook = waiting(&world, &event);
    let id = open_question(&world);
    assert_eq!(world.run_in_terminal(&format!("approvals allow {id} --scope session"), "y\n").code, Some(0));
    hook.wait_with_output().unwrap();
    let grants =
        || -> serde_json::Value { serde_json::from_str(&world.run(&["grants", "list", "--json"]).stdout).unwrap() };
    let id = grants()[0]["grant"]["id"].as_str().unwrap().to_owned();
    let promote =
        |scope: &str, keys: &str| world.run_in_terminal(&format!("grants promote {id} --scope {scope}"), keys);
    let said = promote("session", "y\n");
    assert!(said.code == Some(2) && said.stdout.contains("is no wider than"), "{said:?}");
    let said = promote("project", "n\n");
    assert!(said.stdout.contains("Nothing was changed"), "{said:?}");
    assert_eq!(grants()[0]["grant"]["id"], id.as_str());
    let said = promote("project", "y\n");
    assert!(said.code == Some(0) && said.stdout.contains("for this project"), "{said:?}");
    assert_ne!(grants()[0]["grant"]["id"], id.as_str());
    let end = "{\"hook_event_name\":\"SessionEnd\",\"session_id\":\"s1\",\"reason\":\"other\"}";
    assert_eq!(world.hook(end).code, Some(0));
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"), "it outlives the session");
    let said = promote("user", "y\n");
    assert!(said.code == Some(2) && said.stdout.contains("there is no grant"), "its place is taken: {said:?}");
}

#[test]
fn a_call_is_allowed_with_other_arguments() {
    let world = World::new().with_policy("deny = [\"shell(git rebase *)\"]\n");
    let hook = waiting(&world, &world.event("PreToolUse", "git push --force", "t1"));
    let id = open_question(&world);
    let allow = |args: &str, more: &str| {
        // Within the quotes of the line that `script` runs.
        let args = args.replace('"', "\\\"");
        world.run_in_terminal(&format!("approvals allow {id} {more} --args '{args}'"), "y\n")
    };
    for (args, more, why) in [
        ("git push", "", "cannot be read"),
        ("[1]", "", "is a JSON object"),
        ("{\"command\": \"ls\", \"command\": \"git push\"}", "", "cannot be read"),
        ("{\"command\": \"git push\"}", "--scope session", "only this once"),
        ("{\"command\": \"git rebase x\"}", "", "policy does not let it run"),
    ] {
        let said = allow(args, more);
        assert!(said.code == Some(2) && said.stdout.contains(why), "{args}: {said:?}");
    }
    let said = allow("{\"command\": \"git push origin\"}", "");
    assert_eq!(said.code, Some(0), "{said:?}");
    // What would run was shown before it was allowed.
    let (before, after) = said.stdout.split_once("In place of that, with your arguments:").unwrap();
    assert!(before.contains("git push --force") && after.contains("git push origin"), "{said:?}");
    let said: Said = hook.wait_with_output().unwrap().into();
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("allow")), "{said:?}");
    assert!(said.stdout.contains("\"command\":\"git push origin\""), "{said:?}");
}

#[test]
fn an_answer_that_comes_late_counts_at_the_next_try_and_once() {
    let world = World::new();
    let event = world.event("PreToolUse", "git push", "t1");
    let said = world.hook_with(&["claude-code", "--on-ask", "wait", "--timeout", "1"], event.as_bytes());
    assert_eq!(said.decision().as_deref(), Some("deny"));
    let id = open_question(&world);
    assert_eq!(world.run_in_terminal(&format!("approvals allow {id}"), "y\n").code, Some(0));
    assert_eq!(world.hook(&world.event("PreToolUse", "git push --force", "t2")).decision().as_deref(), Some("deny"));
    assert_eq!(world.hook(&event).decision().as_deref(), Some("allow"));
    assert_eq!(world.hook(&event).decision().as_deref(), Some("deny"));
}

#[test]
fn a_watching_terminal_is_a_listener_and_answers() {
    let world = World::new();
    let event = world.event("PreToolUse", "git push", "t1");
    let watching = world.start_in_terminal(&format!("'{PROGRAM}' approvals watch"), "y\nq\n");
    while !world.run(&["status", "--json"]).stdout.contains("\"listening\":true") {
        std::thread::yield_now();
    }
    let said = world.hook_with(&["claude-code", "--timeout", "60"], event.as_bytes());
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("allow")), "{said:?}");
    // The second question is what `q` answers; nobody listens then.
    let next = world.event("PreToolUse", "git fetch", "t2");
    let said = world.hook_with(&["claude-code", "--timeout", "2"], next.as_bytes());
    assert_eq!(said.decision().as_deref(), Some("deny"), "{said:?}");
    let said = watching.wait();
    assert!(said.stdout.contains("git push"), "{said:?}");
}

#[test]
fn a_prompt_of_the_host_that_was_answered_is_noted_when_the_call_ran() {
    let world = World::new();
    let mut command = world.command(PROGRAM);
    command.args(["hook", "claude-code"]).env("CLAUDE_CODE_SESSION_ATTENDED", "1").env("CLAUDE_CODE_ENTRYPOINT", "cli");
    let said = feed(command, world.event("PreToolUse", "git push", "t1").as_bytes());
    assert_eq!(said.decision().as_deref(), Some("ask"));
    assert_ne!(world.run(&["approvals", "list", "--json"]).stdout.trim(), "[]");
    let said = world.hook(&world.event("PostToolUse", "git push", "t1"));
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(world.run(&["approvals", "list", "--json"]).stdout.trim(), "[]");
}

#[test]
fn what_ran_and_was_not_judged_is_an_alarm() {
    let world = World::new();
    assert_eq!(world.hook(&world.event("PreToolUse", "ls", "t1")).decision().as_deref(), Some("allow"));
    assert_eq!(world.hook(&world.event("PostToolUse", "ls", "t1")).stdout, "");
    for (command, id, alarm) in [("ls -la", "t1", "another call"), ("ls", "t2", "never asked")] {
        let said = world.hook(&world.event("PostToolUse", command, id));
        assert_eq!(said.code, Some(0));
        assert!(said.stdout.contains("systemMessage") && said.stdout.contains(alarm), "{said:?}");
    }
    world.hook(&world.event("PreToolUse", "cat .env", "t3"));
    assert!(world.hook(&world.event("PostToolUse", "cat .env", "t3")).stdout.contains("had denied"));
}

#[test]
fn a_link_to_sign_in_goes_to_a_terminal_alone() {
    let world = World::new();
    let serving = world.start_in_terminal(&format!("'{PROGRAM}' serve --port 0"), "");
    let file = world.data().join("server.json");
    let running: serde_json::Value = loop {
        match std::fs::read_to_string(&file) {
            Ok(text) => break serde_json::from_str(&text).unwrap(),
            Err(_) => std::thread::yield_now(),
        }
    };
    let said = world.run(&["open"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    let said = world.run_in_terminal("open", "");
    assert!(said.stdout.contains("/signin?code="), "{said:?}");
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-TERM", &running["process"].to_string()]).status().unwrap().success());
    let said = serving.wait();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("/signin?code="), "{said:?}");
    assert!(!file.exists());
    assert!(world.run_in_terminal("open", "").stdout.contains("no server runs"));

    // Its output goes into a file: no link, whoever reads it later.
    let mut command = world.command(PROGRAM);
    command.args(["serve", "--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said = [lines.next().unwrap(), lines.next().unwrap()].join("\n");
    assert!(said.contains("http://127.0.0.1:") && said.contains("countersign open"), "{said:?}");
    assert!(!said.contains("code="), "{said:?}");
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(lines.next(), None);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let said = world.run(&["serve", "--database", "postgres://user:secret@db/x"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("not supported yet") && !said.stderr.contains("secret"), "{said:?}");
}
