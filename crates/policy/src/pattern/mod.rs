//! Patterns over resources, in the native grammar. `\` takes the next character as it is, everywhere.

mod claude_code;
mod demand;
mod gitignore;
mod glob;
mod includes;
mod javascript;
mod marks;
mod openclaw;
mod outline;
mod path;
mod powershell;
mod prefix;
mod runs;
mod shell;
mod text;
mod url;
mod wildcard;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use claude_code::{DomainPattern, LinePattern};
pub(crate) use demand::Demand;
pub use gitignore::{Anchor, GitignorePattern};
pub(crate) use glob::folded;
pub use glob::{Case, Glob};
pub use marks::Marks;
pub use openclaw::{Executable, Inert, Machine, cwd_bound_hash};
pub(crate) use outline::{Outline, coarse, plain};
pub use path::PathPattern;
pub use powershell::PowerShellPattern;
pub use prefix::{PrefixPattern, Programs, plain_path};
pub use shell::ShellPattern;
pub use text::TextPattern;
pub use url::{UrlPattern, plain_host};
pub use wildcard::{Dialect, Wildcard};

use crate::action::Action;
use crate::call::Call;
use crate::target::{CommandSpelling, Located, PathResource, Resource, Target, Word};

/// A pattern over the resources of one kind of action, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Pattern {
    /// As it was written; a wildcard has it itself.
    text: Box<str>,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Shell(ShellPattern),
    Path(PathPattern),
    Url(UrlPattern),
    Text(TextPattern),
    Wildcard(Wildcard),
    Prefix(PrefixPattern),
    OpenClaw(Box<Executable>),
    Line(LinePattern),
    PowerShell(PowerShellPattern),
    Domain(DomainPattern),
    Gitignore(GitignorePattern),
}

/// Where a relative path pattern looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workspace {
    /// In the project's folder and in the session's further roots.
    Whole,
    /// In the project's folder alone.
    Project,
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
    /// The words of a command, and where its program is, if that was looked up.
    Words(&'a [Word], Option<&'a Located>),
    /// An absolute path.
    Path {
        /// The path.
        text: &'a str,
        /// What is in it.
        marks: Marks,
    },
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

/// All spellings of a target's resource: its own, those that stand for all of it, those that only asks and denies look
/// at, and whether these are all.
#[derive(Debug, Clone)]
pub struct Spellings<'a> {
    one: Spelling<'a>,
    other: Option<Spelling<'a>>,
    commands: &'a [CommandSpelling],
    programs: Option<&'a BTreeMap<String, Located>>,
    complete: bool,
}

impl<'a> Spellings<'a> {
    /// Whether an allow holds: for all the ways in which the resource itself is spelled, or for one that stands for all
    /// of it. Never where a path could not be resolved.
    pub fn allow(&self, mut holds: impl FnMut(&Spelling<'a>) -> bool) -> bool {
        let instead = self.commands.iter().filter(|command| command.allows);
        self.complete
            && (self.of().all(&mut holds)
                || instead.into_iter().any(|command| holds(&words(&command.words, self.programs))))
    }

    /// Whether one of them has all that patterns want of a path; what is no path has it.
    pub(crate) fn may_hold(&self, wanted: Marks) -> bool {
        self.of().any(|spelling| match spelling {
            Spelling::Path { marks, .. } => marks.hold(wanted),
            _ => true,
        })
    }

    /// Whether an ask or a deny holds: for any spelling.
    pub fn any(&self, mut holds: impl FnMut(&Spelling<'a>) -> bool) -> bool {
        self.of().any(&mut holds) || self.commands.iter().any(|command| holds(&words(&command.words, self.programs)))
    }

    /// The text, if the resource is one.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.one {
            Spelling::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text that is all there is to the resource, if it is one.
    pub(crate) fn only_text(&self) -> Option<&'a str> {
        let is_all = self.other.is_none() && self.commands.is_empty() && self.complete;
        self.text().filter(|_| is_all)
    }

    /// The spellings of a resource that is one text.
    pub(crate) fn of_text(text: &'a str) -> Spellings<'a> {
        Spellings { one: Spelling::Text(text), other: None, commands: &[], programs: None, complete: true }
    }

    /// The spellings of a command in another system's terms: each is one word. An allow holds for one that allows.
    pub(crate) fn of_texts(texts: &'a [CommandSpelling]) -> Option<Spellings<'a>> {
        let one = Spelling::Words(&texts.first()?.words, None);
        Some(Spellings { one, other: None, commands: texts, programs: None, complete: true })
    }

    /// What stands as one word: of a command in another system's terms its texts.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a str> {
        let line = |words: &'a [Word]| if let [line] = words { Some(&*line.text) } else { None };
        let own = self.of().filter_map(move |spelling| match spelling {
            Spelling::Words(words, _) => line(words),
            _ => None,
        });
        own.chain(self.commands.iter().filter_map(move |command| line(&command.words)))
    }

    /// The ways in which the resource itself is spelled.
    fn of(&self) -> impl Iterator<Item = &Spelling<'a>> {
        std::iter::once(&self.one).chain(&self.other)
    }
}

/// The words of a command with the place of its program.
fn words<'a>(words: &'a [Word], programs: Option<&'a BTreeMap<String, Located>>) -> Spelling<'a> {
    Spelling::Words(words, words.first().and_then(|program| programs?.get(&program.text)))
}

/// The spellings of a target's resource; `None` if it has no resource.
pub fn spellings(target: &Target) -> Option<Spellings<'_>> {
    let path = |text| Spelling::Path { text, marks: Marks::of_path(text) };
    let (one, other, complete) = match &target.resource {
        Resource::None => return None,
        Resource::Words(own) => (words(own, Some(&target.programs)), None, true),
        Resource::Path(PathResource { lexical, real, .. }) => {
            let other = real.as_ref().filter(|real| *real != lexical).map(|real| path(real));
            (path(lexical), other, real.is_some())
        }
        Resource::Url { host, url } => (Spelling::Url { host, url }, None, true),
        Resource::Text(text) => (Spelling::Text(text), None, true),
    };
    Some(Spellings { one, other, commands: &target.spellings, programs: Some(&target.programs), complete })
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
        Ok(Pattern { text: text.into(), form })
    }

    /// A pattern of another system over texts. It is compared as that system compares, whatever the case asked for.
    pub fn wildcard(wildcard: Wildcard) -> Pattern {
        Pattern { text: Box::default(), form: Form::Wildcard(wildcard) }
    }

    /// A pattern of Codex over the first words of a command.
    pub fn prefix(prefix: PrefixPattern) -> Pattern {
        Pattern { text: prefix.text().into(), form: Form::Prefix(prefix) }
    }

    /// The prefix, if it is one.
    pub fn as_prefix(&self) -> Option<&PrefixPattern> {
        match &self.form {
            Form::Prefix(prefix) => Some(prefix),
            _ => None,
        }
    }

    /// A pattern of OpenClaw over programs and their arguments, compared as OpenClaw compares.
    pub fn openclaw(executable: Executable) -> Pattern {
        Pattern { text: executable.as_str().into(), form: Form::OpenClaw(Box::new(executable)) }
    }

    /// A pattern of Claude Code over the text of a command.
    pub fn line(text: &str) -> Pattern {
        Pattern { text: text.into(), form: Form::Line(LinePattern::compile(text)) }
    }

    /// A pattern of Claude Code over commands of PowerShell.
    pub fn powershell(text: &str) -> Pattern {
        Pattern { text: text.into(), form: Form::PowerShell(PowerShellPattern::compile(text)) }
    }

    /// A pattern of Claude Code over hosts.
    pub fn domain(text: &str) -> Pattern {
        Pattern { text: text.into(), form: Form::Domain(DomainPattern::compile(text)) }
    }

    /// A pattern over paths as git's ignore files have them.
    pub fn gitignore(pattern: GitignorePattern) -> Pattern {
        Pattern { text: pattern.as_str().into(), form: Form::Gitignore(pattern) }
    }

    /// The wildcard, if it is one.
    pub(crate) fn as_wildcard(&self) -> Option<&Wildcard> {
        match &self.form {
            Form::Wildcard(wildcard) => Some(wildcard),
            _ => None,
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        match &self.form {
            Form::Wildcard(wildcard) => wildcard.as_str(),
            _ => &self.text,
        }
    }

    /// Whether one spelling of a resource matches, in the whole of the call's workspace.
    pub fn matches(&self, spelling: &Spelling<'_>, call: &Call, case: Case) -> bool {
        self.matches_in(Workspace::Whole, spelling, call, case)
    }

    /// The same in this workspace.
    pub fn matches_in(&self, workspace: Workspace, spelling: &Spelling<'_>, call: &Call, case: Case) -> bool {
        match (&self.form, spelling) {
            (Form::Prefix(pattern), Spelling::Words(words, _)) => pattern.matches(words, case),
            (Form::Shell(pattern), Spelling::Words(words, _)) => pattern.matches(words, case),
            (Form::OpenClaw(pattern), Spelling::Words(words, at)) => pattern.matches(words, *at, call),
            (Form::Path(pattern), Spelling::Path { text, marks }) => {
                pattern.matches(text, *marks, call, case, workspace)
            }
            (Form::Url(pattern), Spelling::Url { host, url }) => pattern.matches(host, url, case),
            (Form::Text(pattern), Spelling::Text(text)) => pattern.matches(text, case),
            (Form::Wildcard(pattern), Spelling::Text(text)) => pattern.matches(text),
            (Form::Line(pattern), Spelling::Words(words, _)) => pattern.matches(words, call, case),
            (Form::PowerShell(pattern), Spelling::Text(text)) => pattern.matches(text, case),
            (Form::Domain(pattern), Spelling::Url { host, .. }) => pattern.matches(host),
            (Form::Gitignore(pattern), Spelling::Path { text, .. }) => pattern.matches(text, call, case),
            _ => false,
        }
    }

    /// The machine whose places of programs it can only be told with, if it is about places.
    pub(crate) fn wants_place(&self) -> Option<Machine> {
        match &self.form {
            Form::OpenClaw(executable) => Some(executable.on()),
            _ => None,
        }
    }

    /// What every path that matches has in it; nothing for other resources.
    pub(crate) fn marks(&self) -> Marks {
        match &self.form {
            Form::Path(pattern) => pattern.marks(),
            _ => Marks::default(),
        }
    }

    /// What every text that matches has in it; `None` for patterns over other resources.
    pub(crate) fn outline(&self) -> Option<Outline> {
        match &self.form {
            Form::Text(pattern) => Some(pattern.outline()),
            Form::Wildcard(pattern) => Some(pattern.outline()),
            _ => None,
        }
    }

    /// Whether this is a pattern over commands that matches these words and spells out the one at `at`.
    pub(crate) fn names(&self, words: &[Word], at: usize) -> bool {
        match &self.form {
            Form::Shell(pattern) => pattern.names(words, at),
            Form::Prefix(pattern) => pattern.names(words, at),
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
    Wildcard(Dialect),
    Prefix(Programs),
    OpenClaw { on: Machine, args: Option<String>, generated: bool },
    Line,
    PowerShell,
    Domain,
    Gitignore(gitignore::Written),
}

impl From<Pattern> for Written {
    fn from(pattern: Pattern) -> Written {
        let text = pattern.as_str().to_owned();
        let kind = match pattern.form {
            Form::Shell(_) => Kind::Shell,
            Form::Path(_) => Kind::Path,
            Form::Url(_) => Kind::Url,
            Form::Text(_) => Kind::Text,
            Form::Wildcard(wildcard) => Kind::Wildcard(wildcard.dialect()),
            Form::Prefix(prefix) => Kind::Prefix(prefix.programs().clone()),
            Form::OpenClaw(executable) => executable.kind(),
            Form::Line(_) => Kind::Line,
            Form::PowerShell(_) => Kind::PowerShell,
            Form::Domain(_) => Kind::Domain,
            Form::Gitignore(pattern) => Kind::Gitignore(pattern.written()),
        };
        Written { kind, text }
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
            Kind::Wildcard(dialect) => return Ok(Pattern::wildcard(Wildcard::compile(dialect, &written.text))),
            Kind::Prefix(programs) => Form::Prefix(PrefixPattern::parse(&written.text, programs)?),
            Kind::OpenClaw { on, args, generated } => {
                Form::OpenClaw(Box::new(Executable::compile(on, &written.text, args.as_deref(), generated)))
            }
            Kind::Line => Form::Line(LinePattern::compile(&written.text)),
            Kind::PowerShell => Form::PowerShell(PowerShellPattern::compile(&written.text)),
            Kind::Domain => Form::Domain(DomainPattern::compile(&written.text)),
            Kind::Gitignore(more) => Form::Gitignore(GitignorePattern::of_written(&written.text, &more)),
        };
        Ok(Pattern { text: written.text.into(), form })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::action::{Action, Class};
    use crate::call::{Attendance, Call};

    /// A call of a tool in `/repo/sub` of the project `/repo`.
    pub(crate) fn call(tool: &str, args: &serde_json::Value) -> Call {
        Call {
            host: "claude-code".to_owned(),
            host_version: None,
            tool: tool.to_owned(),
            action: Action::Tool(tool.to_owned()),
            class: Class::Write,
            group: None,
            args: args.clone(),
            cwd: "/repo/sub".to_owned(),
            project: "/repo".to_owned(),
            home: "/home/u".to_owned(),
            user: "u".to_owned(),
            session: "s".to_owned(),
            turn: None,
            agent: None,
            agent_kinds: Vec::new(),
            roots: Vec::new(),
            role: None,
            mode: None,
            environment: std::collections::BTreeMap::new(),
            attendance: Attendance::Somebody,
            targets: Vec::new(),
            in_a_row: 0,
            faults: Vec::new(),
        }
    }
}
