//! Patterns over resources, in the native grammar. `\` takes the next character as it is, everywhere.

mod glob;
mod path;
mod shell;
mod text;
mod url;

use serde::{Deserialize, Serialize};

pub use glob::{Case, Glob};
pub use path::PathPattern;
pub use shell::ShellPattern;
pub use text::TextPattern;
pub use url::UrlPattern;

use crate::action::Action;
use crate::call::Call;
use crate::target::{Resource, Target, Word};

/// A pattern over the resources of one kind of action, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Shell(ShellPattern),
    Path(PathPattern),
    Url(UrlPattern),
    Text(TextPattern),
}

/// A pattern that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// The byte of the pattern's text where it is wrong.
    pub offset: usize,
}

impl PatternError {
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> PatternError {
        PatternError { message: message.into(), offset }
    }
}

/// One spelling of a target's resource.
#[derive(Debug, Clone, Copy)]
pub enum Spelling<'a> {
    /// The words of a command.
    Words(&'a [Word]),
    /// An absolute path.
    Path(&'a str),
    /// A host, and the URL where it is known.
    Url {
        /// The host.
        host: &'a str,
        /// The URL, or nothing.
        url: &'a str,
    },
    /// A text.
    Text(&'a str),
}

/// All spellings of a target's resource.
#[derive(Debug, Clone)]
pub struct Spellings<'a> {
    /// The spellings. An allow must hold for all of them, an ask or a deny for one.
    pub of: Vec<Spelling<'a>>,
    /// Whether these are all: false where a path could not be resolved, which nothing then allows.
    pub complete: bool,
}

/// The spellings of a target's resource; `None` if it has no resource.
pub fn spellings(target: &Target) -> Option<Spellings<'_>> {
    let (of, complete) = match &target.resource {
        Resource::None => return None,
        Resource::Words(words) => (vec![Spelling::Words(words)], true),
        Resource::Path(path) => match &path.real {
            Some(real) if *real == path.lexical => (vec![Spelling::Path(&path.lexical)], true),
            Some(real) => (vec![Spelling::Path(&path.lexical), Spelling::Path(real)], true),
            None => (vec![Spelling::Path(&path.lexical)], false),
        },
        Resource::Url { host, url } => (vec![Spelling::Url { host, url }], true),
        Resource::Text(text) => (vec![Spelling::Text(text)], true),
    };
    Some(Spellings { of, complete })
}

impl Pattern {
    /// Compiles a pattern over the resources of `action`.
    ///
    /// # Errors
    /// What the grammar of that kind of resource does not know, with its place.
    pub fn parse(action: &Action, text: &str) -> Result<Pattern, PatternError> {
        let form = match action {
            Action::Shell => Form::Shell(ShellPattern::parse(text)?),
            Action::Read | Action::Edit | Action::Delete | Action::Search => Form::Path(PathPattern::parse(text)?),
            Action::Fetch => Form::Url(UrlPattern::parse(text)?),
            Action::Agent | Action::Mcp { .. } | Action::Tool(_) => Form::Text(TextPattern::new(text)),
        };
        Ok(Pattern { text: text.to_owned(), form })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether one spelling of a resource matches.
    pub fn matches(&self, spelling: &Spelling<'_>, call: &Call, case: Case) -> bool {
        match (&self.form, spelling) {
            (Form::Shell(pattern), Spelling::Words(words)) => pattern.matches(words, case),
            (Form::Path(pattern), Spelling::Path(path)) => pattern.matches(path, call, case),
            (Form::Url(pattern), Spelling::Url { host, url }) => pattern.matches(host, url, case),
            (Form::Text(pattern), Spelling::Text(text)) => pattern.matches(text, case),
            _ => false,
        }
    }
}

/// A pattern as it is stored.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: Kind,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Shell,
    Path,
    Url,
    Text,
}

impl From<Pattern> for Written {
    fn from(pattern: Pattern) -> Written {
        let kind = match pattern.form {
            Form::Shell(_) => Kind::Shell,
            Form::Path(_) => Kind::Path,
            Form::Url(_) => Kind::Url,
            Form::Text(_) => Kind::Text,
        };
        Written { kind, text: pattern.text }
    }
}

impl TryFrom<Written> for Pattern {
    type Error = PatternError;

    fn try_from(written: Written) -> Result<Pattern, PatternError> {
        let form = match written.kind {
            Kind::Shell => Form::Shell(ShellPattern::parse(&written.text)?),
            Kind::Path => Form::Path(PathPattern::parse(&written.text)?),
            Kind::Url => Form::Url(UrlPattern::parse(&written.text)?),
            Kind::Text => Form::Text(TextPattern::new(&written.text)),
        };
        Ok(Pattern { text: written.text, form })
    }
}
