//! Whether anything about some files may have changed, without a look at them: what the kernel told since the last look.
//!
//! Linux queues an event (inotify) before the call that changed a file returns to whoever made it, so that a change that
//! was finished before a look shows in it. Not all is told: not what is mounted over a file, not what is written through
//! a mapping, not what another machine writes. Users of this look at the files themselves now and then all the same; and
//! where a link leads on or a file system is not known to be this machine's own, nothing is promised at all.

#[cfg(target_os = "linux")]
pub(crate) use linux::Notices;
#[cfg(not(target_os = "linux"))]
pub(crate) use none::Notices;

/// What is to be told of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'p> {
    /// What it is, what is in it if it is a file, and where it leads.
    Itself(&'p str),
    /// That, and what is in it if it is a folder.
    Within(&'p str),
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeSet, HashMap};
    use std::fs;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::fs::inotify::{CreateFlags, Event, Reader, WatchFlags, add_watch, init};
    use rustix::fs::statfs;
    use rustix::io::Errno;

    use super::Told;

    /// The most names that the kernel tells of; beyond it, all is forgotten, and asked for anew by those who need it.
    pub(super) const MOST: usize = 4096;

    /// File systems whose files nobody changes but this machine, as `statfs` names them: ext2 to ext4, btrfs, xfs, tmpfs,
    /// overlayfs, f2fs, zfs, bcachefs.
    const OWN: [u64; 8] =
        [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, OVERLAY, 0xF2F5_2010, 0x2FC1_2FC1, 0xCA45_1A4E];

    const OVERLAY: u64 = 0x794C_7630;

    /// See the module.
    pub(crate) struct Notices(Mutex<State>);

    struct State {
        queue: Option<OwnedFd>,
        /// Which names matter, by the kernel's number of the folder or file.
        names: HashMap<i32, Names>,
        many: usize,
        /// How often something that matters happened.
        count: u64,
    }

    #[derive(Default)]
    struct Names {
        all: bool,
        some: BTreeSet<Vec<u8>>,
    }

    /// Why something is not told of.
    enum Untold {
        /// It is not there. That it comes will be told.
        Absent,
        /// It may change without a word.
        Unknown,
    }

    impl Notices {
        pub(crate) fn new() -> Notices {
            Notices(Mutex::new(State::new(0)))
        }

        /// A number that grows when anything that is to be told of may have changed; `None` where the kernel tells nothing.
        pub(crate) fn count(&self) -> Option<u64> {
            self.lock().count()
        }

        /// Has the kernel tell of these from now on. False: of some it does not.
        pub(crate) fn tell<'p>(&self, of: impl Iterator<Item = Told<'p>>) -> bool {
            let mut state = self.lock();
            if state.many >= MOST {
                *state = State::new(state.count + 1);
            }
            let mut all = true;
            for told in of {
                let (path, within) = match told {
                    Told::Itself(path) => (path, false),
                    Told::Within(path) => (path, true),
                };
                all &= !matches!(state.tell(path, within), Err(Untold::Unknown));
            }
            all
        }

        /// Should somebody have panicked meanwhile, then a name may be missing that is told of: all counts as changed.
        fn lock(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(|poisoned| {
                self.0.clear_poison();
                let mut state = PoisonError::into_inner(poisoned);
                *state = State::new(state.count + 1);
                state
            })
        }
    }

    impl State {
        fn new(count: u64) -> State {
            let queue = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok();
            State { queue, names: HashMap::new(), many: 0, count }
        }

        fn count(&mut self) -> Option<u64> {
            let mut room = [MaybeUninit::uninit(); 4096];
            let mut events = Reader::new(self.queue.as_ref()?, &mut room);
            let mut matters = false;
            loop {
                match events.next() {
                    Ok(event) => matters |= concerns(&self.names, &event),
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(_) => return None,
                }
            }
            self.count += u64::from(matters);
            Some(self.count)
        }

        /// Each folder on the way, from the root on, and then what is there.
        fn tell(&mut self, path: &str, within: bool) -> Result<(), Untold> {
            let names = path.strip_prefix('/').ok_or(Untold::Unknown)?;
            let mut folder = String::from("/");
            for name in names.split('/') {
                if matches!(name, "" | "." | "..") {
                    return Err(Untold::Unknown);
                }
                if self.watch(&folder, WatchFlags::ONLYDIR)?.some.insert(name.as_bytes().to_vec()) {
                    self.many += 1;
                }
                if !folder.ends_with('/') {
                    folder.push('/');
                }
                folder.push_str(name);
            }
            if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
                return Err(Untold::Unknown);
            }
            self.watch(path, WatchFlags::empty())?.all |= within;
            Ok(())
        }

        /// A link is no folder, and what it leads to is not looked at.
        fn watch(&mut self, path: &str, flags: WatchFlags) -> Result<&mut Names, Untold> {
            let mut changes = WatchFlags::ATTRIB
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE
                | WatchFlags::MOVE_SELF;
            let kind = statfs(path).map(|of| u64::try_from(of.f_type).unwrap_or_default()).unwrap_or_default();
            // What is written into the files of a folder need not be told: a file itself is told of. An overlay may hand
            // out another file for the same name once it is written to.
            if flags != WatchFlags::ONLYDIR || kind == OVERLAY {
                changes |= WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE;
            }
            let queue = self.queue.as_ref().ok_or(Untold::Unknown)?;
            let flags = changes | WatchFlags::DONT_FOLLOW | WatchFlags::MASK_ADD | flags;
            match add_watch(queue, path, flags) {
                Ok(number) if OWN.contains(&kind) => Ok(self.names.entry(number).or_default()),
                Err(Errno::NOENT) => Err(Untold::Absent),
                _ => Err(Untold::Unknown),
            }
        }
    }

    /// Whether an event is about anything that matters. One without a name is about the folder or file itself, or says
    /// that others were lost.
    fn concerns(names: &HashMap<i32, Names>, event: &Event<'_>) -> bool {
        match (event.file_name(), names.get(&event.wd())) {
            (Some(name), Some(names)) => names.all || names.some.contains(name.to_bytes()),
            _ => true,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod none {
    /// Nothing is told of here.
    pub(crate) struct Notices;

    impl Notices {
        pub(crate) fn new() -> Notices {
            Notices
        }

        pub(crate) fn count(&self) -> Option<u64> {
            None
        }

        pub(crate) fn tell<'p>(&self, _: impl Iterator<Item = super::Told<'p>>) -> bool {
            false
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::linux::MOST;
    use super::{Notices, Told};

    struct World {
        folder: tempfile::TempDir,
        notices: Notices,
    }

    impl World {
        /// `a/b/file` and the folder `a/list` are told of.
        fn new() -> World {
            let world = World { folder: tempfile::tempdir().unwrap(), notices: Notices::new() };
            fs::create_dir_all(world.at("a/b")).unwrap();
            fs::create_dir_all(world.at("a/list")).unwrap();
            fs::write(world.at("a/b/file"), "one").unwrap();
            world.told();
            world
        }

        fn at(&self, path: &str) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join(path)
        }

        fn told(&self) {
            let (file, list) = (self.at("a/b/file"), self.at("a/list"));
            let told = [Told::Itself(file.to_str().unwrap()), Told::Within(list.to_str().unwrap())];
            assert!(self.notices.tell(told.into_iter()));
        }

        fn changes(&self, what: &str, change: impl FnOnce()) {
            let before = self.notices.count().unwrap();
            change();
            assert_ne!(self.notices.count().unwrap(), before, "{what}");
            assert_eq!(self.notices.count(), self.notices.count(), "{what}: told once");
            self.told();
        }
    }

    #[test]
    fn each_way_of_changing_a_file_is_told() {
        let world = World::new();
        let file = world.at("a/b/file");
        world.changes("written", || fs::write(&file, "two").unwrap());
        fs::hard_link(&file, world.at("other")).unwrap();
        world.changes("written by another name", || fs::write(world.at("other"), "six").unwrap());
        world.changes("modes", || fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap());
        fs::write(world.at("new"), "new").unwrap();
        world.changes("replaced", || fs::rename(world.at("new"), &file).unwrap());
        world.changes("the new one is written", || fs::write(&file, "ten").unwrap());
        world.changes("gone", || fs::remove_file(&file).unwrap());
        world.changes("back", || fs::write(&file, "").unwrap());
        fs::create_dir_all(world.at("z/b")).unwrap();
        world.changes("a folder above moved away", || fs::rename(world.at("a"), world.at("y")).unwrap());
        world.changes("another came in its place", || fs::rename(world.at("z"), world.at("a")).unwrap());
        world.changes("and has the file", || fs::write(&file, "").unwrap());
        world.changes("a folder's modes", || {
            fs::set_permissions(world.at("a/b"), fs::Permissions::from_mode(0o700)).unwrap();
        });
        world.changes("a listed folder comes", || fs::create_dir(world.at("a/list")).unwrap());
        world.changes("and a name in it", || fs::write(world.at("a/list/x.toml"), "").unwrap());
    }

    #[test]
    fn other_files_are_not_told_of() {
        let world = World::new();
        let before = world.notices.count();
        for other in ["a/b/other", "a/other", "other"] {
            fs::write(world.at(other), "").unwrap();
            fs::remove_file(world.at(other)).unwrap();
        }
        assert_eq!(world.notices.count(), before);
    }

    #[test]
    fn where_a_link_leads_on_nothing_is_promised() {
        let world = World::new();
        symlink(world.at("a"), world.at("link")).unwrap();
        symlink(world.at("a/b/file"), world.at("a/b/link")).unwrap();
        for path in ["link/b/file", "a/b/link", "a/../a/b/file"] {
            assert!(!world.notices.tell([Told::Itself(world.at(path).to_str().unwrap())].into_iter()), "{path}");
        }
        assert!(!world.notices.tell([Told::Itself("a/b/file")].into_iter()));
        // Not of this machine alone.
        assert!(!world.notices.tell([Told::Itself("/proc/self/status")].into_iter()));
    }

    #[test]
    fn what_was_too_much_to_tell_counts_as_a_change() {
        let world = World::new();
        let before = world.notices.count().unwrap();
        let other = world.at("a/b/other");
        let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
        // Each round is two events at least.
        for _ in 0..=most.trim().parse::<u32>().unwrap() / 2 {
            fs::write(&other, "").unwrap();
            fs::remove_file(&other).unwrap();
        }
        assert_ne!(world.notices.count().unwrap(), before);
    }

    #[test]
    fn with_too_many_names_all_is_asked_for_anew() {
        let world = World::new();
        let before = world.notices.count().unwrap();
        let names: Vec<String> =
            (0..MOST).map(|name| world.at(&format!("a/{name}")).to_str().unwrap().to_owned()).collect();
        assert!(world.notices.tell(names.iter().map(|name| Told::Itself(name))));
        assert_eq!(world.notices.count(), Some(before));
        world.told();
        assert_ne!(world.notices.count(), Some(before));
        world.changes("written", || fs::write(world.at("a/b/file"), "two").unwrap());
    }
}
