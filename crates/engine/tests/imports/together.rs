//! Several files that are taken in as one.

use std::cell::RefCell;

use countersign_engine::NothingKnown;
use countersign_policy::Effect;

use super::disk::Disk;
use super::{OPENCODE, Trusting, USER, judged, loaded};

/// A rule of one file about a path decides whether a rule of another about the name counts, and a mistake in one refuses all.
#[test]
fn a_folder_of_codexs_rules_is_one() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = \"~/.codex/rules\"\n");
    disk.write("/home/u/.codex/rules/a.rules", "prefix_rule(pattern = [\"git\"])\n");
    disk.write(
        "/home/u/.codex/rules/b.rules",
        "prefix_rule(pattern = [\"/usr/bin/git\", \"push\"], decision = \"forbidden\")\n",
    );
    disk.write("/home/u/.codex/rules/notes.txt", "nothing");
    let reading = loaded(&disk, &NothingKnown).unwrap();
    assert_eq!(reading.files.len(), 3);
    for (line, effect) in
        [("git push", Effect::Allow), ("/usr/bin/git push", Effect::Deny), ("/usr/bin/git log", Effect::Allow)]
    {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
    // A new file there would count as well, and so would one less.
    for (tool, path, effect) in [
        ("edit", "/home/u/.codex/rules/zz.rules", Effect::Ask),
        ("delete", "/home/u/.codex/rules/b.rules", Effect::Ask),
        ("delete", "/home/u/.codex/rules", Effect::Ask),
    ] {
        assert_eq!(judged(&reading, &disk, tool, path).effect(), effect, "{tool} {path}");
    }
    disk.write("/home/u/rules/a.rules", "prefix_rule(pattern = [\"git\"])\n");
    disk.write(USER, "allow = [\"edit(~/rules/**)\"]\n[[import]]\nfrom = [\"~/.codex/rules\", \"~/rules\"]\n");
    let reading = loaded(&disk, &NothingKnown).unwrap();
    assert_eq!(judged(&reading, &disk, "edit", "/home/u/rules/zz.rules").effect(), Effect::Ask);
    assert_eq!(judged(&reading, &disk, "edit", "/home/u/rules/notes.txt").effect(), Effect::Allow);
    disk.write("/home/u/.codex/rules/c.rules", "prefix_rule([])\n");
    let fault = loaded(&disk, &NothingKnown).unwrap_err();
    assert!(fault.report().contains("c.rules:1:1: a pattern is empty"), "{}", fault.report());
}

#[test]
fn claude_codes_settings_of_all_layers_are_one() {
    let mut disk = Disk::new();
    disk.write(USER, "[[import]]\nfrom = [\"~/.claude/settings.json\", \"/repo/.claude\"]\n");
    disk.write(
        "/home/u/.claude/settings.json",
        r#"{"permissions": {"allow": ["Bash(make *)"], "deny": ["Read(//srv/secret)"]}}"#,
    );
    disk.write("/repo/.claude/settings.json", r#"{"permissions": {"deny": ["Bash(make deploy)"]}}"#);
    disk.write("/repo/.claude/settings.local.json", r#"{"permissions": {"ask": ["Bash(make release)", "Edit(/x)"]}}"#);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    assert!(reading.files.iter().skip(1).all(|file| file.rules > 0) && reading.files.len() == 4);
    for (line, effect) in [("make test", Effect::Allow), ("make deploy", Effect::Deny), ("make release", Effect::Ask)] {
        assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{line}");
    }
    assert_eq!(judged(&reading, &disk, "read", "/srv/secret").effect(), Effect::Deny);
    // Where a path with one `/` in front starts is said by where its file lies.
    assert_eq!(judged(&reading, &disk, "edit", "/repo/x").effect(), Effect::Ask);
}

#[test]
fn opencodes_layers_and_agents_are_one() {
    let mut disk = Disk::new();
    disk.write(
        USER,
        "[[import]]\nfrom = [\"~/.config/opencode/opencode.json\", \"/repo/.opencode\"]\nagent = \"review\"\n",
    );
    disk.write("/home/u/.config/opencode/opencode.json", OPENCODE);
    disk.write("/repo/.opencode/opencode.jsonc", r#"{ "permission": { "bash": { "make test": "ask" } } }"#);
    let agent = "---\ndescription: looks at things\npermission:\n  edit: deny\n  bash:\n    \"git push*\": deny # never\n    git log*: allow\n---\nYou look at things.\n";
    disk.write("/repo/.opencode/agents/review.md", agent);
    disk.write("/repo/.opencode/agents/other.md", "---\npermission:\n  bash: deny\n---\n");
    let reading = loaded(&disk, &NothingKnown).unwrap();
    for (tool, resource, effect) in [
        ("shell", "make all", Effect::Allow),
        ("shell", "make test", Effect::Ask),
        ("shell", "make deploy", Effect::Deny),
        ("shell", "git push --force", Effect::Deny),
        ("shell", "git log", Effect::Allow),
        ("edit", "/repo/src/main.rs", Effect::Deny),
    ] {
        assert_eq!(judged(&reading, &disk, tool, resource).effect(), effect, "{tool} {resource}");
    }
    disk.write("/repo/.opencode/agents/other.md", "---\npermission: &all\n  bash: deny\n---\n");
    let fault = loaded(&disk, &NothingKnown).unwrap_err().report();
    assert!(fault.contains("other.md:2:1"), "{fault}");
}

/// One file more in a trusted project's folder is not trusted with the others.
#[test]
fn a_projects_folder_allows_once_all_of_it_is_trusted() {
    let mut disk = Disk::new();
    let policy = "[[import]]\nfrom = \"rules\"\n";
    let (a, b) = ("prefix_rule(pattern = [\"make\"])\n", "prefix_rule(pattern = [\"npm\"])\n");
    disk.write("/repo/countersign.toml", policy);
    disk.write("/repo/rules/a.rules", a);
    let of = |path: &str, text: &str| (path.to_owned(), countersign_policy::sha256_hex(text.as_bytes()));
    let known = Trusting(RefCell::new(vec![of("/repo/countersign.toml", policy), of("/repo/rules/a.rules", a)]));
    assert_eq!(judged(&loaded(&disk, &known).unwrap(), &disk, "shell", "make x").effect(), Effect::Allow);
    disk.write("/repo/rules/b.rules", b);
    let reading = loaded(&disk, &known).unwrap();
    assert_eq!(judged(&reading, &disk, "shell", "make x").effect(), Effect::Ask);
    known.0.borrow_mut().push(of("/repo/rules/b.rules", b));
    assert_eq!(judged(&loaded(&disk, &known).unwrap(), &disk, "shell", "npm i").effect(), Effect::Allow);
    // A link in it leads out of the project.
    disk.write("/etc/x.rules", b);
    disk.link("/repo/rules/c.rules", "/etc/x.rules");
    let told = loaded(&disk, &known).unwrap_err().report();
    assert!(told.contains("only files of the project"), "{told}");
}

#[test]
fn what_cannot_be_taken_in_together_is_said() {
    let mut reports = Vec::new();
    let rules = "prefix_rule(pattern = [\"make\"])\n";
    for (import, files) in [
        ("from = []", vec![]),
        ("from = [\"a.rules\", 3, \"\"]", vec![]),
        ("from = [\"a.rules\", \"opencode.json\"]", vec![("a.rules", rules), ("opencode.json", "{}")]),
        ("from = [\"a.json\", \"b.json\"]\nsystem = \"clawbolt\"", vec![("a.json", "{}"), ("b.json", "{}")]),
        ("from = [\"a.rules\", \"requirements.toml\"]", vec![("a.rules", rules), ("requirements.toml", "")]),
        ("from = \"folder\"", vec![("folder/notes.txt", "")]),
        ("from = \"folder\"\nsystem = \"codex\"", vec![("folder/notes.txt", "")]),
        ("from = \"folder\"\nsystem = \"clawbolt\"", vec![("folder/PERMISSIONS.json", "{}")]),
        ("from = \"folder\"", vec![("folder/opencode.json", "{}"), ("folder/opencode.jsonc", "{}")]),
        ("from = \".opencode\"", vec![(".opencode/agents/more/x.md", "")]),
        ("from = \"rules\"", vec![("rules/a.rules", "prefix_rule([])\n"), ("rules/b.rules", "\nprefix_rule(3)\n")]),
    ] {
        let mut disk = Disk::new();
        disk.write(USER, &format!("[[import]]\n{import}\n"));
        for (name, text) in files {
            disk.write(&format!("/home/u/.config/countersign/{name}"), text);
        }
        match loaded(&disk, &NothingKnown) {
            Ok(_) => panic!("{import}"),
            Err(fault) => reports.push(fault.report()),
        }
    }
    insta::assert_snapshot!(reports.join("\n"));
}
