//! Which command a wrapper runs, and which wrappers must not be looked through.

use crate::case::{Case, Folder, texts};
use crate::looser;
use crate::ours::{self, line_of, read};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "wrapper-plan",
        compares: "the command behind the wrappers is one that we name; a wrapper that they block is named itself, or the line is unknown; the commands of a shell's `-c` are named",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let line = read(&line_of(&case.argv()));
    let inner = texts(&case.expect["argv"]);
    let blocked = case.expect["policyBlocked"] == true;
    let mut differences = Vec::new();
    let named: Vec<String> = line.commands.iter().map(|seen| ours::texts(&seen.words).join(" ")).collect();
    let shown = format!("{named:?}, unknown {:?}", line.unknown);
    if !line.unknown.is_empty() {
        if !blocked && inner != case.argv() {
            differences.push(Difference::stricter("wrapper", "looked through", shown));
        }
        return differences;
    }
    if blocked {
        // It must stand among what is judged by itself.
        let kept = line.commands.iter().any(|seen| Some(seen.program()) == inner.first().map(String::as_str));
        if !kept {
            differences.push(Difference::looser("wrapper", "blocked", shown));
        }
        return differences;
    }
    // A wrapper that is not looked through is at least not covered by a general rule.
    let covered = line.commands.iter().all(ours::Seen::is_data);
    let unseen = |theirs: &str| {
        let side = if covered { Side::Looser } else { Side::Stricter };
        Difference { of: "wrapper", side, theirs: theirs.to_owned(), ours: shown.clone() }
    };
    if !line.has(&inner) {
        differences.push(unseen(&inner.join(" ")));
    }
    if let Some(payload) = case.expect["shellInlineCommand"].as_str() {
        let missing = read(payload).commands.iter().any(|seen| !line.has(&ours::texts(&seen.words)));
        if missing {
            differences.push(unseen(payload));
        }
    }
    differences
}

const RULES: &[Rule] = &[
    Rule {
        name: "wrappers that may change more than they say",
        inputs: "`sandbox-exec`, `pwsh -EncodedCommand`, `cmd /c`, `exec` with options",
        answer: "unknown, or covered by no general rule",
        why: "their options or the way in which they find what they run are not in our tables",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "wrapper",
    },
    Rule {
        explains: |case, difference| {
            let wrapped = read(&line_of(&case.argv())).commands.iter().any(|seen| !seen.others.is_empty());
            difference.of == "wrapper" && wrapped
        },
        ..looser::INSIDE
    },
];
