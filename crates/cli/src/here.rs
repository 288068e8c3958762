//! Where a command runs: the user, the project, the files of both.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use countersign_engine::{
    FileError, Files, Known, LOCAL_FILE, Layout, Members, Meta, NothingKnown, PROJECT_FILE, Reading, Request,
};
use countersign_policy::document::{Import, Problem};
use countersign_policy::{Attendance, SourceKind, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{Open, Store};

use crate::place::{MANAGED_FILE, Place};
use crate::screen::Screen;

/// Where a command runs.
pub(crate) struct Here {
    pub(crate) place: Place,
    pub(crate) screen: Screen,
    pub(crate) user: String,
    /// The working directory.
    pub(crate) cwd: PathBuf,
    /// The project's folder.
    pub(crate) project: PathBuf,
}

impl Here {
    pub(crate) fn find(screen: Screen) -> Result<Here> {
        let cwd =
            std::env::current_dir().context("the working directory cannot be found: `cd` into one that exists")?;
        let cwd = std::fs::canonicalize(&cwd).with_context(|| format!("`{}` cannot be looked at", cwd.display()))?;
        let project = project_of(&cwd);
        Ok(Here { place: Place::from_environment()?, screen, user: crate::terminal::user(), cwd, project })
    }

    /// The store, made if there is none.
    pub(crate) fn store(&self) -> Result<Store> {
        Ok(block_on(Store::open(&self.place.store(), Open::Cli))?)
    }

    /// The policy in force here.
    pub(crate) fn load(&self, known: &dyn Known) -> Result<Reading> {
        self.load_from(&Disk, known)
    }

    /// The policy that would be in force with these files.
    pub(crate) fn load_from(&self, files: &dyn Files, known: &dyn Known) -> Result<Reading> {
        let reading = countersign_engine::load(files, &layout(&self.place)?, text(&self.project)?, known);
        reading.map_err(|fault| anyhow::anyhow!("{}", fault.report().trim_end()))
    }

    /// The files that an import of the policy file at `path` takes in, or why they cannot be taken in.
    pub(crate) fn members(&self, kind: SourceKind, import: &Import, path: &str) -> Result<Result<Members, Problem>> {
        let (home, project) = (text(self.place.home())?, text(&self.project)?);
        Ok(countersign_engine::members(&Disk, kind, import, (path, home, project)))
    }

    /// The policy with this text in place of the user's file, and no files of the project.
    pub(crate) fn load_alone(&self, path: &str, text: &str) -> Result<Reading> {
        let layout = Layout { user_file: path.to_owned(), ..layout(&self.place)? };
        let project = self::text(&self.project)?;
        let alone = Alone { project, path, text };
        let reading = countersign_engine::load(&alone, &layout, project, &NothingKnown);
        reading.map_err(|fault| anyhow::anyhow!("{}", fault.report().trim_end()))
    }

    /// A request in our own vocabulary, made here.
    pub(crate) fn request(&self, action: &str, resource: &str) -> Result<Request> {
        Ok(Request {
            cwd: text(&self.cwd)?.to_owned(),
            project: text(&self.project)?.to_owned(),
            session: "terminal".to_owned(),
            user: self.user.clone(),
            home: text(self.place.home())?.to_owned(),
            attendance: Attendance::Somebody,
            ..Request::of(action, resource)
        })
    }

    /// A path as a human names it.
    pub(crate) fn short(&self, path: &Path) -> String {
        match path.strip_prefix(self.place.home()) {
            Ok(rest) => format!("~/{}", rest.display()),
            Err(_) => path.display().to_string(),
        }
    }
}

/// The disk with another policy on it.
struct Alone<'a> {
    project: &'a str,
    /// Where its text stands.
    path: &'a str,
    text: &'a str,
}

impl Files for Alone<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        let of_project = path.strip_prefix(self.project).and_then(|rest| rest.strip_prefix('/'));
        match path {
            _ if path == self.path => Ok(Some(self.text.as_bytes().to_vec())),
            _ if of_project.is_some_and(|name| [PROJECT_FILE, LOCAL_FILE].contains(&name)) => Ok(None),
            _ => Disk.read(path),
        }
    }

    fn real_path(&self, path: &str) -> Option<String> {
        Disk.real_path(path)
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let of_project = path.strip_prefix(self.project).and_then(|rest| rest.strip_prefix('/'));
        match of_project {
            _ if path == self.path => None,
            Some(PROJECT_FILE | LOCAL_FILE) => None,
            _ => Disk.meta(path),
        }
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        Disk.list(path)
    }
}

/// Where the policy files are that belong to no project.
pub(crate) fn layout(place: &Place) -> Result<Layout> {
    Ok(Layout {
        home: text(place.home())?.to_owned(),
        user_file: text(&place.user_file())?.to_owned(),
        config_dir: text(place.config())?.to_owned(),
        managed_file: MANAGED_FILE.to_owned(),
        data_dir: text(place.data())?.to_owned(),
    })
}

/// The folder that a host would take for the project: the nearest one above with a policy file or a repository in it.
fn project_of(cwd: &Path) -> PathBuf {
    let marks = [countersign_engine::PROJECT_FILE, countersign_engine::LOCAL_FILE, ".git"];
    let found = cwd.ancestors().find(|folder| marks.iter().any(|mark| folder.join(mark).exists()));
    found.unwrap_or(cwd).to_path_buf()
}

/// A path as text.
pub(crate) fn text(path: &Path) -> Result<&str> {
    match path.to_str() {
        Some(text) => Ok(text),
        None => bail!("the path `{}` is not UTF-8, and policies are", path.display()),
    }
}

/// The clock. One that stands before 1970 counts as 1970.
pub(crate) fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
