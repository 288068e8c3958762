//! The policies in force, one for each project: read anew when a file changes.
//!
//! A file that cannot be read never loosens anything: the last good revision stays in force, and every page says so.
//! Where there is none, everything is denied.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_engine::{Engine, Files, Known as _, LOCAL_FILE, Layout, PROJECT_FILE, load};
use countersign_policy::{SourceKind, sha256_hex};

use crate::disk::Disk;
use crate::store::Known;

/// The most projects whose policies are kept. Agents name projects; the least recently used is forgotten first.
const MOST: usize = 64;

/// The policies that were read, by the real path of their project.
pub(crate) struct Engines {
    layout: Layout,
    kept: BTreeMap<String, Kept>,
    uses: u64,
}

struct Kept {
    /// What the files said when they were last read.
    seen: String,
    /// The files of other systems that were taken in, and what they said then.
    taken_in: Vec<TakenIn>,
    /// The folders of which all files are, and what was in them before they were read.
    folders: Vec<(String, Listing)>,
    good: Option<Good>,
    fault: Option<String>,
    used: u64,
}

/// The names in a folder, and which of them are folders; `None`: there is none.
type Listing = Option<Vec<(String, bool)>>;

struct TakenIn {
    path: String,
    content: String,
    is_trusted: bool,
    meta: String,
}

struct Good {
    engine: Arc<Engine>,
    /// The project's files that counted in full: path and content. If one of them is no longer trusted, this revision
    /// must not stay in force.
    trusted: Vec<(String, String)>,
}

/// The policy in force for a project.
#[derive(Clone)]
pub(crate) struct InForce {
    /// `None`: there never was a good revision, and everything is denied.
    pub(crate) engine: Option<Arc<Engine>>,
    /// Why the files as they are now cannot be read.
    pub(crate) fault: Option<String>,
}

impl Engines {
    pub(crate) fn new(layout: Layout) -> Engines {
        Engines { layout, kept: BTreeMap::new(), uses: 0 }
    }

    /// The policy in force for a project, after a look at its files; and which files' examples were checked for it and
    /// hold.
    pub(crate) fn of(&mut self, project: &str, known: &Known) -> (InForce, Vec<String>) {
        let project = Disk.real_path(project).unwrap_or_else(|| project.to_owned());
        let seen = self.look(&project, known);
        self.uses += 1;
        let uses = self.uses;
        if let Some(kept) = self.kept.get_mut(&project)
            && kept.seen == seen
            && kept.taken_in.iter().all(|file| file.is_as_before(known))
            && kept.folders.iter().all(|(folder, listing)| Disk.list(folder) == *listing)
        {
            kept.used = uses;
            return (kept.in_force(), Vec::new());
        }
        let before = self.kept.remove(&project).and_then(|kept| kept.good);
        let mut checked = Vec::new();
        let mut folders = Vec::new();
        let mut loaded = load(&Disk, &self.layout, &project, known);
        if let Ok(reading) = &loaded
            && !reading.folders.is_empty()
        {
            // Listed before they are read: a file that comes in between is seen the next time.
            folders = reading.folders.iter().map(|folder| (folder.clone(), Disk.list(folder))).collect();
            loaded = load(&Disk, &self.layout, &project, known);
        }
        let kept = match loaded {
            Ok(reading) => {
                let counted = reading
                    .files
                    .iter()
                    .filter(|file| file.trusted && matches!(file.kind, SourceKind::Project | SourceKind::Local));
                let trusted = counted.map(|file| (file.path.clone(), file.content.clone())).collect();
                let others =
                    reading.files.iter().filter(|file| !self.places(&project).any(|(path, _)| path == file.path));
                let taken_in = others.map(|file| TakenIn::of(&file.path, &file.content, known)).collect();
                let good = Good { engine: Arc::new(reading.engine), trusted };
                checked = reading.checked;
                Kept { seen, taken_in, folders, good: Some(good), fault: None, used: uses }
            }
            Err(fault) => {
                let mut good = before;
                if let Some(last) = &good
                    && !last.trusted.iter().all(|(path, sum)| known.trusted(path, sum))
                {
                    good = None;
                }
                // The fault may be in a file that is taken in, which nobody knows then: all is read anew the next time.
                Kept {
                    seen: String::new(),
                    taken_in: Vec::new(),
                    folders: Vec::new(),
                    good,
                    fault: Some(fault.report()),
                    used: uses,
                }
            }
        };
        let in_force = kept.in_force();
        self.forget();
        self.kept.insert(project, kept);
        (in_force, checked)
    }

    /// What is wrong with policies that are in use, after a look at all of them; and as [`Engines::of`].
    pub(crate) fn faults(&mut self, known: &Known) -> (Vec<String>, Vec<String>) {
        let mut projects: Vec<String> = self.kept.keys().cloned().collect();
        // A folder without a policy of its own, so that the user's and the administrator's files are looked at.
        projects.push(self.layout.data_dir.clone());
        let (mut faults, mut checked) = (Vec::new(), Vec::new());
        for project in projects {
            let (in_force, held) = self.of(&project, known);
            faults.extend(in_force.fault);
            checked.extend(held);
        }
        faults.sort();
        faults.dedup();
        (faults, checked)
    }

    /// What the files say now, and which of the project's are trusted, in one text that changes when they do.
    fn look(&self, project: &str, known: &Known) -> String {
        let mut seen = String::new();
        for (path, is_own) in self.places(project) {
            let (sum, meta) = (content(&path), meta(&path));
            let is_trusted = is_own && known.trusted(&path, &sum);
            seen.push_str(&format!("{path}\0{sum}\0{meta}\0{is_trusted}\0"));
        }
        seen
    }

    /// Where policy files are, and which of them are the project's own.
    fn places(&self, project: &str) -> impl Iterator<Item = (String, bool)> {
        let shared = [&self.layout.managed_file, &self.layout.user_file].map(|path| (path.clone(), false));
        let own = [PROJECT_FILE, LOCAL_FILE].map(|name| (format!("{project}/{name}"), true));
        shared.into_iter().chain(own)
    }

    fn forget(&mut self) {
        while self.kept.len() >= MOST {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(project, _)| project.clone());
            let Some(oldest) = oldest else { return };
            self.kept.remove(&oldest);
        }
    }
}

impl TakenIn {
    fn of(path: &str, content: &str, known: &Known) -> TakenIn {
        let is_trusted = known.trusted(path, content);
        TakenIn { path: path.to_owned(), content: content.to_owned(), is_trusted, meta: meta(path) }
    }

    fn is_as_before(&self, known: &Known) -> bool {
        content(&self.path) == self.content
            && meta(&self.path) == self.meta
            && known.trusted(&self.path, &self.content) == self.is_trusted
    }
}

/// What a file says, by its digest.
fn content(path: &str) -> String {
    match Disk.read(path) {
        Ok(None) => "none".to_owned(),
        Ok(Some(bytes)) => sha256_hex(&bytes),
        Err(fault) => format!("unreadable: {}", fault.reason),
    }
}

/// Whose a file is, and who may change it.
fn meta(path: &str) -> String {
    format!("{:?}", Disk.meta(path).map(|meta| (meta.is_dir, meta.is_link, meta.owner, meta.mode)))
}

impl Kept {
    fn in_force(&self) -> InForce {
        InForce { engine: self.good.as_ref().map(|good| good.engine.clone()), fault: self.fault.clone() }
    }
}
