//! Versions, and the windows of versions that have a tool.

use std::cmp::Ordering;

/// The longest text that is read as a version.
const LONGEST: usize = 256;

/// A version, ordered as Semantic Versioning 2.0 orders them: a prerelease comes before its release, what stands behind
/// a `+` does not count.
///
/// Read are also versions with more or fewer than three numbers (`2.1` is `2.1.0`), with a `v` or blanks around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Without zeros at the end.
    numbers: Vec<u64>,
    /// Empty for a release.
    prerelease: Vec<Identifier>,
}

/// One part of a prerelease. Numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    /// A number of any size: how many digits, and these.
    Number(usize, Box<str>),
    Word(Box<str>),
}

/// The host versions that have a tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window<'a> {
    /// From this one on.
    pub since: Option<&'a str>,
    /// Up to before this one.
    pub until: Option<&'a str>,
    /// Up to this one.
    pub last: Option<&'a str>,
}

/// Where a version lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The version has the tool.
    Inside,
    /// It is too old: the tool begins with this one.
    Before(&'a str),
    /// It is too new: the tool ended with this one, or before it.
    Behind(&'a str),
}

impl Window<'_> {
    /// Where the host's version lies. One that is missing or cannot be read counts as the lowest of all; a bound that
    /// cannot be read is never met.
    pub fn place(&self, version: Option<&str>) -> Place<'_> {
        let version = version.and_then(Version::read);
        if let Some(since) = self.since
            && Version::read(since).is_none_or(|bound| version.as_ref().is_none_or(|version| *version < bound))
        {
            return Place::Before(since);
        }
        let behind = |bound: &str, or_there: bool| match (Version::read(bound), &version) {
            (None, _) => true,
            (Some(bound), Some(version)) => *version > bound || or_there && *version == bound,
            (Some(_), None) => false,
        };
        if let Some(until) = self.until.filter(|until| behind(until, true)) {
            return Place::Behind(until);
        }
        self.last.filter(|last| behind(last, false)).map_or(Place::Inside, Place::Behind)
    }
}

impl Version {
    /// Reads a version; `None` for what is none.
    pub fn read(text: &str) -> Option<Version> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text.len() > LONGEST {
            return None;
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = cut(text, '+');
        let (numbers, prerelease) = cut(text, '-');
        let mut numbers = numbers.split('.').map(number).collect::<Option<Vec<u64>>>()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        let parts = |text: Option<&str>| match text {
            Some(text) => text.split('.').map(identifier).collect::<Option<Vec<_>>>(),
            None => Some(Vec::new()),
        };
        parts(build)?;
        Some(Version { numbers, prerelease: parts(prerelease)? })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.prerelease.cmp(&other.prerelease),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn identifier(text: &str) -> Option<Identifier> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        return Some(Identifier::Number(digits.len(), digits.into()));
    }
    Some(Identifier::Word(text.into()))
}

#[cfg(test)]
mod tests {
    use super::{Place, Version, Window};

    #[test]
    fn versions_are_ordered_as_semantic_versioning_has_it() {
        let rising = [
            "0.9.0",
            "0.10.0",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0--",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.99999999999999999999",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0.1",
            "1.0.1",
            "1.2",
            "2.0.0-rc.1+build5",
            "2",
        ];
        for (at, text) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                let (one, two) = (Version::read(text).unwrap(), Version::read(other).unwrap());
                assert_eq!(one.cmp(&two), at.cmp(&other_at), "{text} {other}");
            }
        }
        for same in ["1.2", "v1.2.0", " 1.2.0 ", "1.2.0+build", "1.2.0.0", "01.2.0"] {
            assert_eq!(Version::read(same), Version::read("1.2.0"), "{same}");
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        let long = format!("1.2.0-{}", "a".repeat(300));
        for text in [
            "",
            "v",
            "dev",
            "x",
            "1.",
            ".1",
            "1..2",
            "+1.2.3",
            "1.2.x",
            "1.2.0-",
            "1.2.0-a..b",
            "1.2.0+",
            "1.2.0-ü",
            "vv1.0.0",
            "99999999999999999999.0.0",
            &long,
        ] {
            assert_eq!(Version::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_version_that_is_not_known_is_the_lowest_and_a_bound_that_is_none_is_not_met() {
        let window = |since, until, last| Window { since, until, last };
        let old = window(Some("1.5.0"), None, None);
        assert_eq!(old.place(None), Place::Before("1.5.0"));
        assert_eq!(old.place(Some("dev")), Place::Before("1.5.0"));
        assert_eq!(old.place(Some("1.5.0-rc.1")), Place::Before("1.5.0"));
        assert_eq!(old.place(Some("v1.5.0")), Place::Inside);
        assert_eq!(window(None, Some("2"), None).place(None), Place::Inside);
        assert_eq!(window(None, Some("2"), None).place(Some("2.0.0")), Place::Behind("2"));
        assert_eq!(window(None, None, Some("2")).place(Some("2.0.0")), Place::Inside);
        assert_eq!(window(None, None, Some("2")).place(Some("2.0.1")), Place::Behind("2"));
        assert_eq!(window(Some("x"), None, None).place(Some("9.0.0")), Place::Before("x"));
        assert_eq!(window(None, None, Some("x")).place(Some("0.1.0")), Place::Behind("x"));
    }
}
