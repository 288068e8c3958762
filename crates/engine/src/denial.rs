//! What the model is told of a call that does not run: one helpful line.

use countersign_policy::{Call, Cause, Decision, Effect};

use crate::why;

/// The longest that a target is quoted, in characters.
const QUOTED: usize = 160;

/// One line that says what did not run, why, and what to do next. Nothing of what was remembered is in it.
pub(crate) fn line(call: &Call, decision: &Decision) -> String {
    let strictest = call
        .targets
        .iter()
        .zip(decision.judgements())
        .find(|(_, judgement)| judgement.effect() == decision.effect() && judgement.cause() == decision.cause());
    let what = match strictest {
        Some((target, _)) => shorten(&why::target(target)),
        None => call.tool.clone(),
    };
    let (why, next) = match decision.cause() {
        Cause::Answer { feedback: Some(feedback), .. } => (
            format!("the user said no: {}", crate::show::printable(feedback)),
            "Do as the user says; do not try the same call again.",
        ),
        Cause::Answer { feedback: None, .. } => {
            ("the user said no".to_owned(), "Do not try the same call again; ask the user how to go on.")
        }
        Cause::Grant { .. } => (
            "the user has said no to this before".to_owned(),
            "Do not look for a way around it; ask the user how to go on.",
        ),
        Cause::Nobody { asked } if matches!(**asked, Cause::Repeated { .. }) => (
            format!("{}, which needs the user's approval, and nobody can be asked now", why::cause(asked, Effect::Ask)),
            "Do not repeat it: look at what it said before, and do something else.",
        ),
        cause @ Cause::Repeated { .. } => (
            format!("it needs the user's approval ({})", why::cause(cause, Effect::Ask)),
            "Do not repeat it: look at what it said before, and do something else.",
        ),
        Cause::Nobody { asked } => (
            format!("it needs the user's approval ({}), and nobody can be asked now", why::cause(asked, Effect::Ask)),
            "Ask the user to run `countersign open` in a terminal and keep that page open, then try again; or go on without it.",
        ),
        cause if decision.effect() == Effect::Ask => (
            format!("it needs the user's approval ({})", why::cause(cause, Effect::Ask)),
            "The question stays open: go on with something else and try the same call again later.",
        ),
        Cause::Error { reason } => {
            (crate::show::masked(reason), "Tell the user; `countersign status` in a terminal says more.")
        }
        cause => (
            why::cause(cause, decision.effect()),
            "Do not look for a way around it; if it is needed, ask the user to run it or to change the rule.",
        ),
    };
    format!("Countersign did not let this run: `{what}`: {why}. {next}")
}

fn shorten(text: &str) -> String {
    let mut shortened: String = text.chars().take(QUOTED).collect();
    if shortened.len() < text.len() {
        shortened.push('…');
    }
    shortened
}
