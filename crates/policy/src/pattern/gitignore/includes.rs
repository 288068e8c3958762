//! Which paths of our own patterns a pattern of git's ignore files matches, too.

use super::{Anchor, Component, GitignorePattern, pass_depths};
use crate::pattern::path::{Name, PathPattern, Root};

impl GitignorePattern {
    /// Whether it, without regard to case, matches every path that a pattern of ours matches exactly, wherever home and
    /// project are, in a session without further roots. What is not known to be so is not: exceptions, a pattern that starts elsewhere.
    pub(in crate::pattern) fn includes(&self, other: &PathPattern) -> bool {
        let names: Vec<Name<'_>> = other.names().collect();
        let below = match (&self.anchor, other.root()) {
            // A denial starts from the project, too.
            (Anchor::Project | Anchor::Cwd, Root::Workspace)
            | (Anchor::Home, Root::Home)
            | (Anchor::Root, Root::Absolute) => Some(names),
            // Seen from `/`, workspace and home are at some depth.
            (Anchor::Root, _) => Some([vec![Name::AnyDepth], names].concat()),
            (Anchor::Folder(folder), Root::Absolute) => below_folder(&names, folder),
            _ => None,
        };
        self.except.is_empty() && below.is_some_and(|names| self.takes_all_of(&names))
    }

    /// A `**` of theirs is a symbol that only a `**` takes, and their names are taken by names that include them. What
    /// matches a folder matches all below it.
    fn takes_all_of(&self, names: &[Name<'_>]) -> bool {
        let components = &self.folded.pattern;
        let mut places = vec![false; components.len() + 1];
        if let Some(first) = places.first_mut() {
            *first = true;
        }
        pass_depths(components, &mut places);
        for name in names {
            if places.last() == Some(&true) {
                return true;
            }
            let mut next = vec![false; places.len()];
            for (at, (component, _)) in components.iter().zip(&places).enumerate().filter(|(_, (_, taken))| **taken) {
                let to = match (component, name) {
                    (Component::AnyDepth, _) => at,
                    (Component::Name(ours), Name::Glob(theirs)) if ours.includes_folded(theirs) => at + 1,
                    (Component::Name(_), _) => continue,
                };
                if let Some(place) = next.get_mut(to) {
                    *place = true;
                }
            }
            pass_depths(components, &mut next);
            places = next;
        }
        places.last() == Some(&true)
    }
}

/// What is left of the names below a folder that they spell out.
fn below_folder<'n>(names: &[Name<'n>], folder: &str) -> Option<Vec<Name<'n>>> {
    let mut left = names;
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        let (first, rest) = left.split_first()?;
        match first {
            Name::Glob(glob) if glob.literal().as_deref() == Some(name) => left = rest,
            _ => return None,
        }
    }
    Some(left.to_vec())
}
