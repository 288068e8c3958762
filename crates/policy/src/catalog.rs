//! The tools that exist and how they are judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Class;

/// What is known of tools, by their action's text (`github/create_issue`, `tool:NAME`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The tools that a policy file describes.
    pub tools: BTreeMap<String, ToolEntry>,
}

/// How one tool is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolEntry {
    /// Its class; `None`: not known, which counts as write.
    pub class: Option<Class>,
    /// Its group.
    pub group: Option<String>,
    /// A JSON pointer to the argument that is its resource; a list there gives one target each.
    pub resource: Option<String>,
    /// JSON pointers to the arguments that a human is shown first.
    pub show: Vec<String>,
    /// Whether it is never offered to a model.
    pub hidden: bool,
    /// The host versions that have it: from this one on ...
    pub since: Option<String>,
    /// ... up to before this one.
    pub until: Option<String>,
}

/// Why the tool is not to be had in this call, if it is not.
pub(crate) fn unavailable(policy: &crate::source::Policy, call: &crate::call::Call) -> Option<String> {
    if let Some(entry) = policy.catalog.tools.get(&call.action.to_string())
        && let Some(reason) = outside_window(entry, call.host_version.as_deref())
    {
        return Some(reason);
    }
    for ceiling in &policy.ceilings {
        let Some(lowest) = ceiling.roles.values().min() else { continue };
        let role = call.role.as_deref();
        let class = role.and_then(|role| ceiling.roles.get(role)).unwrap_or(lowest);
        if call.class > *class {
            let who = role.map_or_else(|| "no role".to_owned(), |role| format!("role `{role}`"));
            return Some(format!(
                "{who} may use tools up to class {}, and this is one of class {}",
                class.word(),
                call.class.word()
            ));
        }
    }
    None
}

/// Whether the host's version is outside the tool's window. An unknown version counts as the lowest.
fn outside_window(entry: &ToolEntry, version: Option<&str>) -> Option<String> {
    let version = version.unwrap_or("0");
    if let Some(since) = &entry.since
        && parts(version) < parts(since)
    {
        return Some(format!("the tool exists from version {since} on, and the host has {version}"));
    }
    if let Some(until) = &entry.until
        && parts(version) >= parts(until)
    {
        return Some(format!("the tool exists up to before version {until}, and the host has {version}"));
    }
    None
}

/// A version's numbers; what is no number counts as the lowest.
fn parts(version: &str) -> Vec<u64> {
    let mut parts: Vec<u64> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    while parts.last() == Some(&0) {
        parts.pop();
    }
    parts
}
