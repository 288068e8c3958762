//! Whether an allowlist covers a command that is given as words.

use super::approvals::{Approvals, SHELLS, vfs_of};
use crate::case::{Case, Folder};
use crate::looser;
use crate::ours::{line_of, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "eval-argv",
        compares: "whether their allowlist covers the words, taken apart by us",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let line = read(&line_of(&case.argv()));
    let ours = Approvals::of(case, vfs_of(folder, case)).satisfies(&line);
    match (case.expect["allowlistSatisfied"] == true, ours) {
        (true, false) => vec![Difference::stricter("allowlist", "covered", "not covered")],
        (false, true) => vec![Difference::looser("allowlist", "not covered", "covered")],
        _ => Vec::new(),
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "a shell is judged beside what it runs",
        inputs: "a shell with `-c` or a script, under an entry for what it runs",
        answer: "not covered",
        why: "the shell's own options and its other arguments decide what becomes of the text",
        side: Side::Stricter,
        explains: |case, _| {
            let argv = case.argv();
            SHELLS.contains(&argv[0].as_str()) || argv[0] == "busybox"
        },
    },
    Rule {
        name: "a program that runs another",
        inputs: "`xargs`, `find -exec`, `npx`, under an entry for the program or for what it runs",
        answer: "not covered",
        why: "an entry for `xargs` is no entry for all that it can run; `npx` may fetch what it runs",
        side: Side::Stricter,
        explains: |case, _| {
            ["xargs", "find", "npx", "bunx", "npm", "pnpm", "yarn", "flock"].contains(&case.argv()[0].as_str())
        },
    },
    Rule {
        name: "a program's name is taken as it is",
        inputs: "a name with blanks around it, an empty one before another word",
        answer: "not covered",
        why: "theirs trims the words, and judges another program than would run",
        side: Side::Stricter,
        explains: |case, _| case.argv()[0].trim() != case.argv()[0] || case.argv()[0].is_empty(),
    },
    Rule {
        explains: |case, _| read(&line_of(&case.argv())).commands.iter().any(|seen| !seen.others.is_empty()),
        ..looser::INSIDE
    },
];
