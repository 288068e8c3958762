//! Which paths are inside the working directories, protected, or critical.

use countersign_policy::{Call, PathResource};

use super::known::{NOT_PROTECTED, PROTECTED_FILES, PROTECTED_FOLDERS};

/// The working directories of a call: the project's folder and those that settings add.
pub(super) fn working(additional: &[String], call: &Call) -> Vec<String> {
    let mut folders = vec![call.project.clone()];
    folders.extend(additional.iter().filter_map(|written| resolved(written, call)));
    folders
}

/// Whether both the path and where it leads are in one of the folders.
pub(super) fn is_inside(path: &PathResource, folders: &[String]) -> bool {
    let is = |path: &str| folders.iter().any(|folder| below(path, folder).is_some());
    is(&path.lexical) && path.real.as_deref().is_some_and(is)
}

/// Whether no mode but one writes there unasked.
pub(super) fn is_protected(path: &PathResource) -> bool {
    [Some(&path.lexical), path.real.as_ref()].into_iter().flatten().any(|path| {
        // What lies in a worktree is judged as if the worktree were the project.
        let whole = format!("{}/", path.to_lowercase()).replace(&format!("/{NOT_PROTECTED}/"), "/");
        let name = whole.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        PROTECTED_FILES.contains(&name) || PROTECTED_FOLDERS.iter().any(|folder| whole.contains(&format!("/{folder}/")))
    })
}

/// Whether no rule lets it be removed: the root and what is right below it, the home directory, the working directory
/// and the folders above it.
pub(super) fn is_critical(path: &str, call: &Call) -> bool {
    let path = path.strip_suffix("/*").unwrap_or(path).trim_end_matches('/');
    let top = path.matches('/').count() <= 1;
    let is = |folder: &str| !folder.is_empty() && (below(folder, path).is_some() || path.is_empty());
    top || path == call.home.trim_end_matches('/') || is(&call.cwd) || is(&call.project)
}

/// What is left of `path` below `folder`.
pub(super) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder.strip_suffix('/').unwrap_or(folder))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A folder of the settings, absolute and without `..`.
fn resolved(written: &str, call: &Call) -> Option<String> {
    let absolute = match written.strip_prefix('~') {
        Some(rest) if (rest.is_empty() || rest.starts_with('/')) && !call.home.is_empty() => {
            format!("{}{rest}", call.home)
        }
        Some(_) => return None,
        None if written.starts_with('/') => written.to_owned(),
        None => format!("{}/{written}", call.project),
    };
    let mut names: Vec<&str> = Vec::new();
    for name in absolute.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    // The whole file system as a working directory is more than anybody means.
    if names.is_empty() { None } else { Some(format!("/{}", names.join("/"))) }
}
