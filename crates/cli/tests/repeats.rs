//! What belongs to a session, through the hook as its host starts it: how often the same call came, and further roots.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use std::io::Write;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{Human, LogFilter, Open, Setting, Store, Via};
use world::{PROGRAM, Said, World, feed};

fn prepared() -> World {
    World::new().with_policy("allow = [\"shell(git push *)\"]\ndeny = [\"shell(rm *)\"]\n")
}

/// An event about a call that the host asks its own person about: without an id.
fn prompt(world: &World, command: &str) -> String {
    let mut event: serde_json::Value = serde_json::from_str(&world.event("PermissionRequest", command, "")).unwrap();
    event.as_object_mut().unwrap().remove("tool_use_id");
    event.to_string()
}

/// The hook as a host starts it in front of which a person sits.
fn attended(world: &World, event: &str) -> Said {
    let mut command = world.command(PROGRAM);
    command.env("CLAUDE_CODE_SESSION_ATTENDED", "1").env("CLAUDE_CODE_ENTRYPOINT", "cli");
    command.args(["hook", "claude-code"]);
    feed(command, event.as_bytes())
}

#[test]
fn the_third_in_a_row_is_denied_where_nobody_can_be_asked() {
    let world = prepared();
    let decide = |command: &str, id: &str| world.hook(&world.event("PreToolUse", command, id));
    let allowed = |said: &Said| said.decision().as_deref() == Some("allow");
    for id in ["t1", "t1", "t2"] {
        assert!(allowed(&decide("git push", id)), "the same call twice, and the second call");
    }
    // What is denied in between hides nothing.
    assert!(!allowed(&decide("rm x", "t3")));
    let third = decide("git push", "t4");
    assert_eq!(third.decision().as_deref(), Some("deny"), "{third:?}");
    assert!(third.stdout.contains("the same call 3 times in a row"), "{third:?}");
    assert!(!allowed(&decide("git push", "t5")), "trying again is no way through");
    assert!(allowed(&decide("git push origin", "t6")), "another call runs");
    assert!(allowed(&decide("git push", "t7")), "and ends the row");
    let log = world.run(&["why", "last"]).stdout;
    assert!(log.contains("git push"), "{log}");
}

#[test]
fn at_the_hosts_prompt_it_asks_and_what_its_person_allowed_begins_the_row_anew() {
    let world = prepared();
    let before = |id: &str| attended(&world, &world.event("PreToolUse", "git push", id)).decision();
    let ran = |id: &str| world.hook(&world.event("PostToolUse", "git push", id));
    for id in ["t1", "t2"] {
        assert_eq!(before(id).as_deref(), Some("allow"));
        assert_eq!(ran(id).code, Some(0));
    }
    assert_eq!(before("t3").as_deref(), Some("ask"));
    // The prompt's own event does not let it through either.
    let said = attended(&world, &prompt(&world, "git push"));
    assert_eq!((said.code, said.decision()), (Some(0), None), "{said:?}");
    let said = ran("t3");
    assert!(!said.stdout.contains("systemMessage"), "{said:?}");
    assert_eq!(before("t4").as_deref(), Some("allow"));
    // Before it has run, the host may ask once more about it: that is no other call.
    assert_eq!(attended(&world, &prompt(&world, "git push")).decision().as_deref(), Some("allow"));
    assert_eq!(before("t5").as_deref(), Some("ask"));
}

#[test]
fn a_call_that_waits_for_its_answer_runs() {
    let world = prepared();
    for id in ["t1", "t2"] {
        assert_eq!(world.hook(&world.event("PreToolUse", "git push", id)).decision().as_deref(), Some("allow"));
    }
    let waiting = |id: &str| {
        let mut command = world.command(PROGRAM);
        command.args(["hook", "claude-code", "--on-ask", "wait", "--timeout", "60"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(world.event("PreToolUse", "git push", id).as_bytes()).unwrap();
        child
    };
    let list = || {
        let said = world.run(&["approvals", "list", "--json"]).stdout;
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let until = |holds: &dyn Fn(&serde_json::Value) -> bool| {
        while !holds(&list()) {
            std::thread::yield_now();
        }
    };
    let first = waiting("t3");
    until(&|list| list[0]["approval"]["count"] == 1);
    // Another process asks about the same call: one question, and how often it was asked is shown.
    let event = world.event("PreToolUse", "git push", "t4");
    let second = world.hook_with(&["claude-code", "--on-ask", "wait", "--timeout", "1"], event.as_bytes());
    assert_eq!(second.decision().as_deref(), Some("deny"));
    until(&|list| list[0]["approval"]["count"] == 2);
    let shown = world.run(&["approvals", "list"]).stdout;
    assert!(shown.contains("asked 2 times"), "{shown}");
    let id = list()[0]["approval"]["id"].as_str().unwrap().to_owned();
    let said = world.run_in_terminal(&format!("approvals allow {id} --scope session"), "y\n");
    assert!(said.code != Some(0), "nothing of it can be remembered: {said:?}");
    let said = world.run_in_terminal(&format!("approvals allow {id}"), "y\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    let said: Said = first.wait_with_output().unwrap().into();
    assert_eq!(said.decision().as_deref(), Some("allow"), "{said:?}");
    // It is the first of a new row.
    assert_eq!(world.hook(&world.event("PreToolUse", "git push", "t5")).decision().as_deref(), Some("allow"));
    assert_eq!(world.hook(&world.event("PreToolUse", "git push", "t6")).decision().as_deref(), Some("deny"));
}

/// A person sets them at the server; the hook reads the same store.
#[test]
fn a_sessions_further_roots_count_for_its_hook() {
    let world = World::new().with_policy("allow = [\"shell(cat *)\"]\n");
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().canonicalize().unwrap().to_str().unwrap().to_owned();
    std::fs::write(folder.path().join("a"), "").unwrap();
    let decide = |id: &str| world.hook(&world.event("PreToolUse", &format!("cat {lib}/a"), id)).decision();
    assert_eq!(decide("t1").as_deref(), Some("deny"));
    let mut store = block_on(Store::open(&world.store(), Open::Cli)).unwrap();
    let user = block_on(store.log_entries(&LogFilter::default())).unwrap()[0].entry.user.clone();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp(i64::try_from(since.as_millis()).unwrap());
    let human = Human { user, via: Via::Page };
    let mut set = |session: &str, roots: &[&str]| {
        let roots = roots.iter().map(|root| (*root).to_owned()).collect();
        let setting = Setting { roots: Some(roots), ..Setting::default() };
        block_on(store.set_session(session, &setting, &human, now)).unwrap();
    };
    set("claude-code:s2", &[&lib]);
    assert_eq!(decide("t2").as_deref(), Some("deny"), "another session's");
    set("claude-code:s1", &[&lib]);
    assert_eq!(decide("t3").as_deref(), Some("allow"));
    set("claude-code:s1", &[]);
    assert_eq!(decide("t4").as_deref(), Some("deny"));
}
