//! Agents' tokens, which only humans make and revoke.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use countersign_engine::Files;

use super::wire::{NewTokenBody, TokenBody};
use crate::disk::Disk;
use crate::http::caller::human;
use crate::http::fault::Problem;
use crate::http::{Fault, Shared, Whole};
use crate::store::{AgentToken, TokenRequest};

/// How long a token counts unless it is said: 12 hours.
const SECONDS: i64 = 43_200;
/// The longest: 30 days.
const LONGEST: i64 = 2_592_000;
/// The longest name, host or session, in bytes.
const LONGEST_NAME: usize = 200;

/// Makes a token for one agent's session. It is of the human who makes it.
#[utoipa::path(post, path = "/v1/tokens", tag = "humans", security(("human" = [])), request_body = TokenBody,
    responses((status = 201, body = NewTokenBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn make(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<impl IntoResponse, Fault> {
    let human = human(&app, &headers, "make a token").await?;
    let body: TokenBody = whole.json()?;
    let seconds = body.seconds.unwrap_or(SECONDS);
    if !(1..=LONGEST).contains(&seconds) {
        return Err(Fault::invalid(format!("`seconds` is from 1 to {LONGEST}")));
    }
    for (name, text) in [("name", &body.name), ("host", &body.host), ("session", &body.session)] {
        if text.is_empty() || text.len() > LONGEST_NAME {
            return Err(Fault::invalid(format!("`{name}` has from 1 to {LONGEST_NAME} bytes")));
        }
    }
    // Host and session are one key: a colon in the host could make it another host's.
    if body.host.contains(':') {
        return Err(Fault::invalid("`host` has no colon"));
    }
    let project = match &body.project {
        None => None,
        Some(path) => Some(
            Disk.real_path(path)
                .filter(|_| path.starts_with('/'))
                .ok_or_else(|| Fault::invalid("`project` is the absolute path of a folder"))?,
        ),
    };
    let request = TokenRequest {
        name: body.name,
        session: format!("{}:{}", body.host, body.session),
        project,
        seconds,
        user: human.user.clone(),
    };
    let clock = app.clock();
    let make = app.write(move |store| Box::pin(async move { store.token_create(&request, &human.user, clock).await }));
    let new = make.await?;
    let body = NewTokenBody { id: new.token.id, secret: new.secret, expires: new.token.expires.0 };
    Ok((StatusCode::CREATED, Json(body)))
}

/// The tokens of the human who asks, the newest first, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "humans", security(("human" = [])),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(State(app): State<Shared>, headers: HeaderMap) -> Result<Json<Vec<AgentToken>>, Fault> {
    let human = human(&app, &headers, "list tokens").await?;
    Ok(Json(app.read().await.tokens(&human.user).await?))
}

/// Revokes a token.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the token")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Fault> {
    let human = human(&app, &headers, "revoke a token").await?;
    let clock = app.clock();
    let revoke = app.write(move |store| Box::pin(async move { store.token_revoke(&id, &human.user, clock).await }));
    if revoke.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Fault::not_found("token")) }
}
