//! Humans' answers: to one question, to exactly several, and what an answer would do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use countersign_engine::Engine;
use countersign_policy::approval::Outcome;
use countersign_policy::{Answer, Call, Decision, Grant, Offer, Part, Scope, Timestamp};
use serde_json::Value;

use super::human::question_of;
use super::wire::{AlsoBody, Choice, PreviewBody, RepliedBody, RepliesBody, ReplyBody};
use crate::disk::Disk;
use crate::http::app::App;
use crate::http::caller::human;
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::store::{EditedCall, Human, Record, Remembered, Replied, Reply};

/// The longest word to the agent, in characters.
const LONGEST_FEEDBACK: usize = 2_000;
/// The most questions that are answered at once.
const MOST_REPLIES: usize = 200;

/// Answers a question. The first answer stands.
#[utoipa::path(post, path = "/v1/approvals/{id}/reply", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the question")), request_body = ReplyBody,
    responses((status = 200, body = RepliedBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "answered before (by whom and when), withdrawn, or policy is stricter now", body = Problem),
        (status = 410, description = "expired", body = Problem),
        (status = 422, description = "what the question does not offer", body = Problem)))]
pub(crate) async fn reply(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<RepliedBody>, Fault> {
    let human = human(&app, &headers, "answer a question").await?;
    let body: ReplyBody = whole.json()?;
    let replied = answer(&app, &human, &id, Given::of(body)?).await?;
    Ok(Json(RepliedBody::of(replied)))
}

/// Answers exactly these questions: all of them, or none.
#[utoipa::path(post, path = "/v1/approvals/reply", tag = "humans", security(("human" = [])), request_body = RepliesBody,
    responses((status = 200, body = Vec<RepliedBody>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "one of them cannot be answered so, and none was", body = Problem),
        (status = 410, description = "expired", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn replies(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<Vec<RepliedBody>>, Fault> {
    let human = human(&app, &headers, "answer a question").await?;
    let body: RepliesBody = whole.json()?;
    if body.replies.is_empty() || body.replies.len() > MOST_REPLIES {
        return Err(Fault::invalid(format!("`replies` has from 1 to {MOST_REPLIES} answers")));
    }
    let mut given = Vec::with_capacity(body.replies.len());
    for one in body.replies {
        given.push((one.approval, Given::of(one.reply)?));
    }
    let replied = answer_all(&app, &human, given).await?;
    Ok(Json(replied.into_iter().map(RepliedBody::of).collect()))
}

/// Says what an answer would remember and what else it would answer. Nothing is changed.
#[utoipa::path(post, path = "/v1/approvals/{id}/preview", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the question")), request_body = ReplyBody,
    responses((status = 200, body = PreviewBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 410, description = "expired", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn preview(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<PreviewBody>, Fault> {
    let human = human(&app, &headers, "answer a question").await?;
    let given = Given::of(whole.json()?)?;
    let record = question_of(&app, &id, &human.user).await?;
    let remembers = given.choices.iter().filter_map(|choice| offer(&record, *choice));
    let remembers = remembers.map(|(_, offer)| offer.words.clone()).collect();
    let mut taking = Taking::of(&app, &human, vec![(id, given)]).await?;
    let reply = taking.replies.pop().ok_or_else(|| Fault::not_found("question"))?;
    let clock = app.clock();
    let preview =
        app.write(move |store| Box::pin(async move { store.preview(&reply, &human, clock, &taking.recheck()).await }));
    let replied = preview.await?;
    let mut also = Vec::with_capacity(replied.also.len());
    for id in replied.also {
        let summary = app.read().await.record(&id).await?.map(|record| record.question.summary).unwrap_or_default();
        also.push(AlsoBody { id, summary });
    }
    Ok(Json(PreviewBody { also, remembers }))
}

/// An answer as page and API take it.
pub(crate) struct Given {
    pub(crate) outcome: Outcome,
    pub(crate) scope: Scope,
    pub(crate) choices: Vec<Choice>,
    pub(crate) seconds: Option<i64>,
    pub(crate) feedback: Option<String>,
    pub(crate) also: Vec<String>,
    /// Whether the other questions of the turn stay open.
    pub(crate) alone: bool,
    /// The arguments that are allowed instead.
    pub(crate) args: Option<serde_json::Map<String, Value>>,
}

impl Given {
    fn of(body: ReplyBody) -> Result<Given, Fault> {
        let word = body.scope.as_deref().unwrap_or("once");
        let scope = Scope::named(word).ok_or_else(|| Fault::invalid(format!("`{word}` is no scope")))?;
        Ok(Given {
            outcome: body.outcome,
            scope,
            choices: body.remember,
            seconds: body.seconds,
            feedback: body.feedback,
            also: body.also,
            alone: body.alone,
            args: body.args,
        })
    }
}

/// Takes a human's answer. What is remembered is named by its place in the question, never brought along.
pub(crate) async fn answer(app: &App, human: &Human, id: &str, given: Given) -> Result<Replied, Fault> {
    let mut replied = answer_all(app, human, vec![(id.to_owned(), given)]).await?;
    replied.pop().ok_or_else(|| Fault::not_found("question"))
}

/// Takes a human's answers to exactly these questions: all of them, or none.
async fn answer_all(app: &App, human: &Human, given: Vec<(String, Given)>) -> Result<Vec<Replied>, Fault> {
    let taking = Taking::of(app, human, given).await?;
    let (human, clock) = (human.clone(), app.clock());
    let replied = app.write(move |store| {
        Box::pin(async move { store.reply_all(&taking.replies, &human, clock, &taking.recheck()).await })
    });
    let replied = replied.await?;
    // Whoever waits need not do so until the store is looked at.
    for replied in &replied {
        app.waiting.tell(&replied.record.approval);
        app.waiting.wake(replied.also.iter().map(String::as_str));
    }
    Ok(replied)
}

/// Answers that are about to be taken, with the policies that they are held to.
pub(super) struct Taking {
    pub(super) replies: Vec<Reply>,
    engines: BTreeMap<String, Arc<Engine>>,
    /// In which further folders each session works now, by user and session.
    roots: BTreeMap<(String, String), Vec<String>>,
}

impl Taking {
    pub(super) async fn of(app: &App, human: &Human, given: Vec<(String, Given)>) -> Result<Taking, Fault> {
        let mut taking =
            Taking { replies: Vec::with_capacity(given.len()), engines: BTreeMap::new(), roots: BTreeMap::new() };
        for (id, given) in given {
            let record = question_of(app, &id, &human.user).await?;
            let engine = taking.engine(app, &record.call.project).await?;
            let engine = engine.ok_or_else(|| {
                Fault::conflict("the policy cannot be read, and there is no earlier one: mend it first")
            })?;
            for other in &given.also {
                if let Ok(other) = question_of(app, other, &human.user).await {
                    taking.engine(app, &other.call.project).await?;
                    taking.look_at_roots(app, &other.call).await?;
                }
            }
            taking.look_at_roots(app, &record.call).await?;
            let now = app.view().await?.clock(app.clock()).now();
            let call = taking.present(&engine, &record.call);
            taking.replies.push(reply_to(&record, given, (&engine, &call), now)?);
        }
        Ok(taking)
    }

    async fn engine(&mut self, app: &App, project: &str) -> Result<Option<Arc<Engine>>, Fault> {
        if let Some(engine) = self.engines.get(project) {
            return Ok(Some(engine.clone()));
        }
        let engine = app.in_force(project).await?.engine;
        if let Some(engine) = &engine {
            self.engines.insert(project.to_owned(), engine.clone());
        }
        Ok(engine)
    }

    async fn look_at_roots(&mut self, app: &App, call: &Call) -> Result<(), Fault> {
        let key = (call.user.clone(), call.session_key());
        let roots = app.view().await?.roots(app, &key.0, &key.1).await?;
        self.roots.insert(key, roots);
        Ok(())
    }

    /// The call as it is in its session's workspace now, which may have changed since it was asked about.
    fn present<'a>(&self, engine: &Engine, call: &'a Call) -> Cow<'a, Call> {
        match self.roots.get(&(call.user.clone(), call.session_key())) {
            Some(roots) if *roots != call.roots => Cow::Owned(engine.with_roots(call, roots, &Disk)),
            _ => Cow::Borrowed(call),
        }
    }

    /// Judges a call by the policy of its project; one whose policy is not known is not let through.
    pub(super) fn recheck(&self) -> impl Fn(&Call, Option<&Answer>, &[Grant], Timestamp) -> Decision + Sync {
        |call, answer, grants, now| match self.engines.get(&call.project) {
            Some(engine) => engine.decide(grants, answer, &self.present(engine, call), now),
            None => Decision::fault("the policy of its project is not in force"),
        }
    }
}

fn reply_to(record: &Record, given: Given, (engine, call): (&Engine, &Call), now: Timestamp) -> Result<Reply, Fault> {
    let feedback = given.feedback.filter(|text| !text.trim().is_empty());
    if feedback.as_ref().is_some_and(|text| text.chars().count() > LONGEST_FEEDBACK) {
        return Err(Fault::invalid(format!("a word to the agent has at most {LONGEST_FEEDBACK} characters")));
    }
    if given.seconds.is_some_and(|seconds| seconds <= 0) {
        return Err(Fault::invalid("`seconds` must be more than 0"));
    }
    let edited = given.args.map(|args| {
        let call = engine.with_args(call, Value::Object(args), &Disk);
        let question = engine.question(&call, &engine.decide(&[], None, &call, now), &Disk);
        EditedCall { call, question }
    });
    Ok(Reply {
        approval: record.approval.id.clone(),
        outcome: given.outcome,
        remember: given.choices.iter().map(|choice| chosen(record, *choice)).collect::<Result<Vec<_>, _>>()?,
        scope: given.scope,
        expires: given.seconds.map(|seconds| now.plus_seconds(seconds)),
        feedback,
        also: given.also,
        alone: given.alone,
        edited,
        cascade: engine.policy().cascade,
    })
}

fn chosen(record: &Record, choice: Choice) -> Result<Remembered, Fault> {
    let offered = offer(record, choice);
    let (part, offer) = offered.ok_or_else(|| Fault::invalid("the question does not offer to remember that"))?;
    Ok(Remembered { identity: part.identity.clone(), resource: offer.resource.clone() })
}

fn offer(record: &Record, choice: Choice) -> Option<(&Part, &Offer)> {
    let part = record.question.parts.get(choice.part)?;
    Some((part, part.offers.get(choice.offer)?))
}
