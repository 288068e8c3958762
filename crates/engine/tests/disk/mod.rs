//! A small file system for tests.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use countersign_engine::{FileError, Files, Meta};

/// A small file system: folders, files and links.
#[derive(Default)]
pub(crate) struct Disk {
    folders: BTreeSet<String>,
    files: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    programs: BTreeSet<String>,
    /// A folder whose names cannot be found out.
    pub(crate) unlistable: Option<String>,
}

impl Disk {
    pub(crate) fn new() -> Disk {
        let mut disk = Disk::default();
        for folder in ["/", "/repo", "/repo/src", "/repo/sub", "/etc", "/home", "/home/u", "/home/u/.ssh", "/link"] {
            disk.folders.insert(folder.to_owned());
        }
        disk.files.insert("/repo/src/main.rs".to_owned(), "fn main() {}\n".to_owned());
        disk.files.insert("/etc/passwd".to_owned(), String::new());
        disk.files.insert("/home/u/.ssh/id_ed25519".to_owned(), String::new());
        disk.links.insert("/repo/out".to_owned(), "/etc".to_owned());
        disk.links.insert("/link/repo".to_owned(), "/repo".to_owned());
        disk
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&mut self, path: &str, text: &str) {
        let mut folder = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            self.folders.insert(if folder.is_empty() { "/".to_owned() } else { folder.clone() });
            folder = format!("{folder}/{name}");
        }
        self.files.insert(path.to_owned(), text.to_owned());
    }

    /// Writes a file that can be run.
    pub(crate) fn program(&mut self, path: &str) {
        self.write(path, "");
        self.programs.insert(path.to_owned());
    }

    /// Makes a link, and the folders above it.
    pub(crate) fn link(&mut self, path: &str, to: &str) {
        self.write(path, "");
        self.files.remove(path);
        self.links.insert(path.to_owned(), to.to_owned());
    }

    fn resolve(&self, path: &str, depth: u32) -> Option<String> {
        if depth > 16 {
            return None;
        }
        let mut real = String::new();
        let mut missing = false;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if name == ".." {
                if missing {
                    return None;
                }
                real = real.rsplit_once('/').map(|(parent, _)| parent.to_owned()).unwrap_or_default();
                continue;
            }
            real.push('/');
            real.push_str(name);
            if let Some(to) = self.links.get(&real) {
                real = self.resolve(to, depth + 1)?;
            } else if !self.folders.contains(&real) && !self.files.contains_key(&real) {
                missing = true;
            }
        }
        Some(if real.is_empty() { "/".to_owned() } else { real })
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Ok(self.files.get(path).map(|text| text.clone().into_bytes()))
    }

    fn real_path(&self, path: &str) -> Option<String> {
        self.resolve(path, 0)
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let is_dir = self.folders.contains(path);
        let is_link = self.links.contains_key(path);
        if !is_dir && !is_link && !self.files.contains_key(path) {
            return None;
        }
        let mode = if self.programs.contains(path) { 0o755 } else { 0o644 };
        Some(Meta { is_dir, is_link, owner: 0, mode })
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        if self.unlistable.as_deref() == Some(path) {
            return None;
        }
        let below = |full: &String| {
            let rest = full.strip_prefix(path)?.strip_prefix('/')?;
            if rest.is_empty() || rest.contains('/') { None } else { Some(rest.to_owned()) }
        };
        let folders = self.folders.iter().filter_map(below).map(|name| (name, true));
        let files = self.files.keys().chain(self.links.keys()).filter_map(below).map(|name| (name, false));
        Some(folders.chain(files).collect())
    }
}
