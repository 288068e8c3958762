//! The tools that FlowFuse Expert has.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_policy::document::Problem;
use countersign_policy::{Action, Class, Place, ToolEntry, Version, Window};

use crate::Text;
use crate::json::{self, Grammar, Json, Node};

/// The group of a tool that names none.
pub const FLOW_BUILDING: &str = "flow-building";

/// The group of the platform's own tools.
pub const PLATFORM: &str = "platform";

/// The name of a catalog that stands beside what is kept.
pub(super) const CATALOG: &str = "toolCatalog";

/// The tools that there are.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_key: BTreeMap<String, usize>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the agent calls it; an entry without one names no tool.
    pub key: Option<String>,
    /// What humans call it.
    pub name: Option<String>,
    /// How grave it is.
    pub class: Class,
    /// Its group.
    pub group: String,
    /// The first version of nr-assistant that has it.
    pub min_version: Option<String>,
    /// The last version that has it.
    pub max_version: Option<String>,
}

/// Whether a version of nr-assistant has a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// Whether it has it.
    pub status: Status,
    /// Whether a newer version no longer has it.
    pub deprecated: bool,
    /// The version that is needed.
    pub required: Option<String>,
}

/// Whether a version has a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has.
    Available,
    /// It is too old.
    RequiresUpdate,
    /// It is too new.
    Deprecated,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Available => "available",
            Status::RequiresUpdate => "requires-update",
            Status::Deprecated => "deprecated",
        }
    }
}

impl Catalog {
    /// Reads a catalog: the list, the endpoint's answer with the list as its `catalog`, or what is kept of a team with the
    /// list beside it as `toolCatalog`.
    ///
    /// # Errors
    /// Everything in it that is not of the form of a catalog.
    pub fn read(text: &Text<'_>) -> Result<Catalog, Vec<Problem>> {
        let root = json::parse(text, Grammar::Json).map_err(|problem| vec![problem])?;
        let list = list_of(&root);
        let Some(items) = list.list() else {
            let message = format!("a catalog is a list of tools, and this is {}", list.kind());
            return Err(vec![text.problem(&list.span, message, Some("write `[{\"key\": \"get-flow\", ...}]`"))]);
        };
        let mut problems = Vec::new();
        let entries: Vec<Entry> = items.iter().filter_map(|item| entry(text, item, &mut problems)).collect();
        if problems.is_empty() { Ok(Catalog::new(entries)) } else { Err(problems) }
    }

    /// A catalog of these tools. Of a key that stands twice the first counts.
    pub fn new(entries: Vec<Entry>) -> Catalog {
        let mut catalog = Catalog::default();
        for (at, entry) in entries.iter().enumerate() {
            if let Some(key) = &entry.key {
                catalog.by_key.entry(key.clone()).or_insert(at);
            }
        }
        Catalog { entries, ..catalog }
    }

    /// All tools, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The keys of the tools, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// The tool with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(*self.by_key.get(key)?)
    }

    /// What a policy's catalog says of these tools, by their actions' texts.
    pub fn tools(&self) -> BTreeMap<String, ToolEntry> {
        let tool = |key: &str| Some((Action::Tool(key.to_owned()).to_string(), self.entry(key)?.tool()));
        self.keys().filter_map(tool).collect()
    }
}

impl Entry {
    /// What humans call the tool, without the number of its version.
    pub fn display_name(&self) -> &str {
        let name = [&self.name, &self.key].into_iter().flatten().find(|name| !name.is_empty());
        let name = name.map_or("", String::as_str);
        let plain = unversioned(name).trim();
        if plain.is_empty() { name } else { plain }
    }

    /// What it has in common with its other versions.
    pub fn family(&self) -> String {
        format!("{}::{}", self.class.word(), self.display_name())
    }

    /// Whether this version of nr-assistant has it. One that is not known counts as the lowest.
    pub fn availability(&self, version: Option<&str>) -> Availability {
        let (status, required) = match self.window().place(version) {
            Place::Inside => (Status::Available, None),
            Place::Before(since) => (Status::RequiresUpdate, Some(since.to_owned())),
            Place::Behind(_) => (Status::Deprecated, None),
        };
        let deprecated = status != Status::RequiresUpdate && self.max_version.is_some();
        Availability { status, deprecated, required }
    }

    /// The order of two versions of a tool: the later they begin the later they come.
    pub(super) fn by_beginning(&self, other: &Entry) -> std::cmp::Ordering {
        match (&self.min_version, &other.min_version) {
            (Some(one), Some(other)) => match (Version::read(one), Version::read(other)) {
                (Some(one), Some(other)) => one.cmp(&other),
                _ => std::cmp::Ordering::Equal,
            },
            (one, other) => one.is_some().cmp(&other.is_some()),
        }
    }

    fn window(&self) -> Window<'_> {
        Window { since: self.min_version.as_deref(), until: None, last: self.max_version.as_deref() }
    }

    fn tool(&self) -> ToolEntry {
        ToolEntry {
            class: Some(self.class),
            group: Some(self.group.clone()),
            family: Some(self.family()),
            since: self.min_version.clone(),
            last: self.max_version.clone(),
            ..ToolEntry::default()
        }
    }
}

/// The list of a catalog, as it stands alone or in another text.
pub(super) fn list_of(root: &Node) -> &Node {
    ["catalog", CATALOG].into_iter().find_map(|name| root.member(name)).unwrap_or(root)
}

/// Without `v2`, `-v2`, `_V2` or ` v2` at its end.
fn unversioned(name: &str) -> &str {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let Some(before) = digits.strip_suffix(['v', 'V']).filter(|_| digits.len() < name.len()) else { return name };
    before.strip_suffix([' ', '_', '-']).unwrap_or(before)
}

fn entry(text: &Text<'_>, item: &Node, problems: &mut Vec<Problem>) -> Option<Entry> {
    if item.object().is_none() {
        let message = format!("a tool of the catalog is an object, and this is {}", item.kind());
        problems.push(text.problem(
            &item.span,
            message,
            Some("write `{\"key\": \"get-flow\", \"toolClass\": \"read\"}`"),
        ));
        return None;
    }
    let mut word = |name: &str| {
        let node = item.member(name)?;
        match &node.value {
            Json::Text(word) => Some(word.clone()),
            Json::Null => None,
            _ => {
                let message = format!("a tool's `{name}` is a text, and this is {}", node.kind());
                problems.push(text.problem(&node.span, message, Some("put it in quotes, or leave it out")));
                None
            }
        }
    };
    let (key, name, group) = (word("key"), word("name"), word("group"));
    let (min_version, max_version) = (word("minVersion"), word("maxVersion"));
    let given = |word: &String| !word.is_empty();
    Some(Entry {
        key,
        name,
        class: class(item),
        group: group.filter(given).unwrap_or_else(|| FLOW_BUILDING.to_owned()),
        min_version: min_version.filter(given),
        max_version: max_version.filter(given),
    })
}

/// The class that an entry says; of what contradicts itself the graver.
fn class(item: &Node) -> Class {
    let word = item.member("toolClass").and_then(Node::text);
    let destroys = matches!(item.member("destructive"), Some(Node { value: Json::Bool(true), .. }));
    match word {
        _ if destroys => Class::Delete,
        Some("delete") => Class::Delete,
        Some("read") => Class::Read,
        _ => Class::Write,
    }
}

/// The name of a place, for rules that no file has.
pub(super) fn nowhere(text: impl Into<String>) -> countersign_policy::Origin {
    countersign_policy::Origin { file: Arc::from("FlowFuse Expert"), line: 0, text: text.into() }
}
