//! In whose terms a source speaks of a call.

use std::borrow::Cow;

use crate::action::Action;
use crate::call::Call;
use crate::pattern::Spellings;
use crate::target::{CommandSpelling, Resource, Target, Word};

mod claude_code;

/// In whose terms a source speaks of a call: what it calls the action, and which text stands for the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Terms {
    /// Countersign's own: actions, and resources with all their spellings.
    #[default]
    Native,
    /// The host's own: the tool's name, and its resource as the call wrote it, if it has one (clawbolt, FlowFuse).
    Tool,
    /// SurfSense's: the tool's name, and its resource as the call wrote it, else the tool's name again.
    SurfSense,
    /// OpenCode's: `bash` with the command, `read` and `edit` with the path relative to the project, `webfetch` with
    /// the URL, `task` with the kind of sub-agent, `server_tool` for the tools of MCP servers; `*` where a tool has no
    /// resource.
    OpenCode,
    /// Claude Code's: the tool's name, and commands as their texts: as written, and without the wrappers and variables
    /// that it takes off. Other resources are as in our own terms.
    ClaudeCode,
}

/// What a source calls an action, and the text that stands for the resource.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// `None` where it has no name for it.
    name: Option<Cow<'a, str>>,
    resource: Stands<'a>,
}

/// What stands for the resource.
#[derive(Debug)]
enum Stands<'a> {
    /// Its own spellings.
    Own,
    /// This text, or nothing.
    Text(Option<Cow<'a, str>>),
    /// Texts of a command, each as one word.
    Texts(Vec<CommandSpelling>),
}

/// A target as a source reads it.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// What the source calls the action; `None` in our own terms.
    pub(crate) name: Option<&'a str>,
    /// The spellings of the resource; `None` where there is none.
    pub(crate) spellings: Option<Spellings<'a>>,
}

impl Terms {
    /// What a source with these terms says of the target; `None` in our own terms.
    pub(crate) fn say<'a>(self, target: &'a Target, call: &'a Call) -> Option<Said<'a>> {
        let (name, text) = match self {
            Terms::Native => return None,
            Terms::Tool => (Cow::Borrowed(&*call.tool), written(&target.resource)),
            Terms::SurfSense => {
                let text = written(&target.resource).unwrap_or(Cow::Borrowed(&*call.tool));
                (Cow::Borrowed(&*call.tool), Some(text))
            }
            Terms::OpenCode => opencode(target, call),
            Terms::ClaudeCode => return Some(claude_code::say(target, call)),
        };
        Some(Said { name: Some(name), resource: Stands::Text(text) })
    }
}

impl Terms {
    /// What a source with these terms says of where the target is, if that is a question of its own: OpenCode asks for
    /// `external_directory` where a file is outside the project, by its path or by where that leads.
    pub(crate) fn say_of_place<'a>(self, target: &Target, call: &Call) -> Option<Said<'a>> {
        let (Terms::OpenCode, Resource::Path(path)) = (self, &target.resource) else { return None };
        let inside =
            |path: &str| path.strip_prefix(&call.project).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let outside = [Some(&path.lexical), path.real.as_ref()].into_iter().flatten().find(|path| !inside(path))?;
        let folder = outside.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = Some(Cow::Owned(format!("{folder}/*")));
        Some(Said { name: Some(Cow::Borrowed("external_directory")), resource: Stands::Text(text) })
    }
}

impl Terms {
    /// What such a source says of the file that a path leads to, where its links lead elsewhere.
    pub(crate) fn say_of_real<'a>(self, target: &'a Target, call: &'a Call) -> Option<Said<'a>> {
        let (Resource::Path(path), Some(said)) = (&target.resource, self.of_one_text(target, call)) else {
            return None;
        };
        let real = path.real.as_ref().filter(|real| **real != path.lexical)?;
        let text = if self == Terms::OpenCode { relative(real, &call.project) } else { real };
        Some(Said { resource: Stands::Text(Some(Cow::Borrowed(text))), ..said })
    }

    /// Other ways to say the target, by which asks and denies hold too: a command without what it was called through,
    /// a path in full and as it is in the project, a text of several lines in one.
    pub(crate) fn say_otherwise<'a>(self, target: &'a Target, call: &'a Call) -> Vec<Said<'a>> {
        let Some(said) = self.of_one_text(target, call) else { return Vec::new() };
        let own = match &said.resource {
            Stands::Text(Some(text)) => &**text,
            _ => return Vec::new(),
        };
        let mut texts: Vec<Cow<'a, str>> = match &target.resource {
            Resource::Words(words) => {
                let others = target.spellings.iter().map(|spelling| &spelling.words);
                std::iter::once(words).chain(others).flat_map(|words| commands(words)).map(Cow::Owned).collect()
            }
            Resource::Path(path) => [Some(&path.lexical), path.real.as_ref()]
                .into_iter()
                .flatten()
                .flat_map(|path| [&**path, relative(path, &call.project)])
                .map(Cow::Borrowed)
                .collect(),
            _ => Vec::new(),
        };
        if own.contains('\n') {
            texts.push(Cow::Owned(own.replace('\n', " ")));
        }
        texts.retain(|text| **text != *own);
        texts.dedup();
        texts.into_iter().map(|text| Said { name: said.name.clone(), resource: Stands::Text(Some(text)) }).collect()
    }

    /// What a source says that knows one text of a resource.
    fn of_one_text<'a>(self, target: &'a Target, call: &'a Call) -> Option<Said<'a>> {
        match (self, &target.resource) {
            (Terms::Native | Terms::ClaudeCode, _) => None,
            (_, Resource::Words(_) | Resource::Path(_)) => self.say(target, call),
            (_, Resource::Text(text)) if text.contains('\n') => self.say(target, call),
            _ => None,
        }
    }
}

impl Said<'_> {
    /// What the source calls the action, if it has a name for it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl<'a> View<'a> {
    /// A target with these spellings in our own terms.
    pub fn native(spellings: Option<Spellings<'a>>) -> View<'a> {
        View { name: None, spellings }
    }

    /// A target that the source calls by this name, with this text for the resource.
    pub fn named(name: &'a str, text: Option<&'a str>) -> View<'a> {
        View { name: Some(name), spellings: text.map(Spellings::of_text) }
    }

    /// A target as a source reads it that says this of it; `own` is the target in our own terms.
    pub(crate) fn of(said: &'a Said<'a>, own: &View<'a>) -> View<'a> {
        let spellings = match &said.resource {
            Stands::Own => own.spellings.clone(),
            Stands::Text(text) => text.as_deref().map(Spellings::of_text),
            Stands::Texts(texts) => Spellings::of_texts(texts),
        };
        View { name: said.name.as_deref(), spellings }
    }
}

/// The resource as the call wrote it.
fn written(resource: &Resource) -> Option<Cow<'_, str>> {
    match resource {
        Resource::Path(path) => Some(Cow::Borrowed(&*path.written)),
        Resource::Text(text) => Some(Cow::Borrowed(&**text)),
        other => other.literal().map(Cow::Owned),
    }
}

/// A command in one line, by the path and by the name of its program.
fn commands(words: &[Word]) -> Vec<String> {
    let line = |words: &[Word]| Resource::Words(words.to_vec()).literal();
    let plain = words.split_first().and_then(|(program, rest)| {
        let (_, name) = program.text.rsplit_once('/')?;
        let named = [Word { text: name.to_owned(), kind: program.kind }].into_iter().chain(rest.iter().cloned());
        line(&named.collect::<Vec<_>>())
    });
    line(words).into_iter().chain(plain).collect()
}

fn opencode<'a>(target: &'a Target, call: &'a Call) -> (Cow<'a, str>, Option<Cow<'a, str>>) {
    let name = match &target.action {
        Action::Shell => "bash",
        Action::Read => "read",
        Action::Edit | Action::Delete => "edit",
        Action::Search if call.tool == "glob" || call.tool == "list" => &call.tool,
        Action::Search => "grep",
        Action::Agent => "task",
        Action::Fetch => match &target.resource {
            Resource::Url { host, .. } if host.starts_with("search:") => "websearch",
            _ => "webfetch",
        },
        Action::Tool(name) => match &**name {
            "write" | "apply_patch" => "edit",
            "list_mcp_resources" | "list_mcp_resource_templates" | "read_mcp_resource" => "read",
            name => name,
        },
        Action::Mcp { server, tool } => return (Cow::Owned(format!("{server}_{tool}")), Some(Cow::Borrowed("*"))),
    };
    let text = match &target.resource {
        Resource::Path(path) => Cow::Borrowed(relative(&path.lexical, &call.project)),
        resource => written(resource).unwrap_or(Cow::Borrowed("*")),
    };
    (Cow::Borrowed(name), Some(text))
}

/// A path inside the project relative to it; any other as it is.
fn relative<'a>(path: &'a str, project: &str) -> &'a str {
    path.strip_prefix(project).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
}
