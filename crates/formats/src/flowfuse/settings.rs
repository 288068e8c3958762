//! What FlowFuse's settings show.

use countersign_policy::{Class, Effect};

use super::catalog::{Availability, Catalog, Entry, FLOW_BUILDING, PLATFORM, Status};
use super::collate;
use super::state::{Kept, State};

/// What is told to update; its hyphen does not break.
const NR_ASSISTANT: &str = "nr\u{2011}assistant";

/// The tools of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The group.
    pub group: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The defaults of read, write and delete.
    pub defaults: [Effect; 3],
    /// How many tools of each have a preference of their own.
    pub counts: [usize; 3],
    /// The tools.
    pub rows: Vec<Row>,
}

/// A tool with all its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What its versions have in common.
    pub family: String,
    /// Its name.
    pub display_name: String,
    /// Its class.
    pub class: Class,
    /// Whether a version of it is to be had.
    pub status: Status,
    /// The version that is.
    pub active: Option<String>,
    /// All versions.
    pub variants: Vec<Option<String>>,
    /// What stands at its right.
    pub control: Control,
    /// What is kept of it, where it can be changed.
    pub policy: Option<Effect>,
    /// What was chosen for this chat.
    pub session_note: Option<&'static str>,
}

/// What stands at the right of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A choice between the effects, and a hint.
    Toggle {
        /// The hint; may be empty.
        hint: String,
    },
    /// The tool is not to be had in this version.
    Status {
        /// What is the matter.
        label: &'static str,
        /// What to do.
        hint: String,
    },
    /// The role may not use it.
    Role,
}

/// The sections of the settings: flow building first in an editor, the platform first elsewhere.
pub fn sections(
    state: &State,
    catalog: &Catalog,
    team: Option<&str>,
    version: Option<&str>,
    may_write: bool,
    in_editor: bool,
) -> [Section; 2] {
    let kept = Kept::of(state, catalog, team);
    let section = |group: &'static str, title: &'static str| {
        let families = families(catalog, group);
        let custom = |class: Class| {
            let keys = |family: &&Vec<&Entry>| {
                family.iter().filter_map(|entry| entry.key.as_deref()).any(|key| state.has_preference(team, key))
            };
            families
                .iter()
                .filter(|family| family.first().is_some_and(|entry| entry.class == class))
                .filter(keys)
                .count()
        };
        let classes = [Class::Read, Class::Write, Class::Delete];
        let mut rows: Vec<Row> =
            families.iter().filter_map(|family| row(state, &kept, version, may_write, family)).collect();
        rows.sort_by(|one, other| {
            one.class.cmp(&other.class).then_with(|| collate::compare(&one.display_name, &other.display_name))
        });
        Section {
            group,
            title,
            defaults: classes.map(|class| state.class_default(team, group, class)),
            counts: classes.map(custom),
            rows,
        }
    };
    let flow = section(FLOW_BUILDING, "Flow Building Tools");
    let platform = section(PLATFORM, "FlowFuse Platform Tools");
    if in_editor { [flow, platform] } else { [platform, flow] }
}

impl Control {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Control::Toggle { .. } => "toggle",
            Control::Status { .. } => "status",
            Control::Role => "role",
        }
    }

    /// What it says of why there is no choice.
    pub fn label(&self) -> &'static str {
        match self {
            Control::Toggle { .. } => "",
            Control::Status { label, .. } => label,
            Control::Role => "Unavailable",
        }
    }

    /// What stands under the name.
    pub fn hint(&self) -> &str {
        match self {
            Control::Toggle { hint } | Control::Status { hint, .. } => hint,
            Control::Role => "",
        }
    }
}

/// The families of a group, in the catalog's order.
fn families<'c>(catalog: &'c Catalog, group: &str) -> Vec<Vec<&'c Entry>> {
    let mut families: Vec<Vec<&Entry>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for entry in catalog.entries().iter().filter(|entry| entry.group == group) {
        let at = *places.entry(entry.family()).or_insert(families.len());
        match families.get_mut(at) {
            Some(family) => family.push(entry),
            None => families.push(vec![entry]),
        }
    }
    families
}

fn row(state: &State, kept: &Kept<'_>, version: Option<&str>, may_write: bool, family: &[&Entry]) -> Option<Row> {
    let (entry, availability) = active(family, version)?;
    let control = control(entry.class, &availability, may_write);
    let is_toggle = matches!(control, Control::Toggle { .. });
    let key = entry.key.as_deref();
    Some(Row {
        family: entry.family(),
        display_name: entry.display_name().to_owned(),
        class: entry.class,
        status: availability.status,
        active: entry.key.clone(),
        variants: family.iter().map(|entry| entry.key.clone()).collect(),
        control,
        policy: is_toggle.then(|| kept.said(key).effect),
        session_note: match key.and_then(|key| state.session_override(key)) {
            Some(Effect::Allow) => Some("Allowed for this chat"),
            Some(Effect::Deny) => Some("Denied for this chat"),
            _ => None,
        },
    })
}

/// The version of a tool that stands for all: the one to be had that begins last, else the reason why there is none.
fn active<'c>(family: &[&'c Entry], version: Option<&str>) -> Option<(&'c Entry, Availability)> {
    let all: Vec<(&Entry, Availability)> = family.iter().map(|entry| (*entry, entry.availability(version))).collect();
    let of = |status: Status| all.iter().filter(move |(_, availability)| availability.status == status);
    let newer = of(Status::RequiresUpdate).next().is_some();
    let mut available: Vec<_> = of(Status::Available).collect();
    available.sort_by(|(one, _), (other, _)| one.by_beginning(other));
    if let Some((entry, availability)) = available.pop() {
        let deprecated = availability.deprecated || newer;
        return Some((*entry, Availability { deprecated, ..availability.clone() }));
    }
    if let Some((entry, availability)) = of(Status::RequiresUpdate).next() {
        let needed = of(Status::RequiresUpdate).filter_map(|(entry, _)| Some((entry, entry.min_version.as_ref()?)));
        let highest = needed.max_by(|(one, _), (other, _)| one.by_beginning(other));
        let required = highest.map(|(_, version)| version.clone());
        return Some((*entry, Availability { required, ..availability.clone() }));
    }
    all.first().cloned()
}

fn control(class: Class, availability: &Availability, may_write: bool) -> Control {
    match availability.status {
        Status::RequiresUpdate => {
            let needed = availability.required.as_ref().map(|version| format!("Needs {NR_ASSISTANT} {version}"));
            let hint = needed.unwrap_or_else(|| format!("Update {NR_ASSISTANT} to enable"));
            Control::Status { label: "Update required", hint }
        }
        Status::Deprecated => {
            Control::Status { label: "Deprecated", hint: format!("No longer available \u{2014} update {NR_ASSISTANT}") }
        }
        Status::Available if class != Class::Read && !may_write => Control::Role,
        Status::Available => Control::Toggle {
            hint: if availability.deprecated {
                format!("Newer version available \u{2014} update {NR_ASSISTANT}")
            } else {
                String::new()
            },
        },
    }
}
