//! The document as OpenClaw keeps it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::file::{Agent, Approvals, Entry, Grant, Said, Settings};

/// The agent that an older version called `default`.
pub(super) const MAIN: &str = "main";

/// Moves what was said of `default` to `main`, whose own word counts more.
pub(super) fn migrated(mut approvals: Approvals) -> Approvals {
    let Some(at) = approvals.agents.iter().position(|(name, _)| name == "default") else { return approvals };
    let (_, old) = approvals.agents.remove(at);
    match approvals.agents.iter_mut().find(|(name, _)| name == MAIN) {
        Some((_, main)) => *main = merged(std::mem::take(main), old),
        None => approvals.agents.push((MAIN.to_owned(), old)),
    }
    approvals
}

fn merged(main: Agent, old: Agent) -> Agent {
    let mut seen = BTreeSet::new();
    let mut is_new = |entry: &Entry| {
        let args = entry.arg_pattern.as_deref().unwrap_or_default().trim();
        seen.insert((entry.pattern.trim().to_lowercase(), args.to_owned()))
    };
    let entries = main.allowlist.into_iter().chain(old.allowlist).flatten();
    let entries: Vec<Entry> = entries.filter(|entry| is_new(entry)).collect();
    let mcp_tools = match (main.mcp_tools, old.mcp_tools) {
        (Some(main), Some(old)) => {
            let known: BTreeSet<(&str, &str)> = main.iter().map(|grant| (&*grant.server, &*grant.tool)).collect();
            let is_new = |grant: &Grant| !known.contains(&(&*grant.server, &*grant.tool));
            let more: Vec<Grant> = old.into_iter().filter(is_new).collect();
            Some(main.into_iter().chain(more).collect())
        }
        (main, old) => main.or(old),
    };
    let settings = Settings {
        security: first(main.settings.security, old.settings.security),
        ask: first(main.settings.ask, old.settings.ask),
        ask_fallback: first(main.settings.ask_fallback, old.settings.ask_fallback),
        auto_allow_skills: first(main.settings.auto_allow_skills, old.settings.auto_allow_skills),
    };
    let mut others = old.others;
    others.extend(main.others);
    Agent { settings, allowlist: Some(entries).filter(|entries| !entries.is_empty()), mcp_tools, others }
}

fn first<T>(main: Said<T>, old: Said<T>) -> Said<T> {
    match main {
        Said::Nothing => old,
        main => main,
    }
}

impl Approvals {
    /// The document as OpenClaw writes it again. It gives entries without an id one; ids are random, and none is made
    /// here.
    pub fn normal(&self) -> Value {
        let mut socket = Map::new();
        put(&mut socket, "path", self.socket.path.as_deref());
        put(&mut socket, "token", self.socket.token.as_deref());
        let agents: Map<String, Value> =
            self.agents.iter().map(|(name, agent)| (name.clone(), normal_agent(agent).into())).collect();
        json!({"version": 1, "socket": socket, "defaults": normal_settings(&self.defaults), "agents": agents})
    }
}

fn normal_agent(agent: &Agent) -> Map<String, Value> {
    let mut out = agent.others.clone();
    out.extend(normal_settings(&agent.settings));
    if let Some(list) = &agent.allowlist {
        out.insert("allowlist".to_owned(), list.iter().map(|entry| Value::from(normal_entry(entry))).collect());
    }
    if let Some(list) = &agent.mcp_tools {
        out.insert("mcpTools".to_owned(), list.iter().map(|grant| Value::from(grant.members.clone())).collect());
    }
    out
}

fn normal_settings(settings: &Settings) -> Map<String, Value> {
    let mut out = Map::new();
    put(&mut out, "security", value(settings.security).map(super::Security::word));
    put(&mut out, "ask", value(settings.ask).map(super::Ask::word));
    put(&mut out, "askFallback", value(settings.ask_fallback).map(super::Security::word));
    if let Some(truth) = value(settings.auto_allow_skills) {
        out.insert("autoAllowSkills".to_owned(), truth.into());
    }
    out
}

/// The command that made an entry is not kept: it may hold secrets.
fn normal_entry(entry: &Entry) -> Map<String, Value> {
    let mut out = entry.others.clone();
    put(&mut out, "pattern", Some(&entry.pattern));
    put(&mut out, "argPattern", entry.arg_pattern.as_deref());
    put(&mut out, "source", entry.source.as_deref());
    out
}

fn value<T>(said: Said<T>) -> Option<T> {
    match said {
        Said::Value(value, _) => Some(value),
        Said::Nothing | Said::Unknown => None,
    }
}

fn put(out: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.insert(name.to_owned(), text.into());
    }
}
