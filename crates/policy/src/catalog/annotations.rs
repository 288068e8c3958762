//! What an MCP server says of its own tool.

use serde::{Deserialize, Serialize};

use crate::action::Class;

/// The hints that an MCP server gives of a tool; what is no truth value is no hint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotations {
    /// `readOnlyHint`: it changes nothing.
    pub read_only: Option<bool>,
    /// `destructiveHint`: it may destroy something.
    pub destructive: Option<bool>,
    /// `idempotentHint`: to call it again changes nothing more.
    pub idempotent: Option<bool>,
    /// `openWorldHint`: it reaches beyond what the server itself holds.
    pub open_world: Option<bool>,
}

impl Annotations {
    /// The hints of a tool's `annotations`, which may be missing.
    pub fn read(annotations: &serde_json::Value) -> Annotations {
        let hint = |name: &str| annotations.get(name).and_then(serde_json::Value::as_bool);
        Annotations {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            idempotent: hint("idempotentHint"),
            open_world: hint("openWorldHint"),
        }
    }

    /// The class of the tool. Hints make it stricter, whoever gives them; they make it one that only reads where
    /// `trusted` says that the server's word counts, and where they do not contradict each other.
    pub fn class(&self, trusted: bool) -> Class {
        match (self.read_only, self.destructive) {
            (_, Some(true)) => Class::Delete,
            (Some(true), _) if trusted => Class::Read,
            _ => Class::Write,
        }
    }

    /// The class where roles matter: what is not said to destroy nothing counts as if it destroyed.
    pub fn gravest(&self, trusted: bool) -> Class {
        if self.destructive == Some(false) { self.class(trusted) } else { Class::Delete }
    }

    /// Whether it is said to change nothing and yet may destroy: as MCP has it, what is not said to destroy nothing may.
    pub fn contradict(&self) -> bool {
        self.read_only == Some(true) && self.destructive != Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::Annotations;
    use crate::action::Class;

    fn hints(read_only: Option<bool>, destructive: Option<bool>) -> Annotations {
        Annotations { read_only, destructive, ..Annotations::default() }
    }

    #[test]
    fn annotations_that_contradict_each_other_count_as_the_graver() {
        assert_eq!(hints(Some(true), Some(true)).class(true), Class::Delete);
        assert!(hints(Some(true), Some(true)).contradict() && hints(Some(true), None).contradict());
    }

    #[test]
    fn only_a_trusted_server_makes_its_tool_one_that_reads() {
        let reads = hints(Some(true), Some(false));
        assert_eq!((reads.class(true), reads.class(false)), (Class::Read, Class::Write));
        assert_eq!(hints(None, Some(true)).class(false), Class::Delete);
    }

    #[test]
    fn without_annotations_a_tool_writes_and_counts_as_one_that_destroys_where_roles_matter() {
        let none = Annotations::read(&serde_json::json!({"readOnlyHint": "true", "destructiveHint": 0}));
        assert_eq!(none, Annotations::default());
        assert_eq!((none.class(true), none.gravest(true)), (Class::Write, Class::Delete));
        assert_eq!(hints(Some(false), Some(false)).gravest(true), Class::Write);
    }
}
