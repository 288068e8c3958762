//! What a human is asked.

use countersign_policy::pattern::Pattern;
use countersign_policy::{
    Action, Call, Decision, Effect, GrantResource, Judgement, Offer, Part, Question, Resource, Role, Scope, ScopeOffer,
    Target,
};
use serde_json::Value;

use crate::show::{printable, printable_lines};
use crate::{Files, paths, why};

/// The longest body that is shown in full, in bytes; what is longer cannot be approved.
const LONGEST: usize = 32 * 1024;

/// The question about a call that the decision leaves open.
pub(crate) fn of(call: &Call, decision: &Decision, files: &dyn Files) -> Question {
    let mut parts: Vec<Part> = call
        .targets
        .iter()
        .zip(decision.judgements())
        .map(|(target, judgement)| Part {
            identity: target.identity(),
            action: target.action.clone(),
            text: why::target(target),
            effect: judgement.effect(),
            why: why::cause(judgement.cause(), judgement.effect()),
            offers: if judgement.remember().scopes.is_empty() { Vec::new() } else { offers(target, call) },
        })
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.effect));
    let body = body(call, files);
    let unapprovable = if body.len() > LONGEST {
        Some(format!(
            "it is too long to be shown in full ({} KiB, the most is {} KiB): deny it and ask for smaller steps",
            body.len() / 1024,
            LONGEST / 1024
        ))
    } else {
        None
    };
    let shown = body.char_indices().take_while(|(at, _)| *at < LONGEST).map(|(_, c)| c).collect();
    Question {
        summary: summary(call, &parts),
        body: shown,
        claim: call.args.get("description").and_then(Value::as_str).map(printable),
        scopes: scopes(call, decision, &parts),
        parts,
        unapprovable,
    }
}

fn summary(call: &Call, parts: &[Part]) -> String {
    let first = parts.first().map(|part| part.text.as_str()).unwrap_or_default();
    let more = parts.iter().filter(|part| part.effect == Effect::Ask).count().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let short: String = first.chars().take(100).collect();
    let cut = if short.len() < first.len() { "…" } else { "" };
    format!("{}: {short}{cut}{more}", printable(&call.tool))
}

/// Exactly what would run or change.
fn body(call: &Call, files: &dyn Files) -> String {
    let argument = |name: &str| call.args.get(name).and_then(Value::as_str);
    match &call.action {
        Action::Shell => argument("command").or_else(|| argument("resource")).map(printable_lines),
        Action::Edit => edit(call, &argument, files),
        _ => None,
    }
    .unwrap_or_else(|| printable_lines(&serde_json::to_string_pretty(&call.args).unwrap_or_default()))
}

/// The difference that an edit would make, where its arguments tell.
fn edit<'a>(call: &Call, argument: &impl Fn(&str) -> Option<&'a str>, files: &dyn Files) -> Option<String> {
    let path = call.targets.iter().find_map(|target| match &target.resource {
        Resource::Path(path) => path.real.clone(),
        _ => None,
    })?;
    let changes = match (argument("old_string"), argument("new_string"), argument("content")) {
        (Some(old), Some(new), _) => {
            let all = call.args.get("replace_all") == Some(&Value::Bool(true));
            format!("{}{}", if all { "every occurrence:\n" } else { "" }, difference(old, new))
        }
        (_, _, Some(content)) => {
            let before = files.read(&path).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
            difference(&before.unwrap_or_default(), content)
        }
        _ => return None,
    };
    // Arguments beside the change itself are shown as they are, so that nothing rides along unseen.
    let known = ["file_path", "old_string", "new_string", "content", "replace_all"];
    let rest: serde_json::Map<String, Value> = call
        .args
        .as_object()?
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let rest = if rest.is_empty() { String::new() } else { format!("{}\n", Value::Object(rest)) };
    Some(printable_lines(&format!("{path}\n{rest}{changes}")))
}

fn difference(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(3).missing_newline_hint(true).to_string()
}

/// The scopes that every part that can be remembered admits, the one to offer first in front.
fn scopes(call: &Call, decision: &Decision, parts: &[Part]) -> Vec<ScopeOffer> {
    let rememberable: Vec<&Judgement> = call
        .targets
        .iter()
        .zip(decision.judgements())
        .filter(|(target, judgement)| {
            judgement.effect() == Effect::Ask
                && parts.iter().any(|part| part.identity == target.identity() && !part.offers.is_empty())
        })
        .map(|(_, judgement)| judgement)
        .collect();
    let Some(first) = rememberable.first() else { return Vec::new() };
    let mut scopes: Vec<Scope> = first
        .remember()
        .scopes
        .iter()
        .copied()
        .filter(|scope| rememberable.iter().all(|judgement| judgement.remember().scopes.contains(scope)))
        .collect();
    let preferred = rememberable.iter().filter_map(|judgement| judgement.offer()).min();
    scopes.sort_by_key(|scope| (Some(*scope) != preferred, *scope));
    let max_seconds = rememberable.iter().filter_map(|judgement| judgement.remember().max_seconds).min();
    scopes.into_iter().map(|scope| ScopeOffer { scope, max_seconds }).collect()
}

/// What may be remembered of a target, the narrowest first.
fn offers(target: &Target, call: &Call) -> Vec<Offer> {
    match &target.resource {
        Resource::None => {
            vec![Offer {
                resource: GrantResource::Whole,
                words: format!("every call of {}", printable(&target.action.to_string())),
            }]
        }
        Resource::Words(words) => {
            let command = countersign_shell::Command {
                words: words.clone(),
                role: Role::Primary,
                span: std::ops::Range::default(),
            };
            countersign_shell::offers(&command)
                .into_iter()
                .filter_map(|offer| match offer.pattern {
                    None => literal(target, "exactly"),
                    Some(pattern) => pattern_offer(
                        &target.action,
                        &pattern,
                        format!("`{}` with any ordinary arguments", pattern.trim_end_matches(" *")),
                    ),
                })
                .collect()
        }
        Resource::Path(path) => {
            let mut offers: Vec<Offer> = literal(target, "exactly").into_iter().collect();
            if target.action != Action::Delete
                && path.real.as_ref() == Some(&path.lexical)
                && let Some(inside) = paths::below(&path.lexical, &call.project)
            {
                if let Some((folder, _)) = inside.rsplit_once('/') {
                    let pattern = format!("{}/**", paths::escape(folder));
                    let words = format!("{} anything in {folder}/ of this workspace", target.action);
                    offers.extend(pattern_offer(&target.action, &pattern, words));
                }
                offers.extend(pattern_offer(
                    &target.action,
                    "**",
                    format!("{} anything in this workspace", target.action),
                ));
            }
            offers
        }
        Resource::Url { host, url } => {
            let mut offers: Vec<Offer> = Vec::new();
            if !url.is_empty() {
                offers.extend(literal(target, "exactly"));
            }
            offers.extend(pattern_offer(&target.action, &paths::escape(host), format!("anything at {host}")));
            offers
        }
        Resource::Text(_) => literal(target, "exactly").into_iter().collect(),
    }
}

fn literal(target: &Target, how: &str) -> Option<Offer> {
    let shown = why::target(target);
    Some(Offer {
        words: format!("{how} `{shown}`"),
        resource: GrantResource::Literal { key: target.grant_key()?, shown },
    })
}

fn pattern_offer(action: &Action, pattern: &str, words: String) -> Option<Offer> {
    let pattern = Pattern::parse(action, pattern).ok()?;
    Some(Offer { resource: GrantResource::Pattern(pattern), words: printable(&words) })
}
