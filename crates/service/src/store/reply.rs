//! A human answers: state, grants, audit and what else the answer covers, in one transaction.

use std::fmt;

use countersign_engine::why;
use countersign_policy::approval::{Answered, Edited, Event, Outcome, Refusal, State};
use countersign_policy::{
    Answer, Call, Cause, Decision, Effect, Grant, GrantResource, Part, Question, Reach, Remember, Scope, Timestamp,
};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::{Recheck, Record, Store, StoreError, Synchronous, Writing, new_id};

/// A human's answer to one question.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The question.
    pub approval: String,
    /// Yes or no.
    pub outcome: Outcome,
    /// What is remembered. Empty: nothing.
    pub remember: Vec<Remembered>,
    /// How far that reaches; [`Scope::Once`] where nothing is remembered.
    pub scope: Scope,
    /// When it stops to count.
    pub expires: Option<Timestamp>,
    /// What the agent is told.
    pub feedback: Option<String>,
    /// Questions of other turns and sessions that the human saw listed, to be answered alike if what is remembered
    /// covers them. Those of the same turn need not be listed.
    pub also: Vec<String>,
    /// Whether the other questions of the same turn are left open, but for those in `also`.
    pub alone: bool,
    /// The call with the arguments that the human allows instead. They count this once.
    pub edited: Option<EditedCall>,
    /// Whether a no goes on to the other open questions of the turn: the policy's.
    pub cascade: bool,
}

/// A call with arguments by a human's hand.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedCall {
    /// The call.
    pub call: Call,
    /// What would be asked about it.
    pub question: Question,
}

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// The target: [`Part::identity`].
    pub identity: String,
    /// One of its offers.
    pub resource: GrantResource,
}

/// Who answers, and how.
#[derive(Debug, Clone)]
pub struct Human {
    /// The user.
    pub user: String,
    /// For the audit.
    pub via: Via,
}

impl Human {
    /// Who acts, for the audit: the human, or the application on their behalf.
    pub(crate) fn actor(&self) -> String {
        match &self.via {
            via @ Via::Application(_) => via.to_string(),
            _ => self.user.clone(),
        }
    }
}

/// By which way a human speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The page.
    Page,
    /// The command line.
    Terminal,
    /// The API, with a human's own secret.
    Api,
    /// A program that embeds agents, on the human's behalf: its token's id.
    Application(String),
    /// A chat whose messages are handed on in that way.
    Chat(Box<Via>),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Page => f.write_str("page"),
            Via::Terminal => f.write_str("terminal"),
            Via::Api => f.write_str("api"),
            Via::Application(id) => write!(f, "application {id}"),
            Via::Chat(via) => write!(f, "chat, {via}"),
        }
    }
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a reply did. On the disk before it is returned.
#[derive(Debug, Clone)]
pub struct Replied {
    /// The question with its answer.
    pub record: Record,
    /// The grants that it made.
    pub grants: Vec<Grant>,
    /// The other questions that it answered.
    pub also: Vec<String>,
    /// The same answer had come before from the same human: nothing was changed, and these are the grants it made then.
    pub repeated: bool,
}

/// Why a reply counts for nothing. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// There is no such question, or it belongs to another user.
    #[error("there is no question `{0}`")]
    Unknown(String),
    /// It cannot be answered any more.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What would run cannot be shown in full.
    #[error("this cannot be allowed: {0}")]
    Unapprovable(String),
    /// Something is to be remembered for no scope, or nothing for one.
    #[error(
        "`{scope}` says how long to remember, and nothing was chosen to be remembered: choose what, or answer only this once"
    )]
    NothingToRemember {
        /// The scope.
        scope: Scope,
    },
    /// Something is to be remembered only this once.
    #[error("to remember something takes a scope: turn, session, project or user")]
    NoScope,
    /// The question has no such target, or did not offer to remember that of it.
    #[error("the question does not offer to remember this: {0}")]
    NotOffered(String),
    /// It may not be remembered that far, or not any more.
    #[error("policy does not let this be remembered for scope `{scope}`: {text}")]
    Scope {
        /// The scope.
        scope: Scope,
        /// The target.
        text: String,
    },
    /// It may not be remembered that long.
    #[error("policy lets this be remembered for at most {max_seconds} seconds: {text}")]
    TooLong {
        /// The longest lifetime.
        max_seconds: i64,
        /// The target.
        text: String,
    },
    /// It would end before it begins.
    #[error("the time until which to remember has passed")]
    InThePast,
    /// Policy has become stricter since the question was asked.
    #[error("policy has become stricter since this was asked, and a yes no longer allows it: it can only be denied")]
    Stricter {
        /// What policy says now.
        decision: Box<Decision>,
    },
    /// The arguments were changed in a way that cannot be taken.
    #[error("changed arguments can only be allowed, and only this once")]
    Edited,
    /// Policy does not let the call run with the changed arguments, whoever allows it.
    #[error("with these arguments policy does not let it run: {}", why::cause(.decision.cause(), .decision.effect()))]
    EditedRefused {
        /// What policy says of it.
        decision: Box<Decision>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes a human's answer, once: the first one stands, and whoever comes later is told of it.
    ///
    /// Everything that is remembered is held to what the question offered and to what policy lets be remembered at
    /// this moment. Policy is asked again with the answer before anything is written.
    ///
    /// # Errors
    /// See [`ReplyError`]; nothing was written then.
    pub async fn reply(
        &mut self,
        reply: &Reply,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Replied, ReplyError> {
        let mut replied = self.reply_all(std::slice::from_ref(reply), human, now, recheck).await?;
        replied.pop().ok_or_else(|| ReplyError::Unknown(reply.approval.clone()))
    }

    /// Takes a human's answers to exactly these questions: all of them, or none.
    ///
    /// # Errors
    /// As [`Store::reply`], of the first that cannot be taken.
    pub async fn reply_all(
        &mut self,
        replies: &[Reply],
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Vec<Replied>, ReplyError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        match writing.replies(replies, human, recheck).await {
            Ok(replied) => {
                writing.commit().await?;
                Ok(replied)
            }
            Err(error) => {
                drop(writing);
                if matches!(error, ReplyError::Refused(Refusal::Expired)) {
                    self.expire(now).await?;
                }
                Err(error)
            }
        }
    }

    /// What an answer would do: the grants that it would make and what else it would answer. Nothing is written.
    ///
    /// # Errors
    /// As [`Store::reply`].
    pub async fn preview(
        &mut self,
        reply: &Reply,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Replied, ReplyError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        writing.reply(reply, human, recheck).await
    }
}

impl Writing<'_> {
    async fn replies(
        &mut self,
        replies: &[Reply],
        human: &Human,
        recheck: Recheck<'_>,
    ) -> Result<Vec<Replied>, ReplyError> {
        let mut all: Vec<Replied> = Vec::with_capacity(replies.len());
        for reply in replies {
            // One that an answer before it has answered alike need not be answered again.
            let answered = all.iter().any(|earlier| earlier.also.contains(&reply.approval));
            if answered
                && let Some(record) = self.record(&reply.approval).await?
                && outcome(&record) == Some(reply.outcome)
            {
                all.push(Replied { record, grants: Vec::new(), also: Vec::new(), repeated: true });
                continue;
            }
            all.push(self.reply(reply, human, recheck).await?);
        }
        Ok(all)
    }

    pub(super) async fn reply(
        &mut self,
        reply: &Reply,
        human: &Human,
        recheck: Recheck<'_>,
    ) -> Result<Replied, ReplyError> {
        let record = self.record(&reply.approval).await?;
        let Some(mut record) = record.filter(|record| record.approval.asker.user == human.user) else {
            return Err(ReplyError::Unknown(reply.approval.clone()));
        };
        let edited = reply.edited.as_ref();
        if edited.is_some() && (reply.outcome == Outcome::Deny || !reply.remember.is_empty()) {
            return Err(ReplyError::Edited);
        }
        let answered = Answered {
            outcome: reply.outcome,
            by: human.user.clone(),
            at: self.now,
            feedback: reply.feedback.clone(),
            shown: edited.map_or_else(|| shown(&record.question), |edited| shown(&edited.question)),
            edited: edited.map(|edited| Edited::of(&edited.call)),
        };
        let mut detail = json!({ "via": human.via, "feedback": reply.feedback, "scope": reply.scope });
        if let Some(edited) = edited {
            detail = json!({ "via": human.via, "feedback": reply.feedback, "edited": edited.question.summary });
        }
        let before = record.approval.clone();
        record.approval = self.step(&before, Event::Reply(answered.clone()), &human.user, detail).await??;
        if record.approval == before {
            return self.repeated(reply, record).await;
        }
        let question = edited.map_or(&record.question, |edited| &edited.question);
        if let (Outcome::Allow, Some(reason)) = (reply.outcome, &question.unapprovable) {
            return Err(ReplyError::Unapprovable(reason.clone()));
        }

        let grants = remembered(reply, &record, self.now, recheck)?;
        for grant in &grants {
            self.keep(grant, &human.user).await?;
        }
        if reply.outcome == Outcome::Allow {
            let call = edited.map_or(&record.call, |edited| &edited.call);
            let answer = Answer {
                approval: record.approval.id.clone(),
                digest: record.approval.approved().clone(),
                outcome: Outcome::Allow,
                shown: answered.shown.clone(),
                feedback: None,
            };
            let candidates = self.grants_for(call).await?;
            let decision = recheck(call, Some(&answer), &candidates, self.now);
            if decision.effect() != Effect::Allow {
                let decision = Box::new(decision);
                return Err(match edited {
                    Some(_) => ReplyError::EditedRefused { decision },
                    None => ReplyError::Stricter { decision },
                });
            }
        }
        let also = self.cascade(reply, &record, &answered, &grants, recheck).await?;
        Ok(Replied { record, grants, also, repeated: false })
    }

    /// The same answer again, by one who may never have heard what it did: told, and nothing is changed. One that would
    /// have something else remembered is another answer, and the first one stands.
    async fn repeated(&mut self, reply: &Reply, record: Record) -> Result<Replied, ReplyError> {
        let grants = self.grants_of(&record.approval.id).await?;
        let remembers = |chosen: &Remembered, grant: &Grant| {
            let parts = record.question.parts.iter().filter(|part| part.identity == chosen.identity);
            let action = parts.map(|part| &part.action).next();
            action == Some(&grant.action) && chosen.resource == grant.resource && grant.reach.scope == reply.scope
        };
        let all = reply.remember.iter().all(|chosen| grants.iter().any(|grant| remembers(chosen, grant)));
        let only = grants.iter().all(|grant| reply.remember.iter().any(|chosen| remembers(chosen, grant)));
        match &record.approval.state {
            State::Allowed { answer, .. } | State::Denied { answer, .. } | State::Redeemed { answer, .. }
                if !(all && only) =>
            {
                Err(Refusal::Answered(answer.clone()).into())
            }
            _ => Ok(Replied { record, grants, also: Vec::new(), repeated: true }),
        }
    }
}

/// What became of a question by its answer.
fn outcome(record: &Record) -> Option<Outcome> {
    match record.approval.state {
        State::Allowed { .. } => Some(Outcome::Allow),
        State::Denied { .. } => Some(Outcome::Deny),
        _ => None,
    }
}

/// The targets that the human was asked about.
fn shown(question: &Question) -> Vec<String> {
    let asked = question.parts.iter().filter(|part| part.effect == Effect::Ask);
    asked.map(|part| part.identity.clone()).collect()
}

/// The grants that the reply makes, each within what was offered and what policy lets be remembered now.
pub(super) fn remembered(
    reply: &Reply,
    record: &Record,
    now: Timestamp,
    recheck: Recheck<'_>,
) -> Result<Vec<Grant>, ReplyError> {
    match (reply.remember.is_empty(), reply.scope) {
        (true, Scope::Once) => return Ok(Vec::new()),
        (true, scope) => return Err(ReplyError::NothingToRemember { scope }),
        (false, Scope::Once) => return Err(ReplyError::NoScope),
        (false, _) => {}
    }
    // Without grants and answer, so that what may be remembered of each ask is what the rules and ceilings say.
    let fresh = recheck(&record.call, None, &[], now);
    let mut grants: Vec<Grant> = Vec::new();
    for chosen in &reply.remember {
        let offered = |part: &&Part| part.identity == chosen.identity;
        let Some(part) = record.question.parts.iter().find(offered) else {
            return Err(ReplyError::NotOffered("it names no target of the question".to_owned()));
        };
        if !part.offers.iter().any(|offer| offer.resource == chosen.resource) {
            return Err(ReplyError::NotOffered(part.text.clone()));
        }
        let targets = record.call.targets.iter().zip(fresh.judgements());
        let of_target = targets.filter(|(target, _)| target.identity() == chosen.identity);
        let mut lets = of_target.map(|(_, judgement)| judgement.remember()).peekable();
        if lets.peek().is_none() {
            return Err(ReplyError::Scope { scope: reply.scope, text: part.text.clone() });
        }
        for remember in lets {
            within(reply, record, part, remember, now)?;
        }
        let Some(reach) = Reach::of(&record.call, reply.scope) else {
            return Err(ReplyError::Scope { scope: reply.scope, text: part.text.clone() });
        };
        let grant = Grant {
            id: new_id(now),
            effect: if reply.outcome == Outcome::Allow { Effect::Allow } else { Effect::Deny },
            action: part.action.clone(),
            resource: chosen.resource.clone(),
            reach,
            created: now,
            expires: reply.expires,
            approval: Some(record.approval.id.clone()),
        };
        // The same thing chosen twice is one grant.
        if !grants.iter().any(|other| other.action == grant.action && other.resource == grant.resource) {
            grants.push(grant);
        }
    }
    Ok(grants)
}

/// Whether scope and lifetime keep within what the question offered and what policy lets be remembered.
fn within(reply: &Reply, record: &Record, part: &Part, remember: &Remember, now: Timestamp) -> Result<(), ReplyError> {
    let offered = record.question.scopes.iter().find(|offer| offer.scope == reply.scope);
    let Some(offered) = offered.filter(|_| remember.scopes.contains(&reply.scope)) else {
        return Err(ReplyError::Scope { scope: reply.scope, text: part.text.clone() });
    };
    if reply.expires.is_some_and(|at| at <= now) {
        return Err(ReplyError::InThePast);
    }
    let limits = [offered.max_seconds, remember.max_seconds];
    match limits.into_iter().flatten().min() {
        Some(max_seconds) if reply.expires.is_none_or(|at| at > now.plus_seconds(max_seconds)) => {
            Err(ReplyError::TooLong { max_seconds, text: part.text.clone() })
        }
        _ => Ok(()),
    }
}

impl Writing<'_> {
    /// Answers the other open questions that the new grants decide alike: those of the same turn, and those that the
    /// human saw listed. One that nobody could be shown in full stays open. A no that cascades answers all of the turn.
    async fn cascade(
        &mut self,
        reply: &Reply,
        record: &Record,
        answered: &Answered,
        grants: &[Grant],
        recheck: Recheck<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let denies_all = reply.outcome == Outcome::Deny && reply.cascade && !reply.alone;
        if grants.is_empty() && !denies_all {
            return Ok(Vec::new());
        }
        let mut others = if reply.alone { Vec::new() } else { self.same_turn(&record.approval).await? };
        let turn = if denies_all { others.len() } else { 0 };
        for id in &reply.also {
            let listed = self.record(id).await?.filter(|other| other.approval.asker.user == answered.by);
            others.extend(listed.filter(|other| other.approval.state == State::Open));
        }
        let mut also = Vec::new();
        for (place, other) in others.into_iter().enumerate() {
            if also.contains(&other.approval.id) || other.approval.id == record.approval.id {
                continue;
            }
            if other.question.unapprovable.is_some() && reply.outcome == Outcome::Allow {
                continue;
            }
            if place >= turn {
                let candidates = self.grants_for(&other.call).await?;
                let decision = recheck(&other.call, None, &candidates, self.now);
                if !decides(&decision, reply.outcome, grants) {
                    continue;
                }
            }
            // The human was not shown this call: the grants let it run, and only while they do.
            let answer = Answered { shown: Vec::new(), feedback: None, edited: None, ..answered.clone() };
            let detail = json!({ "because of": record.approval.id });
            if self.step(&other.approval, Event::Reply(answer), &answered.by, detail).await?.is_ok() {
                also.push(other.approval.id);
            }
        }
        Ok(also)
    }
}

/// Whether the decision is what the human said, and one of the new grants has a part in it.
fn decides(decision: &Decision, outcome: Outcome, grants: &[Grant]) -> bool {
    let effect = if outcome == Outcome::Allow { Effect::Allow } else { Effect::Deny };
    let new = |cause: &Cause| matches!(cause, Cause::Grant { id, .. } if grants.iter().any(|grant| grant.id == *id));
    decision.effect() == effect
        && decision.judgements().iter().any(|judgement| judgement.effect() == effect && new(judgement.cause()))
}
