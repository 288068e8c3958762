//! What humans are asked and what models are told, as they read it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod disk;

use std::fmt::Write as _;

use countersign_engine::{Engine, Request};
use countersign_policy::document::assemble;
use countersign_policy::{GrantResource, Timestamp};
use disk::Disk;
use serde_json::{Value, json};

/// The question as a page would lay it out, and the denial.
fn asked(tool: &str, args: Value) -> String {
    let engine = Engine::new(assemble(Vec::new()));
    let request = Request {
        host: "claude-code".to_owned(),
        tool: tool.to_owned(),
        args,
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        turn: Some("t".to_owned()),
        ..Request::of("shell", "")
    };
    let disk = Disk::new();
    let call = engine.call(&request, &disk);
    let decision = engine.decide(&[], None, &call, Timestamp(0));
    let question = engine.question(&call, &decision, &disk);
    let mut out = String::new();
    writeln!(out, "{}", question.summary).unwrap();
    for line in question.body.lines().take(20) {
        writeln!(out, "    {line}").unwrap();
    }
    if let Some(claim) = &question.claim {
        writeln!(out, "it says: {claim}").unwrap();
    }
    for part in &question.parts {
        writeln!(out, "{} {} — {}", part.effect, part.text, part.why).unwrap();
        for offer in &part.offers {
            let pattern = match &offer.resource {
                GrantResource::Whole => "whole".to_owned(),
                GrantResource::Literal { key, .. } => format!("literal {key}"),
                GrantResource::Pattern(pattern) => format!("pattern {}", pattern.as_str()),
            };
            writeln!(out, "  - {} [{pattern}]", offer.words).unwrap();
        }
    }
    let scopes: Vec<&str> = question.scopes.iter().map(|offer| offer.scope.word()).collect();
    writeln!(out, "scopes: {}", scopes.join(", ")).unwrap();
    if let Some(why) = &question.unapprovable {
        writeln!(out, "unapprovable: {why}").unwrap();
    }
    writeln!(out, "model: {}", engine.denial(&call, &decision)).unwrap();
    out
}

#[test]
fn a_push() {
    insta::assert_snapshot!(asked("Bash", json!({"command": "git push origin main", "description": "publish"})));
}

#[test]
fn a_list_of_commands() {
    insta::assert_snapshot!(asked("Bash", json!({"command": "git status && make -C sub all | tee out.txt"})));
}

#[test]
fn what_cannot_be_seen() {
    insta::assert_snapshot!(asked("Bash", json!({"command": "echo a\u{202E}b\u{200B} \\\n  && ls\rrm -rf x"})));
}

#[test]
fn a_substitution() {
    insta::assert_snapshot!(asked("Bash", json!({"command": "rm -rf \"$HOME/x\""})));
}

#[test]
fn an_edit() {
    insta::assert_snapshot!(asked(
        "Edit",
        json!({"file_path": "/repo/src/main.rs", "old_string": "fn main() {}", "new_string": "fn main() {\n    run();\n}"})
    ));
}

#[test]
fn a_write_over_a_file() {
    insta::assert_snapshot!(asked(
        "Write",
        json!({"file_path": "src/main.rs", "content": "fn main() {}\nfn x() {}\n"})
    ));
}

#[test]
fn an_edit_through_a_link() {
    insta::assert_snapshot!(asked("Write", json!({"file_path": "out/motd", "content": "hi"})));
}

#[test]
fn a_star_in_a_name_stays_a_literal() {
    insta::assert_snapshot!(asked("Write", json!({"file_path": "src/*", "content": "hi"})));
}

#[test]
fn a_tool_of_a_server() {
    insta::assert_snapshot!(asked("mcp__github__create_issue", json!({"repo": "me/x", "title": "t"})));
}

#[test]
fn a_page_from_the_net() {
    insta::assert_snapshot!(asked("WebFetch", json!({"url": "https://example.org/a?b", "prompt": "p"})));
}

#[test]
fn too_long_to_be_shown() {
    let asked = asked("Bash", json!({"command": format!("git push '{}'", "x".repeat(40_000))}));
    assert!(asked.contains("unapprovable: it is too long to be shown in full (39 KiB"), "{asked}");
}
