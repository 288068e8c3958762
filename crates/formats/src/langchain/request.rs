//! What a graph stops with, and what its model is told.

use serde_json::{Value, json};

use super::config::Gate;
use super::python;

/// A tool call of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolCall<'a> {
    /// Its id.
    pub id: &'a str,
    /// The tool.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a Value,
    /// The JSON schema of the tool's arguments, which an edit is held to.
    pub schema: Option<&'a Value>,
}

/// What a graph stops with for all calls of a message at once (`HITLRequest`).
pub fn request(asked: &[(ToolCall<'_>, &Gate)]) -> Value {
    let action = |(call, gate): &(ToolCall<'_>, &Gate)| json!({ "name": call.name, "args": call.args, "description": description(call, gate) });
    let review = |(call, gate): &(ToolCall<'_>, &Gate)| {
        let allowed: Vec<&str> = gate.allowed.iter().map(|allowed| allowed.word()).collect();
        json!({ "action_name": call.name, "allowed_decisions": allowed })
    };
    let (actions, reviews): (Vec<Value>, Vec<Value>) = asked.iter().map(|one| (action(one), review(one))).unzip();
    json!({ "action_requests": actions, "review_configs": reviews })
}

/// What a graph stops with for one call.
pub fn approval(call: &ToolCall<'_>, gate: &Gate) -> Value {
    json!({
        "type": "tool_approval", "tool_call_id": call.id, "name": call.name, "args": call.args,
        "description": description(call, gate),
    })
}

/// What the model is told of a call that a human rejected.
pub fn rejected(call: &ToolCall<'_>, message: Option<&str>) -> String {
    let (name, id) = (call.name, call.id);
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("User rejected the tool call for `{name}` with reason: {message}"),
        None => format!(
            "User rejected the tool call for `{name}` with id {id}. The tool was not executed. Do not retry this tool call \
             unless the user explicitly requests it."
        ),
    }
}

fn description(call: &ToolCall<'_>, gate: &Gate) -> String {
    let whole =
        || format!("Tool execution requires approval\n\nTool: {}\nArgs: {}", call.name, python::repr(call.args));
    gate.description.clone().unwrap_or_else(whole)
}
