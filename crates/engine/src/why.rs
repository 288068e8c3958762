//! Causes and targets in words.

use countersign_policy::{Cause, Effect, Resource, RuleCause, SourceKind, Target};

use crate::show::{masked, printable};

/// What a target is, in one line: `git push`, `edit /repo/out.txt`.
pub fn target(target: &Target) -> String {
    let text = match (&target.resource, target.action.to_string()) {
        (Resource::None, action) => action,
        (Resource::Words(_), _) => target.resource.literal().unwrap_or_default(),
        (Resource::Path(path), action) => match &path.real {
            Some(real) if *real != path.lexical => format!("{action} {} (which leads to {real})", path.lexical),
            _ => format!("{action} {}", path.lexical),
        },
        (resource, action) if action == "shell" => resource.literal().unwrap_or_default(),
        (resource, action) => format!("{action} {}", resource.literal().unwrap_or_default()),
    };
    masked(&text)
}

/// Why policy said `effect`, as the rest of a sentence.
pub fn cause(cause: &Cause, effect: Effect) -> String {
    match cause {
        Cause::Rule(rule) => rule_words(rule, effect),
        Cause::Ceiling(rule) => format!("{}, which nobody below it can lift", rule_words(rule, effect)),
        Cause::Grant { id, .. } => format!("a remembered answer ({id}) says {effect}"),
        Cause::Answer { feedback: None, .. } => "the user answered".to_owned(),
        Cause::Answer { feedback: Some(feedback), .. } => format!("the user says: {}", printable(feedback)),
        Cause::Default => "no rule speaks of it".to_owned(),
        Cause::Implied => "it follows from the rest".to_owned(),
        Cause::Unavailable { reason } | Cause::Caution { reason } | Cause::Error { reason } => masked(reason),
        Cause::Unclear { reason } => format!("it was not understood: {}", masked(reason)),
        Cause::Repeated { times } => format!("it would be the same call {times} times in a row (`repeats`)"),
        Cause::Nobody { asked } => format!("{}, and nobody could be asked", self::cause(asked, Effect::Ask)),
    }
}

/// The longest that a rule's text is quoted, in characters.
const QUOTED: usize = 80;

fn rule_words(rule: &RuleCause, effect: Effect) -> String {
    let builtin = rule.source == SourceKind::Builtin;
    let place = match rule.source {
        SourceKind::Builtin => "a built-in rule".to_owned(),
        _ if rule.origin.line == 0 => rule.origin.file.to_string(),
        _ => format!("{}:{}", rule.origin.file, rule.origin.line),
    };
    let place = match &rule.agent {
        Some(kind) => format!("{place} [agents.{}]", printable(kind)),
        None => place,
    };
    let mut text: String = rule.origin.text.chars().take(QUOTED).collect();
    if text.len() < rule.origin.text.len() {
        text.push('…');
    }
    masked(&match &rule.why {
        Some(why) if builtin => format!("{why} ({place})"),
        Some(why) => format!("{why} ({place} says {effect} {text})"),
        None => format!("{place} says {effect} {text}"),
    })
}
