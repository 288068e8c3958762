//! Reads `exec-approvals.json`.
//!
//! Messages name places and never values: an agent's name, a token or an argument that an entry is bound to is nobody's
//! business in a log.

use countersign_policy::document::Problem;
use countersign_policy::pattern::Machine;
use serde_json::{Map, Value};

use super::file::{Agent, Approvals, Entry, Grant, Said, Settings, Socket};
use super::level::{Ask, Security};
use super::normal;
use crate::Text;
use crate::json::{self, Grammar, Json, Member, Node};

/// Reads the file.
///
/// # Errors
/// All that is wrong with it, without a word of what stands in it. Then [`Approvals::closed`] holds.
pub fn parse(file: &Text<'_>, on: Machine) -> Result<Approvals, Vec<Problem>> {
    let (approvals, problems) = read(file, on);
    if problems.is_empty() { Ok(approvals) } else { Err(problems) }
}

/// Reads what can be read of the file, and all that is wrong with it: for showing what is there. Only what [`parse`]
/// takes may decide.
pub fn read(file: &Text<'_>, on: Machine) -> (Approvals, Vec<Problem>) {
    let mut reader = Reader { file, on, problems: Vec::new() };
    let approvals = reader.document();
    (approvals, reader.problems)
}

struct Reader<'a> {
    file: &'a Text<'a>,
    on: Machine,
    problems: Vec<Problem>,
}

/// The most items of one list: more than anybody reads.
const MOST_ENTRIES: usize = 10_000;
const LEVELS: &str = "one of `deny`, `allowlist`, `full`";

impl Reader<'_> {
    fn document(&mut self) -> Approvals {
        let empty = Approvals { defaults: Settings::default(), ..Approvals::closed(self.on) };
        let root = match json::parse(self.file, Grammar::Json) {
            Ok(root) => root,
            Err(problem) => {
                self.problems.push(problem);
                return empty;
            }
        };
        // What one reader takes and another does not: a line break in a text, half a character, a number without end.
        if serde_json::from_str::<serde::de::IgnoredAny>(self.file.text).is_err() {
            let message = "this is no JSON that every program reads alike";
            let help = "look for control characters in texts, halves of surrogate pairs, and odd numbers";
            self.problems.push(self.file.problem(&root.span, message, Some(help)));
            return empty;
        }
        if root.object().is_none() {
            self.wrong(&root, "the document", "an object");
            return empty;
        }
        let is_first = |node: &Node| matches!(&node.value, Json::Number(number) if number.parse() == Ok(1.0));
        if !root.member("version").is_some_and(is_first) {
            let help = "other versions are other formats: let OpenClaw rewrite the file";
            let place = root.member("version").unwrap_or(&root);
            self.problems.push(self.file.problem(&place.span, "`version` must be 1", Some(help)));
        }
        let socket = root.member("socket").map(|node| self.socket(node)).unwrap_or_default();
        let defaults = root.member("defaults").map(|node| self.settings(node, "defaults")).unwrap_or_default();
        let agents = root.member("agents").map(|node| self.agents(node)).unwrap_or_default();
        normal::migrated(Approvals { on: self.on, socket, defaults, agents })
    }

    fn socket(&mut self, node: &Node) -> Socket {
        if !self.is_object(node, "socket") {
            return Socket::default();
        }
        let mut text = |name| {
            let text = self.text(node.member(name)?, &format!("socket.{name}"))?;
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Socket { path: text("path"), token: text("token") }
    }

    fn settings(&mut self, node: &Node, place: &str) -> Settings {
        if !self.is_object(node, place) {
            return Settings::default();
        }
        let node_reads = self.on == Machine::WindowsNode;
        let asks =
            if node_reads { "one of `off`, `on-miss`, `always`, `deny`" } else { "one of `off`, `on-miss`, `always`" };
        let ask = |word: &str| Ask::named(word).filter(|ask| node_reads || *ask != Ask::Deny);
        let fallback = |word: &str| match word {
            "always" if node_reads => Some(Security::Deny),
            "on-miss" if node_reads => Some(Security::Allowlist),
            "off" if node_reads => Some(Security::Full),
            word => Security::named(word),
        };
        let said = |name: &str| node.member(name).map(|member| (format!("{place}.{name}"), member));
        let (security, asked) = (said("security"), said("ask"));
        let (ask_fallback, skills) = (said("askFallback"), said("autoAllowSkills"));
        Settings {
            security: self.word(security, Security::named, LEVELS),
            ask: self.word(asked, ask, asks),
            ask_fallback: self.word(ask_fallback, fallback, LEVELS),
            auto_allow_skills: match skills {
                None => Said::Nothing,
                Some((_, Node { span, value: Json::Bool(truth) })) => {
                    Said::Value(*truth, self.file.origin(span, "").line)
                }
                Some((place, node)) => {
                    self.wrong(node, &format!("`{place}`"), "true or false");
                    Said::Unknown
                }
            },
        }
    }

    fn word<T>(&mut self, said: Option<(String, &Node)>, read: impl Fn(&str) -> Option<T>, wanted: &str) -> Said<T> {
        let Some((place, node)) = said else { return Said::Nothing };
        match node.text().and_then(read) {
            Some(value) => Said::Value(value, self.file.origin(&node.span, "").line),
            None => {
                self.wrong(node, &format!("`{place}`"), wanted);
                Said::Unknown
            }
        }
    }

    fn agents(&mut self, node: &Node) -> Vec<(String, Agent)> {
        if !self.is_object(node, "agents") {
            return Vec::new();
        }
        let mut agents = Vec::new();
        for (at, member) in node.object().unwrap_or_default().iter().enumerate() {
            if member.name == "__proto__" {
                let help = "JavaScript takes that name for something else: give the agent another one";
                let message = "`agents` must have no `__proto__`";
                self.problems.push(self.file.problem(&member.span, message, Some(help)));
                continue;
            }
            agents.push((member.name.clone(), self.agent(&member.node, &format!("agents entry #{}", at + 1))));
        }
        agents
    }

    fn agent(&mut self, node: &Node, place: &str) -> Agent {
        let settings = self.settings(node, place);
        let members = node.object().unwrap_or_default();
        let known = ["security", "ask", "askFallback", "autoAllowSkills", "allowlist", "mcpTools"];
        Agent {
            settings,
            allowlist: node.member("allowlist").map(|list| self.list(list, &format!("{place}.allowlist"), Self::entry)),
            mcp_tools: node.member("mcpTools").map(|list| self.list(list, &format!("{place}.mcpTools"), Self::grant)),
            others: others(members, &known),
        }
    }

    fn list<T>(&mut self, node: &Node, place: &str, read: fn(&mut Self, &Node, &str) -> Option<T>) -> Vec<T> {
        let Some(items) = node.list() else {
            self.wrong(node, &format!("`{place}`"), "a list");
            return Vec::new();
        };
        if items.len() > MOST_ENTRIES {
            self.wrong(node, &format!("`{place}`"), "a list of at most 10000 items");
            return Vec::new();
        }
        items.iter().enumerate().filter_map(|(at, item)| read(self, item, &format!("{place}[{at}]"))).collect()
    }

    fn entry(&mut self, node: &Node, place: &str) -> Option<Entry> {
        let node_reads = self.on == Machine::WindowsNode;
        if let Some(pattern) = node.text().filter(|_| !node_reads) {
            let pattern = pattern.trim().to_owned();
            if pattern.is_empty() {
                self.wrong(node, &format!("`{place}`"), "a text that is not empty");
                return None;
            }
            let origin = self.file.origin(&node.span, pattern.clone());
            return Some(Entry { pattern, arg_pattern: None, source: None, others: Map::new(), origin });
        }
        if node.object().is_none() {
            let wanted =
                if node_reads { "an object with a `pattern`" } else { "a text, or an object with a `pattern`" };
            self.wrong(node, &format!("`{place}`"), wanted);
            return None;
        }
        let before = self.problems.len();
        let pattern = self.full_text(node, place, "pattern");
        let mut text = |name: &str| {
            let member = node.member(name).filter(|member| !node_reads || member.value != Json::Null)?;
            self.text(member, &format!("{place}.{name}")).map(str::to_owned)
        };
        let (source, arg_pattern) = (text("source"), text("argPattern"));
        for name in ["id", "commandText", "lastUsedCommand", "lastResolvedPath"] {
            text(name);
        }
        self.number(node, place, "lastUsedAt", false);
        if self.problems.len() > before {
            return None;
        }
        let pattern = pattern?;
        let origin = self.file.origin(&node.span, pattern.clone());
        let members = node.object().unwrap_or_default();
        let others = others(members, &["pattern", "argPattern", "source", "commandText"]);
        Some(Entry { pattern, arg_pattern, source, others, origin })
    }

    fn grant(&mut self, node: &Node, place: &str) -> Option<Grant> {
        if !self.is_object(node, place) {
            return None;
        }
        let before = self.problems.len();
        let (server, tool) = (self.full_text(node, place, "server"), self.full_text(node, place, "tool"));
        let source = node.member("source");
        if source.and_then(Node::text) != Some("allow-always") {
            self.wrong(source.unwrap_or(node), &format!("`{place}.source`"), "one of `allow-always`");
        }
        if node.member("addedAt").is_none() {
            self.wrong(node, &format!("`{place}.addedAt`"), "a number");
        }
        self.number(node, place, "addedAt", true);
        self.number(node, place, "lastUsedAt", true);
        if self.problems.len() > before {
            return None;
        }
        let (server, tool) = (server?, tool?);
        let origin = self.file.origin(&node.span, format!("{server}/{tool}"));
        Some(Grant { server, tool, members: others(node.object().unwrap_or_default(), &[]), origin })
    }

    /// A text that must be there and say something.
    fn full_text(&mut self, node: &Node, place: &str, name: &str) -> Option<String> {
        let place = format!("{place}.{name}");
        let Some(member) = node.member(name) else {
            self.wrong(node, &format!("`{place}`"), "a text");
            return None;
        };
        let text = self.text(member, &place)?;
        if text.trim().is_empty() {
            self.wrong(member, &format!("`{place}`"), "a text that is not empty");
            return None;
        }
        Some(text.to_owned())
    }

    fn text<'n>(&mut self, node: &'n Node, place: &str) -> Option<&'n str> {
        if node.text().is_none() {
            self.wrong(node, &format!("`{place}`"), "a text");
        }
        node.text()
    }

    /// A number that may be missing.
    fn number(&mut self, node: &Node, place: &str, name: &str, counts: bool) {
        let Some(member) = node.member(name) else { return };
        let number = match &member.value {
            Json::Number(number) => number.parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => None,
        };
        match number {
            None => self.wrong(member, &format!("`{place}.{name}`"), "a number"),
            Some(number) if counts && number < 0.0 => {
                self.wrong(member, &format!("`{place}.{name}`"), "a number from 0 on")
            }
            Some(_) => {}
        }
    }

    fn is_object(&mut self, node: &Node, place: &str) -> bool {
        if node.object().is_none() {
            self.wrong(node, &format!("`{place}`"), "an object");
        }
        node.object().is_some()
    }

    fn wrong(&mut self, node: &Node, place: &str, wanted: &str) {
        let help = format!("it is {}; nothing runs until that is mended", kind(node, wanted));
        self.problems.push(self.file.problem(&node.span, format!("{place} must be {wanted}"), Some(&help)));
    }
}

/// What stands there instead, in a word.
fn kind(node: &Node, wanted: &str) -> &'static str {
    match &node.value {
        Json::Text(text) if text.trim().is_empty() => "an empty text",
        Json::Text(_) if wanted.starts_with("one of") => "another word",
        Json::Object(_) if !wanted.contains("object") => "an object without it",
        _ => node.kind(),
    }
}

/// The members that have none of these names.
fn others(members: &[Member], known: &[&str]) -> Map<String, Value> {
    let unknown = members.iter().filter(|member| !known.contains(&&*member.name));
    unknown.map(|member| (member.name.clone(), member.node.plain())).collect()
}
