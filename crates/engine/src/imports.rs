//! Other systems' files that policy files take in.

use countersign_formats::{Setting, System, Text};
use countersign_policy::SourceKind;
use countersign_policy::document::{Document, Import, Imported};

use crate::load::{Known, Layout, LoadFault, PolicyFile, check_owner};
use crate::{Files, paths};

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

impl Importer<'_> {
    /// What the files that a document takes in come to, and which they are.
    ///
    /// # Errors
    /// A file that is missing, cannot be read or has mistakes, or whose system cannot be told: its asks and denies would
    /// be lost.
    pub(crate) fn read(&self, document: &Document, text: &str) -> Result<(Vec<Imported>, Vec<PolicyFile>), LoadFault> {
        let mut all = Vec::with_capacity(document.imports.len());
        let mut found = Vec::with_capacity(document.imports.len());
        for import in &document.imports {
            let (imported, file) = self.one(document.kind, import, text)?;
            all.push(imported);
            found.push(file);
        }
        Ok((all, found))
    }

    fn one(&self, kind: SourceKind, import: &Import, text: &str) -> Result<(Imported, PolicyFile), LoadFault> {
        let fault = |message: String, help: &str| LoadFault::Problems {
            problems: vec![import.problem(message, Some(help.to_owned()))],
            text: text.to_owned(),
        };
        let path = place_of_import(import, self.path, &self.layout.home).ok_or_else(|| {
            fault("there is no home directory to find this in".to_owned(), "write the whole path, from `/` on")
        })?;
        // Whoever wrote the repository names the file, and an agent reads what is said of it.
        let own = matches!(kind, SourceKind::Project | SourceKind::Local);
        let real = self.files.real_path(&path);
        if own && real.is_none_or(|real| paths::below(&real, self.project).is_none()) {
            let help = "copy it into the project, or let your own file take it in";
            return Err(fault("a project's file takes in only files of the project".to_owned(), help));
        }
        // It decides as the file does that takes it in.
        check_owner(self.files, kind, &path)
            .map_err(|reason| fault(format!("`{path}`: {reason}"), "or take the import out"))?;
        let read = self.files.read(&path).map_err(|error| fault(error.reason, "mend it, or take the import out"))?;
        let Some(bytes) = read else {
            return Err(fault(
                format!("there is no file `{path}`"),
                "without it what it denies would be lost: mend the path, or take the import out",
            ));
        };
        let inner = String::from_utf8(bytes)
            .map_err(|_| fault(format!("`{path}` is not UTF-8 text"), "mend it, or take the import out"))?;
        let file = Text::new(path.as_str(), &inner);
        let system = match &import.system {
            Some(word) => System::named(word),
            None => System::of(&file),
        };
        let Some(system) = system else {
            let known: Vec<&str> = System::ALL.iter().map(|system| system.word()).collect();
            let help = format!("say it: `system = \"opencode\"`, or another of {}", known.join(", "));
            return Err(fault(format!("whose file `{path}` is cannot be told"), &help));
        };
        let content = countersign_policy::sha256_hex(inner.as_bytes());
        let trusted = self.trusted && (!own || self.known.trusted(&path, &content));
        let Layout { home, .. } = self.layout;
        let setting = Setting { kind, trusted, agent: import.agent.as_deref(), home, project: self.project };
        match system.read(&file, &setting) {
            Ok(imported) => {
                let rules = imported.sources.iter().map(|source| source.rules().len()).sum();
                Ok((imported, PolicyFile { kind, path, content, trusted, rules }))
            }
            Err(_) if own => {
                let word = system.word();
                let help = format!("`countersign import --plan --system {word} {path}` shows them");
                Err(fault(format!("`{path}` has mistakes as a file of {word}"), &help))
            }
            Err(problems) => Err(LoadFault::Problems { problems, text: inner }),
        }
    }
}

/// Where a file is that the policy file at `path` takes in; `None` without a home directory where it needs one.
pub fn place_of_import(import: &Import, path: &str, home: &str) -> Option<String> {
    let from = &import.from;
    let joined = match from.strip_prefix("~/") {
        Some(_) if home.is_empty() => return None,
        Some(rest) => paths::join(home, rest),
        None if from.starts_with('/') => from.to_owned(),
        None => paths::join(path.rsplit_once('/').map_or("", |(folder, _)| folder), from),
    };
    Some(paths::clean(&joined))
}
