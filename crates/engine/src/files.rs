//! The view of the file system that taking a call apart needs.

/// A view of the file system. Paths are absolute and `/`-separated.
pub trait Files {
    /// A file's content; `None` where there is no such file.
    ///
    /// # Errors
    /// Whatever keeps an existing file from being read, a file of more than 1 MiB included.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError>;

    /// The path with symbolic links followed as the kernel follows them. For what does not exist yet: its nearest
    /// existing folder's real path and the rest. `None` if it cannot be found out (a loop, a folder that may not be
    /// searched, `..` behind what does not exist, a name that is no UTF-8).
    fn real_path(&self, path: &str) -> Option<String>;

    /// What is at the path itself, links not followed; `None` where there is nothing.
    fn meta(&self, path: &str) -> Option<Meta>;

    /// The names in a folder with whether each is a folder itself (links count as files); none where there is no such
    /// folder or it may not be listed. `None` where that cannot be found out.
    fn list(&self, path: &str) -> Option<Vec<(String, bool)>>;
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Whether it is a symbolic link.
    pub is_link: bool,
    /// The owner's user id.
    pub owner: u32,
    /// The permission bits.
    pub mode: u32,
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot be read: {reason}")]
pub struct FileError {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}
