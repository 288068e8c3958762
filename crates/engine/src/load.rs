//! Reads the policy files.

use std::sync::{Arc, OnceLock};

use countersign_policy::document::{self, Builtin, Document, Loaded, Problem};
use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Ceiling, Effect, Origin, Rule, Selector, Source, SourceKind};

use crate::imports::{Deciding, Importer};
use crate::{Engine, Files, examples, hosts, paths};

/// Where the files are that do not belong to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The user's home directory; empty where there is none.
    pub home: String,
    /// The user's policy file.
    pub user_file: String,
    /// The folder with the user's configuration: closed to agents.
    pub config_dir: String,
    /// The administrator's policy file.
    pub managed_file: String,
    /// The folder with the store.
    pub data_dir: String,
}

/// The name of a project's policy file.
pub const PROJECT_FILE: &str = "countersign.toml";
/// The name of one person's policy file beside it.
pub const LOCAL_FILE: &str = ".countersign.local.toml";

/// What is known of policy files from before.
pub trait Known {
    /// Whether the user trusts the file at this path with exactly this content (SHA-256 in hexadecimal).
    fn trusted(&self, path: &str, content: &str) -> bool;

    /// Whether a file's examples were checked before, under this key.
    fn checked(&self, key: &str) -> bool;
}

/// Nothing is known: no file is trusted, and all examples are checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingKnown;

impl Known for NothingKnown {
    fn trusted(&self, _path: &str, _content: &str) -> bool {
        false
    }

    fn checked(&self, _key: &str) -> bool {
        false
    }
}

/// One policy file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its kind.
    pub kind: SourceKind,
    /// Where it is.
    pub path: String,
    /// SHA-256 of its content, in hexadecimal.
    pub content: String,
    /// Whether its allows count.
    pub trusted: bool,
    /// How many rules it has.
    pub rules: usize,
}

/// A loaded policy with what was read for it.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The engine over it.
    pub engine: Engine,
    /// The files that were read; missing ones are not among them.
    pub files: Vec<PolicyFile>,
    /// The folders of which every file of a system counts, those that are not there included: one that comes counts, too.
    pub folders: Vec<String>,
    /// Keys of files whose examples were checked now, for [`Known::checked`] the next time.
    pub checked: Vec<String>,
}

/// Why the policy could not be loaded. Everything is then denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadFault {
    /// A file has mistakes.
    #[error("{}", first_of(.problems))]
    Problems {
        /// The mistakes in the order of each file, with its text.
        problems: Vec<(Problem, Arc<str>)>,
    },
    /// A file cannot be read, or may not be trusted at all.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
}

fn first_of(problems: &[(Problem, Arc<str>)]) -> String {
    let Some((first, _)) = problems.first() else { return "the policy has mistakes".to_owned() };
    let more = match problems.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{}:{}:{}: {}{more}", first.file, first.line, first.column, first.message)
}

impl LoadFault {
    /// The mistakes of one file.
    pub(crate) fn of(problems: Vec<Problem>, text: &str) -> LoadFault {
        let text: Arc<str> = text.into();
        LoadFault::Problems { problems: problems.into_iter().map(|problem| (problem, Arc::clone(&text))).collect() }
    }

    /// All mistakes with their place in the text.
    pub fn report(&self) -> String {
        match self {
            LoadFault::Problems { problems } => {
                problems.iter().map(|(problem, text)| problem.render(text)).collect::<Vec<_>>().join("\n")
            }
            LoadFault::File { .. } => self.to_string(),
        }
    }
}

/// Reads the files of administrator, user and project, and assembles the policy. A missing file is silent.
///
/// # Errors
/// A file that is there and cannot be read, has mistakes, or breaks its own examples; a managed file that is not
/// root's alone; a user's file that others may write.
pub fn load(files: &dyn Files, layout: &Layout, project: &str, known: &dyn Known) -> Result<Reading, LoadFault> {
    let project = files.real_path(project).unwrap_or_else(|| project.to_owned());
    let places = [
        (SourceKind::Managed, layout.managed_file.clone()),
        (SourceKind::User, layout.user_file.clone()),
        (SourceKind::Project, format!("{project}/{PROJECT_FILE}")),
        (SourceKind::Local, format!("{project}/{LOCAL_FILE}")),
    ];
    let mut loaded = Vec::new();
    let mut deciding: Vec<Deciding> = Vec::new();
    let mut found = Vec::new();
    let mut checked = Vec::new();
    for (kind, path) in places {
        let Some((document, text)) = read(files, kind, &path)? else { continue };
        let content = document.sha256.clone();
        let trusted = match kind {
            SourceKind::Project | SourceKind::Local => known.trusted(&path, &content),
            _ => true,
        };
        let importer = Importer { files, layout, known, project: &project, path: &path, trusted };
        let taken_in = importer.read(&document, &text)?;
        found.push(PolicyFile { kind, path, content, trusted, rules: document.rules() });
        deciding.extend(taken_in.deciding);
        found.extend(taken_in.files);
        let one = Loaded { document, trusted, imported: taken_in.imported };
        if one.document.examples().next().is_some() {
            let key = examples::key(&one);
            if !known.checked(&key) {
                examples::check(&one, &text)?;
                checked.push(key);
            }
        }
        loaded.push(one);
    }
    let mut policy = document::assemble_above(builtin().clone(), loaded);
    policy.ceilings.push(around(layout, &deciding, files)?);
    let folders = deciding.iter().flat_map(Deciding::folders).collect();
    Ok(Reading { engine: Engine::new(policy), files: found, folders, checked })
}

/// The built-in rules: they are compiled once in a process.
fn builtin() -> &'static Builtin {
    static BUILTIN: OnceLock<Builtin> = OnceLock::new();
    BUILTIN.get_or_init(Builtin::new)
}

/// Does ahead what needs no file and no call, for a process that has a thread to spare meanwhile.
pub fn prepare() {
    builtin();
    hosts::prepare();
}

/// A ceiling around our own files, wherever this machine keeps them. The built-in one names the usual places.
fn around(layout: &Layout, deciding: &[Deciding], files: &dyn Files) -> Result<Ceiling, LoadFault> {
    let folder = |file: &str| file.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned());
    let closed = [Action::Edit, Action::Delete, Action::Read, Action::Search];
    let kept = [
        (layout.data_dir.clone(), closed.as_slice()),
        (layout.config_dir.clone(), closed.get(..2).unwrap_or(&closed)),
        (folder(&layout.managed_file), closed.get(..2).unwrap_or(&closed)),
    ];
    let mut rules = Vec::new();
    for (folder, actions) in kept.into_iter().filter(|(folder, _)| folder.starts_with('/')) {
        let mut spellings = vec![paths::clean(&folder)];
        spellings.extend(files.real_path(&folder).filter(|real| *real != paths::clean(&folder)));
        for spelling in spellings.iter().filter(|spelling| *spelling != "/") {
            for action in actions {
                let pattern = Pattern::parse(action, &paths::escape(spelling))
                    .map_err(|error| LoadFault::File { path: folder.clone(), reason: error.message })?;
                rules.push(closing(action.clone(), pattern, spelling));
            }
        }
    }
    // What is taken in decides, too.
    for place in deciding {
        let (path, kept) = match place {
            Deciding::File(path) => (path, vec![(Action::Edit, ""), (Action::Delete, "")]),
            // What is written in a folder beside its files is nobody's concern; to take the folder away is.
            Deciding::Folder(path, names) => {
                let edits = names.iter().map(|names| (Action::Edit, *names));
                (path, edits.chain([(Action::Delete, "")]).collect())
            }
        };
        let mut spellings = vec![path.clone()];
        spellings.extend(files.real_path(path).filter(|real| real != path));
        for spelling in &spellings {
            for (action, names) in &kept {
                let slash = if names.is_empty() { "" } else { "/" };
                let pattern = Pattern::parse(action, &format!("{}{slash}{names}", paths::escape(spelling)))
                    .map_err(|error| LoadFault::File { path: path.clone(), reason: error.message })?;
                let why = "a policy file takes it in: it changes what agents may do";
                rules.push(Rule {
                    why: Some(why.to_owned()),
                    ..Rule { effect: Effect::Ask, ..closing(action.clone(), pattern, spelling) }
                });
            }
        }
    }
    Ok(Ceiling {
        source: Source::new(SourceKind::Builtin, "built-in", true, rules),
        default: Effect::Allow,
        grants: None,
        roles: std::collections::BTreeMap::new(),
    })
}

fn closing(action: Action, pattern: Pattern, folder: &str) -> Rule {
    let origin = Origin { file: "built-in".into(), line: 0, text: format!("{action}({folder})") };
    Rule {
        patterns: vec![pattern],
        why: Some("only a human changes what guards this machine, in a terminal of their own".to_owned()),
        ..Rule::new(Effect::Deny, Selector::Action(action), origin)
    }
}

/// Whether nobody else than its owner could have written a file that decides; what is missing is nobody's.
pub(crate) fn check_owner(files: &dyn Files, kind: SourceKind, path: &str) -> Result<(), &'static str> {
    let Some(meta) = files.meta(path) else { return Ok(()) };
    let others_write = meta.mode & 0o022 != 0;
    if kind == SourceKind::Managed && (meta.is_link || meta.owner != 0 || others_write) {
        return Err(
            "the managed policy must be root's own file, no link, and writable by nobody else; an administrator \
                    must mend that before anything is allowed",
        );
    }
    // A link's own mode says nothing: what counts is the file that it leads to.
    let led_to = if meta.is_link { files.real_path(path).and_then(|real| files.meta(&real)) } else { Some(meta) };
    if kind == SourceKind::User && led_to.is_some_and(|meta| meta.mode & 0o002 != 0) {
        return Err("anybody on this machine may write it: run `chmod o-w` on it");
    }
    Ok(())
}

/// Reads one file; `None` where it is missing.
fn read(files: &dyn Files, kind: SourceKind, path: &str) -> Result<Option<(Document, String)>, LoadFault> {
    let fault = |reason: String| LoadFault::File { path: path.to_owned(), reason };
    check_owner(files, kind, path).map_err(|reason| fault(reason.to_owned()))?;
    let Some(bytes) = files.read(path).map_err(|error| fault(error.reason))? else {
        return match files.meta(path) {
            None => Ok(None),
            Some(_) => Err(fault("it is there and cannot be read: a link that leads nowhere?".to_owned())),
        };
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| fault(format!("it is not UTF-8 text from byte {} on", error.utf8_error().valid_up_to())))?;
    match document::parse(kind, path, &text) {
        Ok(document) => Ok(Some((document, text))),
        Err(problems) => Err(LoadFault::of(problems, &text)),
    }
}
