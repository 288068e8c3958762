//! Tokens of agents and applications, which only humans make and revoke; but applications make those of sub-agents.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use countersign_engine::Files;
use countersign_policy::EVERY_KIND;
use serde::Serialize;

use super::wire::{NewTokenBody, TokenBody, TokenKind};
use crate::disk::Disk;
use crate::http::caller::{human, on_behalf};
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::store::{
    AgentToken, Application, Below, Human, LONGEST_NAME, LONGEST_TOKEN, StoreError, TOKEN_SECONDS, TokenRequest,
};

/// Makes a token for one agent's session, or for an application. It is of the human who makes it.
///
/// An application makes tokens for sub-agents alone (`agent` and `parent`): they reach no further than the agent above.
#[utoipa::path(post, path = "/v1/tokens", tag = "humans", security(("human" = []), ("application" = [])), request_body = TokenBody,
    responses((status = 201, body = NewTokenBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "the session is another agent's, or the agent above has no token", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn make(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<impl IntoResponse, Fault> {
    const WHAT: &str = "make a token";
    let human = on_behalf(&app, &headers, WHAT).await?;
    let body: TokenBody = whole.json()?;
    if body.kind == TokenKind::Application || body.parent.is_none() {
        // All but a sub-agent's token is for a human to make.
        crate::http::caller::human(&app, &headers, WHAT).await?;
    }
    if let Some(seconds) = body.seconds
        && !(1..=LONGEST_TOKEN).contains(&seconds)
    {
        return Err(Fault::invalid(format!("`seconds` is from 1 to {LONGEST_TOKEN}")));
    }
    named("name", &body.name)?;
    let body = match body.kind {
        TokenKind::Agent => {
            let request = for_agent(body, &human)?;
            let (by, clock) = (human.actor(), app.clock());
            let make = app.write(move |store| Box::pin(async move { store.token_create(&request, &by, clock).await }));
            let new = make.await?;
            NewTokenBody { id: new.token.id, secret: new.secret, expires: new.token.expires.0 }
        }
        TokenKind::Application => {
            if [&body.host, &body.session, &body.project, &body.agent, &body.parent].iter().any(|text| text.is_some()) {
                let message = "an application's token is for all sessions of its user: leave out `host`, `session`, \
                               `project`, `agent` and `parent`";
                return Err(Fault::invalid(message));
            }
            let (name, user, seconds) = (body.name, human.user, body.seconds.unwrap_or(TOKEN_SECONDS));
            let clock = app.clock();
            let make = app.write(move |store| {
                Box::pin(async move { store.application_create(&name, &user, seconds, clock).await })
            });
            let new = make.await?;
            NewTokenBody { id: new.application.id, secret: new.secret, expires: new.application.expires.0 }
        }
    };
    Ok((StatusCode::CREATED, Json(body)))
}

fn for_agent(body: TokenBody, human: &Human) -> Result<TokenRequest, Fault> {
    let needed = |name: &str, text: Option<String>| {
        let text = text.ok_or_else(|| Fault::invalid(format!("`{name}` is missing: an agent's token needs it")))?;
        named(name, &text).map(|()| text)
    };
    let host = needed("host", body.host)?;
    let session = needed("session", body.session)?;
    // Host and session are one key: a colon in the host could make it another host's.
    if host.contains(':') {
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
    let below = match (body.agent, body.parent) {
        (None, None) => None,
        (Some(kind), Some(parent)) => Some(below(kind, parent)?),
        (Some(_), None) => {
            return Err(Fault::invalid(
                "`parent` is missing: a sub-agent has an agent above it, named by host and session",
            ));
        }
        (None, Some(_)) => return Err(Fault::invalid("`agent` is missing: a sub-agent is of a kind")),
    };
    let session = format!("{host}:{session}");
    Ok(TokenRequest { name: body.name, session, project, seconds: body.seconds, user: human.user.clone(), below })
}

fn below(kind: String, parent: String) -> Result<Below, Fault> {
    named("agent", &kind)?;
    if kind == EVERY_KIND || kind.contains(char::is_control) {
        return Err(Fault::invalid("`agent` is the name of one kind of sub-agent"));
    }
    if parent.len() > 2 * LONGEST_NAME || !parent.contains(':') {
        return Err(Fault::invalid("`parent` is named by its host, a colon and its id: `my-agent:SESSION`"));
    }
    Ok(Below { parent, kind })
}

pub(super) fn named(name: &str, text: &str) -> Result<(), Fault> {
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(Fault::invalid(format!("`{name}` has from 1 to {LONGEST_NAME} bytes")));
    }
    Ok(())
}

/// A token in the list.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Token {
    Agent(AgentToken),
    Application(Application),
}

/// The tokens of the human who asks, without their secrets: agents' first, the newest of a kind first.
#[utoipa::path(get, path = "/v1/tokens", tag = "humans", security(("human" = [])),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(State(app): State<Shared>, headers: HeaderMap) -> Result<Json<Vec<Token>>, Fault> {
    let human = human(&app, &headers, "list tokens").await?;
    let mut store = app.read().await;
    let agents = store.tokens(&human.user).await?.into_iter().map(Token::Agent);
    let applications = store.applications(&human.user).await?.into_iter().map(Token::Application);
    Ok(Json(agents.chain(applications).collect()))
}

/// Revokes a token, and with an agent's those of the sub-agents below it.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "humans", security(("human" = [])),
    params(("id" = String, Path, description = "the token")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(app): State<Shared>, Id(id): Id, headers: HeaderMap) -> Result<StatusCode, Fault> {
    let human = human(&app, &headers, "revoke a token").await?;
    let clock = app.clock();
    let revoke = app.write(move |store| {
        Box::pin(async move {
            Ok(store.token_revoke(&id, &human.user, &human.user, clock).await?
                || store.application_revoke(&id, &human.user, clock).await?)
        })
    });
    if revoke.await.map_err(|error: StoreError| Fault::from(error))? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::not_found("token"))
    }
}
