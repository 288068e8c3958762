//! What a human is asked.

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::effect::Effect;
use crate::grant::GrantResource;
use crate::scope::Scope;

/// What a human is asked about one call, ready to be shown: every text in it is printable, with invisible and
/// direction-changing characters made visible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// One line: what wants to happen.
    pub summary: String,
    /// Exactly what would run or change: a command, a diff, arguments in full.
    pub body: String,
    /// What its author said it was for; the agent's word, not to be trusted.
    pub claim: Option<String>,
    /// Every target, the undecided ones first.
    pub parts: Vec<Part>,
    /// The parts as they are to be laid out, in the order in which they would happen: everything undecided, every
    /// command, and what commands touch that is worth saying.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The scopes that may be remembered, the one to offer first in front. Empty: only this once.
    pub scopes: Vec<ScopeOffer>,
    /// Why it cannot be approved as it is (too long to be shown in full). It can be denied.
    pub unapprovable: Option<String>,
}

impl Question {
    /// The parts as they are to be laid out; for a question that was kept before there were steps, one each.
    pub fn laid_out(&self) -> Vec<Step> {
        if self.steps.is_empty() {
            return (0..self.parts.len()).map(|part| Step { part, touches: Vec::new() }).collect();
        }
        self.steps.clone()
    }
}

/// One thing that would happen, with what it touches. Of a command line a simple command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in [`Question::parts`].
    pub part: usize,
    /// What it touches that is outside the workspace, written, deleted, fetched or undecided: places in
    /// [`Question::parts`].
    pub touches: Vec<usize>,
}

/// One target of the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// [`crate::Target::identity`]: an answer is bound to it.
    pub identity: String,
    /// Its action.
    pub action: Action,
    /// The target in words: `git push`, `edit /repo/out.txt`.
    pub text: String,
    /// What policy said of it. Asks are what the human is asked.
    pub effect: Effect,
    /// Why, in words.
    pub why: String,
    /// What of it is not what it looks like: letters of two scripts in one word, signs that look like a shell's.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What may be remembered of it, the narrowest first. Empty: nothing.
    pub offers: Vec<Offer>,
}

/// One thing that may be remembered of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// What the grant would cover.
    pub resource: GrantResource,
    /// What that means, in words: "`git diff` with ordinary arguments".
    pub words: String,
}

/// A scope that may be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeOffer {
    /// The scope.
    pub scope: Scope,
    /// The longest lifetime in seconds; `None`: until it is revoked.
    pub max_seconds: Option<i64>,
}
