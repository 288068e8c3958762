//! FlowFuse Expert: what its browser keeps of a team's tool permissions, and the catalog that they speak of.
//!
//! [`Catalog`] are the tools, [`State`] the class defaults, preferences and choices for one chat; together they are a
//! source that decides as FlowFuse's agent does. [`Store`] has the operations on them, [`sections`] what its settings
//! show. [`Role`] and [`Membership`] say who may have tools that write.
//!
//! Where we differ: a tool outside its version window is not to be had, whoever asks, and a version that is not known
//! counts as the lowest; a tool that is not in the catalog asks at least; one whose catalog entry says both that it reads
//! and that it destroys counts as one that destroys; a new version of a tool inherits what was forbidden for the
//! others; what was allowed for a chat ends when the team changes.

mod card;
mod catalog;
mod collate;
mod deferred;
mod import;
mod mcp;
mod role;
mod settings;
mod state;
mod store;
mod stringify;
mod wire;

use std::collections::BTreeMap;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::{Source, SourceKind, ToolEntry};

use crate::Text;
use crate::import::{Became, Fate, Report};
use crate::json::{self, Grammar};

pub use card::{Card, class_label};
pub use catalog::{Availability, Catalog, Entry, FLOW_BUILDING, PLATFORM, Status};
pub use deferred::{Deferred, deferred, status};
pub use mcp::{Access, Features, Token, accessible, curate, least_role};
pub use role::{Membership, Role, ceiling_roles};
pub use settings::{Control, Row, Section, sections};
pub use state::{Resolved, State};
pub use store::Store;
pub use stringify::fingerprint;
pub use wire::{Chat, chat_context, resume};

/// Reads what is kept, with the catalog beside it as `toolCatalog` or in a file of its own: as a source beside other
/// systems' tools, and what is known of the tools. Of several teams one must be named. What was allowed for one chat does
/// not count.
///
/// # Errors
/// Everything that is wrong with it, and a team that is not there or not named.
pub fn read(
    file: &Text<'_>,
    catalog: Option<&Text<'_>>,
    kind: SourceKind,
    trusted: bool,
    team: Option<&str>,
) -> Result<(Source, BTreeMap<String, ToolEntry>), Vec<Problem>> {
    let (state, catalog, team) = both(file, catalog, team)?;
    let source = state.source_beside_others(kind, &file.name, trusted, &catalog, team.as_deref());
    Ok((source, if trusted { catalog.tools() } else { BTreeMap::new() }))
}

/// What each choice of the file becomes in ours.
///
/// # Errors
/// As [`read`].
pub fn report(file: &Text<'_>, catalog: Option<&Text<'_>>, team: Option<&str>) -> Result<Report, Vec<Problem>> {
    let (state, catalog, team) = both(file, catalog, team)?;
    let mut report = import::report(&state, &catalog, team.as_deref());
    for ignored in state.ignored(file) {
        let origin = file.origin(&ignored.span, file.text.get(ignored.span.clone()).unwrap_or_default());
        let why = "it is no choice, and counts for nothing".to_owned();
        report.rules.push(Fate::new(origin, Became::Dropped { why }));
    }
    report.rules.sort_by_key(|fate| fate.origin.line);
    Ok(report)
}

/// What is kept, the catalog, and the team that counts.
fn both(
    file: &Text<'_>,
    catalog: Option<&Text<'_>>,
    team: Option<&str>,
) -> Result<(State, Catalog, Option<String>), Vec<Problem>> {
    let mut state = State::read(file)?;
    // A file outlives the chat.
    state.end_chat_allows();
    let root = json::parse(file, Grammar::Json).map_err(|problem| vec![problem])?;
    let catalog = match (root.member(catalog::CATALOG), catalog) {
        (Some(_), Some(other)) => {
            let message = format!("`{}` has a catalog in it already", file.name);
            return Err(vec![other.problem(&(0..0), message, Some("take one of them away"))]);
        }
        (Some(_), None) => Catalog::read(file)?,
        (None, Some(catalog)) => Catalog::read(catalog)?,
        (None, None) => Catalog::default(),
    };
    let teams: Vec<&str> = state.teams().into_iter().collect();
    let team = match (team, &*teams) {
        (Some(team), _) if teams.contains(&team) => Some(team.to_owned()),
        (None, [only]) => Some((*only).to_owned()),
        (None, []) => None,
        (team, _) => {
            let message = match team {
                Some(team) => format!("nothing is kept of the team {}", quoted(team)),
                None => "choices of several teams are kept".to_owned(),
            };
            let known: Vec<String> = teams.iter().take(10).map(|team| quoted(team)).collect();
            let help = format!("name the team as the import's `agent`: {}", known.join(", "));
            return Err(vec![file.problem(&(0..0), message, Some(&help))]);
        }
    };
    Ok((state, catalog, team))
}

#[cfg(test)]
mod tests;
