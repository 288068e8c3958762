//! Holes of other systems, tried on ours: the rows of `docs/prior-failures.md` that one decision can show.
#![allow(clippy::unwrap_used, reason = "a test")]

mod disk;

use std::collections::BTreeMap;

use countersign_engine::{Engine, Request};
use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{
    Attendance, Call, Decision, Effect, Grant, GrantResource, Reach, Scope, SourceKind, Timestamp,
};
use disk::Disk;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn engine(policy: &str) -> Engine {
    let document = parse(SourceKind::User, "countersign.toml", policy).unwrap();
    Engine::new(assemble(vec![Loaded::new(document, true)]))
}

fn call(engine: &Engine, line: &str) -> Call {
    engine.call(&request(line), &Disk::new())
}

fn request(line: &str) -> Request {
    Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: json!({ "command": line }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        session: "s".to_owned(),
        user: "u".to_owned(),
        home: "/home/u".to_owned(),
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        ..Request::of("shell", "")
    }
}

fn decide(policy: &str, line: &str) -> Decision {
    let engine = engine(policy);
    engine.decide(&[], None, &call(&engine, line), NOW)
}

fn effect(policy: &str, line: &str) -> Effect {
    decide(policy, line).effect()
}

/// Every command of the line, all of the machine's files: only what is hidden from these rules is left to ask about.
const WIDE: &str = "allow = [\"shell(git *, cat *, echo *, ls *, env *, timeout *, touch *)\", \"read(/**)\"]\n";

/// OpenCode 1.18 asks nothing about a line without a command.
#[test]
fn a_line_without_a_command_is_not_nothing() {
    for line in ["> /etc/x", ">file", "\"unterminated", "$(", "(", "FOO=$(rm -rf /)"] {
        assert!(effect(WIDE, line) >= Effect::Ask, "{line}");
    }
}

/// OpenCode 1.18 does not see a redirection behind a pipe or a list.
#[test]
fn a_redirection_counts_wherever_it_stands() {
    for line in ["git log -p | cat > /etc/target", "ls && echo x > /etc/target", "{ ls; } > /etc/target"] {
        assert!(effect(WIDE, line) >= Effect::Ask, "{line}");
    }
    assert_eq!(effect("deny = [\"edit(/etc/**)\"]\n", "git log | cat > /etc/target"), Effect::Deny);
}

/// OpenCode 1.18 judges the wrapper only; OpenClaw 2026.9 judges `exec ls` as `ls` and vice versa.
#[test]
fn a_deny_reaches_through_wrappers() {
    let policy = "allow = [\"shell(**)\"]\ndeny = [\"shell(rm **)\"]\n";
    for line in [
        "env rm -rf x",
        "timeout 5 rm -rf x",
        "nohup rm -rf x",
        "bash -c 'rm -rf x'",
        "echo x | xargs rm",
        "FOO=bar rm -rf x",
        "\"rm\" -rf x",
        "\\rm -rf x",
        "/bin/rm -rf x",
        "ls; (rm -rf x)",
        "echo $(rm -rf x)",
        "echo `rm -rf x`",
        "ls \nrm -rf x",
        "unshare -r rm -rf x",
        "fakeroot -- rm -rf x",
        "systemd-run --user -p A=b rm -rf x",
        "parallel rm -rf ::: x",
        "tmux new -d 'rm -rf x'",
        "chroot / rm -rf x",
    ] {
        assert_eq!(effect(policy, line), Effect::Deny, "{line}");
    }
}

/// OpenCode 1.18 skips words with variables when it looks for paths outside the project.
#[test]
fn a_word_that_is_not_known_asks() {
    for line in ["cat $HOME/x", "cat ${HOME}/x", "$CMD x", "eval \"$X\"", "git $X"] {
        assert!(effect("allow = [\"shell(cat *, git *)\"]\n", line) >= Effect::Ask, "{line}");
    }
}

/// OpenCode: a link leads out of the project.
#[test]
fn a_link_out_of_the_project_is_not_inside() {
    assert!(effect("allow = [\"shell(touch *)\"]\n", "touch out/passwd") >= Effect::Ask);
    assert_eq!(effect("allow = [\"shell(touch *)\"]\n", "touch src/passwd"), Effect::Allow);
    assert_eq!(effect("allow = [\"shell(touch *)\"]\ndeny = [\"edit(/etc/**)\"]\n", "touch out/passwd"), Effect::Deny);
}

/// OpenClaw 2026.9 takes a bare assignment for nothing.
#[test]
fn a_variable_that_changes_what_runs_asks() {
    for line in [
        "PATH=/tmp/evil; git status",
        "PATH=/tmp/evil git status",
        "export PATH=/tmp/evil && git status",
        "IFS=x; ls",
        "PROMPT_COMMAND=id; ls",
    ] {
        assert!(effect("allow = [\"shell(git *, ls *)\"]\n", line) >= Effect::Ask, "{line}");
    }
}

/// OpenClaw 2026.9 with rules for paths: 190 of 306 lines passed that run, write or connect through an option.
#[test]
fn a_star_grants_data_and_no_option_that_runs_another_program() {
    let policy = "allow = [\"shell(git *, sort *, rg *, find *)\"]\n";
    for line in [
        "git -c core.pager=evil log",
        "git -c core.fsmonitor=evil status",
        "sort -o /etc/x a",
        "sort --compress-program=evil a",
        "rg --pre evil x",
        "find . -exec evil {} +",
        "find . -delete",
    ] {
        assert!(effect(policy, line) >= Effect::Ask, "{line}");
    }
    assert_eq!(effect(policy, "git log --oneline"), Effect::Allow);
}

/// Codex and OpenClaw ask again about a line that was allowed, because of its plumbing.
#[test]
fn harmless_plumbing_does_not_ask() {
    let policy = "allow = [\"shell(cargo test *)\"]\n";
    for line in [
        "cargo test 2>&1",
        "cargo test > /dev/null 2>&1",
        "cargo test 2>/dev/null | head -5",
        "cargo test | tail -3; git status",
    ] {
        assert_eq!(effect(policy, line), Effect::Allow, "{line}");
    }
}

/// OpenCode and Claude Code: a remembered answer matches a compound line as a whole, or not at all.
#[test]
fn each_command_of_a_line_is_judged_for_itself() {
    let policy = "allow = [\"shell(cargo test *)\"]\n";
    let engine = engine(policy);
    let call = call(&engine, "cargo test && rm -rf ./tmp && git status");
    let decision = engine.decide(&[], None, &call, NOW);
    let question = engine.question(&call, &decision, &Disk::new());
    let asked: Vec<&str> =
        question.parts.iter().filter(|part| part.effect == Effect::Ask).map(|part| part.text.as_str()).collect();
    assert!(!asked.is_empty() && asked.iter().all(|text| text.contains("tmp")), "{asked:?}");
}

/// OpenClaw 2026.9 splits words at a carriage return, and sees nothing of `$[...]`.
#[test]
fn what_only_looks_like_a_plain_line_asks() {
    for line in ["ls\rrm x", "ls \r rm x", "echo $[1+1]", "echo $[`id`]", "echo $[a[$(id)]]"] {
        assert!(effect(WIDE, line) >= Effect::Ask, "{line:?}");
    }
}

/// Codex knows what is dangerous by a few spellings: not `rm -fr` and `/bin/rm -rf` (July 2026), `git clean`, `dd`, `mkfs`
/// or `find -delete` (0.169).
#[test]
fn what_destroys_asks_in_every_spelling() {
    for line in [
        "rm -rf x",
        "rm -fr x",
        "rm -r -f x",
        "rm --force x",
        "/bin/rm -rf x",
        "sudo -n rm -rf x",
        "bash -lc 'rm -fr x'",
        "git reset --hard",
        "git clean -fdx",
        "dd if=/dev/zero of=/dev/sda",
        "mkfs.ext4 /dev/sda",
        "find . -delete",
        "shred -u x",
    ] {
        assert!(effect("", line) >= Effect::Ask, "{line}");
    }
}

/// Claude Code asks about `cd` in front of a command that is allowed.
#[test]
fn going_to_a_folder_of_the_project_is_no_question() {
    let policy = "allow = [\"shell(cargo test *)\"]\n";
    assert_eq!(effect(policy, "cd src && cargo test"), Effect::Allow);
    assert_eq!(effect(policy, "cd /etc && cargo test"), Effect::Ask);
}

/// SurfSense, OpenCode and others: a sub-agent does not have the rules of the agent that started it.
#[test]
fn a_sub_agent_has_the_same_rules() {
    let engine = engine("allow = [\"shell(ls *)\"]\ndeny = [\"shell(rm **)\"]\n");
    for (line, effect) in [("ls", Effect::Allow), ("rm x", Effect::Deny), ("make", Effect::Ask)] {
        let mut call = call(&engine, line);
        call.agent = Some("explore".to_owned());
        assert_eq!(engine.decide(&[], None, &call, NOW).effect(), effect, "{line}");
    }
}

/// SurfSense: a tool that was trusted on one server is trusted on every other that has one of that name.
#[test]
fn a_yes_for_one_servers_tool_is_none_for_another() {
    let engine = engine("");
    let of = |tool: &str| {
        let request = Request {
            host: "claude-code".to_owned(),
            tool: tool.to_owned(),
            args: json!({"to": "a@example.com"}),
            ..request("ls")
        };
        engine.call(&request, &Disk::new())
    };
    let (mine, other) = (of("mcp__gmail__send"), of("mcp__work__send"));
    let grant = Grant {
        id: "g".to_owned(),
        effect: Effect::Allow,
        action: mine.targets.first().unwrap().action.clone(),
        resource: GrantResource::Whole,
        reach: Reach::of(&mine, Scope::User).unwrap(),
        created: NOW,
        expires: None,
        approval: None,
    };
    assert_eq!(engine.decide(std::slice::from_ref(&grant), None, &mine, NOW).effect(), Effect::Allow);
    assert_eq!(engine.decide(&[grant], None, &other, NOW).effect(), Effect::Ask);
}

/// OpenCode 1.18: "always" for one edit grants every edit.
#[test]
fn what_is_offered_for_an_edit_is_in_the_project_and_narrow_first() {
    let engine = engine("");
    let args = json!({"file_path": "/repo/src/main.rs", "old_string": "a", "new_string": "b"});
    let call = engine.call(&Request { tool: "Edit".to_owned(), args, ..request("ls") }, &Disk::new());
    let question = engine.question(&call, &engine.decide(&[], None, &call, NOW), &Disk::new());
    let offers = &question.parts.first().unwrap().offers;
    assert!(matches!(offers.first().unwrap().resource, GrantResource::Literal { .. }));
    assert!(!offers.iter().any(|offer| matches!(offer.resource, GrantResource::Whole)), "{offers:?}");
    for path in ["/etc/passwd", "/repo/.git/hooks/pre-commit", "/repo/.env"] {
        let call = engine.call(
            &Request { tool: "Edit".to_owned(), args: json!({"file_path": path}), ..request("ls") },
            &Disk::new(),
        );
        for offer in offers {
            let grant = Grant {
                id: "g".to_owned(),
                effect: Effect::Allow,
                action: call.targets.first().unwrap().action.clone(),
                resource: offer.resource.clone(),
                reach: Reach::of(&call, Scope::User).unwrap(),
                created: NOW,
                expires: None,
                approval: None,
            };
            assert!(engine.decide(&[grant], None, &call, NOW).effect() >= Effect::Ask, "{path} by {offer:?}");
        }
    }
}

/// SurfSense allows whatever no rule speaks of.
#[test]
fn what_no_rule_speaks_of_asks() {
    assert_eq!(effect("", "some-program --of mine"), Effect::Ask);
}

/// clawbolt and OpenCode: the last rule, or the first, wins.
#[test]
fn the_strictest_rule_wins_in_any_order() {
    for policy in [
        "allow = [\"shell(npm **)\"]\ndeny = [\"shell(npm publish **)\"]\n",
        "deny = [\"shell(npm publish **)\"]\nallow = [\"shell(npm **)\"]\n",
    ] {
        assert_eq!(effect(policy, "npm publish"), Effect::Deny);
    }
}

/// clawbolt stores what the agent named, and reads it as a pattern: `*` is everyone.
#[test]
fn a_remembered_star_is_a_star_and_no_pattern() {
    let engine = engine("ask = [\"shell(mail *)\"]\n");
    let starred = call(&engine, "mail '*'");
    let target = starred.targets.first().unwrap();
    let resource = GrantResource::Literal { key: target.grant_key().unwrap(), shown: "mail '*'".to_owned() };
    let grant = Grant {
        id: "g".to_owned(),
        effect: Effect::Allow,
        action: target.action.clone(),
        resource,
        reach: Reach::of(&starred, Scope::Project).unwrap(),
        created: NOW,
        expires: None,
        approval: None,
    };
    assert_eq!(engine.decide(std::slice::from_ref(&grant), None, &starred, NOW).effect(), Effect::Allow);
    let another = call(&engine, "mail boss@example.com");
    assert_eq!(engine.decide(&[grant], None, &another, NOW).effect(), Effect::Ask);
}

/// clawbolt's agent may write its own permissions file; so may agents under hosts that keep theirs in the project.
#[test]
fn an_agent_does_not_change_its_own_policy() {
    let wide = "allow = [\"shell(**)\", \"edit(/**)\", \"delete(/**)\"]\n";
    for line in [
        "echo 'allow = [\"shell(**)\"]' >> ~/.config/countersign/countersign.toml",
        "sed -i s/deny/allow/ /home/u/.config/countersign/countersign.toml",
        "rm -rf ~/.local/share/countersign",
        "countersign allow 'shell(**)'",
        "countersign approvals allow 1",
        "/usr/bin/env countersign off 8h",
    ] {
        assert_eq!(effect(wide, line), Effect::Deny, "{line}");
    }
    for line in ["echo {} > .claude/settings.json", "rm ~/.claude/settings.json", "echo x > .git/hooks/pre-commit"] {
        assert!(effect(wide, line) >= Effect::Ask, "{line}");
    }
}

/// clawbolt reads a malformed file as an empty one; Codex passes over keys that it does not know.
#[test]
fn a_file_with_a_mistake_is_no_file_without_it() {
    for text in ["deny = [", "dney = [\"shell(rm *)\"]\n", "deny = [\"shell(rm *\"]\n", "default = \"maybe\"\n"] {
        assert!(parse(SourceKind::User, "countersign.toml", text).is_err(), "{text}");
    }
}

/// OpenCode 2: a remembered "always" overrides a configured "ask" in every later session.
#[test]
fn a_rule_bounds_how_far_an_answer_to_it_reaches() {
    let engine = engine("ask = [{ rule = \"shell(git push *)\", remember = \"session\" }]\n");
    let push = call(&engine, "git push origin main");
    let target = push.targets.first().unwrap();
    let grant = |scope| Grant {
        id: "g".to_owned(),
        effect: Effect::Allow,
        action: target.action.clone(),
        resource: GrantResource::Whole,
        reach: Reach::of(&push, scope).unwrap(),
        created: NOW,
        expires: None,
        approval: None,
    };
    assert_eq!(engine.decide(&[grant(Scope::Session)], None, &push, NOW).effect(), Effect::Allow);
    assert_eq!(engine.decide(&[grant(Scope::Project)], None, &push, NOW).effect(), Effect::Ask);
    assert_eq!(engine.decide(&[grant(Scope::User)], None, &push, NOW).effect(), Effect::Ask);
}
