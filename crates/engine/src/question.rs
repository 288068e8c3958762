//! What a human is asked.

use std::cmp::Reverse;

use countersign_formats::clawbolt::extract::Tool;
use countersign_policy::pattern::Pattern;
use countersign_policy::{
    Action, Call, Cause, Decision, Effect, GrantResource, Judgement, Offer, Part, Question, Resource, Scope,
    ScopeOffer, Step, Target,
};
use countersign_shell::Programs;
use serde_json::Value;

use crate::show::{masked, printable};
use crate::{Files, body, lookalike, paths, steps, why};

/// The most that is shown of what an agent says of its call, in characters: its own words must not push the call away.
const CLAIM: usize = 500;

/// The question about a call that the decision leaves open.
pub(crate) fn of(call: &Call, decision: &Decision, programs: &Programs, files: &dyn Files) -> Question {
    let judged = || call.targets.iter().zip(decision.judgements());
    let parts: Vec<Part> = judged().map(|(target, judgement)| part(target, judgement, call, programs)).collect();
    let scopes = scopes(&judged().map(|(_, judgement)| judgement).zip(&parts).collect::<Vec<_>>());
    let steps = steps::of(call, &parts);
    let (parts, steps) = undecided_first(parts, steps);
    let body = body::of(call, files);
    Question {
        summary: summary(call, &parts),
        body: body.shown,
        claim: call.args.get("description").and_then(Value::as_str).map(|claim| shorten(&masked(claim), CLAIM)),
        scopes,
        parts,
        steps,
        unapprovable: body.unapprovable,
    }
}

fn part(target: &Target, judgement: &Judgement, call: &Call, programs: &Programs) -> Part {
    let mut warnings = match &target.resource {
        Resource::None => call.args.as_object().into_iter().flatten().flat_map(|(_, value)| in_value(value)).collect(),
        _ => lookalike::of_target(target),
    };
    if let Cause::Caution { reason } = judgement.cause() {
        warnings.retain(|warning| warning != reason);
    }
    Part {
        identity: target.identity(),
        action: target.action.clone(),
        text: why::target(target),
        effect: judgement.effect(),
        why: why::cause(judgement.cause(), judgement.effect()),
        warnings,
        offers: if judgement.remember().scopes.is_empty() { Vec::new() } else { offers(target, call, programs) },
    }
}

/// What in an argument of a tool is not what it looks like.
fn in_value(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => lookalike::of_text(text),
        Value::Array(items) => items.iter().flat_map(in_value).collect(),
        Value::Object(members) => members.values().flat_map(in_value).collect(),
        _ => Vec::new(),
    }
}

/// The parts with the undecided ones in front, and the steps with their new places.
fn undecided_first(parts: Vec<Part>, steps: Vec<Step>) -> (Vec<Part>, Vec<Step>) {
    let mut order: Vec<(usize, Part)> = parts.into_iter().enumerate().collect();
    order.sort_by_key(|(_, part)| Reverse(part.effect));
    let mut places = vec![0; order.len()];
    for (to, (from, _)) in order.iter().enumerate() {
        if let Some(place) = places.get_mut(*from) {
            *place = to;
        }
    }
    let place = |from: usize| places.get(from).copied();
    let steps = steps
        .into_iter()
        .filter_map(|step| {
            let touches = step.touches.into_iter().filter_map(place).collect();
            Some(Step { part: place(step.part)?, touches })
        })
        .collect();
    (order.into_iter().map(|(_, part)| part).collect(), steps)
}

/// The first undecided part, and how many others there are.
fn summary(call: &Call, parts: &[Part]) -> String {
    let first = parts.first().map(|part| part.text.as_str()).unwrap_or_default();
    let more = parts.iter().filter(|part| part.effect == Effect::Ask).count().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", printable(&call.tool), shorten(first, 100))
}

/// The beginning of a text, in characters.
fn shorten(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The scopes that every part that can be remembered admits, the one to offer first in front.
fn scopes(judged: &[(&Judgement, &Part)]) -> Vec<ScopeOffer> {
    let rememberable: Vec<&Judgement> = judged
        .iter()
        .filter(|(judgement, part)| judgement.effect() == Effect::Ask && !part.offers.is_empty())
        .map(|(judgement, _)| *judgement)
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
fn offers(target: &Target, call: &Call, programs: &Programs) -> Vec<Offer> {
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
                spellings: target.spellings.clone(),
                span: std::ops::Range::default(),
            };
            countersign_shell::offers_with(&command, programs)
                .into_iter()
                // What a human should look at is not waved through with others like it.
                .filter(|offer| offer.pattern.is_none() || target.caution.is_none())
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
        Resource::Text(_) => literal(target, "exactly").into_iter().chain(blanket(target)).collect(),
    }
}

/// All calls of a tool, where a person may want them to be one thing: a mail to whomever. What a human should look at is
/// not waved through so.
fn blanket(target: &Target) -> Option<Offer> {
    let Action::Tool(name) = &target.action else { return None };
    let noun = Tool::named(name)?.noun.filter(|_| target.caution.is_none())?;
    let words = format!("every call of {}, for all {noun}", printable(&target.action.to_string()));
    Some(Offer { resource: GrantResource::Whole, words })
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
    Some(Offer { resource: GrantResource::Pattern(pattern), words: masked(&words) })
}
