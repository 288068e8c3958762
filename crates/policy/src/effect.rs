//! The three verdicts, ordered by strictness.

use serde::{Deserialize, Serialize};

/// What policy says of a call or of one of its targets.
///
/// Ordered by strictness, so that combining several answers is [`Ord::max`].
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It runs without a question.
    Allow,
    /// Only a human can let it run.
    Ask,
    /// It does not run.
    Deny,
}

impl Effect {
    /// The word as it stands in policy files and output.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Allow => "allow",
            Effect::Ask => "ask",
            Effect::Deny => "deny",
        }
    }

    /// The effect of that name.
    pub fn named(word: &str) -> Option<Effect> {
        [Effect::Allow, Effect::Ask, Effect::Deny].into_iter().find(|effect| effect.word() == word)
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Effect;

    #[test]
    fn the_stricter_wins() {
        assert_eq!(Effect::Allow.max(Effect::Ask), Effect::Ask);
        assert_eq!(Effect::Ask.max(Effect::Deny), Effect::Deny);
    }
}
