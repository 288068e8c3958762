//! What is sent to the agent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::catalog::Catalog;
use super::state::State;

/// What a chat request tells the agent of where it runs.
#[derive(Debug, Clone, Copy)]
pub struct Chat<'a> {
    /// The team's id.
    pub team: Option<&'a str>,
    /// The version of nr-assistant.
    pub version: Option<&'a str>,
    /// Whether a page is open: without one nothing is said of permissions, and the agent falls back to its own.
    pub has_route: bool,
    /// Whether the page is an editor.
    pub immersive: bool,
    /// Whether whoever asks may use tools that change something.
    pub may_write: bool,
    /// Whether the agent plans only.
    pub plan_mode: bool,
}

/// What a chat request says of permissions.
pub fn chat_context(state: &State, catalog: &Catalog, chat: &Chat<'_>) -> Value {
    let scope = if chat.immersive { "immersive" } else { "ff-app" };
    let mut context = json!({
        "assistantVersion": chat.version, "teamId": chat.team, "scope": scope, "planMode": chat.plan_mode,
    });
    if chat.has_route {
        let resolved = state.resolved(catalog, chat.team);
        let more = json!({
            "supportsQuestions": true, "supportsPlanMode": true, "supportsHITL": true,
            "toolPermissions": resolved.to_json(), "canUseWriteTools": chat.may_write,
        });
        if let (Value::Object(context), Value::Object(more)) = (&mut context, more) {
            context.extend(more);
        }
    }
    context
}

/// The request that goes on after a human answered all cards of a turn: by the call's id, whether it was approved. It
/// is the same over HTTP and MQTT; FlowFuse's HTTP client leaves the answers out.
pub fn resume(context: Value, answers: &BTreeMap<String, bool>) -> Value {
    let word = |approved: &bool| if *approved { "approved" } else { "denied" };
    let approvals: BTreeMap<&str, &str> = answers.iter().map(|(id, approved)| (&**id, word(approved))).collect();
    json!({ "query": "", "context": context, "toolApprovals": approvals })
}
