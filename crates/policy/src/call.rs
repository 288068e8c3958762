//! What an agent wants to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Class};
use crate::target::Target;

/// What an agent wants to do, with everything that the decision may look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The program that runs the agent: `claude-code`.
    pub host: String,
    /// The host's version, where it says it.
    #[serde(default)]
    pub host_version: Option<String>,
    /// The tool as the host names it.
    pub tool: String,
    /// What it is, the same in every host.
    pub action: Action,
    /// How grave it is.
    pub class: Class,
    /// The catalog's group of the tool.
    #[serde(default)]
    pub group: Option<String>,
    /// The arguments as the host sent them: a JSON object.
    pub args: serde_json::Value,
    /// The working directory, absolute.
    pub cwd: String,
    /// The real path of the host's project folder when the session began.
    pub project: String,
    /// Real paths of further folders that the session works in, set by a human or on their behalf: the workspace is the
    /// project and these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// The user's home directory; `~/` in patterns. Empty where there is none: such patterns then match nothing.
    #[serde(default)]
    pub home: String,
    /// Who the agent works for.
    pub user: String,
    /// The session, as the host names it.
    pub session: String,
    /// The host's prompt or turn id.
    #[serde(default)]
    pub turn: Option<String>,
    /// The sub-agent that calls, where it is one.
    #[serde(default)]
    pub agent: Option<String>,
    /// The kinds of sub-agents from the one that the main agent started to the one that calls, as far as the host
    /// names them.
    #[serde(default)]
    pub agent_kinds: Vec<String>,
    /// The role that the user has, where roles are in use.
    #[serde(default)]
    pub role: Option<String>,
    /// The host's own mode (`plan`, `acceptEdits` ...). Never loosens an answer.
    #[serde(default)]
    pub mode: Option<String>,
    /// The environment variables that mattered, by name.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Whether a question would reach anybody.
    pub attendance: Attendance,
    /// What it touches. Never empty: see [`Call::faults`].
    pub targets: Vec<Target>,
    /// How often this same call would run in a row in its session, this one included: see [`Call::repeated_as`]. 0 where
    /// nobody counts.
    #[serde(default)]
    pub in_a_row: u32,
    /// What went wrong while the call was taken apart, in words for a human. Each makes the call ask at least.
    #[serde(default)]
    pub faults: Vec<String>,
}

impl Call {
    /// The sub-agent that calls, with the kinds from the outermost to its own, as a human reads it. What it is called may
    /// be its own word: of what kind it is stands behind that, and says so where nobody knows.
    pub fn agent_in_words(&self) -> Option<String> {
        let kind = match self.agent_kinds.join(" > ") {
            kinds if kinds.is_empty() => "of unknown kind".to_owned(),
            kinds => format!("of kind {kinds}"),
        };
        self.agent.as_ref().map(|agent| format!("{agent}, {kind}"))
    }

    /// The call in the project alone, where its session has further roots.
    pub(crate) fn alone(&self) -> Option<Call> {
        (!self.roots.is_empty()).then(|| Call { roots: Vec::new(), ..self.clone() })
    }
}

/// Whether a question would reach anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attendance {
    /// A human can be asked.
    Somebody,
    /// Nobody can: an ask becomes what the policy's `nobody` says.
    Nobody,
}
