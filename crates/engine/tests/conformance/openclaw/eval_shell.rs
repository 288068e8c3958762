//! Allow, ask or deny for a command line under exec approvals.

use std::cmp::Ordering;

use super::approvals::{Approvals, SHELLS, compare, vfs_of};
use crate::case::{Case, Folder};
use crate::looser;
use crate::ours::read;
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "eval-shell",
        compares: "allow, ask or deny under their document, with the command taken apart by us",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let text = case.text("command");
    let approvals = Approvals::of(case, vfs_of(folder, case));
    let line = read(text);
    let ours = approvals.decide(&line);
    let theirs = case.expect["decision"].as_str().unwrap_or_default();
    let why = case.expect["why"]
        .as_array()
        .map(|why| why.iter().filter_map(|why| why.as_str()).collect::<Vec<_>>().join(", "));
    let theirs_shown = format!("{theirs} ({})", why.unwrap_or_default());
    let ours_shown = format!(
        "{ours} (unknown: {:?}; {:?})",
        line.unknown,
        line.commands
            .iter()
            .map(|seen| seen
                .words
                .iter()
                .map(|word| format!("{}/{:?}", word.text, word.kind))
                .collect::<Vec<_>>()
                .join(" "))
            .collect::<Vec<_>>()
    );
    match compare(theirs, ours) {
        Ordering::Equal => Vec::new(),
        Ordering::Less => vec![Difference::stricter("decision", theirs_shown, ours_shown)],
        Ordering::Greater => vec![Difference::looser("decision", theirs_shown, ours_shown)],
    }
}

/// The text of a case's command.
fn command(case: &Case) -> &str {
    case.text("command")
}

/// Whether one of the words of a command is this program.
fn names(case: &Case, programs: &[&str]) -> bool {
    let mut words = command(case).split(|c: char| c.is_whitespace() || "|;&()".contains(c));
    words.any(|word| programs.contains(&word.rsplit('/').next().unwrap_or_default()))
}

/// Whether they gave this reason.
fn because(case: &Case, reason: &str) -> bool {
    case.expect["why"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|why| why.as_str().is_some_and(|why| why.starts_with(reason)))
}

const RULES: &[Rule] = &[
    Rule {
        name: "what a shell is handed as its arguments",
        inputs: "`bash -c '$0 \"$@\"' git status`",
        answer: "asked",
        why: "the program is a parameter of the text; they follow this form alone",
        side: Side::Stricter,
        explains: |case, _| command(case).contains("$0"),
    },
    Rule {
        name: "a shell that reads what it runs",
        inputs: "a shell without `-c` or a script, even under an entry for it",
        answer: "asked",
        why: "what it runs comes from its input",
        side: Side::Stricter,
        explains: |case, _| SHELLS.contains(&command(case).trim()),
    },
    Rule {
        name: "a script that a shell is given",
        inputs: "`bash scripts/build.sh` under an entry for the script",
        answer: "asked",
        why: "the shell's options and start files have a part in what runs; an entry for the script covers calling it",
        side: Side::Stricter,
        explains: |case, _| command(case).contains(".sh") && names(case, &SHELLS),
    },
    Rule {
        name: "a shell of many programs",
        inputs: "`busybox sh -c`, `toybox sh -c` under an entry for `busybox`",
        answer: "asked",
        why: "it is hundreds of programs, not one",
        side: Side::Stricter,
        explains: |case, _| names(case, &["busybox", "toybox"]),
    },
    Rule {
        name: "package managers run what a package says",
        inputs: "`npx`, `npm exec`, `pnpm`, `yarn`, `bunx`, under an entry for them or for what they run",
        answer: "asked",
        why: "they may fetch the program, or find another of that name",
        side: Side::Stricter,
        explains: |case, _| names(case, &["npx", "npm", "pnpm", "yarn", "bunx"]),
    },
    Rule {
        name: "wrappers that may change more than they say",
        inputs: "`flock`, `exec`, `builtin`, `time -f`, `stdbuf` with options that our tables do not know",
        answer: "asked",
        why: "their options or the way in which they find what they run are not in our tables",
        side: Side::Stricter,
        explains: |case, _| {
            names(
                case,
                &["flock", "sandbox-exec", "caffeinate", "exec", "builtin", "stdbuf", "time", "nice", "timeout"],
            )
        },
    },
    Rule {
        name: "code in a file or a module is code",
        inputs: "`python -m`, `python x.py`, `awk -f` where inline code is asked about",
        answer: "asked",
        why: "what runs is in the file that the words name, or is written there by the agent before",
        side: Side::Stricter,
        explains: |case, _| {
            case.context["strictInlineEval"] == true
                && names(case, &["python3", "node", "perl", "ruby", "awk", "make", "sed"])
        },
    },
    Rule {
        name: "characters that cannot be seen",
        inputs: "a carriage return or an invisible character in the line",
        answer: "asked",
        why: "theirs splits words there, the shell does not: what is judged is not what runs",
        side: Side::Stricter,
        explains: |case, _| command(case).chars().any(|c| c != '\n' && c != '\t' && (c.is_control() || !c.is_ascii())),
    },
    Rule {
        name: "a variable that is set before",
        inputs: "`PATH=/tmp/evil; git status`, `IFS=x; ls`",
        answer: "asked",
        why: "it changes what runs afterwards; they judge the commands alone",
        side: Side::Stricter,
        explains: |case, _| {
            command(case)
                .split_whitespace()
                .next()
                .is_some_and(|word| word.contains('=') && !word.starts_with(['-', '=']))
        },
    },
    Rule {
        name: "filters that no table of ours knows",
        inputs: "a filter of their user's own, with a profile of its options",
        answer: "asked",
        why: "the profile is a part of their configuration, and none of exec approvals",
        side: Side::Stricter,
        explains: |case, _| {
            let profiles = case.context["safeBinProfiles"].as_object();
            profiles.is_some_and(|profiles| profiles.keys().any(|name| names(case, &[name])))
        },
    },
    Rule {
        name: "shortened options",
        inputs: "`head --lin 5`",
        answer: "asked",
        why: "which option it is depends on the program's version",
        side: Side::Stricter,
        explains: |case, _| command(case).contains(" --"),
    },
    Rule {
        name: "expressions that are not regular match nothing",
        inputs: "an entry bound to arguments by an expression that looks around or refers to what it matched",
        answer: "asked",
        why: "it can take any time; such an entry asks",
        side: Side::Stricter,
        explains: |case, _| case.policy.to_string().contains("(?"),
    },
    Rule {
        explains: |case, _| {
            because(case, "audit-suppression")
                || (command(case).contains("security.audit") && names(case, &["openclaw"]))
        },
        ..looser::OWN_SETTINGS
    },
    Rule {
        explains: |case, _| because(case, "unanalyzable:redirect") || because(case, "unanalyzable:here"),
        ..looser::HARMLESS_REDIRECTIONS
    },
    Rule {
        explains: |case, _| {
            let shapes = [
                "background",
                "subshell",
                "group",
                "for",
                "while",
                "until",
                "case",
                "if",
                "select",
                "line-continuation",
                "function-definition",
                "process-substitution",
                "command-substitution",
                "dynamic-argument",
            ];
            let sets = because(case, "allowlist-miss")
                && command(case).split_whitespace().next().is_some_and(|word| word.contains('='));
            sets || shapes.iter().any(|shape| because(case, &format!("unanalyzable:{shape}")))
        },
        ..looser::SYNTAX
    },
    Rule {
        explains: |case, _| {
            (because(case, "plan-unavailable:shell expansion") || because(case, "unanalyzable:dynamic-argument"))
                && command(case).contains(['*', '?', '[', '{', '~'])
                && !command(case).contains('$')
        },
        ..looser::PATTERNS
    },
    Rule {
        explains: |case, _| {
            let wrapped = read(command(case)).commands.iter().any(|seen| !seen.others.is_empty());
            because(case, "plan-unavailable:shell quoting") || (because(case, "allowlist-miss") && wrapped)
        },
        ..looser::INSIDE
    },
    Rule {
        explains: |case, _| {
            let filter = because(case, "allowlist-miss")
                && names(case, &["cut", "uniq", "head", "tail", "tr", "wc", "sort", "grep"]);
            filter || because(case, "strict-inline-eval:sed")
        },
        ..looser::READERS
    },
];
