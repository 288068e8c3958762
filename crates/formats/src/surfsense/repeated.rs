//! What SurfSense's graph stops with when its model makes the same call again and again.

use serde_json::{Value, json};

use super::{Reply, reply};

/// The call that came so often.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Value,
    /// One text for each of the calls in a row, which is the same where tool and arguments are.
    pub signatures: &'a [String],
    /// How many of them in a row are too many.
    pub threshold: usize,
}

impl Repeated<'_> {
    /// The payload.
    pub fn payload(&self) -> Value {
        json!({
            "type": "permission_ask",
            "action": { "name": self.tool, "params": self.args },
            "context": {
                "permission": "doom_loop", "recent_signatures": self.signatures, "threshold": self.threshold,
            },
        })
    }
}

/// Whether the agent goes on after such a stop: only a reply that says so lets it. SurfSense goes on unless a reply has
/// the word `reject` or `cancel` in one of two places.
pub fn goes_on(resumed: &Value) -> bool {
    !matches!(reply(resumed), Reply::Reject { .. })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::goes_on;

    #[test]
    fn what_does_not_say_go_on_ends_it() {
        for resumed in [json!("once"), json!({"type": "approve"}), json!({"decisions": [{"type": "approve_always"}]})] {
            assert!(goes_on(&resumed), "{resumed}");
        }
        for resumed in [
            json!("reject"),
            json!({"decision_type": "cancelled"}),
            json!({"decisions": [{"type": "reject"}]}),
            json!({"decisions": []}),
            json!(null),
            json!("go on, and do not reject"),
        ] {
            assert!(!goes_on(&resumed), "{resumed}");
        }
    }
}
