//! What is written into a chat: plain text, in clawbolt's form, with exactly what would run.
//!
//! What comes from the agent stands in lines of its own behind a mark, or within a line of ours: no line that begins
//! otherwise is the agent's. The line of `never` stays the last, as clawbolt knows its prompts by it.

use countersign_engine::show::{masked_lines, printable};
use countersign_formats::clawbolt::extract::Tool;
use countersign_policy::{Action, Call, Effect, Offer, Part, Question, Scope};

use super::{Again, Offers, Presented, Remembering, noun};
use crate::store::Record;
use crate::web::span;

/// What stands before each line of the agent's.
const MARK: &str = "| ";
/// The longest first line of a prompt that does not show what would run, in characters.
const SHORT: usize = 160;

/// How many other open questions each reply would answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Also {
    pub(crate) no: usize,
    pub(crate) always: usize,
    pub(crate) always_all: usize,
    pub(crate) never: usize,
}

/// A question as it is presented in a channel whose messages have at most so many bytes. What does not fit into one
/// message is not offered there: a channel cuts off the end, and nobody allows what they were not shown.
pub(crate) fn present(record: &Record, offers: Offers, also: Also, longest: usize) -> Presented {
    let Record { approval, call, question } = record;
    let once = Offers { always: None, always_all: None, never: None, ..offers.clone() };
    let reason = question.unapprovable.as_deref();
    let full = |offers: &Offers| format!("{}\n\n{}", shown(call, question), replies(question, offers, also));
    let fits = |text: &String| text.len() <= longest.saturating_sub(SORRY);
    let presented =
        |text, offers| Presented { approval: approval.id.clone(), text, offers, longest, again: 0, sent: false };
    if reason.is_none() {
        for offers in [offers, once] {
            let text = full(&offers);
            if fits(&text) {
                return presented(text, offers);
            }
        }
    }
    let summary: String = question.summary.chars().take(SHORT).collect();
    let reason = reason.unwrap_or(
        "it is too long for this channel: to read all of it and to allow it, open Countersign's page (`countersign open`)",
    );
    let only_no = Offers::default();
    let text = format!(
        "I'd like to: {summary}\n\nThis can only be denied here: {reason}\n\n{}",
        replies(question, &only_no, also)
    );
    presented(text, only_no)
}

/// What would happen, where, and why it is asked.
fn shown(call: &Call, question: &Question) -> String {
    let mut text = format!("I'd like to: {}", marked(&description(call, question)));
    let changes = question.parts.first().is_some_and(|part| part.action == Action::Edit);
    let what = if changes { "change" } else { "run" };
    text.push_str(&format!("\n\nExactly what would {what}:\n{MARK}{}", marked(&question.body)));
    let agent = call.agent_in_words().map(|agent| format!(", agent {}", printable(&agent))).unwrap_or_default();
    text.push_str(&format!("\n\nWhere: {}{agent} in {}", printable(&call.host), printable(&call.cwd)));
    for part in question.parts.iter().filter(|part| part.effect == Effect::Ask) {
        text.push_str(&format!("\nAsked about: {}\n  because {}", marked(&part.text), marked(&part.why)));
        for warning in &part.warnings {
            text.push_str(&format!("\n  careful: {}", marked(warning)));
        }
    }
    if let Some(claim) = &question.claim {
        text.push_str(&format!("\n\nIn the agent's own words, which may be wrong:\n{MARK}{}", marked(claim)));
    }
    text
}

/// What clawbolt says of a call, or our own summary.
fn description(call: &Call, question: &Question) -> String {
    match &call.action {
        Action::Tool(name) => match Tool::named(name) {
            Some(tool) => masked_lines(&tool.description(&call.args)),
            None => question.summary.clone(),
        },
        _ => question.summary.clone(),
    }
}

/// A text of the agent's with our mark before each further line.
fn marked(text: &str) -> String {
    text.trim_end_matches('\n').replace('\n', &format!("\n{MARK}"))
}

fn replies(question: &Question, offers: &Offers, also: Also) -> String {
    let Offers { yes, always, always_all, never } = offers;
    let mut text = match (always, never) {
        (Some(always), Some(never)) if always == never => {
            "What never remembers is the same as with always.\n\n".to_owned()
        }
        (_, Some(never)) => format!("With never this is remembered: {}.\n\n", remembered(question, never)),
        _ => String::new(),
    };
    if *yes && always.is_none() && never.is_none() {
        text.push_str("This cannot be remembered here.\n\n");
    }
    text.push_str("Reply with one of:");
    if *yes {
        text.push_str("\n  yes: allow this once");
    }
    text.push_str(&format!("\n  no: deny this once{}", others(also.no)));
    if let Some(always) = always {
        text.push_str(&format!(
            "\n  always: allow and remember {}{}",
            remembered(question, always),
            others(also.always)
        ));
    }
    if let Some(all) = always_all {
        let action = all.chosen.first().and_then(|chosen| question.parts.get(chosen.part)).map(|part| &part.action);
        let noun = action.and_then(noun).unwrap_or("of them");
        let reach = reach(all);
        text.push_str(&format!("\n  always all: allow for all {noun} and remember {reach}{}", others(also.always_all)));
    }
    if never.is_some() {
        // What it would answer beside this question is said above: the line itself stays clawbolt's.
        if also.never > 0 {
            text.push_str(&format!("\n  (never{})", others(also.never)));
        }
        text.push_str("\n  never: deny and remember");
    }
    text
}

/// What is remembered, and how far.
fn remembered(question: &Question, what: &Remembering) -> String {
    let mut words: Vec<&str> = Vec::new();
    for chosen in &what.chosen {
        let part: Option<&Part> = question.parts.get(chosen.part);
        let offer: Option<&Offer> = part.and_then(|part| part.offers.get(chosen.offer));
        words.extend(offer.map(|offer| offer.words.as_str()).filter(|one| !words.contains(one)));
    }
    format!("{} {}", words.join("; "), reach(what))
}

fn reach(what: &Remembering) -> String {
    let place = match what.scope {
        Scope::Turn => "for this turn",
        Scope::Session => "for this session",
        Scope::Project => "in this project",
        _ => "for you everywhere",
    };
    match (what.seconds, what.scope) {
        (Some(seconds), _) => format!("{place} for {}", span(seconds)),
        (None, Scope::Turn | Scope::Session) => place.to_owned(),
        (None, _) => format!("{place} until you revoke it"),
    }
}

fn others(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " (also answers 1 other open question)".to_owned(),
        count => format!(" (also answers {count} other open questions)"),
    }
}

/// The room that is kept for [`sorry`].
const SORRY: usize = 128;

/// What stands before a prompt that is sent again.
pub(super) fn sorry(why: Again) -> &'static str {
    match why {
        // As clawbolt has it.
        Again::NoReply => "Sorry, I didn't catch that as a yes or no.\n\n",
        Again::NotOffered => "That is not offered here: reply with one of the words below.\n\n",
        Again::Stricter => "Policy has become stricter since this was asked: a yes no longer allows it.\n\n",
        Again::NotRemembered => "Policy no longer lets that be remembered: reply yes or no.\n\n",
    }
}
