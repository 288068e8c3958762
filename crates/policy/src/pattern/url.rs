//! Patterns over hosts and URLs: `docs.rs`, `*.rust-lang.org`, `https://api.github.com/repos/me/*`.

use super::PatternError;
use super::glob::{Case, Glob};

/// A pattern over hosts and URLs.
///
/// A bare host covers all of it over http and https; `*.example.org` its sub-domains at any depth and not itself. With a scheme the host
/// is matched by itself and only then the path, so that no `*` reaches across into another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    scheme: Option<String>,
    host: Glob,
    path: Option<Glob>,
}

impl UrlPattern {
    /// Compiles it.
    ///
    /// # Errors
    /// An empty pattern, and a path without a scheme.
    pub fn parse(text: &str) -> Result<UrlPattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::new("a host pattern is empty: write `*` for every host", 0));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.find('/') {
                Some(at) => {
                    Err(PatternError::new(format!("a path needs a scheme before its host: write `https://{text}`"), at))
                }
                None => Ok(UrlPattern { scheme: None, host: Glob::compile(text), path: None }),
            };
        };
        let (host, path) = match rest.find('/') {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at..)),
            None => (rest, None),
        };
        if host.is_empty() {
            return Err(PatternError::new("the host is missing behind `://`", scheme.len() + 3));
        }
        Ok(UrlPattern {
            scheme: Some(scheme.to_lowercase()),
            host: Glob::compile(&host.to_lowercase()),
            path: path.map(Glob::compile),
        })
    }

    /// Whether a host, and the whole URL where it is known, match.
    pub fn matches(&self, host: &str, url: &str, case: Case) -> bool {
        // Host names have no case: the extractor lowers them, and so does the fold.
        if !self.host.matches(host, Case::Fold) {
            return false;
        }
        let Some(scheme) = &self.scheme else {
            // A bare host allows what a browser would fetch there, and no other way to talk to it.
            let fetched = url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
            return case == Case::Fold || fetched;
        };
        let Some((its_scheme, rest)) = url.split_once("://") else { return case == Case::Fold };
        if !its_scheme.eq_ignore_ascii_case(scheme) {
            return false;
        }
        let Some(path) = &self.path else { return true };
        let its_path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        path.matches(its_path, case)
    }
}
