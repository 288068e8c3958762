//! Words that look like something that they are not: letters of one script among those of another (`gіt`), names made
//! of another script's letters (`сору`), signs that look like a shell's (`；`, `⁄`).
//!
//! Ordinary text in any script is none of this: `设置；完成`, `м’яч`, `Résumé – final.pdf`.

use countersign_policy::{Action, Resource, Role, Target};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_security::skeleton;

use crate::show::printable;

/// Signs that a shell acts upon. A look-alike of one counts outside quotes: where the word has no blanks.
const OPERATORS: &[char] = &[';', '|', '&', '<', '>', '$', '\'', '"', '`'];
/// Signs that paths are made of. A look-alike of one counts wherever it stands.
const OF_PATHS: &[char] = &['/', '\\', '.'];
/// The scripts whose letters are taken for each other.
const ALIKE: &[Script] =
    &[Script::Latin, Script::Cyrillic, Script::Greek, Script::Armenian, Script::Cherokee, Script::Coptic];
/// No file or host has a longer name, in bytes.
const LONGEST_NAME: usize = 1024;
/// How many warnings one thing has at most.
const MOST: usize = 5;

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It names a program or a host.
    Name,
    /// Anything else.
    Data,
}

/// Has a human look at every command, and every file that stands by itself, with such a word in it.
pub(crate) fn caution(targets: &mut [Target]) {
    for target in targets.iter_mut().filter(|target| target.caution.is_none()) {
        target.caution = of_target(target).into_iter().next();
    }
}

/// What of a target is not what it looks like, in words for a human.
pub(crate) fn of_target(target: &Target) -> Vec<String> {
    match &target.resource {
        Resource::None => Vec::new(),
        // The command says it.
        Resource::Path(_) | Resource::Url { .. } if target.role == Role::Implied => Vec::new(),
        Resource::Words(words) => {
            let places = std::iter::once(Place::Name).chain(std::iter::repeat(Place::Data));
            words.iter().zip(places).filter_map(|(word, place)| of_word(&word.text, place)).take(MOST).collect()
        }
        Resource::Path(path) => of_word(&path.written, Place::Data).into_iter().collect(),
        Resource::Url { host, url } if url.is_empty() => of_word(host, Place::Name).into_iter().collect(),
        Resource::Url { url, .. } => of_word(url, Place::Data).into_iter().collect(),
        Resource::Text(text) if target.action == Action::Fetch => of_word(text, Place::Data).into_iter().collect(),
        Resource::Text(text) => of_text(text),
    }
}

/// The same of a text in which words are between blanks.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    if text.is_ascii() {
        return Vec::new();
    }
    text.split_whitespace().filter_map(|word| of_word(word, Place::Data)).take(MOST).collect()
}

fn of_word(word: &str, place: Place) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let quoted = || shorten(word);
    if let Some((like, sign)) = sign(word) {
        return Some(format!("{} looks like `{sign}` and is none, in `{}`", character(like), quoted()));
    }
    let name = match place {
        Place::Name => word.split('/').find_map(foreign_name),
        Place::Data => hosts(word).into_iter().flat_map(|host| host.split(['.', ':'])).find_map(foreign_name),
    };
    if let Some(reads) = name {
        let other = word.chars().find(|c| !c.is_ascii()).map(character).unwrap_or_default();
        return Some(format!("`{}` reads like `{reads}` and is another name: it has {other}", quoted()));
    }
    let mixed =
        word.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).find_map(|run| mixed(run, place))?;
    Some(format!("{} stands among letters of another script in `{}`", character(mixed), quoted()))
}

/// A sign in the word that looks like one of a shell's or a path's, and that one.
fn sign(word: &str) -> Option<(char, char)> {
    let is_prose = word.contains([' ', '\n', '\t']);
    let mut before: Option<char> = None;
    let mut ahead: Option<Option<char>> = None;
    let mut chars = word.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let is_first = std::mem::take(&mut first);
        if c.is_alphanumeric() {
            // What no script has for itself, as digits, belongs to the text around it.
            before = if is_of_a_script(c) { Some(c) } else { before };
            continue;
        }
        let after = chars.peek().copied();
        if c.is_ascii() || is_combining_mark(c) {
            continue;
        }
        let Some(sign) = looks_like(c) else { continue };
        // `–rf` is no option.
        if is_first && sign == '-' && after.is_some_and(|next| next.is_ascii_alphanumeric()) {
            return Some((c, '-'));
        }
        let of_path = OF_PATHS.contains(&sign);
        if !of_path && (is_prose || !OPERATORS.contains(&sign)) {
            continue;
        }
        let next_letter = after.filter(|next| next.is_alphanumeric());
        let is_apostrophe =
            sign == '\'' && before.is_some_and(char::is_alphabetic) && next_letter.is_some_and(char::is_alphabetic);
        // Looked for once: a word of signs alone belongs to no script.
        let neighbour = before.or_else(|| *ahead.get_or_insert_with(|| chars.clone().find(|c| is_of_a_script(*c))));
        let between_words = is_prose && of_path && !next_letter.is_some_and(char::is_alphabetic);
        if !is_apostrophe && !between_words && !neighbour.is_some_and(|letter| belongs(c, letter)) {
            return Some((c, sign));
        }
    }
    None
}

fn is_of_a_script(c: char) -> bool {
    c.is_alphanumeric() && c.script() != Script::Common
}

/// Whether the sign is one of those that the letter's script is written with.
fn belongs(sign: char, letter: char) -> bool {
    let is_wide = matches!(
        letter.script(),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    );
    let for_wide = matches!(u32::from(sign), 0x2018..=0x201F | 0x3000..=0x303F | 0xFE30..=0xFE6F | 0xFF00..=0xFFEF);
    // `।` is written in a dozen scripts, and in none of Latin's kin.
    let scripts = sign.script_extension();
    let is_theirs = !scripts.is_common() && !scripts.is_inherited() && scripts.contains_script(letter.script());
    (is_wide && for_wide) || (is_theirs && letter.script() != Script::Latin)
}

/// The sign that one could be taken for.
fn looks_like(c: char) -> Option<char> {
    let mut compatible = std::iter::once(c).nfkc();
    if let (Some(one), None) = (compatible.next(), compatible.next())
        && one.is_ascii_punctuation()
    {
        return Some(one);
    }
    let mut buffer = [0; 4];
    let prototype: String = skeleton(c.encode_utf8(&mut buffer)).collect();
    match prototype.as_str() {
        // The tables of Unicode give `|` the prototype of the letter l.
        "l" => Some('|'),
        "''" => Some('"'),
        one => one.chars().next().filter(|sign| sign.is_ascii_punctuation() && one.len() == 1),
    }
}

/// What a name reads like, if that is another: one in ASCII alone.
fn foreign_name(name: &str) -> Option<String> {
    if name.is_ascii() || name.len() > LONGEST_NAME {
        return None;
    }
    let compatible: String = name.nfkc().collect();
    let reads: String = skeleton(&compatible).collect();
    reads.is_ascii().then_some(reads)
}

/// The hosts that a word names in a URL, or in `user@host:path`.
fn hosts(word: &str) -> Vec<&str> {
    let url = word.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let mail = word.split_once('@').map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or(rest));
    url.into_iter().chain(mail).collect()
}

/// A letter of another script among Latin ones, or of a Latin one that is written otherwise, that could be taken for
/// theirs.
fn mixed(run: &str, place: Place) -> Option<char> {
    let scripts: Vec<Script> =
        ALIKE.iter().copied().filter(|script| run.chars().any(|c| c.script() == *script)).collect();
    if scripts.len() > 1 {
        // `Δt` and `μs` are ordinary: those letters look like no others.
        let foreign = |c: &char| ALIKE.contains(&c.script()) && c.script() != Script::Latin;
        return run.chars().filter(foreign).find(|c| place == Place::Name || is_confusable(*c));
    }
    let has_ascii = run.bytes().any(|byte| byte.is_ascii_alphabetic());
    run.chars().find(|c| has_ascii && matches!(u32::from(*c), 0xFF21..=0xFF5A | 0x1D400..=0x1D7FF))
}

/// Whether a letter could be taken for another one.
fn is_confusable(c: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    !skeleton(text).eq(text.nfd())
}

fn character(c: char) -> String {
    format!("`{}` (U+{:04X})", printable(&c.to_string()), u32::from(c))
}

/// The word as a warning quotes it.
fn shorten(word: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = word.chars().take(LONGEST).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    crate::show::masked(&short)
}

#[cfg(test)]
mod tests;
