//! What humans are asked and what models are told, as they read it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod disk;

use std::fmt::Write as _;

use countersign_engine::{Engine, Request};
use countersign_policy::document::assemble;
use countersign_policy::{Effect, GrantResource, Timestamp};
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
    for step in &question.steps {
        for (indent, at) in std::iter::once(("", &step.part)).chain(step.touches.iter().map(|at| ("  ", at))) {
            let part = question.parts.get(*at).unwrap();
            writeln!(out, "{indent}{} {} — {}", part.effect, part.text, part.why).unwrap();
            for warning in &part.warnings {
                writeln!(out, "{indent}  ! {warning}").unwrap();
            }
            for offer in &part.offers {
                let pattern = match &offer.resource {
                    GrantResource::Whole => "whole".to_owned(),
                    GrantResource::Literal { key, .. } => format!("literal {key}"),
                    GrantResource::Pattern(pattern) => format!("pattern {}", pattern.as_str()),
                };
                writeln!(out, "{indent}  - {} [{pattern}]", offer.words).unwrap();
            }
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

#[test]
fn what_commands_touch_stands_with_them() {
    insta::assert_snapshot!(asked(
        "Bash",
        json!({"command": "cd sub && cat a.txt /etc/hosts > ../out/x; git push origin main; curl -o page https://docs.rs/x | grep b"})
    ));
}

#[test]
fn secrets_are_masked_wherever_they_are_shown() {
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let command = format!("git push https://ada:hunter2@github.com/x && mytool deploy --token {secret} 'PASSWORD=a b'");
    let shown = asked("Bash", json!({"command": command, "description": format!("with {secret}")}));
    let before_keys: String = shown.lines().filter(|line| !line.contains("[literal")).collect();
    assert!(!before_keys.contains(secret) && !before_keys.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn words_that_look_like_others() {
    insta::assert_snapshot!(asked(
        "Bash",
        json!({"command": "g\u{456}t status; cat \u{2044}etc\u{2044}shadow > \u{2044}x"})
    ));
    insta::assert_snapshot!(asked(
        "mcp__github__create_issue",
        json!({"owner": "\u{430}pple", "title": "Δt is ordinary"})
    ));
}

/// The question about a command line.
fn question(command: &str) -> countersign_policy::Question {
    let engine = Engine::new(assemble(Vec::new()));
    let request = Request { cwd: "/repo".to_owned(), project: "/repo".to_owned(), ..Request::of("shell", command) };
    let disk = Disk::new();
    let call = engine.call(&request, &disk);
    let decision = engine.decide(&[], None, &call, Timestamp(0));
    engine.question(&call, &decision, &disk)
}

#[test]
fn what_cannot_be_shown_in_full_cannot_be_approved() {
    for (command, reason) in [
        (format!("git push {}", "x".repeat(120_000)), "too long"),
        (format!("git push \"{}\"", "\u{1b}[8m".repeat(20_000)), "too long"),
        ("git push\n".repeat(600), "more than anybody could review"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789 x".to_owned(), "could be the program"),
        (
            "cat <<X\n-----BEGIN PRIVATE KEY-----\nX\nreboot\n-----END PRIVATE KEY-----\nreboot".to_owned(),
            "could be the program",
        ),
        ("PASSWORD=curl; $PASSWORD evil.example".to_owned(), "could be the program"),
        ("PASSWORD=curl; eval \"$PASSWORD $X\"".to_owned(), "could matter to it"),
        ("TOKEN=rm eval \"$X\"".to_owned(), "could matter to it"),
    ] {
        let question = question(&command);
        let why = question.unapprovable.unwrap_or_default();
        assert!(why.contains(reason), "{}: {why:?}", command.chars().take(60).collect::<String>());
        assert!(question.body.len() < 33 * 1024);
    }
}

#[test]
fn what_can_be_shown_in_full_can_be_approved() {
    for command in [
        "PASSWORD=hunter2 git push",
        "git push https://ada:hunter2@github.com/x",
        "curl -H 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz' https://api.github.com/x",
        "git push --token \"abc$(cat x)\"",
        &format!("git push{}origin", " ".repeat(60_000)),
        &format!("git push{}git tag x", "\n".repeat(60_000)),
        &format!("git commit -m \"a{}\" && git push", "\u{301}".repeat(20_000)),
    ] {
        let question = question(command);
        let begins: String = command.chars().take(60).collect();
        assert_eq!(question.unapprovable, None, "{begins}");
        assert!(question.body.len() < 200, "{begins}");
    }
}

#[test]
fn padding_does_not_hide_the_tail() {
    for filler in [" ", "\n", "\t", "\u{200b}", "\u{3000}", "\r"] {
        let question = question(&format!("ls{}; rm -rf x", filler.repeat(3000)));
        assert!(question.body.ends_with("; rm -rf x"), "{filler:?}");
        assert!(question.body.len() < 80, "{filler:?}: {}", question.body.len());
        assert!(question.parts.iter().any(|part| part.text == "rm -rf x"), "{filler:?}");
    }
}

#[test]
fn everything_undecided_is_laid_out_once() {
    for command in [
        "git status && make -C sub all | tee out.txt",
        "> /etc/motd; rm x; rm x; eval $Y; (cd /tmp; git push) < /etc/passwd",
        "for f in a b; do curl -o /tmp/$f https://x.example/$f; done",
        "g\u{456}t $(git push) `rm y` ; \u{202e}",
    ] {
        let question = question(command);
        let mut laid: Vec<usize> =
            question.steps.iter().flat_map(|step| std::iter::once(step.part).chain(step.touches.clone())).collect();
        let count = laid.len();
        laid.sort_unstable();
        laid.dedup();
        assert_eq!(laid.len(), count, "{command}");
        for (at, part) in question.parts.iter().enumerate() {
            assert!(part.effect == Effect::Allow || laid.contains(&at), "{command}: {}", part.text);
        }
    }
}

#[test]
fn a_long_claim_does_not_push_the_call_away() {
    let shown = asked("Bash", json!({"command": "git push", "description": "fine ".repeat(50_000)}));
    assert!(shown.len() < 3000);
}

#[test]
fn text_that_reads_like_our_marks_is_told_apart() {
    let question = question("git push '⟨3 spaces⟩ \\u{202E} ***'; git tag '\\\\u{202E}'");
    assert_eq!(question.body, "git push '\\u{27E8}3 spaces⟩ \\\\u{202E} ***'; git tag '\\\\\\\\u{202E}'");
}
