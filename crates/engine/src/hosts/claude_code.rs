//! Claude Code: its hook events and the answers that it honours.
//!
//! Shapes as observed on version 2.1.329. A hook that exits with 2 blocks the call and its standard error reaches the
//! model; a hook that exits with anything else but 0, prints bad JSON or takes too long is passed over by the host.

pub mod transcript;

use std::collections::BTreeMap;

use countersign_policy::{Action, Attendance, Call};
use serde_json::{Value, json};

use crate::Request;

/// The host's name in calls.
pub const HOST: &str = "claude-code";

/// What the hook's own process knows beyond the event.
#[derive(Debug, Clone, Default)]
pub struct HookEnvironment {
    /// `CLAUDE_PROJECT_DIR`.
    pub project_dir: Option<String>,
    /// The user's name.
    pub user: String,
    /// The user's home directory.
    pub home: String,
    /// `PATH`, where it is text: which programs a command's names mean.
    pub path: Option<String>,
}

/// An event that the host reports to its hooks.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A tool is about to be called.
    PreToolUse(Request),
    /// The host would ask its user.
    PermissionRequest(Request),
    /// A tool has run, or has failed.
    PostToolUse {
        /// What ran.
        request: Request,
        /// Whether it succeeded.
        succeeded: bool,
    },
    /// The session is over.
    SessionEnd {
        /// The session.
        session: String,
        /// Why, as the host says it.
        reason: String,
    },
    /// An event that needs no answer.
    Other(String),
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is no JSON that has one meaning.
    #[error("the event is not JSON with one meaning: {0}")]
    Json(String),
    /// It is about a tool's call, and its name is not known.
    #[error("the event `{}` is about a tool's call and is not known to this version", crate::show::printable(.0))]
    Unknown(String),
    /// A member is missing or has another type.
    #[error("the event's `{0}` is missing or not {1}")]
    Member(&'static str, &'static str),
}

/// Reads an event.
///
/// # Errors
/// The bytes are no JSON with one meaning, or lack what a decision needs.
pub fn event(bytes: &[u8], environment: &HookEnvironment) -> Result<Event, EventError> {
    let event = countersign_policy::json::parse_strict(bytes).map_err(|error| EventError::Json(error.to_string()))?;
    let name = text(&event, "hook_event_name")?;
    Ok(match name {
        "PreToolUse" => Event::PreToolUse(request(&event, environment)?),
        "PermissionRequest" => Event::PermissionRequest(request(&event, environment)?),
        "PostToolUse" => Event::PostToolUse { request: request(&event, environment)?, succeeded: true },
        "PostToolUseFailure" => Event::PostToolUse { request: request(&event, environment)?, succeeded: false },
        "SessionEnd" => Event::SessionEnd {
            session: text(&event, "session_id")?.to_owned(),
            reason: optional(&event, "reason").unwrap_or_default(),
        },
        // A call under a name that is not known may be one that waits for our word.
        other if event.get("tool_input").is_some() => return Err(EventError::Unknown(other.to_owned())),
        other => Event::Other(other.to_owned()),
    })
}

/// Where the host writes the session down, as an event says it.
pub fn transcript_of(bytes: &[u8]) -> Option<String> {
    optional(&countersign_policy::json::parse_strict(bytes).ok()?, "transcript_path")
}

fn request(event: &Value, environment: &HookEnvironment) -> Result<Request, EventError> {
    let cwd = text(event, "cwd")?.to_owned();
    let args = event.get("tool_input").filter(|input| input.is_object());
    Ok(Request {
        host: HOST.to_owned(),
        host_version: optional(event, "version"),
        tool: text(event, "tool_name")?.to_owned(),
        mcp_server: event.get("mcp_server").and_then(server_name),
        args: args.ok_or(EventError::Member("tool_input", "an object"))?.clone(),
        project: environment.project_dir.clone().unwrap_or_else(|| cwd.clone()),
        cwd,
        roots: Vec::new(),
        session: text(event, "session_id")?.to_owned(),
        turn: optional(event, "prompt_id"),
        agent: told(event, "agent_id")?,
        agent_kinds: told(event, "agent_type")?.filter(|kind| !kind.is_empty()).into_iter().collect(),
        mode: optional(event, "permission_mode"),
        user: environment.user.clone(),
        home: environment.home.clone(),
        role: None,
        environment: match &environment.path {
            Some(path) if text(event, "tool_name")? == "Bash" => BTreeMap::from([("PATH".to_owned(), path.clone())]),
            _ => BTreeMap::new(),
        },
        attendance: Attendance::Somebody,
        call_id: optional(event, "tool_use_id"),
    })
}

fn text<'a>(event: &'a Value, member: &'static str) -> Result<&'a str, EventError> {
    event
        .get(member)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or(EventError::Member(member, "a text"))
}

/// A text that may be missing. One of another type must not pass for missing: sub-agents would pass for the main agent.
fn told(event: &Value, member: &'static str) -> Result<Option<String>, EventError> {
    match event.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(EventError::Member(member, "a text")),
    }
}

fn optional(event: &Value, member: &str) -> Option<String> {
    event.get(member).and_then(Value::as_str).map(str::to_owned)
}

/// The server's name, which the host gives as a text or as an object with a `name`.
fn server_name(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("name").and_then(Value::as_str)).map(str::to_owned)
}

/// What the hook's process prints and how it exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// The exit status.
    pub exit: i32,
}

impl Answer {
    fn says(body: &Value) -> Answer {
        Answer { stdout: format!("{body}\n"), stderr: String::new(), exit: 0 }
    }

    /// Nothing: the host goes on as if there were no hook.
    pub fn no_opinion() -> Answer {
        Answer { stdout: String::new(), stderr: String::new(), exit: 0 }
    }

    /// Lets a call run. Said as the host's "allow" only for shell, read, edit and fetch; for anything else the host's
    /// own prompts stay in force.
    pub fn allow(call: &Call, event: &Event, reason: &str) -> Answer {
        if !matches!(call.action, Action::Shell | Action::Read | Action::Edit | Action::Fetch) {
            return Answer::no_opinion();
        }
        Answer::allow_answered(event, reason)
    }

    /// Lets a call run that a human was asked about themselves, whatever it is: the host has nothing left to ask.
    pub fn allow_answered(event: &Event, reason: &str) -> Answer {
        match event {
            Event::PermissionRequest(_) => Answer::says(&json!({"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}})),
            _ => Answer::pre_tool_use("allow", reason),
        }
    }

    /// Lets a call run with these arguments, all of them, in the place of its own: a human's.
    pub fn allow_edited(event: &Event, reason: &str, args: &Value) -> Answer {
        match event {
            Event::PermissionRequest(_) => Answer::says(&json!({"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "allow", "updatedInput": args}}})),
            _ => Answer::says(&json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
                "permissionDecision": "allow", "permissionDecisionReason": reason, "updatedInput": args}})),
        }
    }

    /// Puts a call off: the host ends, and comes with the same call when its session is resumed.
    ///
    /// Only before a tool's use, and only where the host heeds it: elsewhere it goes on as if nothing had been said, and
    /// the call may run. See [`transcript::deferrable`].
    pub fn defer(reason: &str) -> Answer {
        Answer::pre_tool_use("defer", reason)
    }

    /// Keeps a call from running; the model reads the reason.
    ///
    /// Said three times, since each alone is enough for this host: as JSON, on standard error, and by the exit status.
    pub fn deny(event: &Event, reason: &str) -> Answer {
        let said = match event {
            Event::PermissionRequest(_) => Answer::says(&json!({"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "deny", "message": reason}}})),
            _ => Answer::pre_tool_use("deny", reason),
        };
        Answer { stderr: format!("{reason}\n"), exit: 2, ..said }
    }

    /// Has the host ask its user. Only where somebody is attached to it.
    pub fn ask(reason: &str) -> Answer {
        Answer::pre_tool_use("ask", reason)
    }

    fn pre_tool_use(decision: &str, reason: &str) -> Answer {
        Answer::says(&json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
            "permissionDecision": decision, "permissionDecisionReason": reason}}))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Event, EventError, HookEnvironment, event};

    fn read(text: &str) -> Result<Event, EventError> {
        event(
            text.as_bytes(),
            &HookEnvironment { user: "u".into(), home: "/home/u".into(), ..HookEnvironment::default() },
        )
    }

    #[test]
    fn an_event_as_the_host_sends_it() {
        let text = r#"{"session_id":"s","transcript_path":"/t","cwd":"/repo","prompt_id":"p","permission_mode":"plan",
            "hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t1"}"#;
        let Event::PreToolUse(request) = read(text).unwrap() else { panic!() };
        assert_eq!((request.tool.as_str(), request.turn.as_deref()), ("Bash", Some("p")));
        assert_eq!((request.mode.as_deref(), request.project.as_str()), (Some("plan"), "/repo"));
    }

    #[test]
    fn what_a_decision_needs_must_be_there() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"hook_event_name":"PreToolUse"}"#,
            r#"{"hook_event_name":"PreToolUse","cwd":"/r","session_id":"s","tool_name":"Bash","tool_input":"ls"}"#,
            r#"{"hook_event_name":"PreToolUse","cwd":"/r","session_id":"","tool_name":"Bash","tool_input":{}}"#,
            r#"{"hook_event_name":"SessionEnd"}"#,
            r#"{"hook_event_name":"pretooluse","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
            r#"{"hook_event_name":"BeforeTool","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_denial_is_said_three_times() {
        let answer = Answer::deny(&Event::Other(String::new()), "no \"way\"");
        assert_eq!(answer.exit, 2);
        assert_eq!(answer.stderr, "no \"way\"\n");
        let said: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(said["hookSpecificOutput"]["permissionDecision"], "deny");
    }
}
