//! What calls of Claude Code's tools touch, hostile spellings included.

use std::collections::{BTreeMap, BTreeSet};

use countersign_engine::{Engine, FileError, Files, Meta, Request};
use countersign_policy::document::assemble;
use countersign_policy::{Action, Call, Resource, Role};
use serde_json::{Value, json};

/// A small file system: folders, files and links.
#[derive(Default)]
struct Disk {
    folders: BTreeSet<String>,
    files: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
}

impl Disk {
    fn new() -> Disk {
        let mut disk = Disk::default();
        for folder in ["/", "/repo", "/repo/src", "/repo/sub", "/etc", "/home", "/home/u", "/home/u/.ssh", "/link"] {
            disk.folders.insert(folder.to_owned());
        }
        disk.files.insert("/repo/src/main.rs".to_owned(), "fn main() {}\n".to_owned());
        disk.files.insert("/etc/passwd".to_owned(), String::new());
        disk.links.insert("/repo/out".to_owned(), "/etc".to_owned());
        disk.links.insert("/link/repo".to_owned(), "/repo".to_owned());
        disk
    }

    fn resolve(&self, path: &str, depth: u32) -> Option<String> {
        if depth > 16 {
            return None;
        }
        let mut real = String::new();
        let mut missing = false;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if name == ".." {
                if missing {
                    return None;
                }
                real = real.rsplit_once('/').map(|(parent, _)| parent.to_owned()).unwrap_or_default();
                continue;
            }
            real = format!("{real}/{name}");
            if let Some(to) = self.links.get(&real) {
                real = self.resolve(to, depth + 1)?;
            } else if !self.folders.contains(&real) && !self.files.contains_key(&real) {
                missing = true;
            }
        }
        Some(if real.is_empty() { "/".to_owned() } else { real })
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Ok(self.files.get(path).map(|text| text.clone().into_bytes()))
    }

    fn real_path(&self, path: &str) -> Option<String> {
        self.resolve(path, 0)
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let is_dir = self.folders.contains(path);
        let is_link = self.links.contains_key(path);
        if !is_dir && !is_link && !self.files.contains_key(path) {
            return None;
        }
        Some(Meta { is_dir, is_link, owner: 0, mode: 0o644 })
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        let below = |full: &String| {
            let rest = full.strip_prefix(path)?.strip_prefix('/')?;
            if rest.is_empty() || rest.contains('/') { None } else { Some(rest.to_owned()) }
        };
        let folders = self.folders.iter().filter_map(below).map(|name| (name, true));
        let files = self.files.keys().filter_map(below).map(|name| (name, false));
        Some(folders.chain(files).collect())
    }
}

fn call(tool: &str, args: Value) -> Call {
    call_in("/repo", "/repo", tool, args)
}

fn call_in(project: &str, cwd: &str, tool: &str, args: Value) -> Call {
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
    engine.call(&request, &Disk::new())
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
