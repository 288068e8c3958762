//! Patterns over paths: `src/**` inside the workspace, `/etc/**` absolute, `~/.ssh/**` in the home directory.

use super::glob::{Case, Glob};
use super::marks::Marks;
use super::{PatternError, Workspace};
use crate::call::Call;

/// A pattern over paths.
///
/// `*` stays within a component, `**` spans any number of them. A pattern without a `/` matches at any depth of the
/// workspace; one that ends in `/` means the folder and all below it. An ask or a deny of a folder holds for all
/// below it; an allow means exactly what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    root: Root,
    components: Vec<Component>,
    /// What every path that matches has in it.
    marks: Marks,
}

/// Where a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Workspace,
    Absolute,
    Home,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Component {
    AnyDepth,
    Name(Glob),
}

/// A component of a pattern, for one of another language.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    /// Any number of names.
    AnyDepth,
    /// One that this matches.
    Glob(&'a Glob),
}

impl PathPattern {
    /// Compiles it.
    ///
    /// # Errors
    /// An empty pattern, and one with a `.` or `..` component, which no cleaned-up path would ever match.
    pub fn parse(text: &str) -> Result<PathPattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::new("a path pattern is empty: write `**` for everything in the workspace", 0));
        }
        let (root, relative, offset) = if let Some(rest) = text.strip_prefix('/') {
            (Root::Absolute, rest, 1)
        } else if text == "~" {
            (Root::Home, "", 1)
        } else if let Some(rest) = text.strip_prefix("~/") {
            (Root::Home, rest, 2)
        } else if let Some(rest) = text.strip_prefix("./") {
            (Root::Workspace, rest, 2)
        } else {
            (Root::Workspace, text, 0)
        };
        let (relative, all_below) = match relative.strip_suffix('/') {
            Some(folder) => (folder, true),
            None => (relative, false),
        };
        let mut components = Vec::new();
        let bare = root == Root::Workspace && !text.starts_with("./") && !relative.contains('/');
        if bare && relative != "**" {
            components.push(Component::AnyDepth);
        }
        let mut at = offset;
        for name in relative.split('/') {
            match name {
                "" => {}
                "." | ".." => {
                    return Err(PatternError::new(
                        format!("`{name}` cannot stand in a path pattern: write where it leads"),
                        at,
                    ));
                }
                "**" => components.push(Component::AnyDepth),
                name => components.push(Component::Name(Glob::compile(name))),
            }
            at += name.len() + 1;
        }
        if all_below {
            components.push(Component::AnyDepth);
        }
        let mut marks = Marks::default();
        for component in &components {
            if let Component::Name(glob) = component {
                glob.mark(&mut marks, '/');
            }
        }
        Ok(PathPattern { root, components, marks })
    }

    pub(super) fn marks(&self) -> Marks {
        self.marks
    }

    pub(super) fn root(&self) -> Root {
        self.root
    }

    pub(super) fn names(&self) -> impl Iterator<Item = Name<'_>> {
        self.components.iter().map(|component| match component {
            Component::AnyDepth => Name::AnyDepth,
            Component::Name(glob) => Name::Glob(glob),
        })
    }

    /// Whether an absolute, cleaned-up path with these marks matches in this workspace.
    pub(super) fn matches(&self, path: &str, marks: Marks, call: &Call, case: Case, workspace: Workspace) -> bool {
        if !marks.hold(self.marks) {
            return false;
        }
        let below = match self.root {
            Root::Absolute => path.strip_prefix('/'),
            Root::Workspace => {
                let roots = if workspace == Workspace::Whole { &*call.roots } else { &[] };
                let mut folders = std::iter::once(&call.project).chain(roots);
                return folders.any(|folder| inside(path, folder).is_some_and(|below| self.holds_below(below, case)));
            }
            Root::Home => inside(path, &call.home),
        };
        below.is_some_and(|below| self.holds_below(below, case))
    }

    fn holds_below(&self, below: &str, case: Case) -> bool {
        matches_components(&self.components, below, case)
    }

    /// Whether it matches everything that `other` does, wherever workspace and home are.
    pub(super) fn includes(&self, other: &PathPattern, case: Case, theirs: Case) -> bool {
        if case == Case::Exact && theirs == Case::Fold {
            return false;
        }
        // Seen from `/`, workspace and home are at some depth.
        let above = match (self.root, other.root) {
            (ours, its) if ours == its => None,
            (Root::Absolute, _) => Some(&Component::AnyDepth),
            _ => return false,
        };
        let below = (theirs == Case::Fold).then_some(&Component::AnyDepth);
        let theirs: Vec<&Component> = above.into_iter().chain(&other.components).chain(below).collect();
        includes_components(&self.components, &theirs, case)
    }

    /// What it matches below the folder in which `other` begins: `/**/.env` is `**/.env` in the workspace. `None` where
    /// that is nothing, or cannot be said.
    pub(super) fn in_root_of(&self, other: &PathPattern) -> Option<PathPattern> {
        let anywhere = self.root == Root::Absolute && matches!(self.components.first(), Some(Component::AnyDepth));
        if self.root == other.root || other.root == Root::Absolute {
            Some(self.clone())
        } else if anywhere {
            Some(PathPattern { root: other.root, ..self.clone() })
        } else {
            None
        }
    }
}

/// What is left of `path` below `folder`, or `None` if it is not in it. The folder itself is in it.
fn inside<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    if folder.is_empty() {
        return None;
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The first name of a path and what is left.
fn split_first_name(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_start_matches('/');
    if path.is_empty() { None } else { Some(path.split_once('/').unwrap_or((path, ""))) }
}

/// The same walk as [`Glob::matches`], over components.
fn matches_components(pattern: &[Component], path: &str, case: Case) -> bool {
    let mut components = pattern;
    let mut rest = path;
    let mut retry: Option<(&[Component], &str)> = None;
    loop {
        match (components.split_first(), split_first_name(rest)) {
            (Some((Component::AnyDepth, after)), _) => {
                if after.is_empty() {
                    return true;
                }
                retry = Some((after, rest));
                components = after;
            }
            (None, None) => return true,
            // An ask or deny of a folder holds for what is in it.
            (None, Some(_)) if case == Case::Fold => return true,
            (Some((Component::Name(glob), after)), Some((name, tail))) if glob.matches(name, case) => {
                components = after;
                rest = tail;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                let Some((_, tail)) = split_first_name(from) else { return false };
                retry = Some((after, tail));
                components = after;
                rest = tail;
            }
        }
    }
}

/// The same walk over the components of another pattern: its `**` is a symbol that only a `**` takes, its names are
/// taken by names that include them.
fn includes_components(pattern: &[Component], theirs: &[&Component], case: Case) -> bool {
    let mut components = pattern;
    let mut rest = theirs;
    let mut retry: Option<(&[Component], &[&Component])> = None;
    loop {
        match (components.split_first(), rest.split_first()) {
            (Some((Component::AnyDepth, [])), _) | (None, None) => return true,
            (None, Some(_)) if case == Case::Fold => return true,
            (Some((Component::AnyDepth, after)), _) => {
                retry = Some((after, rest));
                components = after;
            }
            (Some((Component::Name(ours), after)), Some((Component::Name(name), tail)))
                if ours.includes(name, case, case) =>
            {
                (components, rest) = (after, tail);
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                let Some((_, tail)) = from.split_first() else { return false };
                retry = Some((after, tail));
                (components, rest) = (after, tail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{Marks, PathPattern, inside, matches_components};
    use crate::pattern::Case;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn marks_rule_out_nothing_that_matches(
            root in prop::sample::select(&["", "/", "~/", "./", "/**/"][..]),
            names in vec("[aBk.*\u{e9}\u{212a}]{1,3}", 1..3),
            below in vec("[AbK.\u{c9}\u{212a}]{0,3}", 1..4),
            folded in any::<bool>(),
        ) {
            let Ok(pattern) = PathPattern::parse(&format!("{root}{}", names.join("/"))) else { return Ok(()) };
            let path = format!("/Ab/{}", below.join("/"));
            let case = if folded { Case::Fold } else { Case::Exact };
            let walked = [path.strip_prefix('/'), inside(&path, "/Ab")]
                .into_iter()
                .flatten()
                .any(|below| matches_components(&pattern.components, below, case));
            prop_assert!(!walked || Marks::of_path(&path).hold(pattern.marks));
        }
    }
}
