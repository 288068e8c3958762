//! How a store is left, and what that costs the next one.
//!
//! What is written goes to the write-ahead log first and is folded into the file later. The last connection to close
//! folds all of it and removes the log: two waits for the disk, and the next one to open has to make the log anew.
//! That is right for the command line and the server, and too much for a hook, which comes and goes with each tool
//! call. A hook therefore leaves as a crash would, for which the log is made. The next one to open reads the log
//! through to see where it ends, unless a server holds the store open, so it must stay short; and since how much of it
//! is folded is forgotten with the last connection, SQLite's own folding every so many pages would start with every
//! hook. So a hook that finds the log grown folds and empties it, one in about twenty.

use std::ffi::OsString;
use std::path::PathBuf;

use sqlx::Connection as _;

use super::{Store, StoreError};

/// How large the log may be before a hook folds it: 256 KiB, which take 0.1 ms to read through.
const GROWN: u64 = 256 << 10;

impl Store {
    /// Closes the file, for those who have the time: folds what was written into it.
    ///
    /// # Errors
    /// The store failed. What was acknowledged is on the disk all the same.
    pub async fn close(self) -> Result<(), StoreError> {
        let path = self.path;
        self.db.close().await.map_err(|error| StoreError::of(&path, error))
    }

    /// Leaves the file as it is, for a hook that is about to exit.
    pub fn leave(self) {
        std::mem::forget(self.db);
    }
}

/// Folds the log if it has grown and nobody else is at it. Where that fails, the log stays, and the next one tries.
pub(super) async fn fold(store: &mut Store) {
    let mut log = OsString::from(&store.path);
    log.push("-wal");
    let grown = std::fs::metadata(PathBuf::from(log)).is_ok_and(|meta| meta.len() > GROWN);
    if grown {
        let fold = "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 2000";
        let _ = sqlx::raw_sql(fold).execute(&mut store.db).await;
    }
}
