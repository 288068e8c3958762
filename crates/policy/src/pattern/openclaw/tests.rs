use serde_json::json;

use super::{Executable, Machine, cwd_bound_hash};
use crate::call::Call;
use crate::pattern::{Case, Pattern, Spelling};
use crate::target::{Located, Word, WordKind};

fn call(cwd: &str, command: &str) -> Call {
    serde_json::from_value(json!({
        "host": "openclaw", "tool": "exec", "action": "shell", "class": "write", "args": {"command": command},
        "cwd": cwd, "project": "/ws", "home": "/home/u", "user": "u", "session": "s", "attendance": "somebody",
        "targets": [],
    }))
    .unwrap()
}

fn matches(entry: &Executable, line: &str, real: &str) -> bool {
    let words: Vec<Word> = line.split(' ').map(Word::data).collect();
    let at = Located { found: format!("/usr/bin/{}", line.split(' ').next().unwrap()), real: real.to_owned() };
    let pattern = Pattern::openclaw(entry.clone());
    pattern.matches(&Spelling::Words(&words, Some(&at)), &call("/ws", line), Case::Exact)
}

fn entry(pattern: &str) -> Executable {
    Executable::compile(Machine::Linux, pattern, None, false)
}

#[test]
fn places_of_the_gateway() {
    for (pattern, real) in [
        ("/a/**/c", "/a/b/x/c"),
        ("/a**c", "/a/b/c"),
        ("/a/?", "/a/c"),
        ("~/x", "/home/u/x"),
        ("~", "/home/u"),
        ("*", "/anywhere"),
        ("c", "/a/c"),
        (" /a/c ", "/a/c"),
    ] {
        assert!(matches(&entry(pattern), "c", real), "{pattern}");
    }
    for (pattern, real) in [
        ("/a/*/c", "/a/b/x/c"),
        ("/a/**/c", "/a/c"),
        ("/A/C", "/a/c"),
        ("~x", "/home/u/x"),
        ("/a/*", "/a/../b/c"),
        ("/a/[c]", "/a/c"),
        ("/a/c.exe", "/a/cXexe"),
        ("//a/c", "/a/c"),
        ("d", "/a/c"),
        ("  ", "/a/c"),
    ] {
        assert!(!matches(&entry(pattern), "c", real), "{pattern}");
    }
    // A name stands for what was typed as a name.
    assert!(!matches(&entry("c"), "./c", "/ws/c"));
    assert!(matches(&Executable::compile(Machine::Mac, "/var/x", None, false), "x", "/private/var/x"));
    assert!(matches(&Executable::compile(Machine::Windows, r"C:\Git\*.EXE", None, false), "x", r"\\?\c:\git\a.exe"));
}

#[test]
fn places_of_the_windows_node() {
    let node = |pattern: &str| Executable::compile(Machine::WindowsNode, pattern, None, false);
    for (pattern, real) in [
        ("C:/Tools/*.exe", r"c:\tools\X.exe"),
        ("**/git.exe", "git.exe"),
        ("**/git.exe", r"C:\Git\git.exe"),
        ("C:/a/**/b.exe", r"C:\a\b.exe"),
        ("C:/a/**/b.exe", r"C:\a\x\y\b.exe"),
        ("C:/a/**", r"C:\a\x\y"),
        ("C:/python3x/*", r"C:\python3x\tool.exe"),
    ] {
        assert!(matches(&node(pattern), "x", real), "{pattern}");
    }
    for (pattern, real) in [
        ("**/git.exe", r"C:\xgit.exe"),
        ("C:/a/**/b.exe", r"C:\a\xb.exe"),
        ("C:/G?t/x", "C:/G/t/x"),
        ("C:/tools**", r"C:\tools\x"),
        ("git.exe", "git.exe"),
        // What runs code is never meant without its arguments.
        ("C:/py/*", r"C:\py\python3.12.exe"),
        ("C:/py/*", r"C:\py\MSBuild.exe"),
    ] {
        assert!(!matches(&node(pattern), "x", real), "{pattern}");
    }
    assert!(node("git.exe").inert().is_some() && node("C:/a**").inert().is_some() && node("C:/a").inert().is_none());
}

#[test]
fn bound_arguments() {
    let bound = |on, args: &str, generated| Executable::compile(on, "/usr/bin/git", Some(args), generated);
    let git = "/usr/bin/git";
    let hash = cwd_bound_hash(&["status"], "/ws", Machine::Linux);
    for (entry, line, expected) in [
        (bound(Machine::Linux, "^status$", false), "git status", true),
        (bound(Machine::Linux, "^status$", false), "git status -s", false),
        (bound(Machine::Linux, "^log\0-1\0$", false), "git log -1", true),
        (bound(Machine::Linux, "^\0\0$", false), "git", true),
        (bound(Machine::Linux, "^a/b$", false), r"git a\b", false),
        (bound(Machine::Windows, r"^a\\b$", false), "git a/b", true),
        (bound(Machine::Linux, "(", false), "git (", false),
        (bound(Machine::Linux, &hash, true), "git status", true),
        (bound(Machine::Linux, &hash, true), "git push", false),
        // An answer that was not bound, or in a form of the past, stands for nothing any more.
        (bound(Machine::Linux, "^status$", true), "git status", false),
        (bound(Machine::Linux, "", true), "git status", false),
        (bound(Machine::Linux, "sha256:argv:00", false), "git status", false),
    ] {
        assert_eq!(matches(&entry, line, git), expected, "{entry:?} {line}");
    }
    let node = Executable::compile(Machine::WindowsNode, "/usr/bin/*", Some(&super::hash::plain(&["status"])), true);
    assert!(matches(&node, "git status", git) && !matches(&node, "git push", git));
}

#[test]
fn what_is_not_known_or_hands_on_is_not_what_was_meant() {
    let at = Located { found: "/usr/bin/git".to_owned(), real: "/usr/bin/git".to_owned() };
    let dynamic = [Word::data("git"), Word { text: "$X".to_owned(), kind: WordKind::Dynamic }];
    for pattern in ["*", "/usr/bin/git", "git"] {
        let pattern = Pattern::openclaw(entry(pattern));
        assert!(!pattern.matches(&Spelling::Words(&dynamic, Some(&at)), &call("/ws", ""), Case::Exact));
    }
    // Where the program is was not found: only an entry for everything speaks of it.
    let words = [Word::data("git")];
    let found = |pattern| {
        Pattern::openclaw(entry(pattern)).matches(&Spelling::Words(&words, None), &call("/ws", ""), Case::Exact)
    };
    assert!(found("*") && !found("git") && !found("/usr/bin/git"));
    // An argument with a NUL in it reads like two.
    let bound = Executable::compile(Machine::Linux, "/usr/bin/git", Some("^a\0b\0$"), false);
    assert!(matches(&bound, "git a b", "/usr/bin/git") && !matches(&bound, "git a\0b", "/usr/bin/git"));
    // A shell is what it is given to run.
    assert!(matches(&entry("/usr/bin/*"), "sh", "/usr/bin/dash"));
    assert!(!matches(&entry("/usr/bin/*"), "sh -c id", "/usr/bin/dash"));
    let windows = Executable::compile(Machine::Windows, "C:/Windows/**", None, false);
    let place = r"C:\Windows\System32\WindowsPowerShell\v1.0\PowerShell.exe";
    assert!(matches(&windows, "x", place) && !matches(&windows, "x -Command calc", place));
}

#[test]
fn a_marker_stands_for_one_line() {
    let marker = format!("=command:{}", super::short_hash("git status; ls"));
    let made = Executable::compile(Machine::Linux, &marker, None, true);
    assert!(matches(&made, "git status; ls", "/usr/bin/git"));
    assert!(!matches(&made, "git status", "/usr/bin/git"));
    assert!(!matches(&entry(&marker), "git status; ls", "/usr/bin/git"));
}

#[test]
fn a_pattern_is_stored_with_all_that_it_says() {
    for made in [
        Executable::compile(Machine::WindowsNode, "C:/a/*", Some("^x$"), true),
        Executable::compile(Machine::Linux, "git", None, false),
    ] {
        let pattern = Pattern::openclaw(made);
        let stored = serde_json::to_value(&pattern).unwrap();
        assert_eq!(serde_json::from_value::<Pattern>(stored).unwrap(), pattern);
    }
}

#[test]
fn no_pattern_takes_long() {
    assert!(!matches(&entry(&format!("/{}b", "**a".repeat(32))), "c", &format!("/{}", "a".repeat(4000))));
    assert!(entry(&"*".repeat(65)).inert().is_some());
}
