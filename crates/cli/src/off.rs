//! The window in which the gate is switched off.
//!
//! A small file beside the store, so that a human gets out even where the store is what is broken. What is not exactly
//! as `countersign off` writes it counts for nothing.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use countersign_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::duration::Length;
use crate::file;

/// The longest window.
pub(crate) const LONGEST: Length = Length::hours(8);

/// A window in which the gate has no opinion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Off {
    /// Who switched it off.
    pub(crate) by: String,
    /// When.
    pub(crate) since: Timestamp,
    /// Until when.
    pub(crate) until: Timestamp,
}

impl Off {
    /// A window from now on.
    pub(crate) fn from(now: Timestamp, length: Length, by: String) -> Result<Off> {
        if length > LONGEST {
            bail!("the gate can be switched off for {LONGEST} at most, and {length} is longer");
        }
        Ok(Off { by, since: now, until: now.plus_seconds(length.seconds()) })
    }

    /// The window that is open now, if one is. A file that is not ours alone, or says something impossible, opens none.
    pub(crate) fn now(file: &Path, now: Timestamp) -> Option<Off> {
        let about = std::fs::symlink_metadata(file).ok()?;
        let owner = rustix::process::getuid().as_raw();
        if !about.is_file() || about.uid() != owner || about.mode() & 0o022 != 0 || about.len() > 4096 {
            return None;
        }
        let off: Off = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        let possible = off.since < off.until && off.until <= off.since.plus_seconds(LONGEST.seconds());
        (possible && off.since <= now && now < off.until).then_some(off)
    }

    /// Writes it down.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self).context("the window could not be written as JSON")?;
        file::replace(path, &format!("{text}\n"), file::Mode::Private)
    }

    /// Closes the window. Returns whether there was a file.
    pub(crate) fn close(file: &Path) -> Result<bool> {
        match std::fs::remove_file(file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(|| format!("`{}` could not be removed", file.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("off.json");
        file::replace(&path, text, file::Mode::Private).unwrap();
        (folder, path)
    }

    #[test]
    fn a_window_opens_and_closes_by_time() {
        let off = Off::from(NOW, "15m".parse().unwrap(), "anna".to_owned()).unwrap();
        let (_folder, path) = written("");
        off.save(&path).unwrap();
        assert_eq!(Off::now(&path, NOW), Some(off.clone()));
        assert_eq!(Off::now(&path, NOW.plus_seconds(899)), Some(off));
        assert_eq!(Off::now(&path, NOW.plus_seconds(900)), None);
        assert_eq!(Off::now(&path, NOW.plus_seconds(-1)), None, "a clock that was set back opens nothing");
        assert!(Off::close(&path).unwrap());
        assert!(!Off::close(&path).unwrap());
    }

    #[test]
    fn what_cannot_be_opens_nothing() {
        assert!(Off::from(NOW, "9h".parse().unwrap(), String::new()).is_err());
        let long = format!("{{\"by\":\"a\",\"since\":{},\"until\":{}}}", NOW.0, NOW.0 + 9 * 3_600_000);
        for text in [long.as_str(), "", "{}", "true", "{\"by\":\"a\",\"since\":0,\"until\":9e99}"] {
            let (_folder, path) = written(text);
            assert_eq!(Off::now(&path, NOW), None, "{text}");
        }
    }

    #[test]
    fn a_file_that_others_can_write_opens_nothing() {
        let off = Off::from(NOW, "15m".parse().unwrap(), "anna".to_owned()).unwrap();
        let (folder, path) = written("");
        off.save(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(Off::now(&path, NOW), None);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(Off::now(&link, NOW), None);
    }
}
