//! What humans may do: look at questions, which applications may on their behalf, and at what is remembered, and revoke
//! it, which is theirs alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;

use countersign_engine::Engine;
use countersign_policy::{Answer, Call, Decision, Grant, Scope, Timestamp};

use super::wire::{Page, PromoteBody};
use crate::http::app::App;
use crate::http::caller::{human, on_behalf};
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole, stream};
use crate::store::{GrantFilter, Human, PromoteError, Promotion, Record, RecordFilter};

/// Questions, the newest first. `open`: only those that wait for an answer.
#[utoipa::path(get, path = "/v1/approvals", tag = "applications", security(("application" = []), ("human" = [])),
    params(Listing),
    responses((status = 200, description = "questions with their calls and states", body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn approvals(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Listing>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Record>>, Fault> {
    let human = on_behalf(&app, &headers, "list questions").await?;
    let Query(listing) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let filter = RecordFilter {
        user: Some(human.user),
        open: listing.open.unwrap_or(false),
        before: listing.before,
        limit: listing.limit.unwrap_or(0),
        ..RecordFilter::default()
    };
    Ok(Json(app.read().await.records(&filter).await?))
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
#[utoipa::path(get, path = "/v1/approvals/{id}", tag = "applications", security(("application" = []), ("human" = [])),
    params(("id" = String, Path, description = "the question")),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn approval(State(app): State<Shared>, Id(id): Id, headers: HeaderMap) -> Result<Json<Record>, Fault> {
    let human = on_behalf(&app, &headers, "read a question").await?;
    Ok(Json(question_of(&app, &id, &human.user).await?))
}

/// A question of this user.
pub(crate) async fn question_of(app: &App, id: &str, user: &str) -> Result<Record, Fault> {
    let record = app.read().await.record(id).await?;
    record.filter(|record| record.approval.asker.user == user).ok_or_else(|| Fault::not_found("question"))
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
    let mut store = app.read().await;
    let now = store.clock(app.clock()).await?;
    Ok(Json(store.grants(&filter, now).await?))
}

/// Revokes what is remembered.
#[utoipa::path(delete, path = "/v1/grants/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the grant")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "revoke a grant").await?;
    take_back(&app, &id, &human).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Puts a grant of wider scope in the place of one, within what its question offered and policy admits now.
#[utoipa::path(post, path = "/v1/grants/{id}/promote", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the grant")), request_body = PromoteBody,
    responses((status = 200, description = "the new grant", body = Object), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "no such grant of this human counts", body = Problem),
        (status = 409, description = "no question stands behind it, or the policy cannot be read", body = Problem),
        (status = 422, description = "not wider, or more than the question offered or policy admits", body = Problem)))]
pub(crate) async fn promote(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<Grant>, Fault> {
    let human = human(&app, &headers, "promote a grant").await?;
    let body: PromoteBody = whole.json()?;
    let scope = Scope::named(&body.scope).ok_or_else(|| Fault::invalid(format!("`{}` is no scope", body.scope)))?;
    if body.seconds.is_some_and(|seconds| seconds <= 0) {
        return Err(Fault::invalid("`seconds` must be more than 0"));
    }
    let promotion = Promotion { grant: id, scope, seconds: body.seconds };
    Ok(Json(widen(&app, &human, promotion).await?))
}

/// Puts a grant of wider scope in the place of one.
pub(crate) async fn widen(app: &App, human: &Human, promotion: Promotion) -> Result<Grant, Fault> {
    let (human, clock, engine) = (human.clone(), app.clock(), engine_of(app, human, &promotion.grant).await?);
    let promote = app.write(move |store| {
        Box::pin(async move { store.promote(&promotion, &human, clock, &recheck(engine.as_deref())).await })
    });
    Ok(promote.await?)
}

/// The grant that would take the place of one. Nothing is changed.
pub(crate) async fn widened(
    app: &App,
    human: &Human,
    promotion: Promotion,
) -> Result<Result<Grant, PromoteError>, Fault> {
    let (human, clock, engine) = (human.clone(), app.clock(), engine_of(app, human, &promotion.grant).await?);
    let look = app.write(move |store| {
        Box::pin(async move {
            match store.promotion(&promotion, &human, clock, &recheck(engine.as_deref())).await {
                Err(PromoteError::Store(fault)) => Err(fault),
                other => Ok(other),
            }
        })
    });
    Ok(look.await?)
}

/// The policy in force for the project of a grant; none where no question stands behind it.
async fn engine_of(app: &App, human: &Human, grant: &str) -> Result<Option<Arc<Engine>>, Fault> {
    let asked = app.read().await.asked_for_grant(grant, &human.user).await?;
    let Some(record) = asked else { return Ok(None) };
    match app.in_force(&record.call.project).await?.engine {
        None => Err(Fault::conflict("the policy cannot be read, and there is no earlier one: mend it first")),
        engine => Ok(engine),
    }
}

fn recheck(engine: Option<&Engine>) -> impl Fn(&Call, Option<&Answer>, &[Grant], Timestamp) -> Decision + Sync {
    move |call, answer, grants, now| match engine {
        Some(engine) => engine.decide(grants, answer, call, now),
        None => Decision::fault("the policy of its project is not in force"),
    }
}

/// Revokes a grant of this human.
pub(crate) async fn take_back(app: &App, id: &str, human: &Human) -> Result<(), Fault> {
    let (id, user, clock) = (id.to_owned(), human.user.clone(), app.clock());
    let revoke = app.write(move |store| Box::pin(async move { store.revoke(&id, &user, &user, clock).await }));
    if revoke.await? { Ok(()) } else { Err(Fault::not_found("grant")) }
}

/// Says `changed` whenever there is something new to look at. Whoever keeps it open is one who can be asked.
#[utoipa::path(get, path = "/v1/events", tag = "applications", security(("application" = []), ("human" = [])),
    responses((status = 200, description = "server-sent events named `changed`, without data", content_type = "text/event-stream"),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn events(State(app): State<Shared>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    let human = on_behalf(&app, &headers, "see the event stream").await?;
    Ok(stream(app, "api", human.user))
}
