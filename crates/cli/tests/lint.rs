//! `countersign lint`: which files it reads, what it prints, how it ends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod world;

use world::{World, write};

#[test]
fn no_file_and_none_with_warnings() {
    let world = World::new();
    let said = world.run(&["lint"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "There are no policy files here, so nothing to check.\n"),
        "{said:?}"
    );
    let world = world.with_policy("allow = [\"edit(src/**)\"]\n");
    let said = world.run(&["lint"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "No warnings in 1 file.\n"), "{said:?}");
    // It only reads: no store comes to be.
    assert!(!world.data().exists());
}

#[test]
fn the_files_in_force_are_read() {
    let world = World::new().with_policy("default = \"ask\"\nallow = [\"read(**)\"]\n");
    write(&world.project().join("countersign.toml"), "deny = [\"read(secret)\", \"read(secret)\"]\n");
    write(&world.project().join(".countersign.local.toml"), "allow = [\"shell(make **)\"]\n");
    let said = world.run(&["lint"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80), "{said:?}");
    let settled = said.stdout.replace(world.project().canonicalize().unwrap().to_str().unwrap(), "/project");
    let settled = settled.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "~/.config/countersign/countersign.toml:2:11: the built-in rules are silent",
        "/project/countersign.toml:1:26: this deny stands twice",
        "/project/.countersign.local.toml:1:17: `**` also grants",
        "3 warnings",
    ] {
        assert!(settled.contains(part), "{part}\n{said:?}");
    }
}

#[test]
fn files_that_are_named_and_json() {
    let world = World::new().with_policy("allow = [\"read(**)\"]\n");
    write(&world.project().join("draft.toml"), "deny = [\"edit(src/?)\"]\n[ceiling]\nask = [\"agent\"]\n");
    let said = world.run(&["lint", "--json", "draft.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["warnings"], 1);
    assert_eq!(value["files"][0]["file"], "draft.toml");
    assert_eq!(value["files"][0]["warnings"][0]["column"], 15);
    // What stands where our files do is ours, whatever it says.
    write(&world.project().join("countersign.toml"), "# not prefix_rule(...)\ndeny = [\"agent\", \"agent\"]\n");
    assert_eq!(world.run(&["lint", "countersign.toml"]).code, Some(1));
    let said = world.run(&["lint", "nowhere.toml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("`nowhere.toml` could not be read"), "{said:?}");
}

/// There the last rule that matches decides: what comes later may lift a denial.
#[test]
fn another_systems_file() {
    let world = World::new();
    let text =
        "{\n  \"permission\": {\n    \"bash\": {\n      \"rm *\": \"deny\",\n      \"*\": \"allow\"\n    }\n  }\n}\n";
    write(&world.project().join("opencode.json"), text);
    let said = world.run(&["lint", "opencode.json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("opencode.json:4:7: this deny is lifted"), "{said:?}");
    assert!(said.stdout.ends_with("1 warning\n"), "{said:?}");
}

/// Claude Code passes over them with a note at its start: what was meant to be forbidden is not.
#[test]
fn denials_that_never_apply_are_named() {
    let world = World::new();
    let text = "{ \"permissions\": {\n  \"allow\": [\"Bash(*)\"],\n  \"deny\": [\"Bash(rm *)\",\n    \"Bash(command:dd *)\",\n    \"Bsh(dd *)\"] } }\n";
    write(&world.project().join("settings.json"), text);
    let said = world.run(&["lint", "settings.json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for warning in [
        "settings.json:4:6: `Bash(command:dd *)` never applies: Claude Code ignores it",
        "settings.json:5:6: `Bsh(dd *)` never applies: no tool of the name `Bsh`",
    ] {
        assert!(said.stdout.contains(warning), "{said:?}");
    }
    assert!(said.stdout.ends_with("2 warnings\n"), "{said:?}");
}

/// What the files in force take in is looked at as they are, and what it makes of their allows.
#[test]
fn what_is_taken_in_is_read_too() {
    let world = World::new().with_policy(
        "allow = [\n  \"shell(git push origin *)\",\n]\n[[import]]\nfrom = \"~/.codex/rules\"\n[[import]]\nfrom = \"~/opencode.json\"\n",
    );
    write(&world.home().join(".codex/rules/a.rules"), "prefix_rule(pattern = [\"git\", \"push\"])\n");
    let deny = "\nprefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n";
    write(&world.home().join(".codex/rules/b.rules"), deny);
    write(&world.home().join("opencode.json"), "{ \"permission\": { \"task\": \"deny\", \"*\": \"ask\" } }\n");
    let said = world.run(&["lint"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let settled = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "~/.config/countersign/countersign.toml:2:4: this allow never holds: the deny",
        "b.rules:2, which this file takes in, covers it",
        "opencode.json:1:1: this deny is lifted",
    ] {
        assert!(settled.contains(part), "{part}\n{said:?}");
    }
    let said = world.run(&["lint", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["files"].as_array().unwrap().len(), 4, "{value}");
    // A file that was named is looked at alone.
    let said = world.run(&["lint", world.policy().to_str().unwrap()]);
    assert!(!said.stdout.contains("never holds"), "{said:?}");
    write(&world.home().join(".codex/rules/b.rules"), "prefix_rule([])\n");
    let said = world.run(&["lint"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("a pattern is empty"), "{said:?}");
}

/// A repository names the files that it takes in, and an agent may run this: it reads nothing of them with it.
#[test]
fn of_what_a_project_takes_in_nothing_is_shown() {
    let world = World::new();
    let secret = "{ \"permission\": { \"bash sk_live\": \"deny\", \"*\": \"allow\" }, \"key\": \"sk_live_abc\" }\n";
    for (text, code, told) in
        [(secret, 1, "has 1 warning as a file of opencode"), ("sk_live_abc", 2, "has 1 mistake as a file of opencode")]
    {
        write(&world.project().join("config.json"), text);
        let import = "allow = [\"agent\"]\n[[import]]\nfrom = \"config.json\"\nsystem = \"opencode\"\n";
        write(&world.project().join("countersign.toml"), import);
        for arguments in [&["lint"][..], &["lint", "--json"]] {
            let said = world.run(arguments);
            assert_eq!(said.code, Some(code), "{said:?}");
            let settled = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(settled.contains(told) && !settled.contains("sk_live"), "{said:?}");
        }
    }
    // From elsewhere nothing is taken in at all.
    write(&world.home().join("other.json"), secret);
    write(&world.project().join("countersign.toml"), "[[import]]\nfrom = \"~/other.json\"\nsystem = \"opencode\"\n");
    let said = world.run(&["lint"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("takes in only") && !said.stdout.contains("sk_live"), "{said:?}");
}

#[test]
fn a_file_with_mistakes_ends_in_2() {
    let world = World::new().with_policy("alow = []\n");
    write(&world.project().join("countersign.toml"), "deny = [\"*\", \"*\"]\n");
    let said = world.run(&["lint"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("did you mean `allow`?") && said.stdout.contains("stands twice"), "{said:?}");
    assert!(said.stdout.ends_with("1 mistake, 1 warning\n"), "{said:?}");
    let said = world.run(&["lint", "/dev/zero"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

/// A report shows lines of the file: an agent that may run it reads no secrets with it.
#[test]
fn what_is_linted_is_read() {
    let world = World::new().with_policy("allow = [\"shell(countersign lint *)\"]\n");
    assert_eq!(world.run(&["check", "shell: countersign lint"]).code, Some(0));
    assert_eq!(world.run(&["check", "shell: countersign lint draft.toml"]).code, Some(0));
    assert_eq!(world.run(&["check", "shell: countersign lint .env"]).code, Some(20));
    assert_eq!(world.run(&["check", "shell: countersign lint /etc/hosts"]).code, Some(10));
}
