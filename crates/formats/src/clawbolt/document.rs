//! `PERMISSIONS.json` as it was written, and the source that it makes.
//!
//! clawbolt looks up a call in four places and takes the first answer: the exact resource, the first pattern in the order
//! of the file that matches the resource, the tool, the tool's default. The rules of the source stand in the opposite
//! order, and the last that matches decides. What is wrong in a place is a rule too, which denies where that place would
//! have been looked at.

use std::ops::Range;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{Combining, Effect, Origin, Rule, Selector, Source, SourceKind, Terms};

use super::{Defaults, Level};
use crate::Text;
use crate::json::{self, Grammar, Member, Node};

/// The most levels that a file may have.
const MOST_LEVELS: usize = 10_000;

/// The most bytes that the patterns of a file may have together: each is walked for each call.
const MOST_PATTERNS: usize = 64 * 1024;

/// The most problems that are listed one by one.
const MOST_PROBLEMS: usize = 200;

/// Reads a file into one source that decides as clawbolt's `resolve_permission` does.
///
/// A level or a shape that clawbolt does not know is no error here: the answer is no where it would have come from there,
/// and every other answer stands. [`check`] lists them.
///
/// # Errors
/// The file is no JSON object, or has more in it than is read.
pub fn read(text: &Text<'_>, kind: SourceKind, trusted: bool, defaults: &Defaults) -> Result<Source, Vec<Problem>> {
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    Ok(document.source(kind, trusted, defaults))
}

/// All that is wrong with a file, in its order. Empty: clawbolt itself would take it, and every level counts.
pub fn check(text: &Text<'_>) -> Vec<Problem> {
    match Document::parse(text) {
        Ok(document) => document.problems(),
        Err(problem) => vec![problem],
    }
}

/// A file as it was written.
pub(super) struct Document<'a> {
    pub(super) text: &'a Text<'a>,
    /// The levels of tools.
    pub(super) tools: Result<Vec<Entry>, Fault>,
    /// The levels of resources, by tool.
    pub(super) resources: Result<Vec<Resources>, Fault>,
    /// The other members of the file, which clawbolt keeps and does not look at.
    pub(super) others: Vec<Member>,
    /// Names that stand twice.
    twice: Vec<Fault>,
    /// Where the lines begin.
    lines: Vec<usize>,
}

/// The resources of one tool.
pub(super) struct Resources {
    pub(super) tool: String,
    pub(super) entries: Result<Vec<Entry>, Fault>,
}

/// A tool or a resource and its level.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) span: Range<usize>,
    pub(super) level: Result<Level, Fault>,
}

/// What is wrong somewhere.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    message: String,
    help: String,
}

impl Entry {
    /// Whether the key is a pattern too, which matches more than itself or something else.
    pub(super) fn is_pattern(&self) -> bool {
        self.key.contains(['*', '?', '['])
    }
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a Text<'a>) -> Result<Document<'a>, Problem> {
        let root = json::parse(text, Grammar::Json)?;
        let Some(members) = root.object() else {
            let message = format!("the file is {}, and must be an object", root.kind());
            let help = "an empty one is `{\"version\": 1, \"tools\": {}, \"resources\": {}}`";
            return Err(text.problem(&root.span, message, Some(help)));
        };
        let mut twice = Vec::new();
        let mut known = |name: &str| {
            let member = members.iter().find(|member| member.name == name)?;
            note_twice(member, name, &mut twice);
            Some(&member.node)
        };
        let (tools, resources) = (known("tools"), known("resources"));
        let tools = tools.map_or(Ok(Vec::new()), |node| entries("tools", node, &mut twice));
        let resources = match resources {
            None => Ok(Vec::new()),
            Some(node) => object("resources", node).map(|tools| {
                let each = |member: &Member| {
                    let name = format!("resources.{}", member.name);
                    note_twice(member, &name, &mut twice);
                    Resources { tool: member.name.clone(), entries: entries(&name, &member.node, &mut twice) }
                };
                tools.iter().map(each).collect()
            }),
        };
        let others = members.iter().filter(|member| member.name != "tools" && member.name != "resources");
        let others = others.cloned().collect();
        let mut lines = vec![0];
        lines.extend(text.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        let document = Document { text, tools, resources, others, twice, lines };
        document.too_much().map_or(Ok(document), Err)
    }

    /// The resources of each tool that has readable ones.
    fn maps(&self) -> impl Iterator<Item = &Resources> {
        self.resources.iter().flatten()
    }

    fn too_much(&self) -> Option<Problem> {
        let entries = || self.maps().flat_map(|of| of.entries.iter().flatten());
        let tools = self.tools.as_ref().map_or(0, Vec::len);
        let levels = tools + self.maps().count() + entries().count();
        if levels > MOST_LEVELS {
            let message = format!("the file has {levels} levels, and at most {MOST_LEVELS} are read");
            return Some(self.text.problem(&(0..0), message, Some("take away those that no longer matter")));
        }
        let bytes: usize = entries().filter(|entry| entry.is_pattern()).map(|entry| entry.key.len()).sum();
        if bytes > MOST_PATTERNS {
            let message =
                format!("the patterns of the file have {bytes} bytes, and at most {MOST_PATTERNS} are looked at");
            return Some(self.text.problem(&(0..0), message, Some("take away those that no longer matter")));
        }
        None
    }

    /// The sections that are no objects.
    pub(super) fn shapes(&self) -> impl Iterator<Item = Problem> {
        let faults = self.tools.as_ref().err().into_iter().chain(self.resources.as_ref().err());
        faults.map(|fault| self.text.problem(&fault.span, fault.message.clone(), Some(&fault.help)))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut faults: Vec<&Fault> = self.twice.iter().collect();
        faults.extend(self.tools.as_ref().err());
        faults.extend(self.resources.as_ref().err());
        faults.extend(self.maps().filter_map(|of| of.entries.as_ref().err()));
        let resources = self.maps().flat_map(|of| of.entries.iter().flatten());
        let levels = self.tools.iter().flatten().chain(resources);
        faults.extend(levels.filter_map(|entry| entry.level.as_ref().err()));
        faults.sort_by_key(|fault| fault.span.start);
        let problem = |fault: &&Fault| self.text.problem(&fault.span, fault.message.clone(), Some(&fault.help));
        let mut problems: Vec<Problem> = faults.iter().take(MOST_PROBLEMS).map(problem).collect();
        if let Some(next) = faults.get(MOST_PROBLEMS) {
            let message = format!("{} more things are wrong from here on", faults.len() - MOST_PROBLEMS);
            problems.push(self.text.problem(&next.span, message, Some("mend those above first")));
        }
        problems
    }

    fn source(&self, kind: SourceKind, trusted: bool, defaults: &Defaults) -> Source {
        let mut rules = Vec::new();
        let by_default = |selector, name: &str, level: Level| {
            let text = format!("{name}: {}, by default", level.word());
            Rule::new(level.effect(), selector, Origin { file: self.text.name.clone(), line: 0, text })
        };
        rules.extend(defaults.other.map(|level| by_default(Selector::Every, "every other tool", level)));
        rules.extend(defaults.tools.iter().map(|(tool, level)| by_default(named(tool), tool, *level)));
        match &self.tools {
            Ok(tools) => rules.extend(tools.iter().map(|entry| self.rule(named(&entry.key), None, "tools", entry))),
            Err(fault) => rules.push(self.poison(Selector::Every, "tools", fault)),
        }
        match &self.resources {
            Ok(of_tools) => of_tools.iter().for_each(|of| self.push_resources(of, &mut rules)),
            Err(fault) => rules.push(of_any_resource(self.poison(Selector::Every, "resources", fault))),
        }
        Source::new(kind, self.text.name.clone(), trusted, rules).speaking(Terms::Tool, Combining::LastMatch)
    }

    fn push_resources(&self, of: &Resources, rules: &mut Vec<Rule>) {
        let name = format!("resources.{}", of.tool);
        let entries = match &of.entries {
            Ok(entries) => entries,
            Err(fault) => return rules.push(of_any_resource(self.poison(named(&of.tool), &name, fault))),
        };
        let mut push = |dialect, entry: &Entry| {
            let pattern = Pattern::wildcard(Wildcard::compile(dialect, &entry.key));
            rules.push(self.rule(named(&of.tool), Some(pattern), &name, entry));
        };
        entries.iter().rev().filter(|entry| entry.is_pattern()).for_each(|entry| push(Dialect::Fnmatch, entry));
        entries.iter().for_each(|entry| push(Dialect::Exact, entry));
    }

    fn rule(&self, selector: Selector, pattern: Option<Pattern>, place: &str, entry: &Entry) -> Rule {
        let rule = match &entry.level {
            Ok(level) => {
                let text = format!("{place}.{}: {}", entry.key, level.word());
                Rule::new(level.effect(), selector, self.origin(&entry.span, text))
            }
            Err(fault) => self.poison(selector, &format!("{place}.{}", entry.key), fault),
        };
        Rule { patterns: pattern.into_iter().collect(), ..rule }
    }

    /// A rule that denies where what could not be read would have decided.
    fn poison(&self, selector: Selector, place: &str, fault: &Fault) -> Rule {
        let rule = Rule::new(Effect::Deny, selector, self.origin(&fault.span, place.to_owned()));
        Rule { poisoned: Some(format!("{}; {}", fault.message, fault.help)), ..rule }
    }

    fn origin(&self, span: &Range<usize>, text: String) -> Origin {
        Origin { file: self.text.name.clone(), line: self.line(span), text }
    }

    /// The line of what stands there, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        u32::try_from(self.lines.partition_point(|start| *start <= span.start)).unwrap_or(u32::MAX)
    }
}

fn named(tool: &str) -> Selector {
    Selector::Named(Wildcard::compile(Dialect::Exact, tool))
}

fn of_any_resource(rule: Rule) -> Rule {
    Rule { patterns: vec![Pattern::wildcard(Wildcard::compile(Dialect::Fnmatch, "*"))], ..rule }
}

fn note_twice(member: &Member, name: &str, twice: &mut Vec<Fault>) {
    if member.repeated {
        twice.push(Fault {
            span: member.span.clone(),
            message: format!("{} stands in the file twice, and only this one counts", quoted(name)),
            help: "take one of them away".to_owned(),
        });
    }
}

fn object<'n>(name: &str, node: &'n Node) -> Result<&'n [Member], Fault> {
    node.object().ok_or_else(|| Fault {
        span: node.span.clone(),
        message: format!("{} is {}, and must be an object", quoted(name), node.kind()),
        help: "write `{}`, or leave it out".to_owned(),
    })
}

fn entries(name: &str, node: &Node, twice: &mut Vec<Fault>) -> Result<Vec<Entry>, Fault> {
    let each = |member: &Member| {
        note_twice(member, &member.name, twice);
        Entry { key: member.name.clone(), span: member.span.clone(), level: level(&member.name, &member.node) }
    };
    Ok(object(name, node)?.iter().map(each).collect())
}

fn level(of: &str, node: &Node) -> Result<Level, Fault> {
    let fault = |message, help: &str| Fault { span: node.span.clone(), message, help: help.to_owned() };
    let Some(word) = node.text() else {
        let message = format!("the level of {} is {}, and must be a text", quoted(of), node.kind());
        return Err(fault(message, "write `\"always\"`, `\"ask\"` or `\"never\"`"));
    };
    let meant = || match word.trim().to_ascii_lowercase().as_str() {
        "always" | "auto" | "allow" | "allowed" => Some(Level::Always),
        "ask" | "prompt" => Some(Level::Ask),
        "never" | "deny" | "denied" | "block" | "off" => Some(Level::Never),
        _ => None,
    };
    Level::named(word).ok_or_else(|| {
        let help = match meant() {
            Some(level) => format!("write `{}`", level.word()),
            None => "write `always`, `ask` or `never`".to_owned(),
        };
        let message = match word {
            "" => format!("the level of {} is empty", quoted(of)),
            word => format!("{} is no level", quoted(word)),
        };
        fault(message, &help)
    })
}

#[cfg(test)]
mod tests;
