//! Each way in which the hook can fail ends as a denial that Claude Code honours: exit status 2, with a reason.
//!
//! Each test first sees that the call would run without the fault, so that none passes for another reason.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use world::{Said, World, feed, write};

/// A world in which `ls` runs, with a store.
fn allowing() -> World {
    let world = World::new();
    let said = world.hook(&world.event("PreToolUse", "ls", "t0"));
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("allow")), "{said:?}");
    world
}

/// It must not run, whatever the host makes of standard output.
fn blocked(said: &Said, reason: &str) {
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_ne!(said.decision().as_deref(), Some("allow"), "{said:?}");
    assert!(said.stderr.contains(reason), "`{reason}` is not in {said:?}");
    assert!(said.stderr.contains("countersign off 15m"), "no way out in {said:?}");
    assert_eq!(said.stderr.trim_end().lines().count(), 1, "{said:?}");
}

#[test]
fn wrong_arguments() {
    let world = allowing();
    let event = world.event("PreToolUse", "ls", "t1");
    for arguments in [
        &["clade-code"][..],
        &[],
        &["claude-code", "--help"],
        &["--help"],
        &["claude-code", "--timeout", "never"],
        &["claude-code", "--on-ask", "allow"],
        &["claude-code", "--home", "relative"],
    ] {
        let said = world.hook_with(arguments, event.as_bytes());
        assert_eq!(said.code, Some(2), "{arguments:?} {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{arguments:?} {said:?}");
    }
    let said = world.run(&["hok", "claude-code"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn an_event_that_cannot_be_read() {
    let world = allowing();
    let good = world.event("PreToolUse", "ls", "t1");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let twice = good.replacen("\"command\":\"ls\"", "\"command\":\"rm -rf /\",\"command\":\"ls\"", 1);
    assert_ne!(twice, good);
    let long = good.replacen("\"ls\"", &format!("\"ls {}\"", "a".repeat(17 * 1024 * 1024)), 1);
    let mut bytes = good.clone().into_bytes();
    bytes.extend([0xff, 0xfe]);
    for event in [
        b"".as_slice(),
        b"no event",
        b"[]",
        b"{}",
        b"{\"hook_event_name\":\"PreToolUse\"}",
        good.as_bytes().split_at(40).0,
        deep.as_bytes(),
        twice.as_bytes(),
        long.as_bytes(),
        &bytes,
    ] {
        blocked(&world.hook_with(&["claude-code"], event), "Countersign could not judge this call");
    }
}

#[test]
fn a_policy_that_cannot_be_read_names_its_place() {
    for (text, place) in [
        ("allow = [\n  \"shell(ls\"\n]\n", "countersign.toml:2"),
        ("alow = []\n", "countersign.toml:1"),
        ("allow = [\"shell(ls *)\"]\nexamples = [\"deny shell: ls\"]\n", "countersign.toml:2"),
    ] {
        let world = allowing().with_policy(text);
        let said = world.hook(&world.event("PreToolUse", "ls", "t1"));
        blocked(&said, place);
        assert_eq!(said.decision().as_deref(), Some("deny"), "{said:?}");
    }
    let world = allowing();
    write(&world.project().join("countersign.toml"), "deny = [1]\n");
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "countersign.toml:1");
    let world = allowing();
    std::fs::create_dir_all(world.policy()).unwrap();
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "countersign.toml");
    let world = allowing().with_policy("");
    std::fs::write(world.policy(), [0xff, 0xfe]).unwrap();
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "UTF-8");
}

#[test]
fn a_corrupt_store() {
    let world = allowing();
    for name in ["countersign.db-wal", "countersign.db-shm"] {
        let _ = std::fs::remove_file(world.data().join(name));
    }
    std::fs::write(world.store(), "no database, and long enough to be looked at as one: ".repeat(100)).unwrap();
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "damaged");
}

#[test]
fn a_store_that_is_not_ours_alone() {
    let world = allowing();
    std::fs::set_permissions(world.store(), std::fs::Permissions::from_mode(0o666)).unwrap();
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "chmod");
    let world = World::new();
    write(&world.home().join(".local/share/countersign"), "a file where the folder should be");
    blocked(&world.hook(&world.event("PreToolUse", "ls", "t1")), "folder");
}

#[test]
fn a_standard_output_that_cannot_be_written() {
    let world = allowing();
    let event = world.event("PreToolUse", "ls", "t1");
    let line = |redirection: &str| {
        let mut command = world.command("sh");
        command.args(["-c", &format!("exec '{}' hook claude-code {redirection}", world::PROGRAM)]);
        feed(command, event.as_bytes())
    };
    assert_eq!(line("").code, Some(0));
    blocked(&line(">&-"), "standard output");
    blocked(&line(">/dev/full"), "standard output");
    blocked(&line(">/dev/null"), "standard output");
    // With nowhere to say anything, the exit status says it alone.
    assert_eq!(line(">&- 2>&-").code, Some(2));
    assert_eq!(line(">/dev/full 2>/dev/full").code, Some(2));
    // A reader that is gone: a signal would let the call run.
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.as_bytes()).unwrap();
    blocked(&child.wait_with_output().unwrap().into(), "standard output");
}

#[test]
fn its_own_deadline() {
    let world = allowing();
    // Standard input stays open: the event never ends.
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code", "--timeout", "1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = std::time::Instant::now();
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let said = child.wait_with_output().unwrap().into();
    drop(input);
    blocked(&said, "too long");
    assert!(started.elapsed().as_millis() < 1000, "its host would have given it up: {:?}", started.elapsed());
}

#[test]
fn a_question_that_nobody_answers_ends_before_the_hosts_patience() {
    let world = allowing();
    let event = world.event("PreToolUse", "git push", "t1");
    let started = std::time::Instant::now();
    let said = world.hook_with(&["claude-code", "--on-ask", "wait", "--timeout", "2"], event.as_bytes());
    assert!(started.elapsed().as_millis() < 2000, "{:?}", started.elapsed());
    assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{said:?}");
    assert!(said.stdout.contains("The question stays open"), "{said:?}");
    let open = world.run(&["approvals", "list", "--json"]);
    assert!(open.stdout.contains("git push"), "{open:?}");
}

#[test]
fn nobody_to_ask() {
    let world = allowing();
    let event = world.event("PreToolUse", "git push", "t1");
    for arguments in [&["claude-code"][..], &["claude-code", "--on-ask", "host"], &["claude-code", "--on-ask", "deny"]]
    {
        let said = world.hook_with(arguments, event.as_bytes());
        assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{said:?}");
        assert!(said.stderr.contains("countersign open"), "{said:?}");
    }
    // Half of the marks of an attended host are none.
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code"]).env("CLAUDE_CODE_SESSION_ATTENDED", "1");
    assert_eq!(feed(command, event.as_bytes()).decision().as_deref(), Some("deny"));
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code"]).env("CLAUDE_CODE_SESSION_ATTENDED", "1").env("CLAUDE_CODE_ENTRYPOINT", "cli");
    assert_eq!(feed(command, event.as_bytes()).decision().as_deref(), Some("ask"));
}

#[test]
fn no_home() {
    let world = allowing();
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code"]).env_remove("HOME");
    blocked(&feed(command, world.event("PreToolUse", "ls", "t1").as_bytes()), "home directory");
}

#[test]
fn a_project_whose_name_is_no_text_is_not_passed_over() {
    let world = allowing();
    let folder = std::ffi::OsStr::from_bytes(b"/tmp/\xff");
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code"]).env("CLAUDE_PROJECT_DIR", folder);
    blocked(&feed(command, world.event("PreToolUse", "ls", "t1").as_bytes()), "not UTF-8");
}

#[test]
fn a_repository_that_moves_the_policy_by_environment() {
    let world = allowing().with_policy("deny = [\"shell(ls **)\"]\n");
    let evil = world.project().join("evil");
    write(&evil.join("countersign/countersign.toml"), "allow = [\"shell(**)\"]\n");
    let home = world.home();
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code", "--home", home.to_str().unwrap()]);
    command.env("HOME", &evil).env("XDG_CONFIG_HOME", &evil).env("XDG_DATA_HOME", &evil);
    let said = feed(command, world.event("PreToolUse", "ls", "t1").as_bytes());
    assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{said:?}");
}

#[test]
fn a_command_that_nests_deeply() {
    let world = allowing();
    for (open, close) in [("$(", ")"), ("(", ")"), ("`", "`"), ("bash -c '", "'"), ("{ ", "; }"), ("\"$(", ")\"")] {
        for depth in [100, 3_000] {
            let command = format!("{}ls{}", open.repeat(depth), close.repeat(depth));
            let said = world.hook(&world.event("PreToolUse", &command, "t1"));
            assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{open} {depth}");
        }
    }
}

#[test]
fn whatever_the_limits_it_is_judged_or_denied() {
    let world = allowing();
    let event = world.event("PreToolUse", "ls", "t1");
    let files = [3, 4, 5, 6, 8].map(|files| format!("ulimit -n {files}"));
    // With less the system finds no room for the program itself, and ends it before it begins.
    let memory = [50_000, 90_000, 100_000, 110_000, 130_000].map(|kilobytes| format!("ulimit -v {kilobytes}"));
    for limit in files.iter().chain(&memory) {
        let mut command = world.command("sh");
        command.args(["-c", &format!("{limit}; exec '{}' hook claude-code", world::PROGRAM)]);
        let said = feed(command, event.as_bytes());
        match said.code {
            Some(0) => assert_eq!(said.decision().as_deref(), Some("allow"), "{limit} {said:?}"),
            code => assert_eq!(code, Some(2), "{limit} {said:?}"),
        }
    }
}

#[test]
fn no_room_on_the_disk() {
    let world = allowing();
    // A limit on the size of files stands for a full disk. The signal that comes with it would let the call run.
    let mut command = world.command("sh");
    command.args(["-c", &format!("ulimit -f 0; exec '{}' hook claude-code", world::PROGRAM)]);
    let said = feed(command, world.event("PreToolUse", "ls", "t1").as_bytes());
    blocked(&said, "the store");
}

/// Waits until a question is open: the hook is then in the middle of its work.
fn wait_for_question(world: &World) {
    while world.run(&["approvals", "list", "--json"]).stdout.trim() == "[]" {
        std::thread::yield_now();
    }
}

/// A hook that waits for an answer, with these arguments.
fn waiting(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.command(world::PROGRAM);
    command.args(["hook", "claude-code", "--on-ask", "wait"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let event = world.event("PreToolUse", "git push", "t1");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.as_bytes()).unwrap();
    wait_for_question(world);
    child
}

fn kill(child: &Child, signal: &str) {
    let mut kill = std::process::Command::new("sh");
    assert!(kill.args(["-c", &format!("kill -s {signal} {}", child.id())]).status().unwrap().success());
}

#[test]
fn a_signal_is_no_way_around() {
    for signal in ["TERM", "INT", "HUP", "QUIT", "ABRT", "ALRM", "USR1", "USR2", "XCPU", "BUS", "IO", "PIPE"] {
        let world = allowing();
        let child = waiting(&world, &["--timeout", "5"]);
        kill(&child, signal);
        let said: Said = child.wait_with_output().unwrap().into();
        assert_eq!(said.code, Some(2), "{signal} {said:?}");
    }
}

/// Stopped, it would say nothing until its host had given it up.
#[test]
fn a_terminal_does_not_stop_it() {
    let world = allowing();
    let mut child = waiting(&world, &["--timeout", "3"]);
    for signal in ["TSTP", "TTIN", "TTOU"] {
        kill(&child, signal);
    }
    let patience = Instant::now() + Duration::from_secs(3);
    while child.try_wait().unwrap().is_none() && Instant::now() < patience {
        std::thread::yield_now();
    }
    let in_time = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    assert!(in_time && said.code == Some(2), "{said:?}");
}

#[test]
fn recording_never_holds_anything_up() {
    let world = World::new();
    write(&world.home().join(".local/share/countersign"), "a file where the folder should be");
    let said = world.hook(&world.event("PostToolUse", "ls", "t1"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = world.hook("{\"hook_event_name\":\"SessionStart\",\"session_id\":\"s1\"}");
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn a_locked_store() {
    let world = allowing();
    let holder = File::open(world.store()).unwrap();
    let locked = world
        .command("python3")
        .args(["-c", LOCK, world.store().to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut locked) = locked else { panic!("python3 is not installed: apt-get install python3") };
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(locked.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line.trim(), "locked");
    let said = world.hook(&world.event("PreToolUse", "ls", "t1"));
    drop(locked.stdin.take());
    locked.wait().unwrap();
    drop(holder);
    blocked(&said, "locked");
}

/// Holds the store until its input ends.
const LOCK: &str = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
    c.execute('BEGIN EXCLUSIVE')\nprint('locked', flush=True)\nsys.stdin.read()";
