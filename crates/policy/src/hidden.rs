//! Which tools a model is offered at all.

use crate::call::Call;
use crate::effect::Effect;
use crate::source::Policy;
use crate::target::{Resource, Target};

/// Why the tool of this call is not offered to the model, or `None` if it is.
///
/// Not offered are tools that the catalog hides, that are outside their version window or above the role's class, and
/// those that a rule without patterns, exceptions and conditions denies: nothing that a call could say would make
/// them run. Arguments and targets of the call do not count, so that the answer is stable within a session.
pub fn hidden(policy: &Policy, call: &Call) -> Option<String> {
    if policy.catalog.tools.get(&call.action.to_string()).is_some_and(|entry| entry.hidden) {
        return Some("the catalog hides it".to_owned());
    }
    if let Some(reason) = crate::catalog::unavailable(policy, call) {
        return Some(reason);
    }
    let target = Target::primary(call.action.clone(), Resource::None);
    let files = policy.sources.iter().chain(policy.ceilings.iter().map(|ceiling| &ceiling.source));
    for source in files.chain([&policy.builtin]) {
        let denies = source.candidates(&target, None).find(|rule| {
            rule.effect == Effect::Deny
                && rule.patterns.is_empty()
                && rule.unless.is_empty()
                && rule.when.is_empty()
                && rule.selector.covers(&target, None, call, crate::pattern::Case::Fold)
        });
        if let Some(rule) = denies {
            return Some(format!("{}:{} denies it: {}", rule.origin.file, rule.origin.line, rule.origin.text));
        }
    }
    None
}
