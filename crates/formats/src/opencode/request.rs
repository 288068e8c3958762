//! OpenCode's requests to its clients, their replies, and what its tools are told.
//!
//! A program that answers for OpenCode, or takes its place before OpenCode's clients, translates with this: a request is
//! a question of its own, named by its id; `always` is what its client is offered to remember.

use countersign_policy::approval::Outcome;
use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{GrantResource, Offer};
use serde_json::{Value, json};

use super::Platform;

/// Which of its two permission systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// `permission.asked`: what was approved is kept until OpenCode ends.
    First,
    /// `permission.v2.asked`: what was approved is saved for the project.
    Second,
}

/// One request, as its client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// The session.
    pub session: String,
    /// The permission: `bash`, `edit`. The second system calls it `action`.
    pub permission: String,
    /// What it is asked for. The second system calls them `resources`.
    pub patterns: Vec<String>,
    /// What `always` remembers. The second system calls it `save`.
    pub always: Vec<String>,
}

impl Request {
    /// Reads a request of either system.
    ///
    /// # Errors
    /// What of it is missing or no text.
    pub fn read(request: &Value) -> Result<Request, String> {
        let member = |names: [&str; 2]| names.into_iter().find_map(|name| request.get(name));
        let text = |names: [&str; 2]| {
            let found = member(names).and_then(Value::as_str);
            found.map(str::to_owned).ok_or_else(|| format!("the request has no text `{}`", names.join("` or `")))
        };
        let texts = |names: [&str; 2]| -> Result<Vec<String>, String> {
            let wrong = || format!("`{}` must be a list of texts", names.join("` or `"));
            let items = member(names).and_then(Value::as_array).ok_or_else(wrong)?;
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        };
        Ok(Request {
            id: text(["id", "id"])?,
            session: text(["sessionID", "sessionID"])?,
            permission: text(["permission", "action"])?,
            patterns: texts(["patterns", "resources"])?,
            always: texts(["always", "save"])?,
        })
    }

    /// The arguments of the call that it stands for. With its id: two requests for the same are two questions there.
    pub fn args(&self) -> Value {
        json!({ "id": self.id, "permission": self.permission, "patterns": self.patterns })
    }

    /// What `always` would remember, each once.
    pub fn offers(&self, on: Platform) -> Vec<Offer> {
        let dialect = Dialect::OpenCode { windows: on == Platform::Windows };
        let mut offers: Vec<Offer> = Vec::new();
        for text in &self.always {
            let resource = GrantResource::Pattern(Pattern::wildcard(Wildcard::compile(dialect, text)));
            if !offers.iter().any(|offer| offer.resource == resource) {
                offers.push(Offer { resource, words: text.clone() });
            }
        }
        offers
    }

    /// The event that tells clients of it.
    pub fn asked(&self, by: Generation) -> Value {
        json!({ "type": by.event("asked"), "sessionID": self.session, "id": self.id })
    }

    /// The event that tells clients what became of it.
    pub fn replied(&self, by: Generation, reply: Reply) -> Value {
        json!({ "type": by.event("replied"), "sessionID": self.session, "id": self.id, "reply": reply.word() })
    }
}

/// What a client replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Yes, this once.
    Once,
    /// Yes, and remember what was offered.
    Always,
    /// No. It goes on to every other open request of the session.
    Reject,
}

impl Reply {
    /// The reply of exactly that word.
    pub fn named(word: &str) -> Option<Reply> {
        [Reply::Once, Reply::Always, Reply::Reject].into_iter().find(|reply| reply.word() == word)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Reply::Once => "once",
            Reply::Always => "always",
            Reply::Reject => "reject",
        }
    }

    /// Yes or no.
    pub fn outcome(self) -> Outcome {
        if self == Reply::Reject { Outcome::Deny } else { Outcome::Allow }
    }
}

impl Generation {
    fn event(self, what: &str) -> String {
        match self {
            Generation::First => format!("permission.{what}"),
            Generation::Second => format!("permission.v2.{what}"),
        }
    }

    /// The error of a request that the rules deny.
    pub fn denied(self) -> &'static str {
        match self {
            Generation::First => "DeniedError",
            Generation::Second => "PermissionV2.BlockedError",
        }
    }

    /// The error of a request that a human rejected: with what they said the model goes on, without it the turn ends. An
    /// empty text says nothing.
    pub fn rejected(self, feedback: Option<&str>) -> &'static str {
        match (self, feedback.is_some_and(|text| !text.is_empty())) {
            (Generation::First, true) => "CorrectedError",
            (Generation::First, false) => "RejectedError",
            (Generation::Second, true) => "PermissionV2.CorrectedError",
            (Generation::Second, false) => "PermissionV2.DeclinedError",
        }
    }

    /// The error of a reply to what is not open, or to nothing.
    pub fn unknown(self) -> &'static str {
        match self {
            Generation::First => "NotFoundError",
            Generation::Second => "PermissionV2.NotFoundError",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Generation, Platform, Reply, Request};

    #[test]
    fn a_request_is_read_in_the_words_of_either_system_or_not_at_all() {
        let first =
            json!({"id": "per_1", "sessionID": "s", "permission": "edit", "patterns": ["a"], "always": ["*", "*"]});
        let second = json!({"id": "per_1", "sessionID": "s", "action": "edit", "resources": ["a"], "save": ["*", "*"]});
        let request = Request::read(&first).unwrap();
        assert_eq!(Request::read(&second).unwrap(), request);
        assert_eq!(request.offers(Platform::Posix).len(), 1, "the same twice is one offer");
        for broken in [
            json!({"id": "per_1", "sessionID": "s", "permission": "edit", "patterns": "a", "always": []}),
            json!({"id": "per_1", "sessionID": "s", "permission": "edit", "patterns": ["a", 1], "always": []}),
            json!({"id": "per_1", "permission": "edit", "patterns": [], "always": []}),
        ] {
            assert!(Request::read(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_reply_is_one_of_three_words() {
        for word in ["Always", "yes", "", "once "] {
            assert_eq!(Reply::named(word), None, "{word}");
        }
        assert_eq!(Generation::First.rejected(Some("")), "RejectedError");
    }
}
