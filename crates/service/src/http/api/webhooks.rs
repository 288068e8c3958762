//! Webhooks, which only humans set, look at and remove.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::tokens::named;
use super::wire::{NewWebhookBody, Page, RetriedBody, WebhookBody};
use crate::http::caller::human;
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::notify::Address;
use crate::store::{OutboxMessage, StoreError, Webhook, WebhookError, WebhookRequest};

/// Sets a webhook: an address that is told of the questions of the human who sets it, or resumes their turns. The secret
/// with which its receiver checks what comes is told this once.
#[utoipa::path(post, path = "/v1/webhooks", tag = "humans", security(("human" = [])), request_body = WebhookBody,
    responses((status = 201, body = NewWebhookBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "another one resumes these turns, or there are too many", body = Problem),
        (status = 422, description = "an address that is none, or that this server does not send to", body = Problem)))]
pub(crate) async fn set(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "set a webhook").await?;
    let body: WebhookBody = whole.json()?;
    named("name", &body.name)?;
    if let Some(host) = &body.host {
        named("host", host)?;
        if host.contains(':') {
            return Err(Fault::invalid("`host` has no colon"));
        }
    }
    let address = Address::parse(&body.url).map_err(|error| Fault::invalid(error.to_string()))?;
    app.reach.admits(&address).map_err(|error| Fault::invalid(error.to_string()))?;
    let WebhookBody { name, host, notices, resumes, .. } = body;
    let request = WebhookRequest { name, address, host, notices, resumes };
    let clock = app.clock();
    let set = app.write(move |store| {
        Box::pin(async move { store.webhook_create(&request, &human.user, &human.via, clock).await })
    });
    let new = set.await?;
    let body = NewWebhookBody { id: new.webhook.id, secret: new.secret.as_str().to_owned() };
    Ok((StatusCode::CREATED, Json(body)))
}

/// The webhooks of the human who asks, the newest first, without their secrets; with how many messages are on their way
/// and how many were given up.
#[utoipa::path(get, path = "/v1/webhooks", tag = "humans", security(("human" = [])),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(State(app): State<Shared>, headers: HeaderMap) -> Result<Json<Vec<Webhook>>, Fault> {
    let human = human(&app, &headers, "list webhooks").await?;
    Ok(Json(app.read().await.webhooks(&human.user).await?))
}

/// Removes a webhook, and what is on its way to it.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the webhook")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id, headers: HeaderMap) -> Result<StatusCode, Fault> {
    let human = human(&app, &headers, "remove a webhook").await?;
    let clock = app.clock();
    let remove = app
        .write(move |store| Box::pin(async move { store.webhook_remove(&id, &human.user, &human.via, clock).await }));
    let removed = remove.await.map_err(|error: StoreError| Fault::from(error))?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Fault::not_found("webhook")) }
}

/// What became of the messages to a webhook, the newest first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/messages", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the webhook"), Page),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn messages(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    query: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<OutboxMessage>>, Fault> {
    let human = human(&app, &headers, "list the messages of a webhook").await?;
    let Query(page) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let mut store = app.read().await;
    let found = store.webhook_messages(&id, &human.user, page.before.as_deref(), page.limit.unwrap_or(0)).await?;
    found.map(Json).ok_or_else(|| Fault::not_found("webhook"))
}

/// Sends the messages that were given up once more.
#[utoipa::path(post, path = "/v1/webhooks/{id}/retry", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the webhook")),
    responses((status = 200, body = RetriedBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn retry(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<RetriedBody>, Fault> {
    let human = human(&app, &headers, "send a webhook's messages again").await?;
    let clock = app.clock();
    let retry = app.write(move |store| Box::pin(async move { store.webhook_retry(&id, &human.user, clock).await }));
    let messages = retry.await.map_err(|error: StoreError| Fault::from(error))?;
    messages.map(|messages| Json(RetriedBody { messages })).ok_or_else(|| Fault::not_found("webhook"))
}

impl From<WebhookError> for Fault {
    fn from(error: WebhookError) -> Fault {
        let message = error.to_string();
        match error {
            WebhookError::Idle => Fault::invalid(message),
            WebhookError::Resumes(_) | WebhookError::TooMany => Fault::conflict(message),
            WebhookError::Store(error) => error.into(),
        }
    }
}
