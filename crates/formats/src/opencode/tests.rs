//! Files as their users have them, and how they break.

use countersign_policy::document::Problem;

use super::{Config, Entry};
use crate::Text;

const WHOLE: &str = r#"{
  // What I let it do.
  "$schema": "https://opencode.ai/config.json",
  "model": "anthropic/claude-sonnet-4-5",
  "tools": { "write": false, "github_*": true },
  "permission": {
    "edit": "ask",
    "bash": {
      "*": "ask",
      "git status": "allow",
      "git diff *": "allow",
      "rm *": "deny",
    },
    "webfetch": "deny",
    "external_directory": { "~/notes/**": "allow", "$HOME/work": "allow" },
  },
  "agent": {
    "review": {
      "mode": "subagent",
      "tools": { "bash": false },
      "permission": { "edit": "deny" },
    },
  },
}"#;

fn written(texts: &[(&str, &str)], agent: &str) -> Vec<String> {
    let files: Vec<Text<'_>> = texts.iter().map(|(name, text)| Text::new(*name, text)).collect();
    let config = Config::read(&files).unwrap();
    let line = |entry: &Entry| {
        format!("{} {} {} ({}:{})", entry.permission, entry.pattern, entry.effect, entry.origin.file, entry.origin.line)
    };
    config.written(agent, "/home/u").iter().map(line).collect()
}

#[test]
fn a_whole_file() {
    insta::assert_snapshot!(written(&[("opencode.jsonc", WHOLE)], "review").join("\n"));
}

#[test]
fn a_later_file_changes_values_where_they_stood() {
    let user = r#"{ "permission": { "bash": { "*": "ask", "ls": "allow" }, "edit": "ask" } }"#;
    let project = r#"{ "permission": { "read": "ask", "bash": { "rm *": "deny", "*": "allow" }, "edit": { "src/*": "allow" } } }"#;
    insta::assert_snapshot!(written(&[("user.json", user), ("project.json", project)], "build").join("\n"));
}

#[test]
fn what_comes_with_the_program_stands_below() {
    let config = Config::read(&[Text::new("opencode.json", r#"{ "permission": "deny" }"#)]).unwrap();
    let rules = config.rules("plan", "/home/u");
    assert_eq!(rules.last().map(|entry| (&*entry.permission, &*entry.pattern)), Some(("*", "*")));
    assert!(rules.iter().any(|entry| entry.permission == "edit" && entry.pattern == ".opencode/plans/*.md"));
}

fn messages(text: &str) -> String {
    let problems = Config::read(&[Text::new("opencode.json", text)]).unwrap_err();
    problems.iter().map(|problem: &Problem| problem.render(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn how_files_break() {
    let all: Vec<String> = [
        "[]",
        r#"{ "permission": { "bash": "alow" } }"#,
        r#"{ "permission": { "bash": { "git *": true } } }"#,
        r#"{ "permission": { "webfetch": { "*": "ask" } } }"#,
        r#"{ "permission": 3 }"#,
        r#"{ "permission": [{ "action": "bash" }] }"#,
        r#"{ "permission": [{ "action": "bash", "resource": 1, "effect": "ask" }] }"#,
        r#"{ "tools": { "bash": "no" } }"#,
        r#"{ "tools": true }"#,
        r#"{ "agent": [] }"#,
        r#"{ "agent": { "review": "deny" } }"#,
        r#"{ "experimental": { "primary_tools": ["a", 1] } }"#,
        "{ \"permission\": { \"bash\": \"ask\"",
    ]
    .map(messages)
    .into();
    insta::assert_snapshot!(all.join("\n"));
}
