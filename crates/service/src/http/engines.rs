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
    good: Option<Good>,
    fault: Option<String>,
    used: u64,
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
        {
            kept.used = uses;
            return (kept.in_force(), Vec::new());
        }
        let before = self.kept.remove(&project).and_then(|kept| kept.good);
        let mut checked = Vec::new();
        let kept = match load(&Disk, &self.layout, &project, known) {
            Ok(reading) => {
                let counted = reading
                    .files
                    .iter()
                    .filter(|file| file.trusted && matches!(file.kind, SourceKind::Project | SourceKind::Local));
                let trusted = counted.map(|file| (file.path.clone(), file.content.clone())).collect();
                let good = Good { engine: Arc::new(reading.engine), trusted };
                checked = reading.checked;
                Kept { seen, good: Some(good), fault: None, used: uses }
            }
            Err(fault) => {
                let mut good = before;
                if let Some(last) = &good
                    && !last.trusted.iter().all(|(path, sum)| known.trusted(path, sum))
                {
                    good = None;
                }
                Kept { seen, good, fault: Some(fault.report()), used: uses }
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
        let shared = [&self.layout.managed_file, &self.layout.user_file].map(String::clone);
        let own = [PROJECT_FILE, LOCAL_FILE].map(|name| format!("{project}/{name}"));
        let mut seen = String::new();
        for (path, is_own) in shared.into_iter().map(|path| (path, false)).chain(own.map(|path| (path, true))) {
            let sum = match Disk.read(&path) {
                Ok(None) => "none".to_owned(),
                Ok(Some(bytes)) => sha256_hex(&bytes),
                Err(fault) => format!("unreadable: {}", fault.reason),
            };
            let meta = Disk.meta(&path).map(|meta| (meta.is_dir, meta.is_link, meta.owner, meta.mode));
            let is_trusted = is_own && known.trusted(&path, &sum);
            seen.push_str(&format!("{path}\0{sum}\0{meta:?}\0{is_trusted}\0"));
        }
        seen
    }

    fn forget(&mut self) {
        while self.kept.len() >= MOST {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(project, _)| project.clone());
            let Some(oldest) = oldest else { return };
            self.kept.remove(&oldest);
        }
    }
}

impl Kept {
    fn in_force(&self) -> InForce {
        InForce { engine: self.good.as_ref().map(|good| good.engine.clone()), fault: self.fault.clone() }
    }
}
