//! What policy files add to the tables of programs, and what they cannot turn round.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use countersign_policy::{OperandKind, OptionKind, ProgramEntry, WordKind};
use countersign_shell::{Programs, analyze, analyze_with};

type Entries = BTreeMap<String, ProgramEntry>;

fn entry(name: &str, options: &[(&str, OptionKind)], operands: &[OperandKind]) -> (String, ProgramEntry) {
    let options = options.iter().map(|(option, kind)| ((*option).to_owned(), *kind)).collect();
    (name.to_owned(), ProgramEntry { options, operands: operands.to_vec(), subcommands: false })
}

fn harmless(line: &str, programs: &Programs) -> bool {
    let analysis = analyze_with(line, programs);
    let words = analysis.commands.iter().flat_map(|command| &command.words);
    analysis.unknown.is_empty() && words.into_iter().all(|word| word.kind == WordKind::Data)
}

#[test]
fn a_project_adds_and_never_turns_round() {
    let flag = |option| [(option, OptionKind::Flag)];
    let above = Entries::from([entry("frob", &[("--hook", OptionKind::Power)], &[OperandKind::Read])]);
    let project = Entries::from([
        entry("frob", &[("--hook", OptionKind::Flag), ("--new", OptionKind::Flag)], &[OperandKind::Data]),
        entry("sort", &flag("--output"), &[OperandKind::Data]),
        entry("ls x", &flag("--new"), &[]),
    ]);
    let programs = Programs::extended(&above, &project);
    assert!(harmless("frob --new x", &programs));
    assert!(!harmless("frob --hook x", &programs));
    assert!(!harmless("sort --output x y", &programs));
    assert_eq!(analyze_with("frob x", &programs).touches.len(), 1);
    for line in ["sort x", "ls x", "ls x --new"] {
        assert_eq!(analyze_with(line, &programs), analyze(line), "{line}");
    }
}

#[test]
fn what_runs_others_stays_so() {
    let data = [OperandKind::Data];
    let options = [("-c", OptionKind::Value), ("-e", OptionKind::Value), ("-exec", OptionKind::Flag)];
    let names = ["bash", "sudo", "env", "xargs", "find", "python3.12", "node", "eval", "ssh", "exec"];
    let above = names.iter().map(|name| entry(name, &options, &data)).collect::<Entries>();
    let programs = Programs::extended(&above, &Entries::new());
    for line in [
        "bash -c 'rm x'",
        "sudo rm x",
        "env rm x",
        "xargs rm x",
        "find . -exec rm x ';'",
        "python3.12 -c 'import os'",
        "eval rm x",
        "exec rm x",
    ] {
        assert_eq!(analyze_with(line, &programs).commands, analyze(line).commands, "{line}");
    }
}

#[test]
fn hostile_entries_are_taken_as_they_are() {
    let many: ProgramEntry = ProgramEntry {
        options: (0..10_000).map(|number| (format!("--o{number}"), OptionKind::Flag)).collect(),
        ..ProgramEntry::default()
    };
    let mut above = Entries::from([entry("git log", &[("--output", OptionKind::Write)], &[])]);
    for name in ["frob", "", " ", "*", "fr*", "/bin/x", "a  b", "git  log"] {
        above.insert(name.to_owned(), many.clone());
    }
    let programs = Programs::extended(&above, &Entries::new());
    assert!(harmless("frob --o9999", &programs) && !harmless("frob --o10000", &programs));
    assert_eq!(analyze_with("git log -3", &programs), analyze("git log -3"));
    assert!(!harmless("frit --output x", &programs));
}
