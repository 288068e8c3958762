//! From an agent host's event to a verdict and back: the one engine that the hook, the server and embedding programs
//! share.
//!
//! Pure but for a [`Files`] view. [`load()`] reads the policy files, [`Engine::call`] takes a tool call apart into
//! targets, [`Engine::decide`] decides, [`Engine::question`] is what a human is asked and [`Engine::denial`] what the
//! model is told.

mod alias;
mod body;
mod call;
mod denial;
pub mod editable;
mod examples;
mod extract;
mod files;
pub mod hosts;
mod imports;
mod load;
mod located;
mod lookalike;
mod paths;
mod question;
mod repository;
mod secrets;
mod shadow;
pub mod show;
mod steps;
mod tree;
mod url;
pub mod why;
mod windows;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use countersign_policy::{Answer, Attendance, Call, Decision, Grant, Policy, Timestamp};

pub use files::{FileError, Files, Meta};
pub use imports::{Members, members, places_of_import};
pub use load::{Known, LOCAL_FILE, Layout, LoadFault, NothingKnown, PROJECT_FILE, PolicyFile, Reading, load, prepare};

/// What a host or an API client says of one tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The program that runs the agent: `claude-code`.
    pub host: String,
    /// Its version, where it says it.
    pub host_version: Option<String>,
    /// The tool as the host names it.
    pub tool: String,
    /// The MCP server that the tool belongs to, where the host says so.
    pub mcp_server: Option<String>,
    /// The arguments: a JSON object.
    pub args: serde_json::Value,
    /// The working directory, absolute.
    pub cwd: String,
    /// The project folder, absolute, as the host names it.
    pub project: String,
    /// Real paths of further folders that the session works in, as humans set them; never an agent.
    pub roots: Vec<String>,
    /// The session.
    pub session: String,
    /// The turn or prompt.
    pub turn: Option<String>,
    /// The sub-agent.
    pub agent: Option<String>,
    /// The kinds of sub-agents from the one that the main agent started to the one that calls, as far as the host names
    /// them. Never read from the call's arguments, which the agent writes.
    pub agent_kinds: Vec<String>,
    /// The host's own mode.
    pub mode: Option<String>,
    /// For whom the agent works.
    pub user: String,
    /// That user's home directory; empty where there is none.
    pub home: String,
    /// That user's role, where roles are in use.
    pub role: Option<String>,
    /// The environment variables that mattered.
    pub environment: BTreeMap<String, String>,
    /// Whether a question would reach anybody.
    pub attendance: Attendance,
    /// The host's id of this very call.
    pub call_id: Option<String>,
}

impl Request {
    /// A request in our own vocabulary: an action (`shell`, `github/create_issue`, `tool:NAME`) and its resource. The
    /// caller fills in who and where.
    pub fn of(action: &str, resource: &str) -> Request {
        examples::request(action, resource)
    }
}

/// A loaded policy and what is needed to apply it.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    programs: countersign_shell::Programs,
    catalog: OnceLock<String>,
}

impl Engine {
    /// An engine over this policy.
    pub fn new(policy: Policy) -> Engine {
        let programs = countersign_shell::Programs::extended(&policy.programs, &policy.project_programs);
        Engine { policy, programs, catalog: OnceLock::new() }
    }

    /// The policy that decides.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes a tool call apart into what it touches. What goes wrong is a fault of the call, and faults ask.
    pub fn call(&self, request: &Request, files: &dyn Files) -> Call {
        call::from_request(&self.policy, &self.programs, request, files)
    }

    /// The same call with other arguments, taken apart anew.
    pub fn with_args(&self, call: &Call, args: serde_json::Value, files: &dyn Files) -> Call {
        let request = Request { args, ..call::request(call) };
        self.call(&request, files)
    }

    /// The same call in a session with these further folders, taken apart anew.
    pub fn with_roots(&self, call: &Call, roots: &[String], files: &dyn Files) -> Call {
        let request = Request { roots: roots.to_vec(), ..call::request(call) };
        self.call(&request, files)
    }

    /// Decides a call; see [`countersign_policy::decide`].
    pub fn decide(&self, grants: &[Grant], answer: Option<&Answer>, call: &Call, now: Timestamp) -> Decision {
        countersign_policy::decide(&self.policy, grants, answer, call, now)
    }

    /// What a human is asked about a call that the decision leaves open.
    pub fn question(&self, call: &Call, decision: &Decision, files: &dyn Files) -> countersign_policy::Question {
        question::of(call, decision, &self.programs, files)
    }

    /// What the model is told of a call that does not run: one helpful line.
    pub fn denial(&self, call: &Call, decision: &Decision) -> String {
        denial::line(call, decision)
    }

    /// A digest of the catalog and of all that may hide a tool: while it stays the same, so do the tools that a model is
    /// offered.
    pub fn catalog_digest(&self) -> &str {
        self.catalog.get_or_init(|| countersign_policy::catalog_digest(&self.policy))
    }

    /// Why a tool is not offered to the model, or `None` if it is.
    ///
    /// Hidden are tools that the catalog hides or that are outside their version window or above the role's class, and
    /// those that a rule without patterns and conditions denies outright.
    pub fn hidden(&self, request: &Request) -> Option<String> {
        let call = call::bare(&self.policy, request);
        countersign_policy::hidden(&self.policy, &call)
    }
}
