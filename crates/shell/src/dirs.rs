//! Where relative paths start, as `cd` moves through a line.

use std::rc::Rc;

use crate::Dir;

/// The directories that a command may run in. More than one where it depends on whether a `cd` succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dirs(Rc<[Dir]>);

/// The most directories that are kept apart.
const MOST: usize = 4;

impl Dirs {
    /// The directory that the call starts in.
    pub(crate) fn start() -> Dirs {
        Dirs(Rc::new([Dir::Cwd(String::new())]))
    }

    /// Nothing is known.
    pub(crate) fn unknown() -> Dirs {
        Dirs(Rc::new([Dir::Unknown]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Dir> {
        self.0.iter()
    }

    /// Either of both.
    pub(crate) fn or(&self, other: &Dirs) -> Dirs {
        if Rc::ptr_eq(&self.0, &other.0) || self.covers(other) {
            return self.clone();
        }
        let mut all = self.0.to_vec();
        for dir in other.iter() {
            if !all.contains(dir) {
                all.push(dir.clone());
            }
        }
        if all.contains(&Dir::Unknown) || all.len() > MOST { Dirs::unknown() } else { Dirs(all.into()) }
    }

    /// Whether nothing of `other` is new.
    pub(crate) fn covers(&self, other: &Dirs) -> bool {
        other.0.iter().all(|dir| self.0.contains(dir))
    }

    /// After `cd path`.
    pub(crate) fn enter(&self, path: &str) -> Dirs {
        let join = |dir: &Dir| match dir {
            Dir::Unknown if !path.starts_with(['/', '~']) => Dir::Unknown,
            Dir::Cwd(base) if !base.is_empty() && !path.starts_with(['/', '~']) => {
                Dir::Cwd(format!("{}/{path}", base.trim_end_matches('/')))
            }
            _ => Dir::Cwd(path.to_owned()),
        };
        let all = self.0.iter().map(|dir| Dirs(Rc::new([join(dir)])));
        all.reduce(|all, one| all.or(&one)).unwrap_or_else(Dirs::unknown)
    }
}

/// The directories that are left behind by a command, by how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    pub(crate) success: Dirs,
    pub(crate) failure: Dirs,
}

impl Exit {
    /// The command changes nothing.
    pub(crate) fn same(dirs: &Dirs) -> Exit {
        Exit { success: dirs.clone(), failure: dirs.clone() }
    }

    /// However it ended.
    pub(crate) fn any(&self) -> Dirs {
        self.success.or(&self.failure)
    }
}
