//! Decides every entry of the corpus: shell bypasses that must not pass, everyday commands that must not ask.
//!
//! `COUNTERSIGN_CORPUS` names another folder with a `bypass.jsonl` and a `benign.jsonl`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that prints its counts")]

mod corpus_world;
mod disk;

use std::collections::BTreeMap;
use std::path::PathBuf;

use corpus_world::{Entry, Grade, decide};
use countersign_policy::Effect;

/// The hard entries may ask in no case; of the soft ones a quarter.
const SOFT_SHARE: usize = 4;

fn entries(file: &str) -> Vec<Entry> {
    let folder = std::env::var_os("COUNTERSIGN_CORPUS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus")), PathBuf::from);
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), at + 1))
        })
        .collect()
}

/// What came out for the entries of one class.
#[derive(Default)]
struct Count {
    all: usize,
    wrong: usize,
}

fn report(what: &str, counts: &BTreeMap<String, Count>) {
    println!("\n{what:<28} {:>8} {:>8}", "entries", "wrong");
    for (class, count) in counts {
        println!("{class:<28} {:>8} {:>8}", count.all, count.wrong);
    }
}

#[test]
fn bypasses_do_not_pass_and_everyday_commands_do_not_ask() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for entry in entries("bypass.jsonl") {
        let outcome = decide(&entry);
        let count = counts.entry(entry.class.clone()).or_default();
        count.all += 1;
        if outcome.effect == Effect::Allow {
            count.wrong += 1;
            wrong.push(format!("{} passes: {:?} under {:?}: {}", entry.id, entry.command, entry.rules(), outcome.why));
        }
    }
    let bypasses = counts.values().map(|count| count.wrong).sum::<usize>();
    report("bypass, by class", &counts);

    counts.clear();
    let (mut hard, mut soft, mut all_hard, mut all_soft) = (0, 0, 0, 0);
    for entry in entries("benign.jsonl") {
        let outcome = decide(&entry);
        let asks = outcome.effect != Effect::Allow;
        let (some, all) = match entry.grade() {
            Grade::Hard => (&mut hard, &mut all_hard),
            Grade::Soft => (&mut soft, &mut all_soft),
        };
        *all += 1;
        *some += usize::from(asks);
        let count = counts.entry(format!("{} ({})", entry.class, entry.grade().word())).or_default();
        count.all += 1;
        count.wrong += usize::from(asks);
        if asks {
            wrong.push(format!(
                "{} asks ({}): {:?} under {:?}: {}",
                entry.id,
                entry.grade().word(),
                entry.command,
                entry.rules(),
                outcome.why
            ));
        }
    }
    report("benign, by class", &counts);
    println!();
    for line in &wrong {
        println!("{line}");
    }
    println!("\nbypass: {bypasses} pass; benign: {hard} of {all_hard} hard ask, {soft} of {all_soft} soft ask");
    assert!(bypasses == 0 && hard == 0 && soft * SOFT_SHARE <= all_soft, "the corpus is not kept");
}
