//! One rule: `Tool`, `Tool(specifier)`.

use countersign_policy::document::quoted;
use countersign_policy::pattern::{Anchor, Dialect, GitignorePattern, Pattern, TextPattern, Wildcard};
use countersign_policy::{Action, Condition, Effect, Origin, Rule, Selector};

use super::known::{self, TOOLS};
use super::{File, Layer};

/// What one written rule comes to.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) items: Vec<Item>,
    /// Why it does not apply, or not as it reads.
    pub(super) notes: Vec<String>,
}

/// Something in a list of rules.
#[derive(Debug)]
pub(super) enum Item {
    /// A rule about paths, to which exceptions can be added.
    Path { tool: PathTool, pattern: GitignorePattern, origin: Origin },
    /// An exception to the rules of this tool before it, from the same anchor.
    Except { tool: PathTool, anchor: Anchor, text: String },
    /// Any other rule.
    Plain { about: Selector, pattern: Option<Pattern>, when: Option<Condition>, origin: Origin },
}

/// Whose paths a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathTool {
    /// All that reads.
    Read,
    /// All that edits.
    Edit,
    /// One tool alone.
    Named(String),
}

/// A rule that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// Takes a rule apart: the tool, and what stands in its parentheses.
///
/// # Errors
/// What it lacks.
pub(super) fn split(text: &str) -> Result<(&str, Option<String>), Wrong> {
    let text = text.trim();
    let wrong = |message: String, help| Err(Wrong { message, help: Some(help) });
    let Some((tool, rest)) = text.split_once('(') else {
        if text.is_empty() {
            return wrong("a rule is empty".to_owned(), "write a tool: `Read`, `Bash(git diff *)`");
        }
        if text.contains(')') {
            return wrong(format!("{} has no opening parenthesis", quoted(text)), "write `Tool(specifier)`");
        }
        return Ok((text, None));
    };
    let Some(inside) = rest.strip_suffix(')') else {
        return wrong(format!("{} does not end in `)`", quoted(text)), "write `Tool(specifier)`");
    };
    if tool.trim().is_empty() {
        return wrong(format!("{} names no tool", quoted(text)), "write the tool before `(`");
    }
    Ok((tool.trim(), Some(inside.replace(r"\(", "(").replace(r"\)", ")").trim().to_owned())))
}

/// Reads a rule.
pub(super) fn read(effect: Effect, text: &str, file: &File<'_>, origin: Origin) -> Result<Reading, Wrong> {
    let (tool, inside) = split(text)?;
    let allow = effect == Effect::Allow;
    let mut out = Reading::default();
    // `Tool(*)` is `Tool`. Of a path an allow means what the pattern says: everything in the working directory.
    let is_path = PathTool::of(tool).is_some();
    let inside = match inside.as_deref() {
        Some("*") if !(allow && is_path) => None,
        Some("") if !allow => None,
        Some("") => return Ok(out.noting("it allows nothing: there is nothing in its parentheses")),
        _ => inside,
    };
    let plain = |about, pattern, when| Item::Plain { about, pattern, when, origin: origin.clone() };
    if tool.contains('*') && (allow && !is_allowed_glob(tool)) {
        return Ok(out.noting("it allows nothing: `*` in an allowed tool's name counts only behind `mcp__SERVER__`"));
    }
    if let Some(server) = tool.strip_prefix("mcp__").filter(|server| !server.contains("__") && !server.contains('*')) {
        let every = format!("mcp__{server}__*");
        return Ok(named(effect, &every, inside.as_deref(), &origin, out));
    }
    if !allow && !tool.contains(['_', '*']) && !TOOLS.contains(&tool) {
        out.notes.push(format!("no tool of the name {} is known", quoted(tool)));
    }
    let Some(inside) = inside else {
        if tool == "Cd" {
            return Ok(out.noting(known::ABOUT_CD));
        }
        let actions: &[Action] = match tool {
            "Bash" => &[Action::Shell],
            "Read" => &[Action::Read],
            "Edit" => &[Action::Edit, Action::Delete],
            "Agent" | "Task" => &[Action::Agent],
            _ => &[],
        };
        out.items.extend(actions.iter().map(|action| plain(Selector::Action(action.clone()), None, None)));
        if actions.is_empty() {
            out.items.push(plain(name(tool), None, None));
        }
        if !allow {
            // What Cowork runs in their place.
            let instead = match tool {
                "Bash" => Some("mcp__workspace__bash"),
                "WebFetch" => Some("mcp__workspace__web_fetch"),
                _ => None,
            };
            out.items.extend(instead.map(|tool| plain(name(tool), None, None)));
        }
        return Ok(out);
    };
    match tool {
        "Cd" => Ok(out.noting(known::ABOUT_CD)),
        "Bash" | "PowerShell" => {
            let about = if tool == "Bash" { Selector::Action(Action::Shell) } else { name(tool) };
            if inside.starts_with("command:") {
                let note =
                    "Claude Code ignores it: a command cannot be matched as a parameter; write the command itself";
                return Ok(out.noting(note));
            }
            if let Some((parameter, value)) = parameter(&inside).filter(|(name, _)| known::of_shells(name)) {
                if allow {
                    return Ok(out.noting(known::NO_ALLOW_BY_PARAMETER));
                }
                out.items.push(plain(about.clone(), None, Some(condition(parameter, value))));
            }
            let pattern = if tool == "Bash" { Pattern::line(&inside) } else { Pattern::powershell(&inside) };
            if allow && inside.contains(['|', ';', '&', '\n']) {
                out.notes.push("it allows nothing: each command of a line is looked at by itself".to_owned());
            }
            out.items.push(plain(about, Some(pattern), None));
            Ok(out)
        }
        "WebFetch" => match inside.strip_prefix("domain:") {
            Some(host) => {
                out.items.push(plain(name(tool), Some(Pattern::domain(host)), None));
                Ok(out)
            }
            None => Ok(named(effect, tool, Some(&inside), &origin, out)),
        },
        "Agent" | "Task" | "Skill" => {
            let about = if tool == "Skill" { name(tool) } else { Selector::Action(Action::Agent) };
            if let (false, Some((parameter, value))) = (allow, parameter(&inside)) {
                out.items.push(plain(about.clone(), None, Some(condition(parameter, value))));
            }
            let pattern = Pattern::wildcard(Wildcard::compile(Dialect::ClaudeCode, &inside));
            out.items.push(plain(about, Some(pattern), None));
            Ok(out)
        }
        _ if is_path => Ok(path(effect, tool, &inside, file, origin, out)),
        _ => Ok(named(effect, tool, Some(&inside), &origin, out)),
    }
}

/// Adds an item to those of its list before it.
pub(super) fn add(items: &mut Vec<Item>, item: Item) {
    let Item::Except { tool, anchor, text } = item else {
        items.push(item);
        return;
    };
    for before in items {
        if let Item::Path { tool: its, pattern, .. } = before
            && *its == tool
            && *pattern.anchor() == anchor
        {
            *pattern = pattern.clone().except(&text);
        }
    }
}

/// The rules that an item is.
pub(super) fn compile(effect: Effect, item: Item) -> Vec<Rule> {
    let (abouts, pattern, when, origin) = match item {
        Item::Path { tool, pattern, origin } => {
            (tool.selectors(effect), Some(Pattern::gitignore(pattern)), None, origin)
        }
        Item::Plain { about, pattern, when, origin } => (vec![about], pattern, when, origin),
        Item::Except { .. } => return Vec::new(),
    };
    let rule = |about| Rule {
        patterns: pattern.iter().cloned().collect(),
        when: when.iter().cloned().collect(),
        ..Rule::new(effect, about, origin.clone())
    };
    abouts.into_iter().map(rule).collect()
}

impl Reading {
    fn noting(mut self, note: &str) -> Reading {
        self.notes.push(note.to_owned());
        self
    }
}

impl Item {
    /// Whether it looks at a parameter.
    pub(super) fn has_condition(&self) -> bool {
        matches!(self, Item::Plain { when: Some(_), .. })
    }
}

impl PathTool {
    /// Whose paths a rule for this tool speaks of.
    pub(super) fn of(tool: &str) -> Option<PathTool> {
        match tool {
            "Read" => Some(PathTool::Read),
            "Edit" => Some(PathTool::Edit),
            "Write" | "MultiEdit" | "NotebookEdit" | "NotebookRead" | "Grep" | "Glob" | "LS" => {
                Some(PathTool::Named(tool.to_owned()))
            }
            _ => None,
        }
    }

    fn selectors(&self, effect: Effect) -> Vec<Selector> {
        let actions = |actions: &[Action]| actions.iter().cloned().map(Selector::Action).collect();
        match self {
            // What may not be read may not be written either.
            PathTool::Read if effect == Effect::Deny => actions(&[Action::Read, Action::Search, Action::Edit]),
            PathTool::Read => actions(&[Action::Read, Action::Search]),
            PathTool::Edit => actions(&[Action::Edit, Action::Delete]),
            PathTool::Named(tool) => vec![name(tool)],
        }
    }
}

/// A rule about paths.
fn path(effect: Effect, tool: &str, inside: &str, file: &File<'_>, origin: Origin, mut out: Reading) -> Reading {
    let Some(whose) = PathTool::of(tool) else { return out };
    if matches!(whose, PathTool::Named(_)) {
        if effect == Effect::Allow {
            return out.noting("it allows nothing: paths are looked up in rules for `Read` and `Edit` only");
        }
        out.notes.push("Claude Code never looks at it: write it for `Read` or `Edit`; it holds here".to_owned());
    }
    if let Some((name, value)) = parameter(inside)
        && effect != Effect::Allow
    {
        if known::PRIMARY.contains(&name) {
            return out.noting(
                "Claude Code ignores it: what a tool is about cannot be matched as a parameter; write the path",
            );
        }
        let when = Some(condition(name, value));
        let about = self::name(tool);
        out.items.push(Item::Plain { about, pattern: None, when, origin: origin.clone() });
    }
    let (text, is_exception) = match inside.strip_prefix('!') {
        Some(text) => (text, true),
        None => (inside, false),
    };
    let (anchor, rest) = anchored(text, file);
    if rest.split('/').any(|name| name == "..") {
        out.notes.push("it matches nothing: no path goes up with `..` from where it starts".to_owned());
    }
    out.items.push(if is_exception {
        Item::Except { tool: whose, anchor, text: rest }
    } else {
        let dotted = text.starts_with("./");
        let one_name = !rest.trim_end_matches("/**").trim_end_matches('/').contains('/');
        let at_top = effect == Effect::Allow && one_name && (dotted || rest.ends_with("/**") || rest.ends_with('/'));
        Item::Path { tool: whose, pattern: GitignorePattern::compile(anchor, &rest, at_top), origin }
    });
    out
}

/// Where a path starts, and the pattern from there.
fn anchored(text: &str, file: &File<'_>) -> (Anchor, String) {
    if let Some(rest) = text.strip_prefix("//") {
        return (Anchor::Root, format!("/{rest}"));
    }
    if text == "~" || text.starts_with("~/") {
        let rest = text.get(1..).filter(|rest| !rest.is_empty()).unwrap_or("/**");
        return (Anchor::Home, rest.to_owned());
    }
    if text.starts_with('/') {
        return match (&file.folder, file.layer) {
            (Some(folder), _) => (Anchor::Folder(folder.clone()), text.to_owned()),
            (None, Layer::User) => (Anchor::Home, format!("/.claude{text}")),
            (None, _) => (Anchor::Project, text.to_owned()),
        };
    }
    (Anchor::Cwd, text.strip_prefix("./").unwrap_or(text).to_owned())
}

/// A rule about a tool by its name alone, and its parameters.
fn named(effect: Effect, tool: &str, inside: Option<&str>, origin: &Origin, mut out: Reading) -> Reading {
    let Some(inside) = inside.filter(|inside| *inside != "*") else {
        out.items.push(Item::Plain { about: name(tool), pattern: None, when: None, origin: origin.clone() });
        return out;
    };
    match parameter(inside) {
        _ if effect == Effect::Allow && tool.starts_with("mcp__") => {
            out.noting("it allows nothing: rules for MCP tools take no parentheses")
        }
        Some(_) if effect == Effect::Allow => out.noting(known::NO_ALLOW_BY_PARAMETER),
        Some((name, _)) if known::PRIMARY.contains(&name) && !tool.starts_with("mcp__") => {
            out.noting("Claude Code ignores it: what a tool is about cannot be matched as a parameter")
        }
        Some((parameter, value)) => {
            let when = Some(condition(parameter, value));
            out.items.push(Item::Plain { about: name(tool), pattern: None, when, origin: origin.clone() });
            out
        }
        None => out.noting("it matches nothing: this tool knows no such specifier"),
    }
}

fn name(tool: &str) -> Selector {
    Selector::Named(Wildcard::compile(Dialect::ClaudeCode, tool))
}

/// `param:value`.
fn parameter(inside: &str) -> Option<(&str, &str)> {
    let (name, value) = inside.split_once(':')?;
    let name = name.trim_end();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, value.trim()))
}

fn condition(parameter: &str, value: &str) -> Condition {
    let pattern = TextPattern::new(&value.replace('\\', r"\\"));
    Condition { argument: parameter.to_owned(), pattern, only_present: true }
}

/// Whether a `*` in the name of an allowed tool counts: behind a server that is written out.
fn is_allowed_glob(tool: &str) -> bool {
    let parts = tool.strip_prefix("mcp__").and_then(|rest| rest.split_once("__"));
    parts.is_some_and(|(server, _)| !server.is_empty() && !server.contains('*'))
}
