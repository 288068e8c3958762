//! What only humans may do: look at questions and answer them.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use countersign_policy::approval::Outcome;
use countersign_policy::{Call, Scope, Timestamp};

use super::wire::{ApprovalBody, Choice, Page, RepliedBody, ReplyBody};
use crate::http::app::App;
use crate::http::caller::human;
use crate::http::fault::Problem;
use crate::http::{Fault, Shared, Whole, stream};
use crate::store::{GrantFilter, Human, Record, RecordFilter, Remembered, Replied, Reply};

/// The longest word to the agent, in characters.
const LONGEST_FEEDBACK: usize = 2_000;

/// Questions, the newest first. `open`: only those that wait for an answer.
#[utoipa::path(get, path = "/v1/approvals", tag = "humans", security(("human" = [])),
    params(Listing),
    responses((status = 200, description = "questions with their calls and states", body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn approvals(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Listing>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Record>>, Fault> {
    let human = human(&app, &headers, "list questions").await?;
    let Query(listing) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let filter = RecordFilter {
        user: Some(human.user),
        open: listing.open.unwrap_or(false),
        before: listing.before,
        limit: listing.limit.unwrap_or(0),
        ..RecordFilter::default()
    };
    Ok(Json(app.store.lock().await.records(&filter).await?))
}

/// Which questions to list.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listing {
    /// Only those that wait for an answer.
    open: Option<bool>,
    /// Only those before this id, to turn pages.
    before: Option<String>,
    /// At most so many; 100 unless given.
    limit: Option<u32>,
}

/// One question with its call and its state.
#[utoipa::path(get, path = "/v1/approvals/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the question")),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn approval(
    State(app): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Record>, Fault> {
    let human = human(&app, &headers, "read a question").await?;
    Ok(Json(question_of(&app, &id, &human).await?))
}

/// Answers a question. The first answer stands.
#[utoipa::path(post, path = "/v1/approvals/{id}/reply", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the question")), request_body = ReplyBody,
    responses((status = 200, body = RepliedBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "answered before (by whom and when), withdrawn, or policy is stricter now", body = Problem),
        (status = 410, description = "expired", body = Problem),
        (status = 422, description = "what the question does not offer", body = Problem)))]
pub(crate) async fn reply(
    State(app): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<RepliedBody>, Fault> {
    let human = human(&app, &headers, "answer a question").await?;
    let body: ReplyBody = whole.json()?;
    let word = body.scope.as_deref().unwrap_or("once");
    let scope = Scope::named(word).ok_or_else(|| Fault::invalid(format!("`{word}` is no scope")))?;
    let given = Given {
        outcome: body.outcome,
        scope,
        choices: body.remember,
        seconds: body.seconds,
        feedback: body.feedback,
        also: body.also,
    };
    let replied = answer(&app, &human, &id, given).await?;
    Ok(Json(RepliedBody {
        approval: ApprovalBody::of(&replied.record.approval),
        grants: replied.grants.into_iter().map(|grant| grant.id).collect(),
        also: replied.also,
    }))
}

/// An answer as page and API take it.
pub(crate) struct Given {
    pub(crate) outcome: Outcome,
    pub(crate) scope: Scope,
    pub(crate) choices: Vec<Choice>,
    pub(crate) seconds: Option<i64>,
    pub(crate) feedback: Option<String>,
    pub(crate) also: Vec<String>,
}

/// Takes a human's answer. What is remembered is named by its place in the question, never brought along.
pub(crate) async fn answer(app: &App, human: &Human, id: &str, given: Given) -> Result<Replied, Fault> {
    let feedback = given.feedback.filter(|text| !text.trim().is_empty());
    if feedback.as_ref().is_some_and(|text| text.chars().count() > LONGEST_FEEDBACK) {
        return Err(Fault::invalid(format!("a word to the agent has at most {LONGEST_FEEDBACK} characters")));
    }
    let record = question_of(app, id, human).await?;
    let remember = given.choices.iter().map(|choice| chosen(&record, *choice)).collect::<Result<Vec<_>, _>>()?;
    let in_force = app.in_force(&record.call.project).await?;
    let Some(engine) = in_force.engine else {
        return Err(Fault::conflict("the policy cannot be read, and there is no earlier one: mend it first"));
    };
    let mut store = app.store.lock().await;
    let now = store.clock(app.clock()).await?;
    if given.seconds.is_some_and(|seconds| seconds <= 0) {
        return Err(Fault::invalid("`seconds` must be more than 0"));
    }
    let reply = Reply {
        approval: id.to_owned(),
        outcome: given.outcome,
        remember,
        scope: given.scope,
        expires: given.seconds.map(|seconds| now.plus_seconds(seconds)),
        feedback,
        also: given.also,
    };
    let recheck =
        |call: &Call, answer: Option<&_>, grants: &[_], now: Timestamp| engine.decide(grants, answer, call, now);
    let replied = store.reply(&reply, human, now, &recheck).await?;
    app.poked.notify_one();
    Ok(replied)
}

fn chosen(record: &Record, choice: Choice) -> Result<Remembered, Fault> {
    let part = record.question.parts.get(choice.part);
    let offer = part.and_then(|part| part.offers.get(choice.offer).map(|offer| (part, offer)));
    let (part, offer) = offer.ok_or_else(|| Fault::invalid("the question does not offer to remember that"))?;
    Ok(Remembered { identity: part.identity.clone(), resource: offer.resource.clone() })
}

/// A question of this human.
pub(crate) async fn question_of(app: &App, id: &str, human: &Human) -> Result<Record, Fault> {
    let record = app.store.lock().await.record(id).await?;
    record.filter(|record| record.approval.asker.user == human.user).ok_or_else(|| Fault::not_found("question"))
}

/// What is remembered, the newest first.
#[utoipa::path(get, path = "/v1/grants", tag = "humans", security(("human" = [])), params(Page),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn grants(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "list grants").await?;
    let Query(page) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let filter = GrantFilter {
        user: Some(human.user),
        before: page.before,
        limit: page.limit.unwrap_or(0),
        ..GrantFilter::default()
    };
    let mut store = app.store.lock().await;
    let now = store.clock(app.clock()).await?;
    Ok(Json(store.grants(&filter, now).await?))
}

/// Revokes what is remembered.
#[utoipa::path(delete, path = "/v1/grants/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the grant")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "revoke a grant").await?;
    take_back(&app, &id, &human).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Revokes a grant of this human.
pub(crate) async fn take_back(app: &App, id: &str, human: &Human) -> Result<(), Fault> {
    let revoked = app.store.lock().await.revoke(id, &human.user, &human.user, app.clock()).await?;
    app.poked.notify_one();
    if revoked { Ok(()) } else { Err(Fault::not_found("grant")) }
}

/// Says `changed` whenever there is something new to look at. Whoever keeps it open is one who can be asked.
#[utoipa::path(get, path = "/v1/events", tag = "humans", security(("human" = [])),
    responses((status = 200, description = "server-sent events named `changed`, without data", content_type = "text/event-stream"),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn events(State(app): State<Shared>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "see the event stream").await?;
    Ok(stream(app, "api", human.user))
}
