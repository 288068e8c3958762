//! Files that are replaced whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Who may read a file that is new. One that exists keeps its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Its owner alone.
    Private,
    /// Whoever the user's umask lets.
    Shared,
}

/// The text of a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("`{}` could not be read", path.display())),
    }
}

/// Replaces a file's text: whoever reads it sees the old text or the new one, also after a crash. A link stays a link,
/// and what it points to is replaced.
pub(crate) fn replace(path: &Path, text: &str, mode: Mode) -> Result<()> {
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().with_context(|| format!("`{}` names no file", path.display()))?;
    make_folder(folder, mode)?;
    let bits = match std::fs::metadata(path) {
        Ok(about) => Some(about.permissions().mode() & 0o7777),
        Err(_) if mode == Mode::Private => Some(0o600),
        Err(_) => None,
    };
    let (temporary, mut file) = beside(path)?;
    let written = (|| {
        if let Some(bits) = bits {
            file.set_permissions(std::fs::Permissions::from_mode(bits))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // Best effort: the error that is told is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    written.with_context(|| format!("`{}` could not be written", path.display()))
}

/// A new file in the same folder, which nobody else has open.
fn beside(path: &Path) -> Result<(PathBuf, File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for attempt in 0..100 {
        let temporary = path.with_file_name(format!(".{name}.{}-{attempt}.new", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("`{}` could not be written", path.display())),
        }
    }
    anyhow::bail!("`{}` could not be written: a hundred unfinished files lie beside it", path.display())
}

/// A folder and those above it; new private ones are for their owner alone.
pub(crate) fn make_folder(folder: &Path, mode: Mode) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    if mode == Mode::Private {
        builder.mode(0o700);
    }
    builder.create(folder).with_context(|| format!("the folder `{}` could not be made", folder.display()))
}

/// Holds a lock until it is dropped, so that two edits never cross.
pub(crate) fn lock(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        make_folder(folder, Mode::Private)?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.with_context(|| format!("the lock `{}` could not be opened", path.display()))?;
    file.lock().with_context(|| format!("the lock `{}` could not be taken", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_keeps_its_mode_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, "new", Mode::Private).unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn a_new_private_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        replace(&path, "x", Mode::Private).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
