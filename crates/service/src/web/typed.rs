//! What a person typed into a question's form. An answer that is not taken loses none of it.

use countersign_engine::editable;
use serde_json::{Map, Value};

use crate::http::{Fault, Form};
use crate::store::Record;

/// What a form of a question's brought besides the button.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    /// The question.
    pub(crate) approval: String,
    /// The arguments, where the page had a field for them.
    pub(crate) args: Option<String>,
    pub(crate) feedback: String,
    /// Whether the arguments are what the person was at.
    pub(crate) edits: bool,
}

impl Typed {
    pub(crate) fn of(form: &Form) -> Typed {
        let text = |name: &str| form.field(name).unwrap_or_default().to_owned();
        Typed {
            approval: text("approval"),
            args: form.field("args").map(|text| text.replace("\r\n", "\n")),
            feedback: text("feedback"),
            edits: form.field("answer") == Some("edited"),
        }
    }

    /// The arguments to allow instead.
    pub(crate) fn args(&self) -> Result<Map<String, Value>, Fault> {
        let text = self.args.as_deref().unwrap_or_default();
        if let Some(c) = editable::unseen(text) {
            let escape: String = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let message =
                format!("the arguments have a character that is not seen: write it as `{escape}`, or remove it");
            return Err(Fault::invalid(message));
        }
        match countersign_policy::json::parse_strict(text.as_bytes()) {
            Ok(Value::Object(args)) => Ok(args),
            Ok(_) => {
                Err(Fault::invalid("the arguments are a JSON object with all of them: `{\"command\": \"git status\"}`"))
            }
            Err(error) => Err(Fault::invalid(format!("the arguments cannot be read as JSON: {error}"))),
        }
    }

    /// Whether the arguments are others than the page showed, so that a yes to those of the agent is not what was meant.
    pub(crate) fn differs_from(&self, record: &Record) -> bool {
        let Some(typed) = &self.args else { return false };
        editable::text(&record.call.args).ok().is_none_or(|shown| shown.trim() != typed.trim())
    }
}
