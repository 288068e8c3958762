//! What reading a policy asked of the file system and of what is trusted, and whether the answers would be the same now.
//!
//! A file that was read is not read again while its metadata is the same: which file it is, its size and modes, and when
//! it was last changed, by the kernel's own time of change, which nobody can set. That time has a grain of some
//! milliseconds, on some file systems of two seconds, so a file that was changed shortly before it was read could be
//! changed again without a trace: until that is past, it is read and compared each time.

use std::cell::RefCell;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_engine::{FileError, Files, Known, Meta};
use countersign_policy::sha256_hex;

use super::notices::Told;

/// How long ago a change must have been to be told from one that comes: 3 seconds.
const GRAIN_NS: i128 = 3_000_000_000;

/// A view of the files and of what is trusted that remembers what it was asked.
pub(crate) struct Watched<'a, F, K> {
    files: &'a F,
    known: &'a K,
    asked: RefCell<Vec<Asked>>,
    /// The most questions that are remembered.
    most: usize,
}

/// One question and its answer.
#[derive(Debug)]
enum Asked {
    Read {
        path: String,
        stamp: Result<Option<Stamp>, ErrorKind>,
        content: Content,
        settled: AtomicBool,
    },
    Real {
        path: String,
        answer: Option<String>,
    },
    Meta {
        path: String,
        answer: Option<Meta>,
    },
    List {
        path: String,
        answer: Option<Vec<(String, bool)>>,
    },
    Trusted {
        path: String,
        content: String,
        answer: bool,
    },
    /// More than is remembered: nothing says that it would be the same.
    More,
}

/// All that was asked.
#[derive(Debug)]
pub(crate) struct Seen(Vec<Asked>);

/// A file's metadata, where links lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modes: (u32, u32, u32),
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What reading came to: the content's digest, nothing, or why not.
type Content = Result<Option<String>, String>;

impl<'a, F: Files, K: Known> Watched<'a, F, K> {
    pub(crate) fn new(files: &'a F, known: &'a K) -> Watched<'a, F, K> {
        Watched::at_most(usize::MAX, files, known)
    }

    /// The same, for somebody who may ask for anything: of more questions than these is only known that there were.
    pub(crate) fn at_most(most: usize, files: &'a F, known: &'a K) -> Watched<'a, F, K> {
        Watched { files, known, asked: RefCell::default(), most }
    }

    /// What was asked.
    pub(crate) fn seen(self) -> Seen {
        Seen(self.asked.into_inner())
    }

    /// What was asked twice and answered in the same way is asked again once.
    fn note(&self, asked: Asked) {
        let mut all = self.asked.borrow_mut();
        let asked = if all.len() < self.most { asked } else { Asked::More };
        if !all.iter().any(|before| before.is(&asked)) {
            all.push(asked);
        }
    }
}

impl<F: Files, K: Known> Files for Watched<'_, F, K> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        let (stamp, began) = (Stamp::of(path), nanoseconds());
        let read = self.files.read(path);
        let settled = AtomicBool::new(settled(&stamp, began));
        self.note(Asked::Read { path: path.to_owned(), stamp, content: content(&read), settled });
        read
    }

    fn real_path(&self, path: &str) -> Option<String> {
        let answer = self.files.real_path(path);
        self.note(Asked::Real { path: path.to_owned(), answer: answer.clone() });
        answer
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let answer = self.files.meta(path);
        self.note(Asked::Meta { path: path.to_owned(), answer });
        answer
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        let answer = self.files.list(path);
        self.note(Asked::List { path: path.to_owned(), answer: answer.clone() });
        answer
    }
}

impl<F: Files, K: Known> Known for Watched<'_, F, K> {
    fn trusted(&self, path: &str, content: &str) -> bool {
        let answer = self.known.trusted(path, content);
        self.note(Asked::Trusted { path: path.to_owned(), content: content.to_owned(), answer });
        answer
    }

    /// Not remembered: whether examples were checked changes nothing of what is decided.
    fn checked(&self, key: &str) -> bool {
        self.known.checked(key)
    }
}

impl Seen {
    /// Whether all answers would be the same now.
    pub(crate) fn holds(&self, files: &impl Files, known: &impl Known) -> bool {
        self.0.iter().all(|asked| asked.holds(files, known))
    }

    /// What of the files the answers depend on.
    pub(crate) fn files(&self) -> impl Iterator<Item = Told<'_>> {
        self.0.iter().filter_map(|asked| match asked {
            Asked::Read { path, .. } | Asked::Real { path, .. } | Asked::Meta { path, .. } => Some(Told::Itself(path)),
            Asked::List { path, .. } => Some(Told::Within(path)),
            Asked::Trusted { .. } | Asked::More => None,
        })
    }

    /// Whether that is all of it.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(self.0.last(), Some(Asked::More))
    }
}

impl Asked {
    /// Whether it is the same question with the same answer. Two readings of a file are never taken for one.
    fn is(&self, other: &Asked) -> bool {
        match (self, other) {
            (Asked::Real { path: one, answer }, Asked::Real { path: other, answer: again }) => {
                one == other && answer == again
            }
            (Asked::Meta { path: one, answer }, Asked::Meta { path: other, answer: again }) => {
                one == other && answer == again
            }
            (Asked::List { path: one, answer }, Asked::List { path: other, answer: again }) => {
                one == other && answer == again
            }
            (
                Asked::Trusted { path: one, content, answer },
                Asked::Trusted { path: other, content: also, answer: again },
            ) => one == other && content == also && answer == again,
            (Asked::More, Asked::More) => true,
            _ => false,
        }
    }

    fn holds(&self, files: &impl Files, known: &impl Known) -> bool {
        match self {
            Asked::Real { path, answer } => files.real_path(path) == *answer,
            Asked::Meta { path, answer } => files.meta(path) == *answer,
            Asked::List { path, answer } => files.list(path) == *answer,
            Asked::Trusted { path, content, answer } => known.trusted(path, content) == *answer,
            Asked::More => false,
            Asked::Read { path, stamp: before, content: had, settled: is_settled } => {
                let (stamp, began) = (Stamp::of(path), nanoseconds());
                if stamp != *before {
                    return false;
                }
                if is_settled.load(Ordering::Relaxed) {
                    return true;
                }
                let same = content(&files.read(path)) == *had;
                if same && settled(&stamp, began) {
                    is_settled.store(true, Ordering::Relaxed);
                }
                same
            }
        }
    }
}

impl Stamp {
    fn of(path: &str) -> Result<Option<Stamp>, ErrorKind> {
        match fs::metadata(path) {
            Ok(meta) => Ok(Some(Stamp {
                file: (meta.dev(), meta.ino()),
                size: meta.size(),
                modes: (meta.mode(), meta.uid(), meta.gid()),
                modified: (meta.mtime(), meta.mtime_nsec()),
                changed: (meta.ctime(), meta.ctime_nsec()),
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.kind()),
        }
    }
}

/// Whether a change after this would show in the metadata. A time of change that lies ahead says nothing.
fn settled(stamp: &Result<Option<Stamp>, ErrorKind>, now: i128) -> bool {
    match stamp {
        Ok(None) => true,
        Ok(Some(stamp)) => {
            let (seconds, rest) = stamp.changed;
            i128::from(seconds) * 1_000_000_000 + i128::from(rest) < now - GRAIN_NS
        }
        Err(_) => false,
    }
}

fn content(read: &Result<Option<Vec<u8>>, FileError>) -> Content {
    match read {
        Ok(bytes) => Ok(bytes.as_ref().map(|bytes| sha256_hex(bytes))),
        Err(error) => Err(error.reason.clone()),
    }
}

fn nanoseconds() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use countersign_engine::{Files as _, Known};

    use super::{Asked, Seen, Watched};
    use crate::disk::Disk;

    struct Nothing;

    impl Known for Nothing {
        fn trusted(&self, _: &str, _: &str) -> bool {
            false
        }
        fn checked(&self, _: &str) -> bool {
            false
        }
    }

    struct Everything;

    impl Known for Everything {
        fn trusted(&self, _: &str, _: &str) -> bool {
            true
        }
        fn checked(&self, _: &str) -> bool {
            true
        }
    }

    fn read(path: &str) -> Seen {
        let watched = Watched::new(&Disk, &Nothing);
        let _ = watched.read(path);
        watched.seen()
    }

    fn is_settled(seen: &Seen) -> bool {
        matches!(&seen.0[0], Asked::Read { settled, .. } if settled.load(std::sync::atomic::Ordering::Relaxed))
    }

    #[test]
    fn a_change_of_the_same_size_and_time_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countersign.toml").to_str().unwrap().to_owned();
        fs::write(&path, "allow = []").unwrap();
        let when = SystemTime::now() - Duration::from_secs(3_600);
        let set = |path: &str| fs::File::options().write(true).open(path).unwrap().set_modified(when).unwrap();
        set(&path);
        for round in 0..200 {
            let seen = read(&path);
            assert!(!is_settled(&seen), "what was changed just now has to be read again");
            assert!(seen.holds(&Disk, &Nothing));
            fs::write(&path, if round % 2 == 0 { "deny = [] " } else { "allow = []" }).unwrap();
            set(&path);
            assert!(!seen.holds(&Disk, &Nothing), "round {round}");
        }
    }

    #[test]
    fn what_appears_vanishes_or_cannot_be_read_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countersign.toml").to_str().unwrap().to_owned();
        let none = read(&path);
        assert!(is_settled(&none));
        assert!(none.holds(&Disk, &Nothing));
        fs::write(&path, "").unwrap();
        assert!(!none.holds(&Disk, &Nothing));
        let there = read(&path);
        fs::remove_file(&path).unwrap();
        assert!(!there.holds(&Disk, &Nothing));
        fs::create_dir(&path).unwrap();
        let unreadable = read(&path);
        assert!(unreadable.holds(&Disk, &Nothing));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(!unreadable.holds(&Disk, &Nothing));
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["one", "two"] {
            fs::write(at(name), "same").unwrap();
        }
        symlink(at("one"), at("link")).unwrap();
        let seen = read(&at("link"));
        fs::remove_file(at("link")).unwrap();
        symlink(at("two"), at("link")).unwrap();
        assert!(!seen.holds(&Disk, &Nothing));
    }

    #[test]
    fn what_is_asked_twice_is_remembered_once_unless_the_answer_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there").to_str().unwrap().to_owned();
        let watched = Watched::new(&Disk, &Nothing);
        let ask = || (watched.meta(&path), watched.list(&path), watched.real_path(&path));
        ask();
        ask();
        assert_eq!(watched.asked.borrow().len(), 3);
        fs::create_dir(&path).unwrap();
        ask();
        assert_eq!(watched.asked.borrow().len(), 4, "what it is has changed");
        assert!(!watched.seen().holds(&Disk, &Nothing), "of two answers one no longer holds");
    }

    #[test]
    fn trust_that_is_given_or_withdrawn_is_seen() {
        let watched = Watched::new(&Disk, &Everything);
        assert!(watched.trusted("/p/countersign.toml", "x"));
        let seen = watched.seen();
        assert!(seen.holds(&Disk, &Everything));
        assert!(!seen.holds(&Disk, &Nothing));
    }
}
