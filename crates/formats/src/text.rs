//! A file's text, and problems that point into it.

use std::ops::Range;
use std::sync::Arc;

use countersign_policy::Origin;
use countersign_policy::document::Problem;

/// The text of one file with its name.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    /// The file, as a human would name it.
    pub name: Arc<str>,
    /// What is in it.
    pub text: &'a str,
}

impl<'a> Text<'a> {
    /// The text of the file with this name.
    pub fn new(name: impl Into<Arc<str>>, text: &'a str) -> Text<'a> {
        Text { name: name.into(), text }
    }

    /// A problem with what stands there.
    pub fn problem(&self, span: &Range<usize>, message: impl Into<String>, help: Option<&str>) -> Problem {
        Problem::at(&self.name, self.text, span.clone(), message.into(), help.map(str::to_owned))
    }

    /// That it begins with a byte order mark, which some programs take for a character and others do not.
    pub(crate) fn marked(&self) -> Option<Problem> {
        const MARK: char = '\u{feff}';
        let help = "save it as UTF-8 without one";
        let problem = || self.problem(&(0..MARK.len_utf8()), "the file begins with a byte order mark", Some(help));
        self.text.starts_with(MARK).then(problem)
    }

    /// The origin of a rule that stands there and reads like this.
    pub fn origin(&self, span: &Range<usize>, rule: impl Into<String>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count()).map_or(u32::MAX, |lines| lines.saturating_add(1));
        Origin { file: Arc::clone(&self.name), line, text: rule.into() }
    }
}
