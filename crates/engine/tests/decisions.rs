//! Runs the tables in `tests/cases`: a policy, a call, what it must come to and why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod disk;

use countersign_engine::{Layout, NothingKnown, Request, load};
use countersign_policy::{Effect, Timestamp};
use disk::Disk;
use serde::Deserialize;

/// A table of cases under one user's policy.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The user's policy file; none: the built-in rules alone.
    #[serde(default)]
    user: Option<String>,
    /// The repository's policy file, which nobody trusts.
    #[serde(default)]
    project: Option<String>,
    /// Where our own files are, if elsewhere than usual.
    #[serde(default)]
    own: Option<String>,
    /// Files that exist beside the usual ones.
    #[serde(default)]
    files: Vec<String>,
    /// Files with what is in them.
    #[serde(default)]
    written: std::collections::BTreeMap<String, String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The effect.
    is: Effect,
    /// The tool; `Bash` where only `sh` is given.
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    args: Option<toml::Table>,
    /// A command line for `Bash`.
    #[serde(default)]
    sh: Option<String>,
    /// A part of why, as the model or the human reads it.
    #[serde(default)]
    why: Option<String>,
}

fn run(name: &str, text: &str) -> Vec<String> {
    let table: Table = toml::from_str(text).unwrap();
    let mut disk = Disk::new();
    let mut layout = Layout {
        home: "/home/u".to_owned(),
        user_file: "/home/u/.config/countersign/countersign.toml".to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    if let Some(own) = &table.own {
        layout.user_file = format!("{own}/config/countersign.toml");
        layout.config_dir = format!("{own}/config");
        layout.data_dir = format!("{own}/data");
    }
    for (file, text) in &table.written {
        disk.write(file, text);
    }
    for file in &table.files {
        disk.write(file, "");
    }
    if let Some(user) = &table.user {
        disk.write(&layout.user_file, user);
    }
    if let Some(project) = &table.project {
        disk.write("/repo/countersign.toml", project);
    }
    let engine = load(&disk, &layout, "/repo", &NothingKnown)
        .unwrap_or_else(|fault| panic!("{name}: {}", fault.report()))
        .engine;
    let mut wrong = Vec::new();
    for case in &table.case {
        let args = match (&case.sh, &case.args) {
            (Some(line), None) => serde_json::json!({ "command": line }),
            (None, Some(args)) => serde_json::to_value(args).unwrap(),
            _ => panic!("{name}: a case has either `sh` or `args`"),
        };
        let request = Request {
            host: "claude-code".to_owned(),
            tool: case.tool.clone().unwrap_or_else(|| "Bash".to_owned()),
            args,
            cwd: "/repo".to_owned(),
            project: "/repo".to_owned(),
            home: "/home/u".to_owned(),
            mcp_server: None,
            ..Request::of("shell", "")
        };
        let call = engine.call(&request, &disk);
        let decision = engine.decide(&[], None, &call, Timestamp(0));
        let denial = engine.denial(&call, &decision);
        let label = case.sh.clone().unwrap_or_else(|| format!("{:?} {}", case.tool, request.args));
        if decision.effect() != case.is {
            wrong.push(format!("{name}: {label}: {} and not {}: {denial}", decision.effect(), case.is));
        } else if let Some(why) = &case.why
            && !denial.contains(why.as_str())
        {
            wrong.push(format!("{name}: {label}: does not say `{why}`: {denial}"));
        }
    }
    wrong
}

#[test]
fn tables() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        wrong.extend(run(&name, &std::fs::read_to_string(&path).unwrap()));
        count += 1;
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_folder_with_something_denied_in_it_is_for_a_human_to_look_at() {
    assert_eq!(run("trees", include_str!("cases/trees.toml")), Vec::<String>::new());
}

#[test]
fn our_own_files_are_closed_wherever_a_machine_keeps_them() {
    assert_eq!(run("own files", include_str!("cases/own_files_elsewhere.toml")), Vec::<String>::new());
}
