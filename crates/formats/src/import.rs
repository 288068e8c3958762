//! What each rule of another system's file becomes in ours.

use std::sync::Arc;

use countersign_policy::{Effect, Origin};

/// What the rules of one file become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub file: Arc<str>,
    /// Each rule, in the order of the file.
    pub rules: Vec<Fate>,
}

/// What one rule becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Where it stands, and how it reads there.
    pub origin: Origin,
    /// What it becomes.
    pub became: Became,
}

/// What a rule becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// Rules of ours that say the same. Where the languages differ an allow is narrower, an ask or a deny wider.
    Native {
        /// What they say.
        effect: Effect,
        /// Their texts, as they stand in a policy file.
        rules: Vec<String>,
        /// Why, in its author's words.
        why: Option<String>,
    },
    /// It stays a rule of its own file, which is taken in as it is.
    Kept {
        /// Why our grammar does not say it.
        why: String,
    },
    /// It says nothing there either, or nothing that could be kept.
    Dropped {
        /// Why.
        why: String,
    },
    /// It never decides anything there either.
    Never {
        /// Why.
        why: String,
    },
}

impl Report {
    /// Whether rules of ours say all that the file says, so that it need not be taken in.
    pub fn is_native(&self) -> bool {
        !self.rules.iter().any(|fate| matches!(fate.became, Became::Kept { .. }))
    }
}
