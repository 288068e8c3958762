//! A hit (code among the arguments of an interpreter) means that no general rule of ours covers the command.

use crate::case::{Case, Folder};
use crate::looser;
use crate::ours::{line_of, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "inline-eval",
        compares: "code among the arguments: then no `PROGRAM *` of ours covers the command, else one does",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let line = read(&line_of(&case.argv()));
    let covered = line.unknown.is_empty()
        && line.commands.len() == 1
        && line.commands.iter().all(|seen| seen.is_data() && seen.others.is_empty());
    match (case.expect["hit"].as_bool(), covered) {
        (Some(true), true) => vec![Difference::looser("inline code", "a hit", "covered by a general rule")],
        (Some(false), false) => vec![Difference::stricter("inline code", "no hit", "covered by no general rule")],
        _ => Vec::new(),
    }
}

/// Programs whose arguments are code, or name it.
fn interprets(case: &Case) -> bool {
    const INTERPRETERS: [&str; 22] = [
        "python",
        "pypy",
        "node",
        "deno",
        "bun",
        "perl",
        "ruby",
        "php",
        "lua",
        "awk",
        "gawk",
        "mawk",
        "sed",
        "bash",
        "sh",
        "zsh",
        "tclsh",
        "julia",
        "r",
        "rscript",
        "make",
        "osascript",
    ];
    let argv = case.argv();
    let name = argv[0].rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

const RULES: &[Rule] = &[
    Rule {
        name: "code in a file or a module is code",
        inputs: "`python -m`, `deno eval`, `awk -f`, `sed -f`, `bash -c`, `tclsh -c`",
        answer: "no general rule covers it",
        why: "what runs is in the file that the words name, or is written there by the agent before",
        side: Side::Stricter,
        explains: |case, _| interprets(case),
    },
    Rule {
        name: "options that write, configure or run",
        inputs: "`find -fprintf`, `git -c`, `vim -c`, `sqlite3 db .shell`, `docker run`",
        answer: "no general rule covers them",
        why: "an option can run a program or write a file as well as inline code can",
        side: Side::Stricter,
        explains: |case, _| !interprets(case),
    },
    Rule {
        explains: |case, _| ["sed", "gsed", "awk", "gawk", "mawk", "nawk"].contains(&case.argv()[0].as_str()),
        ..looser::READERS
    },
];
