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

const AGENT: &str = "\
---
description: Looks at changes: finds what is wrong
mode: subagent
model: anthropic/claude-sonnet-4-5
tags:
- a
-  permission: allow
tools:
  write: false  # it only looks
  \"github_*\": True
permission:
  edit: deny
  bash:
    # the last that matches decides
    \"*\": ask
    git log*: allow
    'git ''odd'' *': \"deny\"
    git push:*: deny
  webfetch: \"deny\" # never
---
permission:
  edit: allow
";

#[test]
fn a_whole_file_of_an_agent() {
    let files = [
        ("opencode.json", r#"{ "agent": { "review": { "permission": { "edit": "ask" } } } }"#),
        (".opencode/agents/review.md", AGENT),
    ];
    insta::assert_snapshot!(written(&files, "review").join("\n"));
    assert!(written(&files, "build").is_empty());
    // Without a head, and with one of which nothing is said.
    for text in ["You look.\n", "", "---\n---\n", "---\npermission:\n---\nx", "\u{feff}---\r\nmode: all\r\n---\r\n"] {
        let read = Config::read(&[Text::new("a.md", text)]);
        assert_eq!(read.is_ok(), !text.contains("permission"), "{text:?}");
    }
}

#[test]
fn the_list_of_the_second_permission_system() {
    let text = r#"{ "permission": [
  { "action": "*", "resource": "*", "effect": "ask" },
  { "action": "bash", "resource": "git *", "effect": "allow" },
  { "action": "read", "effect": "allow" } ] }"#;
    insta::assert_snapshot!(written(&[("opencode.json", text)], "build").join("\n"));
}

/// What this reader and OpenCode's could take for different things is no file of an agent: a language of its own in front,
/// aliases, lines that go on, escapes, names that stand twice.
#[test]
fn how_files_of_agents_break() {
    let all: Vec<String> = [
        "---\npermission:\n  edit: deny\n",
        "---js\nmodule.exports = {}\n---\n",
        "---json\n{}\n---\n",
        "----\npermission: deny\n---\n",
        "---\npermission: alow\n---\n",
        "---\npermission: { edit: deny }\n---\n",
        "---\npermission:\n  edit: &x deny\n---\n",
        "---\n<<: *base\n---\n",
        "---\ndescription: &x\npermission: *x\n---\n",
        "---\n\"permissi\\u006fn\": allow\n---\n",
        "---\ndescription: \"a\n  b\"\npermission: deny\n---\n",
        "---\ntags: [a,\n  b]\n---\n",
        "---\npermission:\n  edit: deny\n  edit: allow\n---\n",
        "---\npermission: deny\npermission: allow\n---\n",
        "---\npermission:\n\tedit: deny\n---\n",
        "---\npermission:\n    edit: deny\n  bash: deny\n---\n",
        "---\npermission:\n  edit: deny\n    bash: deny\n---\n",
        "---\npermission:\n  bash:\n    *: deny\n---\n",
        "---\npermission:\n  bash: |\n    deny\n---\n",
        "---\npermission:\n  bash: deny: allow\n---\n",
        "---\n? permission\n: allow\n---\n",
        "---\ntools:\n  bash: no\n---\n",
        "---\npermission:\n  webfetch:\n    \"*\": ask\n---\n",
        "---\npermission:\n- edit\n---\n",
        "---\ndescription: x\rpermission: allow\n---\n",
    ]
    .map(|text| {
        let problems = Config::read(&[Text::new("review.md", text)]).expect_err(text);
        problems.iter().map(|problem: &Problem| problem.render(text)).collect::<Vec<_>>().join("\n")
    })
    .into();
    insta::assert_snapshot!(all.join("\n"));
    let deep: String = (0..5000).map(|at| format!("{}a:\n", " ".repeat(at))).collect();
    assert!(Config::read(&[Text::new("a.md", &format!("---\npermission:\n{deep}---\n"))]).is_err());
}
