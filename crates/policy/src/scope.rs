//! How far an answer reaches.

use serde::{Deserialize, Serialize};

/// How far an answer reaches, from the narrowest to the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// This very call.
    Once,
    /// Until the host's turn ends.
    Turn,
    /// Until the session ends.
    Session,
    /// Every session of this user in this project, in any host.
    Project,
    /// Every session of this user.
    User,
    /// Every session of the team.
    Team,
}

impl Scope {
    /// The word as it stands in policy files and output.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Once => "once",
            Scope::Turn => "turn",
            Scope::Session => "session",
            Scope::Project => "project",
            Scope::User => "user",
            Scope::Team => "team",
        }
    }

    /// The scope of that name.
    pub fn named(word: &str) -> Option<Scope> {
        [Scope::Once, Scope::Turn, Scope::Session, Scope::Project, Scope::User, Scope::Team]
            .into_iter()
            .find(|scope| scope.word() == word)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
