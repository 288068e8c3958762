//! Which of many resources policy stops, for a look at a whole tree.

use crate::action::Action;
use crate::agents::{Standing, layers};
use crate::call::Call;
use crate::decide::{Granted, Matter, apply_agents, apply_ceilings, from_sources, verdict};
use crate::decision::{Cause, Judgement};
use crate::effect::Effect;
use crate::pattern::spellings;
use crate::rule::Rule;
use crate::source::{Policy, Source};
use crate::target::Target;
use crate::terms::View;
use crate::time::Timestamp;

/// The rules that stop an action, for a quick look at many resources: those that deny it, and of a change or deletion
/// those of a ceiling that ask.
#[derive(Debug)]
pub struct Denials<'a> {
    policy: &'a Policy,
    /// The call in the project alone, where its session has further roots.
    alone: Option<Call>,
    rules: Vec<(&'a Source, &'a Rule)>,
    /// What stops.
    least: Effect,
}

impl<'a> Denials<'a> {
    /// The rules of all sources and ceilings, and of the sub-agent that calls, that could stop this action.
    pub fn of(policy: &'a Policy, action: &Action, call: &'a Call) -> Denials<'a> {
        let guarded = matches!(action, Action::Delete | Action::Edit);
        let least = if guarded { Effect::Ask } else { Effect::Deny };
        let agents: Vec<&Source> = layers(policy, call).flat_map(|layer| layer.sources().collect::<Vec<_>>()).collect();
        let sources = policy.sources.iter().chain([&policy.builtin]).chain(agents);
        let sources = sources.map(|source| (source, Effect::Deny));
        let ceilings = policy.ceilings.iter().map(|ceiling| (&ceiling.source, least));
        let rules = sources
            .chain(ceilings)
            .flat_map(|(source, least)| {
                source.about(action).filter(move |rule| verdict(rule) >= least).map(move |rule| (source, rule))
            })
            .collect();
        Denials { policy, alone: call.alone(), rules, least }
    }

    /// Whether nothing is stopped.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether policy denies this target of this call, or a ceiling stops it; grants and answers aside.
    pub fn stop(&self, target: &Target, call: &Call, now: Timestamp) -> bool {
        let own = View::native(spellings(target));
        let alone = self.alone.as_ref().filter(|_| !call.roots.is_empty());
        let speaks = |(source, rule): &(&Source, &Rule)| {
            let said = source.terms().say(target, call);
            let others = said.as_ref().map(|said| View::of(said, &own));
            let view = others.as_ref().unwrap_or(&own);
            alone.into_iter().chain([call]).any(|call| rule.speaks_of(target, view, call, now))
        };
        self.rules.iter().any(speaks) && {
            let standing = Standing::of(self.policy, call);
            let matter = Matter { policy: self.policy, target, own: &own, call, alone, standing, now };
            let (mut judgement, widest) = from_sources(matter);
            apply_agents(&mut judgement, Granted { grants: &[], widest }, matter);
            let mut bound = Judgement::new(Effect::Allow, Cause::Default);
            apply_ceilings(&mut bound, Granted { grants: &[], widest }, matter);
            judgement.effect() == Effect::Deny || bound.effect() >= self.least
        }
    }
}
