//! Where clawbolt's turns go another way than ours.

use countersign_formats::clawbolt::Level;
use countersign_formats::clawbolt::reply::Reply;
use serde_json::Value;

use crate::case::Case;
use crate::rule::{Difference, Rule, Side};

/// Of turns of several calls.
pub(super) const ROUND: &[Rule] = &[
    Rule {
        name: "an answer for all holds at once",
        inputs: "a reply of `always all`, and another call of the tool in the same round",
        answer: "it runs",
        why: "the prompt says \"allow for all recipients and remember\"; theirs asks about the next recipient again, because it looked at what is remembered before the first prompt",
        side: Side::Looser,
        explains: |case, difference| {
            let mut nouns = case.context["tools"].as_array().unwrap().iter().filter(|tool| tool.get("noun").is_some());
            replied(case, "always all") && nouns.any(|tool| difference.theirs.contains(tool["name"].as_str().unwrap()))
        },
    },
    Rule {
        name: "a no until the turn ends outlives an answer for all",
        inputs: "a `no`, or no answer in time, for one resource, and `always all` to another call of the tool in the same turn",
        answer: "that resource is denied until the turn ends",
        why: "the human was asked about that very one",
        side: Side::Stricter,
        explains: |case, difference| {
            let no = ["no", "<timeout>", "<publish-fails>"].iter().any(|words| replied(case, words));
            no && replied(case, "always all") && difference.of == "outcome" && difference.ours.ends_with(" denied")
        },
    },
    Rule {
        name: "a yes is for the call that was shown",
        inputs: "a reply of `yes`, and another call of the same tool for the same resource in the same turn",
        answer: "asked again",
        why: "the prompt says \"allow this once\"; theirs lets every later call run, whatever its arguments, so that a yes to deleting one event deletes the next one too",
        side: Side::Stricter,
        explains: |case, difference| {
            let is_later = difference.of == "outcome" && difference.ours.ends_with(" interrupted");
            (difference.of == "asked" && difference.theirs == "not asked" || is_later) && replied(case, "yes")
        },
    },
    Rule {
        name: "a call that names nothing asks each time",
        inputs: "a call that names no resource, of a tool whose calls name one",
        answer: "asked, and no answer to it is remembered",
        why: "what the file and earlier answers say of the tool was meant for what its calls name; theirs takes them for any call of the tool",
        side: Side::Stricter,
        explains: |case, difference| calls(case).any(|call| names_nothing(case, call, difference)),
    },
    Rule {
        name: "a resource that is remembered is no pattern",
        inputs: "`always` or `never` to a call for something with `*`, `?` or `[` in its name",
        answer: "remembered for exactly that",
        why: "the agent chose the name, and the human was shown one mail to one `*`; theirs reads it as a pattern from then on, so that every recipient is allowed",
        side: Side::Stricter,
        explains: |case, difference| {
            let is_pattern =
                |call: &Value| call["args"]["res"].as_str().is_some_and(|res| res.contains(['*', '?', '[']));
            let remembers = ["always", "always all", "never"].iter().any(|words| replied(case, words));
            let is_about = difference.theirs == "not asked" || difference.of == "outcome";
            remembers && is_about && calls(case).any(is_pattern)
        },
    },
    Rule {
        name: "a never without a resource is for the tool",
        inputs: "`never` to a call that names no resource, and other calls of the tool in the same round",
        answer: "denied",
        why: "theirs keeps it for the tool, too, and still asks about the calls that came with it",
        side: Side::Stricter,
        explains: |case, difference| replied(case, "never") && ["asked", "stored", "outcome"].contains(&difference.of),
    },
    Rule {
        name: "the file's levels hold for every tool",
        inputs: "a level of a tool that clawbolt's registry gives none",
        answer: "the file's level",
        why: "theirs lets such tools run, `never` or not",
        side: Side::Stricter,
        explains: |case, difference| {
            let mut free = case.context["tools"].as_array().unwrap().iter().filter(|tool| tool["default"].is_null());
            free.any(|tool| {
                let name = tool["name"].as_str().unwrap();
                difference.ours.contains(&format!(" of {name}: "))
                    || difference.ours.contains(&format!("like to: {name} "))
            })
        },
    },
    Rule {
        name: "a level or a shape that is not known denies",
        inputs: "`deny`, `auto`, `null` and the like as a level, `tools` or `resources` that are no objects",
        answer: "every call is denied until the file is mended, with the place and what to write instead",
        why: "their whole turn fails where the answer would come from there, calls that had one included; what else such a file was meant to say nobody knows",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "crash" || !is_known(&case.policy),
    },
];

fn calls(case: &Case) -> impl Iterator<Item = &Value> {
    let rounds = case.request["rounds"].as_array().unwrap().iter();
    rounds.flat_map(|round| round.as_array().unwrap())
}

/// Whether clawbolt knows all levels and shapes of its file.
pub(super) fn is_known(file: &Value) -> bool {
    let is_level = |level: &Value| level.as_str().is_some_and(|word| Level::named(word).is_some());
    let levels = |of: &Value| of.as_object().is_some_and(|of| of.values().all(is_level));
    let tools = file.get("tools").is_none_or(levels);
    tools && file.get("resources").is_none_or(|of| of.as_object().is_some_and(|tools| tools.values().all(levels)))
}

/// Whether a call of a tool whose calls name a resource names none, and the difference is about that tool.
fn names_nothing(case: &Case, call: &Value, difference: &Difference) -> bool {
    let tool = call["tool"].as_str().unwrap();
    let mut tools = case.context["tools"].as_array().unwrap().iter();
    let is_named = tools.any(|one| one["name"] == tool && one["extract"] == "res");
    let is_about = difference.theirs.contains(tool) || difference.ours.contains(tool);
    is_named && call["args"]["res"].is_null() && is_about
}

/// Whether the human said so to a prompt of theirs, in whatever words.
fn replied(case: &Case, words: &str) -> bool {
    let is = |reply: &str| reply == words || Reply::of(words).is_some() && Reply::of(reply) == Reply::of(words);
    case.expect["prompts"].as_array().unwrap().iter().any(|prompt| prompt["reply"].as_str().is_some_and(is))
}
