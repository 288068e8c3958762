//! The file system as the engine sees it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use countersign_engine::{FileError, Files, Meta};

/// The largest file that is read: 1 MiB.
const LARGEST: u64 = 1 << 20;
/// The most symbolic links that a path may lead through; the kernel's own limit.
const MOST_LINKS: usize = 40;

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        let fault = |reason: String| FileError { path: path.to_owned(), reason };
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error.to_string())),
            Ok(meta) if !meta.is_file() => return Err(fault("it is not a regular file".to_owned())),
            Ok(_) => {}
        }
        // Should a pipe have come in its place by now, opening it must not wait for a writer.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(nonblock).open(path);
        let mut bytes = Vec::new();
        let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        let read = read.map_err(|error| fault(error.to_string()))?;
        if read as u64 > LARGEST {
            return Err(fault("it is larger than 1 MiB".to_owned()));
        }
        Ok(Some(bytes))
    }

    fn real_path(&self, path: &str) -> Option<String> {
        match resolved(path) {
            Some(real) => Some(real),
            None => resolve(Path::new(path))?.into_os_string().into_string().ok(),
        }
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let meta = fs::symlink_metadata(path).ok()?;
        Some(Meta { is_dir: meta.is_dir(), is_link: meta.is_symlink(), owner: meta.uid(), mode: meta.mode() & 0o7777 })
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                return Some(names);
            }
            found => found.ok()?,
        };
        for entry in entries {
            let entry = entry.ok()?;
            let is_dir = entry.file_type().ok()?.is_dir();
            names.push((entry.file_name().to_string_lossy().into_owned(), is_dir));
        }
        Some(names)
    }
}

/// The file system, with a folder of which it was just found out where it really is.
pub(crate) struct DiskWith<'a> {
    /// The folder as it was named.
    pub(crate) folder: &'a str,
    /// Its real path.
    pub(crate) real: &'a str,
}

impl DiskWith<'_> {
    /// Where a name in the folder itself really is, if no link is there: one call to the kernel.
    fn within(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(self.folder)?.strip_prefix('/')?;
        // What a name in `/proc` leads to depends on who looks.
        let is_odd = self.real == "/" || self.real.starts_with("/proc");
        if matches!(name, "" | "." | "..") || name.contains('/') || is_odd {
            return None;
        }
        let there = format!("{}/{name}", self.real);
        match fs::symlink_metadata(&there) {
            Ok(meta) => (!meta.is_symlink()).then_some(there),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some(there),
        }
    }
}

impl Files for DiskWith<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Disk.read(path)
    }

    fn real_path(&self, path: &str) -> Option<String> {
        if path == self.folder {
            return Some(self.real.to_owned());
        }
        self.within(path).or_else(|| Disk.real_path(path))
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        Disk.meta(path)
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        Disk.list(path)
    }
}

/// Where the kernel says that a path leads, if that is there and nothing about it is odd: three calls to the kernel, where
/// following it name by name takes one for each.
#[cfg(target_os = "linux")]
fn resolved(path: &str) -> Option<String> {
    use std::os::fd::AsRawFd as _;
    use std::sync::LazyLock;

    use rustix::fs::{CWD, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, openat2, readlink, statfs};

    // What is mounted at /proc is looked at once: anything else there would say what it likes.
    static IS_PROC: LazyLock<bool> = LazyLock::new(|| statfs("/proc").is_ok_and(|of| of.f_type == PROC_SUPER_MAGIC));
    if !path.starts_with('/') || !*IS_PROC {
        return None;
    }
    // Nothing is opened by this but the name: no pipe waits, no device notices.
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let there = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS).ok()?;
    let real = readlink(format!("/proc/self/fd/{}", there.as_raw_fd()), Vec::with_capacity(256)).ok()?;
    let real = real.into_string().ok()?;
    // Deleted meanwhile; not below our root; or dependent on who looks.
    let is_odd = !real.starts_with('/') || real.ends_with(" (deleted)") || real.starts_with("/proc");
    (!is_odd).then_some(real)
}

#[cfg(not(target_os = "linux"))]
fn resolved(_: &str) -> Option<String> {
    None
}

/// Follows a path as the kernel would, also where its end does not exist yet: a link that leads to nothing leads to
/// where the file would be made.
fn resolve(path: &Path) -> Option<PathBuf> {
    let mut rest: VecDeque<OsString> = VecDeque::new();
    prepend(&mut rest, path);
    let mut real = PathBuf::from("/");
    let mut links = 0;
    let mut exists = true;
    if !path.is_absolute() {
        return None;
    }
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            if !exists {
                return None;
            }
            real.pop();
            continue;
        }
        if !exists {
            real.push(name);
            continue;
        }
        let next = real.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(meta) if meta.is_symlink() => {
                // What `/proc/self` is depends on who looks, and its links lead past names.
                links += 1;
                if links > MOST_LINKS || next.starts_with("/proc") {
                    return None;
                }
                let to = fs::read_link(&next).ok()?;
                if to.is_absolute() {
                    real = PathBuf::from("/");
                }
                prepend(&mut rest, &to);
            }
            // Only a folder has something below it.
            Ok(meta) if !meta.is_dir() && !rest.is_empty() => return None,
            Ok(_) => real = next,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                exists = false;
                real = next;
            }
            Err(_) => return None,
        }
    }
    Some(real)
}

/// Puts a path's components before the rest.
fn prepend(rest: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => rest.push_front(name.to_owned()),
            Component::ParentDir => rest.push_front(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use countersign_engine::Files as _;

    use super::{Disk, DiskWith};

    fn folder() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().to_str().unwrap().to_owned();
        (folder, real)
    }

    #[test]
    fn what_exists_is_followed_as_the_kernel_does() {
        let (_keep, at) = folder();
        fs::create_dir_all(format!("{at}/a/b")).unwrap();
        symlink("a/b", format!("{at}/link")).unwrap();
        fs::write(format!("{at}/a/file"), "x").unwrap();
        assert_eq!(Disk.real_path(&format!("{at}/link/../file")), Some(format!("{at}/a/file")));
        assert_eq!(Disk.real_path(&format!("{at}//a/./b/")), Some(format!("{at}/a/b")));
        assert_eq!(Disk.real_path("/"), Some("/".to_owned()));
        assert_eq!(Disk.real_path("relative"), None);
    }

    #[test]
    fn a_link_to_what_does_not_exist_leads_to_where_it_would_be_made() {
        let (_keep, at) = folder();
        fs::create_dir_all(format!("{at}/elsewhere")).unwrap();
        symlink(format!("{at}/elsewhere/new"), format!("{at}/dangling")).unwrap();
        assert_eq!(Disk.real_path(&format!("{at}/dangling")), Some(format!("{at}/elsewhere/new")));
        assert_eq!(Disk.real_path(&format!("{at}/none/of/it")), Some(format!("{at}/none/of/it")));
        assert_eq!(Disk.real_path(&format!("{at}/none/../x")), None);
    }

    #[test]
    fn what_cannot_be_found_out_is_none() {
        let (_keep, at) = folder();
        symlink("loop", format!("{at}/loop")).unwrap();
        fs::write(format!("{at}/file"), "x").unwrap();
        assert_eq!(Disk.real_path(&format!("{at}/loop")), None);
        assert_eq!(Disk.real_path(&format!("{at}/file/below")), None);
        assert_eq!(Disk.real_path("/proc/self/cwd/x"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn name_by_name_and_by_the_kernel_come_to_the_same() {
        let (_keep, at) = folder();
        fs::create_dir_all(format!("{at}/a/b (deleted)")).unwrap();
        fs::write(format!("{at}/a/file"), "x").unwrap();
        symlink("a/b (deleted)", format!("{at}/link")).unwrap();
        symlink(format!("{at}/none"), format!("{at}/dangling")).unwrap();
        symlink("loop", format!("{at}/loop")).unwrap();
        symlink("/proc/self/cwd", format!("{at}/proc")).unwrap();
        let odd = ["dangling", "loop", "proc", "none", "a/file/", "a/file/x", "a/file/..", "link/", "none/..", "link"];
        let paths = odd.iter().chain(&["", "a", "a/./file", "a//file", "link/../file", "a/../a/file"]);
        for path in paths.map(|path| format!("{at}/{path}")).chain(["/", "/proc/self", "/dev/stdin"].map(str::to_owned))
        {
            let slow = super::resolve(path.as_ref()).map(|real| real.to_str().unwrap().to_owned());
            if let Some(quick) = super::resolved(&path) {
                assert_eq!(Some(quick), slow, "{path}");
            }
        }
        for (path, real) in [("a/file", "a/file"), ("link/../file", "a/file"), ("a//./", "a")] {
            assert_eq!(super::resolved(&format!("{at}/{path}")), Some(format!("{at}/{real}")));
        }
        for path in odd {
            assert_eq!(super::resolved(&format!("{at}/{path}")), None, "{path}");
        }
        assert_eq!(super::resolved("a"), None);
    }

    #[test]
    fn in_a_folder_that_is_known_the_same_is_found() {
        let (_keep, at) = folder();
        fs::create_dir_all(format!("{at}/real/sub")).unwrap();
        symlink("real", format!("{at}/folder")).unwrap();
        symlink("sub", format!("{at}/real/link")).unwrap();
        symlink("none", format!("{at}/real/dangling")).unwrap();
        symlink("loop", format!("{at}/real/loop")).unwrap();
        let with = DiskWith { folder: &format!("{at}/folder"), real: &format!("{at}/real") };
        for name in
            ["", "/", "/.", "/..", "/sub", "/sub/", "/none", "/none/x", "/link", "/dangling", "/loop", "/../x", "x"]
        {
            let path = format!("{at}/folder{name}");
            assert_eq!(with.real_path(&path), Disk.real_path(&path), "{path}");
        }
        symlink("/", format!("{at}/root")).unwrap();
        let root = DiskWith { folder: &format!("{at}/root"), real: "/" };
        assert_eq!(root.real_path(&format!("{at}/root/etc")), Disk.real_path("/etc"));
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let (_keep, at) = folder();
        let pipe = format!("{at}/pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(Disk.read(&pipe).unwrap_err().reason, "it is not a regular file");
    }

    #[test]
    fn missing_is_no_error_and_too_large_is_one() {
        let (_keep, at) = folder();
        assert_eq!(Disk.read(&format!("{at}/none")), Ok(None));
        fs::write(format!("{at}/large"), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(Disk.read(&format!("{at}/large")).unwrap_err().reason, "it is larger than 1 MiB");
        fs::write(format!("{at}/fits"), vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(Disk.read(&format!("{at}/fits")).unwrap().unwrap().len(), 1 << 20);
        assert!(Disk.meta(&at).unwrap().is_dir);
        assert_eq!(Disk.list(&at).unwrap().len(), 2);
        assert_eq!(Disk.list(&format!("{at}/none")), Some(Vec::new()));
        assert_eq!(Disk.list(&format!("{at}/fits")), None);
    }
}
