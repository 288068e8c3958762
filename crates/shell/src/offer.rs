//! What "always" may offer.

use countersign_policy::WordKind;

use crate::program::{Program, Reach, Runs, lookup, name_of};
use crate::{Command, Offer, OfferKind};

/// What "always" may offer for this command, narrowest first. Nothing where its words are known only when it runs.
///
/// A general offer is made only where `*` would cover this very command: not with a word of power outside the prefix.
pub fn offers(command: &Command) -> Vec<Offer> {
    let mut offers = Vec::new();
    let Some(first) = command.words.first() else { return offers };
    if command.words.iter().any(|word| word.kind == WordKind::Dynamic) {
        return offers;
    }
    offers.push(Offer { kind: OfferKind::Exact, pattern: None });
    if command.words.iter().any(|word| word.kind == WordKind::Power) || !is_plain(&first.text) {
        return offers;
    }
    let (name, _) = name_of(&first.text);
    match reach(command, lookup(&name)) {
        Reach::Exact => {}
        Reach::Program => offers.push(Offer { kind: OfferKind::Program, pattern: Some(format!("{} *", first.text)) }),
        Reach::Prefix(words) => {
            let prefix: Vec<&str> = command.words.iter().take(words).map(|word| word.text.as_str()).collect();
            let names = prefix
                .iter()
                .skip(1)
                .all(|word| is_plain(word) && !word.starts_with(['-', '+']) && !word.contains('='));
            if prefix.len() == words && names {
                offers.push(Offer { kind: OfferKind::Prefix, pattern: Some(format!("{} *", prefix.join(" "))) });
            }
        }
    }
    offers
}

/// How far it may reach; [`Reach::Prefix`] counts all words here.
fn reach(command: &Command, program: Option<&'static Program>) -> Reach {
    let Some(mut program) = program else {
        // `terraform plan *`: only if the second word reads like the name of an operation.
        let operation = command.words.get(1).is_some_and(|word| {
            word.text.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_:".contains(&byte))
        });
        return if operation { Reach::Prefix(2) } else { Reach::Exact };
    };
    if program.runs != Runs::Nothing {
        return Reach::Exact;
    }
    let mut words = 1;
    while program.subcommands
        && let Some(word) = command.words.get(words)
        && let Some(sub) = lookup(&format!("{} {}", program.name, word.text))
    {
        program = sub;
        words += 1;
    }
    match program.offer {
        Reach::Prefix(more) => Reach::Prefix(words + more),
        reach if words == 1 => reach,
        _ => Reach::Exact,
    }
}

/// Whether a word needs no escaping in a pattern.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:=@%+-".contains(&byte))
}
