//! Patterns over hosts and URLs: `docs.rs`, `*.rust-lang.org`, `https://api.github.com/repos/me/*`.

use core::net::{Ipv4Addr, Ipv6Addr};

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

/// A host as rules and calls both have it. An address of IPv6, in brackets or not, is written in its shortest form, and
/// one that only carries an address of IPv4 (mapped, or through NAT64) is that address. Anything else stays as it is.
pub fn plain_host(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let Ok(address) = bare.parse::<Ipv6Addr>() else { return host.to_owned() };
    let carried = match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => address.to_ipv4_mapped(),
    };
    carried.map_or_else(|| address.to_string(), |address| address.to_string())
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
                None => Ok(UrlPattern { scheme: None, host: Glob::compile(&plain_host(text)), path: None }),
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
            host: Glob::compile(&plain_host(&host.to_lowercase())),
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

    /// The hosts that it is about.
    pub(super) fn host(&self) -> &Glob {
        &self.host
    }

    /// Whether it matches everything that `other` does. Schemes are taken to be in lower case, as calls have them.
    pub(super) fn includes(&self, other: &UrlPattern, case: Case, theirs: Case) -> bool {
        // What is asked about or denied also holds where only the host is known, and in whatever scheme.
        if case == Case::Exact && theirs == Case::Fold || !self.host.includes(&other.host, Case::Fold, Case::Fold) {
            return false;
        }
        match (&self.scheme, &other.scheme) {
            (None, None) => true,
            (None, Some(theirs)) => case == Case::Fold || matches!(&**theirs, "http" | "https"),
            (Some(_), None) => false,
            (Some(ours), Some(its)) => {
                let every = || Glob::compile("/*");
                let path = |path: &Glob| path.includes(&other.path.clone().unwrap_or_else(every), case, theirs);
                ours == its && self.path.as_ref().is_none_or(path)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, UrlPattern, plain_host};

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for text in ["fd00:0:0::1", "[fd00::1]", "FD00:0:0:0:0:0:0:1", "https://[fd00::1]/"] {
            let pattern = UrlPattern::parse(text).unwrap();
            assert!(pattern.matches(&plain_host("fd00:0::1"), "https://fd00::1/", Case::Fold), "{text}");
        }
        assert_eq!(plain_host("::ffff:a9fe:a9fe"), "169.254.169.254");
        assert_eq!(plain_host("64:ff9b::169.254.169.254"), "169.254.169.254");
        assert_eq!(plain_host("*.example.org"), "*.example.org");
    }
}
