//! The files of a call and the built-in rules, put together into one policy.

use std::sync::Arc;

use super::{Document, Imported, Limits, parse};
use crate::agents::Agents;
use crate::catalog::{Catalog, ToolEntry};
use crate::digest::sha256_hex;
use crate::effect::Effect;
use crate::program;
use crate::rule::{Origin, Rule, Selector};
use crate::source::{Ceiling, Nobody, Policy, Repeats, Source, SourceKind};

/// How many questions a session may have open unless a file says otherwise.
const MAX_OPEN: u32 = 20;

/// How often a session may make the same call in a row unless a file says otherwise.
const REPEATS: Repeats = Repeats::Ask(3);

/// How much of the digest of everything names a revision.
const REVISION: usize = 16;

/// One file, and whether its allows count.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub document: Document,
    /// Whether its user trusts this very content. Files other than a project's and a local one always are.
    pub trusted: bool,
    /// What the files came to that it takes in, in its order. With any of them missing nothing is allowed.
    pub imported: Vec<Imported>,
}

impl Loaded {
    /// A file that takes no others in.
    pub fn new(document: Document, trusted: bool) -> Loaded {
        Loaded { document, trusted, imported: Vec::new() }
    }
}

/// The text of the rules that come with the program.
pub fn builtin_text() -> &'static str {
    include_str!("../builtin.toml")
}

/// The rules that come with the program, compiled. They are the same for every policy, so whoever assembles several, or has
/// a processor to spare before the first, compiles them once.
#[derive(Debug, Clone)]
pub struct Builtin {
    source: Source,
    ceiling: Option<Ceiling>,
    /// SHA-256 of the text; empty where it has mistakes.
    sha256: String,
}

impl Builtin {
    /// Compiles them. Should they have mistakes, the ceiling denies everything.
    pub fn new() -> Builtin {
        match parse(SourceKind::Builtin, "builtin", builtin_text()) {
            Ok(Document { kind, name, sha256, rules, ceiling: limits, .. }) => Builtin {
                ceiling: limits.map(|limits| ceiling(kind, &name, limits)),
                source: Source::new(kind, name, true, rules),
                sha256,
            },
            Err(problems) => Builtin {
                ceiling: Some(sealed(problems.first().map_or_else(String::new, ToString::to_string))),
                source: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
                sha256: String::new(),
            },
        }
    }
}

impl Default for Builtin {
    fn default() -> Builtin {
        Builtin::new()
    }
}

/// Puts files together, with the built-in rules below them and the built-in ceiling above.
///
/// Of several defaults the strictest holds, `nobody = "deny"` before any waiting, the shortest waiting, the smallest
/// `max-open` and `repeats`, and `on-deny = "cascade"`. What an untrusted file says of these, of tools or of programs does not count; of
/// its tables for sub-agents the asks and denies do.
pub fn assemble(documents: Vec<Loaded>) -> Policy {
    assemble_above(Builtin::new(), documents)
}

/// The same above built-in rules that were compiled before.
pub fn assemble_above(builtin: Builtin, documents: Vec<Loaded>) -> Policy {
    let mut policy = Policy {
        revision: revision(&builtin.sha256, &documents),
        builtin: builtin.source,
        sources: Vec::with_capacity(documents.len()),
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: builtin.ceiling.into_iter().collect(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: MAX_OPEN,
        cascade: false,
        repeats: REPEATS,
        catalog: Catalog::default(),
        programs: std::collections::BTreeMap::new(),
        project_programs: std::collections::BTreeMap::new(),
    };
    let trusted = || documents.iter().filter(|loaded| loaded.trusted).map(|loaded| &loaded.document);
    if let Some(default) = trusted().filter_map(|document| document.default).max() {
        policy.default = default;
    }
    policy.nobody = trusted().filter_map(|document| document.nobody).min_by_key(patience).unwrap_or(Nobody::Deny);
    policy.max_open = trusted().filter_map(|document| document.max_open).min().unwrap_or(MAX_OPEN);
    policy.cascade = trusted().any(|document| document.cascade == Some(true));
    policy.repeats = trusted().filter_map(|document| document.repeats).min().unwrap_or(REPEATS);
    for document in trusted() {
        for (tool, entry) in &document.tools {
            merge(policy.catalog.tools.entry(tool.clone()).or_default(), entry);
        }
    }
    for document in trusted() {
        let programs = match document.kind {
            SourceKind::Project | SourceKind::Local => &mut policy.project_programs,
            _ => &mut policy.programs,
        };
        for (name, entry) in &document.programs {
            program::merge(programs.entry(name.clone()).or_default(), entry);
        }
    }
    for Loaded { document, trusted, imported } in documents {
        if imported.len() != document.imports.len() {
            policy.ceilings.push(sealed(format!("what {} takes in was not read", document.name)));
        }
        for imported in imported {
            for (tool, entry) in imported.tools.iter().filter(|_| trusted) {
                merge(policy.catalog.tools.entry(tool.clone()).or_default(), entry);
            }
            policy.sources.extend(imported.sources);
            policy.remembered.extend(imported.remembered);
        }
        policy.ceilings.extend(document.ceiling.map(|limits| ceiling(document.kind, &document.name, limits)));
        if !document.agents.is_empty() {
            let tables = document.agents.into_iter();
            let tables =
                tables.map(|(kind, rules)| (kind.clone(), rules.table(document.kind, &document.name, trusted, kind)));
            policy.agents.push(Agents { trusted, tables: tables.collect() });
        }
        policy.sources.push(Source::new(document.kind, document.name, trusted, document.rules));
    }
    policy
}

fn patience(nobody: &Nobody) -> u32 {
    match nobody {
        Nobody::Deny => 0,
        Nobody::Wait(seconds) => seconds.saturating_add(1),
    }
}

/// Two files about one tool: the graver class, hidden if one of them hides it; else what the first of them says.
fn merge(tool: &mut ToolEntry, entry: &ToolEntry) {
    tool.class = tool.class.max(entry.class);
    tool.hidden |= entry.hidden;
    tool.group = tool.group.take().or_else(|| entry.group.clone());
    tool.resource = tool.resource.take().or_else(|| entry.resource.clone());
    tool.system = tool.system.take().or_else(|| entry.system.clone());
    tool.since = tool.since.take().or_else(|| entry.since.clone());
    tool.until = tool.until.take().or_else(|| entry.until.clone());
    tool.last = tool.last.take().or_else(|| entry.last.clone());
    tool.family = tool.family.take().or_else(|| entry.family.clone());
    for pointer in &entry.show {
        if !tool.show.contains(pointer) {
            tool.show.push(pointer.clone());
        }
    }
}

fn ceiling(kind: SourceKind, name: &Arc<str>, limits: Limits) -> Ceiling {
    Ceiling {
        source: Source::new(kind, Arc::clone(name), true, limits.rules),
        default: Effect::Allow,
        grants: limits.grants,
        roles: limits.roles,
    }
}

/// A ceiling that denies everything: without the built-in rules nothing is safe.
fn sealed(reason: String) -> Ceiling {
    let origin = Origin { file: "builtin".into(), line: 0, text: "*".to_owned() };
    let rule = Rule { poisoned: Some(reason), ..Rule::new(Effect::Deny, Selector::Every, origin) };
    Ceiling {
        source: Source::new(SourceKind::Builtin, "builtin", true, vec![rule]),
        default: Effect::Deny,
        grants: None,
        roles: std::collections::BTreeMap::new(),
    }
}

/// A short digest of all that decides: the program's rules, and every file's kind, name, text and trust.
fn revision(builtin: &str, documents: &[Loaded]) -> String {
    let mut all = format!("{}\0{builtin}", env!("CARGO_PKG_VERSION"));
    for Loaded { document, trusted, imported } in documents {
        all.push_str(&format!("\0{:?}\0{}\0{}\0{trusted}", document.kind, document.name, document.sha256));
        for imported in imported {
            let trusted = imported.sources.iter().all(|source| source.trusted);
            all.push_str(&format!("\0{}\0{trusted}", imported.content));
        }
    }
    let mut digest = sha256_hex(all.as_bytes());
    digest.truncate(REVISION);
    digest
}
