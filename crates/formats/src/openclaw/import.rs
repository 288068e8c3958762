//! What the file becomes in our own grammar, as far as that says the same.

use std::sync::Arc;

use countersign_policy::pattern::{Executable, Machine};
use countersign_policy::{Effect, Origin};

use super::file::Entry;
use super::level::{Ask, Security};
use super::resolve::{Field, Resolved};
use crate::import::{Became, Fate};

/// What each part of what counts for an agent becomes.
pub fn import(file: &Arc<str>, resolved: &Resolved) -> Vec<Fate> {
    let (security, ask) = (resolved.security.value, resolved.ask.value);
    let all = |effect| native(effect, "shell(**)".to_owned());
    let (by_security, by_ask) = match (security, ask) {
        (Security::Deny, _) => (all(Effect::Deny), never("nothing runs, so nobody is asked")),
        (_, Ask::Always) => (never("everything is asked about"), all(Effect::Ask)),
        (Security::Full, Ask::Deny) => (never("everything is denied"), all(Effect::Deny)),
        (Security::Full, _) => (all(Effect::Allow), never("everything runs, so nobody is asked")),
        (Security::Allowlist, Ask::OnMiss) => {
            let why = "what is not on the list asks, as it does here where no rule speaks";
            (Became::Dropped { why: why.to_owned() }, Became::Dropped { why: why.to_owned() })
        }
        (Security::Allowlist, _) => (
            kept("what is not on the list is denied, and no rule of ours denies all but what others allow"),
            kept("nobody is asked about what is not on the list"),
        ),
    };
    let listed = security == Security::Allowlist && ask != Ask::Always;
    let mut fates = vec![
        fate(file, "security", resolved.security.value.word(), &resolved.security, by_security),
        fate(file, "ask", ask.word(), &resolved.ask, by_ask),
    ];
    if resolved.ask_fallback.value != Security::Deny {
        let word = resolved.ask_fallback.value.word();
        let why = "where nobody answers, nothing runs here";
        let dropped = Became::Dropped { why: why.to_owned() };
        fates.push(fate(file, "askFallback", word, &resolved.ask_fallback, dropped));
    }
    if resolved.auto_allow_skills.value {
        let dropped = Became::Dropped { why: "which programs are those of skills is not in the file".to_owned() };
        fates.push(fate(file, "autoAllowSkills", "true", &resolved.auto_allow_skills, dropped));
    }
    for entry in &resolved.entries {
        let became = if listed { of_entry(entry, resolved.on) } else { never("no list is in force") };
        fates.push(Fate::new(entry.origin.clone(), became));
    }
    for grant in &resolved.grants {
        let became = kept("an answer turns asks into allows, and a rule would say more");
        fates.push(Fate::new(grant.origin.clone(), became));
    }
    fates
}

fn fate<T>(file: &Arc<str>, name: &str, word: &str, field: &Field<T>, became: Became) -> Fate {
    let text = format!("{} = {word}", field.source.as_deref().unwrap_or(name));
    Fate::new(Origin { file: Arc::clone(file), line: field.line, text }, became)
}

fn native(effect: Effect, rule: String) -> Became {
    Became::native(effect, vec![rule])
}

fn kept(why: &str) -> Became {
    Became::Kept { why: why.to_owned() }
}

fn never(why: &str) -> Became {
    Became::Never { why: why.to_owned() }
}

/// A rule speaks of a program as it is written, an entry of where it is: the rule is narrower.
fn of_entry(entry: &Entry, on: Machine) -> Became {
    let executable = entry.executable(on);
    match executable.inert() {
        Some(inert) if inert.there_too => never(inert.why),
        Some(inert) => Became::Dropped { why: inert.why.to_owned() },
        None => match rule(&executable, entry, on) {
            Ok(rule) => native(Effect::Allow, rule),
            Err(why) => kept(why),
        },
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
        return Err("it starts in the home directory, which is no part of a command's words");
    }
    if pattern.contains('\\') || pattern.chars().any(|c| c.is_control() || c.is_whitespace() && c != ' ') {
        return Err("it has a backslash, a control character or an odd blank in it");
    }
    let escape = |c: char| if " ,()[]{}'\"`$&|;<>#!".contains(c) { format!("\\{c}") } else { c.to_string() };
    let words: String = pattern.chars().map(escape).collect();
    // A shell is judged by what it is given to run.
    let rest = if executable.is_shell() { "" } else { " **" };
    Ok(format!("shell({words}{rest})"))
}
