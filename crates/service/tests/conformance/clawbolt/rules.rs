//! Where clawbolt's turns go another way than ours.

use crate::case::Case;
use crate::rule::{Rule, Side};

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
            difference.of == "asked" && difference.theirs == "not asked" && replied(case, "yes")
        },
    },
    Rule {
        name: "an always without a resource is for calls without one",
        inputs: "`always` to a call that names no resource, and then calls of the same tool that name one",
        answer: "asked",
        why: "what was shown was a call for nothing in particular; theirs allows the tool whatever it is for",
        side: Side::Stricter,
        explains: |case, difference| difference.theirs == "not asked" && replied(case, "always"),
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
        inputs: "`deny`, `auto`, `null` and the like as a level, `tools` or `resources` that are no objects, where the answer would come from there",
        answer: "denied, with the place and what to write instead",
        why: "their whole turn fails, calls that had an answer included",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "crash",
    },
];

/// Whether the human said so to a prompt of theirs.
fn replied(case: &Case, words: &str) -> bool {
    case.expect["prompts"].as_array().unwrap().iter().any(|prompt| prompt["reply"] == words)
}
