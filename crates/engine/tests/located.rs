//! Where programs are, and what entries of OpenClaw's lists say of them there.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

mod disk;

use std::collections::BTreeMap;

use countersign_engine::{Engine, Request};
use countersign_formats::Text;
use countersign_formats::openclaw::{self, Machine};
use countersign_policy::document::assemble;
use countersign_policy::{Effect, Policy, SourceKind, Timestamp};
use disk::Disk;

fn world() -> Disk {
    let mut disk = Disk::new();
    for program in ["/usr/bin/git", "/usr/bin/dash", "/opt/real/tool", "/repo/run", "/repo/sub/run", "/home/u/bin/x"] {
        disk.program(program);
    }
    disk.write("/usr/local/bin/git", "no program");
    disk.link("/usr/bin/tool", "/opt/real/tool");
    disk.link("/usr/bin/sh", "/usr/bin/dash");
    disk
}

fn engine(list: &str) -> Engine {
    let text = format!(
        r#"{{"version": 1, "agents": {{"main": {{"security": "allowlist", "ask": "off", "allowlist": {list}}}}}}}"#
    );
    let approvals = openclaw::parse(&Text::new("exec-approvals.json", &text), Machine::Linux).unwrap();
    let source = openclaw::source(SourceKind::User, "exec-approvals.json", true, &approvals.resolve(Some("main")));
    Engine::new(Policy { sources: vec![source], ..assemble(Vec::new()) })
}

fn effect(list: &str, path: &str, line: &str) -> Effect {
    let engine = engine(list);
    let request = Request {
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        environment: BTreeMap::from([("PATH".to_owned(), path.to_owned())]),
        ..Request::of("shell", line)
    };
    engine.decide(&[], None, &engine.call(&request, &world()), Timestamp(0)).effect()
}

const PATH: &str = "/usr/local/bin:/usr/bin";

#[test]
fn a_program_is_where_the_shell_would_find_it() {
    for (list, line) in [
        (r#"["/usr/bin/git"]"#, "git status"),
        (r#"["/usr/bin/git"]"#, "nohup git status"),
        (r#"["/usr/bin/git"]"#, "git status && git log | git apply --check"),
        (r#"["/opt/**"]"#, "tool"),
        (r#"["git"]"#, "git status"),
        (r#"["/repo/run"]"#, "./run"),
        (r#"["~/bin/*"]"#, "~/bin/x"),
    ] {
        assert_eq!(effect(list, PATH, line), Effect::Allow, "{list} {line}");
    }
    for (list, line) in [
        (r#"["/usr/local/bin/*"]"#, "git status"),
        (r#"["/usr/bin/tool"]"#, "tool"),
        (r#"["git"]"#, "/usr/bin/git status"),
        (r#"["/usr/bin/git"]"#, "git status; rm x"),
        (r#"["/usr/bin/*"]"#, "missing"),
        (r#"["/usr/bin/*"]"#, "sh run"),
        // What it runs comes from its input.
        (r#"["/usr/bin/dash"]"#, "sh"),
    ] {
        assert_eq!(effect(list, PATH, line), Effect::Deny, "{list} {line}");
    }
}

#[test]
fn a_place_that_depends_on_the_folder_is_known_only_where_nothing_changes_it() {
    assert_eq!(effect(r#"["/repo/run"]"#, PATH, "cd sub && ./run"), Effect::Deny);
    assert_eq!(effect(r#"["/usr/bin/git"]"#, "sub:/usr/bin", "git status"), Effect::Deny);
    assert_eq!(effect(r#"["/usr/bin/git"]"#, "/usr/bin", "git status"), Effect::Allow);
}

#[test]
fn places_are_looked_up_only_for_policies_that_ask_for_them() {
    let engine = Engine::new(assemble(Vec::new()));
    let environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    let request = Request { environment, ..Request::of("shell", "git status") };
    assert!(engine.call(&request, &world()).targets.iter().all(|target| target.programs.is_empty()));
}
