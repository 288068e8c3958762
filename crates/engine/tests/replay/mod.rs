//! Replays what other systems were recorded to do, and holds us to it: the same, or different on purpose.
//!
//! Two test targets share this: the engine's `conformance` replays decisions, the service's the life of a question. Both
//! have their part in `docs/differences.md`.
//!
//! `COUNTERSIGN_CONFORMANCE` names another folder of the layout of `conformance/`. A difference on purpose is a
//! [`Rule`](rule::Rule); `docs/differences.md` is made of them, anew with `COUNTERSIGN_WRITE_DIFFERENCES=1`.

pub(crate) mod case;
pub(crate) mod document;
pub(crate) mod imported;
pub(crate) mod kinds;
pub(crate) mod looser;
pub(crate) mod rule;

use std::path::{Path, PathBuf};

use case::Folder;
use document::Document;
use kinds::{By, REPLAYED};
use rule::{Count, Kind};

/// At most so many rules may be looser than what they differ from, over all targets.
const MOST_LOOSER: usize = 10;

/// Replays one target's kinds, prints a line for each, and fails if one decides otherwise without a rule.
pub(crate) fn run(by: By, kinds: Vec<Kind>) {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let other = std::env::var_os("COUNTERSIGN_CONFORMANCE").map(PathBuf::from);
    let is_ours = other.is_none();
    let folder = Folder { path: other.unwrap_or_else(|| project.join("conformance")) };
    let mut wrong = unknown(by, &kinds);
    let mut replayed: Vec<(Kind, Count)> = Vec::new();
    let mut lines = Vec::new();
    for (kind, count) in played(&folder, kinds) {
        let Some(count) = count else {
            if is_ours {
                wrong.push(format!("{}/{}: there are no cases", kind.system, kind.name));
            }
            continue;
        };
        wrong.extend(count.failed.iter().cloned());
        lines.push(format!(
            "{}/{}: {} same, {} different on purpose, {} failed",
            kind.system,
            kind.name,
            count.same,
            count.differing,
            count.failed.len()
        ));
        replayed.push((kind, count));
    }
    if by == By::Engine {
        let (without, missing) = without_adapter(&project, &folder);
        lines.extend(without);
        wrong.extend(missing);
    }
    let document = Document::read(&project).with(&replayed);
    let looser = document.looser().len();
    if looser > MOST_LOOSER {
        wrong.push(format!("{looser} rules are looser than what they differ from; at most {MOST_LOOSER} may be"));
    }
    if is_ours {
        wrong.extend(document.wrong(&project, &replayed));
    }
    println!();
    for line in wrong.iter().chain(&lines) {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} things are wrong", wrong.len());
}

/// Each kind with how its cases went; none where the folder has no such file. All at once: many wait for a server.
fn played(folder: &Folder, kinds: Vec<Kind>) -> Vec<(Kind, Option<Count>)> {
    std::thread::scope(|scope| {
        let play = |kind: Kind| {
            let cases = folder.cases(kind.system, kind.name);
            let count = cases.map(|cases| kind.play(folder, &cases));
            (kind, count)
        };
        let playing: Vec<_> = kinds.into_iter().map(|kind| scope.spawn(move || play(kind))).collect();
        playing.into_iter().map(|playing| playing.join().unwrap()).collect()
    })
}

/// Adapters that are not listed, and the other way round: the list is how each target knows of the other's.
fn unknown(by: By, kinds: &[Kind]) -> Vec<String> {
    let ours = || kinds.iter().map(|kind| (kind.system, kind.name));
    let listed = || REPLAYED.iter().filter(|(other, ..)| *other == by).map(|(_, system, name)| (*system, *name));
    let mut wrong = Vec::new();
    for (system, name) in ours().filter(|kind| !listed().any(|other| other == *kind)) {
        wrong.push(format!("{system}/{name}: an adapter that `replay/kinds.rs` does not list"));
    }
    for (system, name) in listed().filter(|kind| !ours().any(|other| other == *kind)) {
        wrong.push(format!("{system}/{name}: `replay/kinds.rs` lists it, and there is no adapter"));
    }
    wrong
}

/// The kinds in the folder that nobody replays: those with a reason, and those without.
fn without_adapter(project: &Path, folder: &Folder) -> (Vec<String>, Vec<String>) {
    let told = std::fs::read_to_string(project.join("conformance/README.md")).unwrap();
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let kinds = folder.kinds();
    if kinds.is_empty() {
        wrong.push(format!("{}: there are no cases", folder.path.display()));
    }
    for (system, name) in kinds {
        if REPLAYED.iter().any(|(_, other, kind)| *other == system && *kind == name) {
            continue;
        }
        if told.contains(&format!("| `{system}/{name}` |")) {
            lines.push(format!("{system}/{name}: no adapter yet"));
        } else {
            wrong.push(format!(
                "{system}/{name}: no adapter knows this kind, and conformance/README.md does not say why"
            ));
        }
    }
    (lines, wrong)
}
