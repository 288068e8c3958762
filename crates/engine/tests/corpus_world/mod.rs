//! The world that an entry of the corpus is decided in: `/repo`, the home `/home/u`, the built-in rules and the entry's
//! rule as the user's own.

use countersign_engine::{Layout, NothingKnown, Request, load};
use countersign_policy::{Cause, Effect, Grant, GrantResource, Reach, Scope, Timestamp};
use serde::Deserialize;

use crate::disk::Disk;

/// An entry of the corpus.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) class: String,
    allow_rule: Rules,
    pub(crate) command: String,
    #[serde(default)]
    why: String,
    /// What else the user said: a denial, a remembered answer.
    #[serde(default)]
    constraint: Option<String>,
    /// What the world is like.
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    needs: Option<String>,
    #[serde(default)]
    grade: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    One(String),
    Several(Vec<String>),
}

/// How much it matters that an everyday command asks.
#[derive(Clone, Copy)]
pub(crate) enum Grade {
    Hard,
    Soft,
}

impl Grade {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Grade::Hard => "hard",
            Grade::Soft => "soft",
        }
    }
}

/// What was decided, and why.
pub(crate) struct Outcome {
    pub(crate) effect: Effect,
    pub(crate) why: String,
}

impl Entry {
    pub(crate) fn rules(&self) -> Vec<&str> {
        match &self.allow_rule {
            Rules::One(rule) => vec![rule],
            Rules::Several(rules) => rules.iter().map(String::as_str).collect(),
        }
    }

    /// What is for PowerShell and cmd counts as soft.
    pub(crate) fn grade(&self) -> Grade {
        let windows = self.class == "windows"
            || ["powershell", "pwsh", "cmd"].iter().any(|shell| self.command.starts_with(shell));
        if self.grade.as_deref() == Some("hard") && !windows { Grade::Hard } else { Grade::Soft }
    }

    /// What the entry says of the world, in its own words.
    fn says(&self, word: &str) -> bool {
        let text = format!("{} {}", self.context.as_deref().unwrap_or_default(), self.why);
        text.to_lowercase().contains(word)
    }

    fn constraint(&self) -> &str {
        self.constraint.as_deref().unwrap_or_default()
    }

    fn context(&self, key: &str) -> Option<&str> {
        self.context.as_deref()?.split([',', ';']).find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='))
    }
}

/// Decides an entry.
pub(crate) fn decide(entry: &Entry) -> Outcome {
    let policy = policy(entry);
    let mut disk = Disk::new();
    let mut request = Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: serde_json::json!({ "command": entry.command }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        mcp_server: None,
        ..Request::of("shell", "")
    };
    if entry.needs.as_deref() == Some("filesystem-state") {
        changed_since(entry, &mut disk, &mut request);
    }
    let layout = Layout {
        home: "/home/u".to_owned(),
        user_file: "/home/u/.config/countersign/countersign.toml".to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    disk.write(&layout.user_file, &policy);
    let engine = match load(&disk, &layout, "/repo", &NothingKnown) {
        Ok(loaded) => loaded.engine,
        // A rule in a form that we do not have stands for no rule.
        Err(fault) => return Outcome { effect: Effect::Deny, why: fault.report() },
    };
    let grants = grants(entry, &request, &engine, &disk);
    if let Some(cwd) = entry.context("cwd") {
        request.cwd = cwd.to_owned();
    }
    if let Some(agent) = entry.context.as_deref().and_then(|context| context.strip_prefix("agent ")) {
        request.session = agent.to_owned();
    }
    let call = engine.call(&request, &disk);
    let decision = engine.decide(&grants, None, &call, Timestamp(0));
    let answered = decision.judgements().iter().any(|judgement| matches!(judgement.cause(), Cause::Grant { .. }));
    if entry.needs.as_deref() == Some("grant-state") && decision.effect() == Effect::Allow && !answered {
        // Allowed by the rules that everybody has, and not by what was answered: nothing outlived its answer.
        return Outcome { effect: Effect::Ask, why: "no remembered answer was used".to_owned() };
    }
    Outcome { effect: decision.effect(), why: engine.denial(&call, &decision) }
}

/// The user's policy file: the entry's rule, and what its constraint denies.
fn policy(entry: &Entry) -> String {
    let quoted = |text: String| serde_json::Value::String(text).to_string();
    // `with {"git *": ask, "*": allow}`: the entry's own words for another policy than its rule alone.
    if entry.rules().iter().any(|rule| entry.why.contains(&format!("\"{rule}\": ask"))) {
        let asked: Vec<String> = entry.rules().into_iter().flat_map(native).map(|rule| format!("{rule:?}")).collect();
        return format!("allow = [\"shell(**)\"]\nask = [{}]\n", asked.join(", "));
    }
    let list = |rules: Vec<String>| rules.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
    let remembered = entry.constraint().starts_with("allow ");
    let rules: Vec<String> = entry.rules().into_iter().flat_map(native).collect();
    match entry.constraint().strip_prefix("deny") {
        Some("") => format!("allow = [\"shell(**)\"]\ndeny = [{}]\n", list(rules)),
        Some(pattern) => {
            let pattern = pattern.trim();
            let denied = ["read", "search", "edit", "delete"].map(|action| format!("{action}({pattern})"));
            format!("allow = [{}]\ndeny = [{}]\n", list(rules), list(denied.to_vec()))
        }
        None if remembered => String::new(),
        None => format!("allow = [{}]\n", list(rules)),
    }
}

/// The entry's rule in our grammar. OpenClaw's own kinds name a program, by its path or its name.
fn native(rule: &str) -> Vec<String> {
    let safe_bins = ["cut", "uniq", "head", "tail", "tr", "wc"];
    let builtins = [":", "cd", "false", "pwd", "test", "true", "["];
    let every = |programs: &[&str]| programs.iter().map(|program| format!("shell({program} *)")).collect();
    if let Some(path) = rule.strip_prefix("exec-path:") {
        let name = path.rsplit('/').next().unwrap_or(path);
        return vec![format!("shell({path} *)"), format!("shell({name} *)")];
    }
    match rule {
        "safe-bins:default" => every(&safe_bins),
        "shell-builtins" => every(&builtins),
        _ => match rule.strip_prefix("exec-name:") {
            Some(name) => vec![format!("shell({name} *)")],
            None => vec![format!("shell({})", escaped(rule))],
        },
    }
}

/// Quotes and parentheses of a rule stand for themselves; what they hold is one word.
fn escaped(rule: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    for c in rule.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some(_), ' ') => out.push_str("\\ "),
            (None, '\\') | (Some(_), '\\') => out.push_str("\\\\"),
            (_, '\'' | '"' | '(' | ')' | ',') => out.extend(['\\', c]),
            (_, c) => out.push(c),
        }
    }
    out
}

/// What its human had answered before, where the entry says so.
fn grants(entry: &Entry, request: &Request, engine: &countersign_engine::Engine, disk: &Disk) -> Vec<Grant> {
    // An answer for once is used up, and one agent's answer is no other's: neither leaves a grant.
    if !entry.constraint().starts_with("allow always") {
        return Vec::new();
    }
    let mut grants = Vec::new();
    for rule in entry.rules() {
        let asked = Request { args: serde_json::json!({ "command": rule }), ..request.clone() };
        let call = engine.call(&asked, disk);
        for target in &call.targets {
            grants.push(Grant {
                id: "1".to_owned(),
                effect: Effect::Allow,
                action: target.action.clone(),
                resource: GrantResource::Literal {
                    key: target.grant_key().unwrap_or_default(),
                    shown: rule.to_owned(),
                },
                reach: Reach::of(&call, Scope::Project).unwrap(),
                created: Timestamp(0),
                expires: None,
                approval: None,
            });
        }
    }
    grants
}

/// Since the rule was written, what the entry says has been changed under it.
fn changed_since(entry: &Entry, disk: &mut Disk, request: &mut Request) {
    if entry.says("cwd") {
        disk.write("/tmp/evil/x", "");
        disk.link("/repo/here", "/tmp/evil");
        request.cwd = "/repo/here".to_owned();
    } else if entry.says("path now") {
        let program = entry.command.split(' ').next().unwrap_or_default();
        disk.write(&format!("/usr/bin/{program}"), "");
        disk.write(&format!("/repo/bin/{program}"), "");
        request.environment.insert("PATH".to_owned(), "/repo/bin:/usr/bin".to_owned());
    } else {
        for word in entry.command.split(' ').skip(1).filter(|word| word.contains('/') && !word.starts_with('/')) {
            disk.link(&format!("/repo/{word}"), "/home/u/.ssh/authorized_keys");
        }
    }
}
