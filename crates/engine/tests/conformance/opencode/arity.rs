//! The words before the `*` of "always": ours are never fewer than theirs.

use crate::case::{Case, Folder, texts};
use crate::looser;
use crate::ours::{self, line_of, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "opencode",
        name: "arity",
        compares: "the widest that \"always\" offers for a command is what their table gives: as many words before the `*`",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let theirs = texts(&case.expect["prefix"]);
    let line = read(&line_of(&texts(&case.request["tokens"])));
    let offers: Vec<Vec<String>> = line.commands.iter().flat_map(|seen| seen.prefixes()).collect();
    let widest = offers.iter().min_by_key(|offer| offer.len());
    let known: Vec<Vec<String>> = line.commands.iter().map(|seen| ours::texts(&seen.words)).collect();
    match widest {
        None if theirs.is_empty() => Vec::new(),
        Some(ours) if theirs.is_empty() => vec![Difference::stricter("nothing", "", ours.join(" "))],
        // The command that a wrapper runs.
        Some(ours) if ours.first() != theirs.first() && !known.iter().any(|words| words.first() == theirs.first()) => {
            vec![Difference::stricter("wrapper", theirs.join(" "), ours.join(" "))]
        }
        Some(ours) if *ours == theirs => Vec::new(),
        Some(ours) if ours.len() < theirs.len() || !ours.starts_with(&theirs) => {
            vec![Difference::looser("prefix", theirs.join(" "), ours.join(" "))]
        }
        Some(ours) => vec![Difference::stricter("prefix", theirs.join(" "), ours.join(" "))],
        None if line.commands.iter().any(|seen| !seen.is_data()) || !line.unknown.is_empty() => {
            vec![Difference::stricter("power", theirs.join(" "), "exactly these words")]
        }
        None => vec![Difference::stricter("exact", theirs.join(" "), "exactly these words")],
    }
}

/// The program of theirs.
fn program(difference: &Difference) -> &str {
    let word = difference.theirs.split(' ').next().unwrap_or_default();
    word.rsplit('/').next().unwrap_or_default()
}

/// What was not remembered in general.
fn is_narrow(difference: &Difference) -> bool {
    ["power", "exact"].contains(&difference.of)
}

const FILES: [&str; 21] = [
    "rm", "rmdir", "mv", "cp", "ln", "chmod", "chown", "chgrp", "touch", "mkdir", "tee", "dd", "sed", "find",
    "install", "truncate", "shred", "tar", "unzip", "rsync", "kill",
];
const RUNNERS: [&str; 43] = [
    "python",
    "python3",
    "node",
    "deno",
    "bun",
    "perl",
    "ruby",
    "php",
    "sh",
    "bash",
    "zsh",
    "sudo",
    "env",
    "timeout",
    "time",
    "xargs",
    "watch",
    "eval",
    "exec",
    "source",
    ".",
    "export",
    "npx",
    "uvx",
    "npm",
    "pnpm",
    "yarn",
    "pip",
    "pipenv",
    "poetry",
    "composer",
    "make",
    "cmake",
    "cargo",
    "go",
    "gradle",
    "mvn",
    "rake",
    "tmux",
    "stdbuf",
    "script.sh",
    "nohup",
    "nice",
];
const SERVICES: [&str; 27] = [
    "docker",
    "podman",
    "kubectl",
    "helm",
    "curl",
    "wget",
    "ssh",
    "scp",
    "gh",
    "aws",
    "gcloud",
    "az",
    "psql",
    "mysql",
    "mongosh",
    "redis-cli",
    "terraform",
    "pulumi",
    "systemctl",
    "git",
    "vercel",
    "heroku",
    "firebase",
    "flyctl",
    "doctl",
    "skaffold",
    "openssl",
];

pub(super) const DYNAMIC: Rule = Rule {
    name: "what is known only when it runs is not remembered",
    inputs: "commands with `$X`, a substitution or a pattern that could become an option; lines that are not understood",
    answer: "no offer",
    why: "the next call would run something else",
    side: Side::Stricter,
    explains: |_, difference| difference.of == "dynamic",
};

pub(super) const CHANGED_FILES: Rule = Rule {
    name: "changing files is remembered only as it stands",
    inputs: "`rm`, `mv`, `cp`, `chmod`, `tee`, `dd`, `sed -i`, `find -delete` and their kind",
    answer: "exactly these words",
    why: "theirs grants `rm *` for one answer to `rm x`",
    side: Side::Stricter,
    explains: |_, difference| is_narrow(difference) && FILES.contains(&program(difference)),
};

pub(super) const RUN_CODE: Rule = Rule {
    name: "running code is remembered only as it stands",
    inputs: "interpreters, shells, wrappers, package managers and build tools, where the words name no harmless operation",
    answer: "exactly these words",
    why: "`python *`, `npx *` or `bash *` is every program",
    side: Side::Stricter,
    explains: |_, difference| {
        let name = program(difference);
        let script = difference.theirs.split(' ').next().unwrap_or_default().contains('/');
        is_narrow(difference) && (RUNNERS.contains(&name) || script)
    },
};

pub(super) const SERVICE: Rule = Rule {
    name: "what leaves the machine or changes a service is remembered only as it stands",
    inputs: "`docker`, `kubectl`, `git remote`, `git config`, `gh`, databases' clients, where the words name no harmless operation",
    answer: "exactly these words",
    why: "`kubectl delete *` for one answer to `kubectl delete pod p` is every pod",
    side: Side::Stricter,
    explains: |_, difference| is_narrow(difference) && SERVICES.contains(&program(difference)),
};

pub(super) const UNKNOWN_PROGRAM: Rule = Rule {
    name: "a program without an operation is remembered only as it stands",
    inputs: "programs that no table of ours knows, without a word that reads like an operation; an empty name",
    answer: "exactly these words",
    why: "nothing says what its other words would do",
    side: Side::Stricter,
    explains: |_, difference| {
        let name = program(difference);
        is_narrow(difference) && ![FILES.as_slice(), &RUNNERS, &SERVICES].concat().contains(&name)
    },
};

pub(super) const LONGER: Rule = Rule {
    name: "the operation is a part of the offer",
    inputs: "programs of which their table knows one word: `kill a`, `x y`, `/usr/bin/git status`",
    answer: "`kill a *`",
    why: "fewer calls are like the one that was shown",
    side: Side::Stricter,
    explains: |_, difference| difference.of == "prefix",
};

pub(super) const WRAPPED: Rule = Rule {
    name: "a wrapper is never offered",
    inputs: "`env`, `timeout`, `sudo` and their kind",
    answer: "an offer for the command inside, or none",
    why: "`env *` is every program",
    side: Side::Stricter,
    explains: |_, difference| difference.of == "wrapper",
};

const RULES: &[Rule] = &[
    Rule {
        name: "names that objects of JavaScript have",
        inputs: "`constructor`, `toString`, `__proto__`",
        answer: "an offer like that for every other program",
        why: "theirs finds no words, and stores `*` behind a blank",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "nothing",
    },
    DYNAMIC,
    CHANGED_FILES,
    RUN_CODE,
    SERVICE,
    UNKNOWN_PROGRAM,
    LONGER,
    WRAPPED,
    Rule { explains: |_, difference| difference.of == "prefix", ..looser::OPERATIONS },
];
