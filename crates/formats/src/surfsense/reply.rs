//! What a resumed graph was told.

use serde_json::Value;

/// What a human decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// This once, with these arguments put over the call's own.
    Once {
        /// The arguments; empty: as they were.
        edited: serde_json::Map<String, Value>,
    },
    /// Now and from now on.
    Always,
    /// No.
    Reject {
        /// What the model is told.
        feedback: Option<String>,
    },
}

/// Reads what a graph was resumed with. Whatever is not understood is a no, the older word `always` included.
pub fn reply(resumed: &Value) -> Reply {
    let none = Reply::Reject { feedback: None };
    let reply = match resumed {
        Value::String(word) => return of_word(word, Value::Null).unwrap_or(none),
        Value::Object(object) => match object.get("decisions").and_then(Value::as_array).map(|all| all.first()) {
            Some(Some(first)) => first,
            _ => resumed,
        },
        _ => return none,
    };
    // An empty text or null counts as missing there.
    let said = |name: &str| reply.get(name).filter(|value| !value.is_null() && *value != "");
    let word = said("type").or_else(|| said("decision_type"));
    word.and_then(Value::as_str).and_then(|word| of_word(word, reply.clone())).unwrap_or(none)
}

fn of_word(word: &str, reply: Value) -> Option<Reply> {
    let word = word.to_lowercase();
    let filled = |value: Option<&Value>| value.and_then(Value::as_object).filter(|args| !args.is_empty()).cloned();
    match &*word {
        "approve" | "once" => Some(Reply::Once { edited: serde_json::Map::new() }),
        "edit" => {
            let edited = filled(reply.pointer("/edited_action/args")).or_else(|| filled(reply.get("args")));
            Some(Reply::Once { edited: edited.unwrap_or_default() })
        }
        "approve_always" => Some(Reply::Always),
        "reject" => {
            let said = |name: &str| reply.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            Some(Reply::Reject { feedback: said("feedback").or_else(|| said("message")).map(str::to_owned) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Reply, reply};

    #[test]
    fn what_is_not_understood_is_a_no() {
        for resumed in
            [json!("always"), json!("respond"), json!(null), json!(1), json!([]), json!({"type": ["approve"]})]
        {
            assert_eq!(reply(&resumed), Reply::Reject { feedback: None }, "{resumed}");
        }
        assert!(matches!(reply(&json!({"type": "", "decision_type": "Approve"})), Reply::Once { .. }));
        assert_eq!(reply(&json!({"type": "approve_always"})), Reply::Always);
    }
}
