//! Paths as text, and where they really lead.

use countersign_policy::PathResource;

use crate::Files;

/// The folders that relative paths and other spellings start from.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The working directory as the host names it.
    pub(crate) cwd: String,
    /// The project folder as the host names it.
    pub(crate) project: String,
    /// Its real path.
    pub(crate) real_project: String,
    /// Real paths of the session's further folders.
    pub(crate) roots: Vec<String>,
    /// The home directory, or nothing.
    pub(crate) home: String,
}

impl Places {
    /// The resource that a path names, absolute or relative to `dir` below the working directory.
    ///
    /// # Errors
    /// Why the text names no path for certain.
    pub(crate) fn resource(&self, written: &str, dir: &str, files: &dyn Files) -> Result<PathResource, String> {
        if written.is_empty() {
            return Err("an empty path".to_owned());
        }
        if written.chars().any(|c| c == '\0') {
            return Err("a path with a NUL byte".to_owned());
        }
        let absolute = join(&join(&self.cwd, dir), written);
        if !absolute.starts_with('/') {
            return Err(format!("`{written}` starts from no known folder"));
        }
        let lexical = self.respell(clean(&absolute));
        // The kernel follows a link before the `..` behind it: the real path starts from the text as it stands.
        let real = files.real_path(&absolute);
        Ok(PathResource { written: written.to_owned(), lexical, real })
    }

    /// Writes a path below the project with the project's real path, whichever way the host names it.
    fn respell(&self, path: String) -> String {
        match below(&path, &self.project) {
            Some(rest) if self.project != self.real_project => clean(&join(&self.real_project, rest)),
            _ => path,
        }
    }

    /// Whether every spelling lies inside the workspace.
    pub(crate) fn inside(&self, path: &PathResource) -> bool {
        let within = |path: &str| self.workspace().any(|folder| below(path, folder).is_some());
        within(&path.lexical) && path.real.as_deref().is_some_and(within)
    }

    /// The real paths of the folders that are the workspace: the project first.
    pub(crate) fn workspace(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.real_project).chain(&self.roots).map(String::as_str)
    }
}

/// `path` from `folder` on, if it is not absolute.
pub(crate) fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() {
        path.to_owned()
    } else if path.is_empty() {
        folder.to_owned()
    } else {
        format!("{}/{path}", folder.strip_suffix('/').unwrap_or(folder))
    }
}

/// What is left of `path` below `folder`; nothing where it is the folder itself, `None` where it is not in it.
pub(crate) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    if folder.is_empty() {
        return None;
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// An absolute path without empty, `.` and `..` components, by text alone.
pub(crate) fn clean(path: &str) -> String {
    // Most paths are clean.
    if path.len() > 1 && path.starts_with('/') && path.split('/').skip(1).all(|name| !["", ".", ".."].contains(&name)) {
        return path.to_owned();
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// A literal text as a pattern.
pub(crate) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::{below, clean};

    #[test]
    fn cleaning() {
        assert_eq!(clean("/a/./b//../c/"), "/a/c");
        assert_eq!(clean("/../.."), "/");
    }

    #[test]
    fn a_folder_is_no_prefix_of_its_neighbour() {
        assert_eq!(below("/repo-evil/x", "/repo"), None);
        assert_eq!(below("/repo", "/repo/"), Some(""));
        assert_eq!(below("/x", "/"), None);
    }
}
