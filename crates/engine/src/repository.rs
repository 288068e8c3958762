//! Folders that are repositories by themselves: git follows the configuration in them, which may name programs.

use countersign_policy::{Action, Resource, Target, WordKind};
use countersign_shell::Analysis;

use crate::extract::Taken;
use crate::paths::{below, join};

/// Has a human look at a command of git's that would run in a folder of the workspace which holds a repository without
/// `.git`: whoever writes a project's files can write one.
pub(crate) fn caution(targets: &mut [Target], analysis: &Analysis, of: &Taken<'_>) {
    let is_git = |word: &str| word == "git" || word.ends_with("/git");
    let words = analysis.commands.iter().flat_map(|command| &command.words);
    if !words.into_iter().any(|word| is_git(&word.text) || word.kind == WordKind::Dynamic) {
        return;
    }
    if of.places.cwd != of.places.project
        && let Some(found) = of.files.real_path(&of.places.cwd).and_then(|cwd| above(&cwd, of))
        && let Some(first) = targets.first_mut()
    {
        first.caution.get_or_insert(found);
    }
    for target in targets.iter_mut().filter(|target| target.action == Action::Read && target.caution.is_none()) {
        let Resource::Path(path) = &target.resource else { continue };
        target.caution = path.real.as_deref().and_then(|real| above(real, of));
    }
}

/// The nearest such folder from here up to the project's, or to that of another root.
fn above(folder: &str, of: &Taken<'_>) -> Option<String> {
    let mut folder = folder;
    let is_below = |folder: &str| {
        let in_root = of.places.roots.iter().any(|root| below(folder, root).is_some());
        in_root || below(folder, &of.places.real_project).is_some_and(|rest| !rest.is_empty())
    };
    while is_below(folder) {
        // The rest of a repository can be elsewhere, where a file in it says.
        let has_head = of.files.meta(&join(folder, "HEAD")).is_some_and(|meta| !meta.is_dir);
        if has_head && !folder.ends_with("/.git") {
            return Some(format!("`{folder}` is a repository of its own, whose configuration git would follow"));
        }
        folder = folder.rsplit_once('/')?.0;
    }
    None
}
