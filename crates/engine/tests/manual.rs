//! What `docs/policy.md` says that a rule for `shell` covers, and where a command is found and runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod disk;

use std::collections::BTreeMap;

use countersign_engine::{Layout, NothingKnown, Request, load};
use countersign_policy::{Effect, Timestamp};
use disk::Disk;

const MANUAL: &str = include_str!("../../../docs/policy.md");

fn bash(command: &str) -> Request {
    Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: serde_json::json!({ "command": command }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        ..Request::of("shell", "")
    }
}

/// The effect under this user's policy, and what the model would be told.
fn decide(user: &str, request: &Request, disk: &mut Disk) -> (Effect, String) {
    let layout = Layout {
        home: "/home/u".to_owned(),
        user_file: "/home/u/.config/countersign/countersign.toml".to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    disk.write(&layout.user_file, user);
    let loaded = load(disk, &layout, "/repo", &NothingKnown).unwrap_or_else(|fault| panic!("{}", fault.report()));
    let call = loaded.engine.call(request, disk);
    let decision = loaded.engine.decide(&[], None, &call, Timestamp(0));
    (decision.effect(), loaded.engine.denial(&call, &decision))
}

/// The texts between backticks in a cell up to the first colon outside of them: behind it stands a remark.
fn quoted(cell: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    for (at, part) in cell.split('`').enumerate() {
        match at % 2 {
            0 if part.contains(':') => break,
            0 => {}
            _ => texts.push(part),
        }
    }
    texts
}

#[test]
fn the_table_of_what_a_rule_covers_is_kept() {
    let section = MANUAL.split("### What a rule for `shell` covers").nth(1).unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 4);
    let (mut checked, mut wrong) = (0, Vec::new());
    for row in rows {
        let [_, rule, covers, not, ..] = row.as_slice() else { panic!("{row:?}") };
        let pattern = quoted(rule.split(" in ").next().unwrap())[0];
        let kinds: Vec<&str> =
            ["allow", "ask", "deny"].into_iter().filter(|kind| rule.contains(&format!(" {kind}"))).collect();
        for kind in kinds {
            let allowed = if kind == "allow" { "" } else { "allow = [\"shell(**)\"]\n" };
            let user = format!("{allowed}{kind} = [{:?}]\n", format!("shell({pattern})"));
            let said = |effect: Effect| match kind {
                "allow" => effect == Effect::Allow,
                "ask" => effect == Effect::Ask,
                _ => effect == Effect::Deny,
            };
            let commands = quoted(covers).into_iter().map(|command| (command, true));
            for (command, wanted) in commands.chain(quoted(not).into_iter().map(|command| (command, false))) {
                let (effect, why) = decide(&user, &bash(command), &mut Disk::new());
                checked += 1;
                if said(effect) != wanted {
                    wrong.push(format!("{kind} `{pattern}`, `{command}`: {effect}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 15, "{checked} commands");
}

#[test]
fn what_the_manual_says_of_wrappers_and_variables_holds() {
    let cases = [
        ("sudo systemctl status *", "sudo systemctl status app", true),
        ("sudo *", "sudo systemctl status app", false),
        ("xargs wc *", "xargs -0 wc -l", true),
        ("xargs *", "xargs wc -l", false),
        ("ssh build-host uptime", "ssh build-host uptime", true),
        ("ssh build-host *", "ssh build-host uptime", false),
        ("docker exec app ls *", "docker exec app ls -la", true),
        ("docker exec app *", "docker exec app ls", false),
        ("cargo test *", "RUST_LOG=debug cargo test", true),
        ("npm test", "NODE_OPTIONS=--no-warnings npm test", false),
        ("NODE_OPTIONS=--no-warnings npm test", "NODE_OPTIONS=--no-warnings npm test", true),
        ("frob *", "frob $X", false),
        ("frob **", "frob $X", true),
        ("**", "$X frob", false),
    ];
    for (rule, command, allowed) in cases {
        // What leaves the machine is not what is asked about here.
        let user = format!("allow = [{:?}, \"fetch\"]\n", format!("shell({rule})"));
        let (effect, why) = decide(&user, &bash(command), &mut Disk::new());
        assert_eq!(effect == Effect::Allow, allowed, "`{rule}`, `{command}`: {effect}: {why}");
    }
}

#[test]
fn a_program_in_front_of_the_systems_own_asks() {
    let user = "allow = [\"shell(tr *, pytest *)\"]\n";
    let with = |path: &str, command: &str, disk: &mut Disk| {
        let environment = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
        decide(user, &Request { environment, ..bash(command) }, disk)
    };
    let mut disk = Disk::new();
    for file in ["/usr/bin/tr", "/repo/bin/tr", "/tmp/tr", "/repo/.venv/bin/pytest", "/home/u/bin/tr"] {
        disk.write(file, "");
    }
    for path in ["/repo/bin:/usr/bin", "/tmp:/usr/bin", "bin:/usr/bin", "/opt/x:/repo/bin:/bin"] {
        let (effect, why) = with(path, "tr a b", &mut disk);
        assert_eq!(effect, Effect::Ask, "{path}: {why}");
        assert!(why.contains("in the place of the system's own program"), "{path}: {why}");
    }
    // Behind the system's folders, in a folder of the human's own, and where the system has none of that name.
    for (path, command) in [
        ("/usr/bin:/repo/bin", "tr a b"),
        ("/home/u/bin:/usr/bin", "tr a b"),
        ("/repo/.venv/bin:/usr/bin", "pytest -q"),
    ] {
        assert_eq!(with(path, command, &mut disk).0, Effect::Allow, "{path}: {command}");
    }
}

#[test]
fn a_command_outside_the_workspace_asks() {
    let user = "allow = [\"shell(make *)\"]\n";
    let mut disk = Disk::new();
    disk.write("/tmp/evil/x", "");
    disk.link("/repo/here", "/tmp/evil");
    for cwd in ["/tmp/evil", "/repo/here"] {
        let (effect, why) = decide(user, &Request { cwd: cwd.to_owned(), ..bash("make test") }, &mut disk);
        assert_eq!(effect, Effect::Ask, "{cwd}: {why}");
    }
    assert_eq!(decide(user, &Request { cwd: "/repo/sub".to_owned(), ..bash("make test") }, &mut disk).0, Effect::Allow);
}

#[test]
fn a_line_that_does_too_much_is_never_cut() {
    let user = "allow = [\"shell(true)\"]\ndeny = [\"shell(frob *)\"]\n";
    let line = |count: usize| format!("{}frob x", "true; ".repeat(count));
    assert_eq!(decide(user, &bash(&line(400)), &mut Disk::new()).0, Effect::Deny);
    let (effect, why) = decide(user, &bash(&line(600)), &mut Disk::new());
    assert_ne!(effect, Effect::Allow, "{why}");
    assert!(why.contains("more than anybody could review"), "{why}");
}
