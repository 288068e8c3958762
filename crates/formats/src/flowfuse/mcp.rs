//! Tools of MCP servers: their class, and who is offered them.

use countersign_policy::{Annotations, Class};
use serde_json::Value;

use super::catalog::{Entry, PLATFORM};
use super::role::{Membership, Role};

/// The catalog's entry for a tool of the platform's own server.
pub fn curate(definition: &Value) -> Entry {
    let word = |name: &str| definition.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    let key = word("name");
    Entry {
        key: key.map(str::to_owned),
        name: word("title").map(str::to_owned).or_else(|| key.map(title)),
        class: Annotations::read(definition.get("annotations").unwrap_or(&Value::Null)).class(true),
        group: PLATFORM.to_owned(),
        min_version: None,
        max_version: None,
    }
}

/// `platform_list_all_stacks` as `List All Stacks`.
fn title(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut in_word = false;
    for c in name.strip_prefix("platform_").unwrap_or(name).chars() {
        let c = if c == '_' { ' ' } else { c };
        let is_word = c.is_ascii_alphanumeric();
        out.push(if is_word && !in_word { c.to_ascii_uppercase() } else { c });
        in_word = is_word;
    }
    out
}

/// The least role that is offered a tool with these annotations; none is where they contradict each other.
pub fn least_role(annotations: Annotations) -> Option<Role> {
    if annotations.contradict() {
        return None;
    }
    Some(match annotations.gravest(true) {
        Class::Delete => Role::Owner,
        Class::Write => Role::Member,
        Class::Read if annotations.open_world == Some(true) => Role::Member,
        Class::Read => Role::Viewer,
    })
}

/// Who asks for a server of an application.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Their membership of the team.
    pub membership: &'a Membership,
    /// The application that the server belongs to.
    pub application: &'a str,
    /// Whether roles in applications are in use.
    pub by_application: bool,
    /// The access token that they came with, if it was one.
    pub token: Option<&'a Token>,
    /// The team's id as tokens name it.
    pub team: &'a str,
}

/// What a personal access token limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// Whether it only reads.
    pub read_only: bool,
    /// The teams that it is for; none named: all.
    pub teams: Option<Vec<String>>,
}

impl Token {
    /// Reads a token as FlowFuse has it.
    pub fn read(value: &Value) -> Token {
        let scopes = value.get("teamScopes").filter(|scopes| !scopes.is_null());
        let teams = scopes.map(|scopes| {
            let objects = scopes.as_array().into_iter().flatten().filter_map(Value::as_object);
            objects.flat_map(|object| object.keys().cloned()).collect()
        });
        Token {
            read_only: value.get("readOnly").is_some_and(|truth| *truth != Value::Bool(false) && !truth.is_null()),
            teams,
        }
    }
}

impl Access<'_> {
    /// The role that counts for the server; a token makes it no more than it says.
    pub fn role(&self) -> Role {
        let membership = self.membership;
        let role = if self.by_application { membership.role_in(self.application) } else { membership.role };
        let Some(token) = self.token else { return role };
        if token.teams.as_ref().is_some_and(|teams| !teams.iter().any(|team| team == self.team)) {
            return Role::None;
        }
        if token.read_only { role.min(Role::Viewer) } else { role }
    }
}

/// What a server has that somebody is offered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// The tools.
    pub tools: Vec<Value>,
    /// The resources.
    pub resources: Vec<Value>,
    /// The templates of resources.
    pub templates: Vec<Value>,
    /// The prompts.
    pub prompts: Vec<Value>,
}

/// What somebody is offered of a server; nothing of one of which nothing is left.
pub fn accessible(server: &Value, access: &Access<'_>) -> Option<Features> {
    let role = access.role();
    if role < Role::Viewer {
        return None;
    }
    let list = |name: &str| server.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut tools = list("tools");
    tools.retain(|tool| {
        least_role(Annotations::read(tool.get("annotations").unwrap_or(&Value::Null)))
            .is_some_and(|least| role >= least)
    });
    let features = Features {
        tools,
        resources: list("resources"),
        templates: list("resourceTemplates"),
        prompts: list("prompts"),
    };
    (features != Features::default()).then_some(features)
}
