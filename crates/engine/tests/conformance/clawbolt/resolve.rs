//! The level of a call under a file is the effect of our decision on it.

use countersign_formats::clawbolt::Level;

use super::{decision, of_effects, policy_of};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "resolve",
        compares: "the level: `always` is allow, `never` is deny; where it fails with an error, whether we deny",
        replay,
        rules: RULES.to_vec(),
    }
}

pub(super) fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let default = Level::named(case.context["default"].as_str().unwrap_or("ask")).unwrap();
    let ours = decision(&policy_of(case), default, case.text("tool"), case.request["resource"].as_str());
    let difference = match case.expect["level"].as_str() {
        Some(level) => of_effects("level", Level::named(level).unwrap().effect(), ours),
        None if ours == countersign_policy::Effect::Deny => Some(Difference::stricter("level", "an error", "deny")),
        None => Some(Difference::looser("level", "an error", ours.word())),
    };
    difference.into_iter().collect()
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a level or a shape that is not known denies",
        inputs: "`deny`, `auto`, `null` and the like as a level, `tools` or `resources` that are no objects, where the answer would come from there",
        answer: "denied, with the place and what to write instead",
        why: "their whole turn fails, calls that had an answer included",
        side: Side::Stricter,
        explains: |case, _| case.expect["error"].is_string(),
    },
    Rule {
        name: "a list or a text in place of the levels denies",
        inputs: "`tools` that is a list or a text, where no resource has an answer",
        answer: "denied",
        why: "they look for the tool's name in the list or the text, find nothing, and go on with the default: every `never` that was meant is lost",
        side: Side::Stricter,
        explains: |case, _| case.policy["tools"].is_array() || case.policy["tools"].is_string(),
    },
];
