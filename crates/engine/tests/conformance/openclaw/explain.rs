//! Every command that they name is one of ours, and where they see a risk no rule of ours passes the line unasked.

use countersign_policy::{Word, WordKind};

use crate::case::{Case, Folder, texts};
use crate::looser;
use crate::ours::{self, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "explain",
        compares: "each command that they name, nested ones too, is one of ours; a line with a risk has something that no general rule covers; we name no other command, and nothing is unknown, where they see no risk",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let line = read(case.text("command"));
    let theirs: Vec<Vec<String>> = texts_of(case);
    let mut differences = Vec::new();
    let shown = format!(
        "{:?}, unknown {:?}",
        line.commands.iter().map(|seen| ours::texts(&seen.words).join(" ")).collect::<Vec<_>>(),
        line.unknown
    );
    let asks = !line.unknown.is_empty();
    for argv in &theirs {
        let named = line.commands.iter().any(|seen| seen.forms().any(|form| is_form(argv, form)));
        let defined = argv.first().is_some_and(|name| ours::defines(case.text("command"), name));
        if !named && !asks && !defined {
            differences.push(Difference::looser("command", argv.join(" "), shown.clone()));
        }
    }
    let risky = case.expect["risks"].as_array().is_some_and(|risks| !risks.is_empty()) || case.expect["ok"] == false;
    let covered = !asks && line.commands.iter().all(ours::Seen::is_data) && line.touches.is_empty();
    if risky && covered {
        differences.push(Difference::looser(
            "risk",
            case.expect["risks"][0]["kind"].as_str().unwrap_or("error"),
            shown.clone(),
        ));
    }
    if !risky && asks {
        differences.push(Difference::stricter("unknown", "no risk", shown.clone()));
    }
    let others =
        line.commands.iter().filter(|seen| !theirs.iter().any(|argv| seen.forms().any(|form| is_form(argv, form))));
    if !asks && others.count() > 0 {
        differences.push(Difference::stricter("other command", format!("{theirs:?}"), shown));
    }
    differences
}

fn texts_of(case: &Case) -> Vec<Vec<String>> {
    let top = case.expect["topLevel"].as_array().into_iter().flatten().map(texts);
    let nested = case.expect["nested"].as_array().into_iter().flatten().map(|nested| texts(&nested["argv"]));
    top.chain(nested).collect()
}

/// What is known only when it runs stands for any one word. Theirs has braces as they stand, and no end of a `[[`.
fn is_form(argv: &[String], form: &[Word]) -> bool {
    if argv.iter().any(|word| word.contains('{')) {
        return read(&argv.join(" ")).commands.iter().any(|seen| seen.words == form);
    }
    let form = match form.split_last() {
        Some((last, rest)) if last.text == "]]" => rest,
        _ => form,
    };
    argv.len() == form.len()
        && argv
            .iter()
            .zip(form)
            .all(|(text, word)| word.kind == WordKind::Dynamic || *text == word.text.trim_matches('"'))
}

const RULES: &[Rule] = &[
    Rule {
        name: "assignments and arithmetic",
        inputs: "`A=1 ls`, `a=(1 2)`, `((x++))`",
        answer: "unknown, unless the variable is known to be harmless",
        why: "a variable can change what runs (`PATH`, `IFS`, `GIT_*`), and arithmetic can run commands",
        side: Side::Stricter,
        explains: |case, difference| {
            let text = case.text("command");
            difference.of == "unknown" && (text.contains('=') || text.contains("((") || text.starts_with("let "))
        },
    },
    Rule {
        name: "words of the shell that run something",
        inputs: "`coproc`, `eval`, `source`, `select`, a stray `;;`",
        answer: "unknown",
        why: "it is no plain command, and they read it as one",
        side: Side::Stricter,
        explains: |case, difference| {
            let text = case.text("command");
            difference.of == "unknown"
                && (["coproc ", "select ", "trap ", "alias "].iter().any(|word| text.starts_with(word))
                    || text.contains(";;"))
        },
    },
    Rule {
        name: "the command that a wrapper runs is named too",
        inputs: "`sudo ls`, `time ls`, `sudo bash -c ls`",
        answer: "both the wrapper and what it runs",
        why: "a denial of a command must hold however it is called",
        side: Side::Stricter,
        explains: |case, difference| {
            let text = case.text("command");
            difference.of == "other command"
                && [
                    "sudo ", "time ", "env ", "xargs ", "find ", "nohup ", "bash ", "sh ", "timeout ", "exec ",
                    "command ",
                ]
                .iter()
                .any(|word| text.starts_with(word))
        },
    },
    Rule {
        name: "a word that goes on in the next line",
        inputs: "a program's name with a continued line in it",
        answer: "the command that a shell runs",
        why: "theirs names none, so that no denial of it would hold",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "other command" && case.text("command").contains("\\\n"),
    },
    Rule {
        explains: |case, difference| difference.of == "risk" && case.text("command").contains(['<', '>']),
        ..looser::HARMLESS_REDIRECTIONS
    },
    Rule {
        explains: |case, difference| {
            difference.of == "risk" && case.text("command").contains(['*', '?', '[', '{', '~'])
        },
        ..looser::PATTERNS
    },
    Rule {
        explains: |case, difference| {
            let text = case.text("command");
            difference.of == "risk"
                && ["\\\n", "$", "`", "<(", "()", "function "].iter().any(|mark| text.contains(mark))
        },
        ..looser::SYNTAX
    },
    Rule {
        explains: |case, difference| {
            let wrapped = read(case.text("command")).commands.iter().any(|seen| !seen.others.is_empty());
            difference.of == "risk" && wrapped
        },
        ..looser::INSIDE
    },
];
