//! What was answered and what is remembered, as the page shows it.

use countersign_policy::approval::{Answered, Approval, CancelReason, State};
use countersign_policy::{Effect, Grant, GrantResource, Question, Scope, Timestamp};

use super::text::Shown;
use super::time::{When, span};

/// One question that is over.
pub(crate) struct AnsweredView {
    pub(crate) id: String,
    pub(crate) outcome: &'static str,
    pub(crate) style: &'static str,
    pub(crate) summary: Shown,
    pub(crate) detail: Shown,
    pub(crate) at: When,
}

/// One thing that is remembered.
pub(crate) struct GrantView {
    pub(crate) id: String,
    pub(crate) effect: &'static str,
    pub(crate) rule: Shown,
    pub(crate) reach: Shown,
    pub(crate) ends: String,
    pub(crate) uses: String,
    pub(crate) further: Further,
}

/// Whether a grant can be made to reach further.
pub(crate) enum Further {
    /// It cannot: nothing is said of it.
    No,
    /// It can be asked how far.
    Perhaps,
    /// Somebody asked, and it can be made to reach so far.
    Choices(Vec<WiderView>),
    /// Somebody asked, and it cannot.
    NoMore(Shown),
}

/// One wider reach, as it would be from now on.
pub(crate) struct WiderView {
    pub(crate) scope: &'static str,
    pub(crate) reach: Shown,
    pub(crate) ends: String,
    /// For how many seconds, where policy bounds it; else empty.
    pub(crate) seconds: String,
}

impl Further {
    pub(crate) fn no_more(why: &str) -> Further {
        Further::NoMore(Shown::of_raw(why))
    }
}

impl WiderView {
    /// Of the grant that would be made.
    pub(crate) fn of(new: &Grant, seconds: Option<i64>, now: Timestamp) -> WiderView {
        WiderView {
            scope: new.reach.scope.word(),
            reach: Shown::of_raw(&reach(new)),
            ends: ends(new, now),
            seconds: seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
        }
    }
}

impl AnsweredView {
    /// `None` for a question that is still open.
    pub(crate) fn of(approval: &Approval, question: &Question, now: Timestamp) -> Option<Self> {
        let answered = |answer: &Answered, rest: &str| {
            let with = if answer.edited.is_some() { ", with other arguments" } else { "" };
            let said = answer.feedback.as_ref().map(|text| format!(", saying “{text}”")).unwrap_or_default();
            (format!("by {}{with}{said}{rest}", answer.by), answer.at)
        };
        let (outcome, style, (detail, at)) = match &approval.state {
            State::Open => return None,
            State::Allowed { answer, .. } => ("allowed", "allow", answered(answer, ", not yet taken by the agent")),
            State::Redeemed { answer, .. } => ("allowed", "allow", answered(answer, ", taken by the agent")),
            State::Denied { answer, .. } => ("denied", "deny", answered(answer, "")),
            State::Cancelled { reason, at } => ("withdrawn", "over", (withdrawn(*reason).to_owned(), *at)),
            State::Expired { at } => ("expired", "over", ("nobody answered in time".to_owned(), *at)),
        };
        Some(AnsweredView {
            id: approval.id.clone(),
            outcome,
            style,
            summary: Shown::of(&question.summary),
            detail: Shown::of_raw(&detail),
            at: When::of(at, now),
        })
    }
}

impl GrantView {
    pub(crate) fn of(grant: &Grant, uses: i64, now: Timestamp) -> Self {
        GrantView {
            id: grant.id.clone(),
            effect: if grant.effect == Effect::Deny { "deny" } else { "allow" },
            rule: Shown::of_raw(&rule(grant)),
            reach: Shown::of_raw(&reach(grant)),
            ends: ends(grant, now),
            uses: match uses {
                ..=0 => "not used yet".to_owned(),
                1 => "used once".to_owned(),
                uses => format!("used {uses} times"),
            },
            further: match grant.approval.is_some() && grant.reach.scope < Scope::User {
                true => Further::Perhaps,
                false => Further::No,
            },
        }
    }
}

fn ends(grant: &Grant, now: Timestamp) -> String {
    match grant.expires {
        None => "until revoked".to_owned(),
        Some(at) => format!("ends in {}", span(at.0.saturating_sub(now.0) / 1000)),
    }
}

/// The grant as one would write the rule.
fn rule(grant: &Grant) -> String {
    match &grant.resource {
        GrantResource::Whole => format!("{}", grant.action),
        GrantResource::Literal { shown, .. } => format!("{}: exactly {shown}", grant.action),
        GrantResource::Pattern(pattern) => format!("{}({})", grant.action, pattern.as_str()),
    }
}

fn reach(grant: &Grant) -> String {
    let project = grant.reach.project.as_deref().unwrap_or("an unknown project");
    match grant.reach.scope {
        Scope::Once => "once".to_owned(),
        Scope::Turn => format!("one turn in {project}"),
        Scope::Session => format!("one session in {project}"),
        Scope::Project => format!("every session in {project}"),
        Scope::User => format!("every session of {}", grant.reach.user),
        Scope::Team => "every session of the team".to_owned(),
    }
}

fn withdrawn(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Stop => "the agent was stopped",
        CancelReason::StartOver => "the conversation was started over",
        CancelReason::NewMessage => "a new message came in between",
        CancelReason::SessionEnd => "the session ended",
        CancelReason::Agent => "by the agent",
        CancelReason::Policy => "policy has changed since",
        CancelReason::Host => "answered in the agent's own prompt",
    }
}
