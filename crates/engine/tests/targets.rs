//! What calls of Claude Code's tools touch, hostile spellings included.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod disk;

use countersign_engine::{Engine, Request};
use countersign_policy::document::assemble;
use countersign_policy::{Action, Call, Resource, Role};
use disk::Disk;
use serde_json::{Value, json};

fn call(tool: &str, args: Value) -> Call {
    call_in("/repo", "/repo", tool, args)
}

fn call_in(project: &str, cwd: &str, tool: &str, args: Value) -> Call {
    call_on(&Disk::new(), project, cwd, tool, args)
}

fn call_on(disk: &Disk, project: &str, cwd: &str, tool: &str, args: Value) -> Call {
    let engine = Engine::new(assemble(Vec::new()));
    let request = Request {
        host: "claude-code".to_owned(),
        tool: tool.to_owned(),
        args,
        cwd: cwd.to_owned(),
        project: project.to_owned(),
        home: "/home/u".to_owned(),
        ..Request::of("shell", "")
    };
    engine.call(&request, disk)
}

/// The only path that a call touches: lexical and real.
fn path(call: &Call) -> (String, Option<String>) {
    assert_eq!(call.targets.len(), 1, "{call:?}");
    match &call.targets[0].resource {
        Resource::Path(path) => (path.lexical.clone(), path.real.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_relative_path_starts_at_the_working_directory() {
    let call = call_in("/repo", "/repo/sub", "Edit", json!({"file_path": "../src/./main.rs"}));
    assert_eq!(path(&call), ("/repo/src/main.rs".to_owned(), Some("/repo/src/main.rs".to_owned())));
    assert_eq!(call.project, "/repo");
}

#[test]
fn a_link_out_of_the_workspace_shows_where_it_leads() {
    let call = call("Read", json!({"file_path": "/repo/out/passwd"}));
    assert_eq!(path(&call), ("/repo/out/passwd".to_owned(), Some("/etc/passwd".to_owned())));
}

#[test]
fn dots_behind_a_link_are_followed_as_the_kernel_does() {
    let call = call("Read", json!({"file_path": "/repo/out/../etc/passwd"}));
    assert_eq!(path(&call), ("/repo/etc/passwd".to_owned(), Some("/etc/passwd".to_owned())));
}

#[test]
fn a_project_named_through_a_link_is_the_same_project() {
    let call = call_in("/link/repo", "/link/repo", "Edit", json!({"file_path": "src/main.rs"}));
    assert_eq!(call.project, "/repo");
    assert_eq!(path(&call), ("/repo/src/main.rs".to_owned(), Some("/repo/src/main.rs".to_owned())));
}

#[test]
fn what_cannot_be_read_from_the_arguments_is_a_fault() {
    for (tool, args) in [
        ("Edit", json!({})),
        ("Edit", json!({"file_path": 7})),
        ("Edit", json!({"file_path": ["/etc/passwd"]})),
        ("Bash", json!({"cmd": "ls"})),
        ("Bash", json!({"command": null})),
        ("WebFetch", json!({"uri": "https://x"})),
        ("mcp__a__b__c", json!({})),
    ] {
        let call = call(tool, args.clone());
        assert!(!call.faults.is_empty(), "{tool} {args}");
        assert!(!call.targets.is_empty(), "{tool} {args}");
    }
}

#[test]
fn odd_paths_and_urls_are_unclear() {
    for (tool, args) in [
        ("Read", json!({"file_path": ""})),
        ("Read", json!({"file_path": "a\u{0}b"})),
        ("Read", json!({"file_path": "~/.ssh/id_rsa"})),
        ("WebFetch", json!({"url": "https://docs.rs@evil.example/"})),
        ("WebFetch", json!({"url": "https://docs.rs\\.evil.example/"})),
        ("Glob", json!({"pattern": "*/../../etc/*"})),
        ("Glob", json!({"pattern": "{..,x}/*"})),
    ] {
        let call = call(tool, args.clone());
        assert!(call.targets.iter().any(|target| target.unclear.is_some()), "{tool} {args}: {call:?}");
    }
}

#[test]
fn a_pattern_of_names_that_leads_out_is_a_target_of_its_own() {
    for pattern in ["/etc/*", "../*", "../../etc/**/x", "/*"] {
        let call = call("Glob", json!({"pattern": pattern}));
        let outside = |resource: &Resource| match resource {
            Resource::Path(path) => !path.lexical.starts_with("/repo"),
            _ => false,
        };
        assert!(call.targets.iter().any(|target| outside(&target.resource)), "{pattern}: {call:?}");
    }
    assert_eq!(call("Glob", json!({"pattern": "src/**/*.rs"})).targets.len(), 1);
}

/// Names that come and go while they are listed must not make a folder count as empty.
#[test]
fn a_tree_that_cannot_be_looked_into_is_for_a_human() {
    let search =
        |disk: &Disk| call_on(disk, "/repo", "/repo", "Grep", json!({"pattern": "x"})).targets[0].caution.clone();
    assert_eq!(search(&Disk::new()), None);
    let mut disk = Disk::new();
    disk.unlistable = Some("/repo/src".to_owned());
    assert_eq!(search(&disk).unwrap(), "`/repo/src` cannot be listed to see whether it holds secrets");
}

#[test]
fn a_search_in_one_file_reads_it() {
    let call = call("Grep", json!({"pattern": "x", "path": "src/main.rs"}));
    assert_eq!(call.targets[0].action, Action::Read);
}

#[test]
fn no_tool_gets_a_builtin_action_by_its_name() {
    for tool in ["shell", "read", "server/tool", "tool:x"] {
        let call = call(tool, json!({"resource": "ls"}));
        assert_eq!(call.action, Action::Tool(tool.to_owned()));
    }
}

#[test]
fn a_server_is_split_off_only_where_there_is_one_way() {
    let one = call("mcp__github__create_issue", json!({}));
    assert_eq!(one.action.to_string(), "github/create_issue");
    assert!(one.faults.is_empty());
}

#[test]
fn a_private_address_is_never_implied() {
    for url in ["http://169.254.169.254/latest/meta-data", "http://localhost:6379/", "http://10.1.2.3/"] {
        let call = call("WebFetch", json!({ "url": url }));
        assert_eq!(call.targets[0].role, Role::Primary, "{url}");
    }
}

#[test]
fn a_project_that_cannot_be_found_asks() {
    let call = call_in("", "", "Read", json!({"file_path": "x"}));
    assert!(!call.faults.is_empty(), "{call:?}");
}

/// A command line in a session that works in `/lib`, too.
fn line_in_roots(disk: &Disk, cwd: &str, line: &str, path: Option<&str>) -> Call {
    let engine = Engine::new(assemble(Vec::new()));
    let request = Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: json!({ "command": line }),
        cwd: cwd.to_owned(),
        project: "/repo".to_owned(),
        roots: vec!["/lib".to_owned()],
        home: "/home/u".to_owned(),
        environment: path.map(|path| ("PATH".to_owned(), path.to_owned())).into_iter().collect(),
        ..Request::of("shell", "")
    };
    engine.call(&request, disk)
}

#[test]
fn a_commands_files_in_a_root_follow_from_it_and_others_do_not() {
    let mut disk = Disk::new();
    for name in ["/lib/a", "/library/a"] {
        disk.write(name, "");
    }
    let roles = |line: &str| -> Vec<Role> {
        line_in_roots(&disk, "/repo", line, None).targets.iter().map(|target| target.role).collect()
    };
    assert_eq!(roles("cat /lib/a"), [Role::Primary, Role::Implied]);
    assert_eq!(roles("cat ../lib/a"), [Role::Primary, Role::Implied]);
    for outside in ["cat /library/a", "cat /lib/../etc/passwd", "cat /lib/a > /lib/b", "cat /etc/passwd"] {
        assert_eq!(roles(outside).last(), Some(&Role::Primary), "{outside}");
    }
    // To work there is to work in the workspace; to work elsewhere is not.
    let count = |cwd: &str| line_in_roots(&disk, cwd, "make", None).targets.len();
    assert_eq!((count("/lib"), count("/repo"), count("/library")), (1, 1, 2));
}

/// What is looked at in the project is looked at in a root: a repository without `.git`, a program in front of the
/// system's own, what is copied over the whole of it.
#[test]
fn a_root_is_no_safer_than_the_project() {
    let mut disk = Disk::new();
    disk.write("/lib/HEAD", "ref: refs/heads/main\n");
    let call = line_in_roots(&disk, "/lib", "git status", None);
    let caution = call.targets[0].caution.as_deref().unwrap_or_default();
    assert!(caution.contains("is a repository of its own"), "{call:?}");

    let mut disk = Disk::new();
    for name in ["/lib/bin/ls", "/usr/bin/ls"] {
        disk.write(name, "");
    }
    let call = line_in_roots(&disk, "/repo", "ls", Some("/lib/bin:/usr/bin"));
    let unclear = call.targets[0].unclear.as_deref().unwrap_or_default();
    assert!(unclear.contains("would run in the place of the system's own"), "{call:?}");

    let mut disk = Disk::new();
    disk.write("/lib/a", "");
    disk.write("/repo/new/a", "");
    let call = line_in_roots(&disk, "/repo", "cp -r new/. /lib/.", None);
    let cautions: Vec<&str> = call.targets.iter().filter_map(|target| target.caution.as_deref()).collect();
    assert!(cautions.iter().any(|caution| caution.contains("hooks and settings")), "{call:?}");
}
