//! A file system in memory: what the cases' own look-ups were answered from.

use std::collections::BTreeMap;

use countersign_engine::{FileError, Files, Meta};

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Folder,
    File { runs: bool },
    Link(String),
}

/// Folders, files and links.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vfs {
    nodes: BTreeMap<String, Node>,
}

/// How many links are followed.
const MOST_LINKS: u32 = 16;

impl Vfs {
    /// With these folders, and those above them.
    pub(crate) fn with_folders<'a>(folders: impl IntoIterator<Item = &'a str>) -> Vfs {
        let mut vfs = Vfs::default();
        for folder in folders {
            vfs.put(folder, Node::Folder);
        }
        vfs
    }

    /// Adds a file in the notation of the fixtures: `x` can be run, `-` cannot, `-> PATH` is a link.
    pub(crate) fn add(&mut self, path: &str, what: &str) {
        let node = match what.strip_prefix("-> ") {
            Some(to) => Node::Link(to.to_owned()),
            None => Node::File { runs: what == "x" },
        };
        self.put(path, node);
    }

    fn put(&mut self, path: &str, node: Node) {
        self.nodes.entry("/".to_owned()).or_insert(Node::Folder);
        for (at, _) in path.match_indices('/').skip(1) {
            self.nodes.entry(path[..at].to_owned()).or_insert(Node::Folder);
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// The program at a path with all links followed, if there is one that can be run.
    pub(crate) fn program(&self, path: &str) -> Option<String> {
        let real = self.follow(path, MOST_LINKS)?;
        (self.nodes.get(&real) == Some(&Node::File { runs: true })).then_some(real)
    }

    /// The path without `.`, `..` and links; what does not exist is left as it is.
    fn follow(&self, path: &str, links: u32) -> Option<String> {
        let mut real = String::new();
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if name == ".." {
                real = real.rsplit_once('/').map(|(above, _)| above.to_owned()).unwrap_or_default();
                continue;
            }
            let next = format!("{real}/{name}");
            real = match self.nodes.get(&next) {
                Some(Node::Link(_)) if links == 0 => return None,
                Some(Node::Link(to)) if to.starts_with('/') => self.follow(to, links - 1)?,
                Some(Node::Link(to)) => self.follow(&format!("{real}/{to}"), links - 1)?,
                _ => next,
            };
        }
        Some(if real.is_empty() { "/".to_owned() } else { real })
    }
}

impl Files for Vfs {
    fn read(&self, _path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Ok(None)
    }

    fn real_path(&self, path: &str) -> Option<String> {
        self.follow(path, MOST_LINKS)
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        let node = self.nodes.get(path)?;
        let (is_dir, is_link) = (*node == Node::Folder, matches!(node, Node::Link(_)));
        let mode = if *node == (Node::File { runs: true }) { 0o755 } else { 0o644 };
        Some(Meta { is_dir, is_link, owner: 0, mode })
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        let above = format!("{}/", path.trim_end_matches('/'));
        let below = self.nodes.iter().filter_map(|(full, node)| {
            let name = full.strip_prefix(&above)?;
            (!name.is_empty() && !name.contains('/')).then(|| (name.to_owned(), *node == Node::Folder))
        });
        Some(below.collect())
    }
}
