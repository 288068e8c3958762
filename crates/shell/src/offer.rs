//! What "always" may offer.

use countersign_policy::{Word, WordKind};

use crate::program::{BUILTIN, Programs, Reach, Runs};
use crate::{Command, Offer, OfferKind};

/// What "always" may offer for this command, narrowest first. Nothing where its words are known only when it runs.
///
/// A general offer is made only where `*` would cover this very command: not with a word of power outside the prefix.
pub fn offers(command: &Command) -> Vec<Offer> {
    offers_with(command, &BUILTIN)
}

/// The same by what a policy knows of programs, too.
pub fn offers_with(command: &Command, programs: &Programs) -> Vec<Offer> {
    let mut offers = Vec::new();
    if command.words.is_empty() || command.words.iter().any(|word| word.kind == WordKind::Dynamic) {
        return offers;
    }
    offers.push(Offer { kind: OfferKind::Exact, pattern: None });
    if command.words.iter().any(|word| word.kind == WordKind::Power) {
        return offers;
    }
    // Without options that change nothing the operation reads plainest: `git log` for `git --no-pager log`.
    let short = command.spellings.iter().filter(|spelling| spelling.allows).map(|spelling| spelling.words.as_slice());
    let words = short.chain([command.words.as_slice()]).min_by_key(|words| words.len()).unwrap_or_default();
    let Some(first) = words.first().filter(|first| is_plain(&first.text)) else { return offers };
    match reach(words, programs) {
        Reach::Exact => {}
        Reach::Program => offers.push(Offer { kind: OfferKind::Program, pattern: Some(format!("{} *", first.text)) }),
        Reach::Prefix(count) => {
            let prefix: Vec<&str> = words.iter().take(count).map(|word| word.text.as_str()).collect();
            let names = prefix
                .iter()
                .skip(1)
                .all(|word| is_plain(word) && !word.starts_with(['-', '+']) && !word.contains('='));
            if prefix.len() == count && names {
                offers.push(Offer { kind: OfferKind::Prefix, pattern: Some(format!("{} *", prefix.join(" "))) });
            }
        }
    }
    offers
}

/// How far it may reach; [`Reach::Prefix`] counts all words here.
fn reach(words: &[Word], programs: &Programs) -> Reach {
    let named = words.first().map(|first| programs.named(&first.text));
    let Some(mut program) = named.and_then(|named| programs.lookup(&named.name)) else {
        // `terraform plan *`: only if the second word reads like the name of an operation.
        let operation = words.get(1).is_some_and(|word| {
            word.text.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_:".contains(&byte))
        });
        return if operation { Reach::Prefix(2) } else { Reach::Exact };
    };
    let mut count = 1;
    while program.subcommands
        && let Some(word) = words.get(count)
        && let Some(sub) = programs.lookup(&format!("{} {}", program.name, word.text))
    {
        program = sub;
        count += 1;
    }
    if program.runs != Runs::Nothing {
        return Reach::Exact;
    }
    match program.offer {
        Reach::Prefix(more) => Reach::Prefix(count + more),
        reach if count == 1 => reach,
        _ => Reach::Exact,
    }
}

/// Whether a word needs no escaping in a pattern.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:=@%+-".contains(&byte))
}
