//! The list as rules of our own grammar, as far as it says the same.

use countersign_policy::pattern::{Executable, Machine};

use super::file::Entry;
use super::level::{Ask, Security};
use super::resolve::Resolved;

/// What an import makes of what counts for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Rules for a policy file.
    pub rules: String,
    /// Why the file must stay a source of its own for the policy to be the same, if it must.
    pub stays: Vec<String>,
    /// Entries that no rule says the same as, or that can never match.
    pub left: Vec<Left>,
    /// What was dropped, and what a reader should know.
    pub notes: Vec<String>,
}

/// An entry that became no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its pattern.
    pub pattern: String,
    /// Its line, from 1.
    pub line: u32,
    /// Why.
    pub why: String,
    /// Whether it can never match there either.
    pub inert: bool,
}

/// Turns what counts for an agent into rules.
pub fn import(resolved: &Resolved) -> Import {
    let mut out = Import { rules: String::new(), stays: Vec::new(), left: Vec::new(), notes: Vec::new() };
    let (security, ask) = (resolved.security.value, resolved.ask.value);
    match (security, ask) {
        (Security::Deny, _) | (Security::Full, Ask::Deny) => out.list("deny", &["shell(**)".to_owned()]),
        (_, Ask::Always) => out.list("ask", &["shell(**)".to_owned()]),
        (Security::Full, _) => out.list("allow", &["shell(**)".to_owned()]),
        (Security::Allowlist, ask) => {
            let rules: Vec<String> =
                resolved.entries.iter().filter_map(|entry| out.entry(entry, resolved.on)).collect();
            out.list("allow", &rules);
            if ask != Ask::OnMiss {
                out.stays.push(
                    "what is not on the list is denied: no rule of ours denies all but what others allow".to_owned(),
                );
            }
            if out.left.iter().any(|left| !left.inert) {
                out.stays.push("some entries have no rule that says the same".to_owned());
            }
            out.notes.push(
                "a rule speaks of a program as it is written; an entry of where it is, however it was called"
                    .to_owned(),
            );
        }
    }
    if security != Security::Allowlist && !resolved.entries.is_empty() {
        out.notes.push(format!("{} entries do not count, as there is no allowlist in force", resolved.entries.len()));
    }
    if resolved.auto_allow_skills.value {
        out.notes
            .push("programs of skills were allowed without an entry; which they are is not in the file".to_owned());
    }
    if resolved.ask_fallback.value != Security::Deny {
        let word = resolved.ask_fallback.value.word();
        out.notes.push(format!("where nobody answered, `{word}` held; here that is a denial"));
    }
    if !resolved.grants.is_empty() {
        out.notes.push(format!("{} answers about tools of MCP servers stay answers", resolved.grants.len()));
    }
    out
}

impl Import {
    fn entry(&mut self, entry: &Entry, on: Machine) -> Option<String> {
        let executable = entry.executable(on);
        let line = entry.origin.line;
        let left = |why: &str, inert| Left { pattern: entry.pattern.clone(), line, why: why.to_owned(), inert };
        if let Some(inert) = executable.inert() {
            self.left.push(left(inert.why, inert.there_too));
            return None;
        }
        match rule(&executable, entry, on) {
            Ok(rule) => Some(rule),
            Err(why) => {
                self.left.push(left(why, false));
                None
            }
        }
    }

    fn list(&mut self, effect: &str, rules: &[String]) {
        if rules.is_empty() {
            return;
        }
        let rules: String = rules.iter().map(|rule| format!("  {},\n", quoted(rule))).collect();
        self.rules = format!("{effect} = [\n{rules}]\n");
    }
}

/// The rule that says the same, or why there is none.
fn rule(executable: &Executable, entry: &Entry, on: Machine) -> Result<String, &'static str> {
    if executable.is_any() {
        return Ok("shell(**)".to_owned());
    }
    if entry.is_generated() || entry.arg_pattern.as_deref().is_some_and(|args| !args.is_empty()) {
        return Err("it is bound to arguments");
    }
    let pattern = entry.pattern.trim();
    if on == Machine::Windows || on == Machine::WindowsNode {
        return Err("it names a place as Windows does");
    }
    if pattern.contains(['*', '?']) {
        return Err("a wildcard there stops at a folder, and here it does not");
    }
    if pattern.contains('~') {
        return Err("it starts in the home directory, which is not a part of a command's words");
    }
    if pattern.contains('\\') || pattern.chars().any(char::is_control) {
        return Err("it has a backslash or a control character in it");
    }
    let escape = |c: char| if " ,()[]{}'\"`$&|;<>#!".contains(c) { format!("\\{c}") } else { c.to_string() };
    let words: String = pattern.chars().map(escape).collect();
    // A shell is judged by what it is given to run.
    let rest = if executable.is_shell() { "" } else { " **" };
    Ok(format!("shell({words}{rest})"))
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
