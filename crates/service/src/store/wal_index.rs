//! Whether anything was written, by any process: a look at the head of SQLite's wal-index, without SQLite.
//!
//! Every transaction that is committed writes that head anew, with a counter and a checksum, before it is acknowledged
//! (<https://www.sqlite.org/walformat.html>, section 2.1). Two equal heads therefore mean that nothing was committed
//! between them; two different ones may mean nothing. Reading 96 bytes takes less than a microsecond, where the same
//! question to SQLite takes two changes of threads.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The file's open end. Never closed: closing any descriptor of a file drops all locks that this process has on it, those
/// of SQLite included (see `file.rs`).
#[derive(Debug)]
pub(crate) struct WalIndex {
    file: Option<ManuallyDrop<File>>,
}

/// Both copies of the head. While one is being written they differ, and are not what was or will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head([u8; 96]);

impl WalIndex {
    /// Of the store at that path, which must be open already: only then is the file the one that SQLite uses.
    pub(crate) fn of(store: &Path) -> WalIndex {
        let mut name = store.as_os_str().to_owned();
        name.push("-shm");
        WalIndex { file: File::open(PathBuf::from(name)).ok().map(ManuallyDrop::new) }
    }

    /// The head as it is now; `None`, which equals nothing, where it cannot be read.
    pub(crate) fn head(&self) -> Option<Head> {
        let mut head = [0; 96];
        self.file.as_ref()?.read_exact_at(&mut head, 0).ok()?;
        Some(Head(head))
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;
    use serde_json::json;

    use super::WalIndex;
    use crate::block_on::block_on;
    use crate::store::{Open, Store, Synchronous};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn every_commit_shows_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/countersign.db");
        let mut one = block_on(Store::open(&path, Open::Serve)).unwrap();
        let mut other = block_on(Store::open(&path, Open::Cli)).unwrap();
        let index = WalIndex::of(&path);
        let mut seen = vec![index.head().unwrap()];
        for round in 0..300 {
            let store = if round % 2 == 0 { &mut one } else { &mut other };
            block_on(store.audit("ana", "noted", &json!({}), NOON)).unwrap();
            let head = index.head().unwrap();
            assert!(!seen.contains(&head), "round {round}");
            seen.push(head);
            block_on(other.version()).unwrap();
            assert_eq!(index.head(), Some(head));
            if round % 100 == 99 {
                let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
                block_on(async { sqlx::raw_sql(fold).execute(&mut one.db).await }).unwrap();
            }
        }
    }

    #[test]
    fn what_is_not_committed_does_not_show() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/countersign.db");
        let mut store = block_on(Store::open(&path, Open::Serve)).unwrap();
        let index = WalIndex::of(&path);
        let before = index.head().unwrap();
        block_on(store.open_group(Synchronous::Full)).unwrap();
        block_on(store.audit("ana", "noted", &json!({}), NOON)).unwrap();
        assert_eq!(index.head(), Some(before));
        block_on(store.commit_group()).unwrap();
        assert_ne!(index.head(), Some(before));
    }

    #[test]
    fn without_the_file_nothing_is_ever_the_same() {
        let index = WalIndex::of("/nowhere/countersign.db".as_ref());
        assert_eq!(index.head(), None);
    }
}
