//! The store's folder and file: nobody else's, and readable by nobody else.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::StoreError;

/// How a SQLite file begins: see <https://www.sqlite.org/fileformat.html>
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Makes folder and file if they are missing, and refuses what others could have put there or could read.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    if !path.is_absolute() {
        return Err(StoreError::Relative { path: path.to_owned() });
    }
    let folder = path.parent().unwrap_or(path);
    let folder_fault = |problem: String| StoreError::Folder { path: folder.to_owned(), problem };
    let file_fault = |problem: String| StoreError::File { path: path.to_owned(), problem };

    let meta = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.and_then(|()| fs::symlink_metadata(folder)).map_err(|error| {
                folder_fault(format!("could not be made ({error}): make it yourself, with mode 0700"))
            })?
        }
        found => found.map_err(|error| folder_fault(format!("cannot be looked at: {error}")))?,
    };
    if meta.is_symlink() {
        return Err(folder_fault("is a symbolic link: name the folder that it leads to instead".to_owned()));
    }
    if !meta.is_dir() {
        return Err(folder_fault("is not a folder: move it away".to_owned()));
    }
    private(&meta, 0o700).map_err(folder_fault)?;

    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let meta = match made {
        Ok(file) => file.metadata(),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::symlink_metadata(path),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            return Err(StoreError::Unwritable { path: path.to_owned() });
        }
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            return Err(StoreError::Full { path: path.to_owned() });
        }
        Err(error) => Err(error),
    };
    let meta = meta.map_err(|error| file_fault(format!("cannot be looked at: {error}")))?;
    if meta.is_symlink() {
        return Err(file_fault("is a symbolic link: move the file that it leads to here".to_owned()));
    }
    if meta.is_dir() {
        return Err(file_fault("is a folder: move it away, and a new store is made".to_owned()));
    }
    if !meta.is_file() {
        return Err(file_fault("is not a regular file: move it away, and a new store is made".to_owned()));
    }
    if meta.nlink() > 1 {
        return Err(file_fault("has a second name elsewhere (a hard link): copy it, so that it has one".to_owned()));
    }
    private(&meta, 0o600).map_err(file_fault)?;
    if meta.len() > 0 { begins_as_a_database(path) } else { Ok(()) }
}

/// SQLite may never look at the file's beginning: where its journal has the first page, it reads on from there.
fn begins_as_a_database(path: &Path) -> Result<(), StoreError> {
    let fault = |error| StoreError::File { path: path.to_owned(), problem: format!("cannot be read: {error}") };
    let mut file = fs::File::open(path).map_err(fault)?;
    let mut beginning = [0; MAGIC.len()];
    let read = file.read_exact(&mut beginning);
    // Never closed: closing any descriptor of a file drops all locks that this process has on it, those of another
    // connection included, and its database could be folded away under it.
    // https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    std::mem::forget(file);
    match read {
        Ok(()) if beginning == *MAGIC => Ok(()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(fault(error)),
        _ => Err(StoreError::Damaged { path: path.to_owned(), detail: "it does not begin as a database".to_owned() }),
    }
}

/// Whether it belongs to who runs this process and nobody else may touch it.
fn private(meta: &Metadata, mode: u32) -> Result<(), String> {
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me {
        return Err(format!("belongs to another user (uid {}, not {me}): run countersign as its owner", meta.uid()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!("is open to others (mode {:04o}): run `chmod {mode:04o}` on it", meta.mode() & 0o7777));
    }
    Ok(())
}
