//! OpenCode's agents: what comes with it, and what a sub-agent inherits.

use countersign_policy::Effect;

use super::Entry;

/// What comes with the program, lowest first. Its own folders for long outputs, temporary files and skills, which it
/// also allows, differ from machine to machine and are left out: they ask.
pub(super) fn defaults() -> Vec<Entry> {
    use Effect::{Allow, Ask, Deny};
    entries(&[
        ("*", "*", Allow),
        ("doom_loop", "*", Ask),
        ("external_directory", "*", Ask),
        ("question", "*", Deny),
        ("plan_enter", "*", Deny),
        ("plan_exit", "*", Deny),
        ("read", "*", Allow),
        ("read", "*.env", Ask),
        ("read", "*.env.*", Ask),
        ("read", "*.env.example", Allow),
    ])
}

/// What a built-in agent adds to the defaults; nothing for an agent that is the user's own.
pub(super) fn builtin(agent: &str) -> Vec<Entry> {
    use Effect::{Allow, Deny};
    match agent {
        "build" => entries(&[("question", "*", Allow), ("plan_enter", "*", Allow)]),
        "plan" => entries(&[
            ("question", "*", Allow),
            ("plan_exit", "*", Allow),
            ("task", "general", Deny),
            ("edit", "*", Deny),
            ("edit", ".opencode/plans/*.md", Allow),
        ]),
        "general" => entries(&[("todowrite", "*", Deny)]),
        "explore" => {
            let reading = ["grep", "glob", "list", "bash", "webfetch", "websearch", "read"];
            let mut rules = entries(&[("*", "*", Deny)]);
            rules.extend(reading.map(|permission| Entry::new(permission, "*", Allow)));
            rules
        }
        "compaction" | "title" | "summary" => entries(&[("*", "*", Deny)]),
        _ => Vec::new(),
    }
}

fn entries(rules: &[(&str, &str, Effect)]) -> Vec<Entry> {
    rules.iter().map(|(permission, pattern, effect)| Entry::new(*permission, *pattern, *effect)).collect()
}

/// What a sub-agent is started from.
#[derive(Debug, Clone, Copy)]
pub struct Parent<'a> {
    /// The rules of the session that starts it.
    pub session: &'a [Entry],
    /// `experimental.primary_tools`: tools that are for primary agents alone.
    pub primary_tools: &'a [String],
}

/// The session rules of a sub-agent, which come behind its own rules: its parent session's denials and folders outside
/// the project, and neither lists of tasks nor sub-agents of its own unless its rules name them.
pub fn session_of_subagent(parent: Parent<'_>, own: &[Entry]) -> Vec<Entry> {
    let inherited = |entry: &&Entry| entry.permission == "external_directory" || entry.effect == Effect::Deny;
    let mut session: Vec<Entry> = parent.session.iter().filter(inherited).cloned().collect();
    for permission in ["todowrite", "task"] {
        if !own.iter().any(|entry| entry.permission == permission) {
            session.push(Entry::new(permission, "*", Effect::Deny));
        }
    }
    session.extend(parent.primary_tools.iter().map(|tool| Entry::new(tool, "*", Effect::Deny)));
    session
}
