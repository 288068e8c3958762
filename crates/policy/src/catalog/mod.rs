//! The tools that exist and how they are judged.

mod annotations;
mod role;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use annotations::Annotations;
pub use window::{Place, Version, Window};

use crate::action::Class;
use crate::call::Call;
use crate::source::Policy;

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
    /// The tools that are one to a human: versions of the same, of which a host has one at a time.
    #[serde(default)]
    pub family: Option<String>,
    /// A JSON pointer to the argument that is its resource; a list there gives one target each.
    pub resource: Option<String>,
    /// The system that it comes with, which works out of a call what it acts on; an argument that a file names as
    /// `resource` counts in its place.
    #[serde(default)]
    pub system: Option<String>,
    /// JSON pointers to the arguments that a human is shown first.
    pub show: Vec<String>,
    /// Whether it is never offered to a model.
    pub hidden: bool,
    /// The host versions that have it: from this one on ...
    pub since: Option<String>,
    /// ... up to before this one ...
    pub until: Option<String>,
    /// ... and up to this one.
    #[serde(default)]
    pub last: Option<String>,
}

impl ToolEntry {
    /// The keys with texts that a policy file's `[tools."NAME"]` has for this, without those that say nothing.
    pub fn written(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { class, group, family, resource, since, until, last, .. } = self;
        let texts = [group, family, resource, since, until, last].map(Option::as_deref);
        let keys = ["group", "family", "resource", "since", "until", "last"];
        let class = class.map(|class| ("class", class.word()));
        class.into_iter().chain(keys.into_iter().zip(texts).filter_map(|(key, text)| Some((key, text?))))
    }

    /// The host versions that have the tool.
    pub fn window(&self) -> Window<'_> {
        Window { since: self.since.as_deref(), until: self.until.as_deref(), last: self.last.as_deref() }
    }
}

/// Why the tool is not to be had in this call, if it is not.
pub(crate) fn unavailable(policy: &Policy, call: &Call) -> Option<String> {
    let tools = &policy.catalog.tools;
    let entry = if tools.is_empty() { None } else { tools.get(&call.action.to_string()) };
    entry
        .and_then(|entry| outside(&entry.window(), call.host_version.as_deref()))
        .or_else(|| role::beyond(policy, call))
}

/// Why the host's version is outside the tool's window, if it is.
fn outside(window: &Window<'_>, version: Option<&str>) -> Option<String> {
    let has = || match version {
        Some(version) if Version::read(version).is_some() => format!("the host has {version}"),
        Some(version) => format!("the host says {version}, which is no version"),
        None => "the host does not say which it has".to_owned(),
    };
    match window.place(version) {
        Place::Inside => None,
        Place::Before(since) => Some(format!("the tool exists from version {since} on, and {}", has())),
        Place::Behind(until) if window.last == Some(until) => {
            Some(format!("the tool exists up to version {until}, and {}", has()))
        }
        Place::Behind(until) => Some(format!("the tool exists up to before version {until}, and {}", has())),
    }
}
