//! What an entry of the decision log says beside its columns.

use countersign_engine::show::masked_json;
use countersign_policy::{Call, Cause, Decision, Judgement};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::args_digest;

/// What else is to be known of an entry, as JSON: kept as text, since it is written far more often than it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail(String);

impl Detail {
    /// A decision with its causes, with secrets masked.
    pub(super) fn of(call: &Call, decision: &Decision) -> Detail {
        #[derive(Serialize)]
        struct Decided<'a> {
            cause: &'a Cause,
            judgements: &'a [Judgement],
            args: String,
        }
        let decided =
            Decided { cause: decision.cause(), judgements: decision.judgements(), args: args_digest(&call.args) };
        match masked_json(&decided) {
            Ok(text) => Detail(text),
            Err(error) => json!({ "fault": format!("its causes cannot be written down: {error}") }).into(),
        }
    }

    /// What the store has.
    ///
    /// # Errors
    /// It is no JSON.
    pub(super) fn read(text: &str) -> serde_json::Result<Detail> {
        serde_json::from_str::<Value>(text).map(|_| Detail(text.to_owned()))
    }

    /// As JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// As a value.
    pub fn value(&self) -> Value {
        // It was one before it was text.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// With one more member, where it has members.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Value>) -> Detail {
        let mut all = self.value();
        match all.as_object_mut() {
            Some(members) => {
                members.insert(name.to_owned(), value.into());
                all.into()
            }
            None => self,
        }
    }
}

impl Default for Detail {
    /// Nothing.
    fn default() -> Detail {
        Value::Null.into()
    }
}

impl From<Value> for Detail {
    fn from(value: Value) -> Detail {
        Detail(value.to_string())
    }
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
