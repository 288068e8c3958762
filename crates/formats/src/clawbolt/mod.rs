//! clawbolt: `PERMISSIONS.json`, its prompts, and the replies to them.
//!
//! [`read`] makes a source that decides as clawbolt does; [`check`] says all that is wrong with a file; [`report`] says in
//! our own grammar what it can say. What clawbolt lets pass and we do not: a file that is no JSON counts there as
//! empty, so that every `never` in it is lost; here it is an error. A level or a shape that it does not know stops its
//! whole turn; here a call is denied whose answer would come from there.

mod describe;
mod document;
pub mod extract;
mod import;
mod layout;
pub mod migrate;
pub mod prompt;
mod remember;
pub mod reply;

use std::collections::BTreeMap;

use countersign_policy::Effect;

pub use document::{check, read};
pub use import::{catalog, report};
pub use layout::{indented, one_line};
pub use remember::Covers;

/// What clawbolt does with a tool or a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It runs.
    Always,
    /// The user is asked first.
    Ask,
    /// It does not run; the model is not offered a tool at this level.
    Never,
}

impl Level {
    /// The word as it stands in files.
    pub fn word(self) -> &'static str {
        match self {
            Level::Always => "always",
            Level::Ask => "ask",
            Level::Never => "never",
        }
    }

    /// The level of exactly that word.
    pub fn named(word: &str) -> Option<Level> {
        [Level::Always, Level::Ask, Level::Never].into_iter().find(|level| level.word() == word)
    }

    /// The same in our words.
    pub fn effect(self) -> Effect {
        match self {
            Level::Always => Effect::Allow,
            Level::Ask => Effect::Ask,
            Level::Never => Effect::Deny,
        }
    }
}

/// What holds for tools of which a file says nothing: the levels that clawbolt's own registry gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The level of each tool that is registered.
    pub tools: BTreeMap<String, Level>,
    /// The level of every other tool; `None`: nothing is said of them.
    pub other: Option<Level>,
}

/// Whether Python takes a character for white space: the separators of ASCII count too.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}
