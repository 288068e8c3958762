//! The policies in force, one for each project: read anew when a file changes.
//!
//! A file that cannot be read never loosens anything: the last good revision stays in force, and every page says so.
//! Where there is none, everything is denied.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use countersign_engine::{Engine, Files, Layout, load};
use countersign_policy::SourceKind;

use super::notices::Notices;
use super::watched::{Seen, Watched};
use crate::disk::Disk;
use crate::store::Known;

/// The most projects whose policies are kept. Agents name projects; the least recently used is forgotten first.
const MOST: usize = 64;
/// Files are looked at themselves after this time, whatever the kernel tells of them.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The policies that were read, by their project as it was named.
pub(crate) struct Engines {
    layout: Layout,
    kept: RwLock<BTreeMap<String, Arc<Kept>>>,
    notices: Notices,
    uses: AtomicU64,
    /// Held while files are read.
    reading: Mutex<()>,
}

struct Kept {
    /// Where the project really is, if it is there.
    real: Option<Arc<str>>,
    /// What the files said when they were last read.
    seen: Seen,
    /// When they were last found to say that still.
    held: Mutex<Option<Held>>,
    good: Option<Arc<Good>>,
    fault: Option<String>,
    used: AtomicU64,
}

/// A look at the files, since which nothing was told of them.
struct Held {
    notices: u64,
    at: Instant,
    known: Arc<Known>,
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
    /// Where the project really is, if it is there.
    pub(crate) real: Option<Arc<str>>,
}

impl Engines {
    pub(crate) fn new(layout: Layout) -> Engines {
        Engines {
            layout,
            kept: RwLock::default(),
            notices: Notices::new(),
            uses: AtomicU64::new(0),
            reading: Mutex::new(()),
        }
    }

    /// The policy in force for a project, after a look at its files; and which files' examples were checked for it and
    /// hold.
    pub(crate) fn of(&self, project: &str, known: &Arc<Known>) -> (InForce, Vec<String>) {
        if let Some(kept) = self.holding(project, known) {
            return (kept.in_force(), Vec::new());
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have read them meanwhile.
        if let Some(kept) = self.holding(project, known) {
            return (kept.in_force(), Vec::new());
        }
        let watched = Watched::new(&Disk, known.as_ref());
        let real: Option<Arc<str>> = watched.real_path(project).map(Arc::from);
        // A name that leads to another project now takes nothing from the one before.
        let before = self.kept().get(project).filter(|kept| kept.real == real).and_then(|kept| kept.good.clone());
        let loaded = load(&watched, &self.layout, real.as_deref().unwrap_or(project), &watched);
        let (good, fault, checked) = match loaded {
            Ok(reading) => {
                let counted = reading
                    .files
                    .iter()
                    .filter(|file| file.trusted && matches!(file.kind, SourceKind::Project | SourceKind::Local));
                let trusted = counted.map(|file| (file.path.clone(), file.content.clone())).collect();
                (Some(Arc::new(Good { engine: Arc::new(reading.engine), trusted })), None, reading.checked)
            }
            Err(fault) => {
                // Asked through `watched`, so that this too is looked at again once it is withdrawn.
                let still = |good: &Arc<Good>| {
                    let Good { trusted, .. } = good.as_ref();
                    trusted.iter().all(|(path, sum)| countersign_engine::Known::trusted(&watched, path, sum))
                };
                (before.filter(still), Some(fault.report()), Vec::new())
            }
        };
        let used = self.uses.fetch_add(1, Ordering::Relaxed).into();
        let kept = Kept { real, seen: watched.seen(), held: Mutex::new(None), good, fault, used };
        let in_force = kept.in_force();
        let mut all = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(project);
        forget(&mut all);
        all.insert(project.to_owned(), Arc::new(kept));
        (in_force, checked)
    }

    /// What is wrong with policies that are in use, after a look at all of them; and as [`Engines::of`].
    pub(crate) fn faults(&self, known: &Arc<Known>) -> (Vec<String>, Vec<String>) {
        let mut projects: Vec<String> = self.kept().keys().cloned().collect();
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

    /// What is kept for a project, if the files still say what they said.
    fn holding(&self, project: &str, known: &Arc<Known>) -> Option<Arc<Kept>> {
        let kept = self.kept().get(project).cloned()?;
        kept.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        // The count first: what changes during the look shows in the next one.
        let notices = self.notices.count();
        if notices.is_some_and(|notices| kept.held_since(notices, known)) {
            return Some(kept);
        }
        let notices = notices.filter(|_| self.notices.tell(kept.seen.files()));
        let at = Instant::now();
        if !kept.seen.holds(&Disk, known.as_ref()) {
            return None;
        }
        *kept.held() = notices.map(|notices| Held { notices, at, known: known.clone() });
        Some(kept)
    }

    fn kept(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Kept>>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(kept: &mut BTreeMap<String, Arc<Kept>>) {
    while kept.len() >= MOST {
        let used = |kept: &Arc<Kept>| kept.used.load(Ordering::Relaxed);
        let oldest = kept.iter().min_by_key(|(_, kept)| used(kept)).map(|(project, _)| project.clone());
        let Some(oldest) = oldest else { return };
        kept.remove(&oldest);
    }
}

impl Kept {
    /// Whether the files held a moment ago, and nothing was told since; nor did what is trusted change.
    fn held_since(&self, notices: u64, known: &Arc<Known>) -> bool {
        self.held().as_ref().is_some_and(|held| {
            held.notices == notices && Arc::ptr_eq(&held.known, known) && held.at.elapsed() < LOOK_AGAIN
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_force(&self) -> InForce {
        InForce {
            engine: self.good.as_ref().map(|good| good.engine.clone()),
            fault: self.fault.clone(),
            real: self.real.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use countersign_engine::{Layout, PROJECT_FILE};

    use super::Engines;
    use crate::block_on::block_on;
    use crate::store::{Open, Store};

    #[test]
    fn a_name_that_leads_to_another_project_takes_no_policy_along() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for (project, policy) in [("good", "deny = [\"shell(rm *)\"]"), ("broken", "deny = [")] {
            let file = folder.path().join(project).join(PROJECT_FILE);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, policy).unwrap();
        }
        let layout = Layout {
            home: at("home"),
            user_file: at("home/countersign.toml"),
            config_dir: at("home"),
            managed_file: at("managed.toml"),
            data_dir: at("data"),
        };
        let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Serve)).unwrap();
        let known = Arc::new(block_on(store.known("ana")).unwrap());
        let engines = Engines::new(layout);
        let link = at("link");
        symlink(at("good"), &link).unwrap();
        let (good, _) = engines.of(&link, &known);
        assert!(good.engine.is_some() && good.fault.is_none(), "{:?}", good.fault);
        fs::remove_file(&link).unwrap();
        symlink(at("broken"), &link).unwrap();
        let (broken, _) = engines.of(&link, &known);
        assert!(broken.engine.is_none() && broken.fault.is_some());
    }
}
