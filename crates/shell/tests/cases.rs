//! The case tables of `tests/cases/`: what each line would run and touch, and whether all of it is understood.
//!
//! In `commands` a word of power is written `!word`, one known only when it runs `?word`; a spelling that allows as much
//! follows `=`, one that only asks and denies look at `<`. In `touches` an output redirection is written `edit> path`, and a directory follows `in`.

use countersign_policy::{Word, WordKind};
use countersign_shell::{Analysis, Dir, Touch, Via, analyze, offers};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    line: String,
    /// All commands, in order.
    commands: Option<Vec<String>>,
    /// All touches, in order.
    touches: Option<Vec<String>>,
    /// A part of the reason of one thing that is not known; without it everything is known.
    unknown: Option<String>,
    /// The patterns that are offered for the first command.
    offers: Option<Vec<String>>,
}

fn word(word: &Word) -> String {
    let text = if word.text.is_empty() || word.text.contains([' ', '\n']) {
        format!("'{}'", word.text)
    } else {
        word.text.clone()
    };
    match word.kind {
        WordKind::Data => text,
        WordKind::Power => format!("!{text}"),
        WordKind::Dynamic => format!("?{text}"),
    }
}

fn commands(analysis: &Analysis) -> Vec<String> {
    let command = |command: &countersign_shell::Command| {
        let written = |words: &[Word]| words.iter().map(word).collect::<Vec<_>>().join(" ");
        let mut all = written(&command.words);
        for spelling in &command.spellings {
            all += if spelling.allows { " = " } else { " < " };
            all += &written(&spelling.words);
        }
        all
    };
    analysis.commands.iter().map(command).collect()
}

fn touch(touch: &Touch) -> String {
    let via = if touch.via == Via::Redirection { ">" } else { "" };
    let dir = match &touch.dir {
        Dir::Cwd(dir) if dir.is_empty() => String::new(),
        Dir::Cwd(dir) => format!(" in {dir}"),
        Dir::Unknown => " in ?".to_owned(),
    };
    format!("{}{via} {}{dir}", touch.action, touch.path)
}

#[expect(clippy::unwrap_used, reason = "a table that cannot be read fails its test")]
fn run(file: &str) {
    let table: Table = toml::from_str(file).unwrap();
    let mut failures = Vec::new();
    for case in table.case {
        let analysis = analyze(&case.line);
        let mut wrong = |what: &str, found: String, wanted: String| {
            if found != wanted {
                failures.push(format!("{:?}\n  {what}: {found}\n  instead of {wanted}", case.line));
            }
        };
        if let Some(wanted) = &case.commands {
            wrong("commands", format!("{:?}", commands(&analysis)), format!("{wanted:?}"));
        }
        if let Some(wanted) = &case.touches {
            let found: Vec<String> = analysis.touches.iter().map(touch).collect();
            wrong("touches", format!("{found:?}"), format!("{wanted:?}"));
        }
        if let Some(wanted) = &case.offers {
            let found: Vec<String> = analysis
                .commands
                .first()
                .map(offers)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|offer| offer.pattern)
                .collect();
            wrong("offers", format!("{found:?}"), format!("{wanted:?}"));
        }
        let reasons: Vec<&str> = analysis.unknown.iter().map(|unknown| unknown.reason.as_str()).collect();
        let as_wanted = match &case.unknown {
            None => reasons.is_empty(),
            Some(wanted) => reasons.iter().any(|reason| reason.contains(wanted.as_str())),
        };
        if !as_wanted {
            wrong("unknown", format!("{reasons:?}"), format!("{:?}", case.unknown));
        }
        for span in analysis.commands.iter().map(|c| &c.span).chain(analysis.unknown.iter().map(|u| &u.span)) {
            assert!(case.line.get(span.clone()).is_some(), "{:?}: {span:?} is no part of the line", case.line);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn syntax() {
    run(include_str!("cases/syntax.toml"));
}

#[test]
fn words() {
    run(include_str!("cases/words.toml"));
}

#[test]
fn redirections() {
    run(include_str!("cases/redirections.toml"));
}

#[test]
fn wrappers() {
    run(include_str!("cases/wrappers.toml"));
}

#[test]
fn programs() {
    run(include_str!("cases/programs.toml"));
}

#[test]
fn hostile() {
    run(include_str!("cases/hostile.toml"));
}

#[test]
fn remote() {
    run(include_str!("cases/remote.toml"));
}

#[test]
fn containers() {
    run(include_str!("cases/containers.toml"));
}

#[test]
fn system() {
    run(include_str!("cases/system.toml"));
}

#[test]
fn git() {
    run(include_str!("cases/git.toml"));
}

#[test]
fn vcs() {
    run(include_str!("cases/vcs.toml"));
}

#[test]
fn files() {
    run(include_str!("cases/files.toml"));
}

#[test]
fn text() {
    run(include_str!("cases/text.toml"));
}

#[test]
fn archive() {
    run(include_str!("cases/archive.toml"));
}

#[test]
fn processes() {
    run(include_str!("cases/processes.toml"));
}

#[test]
fn tools() {
    run(include_str!("cases/tools.toml"));
}
