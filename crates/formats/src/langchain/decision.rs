//! What a graph was resumed with.

use countersign_policy::document::quoted;
use serde_json::{Map, Value};

use super::config::{Allowed, Gate};
use super::request::ToolCall;

/// What a human decided of one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It runs as it is.
    Approve,
    /// It runs with these arguments in place of its own.
    Edit {
        /// All of them.
        args: Map<String, Value>,
    },
    /// It does not run.
    Reject {
        /// What the model is told.
        message: Option<String>,
    },
    /// It does not run, and this is what the model is given for the tool's answer.
    Respond {
        /// The answer.
        message: String,
    },
}

/// Why what a graph was resumed with is no decision. Nothing is taken of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// It is no object with a list of decisions.
    #[error("resume with `{{\"decisions\": [...]}}`, one decision for each call that asks")]
    NoList,
    /// There are more or fewer decisions than calls.
    #[error("{decisions} decisions came for {calls} calls that ask: send one for each, in their order")]
    Number {
        /// How many came.
        decisions: usize,
        /// How many calls ask.
        calls: usize,
    },
    /// It is not what may be answered for this tool.
    #[error("{word} may not be answered for the tool {tool}: it takes {}", .allowed.join(", "))]
    NotAllowed {
        /// What came.
        word: String,
        /// The tool.
        tool: String,
        /// What may be answered.
        allowed: Vec<&'static str>,
    },
    /// An edit names another tool.
    #[error(
        "an edit of a call of {tool} names {other}: approve or reject the call, and let the model make the other one"
    )]
    OtherTool {
        /// The tool.
        tool: String,
        /// The one that the edit names.
        other: String,
    },
    /// Something of it is missing or of the wrong kind.
    #[error("the decision about {tool} cannot be read: {wrong}")]
    Broken {
        /// The tool.
        tool: String,
        /// What is wrong.
        wrong: String,
    },
}

/// Reads what a graph was resumed with that had stopped with [`super::request()`]: one decision for each of its calls.
///
/// # Errors
/// The first thing that is not as expected.
pub fn decisions(resumed: &Value, asked: &[(ToolCall<'_>, &Gate)]) -> Result<Vec<Decision>, Unexpected> {
    let list = resumed.get("decisions").and_then(Value::as_array).ok_or(Unexpected::NoList)?;
    if list.len() != asked.len() {
        return Err(Unexpected::Number { decisions: list.len(), calls: asked.len() });
    }
    list.iter().zip(asked).map(|(one, (call, gate))| decision(one, call, gate)).collect()
}

/// Reads one decision about one call: what a graph is resumed with that had stopped with [`super::approval`].
///
/// # Errors
/// The first thing that is not as expected.
pub fn decision(resumed: &Value, call: &ToolCall<'_>, gate: &Gate) -> Result<Decision, Unexpected> {
    let tool = || quoted(call.name);
    let broken = |wrong: &str| Unexpected::Broken { tool: tool(), wrong: wrong.to_owned() };
    let word = resumed.get("type").and_then(Value::as_str).ok_or_else(|| broken("it has no text `type`"))?;
    let Some(allowed) = Allowed::named(word).filter(|allowed| gate.allowed.contains(allowed)) else {
        let allowed = gate.allowed.iter().map(|allowed| allowed.word()).collect();
        return Err(Unexpected::NotAllowed { word: quoted(word), tool: tool(), allowed });
    };
    let message = match resumed.get("message") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(broken("`message` must be a text")),
    };
    match allowed {
        Allowed::Approve => Ok(Decision::Approve),
        Allowed::Reject => Ok(Decision::Reject { message }),
        Allowed::Respond => {
            message.map(|message| Decision::Respond { message }).ok_or_else(|| broken("`message` is missing"))
        }
        Allowed::Edit => {
            let edited = resumed.get("edited_action").ok_or_else(|| broken("`edited_action` is missing"))?;
            let other =
                edited.get("name").and_then(Value::as_str).ok_or_else(|| broken("`edited_action` has no `name`"))?;
            if other != call.name {
                return Err(Unexpected::OtherTool { tool: tool(), other: quoted(other) });
            }
            let args = edited.get("args").and_then(Value::as_object);
            let args = args.ok_or_else(|| broken("`edited_action` has no object `args`"))?;
            if let Some(wrong) = call.schema.and_then(|schema| misfit(schema, args)) {
                return Err(broken(&wrong));
            }
            Ok(Decision::Edit { args: args.clone() })
        }
    }
}

/// What of the arguments is not of the tool's schema, as far as plain types and required names say.
fn misfit(schema: &Value, args: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !args.contains_key(name) {
            return Some(format!("the argument {} is missing", quoted(name)));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object)?;
    for (name, value) in args {
        let wants = properties.get(name).and_then(|property| property.get("type")).and_then(Value::as_str);
        let fits = match wants {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some("null") => value.is_null(),
            _ => true,
        };
        if !fits {
            return Some(format!("the argument {} must be of type {}", quoted(name), wants.unwrap_or_default()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::config::Config;
    use super::{Decision, ToolCall, Unexpected, decision, decisions};

    #[test]
    fn what_is_not_a_decision_about_this_call_is_none() {
        let config = Config::read(&json!({"send": true})).unwrap();
        let gate = &config.tools["send"];
        let args = json!({"to": "a"});
        let schema = json!({"required": ["to"], "properties": {"to": {"type": "string"}}});
        let call = ToolCall { id: "1", name: "send", args: &args, schema: Some(&schema) };
        let edit = |name: &str, args| json!({"type": "edit", "edited_action": {"name": name, "args": args}});
        for broken in [
            json!("approve"),
            json!({"type": "Approve"}),
            json!({"type": "always"}),
            json!({"type": ["approve"]}),
            json!({"type": "respond"}),
            json!({"type": "reject", "message": 1}),
            edit("delete", json!({"to": "b"})),
            edit("send", json!({})),
            edit("send", json!({"to": 5})),
            edit("send", json!("b")),
        ] {
            assert!(decision(&broken, &call, gate).is_err(), "{broken}");
        }
        assert_eq!(decision(&json!({"type": "approve", "message": null}), &call, gate), Ok(Decision::Approve));
        let asked = [(call, gate)];
        let too_many = json!({"decisions": [{"type": "approve"}, {"type": "approve"}]});
        assert_eq!(decisions(&too_many, &asked), Err(Unexpected::Number { decisions: 2, calls: 1 }));
        assert_eq!(decisions(&json!({"type": "approve"}), &asked), Err(Unexpected::NoList));
    }

    #[test]
    fn what_whoever_resumes_is_told() {
        let config = Config::read(&json!({"send": {"allowed_decisions": ["approve", "reject"]}})).unwrap();
        let args = json!({});
        let call = ToolCall { id: "1", name: "send", args: &args, schema: None };
        let told = decision(&json!({"type": "always"}), &call, &config.tools["send"]).unwrap_err();
        assert_eq!(told.to_string(), "`always` may not be answered for the tool `send`: it takes approve, reject");
    }
}
