//! The decision.
//!
//! 1. The catalog says whether the tool is to be had: one outside its version window, or above the role's class, is
//!    denied.
//! 2. The call's targets are judged one by one; an implied target starts at allow and is only ever tightened.
//! 3. Sources answer: ask and deny as soon as one spelling matches, allow only for all; across sources the strictest
//!    explicit answer holds. The built-in rules speak where no trusted source did, the default where they did not. A
//!    file that is not trusted then only tightens what came out. Where a session works in further roots, relative
//!    patterns mean those too, and no rule that asks or denies says less than it does without them.
//! 4. Grants: a denying one denies; an allowing one, or what was remembered in another system, turns ask into allow,
//!    and nothing else.
//! 5. A sub-agent's own policy makes it stricter, and so do those of the sub-agents above it: sources, default and grants
//!    as in 3 and 4. Then ceilings do. A ceiling's ask is lifted by an answer, or by a grant that this ceiling admits.
//!    So does repetition: the same call too often in a row asks, and no grant lifts that.
//! 6. The answer turns exactly those asks of this call that were shown into allow, once.
//! 7. The call's effect is the strictest of its targets'. An ask that nobody can be asked becomes a denial.
//! 8. Every effect names its cause; what went wrong while deciding is a cause, and never less strict than ask.

use crate::agents::{AgentDefault, Standing, layers};
use crate::approval::Outcome;
use crate::call::{Attendance, Call};
use crate::decision::{Cause, Decision, Judgement, Remember, RuleCause};
use crate::digest::Digest;
use crate::effect::Effect;
use crate::grant::{Grant, GrantLimit, Reach};
use crate::pattern::spellings;
use crate::rule::{Binds, Rule};
use crate::scope::Scope;
use crate::source::{Ceiling, Combining, Nobody, Policy, Repeats, Source};
use crate::target::{Resource, Role, Target};
use crate::terms::View;
use crate::time::Timestamp;

/// A human's answer to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The approval that was answered.
    pub approval: String,
    /// The call that it was about. An answer to another call counts for nothing.
    pub digest: Digest,
    /// Yes or no.
    pub outcome: Outcome,
    /// The identities of the targets that the human was shown.
    pub shown: Vec<String>,
    /// What the human wants the agent to know.
    pub feedback: Option<String>,
}

/// Decides one call. See the module's text for the steps.
pub fn decide(policy: &Policy, grants: &[Grant], answer: Option<&Answer>, call: &Call, now: Timestamp) -> Decision {
    let answer = answer.filter(|answer| answer.digest == call.digest());
    let unavailable = crate::catalog::unavailable(policy, call);
    let standing = Standing::of(policy, call);
    let alone = call.alone();
    let has_primary = call.targets.iter().any(|target| target.role == Role::Primary);
    let judgements = call
        .targets
        .iter()
        .map(|target| {
            let own = View::native(spellings(target));
            let matter = Matter { policy, target, own: &own, call, alone: alone.as_ref(), standing, now };
            let (mut judgement, widest) = from_sources(matter);
            apply_faults(&mut judgement, target, call);
            let grants = Granted { grants, widest };
            apply_grants(&mut judgement, grants, matter);
            let below = apply_agents(&mut judgement, grants, matter);
            let bound = narrower(below, apply_ceilings(&mut judgement, grants, matter));
            if let Some(reason) = &unavailable {
                judgement.tighten(Effect::Deny, || Cause::Unavailable { reason: reason.clone() });
            }
            let repeated = repeated(policy, call);
            if repeated && (target.role == Role::Primary || !has_primary) {
                judgement.tighten(Effect::Ask, || Cause::Repeated { times: call.in_a_row });
            }
            apply_answer(&mut judgement, answer, target);
            if judgement.effect() == Effect::Ask && fault(target, call).is_none() && !repeated {
                judgement.remembering(rememberable(policy, call, narrower(widest, bound)));
            }
            apply_attendance(&mut judgement, policy, call);
            judgement
        })
        .collect();
    Decision::from_judgements(judgements, policy.revision.clone())
}

/// One target of a call, and what it is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Matter<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) target: &'a Target,
    /// The target in our own terms.
    pub(crate) own: &'a View<'a>,
    pub(crate) call: &'a Call,
    /// The call in the project alone, where its session has further roots.
    pub(crate) alone: Option<&'a Call>,
    /// How the caller stands to the policy that is looked at.
    pub(crate) standing: Standing,
    pub(crate) now: Timestamp,
}

/// Step 3: what the sources say, and the widest scope that they let an answer be remembered for.
pub(crate) fn from_sources(matter: Matter<'_>) -> (Judgement, Option<Scope>) {
    let Matter { policy, .. } = matter;
    answered(matter, policy.sources.iter(), Some(&policy.builtin), Rest::Default(policy.default))
}

/// What becomes of what no rule speaks of.
#[derive(Clone, Copy)]
enum Rest<'a> {
    /// The policy's default.
    Default(Effect),
    /// The default of a sub-agent's table.
    Written(&'a Source, &'a AgentDefault),
}

/// What these sources say of the target as one policy. `beneath` speaks where none of them does that is trusted.
///
/// What a rule asks about or denies without the session's further roots, it asks about and denies with them: they give
/// allows more to speak of, and take nothing away.
fn answered<'a>(
    matter: Matter<'a>,
    sources: impl Iterator<Item = &'a Source> + Clone,
    beneath: Option<&'a Source>,
    rest: Rest<'a>,
) -> (Judgement, Option<Scope>) {
    let (with, its) = weighed(matter, sources.clone(), beneath, rest);
    let Some(call) = matter.alone else { return (with.judgement, its) };
    let (without, limit) = weighed(Matter { call, ..matter }, sources, beneath, rest);
    let (before, after) = (without.judgement.effect(), with.judgement.effect());
    if !without.by_rule || before == Effect::Allow || before < after {
        (with.judgement, its)
    } else if before > after {
        (without.judgement, limit)
    } else {
        (with.judgement, narrower(its, limit))
    }
}

/// What sources say, and whether a rule of theirs does.
struct Weighed {
    judgement: Judgement,
    by_rule: bool,
}

/// The same for one workspace.
fn weighed<'a>(
    matter: Matter<'a>,
    sources: impl Iterator<Item = &'a Source> + Clone,
    beneath: Option<&'a Source>,
    rest: Rest<'a>,
) -> (Weighed, Option<Scope>) {
    let implied = matter.target.role == Role::Implied || is_named(matter, sources.clone());
    let mut found = Strictest { implied, ..Strictest::default() };
    for source in sources.clone().filter(|source| source.trusted) {
        found.weigh(source, matter, Effect::Allow, Which::Ordinary);
    }
    let beneath = beneath.filter(|_| found.rule.is_none());
    if let Some(beneath) = beneath {
        found.weigh(beneath, matter, Effect::Allow, Which::Ordinary);
    }
    let floor = match (found.rule, rest) {
        (Some((_, rule)), _) => verdict(rule),
        (None, _) if implied => Effect::Allow,
        (None, Rest::Default(effect)) => effect,
        (None, Rest::Written(_, default)) => default.effect,
    };
    let without = found.rule.is_none();
    // What is for sub-agents alone, and what is not trusted, counts only where it is stricter than all else, or narrows
    // the same ask: it does not keep built-in rules and defaults from speaking.
    let least = if floor == Effect::Allow { Effect::Ask } else { floor };
    let mut tightened = Strictest { least: floor, ..found };
    if matter.standing != Standing::Own {
        for source in sources.clone().filter(|source| source.trusted).chain(beneath) {
            tightened.weigh(source, matter, least, Which::Descendants);
        }
    }
    for source in sources.filter(|source| !source.trusted) {
        tightened.weigh(source, matter, least, Which::Ordinary);
        tightened.weigh(source, matter, least, Which::Descendants);
    }
    let by_rule = |(source, rule): &(&Source, &Rule)| !without || verdict(rule) > floor || source.trusted;
    let rule = tightened.rule.filter(by_rule);
    let judgement = match rule {
        Some((source, rule)) => {
            Judgement::new(verdict(rule), Cause::Rule(RuleCause::of(source, rule, matter))).offering(rule.offer)
        }
        _ if implied => Judgement::new(Effect::Allow, Cause::Implied),
        _ => match rest {
            Rest::Default(_) => Judgement::new(floor, Cause::Default),
            Rest::Written(source, default) => {
                Judgement::new(floor, Cause::Rule(RuleCause::of_default(source, default)))
            }
        },
    };
    (Weighed { judgement, by_rule: rule.is_some() }, tightened.widest)
}

/// Whether a trusted source allows the command that names the target and spells that name out: then it follows from the
/// command as what lies inside the workspace does. A link on the way leads elsewhere than what was spelled out.
fn is_named<'a>(matter: Matter<'_>, sources: impl Iterator<Item = &'a Source>) -> bool {
    let Matter { target, call, standing, now, .. } = matter;
    let Some(named) = &target.named else { return false };
    let linked = matches!(&target.resource, Resource::Path(path) if path.real.as_ref() != Some(&path.lexical));
    let mut rules = sources.filter(|source| source.trusted).flat_map(|source| source.about_command(&named.words));
    !linked && rules.any(|rule| standing.counts(rule) && rule.names(named, call, now))
}

/// Which of a source's rules are weighed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// All but those for sub-agents alone.
    Ordinary,
    /// Those for sub-agents alone.
    Descendants,
    /// All.
    All,
}

/// The strictest of the rules weighed so far.
#[derive(Clone, Copy)]
struct Strictest<'a> {
    /// Whether the target follows from another: rules with `implied = false` do not speak of it.
    implied: bool,
    rule: Option<(&'a Source, &'a Rule)>,
    /// Rules that say less do not count.
    least: Effect,
    /// The widest scope that all rules of the strictest effect let be remembered.
    widest: Option<Scope>,
}

impl Default for Strictest<'_> {
    fn default() -> Self {
        Strictest { implied: false, rule: None, least: Effect::Allow, widest: None }
    }
}

impl<'a> Strictest<'a> {
    /// Weighs a source's rules that speak of the target and say at least `least`.
    fn weigh(&mut self, source: &'a Source, matter: Matter<'_>, least: Effect, which: Which) {
        if which == Which::Descendants && !source.binds_below() {
            return;
        }
        let Matter { target, own, call, standing, now, .. } = matter;
        let said = source.terms().say(target, call);
        let others = said.as_ref().map(|said| View::of(said, own));
        let view = others.as_ref().unwrap_or(own);
        let implied = self.implied;
        let weighs = |rule: &Rule| {
            let wanted = which == Which::All || (which == Which::Descendants) == (rule.binds == Binds::Descendants);
            wanted && (rule.implied || !implied) && standing.counts(rule)
        };
        let speaks = |rule: &&Rule| weighs(rule) && rule.speaks_of(target, view, call, now);
        let candidates = || source.candidates(target, view);
        match source.combining() {
            Combining::Strictest if source.falls_back() => {
                let speaking: Vec<&Rule> = candidates().filter(speaks).collect();
                let falls_back = speaking.iter().all(|rule| rule.fallback);
                for rule in speaking.into_iter().filter(|rule| rule.fallback == falls_back) {
                    if self.may_take(rule, least) {
                        self.take(source, rule);
                    }
                }
            }
            Combining::Strictest => {
                for rule in candidates() {
                    if self.may_take(rule, least) && speaks(&rule) {
                        self.take(source, rule);
                    }
                }
            }
            Combining::LastMatch => {
                let falls_back = source.falls_back() && !candidates().any(|rule| !rule.fallback && speaks(&rule));
                let of = |view: &View<'_>, least| {
                    source.last_that(target, view, least, |rule| {
                        rule.fallback == falls_back && weighs(rule) && rule.speaks_of(target, view, call, now)
                    })
                };
                let mut last = of(view, Effect::Allow);
                // An ask or a deny behind it counts for whatever way there is to say the same.
                for other in source.terms().say_otherwise(target, call) {
                    let tighter = of(&View::of(&other, own), Effect::Ask);
                    last = tighter.filter(|(place, _)| last.is_none_or(|(last, _)| *place > last)).or(last);
                }
                // To be allowed, where it leads and the place where it is must be allowed, too.
                let terms = source.terms();
                let also = [terms.say_of_real(target, call), terms.say_of_place(target, call)];
                let also = also.iter().flatten().map(|also| of(&View::of(also, own), Effect::Allow));
                let also: Vec<_> = also.map(|found| found.map(|(_, rule)| rule)).collect();
                let last = last
                    .map(|(_, rule)| rule)
                    .filter(|last| verdict(last) > Effect::Allow || also.iter().all(Option::is_some));
                for rule in also.into_iter().flatten().chain(last).filter(|_| last.is_some()) {
                    if self.may_take(rule, least) {
                        self.take(source, rule);
                    }
                }
            }
        }
    }

    /// Whether a rule would count if it speaks of the target.
    fn may_take(&self, rule: &Rule, least: Effect) -> bool {
        let says = verdict(rule);
        says >= least && says >= self.least
    }

    fn take(&mut self, source: &'a Source, rule: &'a Rule) {
        let says = verdict(rule);
        if self.rule.is_none_or(|(_, so_far)| says > verdict(so_far)) {
            self.rule = Some((source, rule));
            self.widest = rule.remember;
        } else {
            self.widest = narrower(self.widest, rule.remember);
        }
        self.least = self.least.max(says);
    }
}

/// The narrower of two limits; `None` is no limit.
fn narrower(one: Option<Scope>, other: Option<Scope>) -> Option<Scope> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// What a rule says: one that could not be read denies.
pub(crate) fn verdict(rule: &Rule) -> Effect {
    if rule.poisoned.is_some() { Effect::Deny } else { rule.effect }
}

/// Step 8: what was not understood asks at least, whatever the rules allow, and says so.
fn apply_faults(judgement: &mut Judgement, target: &Target, call: &Call) {
    let caution = || target.caution.clone().map(|reason| Cause::Caution { reason });
    if let Some(cause) = fault(target, call).or_else(caution)
        && judgement.effect() <= Effect::Ask
    {
        judgement.becomes(Effect::Ask, cause);
    }
}

/// What is not known of the target, if anything: no rule and no grant can allow it then.
fn fault(target: &Target, call: &Call) -> Option<Cause> {
    if let Some(reason) = &target.unclear {
        return Some(Cause::Unclear { reason: reason.clone() });
    }
    if let Resource::Path(path) = &target.resource
        && path.real.is_none()
    {
        return Some(Cause::Error { reason: format!("where `{}` leads could not be found out", path.lexical) });
    }
    call.faults.first().map(|reason| Cause::Error { reason: reason.clone() })
}

/// Step 4: grants.
fn apply_grants(judgement: &mut Judgement, granted: Granted<'_>, matter: Matter<'_>) {
    let cause = |grant: &Grant| Cause::Grant { id: grant.id.clone(), approval: grant.approval.clone() };
    if let Some(grant) = granted.speaking(Effect::Deny, matter).next() {
        judgement.tighten(Effect::Deny, || cause(grant));
        return;
    }
    if judgement.effect() != Effect::Ask || fault(matter.target, matter.call).is_some() {
        return;
    }
    let limits = || matter.policy.ceilings.iter().filter_map(|ceiling| ceiling.grants.as_ref());
    let admitted = |grant: &&Grant| within(grant, granted.widest) && limits().all(|limit| limit.admits(grant));
    if let Some(grant) = granted.speaking(Effect::Allow, matter).find(admitted) {
        judgement.becomes(Effect::Allow, cause(grant));
        return;
    }
    // What was answered elsewhere has neither a narrower scope nor an end: it counts where such a grant of ours would.
    let unbounded = |limit: &GrantLimit| limit.scopes.contains(&Scope::User) && limit.max_seconds.is_none();
    if granted.widest.is_some_and(|widest| widest < Scope::User) || !limits().all(unbounded) {
        return;
    }
    let mut elsewhere = Strictest::default();
    for source in matter.policy.remembered.iter().filter(|source| source.trusted) {
        elsewhere.weigh(source, matter, Effect::Allow, Which::All);
    }
    if let Some((source, rule)) = elsewhere.rule
        && verdict(rule) == Effect::Allow
    {
        judgement.becomes(Effect::Allow, Cause::Rule(RuleCause::of(source, rule, matter)));
    }
}

/// The grants in the store, and the widest scope that the rules let an answer be remembered for.
#[derive(Clone, Copy)]
pub(crate) struct Granted<'a> {
    pub(crate) grants: &'a [Grant],
    pub(crate) widest: Option<Scope>,
}

impl<'a> Granted<'a> {
    fn speaking(self, effect: Effect, matter: Matter<'_>) -> impl Iterator<Item = &'a Grant> {
        let Matter { target, own, call, now, .. } = matter;
        let spellings = own.spellings.as_ref();
        let speaks = move |grant: &&Grant| grant.effect == effect && grant.speaks_of(target, spellings, call, now);
        self.grants.iter().filter(speaks)
    }
}

/// Whether a grant reaches no further than rules let an answer be remembered.
fn within(grant: &Grant, widest: Option<Scope>) -> bool {
    widest.is_none_or(|widest| grant.reach.scope <= widest)
}

/// Step 5: the policies of the sub-agent that calls and of those above it. Returns the widest scope that those of them
/// that ask let an answer be remembered for.
pub(crate) fn apply_agents(judgement: &mut Judgement, granted: Granted<'_>, matter: Matter<'_>) -> Option<Scope> {
    let mut bound = None;
    for layer in layers(matter.policy, matter.call) {
        let matter = Matter { standing: layer.standing, ..matter };
        let rest = match layer.default() {
            Some((source, default)) => Rest::Written(source, default),
            None => Rest::Default(Effect::Allow),
        };
        let (mut own, widest) = answered(matter, layer.sources(), None, rest);
        apply_grants(&mut own, Granted { widest, ..granted }, matter);
        if own.effect() == Effect::Ask {
            bound = narrower(bound, widest);
        }
        if own.effect() > judgement.effect() {
            *judgement = own;
        }
    }
    bound
}

/// Step 5: ceilings. Returns the widest scope that those of them that ask let an answer be remembered for.
pub(crate) fn apply_ceilings(judgement: &mut Judgement, granted: Granted<'_>, matter: Matter<'_>) -> Option<Scope> {
    let mut bound = None;
    for ceiling in &matter.policy.ceilings {
        let implied = matter.target.role == Role::Implied;
        let mut found = Strictest { implied, ..Strictest::default() };
        // Nobody is above a ceiling.
        let matter = Matter { standing: Standing::Unknown, ..matter };
        for call in matter.alone.into_iter().chain([matter.call]) {
            found.weigh(&ceiling.source, Matter { call, ..matter }, Effect::Ask, Which::All);
        }
        let effect = found.rule.map_or(ceiling.default, |(_, rule)| verdict(rule));
        let cause = || match found.rule {
            Some((source, rule)) => RuleCause::of(source, rule, matter),
            None => default_of(ceiling),
        };
        if effect == Effect::Ask && lifted(ceiling, granted, found.widest, matter) {
            continue;
        }
        if effect == Effect::Ask {
            let most = if ceiling.grants.is_none() { Some(Scope::Once) } else { found.widest };
            bound = narrower(bound, most);
        }
        judgement.tighten(effect, || Cause::Ceiling(cause()));
    }
    bound
}

/// Whether a grant that this ceiling admits lifts its ask.
fn lifted(ceiling: &Ceiling, granted: Granted<'_>, widest: Option<Scope>, matter: Matter<'_>) -> bool {
    ceiling.grants.as_ref().is_some_and(|limit| {
        granted.speaking(Effect::Allow, matter).any(|grant| limit.admits(grant) && within(grant, widest))
    })
}

fn default_of(ceiling: &Ceiling) -> RuleCause {
    RuleCause {
        source: ceiling.source.kind,
        origin: crate::rule::Origin {
            file: ceiling.source.name.clone(),
            line: 0,
            text: format!("default = \"{}\"", ceiling.default),
        },
        why: None,
        agent: None,
        untrusted: false,
    }
}

/// Step 5: whether the session makes the same call too often in a row. Nothing is remembered of an answer to that.
fn repeated(policy: &Policy, call: &Call) -> bool {
    matches!(policy.repeats, Repeats::Ask(most) if call.in_a_row >= most)
}

/// Step 6: the answer to this very call.
fn apply_answer(judgement: &mut Judgement, answer: Option<&Answer>, target: &Target) {
    let Some(answer) = answer else { return };
    let cause = || Cause::Answer { approval: answer.approval.clone(), feedback: answer.feedback.clone() };
    match (answer.outcome, judgement.effect()) {
        (Outcome::Deny, _) => judgement.tighten(Effect::Deny, cause),
        (Outcome::Allow, Effect::Ask) if answer.shown.contains(&target.identity()) => {
            judgement.becomes(Effect::Allow, cause());
        }
        (Outcome::Allow, _) => {}
    }
}

/// What may be remembered of an answer: scopes that the call has, the rules let and all ceilings admit.
fn rememberable(policy: &Policy, call: &Call, widest: Option<Scope>) -> Remember {
    let limits = || policy.ceilings.iter().filter_map(|ceiling| ceiling.grants.as_ref());
    let scopes = [Scope::Turn, Scope::Session, Scope::Project, Scope::User]
        .into_iter()
        .filter(|scope| Reach::exists(call, *scope))
        .filter(|scope| widest.is_none_or(|widest| *scope <= widest))
        .filter(|scope| limits().all(|limit| limit.scopes.contains(scope)))
        .collect();
    Remember { scopes, max_seconds: limits().filter_map(|limit| limit.max_seconds).min() }
}

/// Step 7: an ask that nobody can be asked.
fn apply_attendance(judgement: &mut Judgement, policy: &Policy, call: &Call) {
    if call.attendance == Attendance::Nobody && judgement.effect() == Effect::Ask && policy.nobody == Nobody::Deny {
        let asked = Box::new(judgement.cause().clone());
        judgement.becomes(Effect::Deny, Cause::Nobody { asked });
    }
}
