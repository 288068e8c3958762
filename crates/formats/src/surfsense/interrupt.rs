//! What SurfSense's graph stops with to ask a human, and what its model is told of a call that does not run.

use serde_json::{Map, Value, json};

use super::{Entry, Reply};

/// One call that a human is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Interrupt<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Value,
    /// What it is asked for: its resolver's patterns, or the tool's name.
    pub patterns: &'a [String],
    /// The rule that decided each pattern.
    pub rules: &'a [&'a Entry],
    /// What is known of the MCP connector that the tool belongs to: `mcp_connector_id`, `mcp_server`,
    /// `tool_description`. Only with the id can an answer be kept for ever.
    pub connector: &'a Map<String, Value>,
}

impl Interrupt<'_> {
    /// The payload.
    pub fn payload(&self) -> Value {
        let mut allowed = vec!["approve", "reject", "edit"];
        let rules: Vec<Value> = self.rules.iter().map(|rule| as_json(rule)).collect();
        let mut context = self.connector.clone();
        context.insert("patterns".to_owned(), json!(self.patterns));
        context.insert("rules".to_owned(), Value::Array(rules));
        context.insert("always".to_owned(), json!(self.patterns));
        if self.connector.contains_key("mcp_connector_id") {
            allowed.push("approve_always");
        }
        json!({
            "action_requests": [{ "name": self.tool, "args": self.args }],
            "review_configs": [{ "action_name": self.tool, "allowed_decisions": allowed }],
            "interrupt_type": "permission_ask",
            "context": context,
        })
    }
}

/// A rule as SurfSense writes it.
fn as_json(entry: &Entry) -> Value {
    json!({ "permission": entry.permission, "pattern": entry.pattern, "action": entry.effect.word() })
}

/// The arguments of a call with those that a human changed put over them: none can be taken away.
pub fn merged(args: &Value, edited: &Map<String, Value>) -> Value {
    let mut merged = args.as_object().cloned().unwrap_or_default();
    merged.extend(edited.clone());
    Value::Object(merged)
}

/// The message for a call that a rule denies.
pub fn denied(call_id: &str, tool: &str, rule: &Entry) -> Value {
    let Entry { permission, pattern, .. } = rule;
    message(
        call_id,
        &format!("Permission denied: rule {permission}/{pattern} blocked tool '{tool}'."),
        false,
        &format!("rule permission='{permission}' pattern='{pattern}' blocked this call"),
    )
}

/// The message for a call that a human rejected; `None` for any other reply.
pub fn rejected(call_id: &str, tool: &str, reply: &Reply) -> Option<Value> {
    match reply {
        Reply::Reject { feedback: Some(feedback) } => Some(message(
            call_id,
            &format!("The user rejected tool '{tool}' with feedback: {feedback}"),
            true,
            "Adjust the call per the user's feedback and try again.",
        )),
        Reply::Reject { feedback: None } => Some(message(
            call_id,
            &format!(
                "The user rejected tool '{tool}'. Do not retry the same call; ask the user how they would like to proceed."
            ),
            false,
            "Do not retry this call; ask the user how to proceed.",
        )),
        Reply::Once { .. } | Reply::Always => None,
    }
}

fn message(call_id: &str, content: &str, retryable: bool, suggestion: &str) -> Value {
    json!({
        "tool_call_id": call_id,
        "status": "error",
        "content": content,
        "error": {
            "code": "permission_denied", "retryable": retryable, "suggestion": suggestion,
            "correlation_id": null, "detail": null,
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Interrupt, merged, rejected};
    use crate::surfsense::Reply;

    #[test]
    fn only_a_connectors_tool_can_be_approved_for_ever() {
        let args = json!({});
        let mut connector = json!({"mcp_server": "mail", "rules": "an agent's"}).as_object().cloned().unwrap();
        let interrupt = Interrupt { tool: "a", args: &args, patterns: &[], rules: &[], connector: &connector };
        let payload = interrupt.payload();
        assert!(!payload.to_string().contains("approve_always"));
        assert_eq!(payload["context"]["rules"], json!([]), "what is said of a connector stands in no other place");
        connector.insert("mcp_connector_id".to_owned(), json!(7));
        let payload = Interrupt { tool: "a", args: &args, patterns: &[], rules: &[], connector: &connector }.payload();
        assert_eq!(payload["context"]["mcp_connector_id"], 7);
        assert_eq!(payload["review_configs"][0]["allowed_decisions"][3], "approve_always");
    }

    #[test]
    fn changed_arguments_go_over_the_calls_own_and_only_a_rejection_is_told() {
        let edited = json!({"b": 2}).as_object().cloned().unwrap();
        assert_eq!(merged(&json!({"a": 1, "b": 1}), &edited), json!({"a": 1, "b": 2}));
        assert_eq!(rejected("1", "a", &Reply::Always), None);
    }
}
