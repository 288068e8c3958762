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
    /// The scopes that may be remembered, the one to offer first in front. Empty: only this once.
    pub scopes: Vec<ScopeOffer>,
    /// Why it cannot be approved as it is (too long to be shown in full). It can be denied.
    pub unapprovable: Option<String>,
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
