//! Which of many resources policy denies, for a look at a whole tree.

use crate::action::Action;
use crate::call::Call;
use crate::decide::{Granted, Matter, apply_ceilings, from_sources, verdict};
use crate::effect::Effect;
use crate::pattern::spellings;
use crate::rule::Rule;
use crate::source::Policy;
use crate::target::Target;
use crate::time::Timestamp;

/// The rules that deny an action, for a quick look at many resources.
#[derive(Debug)]
pub struct Denials<'a> {
    policy: &'a Policy,
    rules: Vec<&'a Rule>,
}

impl<'a> Denials<'a> {
    /// The rules of all sources and ceilings that could deny this action.
    pub fn of(policy: &'a Policy, action: &Action) -> Denials<'a> {
        let sources = policy.sources.iter().chain([&policy.builtin]);
        let ceilings = policy.ceilings.iter().map(|ceiling| &ceiling.source);
        let rules = sources
            .chain(ceilings)
            .flat_map(|source| source.about(action))
            .filter(|rule| verdict(rule) == Effect::Deny)
            .collect();
        Denials { policy, rules }
    }

    /// Whether nothing is denied.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether policy denies this target of this call, grants and answers aside.
    pub fn deny(&self, target: &Target, call: &Call, now: Timestamp) -> bool {
        let spellings = spellings(target);
        let spellings = spellings.as_ref();
        self.rules.iter().any(|rule| rule.speaks_of(target, spellings, call, now)) && {
            let matter = Matter { policy: self.policy, target, spellings, call, now };
            let (mut judgement, widest) = from_sources(matter);
            apply_ceilings(&mut judgement, Granted { grants: &[], widest }, matter);
            judgement.effect() == Effect::Deny
        }
    }
}
