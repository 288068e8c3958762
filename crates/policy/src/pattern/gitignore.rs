//! Patterns over paths as git's ignore files have them, from a folder that the rule's file or the call gives.

mod includes;

use serde::{Deserialize, Serialize};

use super::glob::{Case, folded};
use super::wildcard::{Dialect, Wildcard};
use crate::call::Call;

/// Where a pattern starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// The root of the file system.
    Root,
    /// The user's home directory.
    Home,
    /// The project's folder.
    Project,
    /// The call's working directory. Asks and denies start from the project's folder, too.
    Cwd,
    /// This folder, absolute.
    Folder(String),
}

/// A pattern over paths: `.env` at any depth, `/src/**` from its anchor, `docs/*.md`, `build/` and all below it.
///
/// What matches a folder matches all below it. A pattern with a `/` before its end starts at the anchor, another
/// matches at any depth. Exceptions (`!keep.env`) take away what they match, but nothing below a folder that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitignorePattern {
    text: String,
    anchor: Anchor,
    /// Whether a single name matches at the anchor alone.
    at_top: bool,
    except: Vec<String>,
    exact: Compiled,
    folded: Compiled,
}

/// What else is stored of a pattern beside its text.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    anchor: Anchor,
    at_top: bool,
    except: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Compiled {
    pattern: Vec<Component>,
    except: Vec<Vec<Component>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Component {
    AnyDepth,
    Name(Wildcard),
}

impl GitignorePattern {
    /// Compiles it; every text is one, if only one that matches nothing. `at_top`: a single name matches at the anchor
    /// alone.
    pub fn compile(anchor: Anchor, text: &str, at_top: bool) -> GitignorePattern {
        GitignorePattern::of(text.to_owned(), anchor, at_top, Vec::new())
    }

    /// With another exception: the text behind the `!`.
    pub fn except(self, text: &str) -> GitignorePattern {
        let except = self.except.into_iter().chain([text.to_owned()]).collect();
        GitignorePattern::of(self.text, self.anchor, self.at_top, except)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it starts.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// Whether an absolute, cleaned-up path matches.
    pub(super) fn matches(&self, path: &str, call: &Call, case: Case) -> bool {
        let project = inside(&call.cwd, &call.project).is_none() || case == Case::Fold;
        let bases: [Option<&str>; 2] = match &self.anchor {
            Anchor::Root => [Some("/"), None],
            Anchor::Home => [Some(&call.home), None],
            Anchor::Project => [Some(&call.project), None],
            // The project's folder is its real one, the working directory as the host names it.
            Anchor::Cwd => [Some(&call.cwd), Some(&*call.project).filter(|_| project)],
            Anchor::Folder(folder) => [Some(folder), None],
        };
        let below = bases.into_iter().flatten().filter_map(|base| inside(path, base));
        match case {
            Case::Exact => below.into_iter().any(|below| self.exact.matches(below)),
            Case::Fold => below.into_iter().any(|below| self.folded.matches(&folded(below))),
        }
    }

    pub(super) fn written(&self) -> Written {
        Written { anchor: self.anchor.clone(), at_top: self.at_top, except: self.except.clone() }
    }

    pub(super) fn of_written(text: &str, more: &Written) -> GitignorePattern {
        GitignorePattern::of(text.to_owned(), more.anchor.clone(), more.at_top, more.except.clone())
    }

    fn of(text: String, anchor: Anchor, at_top: bool, except: Vec<String>) -> GitignorePattern {
        let compiled = |fold: &dyn Fn(&str) -> String| Compiled {
            pattern: components(&fold(&text), at_top),
            except: except.iter().map(|text| components(&fold(text), at_top)).collect(),
        };
        let (exact, folded) = (compiled(&str::to_owned), compiled(&|text| folded(text).into_owned()));
        GitignorePattern { text, anchor, at_top, except, exact, folded }
    }
}

/// What is left of `path` below `folder`; nothing where it is the folder itself, `None` where it is not in it.
fn inside<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return None;
    }
    let rest = path.strip_prefix(folder.strip_suffix('/').unwrap_or(folder))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A pattern that ends in `/**` is its folder with all below it, as one that ends in `/`.
fn components(text: &str, at_top: bool) -> Vec<Component> {
    if text.trim().is_empty() {
        // No name is empty: it matches nothing.
        return vec![Component::Name(Wildcard::compile(Dialect::Gitignore, ""))];
    }
    let folder = text.strip_suffix("/**").or_else(|| text.strip_suffix('/')).unwrap_or(text);
    let is_anchored = at_top || folder.contains('/') || (folder.is_empty() && folder != text);
    let mut components = if is_anchored { Vec::new() } else { vec![Component::AnyDepth] };
    components.extend(folder.split('/').filter(|name| !matches!(*name, "" | ".")).map(|name| match name {
        "**" => Component::AnyDepth,
        name => Component::Name(Wildcard::compile(Dialect::Gitignore, name)),
    }));
    components
}

impl Compiled {
    fn matches(&self, below: &str) -> bool {
        let names: Vec<&str> = below.split('/').filter(|name| !name.is_empty()).collect();
        let ends = ends(&self.pattern, &names);
        let excepted: Vec<Vec<bool>> = self.except.iter().map(|except| ends_of(except, &names)).collect();
        let is_excepted = |at: usize| excepted.iter().any(|ends| ends.get(at) == Some(&true));
        // The first folder from above that matches decides for all below it.
        ends.iter().enumerate().any(|(at, matches)| *matches && !is_excepted(at))
    }
}

/// The same of an exception, which matches no folder above all else.
fn ends_of(components: &[Component], names: &[&str]) -> Vec<bool> {
    let mut ends = ends(components, names);
    if let Some(top) = ends.first_mut() {
        *top = false;
    }
    ends
}

/// For each number of names from the front, whether the components match just those. All states are walked at once, so
/// that time is the product of both lengths.
fn ends(components: &[Component], names: &[&str]) -> Vec<bool> {
    let mut places = vec![false; components.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    pass_depths(components, &mut places);
    let at_end = |places: &[bool]| places.last() == Some(&true);
    let mut ends = vec![at_end(&places)];
    for name in names {
        let mut next = vec![false; places.len()];
        for (at, (component, _)) in components.iter().zip(&places).enumerate().filter(|(_, (_, taken))| **taken) {
            let to = match component {
                Component::AnyDepth => at,
                Component::Name(pattern) if pattern.matches(name) => at + 1,
                Component::Name(_) => continue,
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        pass_depths(components, &mut next);
        places = next;
        ends.push(at_end(&places));
    }
    ends
}

/// `**` may be no name at all.
fn pass_depths(components: &[Component], places: &mut [bool]) {
    for (at, component) in components.iter().enumerate() {
        if *component == Component::AnyDepth
            && places.get(at) == Some(&true)
            && let Some(place) = places.get_mut(at + 1)
        {
            *place = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Case, GitignorePattern};

    fn matches(pattern: &GitignorePattern, path: &str, case: Case) -> bool {
        pattern.matches(path, &crate::pattern::tests::call("Read", &serde_json::json!({})), case)
    }

    fn at(text: &str, path: &str) -> bool {
        matches(&GitignorePattern::compile(Anchor::Project, text, false), path, Case::Exact)
    }

    #[test]
    fn depths_and_folders() {
        for (text, path) in [
            (".env", "/repo/.env"),
            (".env", "/repo/a/b/.env"),
            ("**/.env", "/repo/.env"),
            ("secrets/**", "/repo/a/secrets/k/x"),
            ("secrets/**", "/repo/secrets"),
            ("/src/**", "/repo/src/a/b"),
            ("a/b", "/repo/a/b/c"),
            ("a/**/b", "/repo/a/b"),
            ("a/**/b", "/repo/a/x/y/b"),
            ("**", "/repo/x"),
            ("/**", "/repo/x/y"),
            ("*.p?f", "/repo/x/a.pdf"),
            ("[a-c]x", "/repo/bx"),
            ("[!a]x", "/repo/bx"),
            ("[^a]x", "/repo/bx"),
            (r"\[x\]", "/repo/[x]"),
            ("build/", "/repo/a/build/x"),
            ("[", "/repo/["),
        ] {
            assert!(at(text, path), "{text} {path}");
        }
        for (text, path) in [
            (".env", "/other/.env"),
            (".env", "/repo/.env.local"),
            ("/src/**", "/repo/a/src/b"),
            ("a/b", "/repo/x/a/b"),
            ("/*.md", "/repo/x/a.md"),
            ("a/*", "/repo/a"),
            ("[!a]x", "/repo/ax"),
            ("../x", "/x"),
            (".ENV", "/repo/.env"),
            (".env", "/repository/.env"),
            ("", "/repo/x"),
        ] {
            assert!(!at(text, path), "{text} {path}");
        }
    }

    #[test]
    fn anchors_and_case() {
        let is = |anchor, text, path| matches(&GitignorePattern::compile(anchor, text, false), path, Case::Exact);
        assert!(is(Anchor::Root, "/**/.env", "/x/.env") && is(Anchor::Home, "/.zshrc", "/home/u/.zshrc"));
        assert!(is(Anchor::Folder("/etc/x/".to_owned()), "y", "/etc/x/y") && !is(Anchor::Home, "/x", "/repo/x"));
        assert!(is(Anchor::Cwd, "x", "/repo/sub/x") && !is(Anchor::Cwd, "x", "/repo/x"));
        let pattern = GitignorePattern::compile(Anchor::Cwd, ".ENV", false);
        assert!(matches(&pattern, "/repo/.env", Case::Fold), "a denial holds in the whole project, whatever the case");
        let top = GitignorePattern::compile(Anchor::Project, "src/**", true);
        assert!(matches(&top, "/repo/src/x", Case::Exact) && !matches(&top, "/repo/a/src/x", Case::Exact));
    }

    #[test]
    fn exceptions_take_away_files_but_nothing_below_a_folder_that_matches() {
        let pattern = GitignorePattern::compile(Anchor::Project, "*.env", false).except("example.env");
        assert!(
            matches(&pattern, "/repo/a.env", Case::Exact) && !matches(&pattern, "/repo/x/example.env", Case::Exact)
        );
        let folder = GitignorePattern::compile(Anchor::Project, "secrets/**", false).except("secrets/open");
        assert!(matches(&folder, "/repo/secrets/open", Case::Exact));
        let stored = serde_json::to_string(&crate::pattern::Pattern::gitignore(folder.clone())).unwrap();
        let read: crate::pattern::Pattern = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, crate::pattern::Pattern::gitignore(folder));
    }

    #[test]
    fn many_stars_stay_polynomial() {
        let (pattern, path) = (vec!["**"; 500].join("/a/"), vec!["b"; 500].join("/"));
        assert!(!at(&format!("{pattern}/c"), &format!("/repo/{path}")));
    }
}
