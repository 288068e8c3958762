//! Other systems' files that policy files take in.

use std::sync::Arc;

use countersign_formats::{Platform, Setting, System, Text};
use countersign_policy::SourceKind;
use countersign_policy::document::{Document, Import, Imported, Problem};

use crate::load::{Known, Layout, LoadFault, PolicyFile, check_owner};
use crate::{Files, paths};

/// The most files that are looked for in one folder.
const MOST_NAMES: usize = 1000;

/// The folder of the importing file, and what is known of it.
pub(crate) struct Importer<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) layout: &'a Layout,
    pub(crate) known: &'a dyn Known,
    /// The project's real path.
    pub(crate) project: &'a str,
    /// Where the importing file is.
    pub(crate) path: &'a str,
    /// Whether the importing file's allows count.
    pub(crate) trusted: bool,
}

/// What the files that a policy file takes in come to.
#[derive(Default)]
pub(crate) struct TakenIn {
    pub(crate) imported: Vec<Imported>,
    pub(crate) files: Vec<PolicyFile>,
    /// The places that decide.
    pub(crate) deciding: Vec<Deciding>,
}

/// A place that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deciding {
    /// A file.
    File(String),
    /// A folder, and the patterns of the names in it that count.
    Folder(String, &'static [&'static str]),
}

impl Deciding {
    /// The folders in which a new file would decide, too.
    pub(crate) fn folders(&self) -> Vec<String> {
        let Deciding::Folder(folder, names) = self else { return Vec::new() };
        let below = names.iter().filter_map(|names| Some(format!("{folder}/{}", names.rsplit_once('/')?.0)));
        std::iter::once(folder.clone()).chain(below).collect()
    }
}

/// The files of one import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// Whose files they are.
    pub system: System,
    /// Where they hold; `None`: on this machine.
    pub platform: Option<Platform>,
    /// Each file with its text, the lowest first.
    pub files: Vec<(String, String)>,
    /// The folders among the places that the import names.
    pub folders: Vec<String>,
}

impl Members {
    /// The files as their system reads them.
    pub fn texts(&self) -> Vec<Text<'_>> {
        self.files.iter().map(|(path, text)| Text::new(path.as_str(), text)).collect()
    }
}

impl Importer<'_> {
    /// What the files that a document takes in come to, and which they are.
    ///
    /// # Errors
    /// A file that is missing, cannot be read or has mistakes, or whose system cannot be told: its asks and denies would
    /// be lost.
    pub(crate) fn read(&self, document: &Document, text: &str) -> Result<TakenIn, LoadFault> {
        let mut taken = TakenIn::default();
        for import in &document.imports {
            self.one(document.kind, import, text, &mut taken)?;
        }
        Ok(taken)
    }

    fn one(&self, kind: SourceKind, import: &Import, text: &str, taken: &mut TakenIn) -> Result<(), LoadFault> {
        let members = members(self.files, kind, import, (self.path, &self.layout.home, self.project))
            .map_err(|problem| LoadFault::of(vec![problem], text))?;
        let own = is_of_project(kind);
        let content = |text: &str| countersign_policy::sha256_hex(text.as_bytes());
        let is_known = |(path, text): &(String, String)| self.known.trusted(path, &content(text));
        let trusted = self.trusted && (!own || members.files.iter().all(is_known));
        let Layout { home, .. } = self.layout;
        let (agent, platform) = (import.agent.as_deref(), members.platform);
        let setting = Setting { kind, trusted, agent, platform, home, project: self.project };
        let imported = members.system.read(&members.texts(), &setting);
        let imported = imported.map_err(|problems| match own {
            true => LoadFault::of(vec![hidden(import, &members, &problems)], text),
            false => LoadFault::Problems { problems: with_texts(problems, &members) },
        })?;
        for (path, text) in &members.files {
            let rules = imported.sources.iter().flat_map(|source| source.rules());
            let rules = rules.filter(|rule| *rule.origin.file == **path).count();
            taken.files.push(PolicyFile { kind, path: path.clone(), content: content(text), trusted, rules });
            taken.deciding.push(Deciding::File(path.clone()));
        }
        let names = members.system.members();
        taken.deciding.extend(members.folders.into_iter().map(|folder| Deciding::Folder(folder, names)));
        taken.imported.push(imported);
        Ok(())
    }
}

/// A project's file or a local one: whoever wrote the repository names the files, and an agent reads what is said of them.
fn is_of_project(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Project | SourceKind::Local)
}

/// That there are mistakes, without a word of what stands there.
fn hidden(import: &Import, members: &Members, problems: &[Problem]) -> Problem {
    let word = members.system.word();
    let all: Vec<&str> = members.files.iter().map(|(path, _)| path.as_str()).collect();
    let first = problems.first().map(|problem| problem.file.as_str()).filter(|file| all.contains(file));
    let path = first.or(all.first().copied()).unwrap_or_default();
    let help = format!("`countersign import --plan --system {word} {}` shows them", all.join(" "));
    import.problem(format!("`{path}` has mistakes as a file of {word}"), Some(help))
}

/// Each problem with the text of its file.
fn with_texts(problems: Vec<Problem>, members: &Members) -> Vec<(Problem, Arc<str>)> {
    let texts: Vec<(&str, Arc<str>)> =
        members.files.iter().map(|(path, text)| (path.as_str(), text.as_str().into())).collect();
    let text = |file: &str| texts.iter().find(|(path, _)| *path == file).map(|(_, text)| Arc::clone(text));
    problems
        .into_iter()
        .map(|problem| {
            let text = text(&problem.file).unwrap_or_else(|| "".into());
            (problem, text)
        })
        .collect()
}

/// The files that an import of the policy file at `path` takes in; `home` is the user's directory, `project` the
/// project's real path.
///
/// # Errors
/// The problem, at the import: a file that is missing, may not be taken in or cannot be read, a folder without files of its
/// system, files of which it cannot be told whose they are, or a platform of which their system knows nothing.
pub fn members(
    files: &dyn Files,
    kind: SourceKind,
    import: &Import,
    (path, home, project): (&str, &str, &str),
) -> Result<Members, Problem> {
    let fault = |message: String, help: &str| import.problem(message, Some(help.to_owned()));
    let named = import.system.as_deref().and_then(System::named);
    let of = Taking { files, kind, import, project };
    let places = places_of_import(import, path, home).ok_or_else(|| {
        fault("there is no home directory to find this in".to_owned(), "write the whole path, from `/` on")
    })?;
    let (mut found, mut folders, mut system) = (Vec::new(), Vec::new(), named);
    for place in places {
        if !of.is_folder(&place) {
            found.push(of.file(&place)?);
            continue;
        }
        of.check_place(&place)?;
        let (its, names) = of.names(&place, named)?;
        if system.is_some_and(|system| system != its) {
            return Err(fault(
                format!("`{place}` is a folder of {}", its.word()),
                "write an `[[import]]` for each system",
            ));
        }
        system = Some(its);
        for name in names {
            found.push(of.file(&format!("{place}/{name}"))?);
        }
        folders.push(place);
    }
    let texts: Vec<Text<'_>> = found.iter().map(|(path, text)| Text::new(path.as_str(), text)).collect();
    let system = system.or_else(|| System::of_all(&texts));
    let Some(system) = system else {
        let known: Vec<&str> = System::ALL.iter().map(|system| system.word()).collect();
        let help = format!("say it: `system = \"opencode\"`, or another of {}", known.join(", "));
        let all: Vec<String> = found.iter().map(|(path, _)| format!("`{path}`")).collect();
        return Err(fault(format!("whose file {} is cannot be told", all.join(" with ")), &help));
    };
    let platform = import.platform.as_deref().map(|word| system.platform(word)).transpose();
    let platform = platform.map_err(|error| import.platform_problem(error.message, Some(error.help)))?;
    Ok(Members { system, platform, files: found, folders })
}

/// What an import is read with.
struct Taking<'a> {
    files: &'a dyn Files,
    kind: SourceKind,
    import: &'a Import,
    project: &'a str,
}

impl Taking<'_> {
    fn fault(&self, message: String, help: &str) -> Problem {
        self.import.problem(message, Some(help.to_owned()))
    }

    fn is_folder(&self, path: &str) -> bool {
        let real = self.files.real_path(path);
        real.and_then(|real| self.files.meta(&real)).is_some_and(|meta| meta.is_dir)
    }

    /// Whether what lies there may be taken in.
    fn check_place(&self, path: &str) -> Result<(), Problem> {
        let real = self.files.real_path(path);
        if is_of_project(self.kind) && real.is_none_or(|real| paths::below(&real, self.project).is_none()) {
            let help = "copy it into the project, or let your own file take it in";
            return Err(self.fault("a project's file takes in only files of the project".to_owned(), help));
        }
        // It decides as the file does that takes it in.
        check_owner(self.files, self.kind, path)
            .map_err(|reason| self.fault(format!("`{path}`: {reason}"), "or take the import out"))
    }

    /// The files in a folder that count, and whose folder it is.
    fn names(&self, folder: &str, named: Option<System>) -> Result<(System, Vec<String>), Problem> {
        let list = |path: &str| {
            let names = self.files.list(path).filter(|names| names.len() <= MOST_NAMES);
            names.ok_or_else(|| {
                let message = format!("what is in the folder `{path}` cannot be found out");
                self.fault(message, "name its files: `from = [\"a.rules\", \"b.rules\"]`")
            })
        };
        let top = list(folder)?;
        let names: Vec<&str> = top.iter().map(|(name, _)| name.as_str()).collect();
        let Some(system) = named.or_else(|| System::of_folder(folder, &names)) else {
            let message = format!("whose folder `{folder}` is cannot be told");
            return Err(self.fault(message, "say it: `system = \"codex\"`, or name its files"));
        };
        if system.members().is_empty() {
            let message = format!("`{folder}` is a folder, and a file of {} stands alone", system.word());
            return Err(self.fault(message, "name the file"));
        }
        let mut found = Vec::new();
        for member in system.members() {
            let (below, name) = member.rsplit_once('/').unwrap_or(("", member));
            let mut names = match below {
                "" => top.clone(),
                // A folder that is a link counts as a file in the list.
                below if !names.contains(&below) => continue,
                below => list(&format!("{folder}/{below}"))?,
            };
            names.sort();
            let counts = |its: &str| name.strip_prefix('*').map_or(its == name, |ending| its.ends_with(ending));
            for (its, is_folder) in names {
                let path = if below.is_empty() { its.clone() } else { format!("{below}/{its}") };
                if is_folder && !below.is_empty() {
                    let message = format!("`{folder}/{path}` is a folder, and what is in it would not be read");
                    return Err(self.fault(message, "name the files that count in `from`"));
                }
                if counts(&its) && !is_folder {
                    found.push(path);
                }
            }
        }
        let both = ["opencode.json", "opencode.jsonc"];
        if both.iter().all(|name| found.iter().any(|its| its == name)) {
            let message = format!("`{folder}` has an opencode.json and an opencode.jsonc");
            return Err(self.fault(message, "name both in `from`, the one that counts less first"));
        }
        if found.is_empty() {
            let message = format!("the folder `{folder}` has no file of {} in it", system.word());
            let help = "without them what they deny would be lost: mend the path, or take the import out";
            return Err(self.fault(message, help));
        }
        Ok((system, found))
    }

    /// A file with its text.
    fn file(&self, path: &str) -> Result<(String, String), Problem> {
        self.check_place(path)?;
        let mend = "mend it, or take the import out";
        let read = self.files.read(path).map_err(|error| self.fault(error.reason, mend))?;
        let Some(bytes) = read else {
            let help = "without it what it denies would be lost: mend the path, or take the import out";
            return Err(self.fault(format!("there is no file `{path}`"), help));
        };
        let text = String::from_utf8(bytes).map_err(|_| self.fault(format!("`{path}` is not UTF-8 text"), mend))?;
        Ok((path.to_owned(), text))
    }
}

/// Where the files and folders are that the policy file at `path` takes in; `None` without a home directory where one
/// needs it.
pub fn places_of_import(import: &Import, path: &str, home: &str) -> Option<Vec<String>> {
    let place = |from: &String| {
        let joined = match from.strip_prefix("~/") {
            Some(_) if home.is_empty() => return None,
            Some(rest) => paths::join(home, rest),
            None if from.starts_with('/') => from.to_owned(),
            None => paths::join(path.rsplit_once('/').map_or("", |(folder, _)| folder), from),
        };
        Some(paths::clean(&joined))
    };
    import.from.iter().map(place).collect()
}
