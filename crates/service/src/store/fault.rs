//! What can go wrong with the store, in one line each that says what a human does.

use std::path::{Path, PathBuf};

/// What went wrong with the store. Whoever decides denies then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The path is not absolute.
    #[error("the store's path `{path}` is not absolute: give the whole path")]
    Relative {
        /// The store's file.
        path: PathBuf,
    },
    /// The folder of the store is not what it must be.
    #[error("the store's folder `{path}` {problem}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The store's file is not what it must be.
    #[error("the store `{path}` {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A newer version wrote it.
    #[error(
        "the store `{path}` was written by a newer countersign (its schema is {found}, this one knows {known}): upgrade countersign"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// An older version wrote it, and whoever opened it does not migrate.
    #[error(
        "the store `{path}` was written by an older countersign (its schema is {found}, this one needs {known}): run `countersign status` once, which brings it up to date"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema that this version needs.
        known: i64,
    },
    /// Another process holds it.
    #[error(
        "the store `{path}` is locked by another process: try again; if it stays so, see who holds it with `fuser {path}`"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged, or no store at all.
    #[error(
        "the store `{path}` is damaged ({detail}): move it away, and a new one is made; its grants have to be given again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It cannot be written.
    #[error("the store `{path}` cannot be written: make the file, its folder and the file system writable")]
    Unwritable {
        /// The file.
        path: PathBuf,
    },
    /// There is no room.
    #[error("there is no room left for the store `{path}`: free some space on its disk")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no random bits.
    #[error("the system gave no random bits: {0}")]
    Random(String),
    /// Anything else.
    #[error("the store `{path}` failed: {detail}")]
    Other {
        /// The file.
        path: PathBuf,
        /// What was said of it.
        detail: String,
    },
}

impl StoreError {
    /// What a fault of the database means for the store at that path.
    pub(crate) fn of(path: &Path, fault: sqlx::Error) -> StoreError {
        let path = path.to_owned();
        let detail = match &fault {
            sqlx::Error::Database(error) => error.message().to_owned(),
            other => other.to_string(),
        };
        let code = match &fault {
            sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<i32>().ok()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => return StoreError::Damaged { path, detail },
            _ => None,
        };
        // The primary result code is the lowest byte: https://www.sqlite.org/rescode.html
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => StoreError::Locked { path },
            Some(3 | 8 | 14) => StoreError::Unwritable { path },
            Some(11 | 26) => StoreError::Damaged { path, detail },
            Some(13) => StoreError::Full { path },
            _ => StoreError::Other { path, detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;

    use super::StoreError;
    use crate::block_on::block_on;
    use crate::store::{AuditFilter, LogEntry, LogFilter, Open, Store, Synchronous};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    fn entry(detail: usize) -> LogEntry {
        LogEntry { detail: serde_json::json!("x".repeat(detail)).into(), ..LogEntry::blank() }
    }

    /// A store whose next writes meet this pragma, and what they say of it.
    fn said(pragma: &'static str) -> (tempfile::TempDir, Store, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/countersign.db");
        let mut store = block_on(Store::open(&path, Open::Cli)).unwrap();
        block_on(store.log(&[entry(1)], true, NOON)).unwrap();
        block_on(async { sqlx::raw_sql(pragma).execute(&mut store.db).await }).unwrap();
        let error: StoreError = block_on(store.log(&[entry(100_000)], true, NOON)).unwrap_err();
        let text = error.to_string().replace(folder.path().to_str().unwrap(), "DIR");
        (folder, store, text)
    }

    #[test]
    fn full() {
        // As many pages as it has, and no more.
        let (_folder, mut store, text) = said("PRAGMA max_page_count = 1");
        insta::assert_snapshot!(text, @"there is no room left for the store `DIR/data/countersign.db`: free some space on its disk");
        // Nothing of it was written, what was there can be read, and with room it goes on.
        assert_eq!(block_on(store.log_entries(&LogFilter::default())).unwrap().len(), 1);
        block_on(async { sqlx::raw_sql("PRAGMA max_page_count = 10000").execute(&mut store.db).await }).unwrap();
        block_on(store.log(&[entry(100_000)], true, NOON)).unwrap();
    }

    #[test]
    fn full_in_the_middle_of_a_transaction() {
        let (_folder, mut store, _) = said("PRAGMA max_page_count = 1");
        let big = serde_json::json!("x".repeat(100_000));
        let error = block_on(store.audit("ana", "noted", &big, NOON)).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert_eq!(block_on(store.audit_entries(&AuditFilter::default())).unwrap().len(), 0);
        block_on(async { sqlx::raw_sql("PRAGMA max_page_count = 10000").execute(&mut store.db).await }).unwrap();
        block_on(store.audit("ana", "noted", &big, NOON)).unwrap();
        assert_eq!(block_on(store.audit_entries(&AuditFilter::default())).unwrap().len(), 1);
    }

    #[test]
    fn unwritable() {
        let (_folder, mut store, text) = said("PRAGMA query_only = 1");
        insta::assert_snapshot!(text, @"the store `DIR/data/countersign.db` cannot be written: make the file, its folder and the file system writable");
        assert_eq!(block_on(store.log_entries(&LogFilter::default())).unwrap().len(), 1);
    }
    #[test]
    fn rolled_back_by_sqlite_itself() {
        // As SQLite does where a write to the disk failed. Every later write of a server failed then, until a restart.
        let folder = tempfile::tempdir().unwrap();
        let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Serve)).unwrap();
        let mut writing = block_on(store.begin(NOON, Synchronous::Full)).unwrap();
        block_on(async { sqlx::raw_sql("ROLLBACK").execute(writing.db()).await }).unwrap();
        drop(writing);
        block_on(store.audit("ana", "noted", &serde_json::json!({}), NOON)).unwrap();
        assert_eq!(block_on(store.audit_entries(&AuditFilter::default())).unwrap().len(), 1);
    }
}
