//! What is in force in a session, and setting it.
//!
//! Humans and applications on their behalf set a session's state; an agent reads its own. What was remembered for it is
//! not told to the agent.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use countersign_policy::Grant;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::roots;
use crate::disk::Disk;
use crate::http::app::App;
use crate::http::caller::{Caller, caller, on_behalf};
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::store::{Run, Setting};

/// The longest session's key or mode, in bytes.
const LONGEST: usize = 400;

/// What is in force in a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionBody {
    /// Host and session: `claude-code:SESSION`.
    id: String,
    /// When it began, in milliseconds since 1970.
    begun: i64,
    /// When it was last used.
    used: i64,
    /// The mode that was set for it; without one its host says the mode of each call.
    mode: Option<String>,
    /// The further folders that it works in: what policy says of the project's files, it says of theirs.
    roots: Vec<String>,
    /// How many of its questions wait for an answer.
    open: u32,
    /// How often in a row it made the last call that was allowed.
    in_a_row: u32,
    /// What was remembered for it; not for agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    grants: Option<Vec<Grant>>,
}

/// What is to be set in a session. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionPatch {
    /// The mode of each of its calls, whatever the agent's host says; `null`: what the host says. It never loosens.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    mode: Option<Option<String>>,
    /// All the further folders that it works in, absolute: what policy says of the project's files, it says of theirs.
    /// At most 16, each at most 1024 bytes; neither the home directory, nor a folder that it or Countersign's own files
    /// are in. `[]` or `null`: none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    roots: Option<Option<Vec<String>>>,
    /// The active permission profile. Not supported yet, and refused.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    profile: Option<serde_json::Value>,
}

/// Tells `null` from what is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Says what is in force in a session: an agent's own, or one of the user's.
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "agents",
    security(("agent" = []), ("application" = []), ("human" = [])),
    params(("id" = String, Path, description = "host and session: `claude-code:SESSION`")),
    responses((status = 200, body = SessionBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "it has not begun, has ended, or is another's", body = Problem)))]
pub(crate) async fn session(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<SessionBody>, Fault> {
    let (user, remembered) = match caller(&app, &headers).await? {
        Caller::Agent(token) if token.session != id => return Err(Fault::not_found("session")),
        Caller::Agent(token) => (token.user.clone(), false),
        Caller::Application(application) => (application.user, true),
        Caller::Human(human) => (human.user, true),
    };
    in_force(&app, &user, id, remembered).await.map(Json)
}

/// Sets what is in force in a session, from its next call on. One that has not begun begins.
#[utoipa::path(patch, path = "/v1/sessions/{id}", tag = "applications", security(("application" = []), ("human" = [])),
    params(("id" = String, Path, description = "host and session: `claude-code:SESSION`")), request_body = SessionPatch,
    responses((status = 200, body = SessionBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn set(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<SessionBody>, Fault> {
    let human = on_behalf(&app, &headers, "set a session's state").await?;
    let patch: SessionPatch = whole.json()?;
    let named = id.split_once(':').is_some_and(|(host, session)| !host.is_empty() && !session.is_empty());
    if !named || id.len() > LONGEST {
        return Err(Fault::invalid("a session is named by its host, a colon and its id: `claude-code:SESSION`"));
    }
    if patch.profile.is_some() {
        return Err(Fault::invalid("permission profiles are not supported yet: leave out `profile`"));
    }
    let bad_mode = |mode: &String| mode.is_empty() || mode.len() > LONGEST || mode.contains(char::is_control);
    if patch.mode.as_ref().is_some_and(|mode| mode.as_ref().is_some_and(bad_mode)) {
        return Err(Fault::invalid(format!("`mode` is a word of at most {LONGEST} bytes, or null")));
    }
    let roots = match patch.roots {
        Some(roots) => {
            Some(roots::checked(&roots.unwrap_or_default(), &app.kept_out(), &Disk).map_err(Fault::invalid)?)
        }
        None => None,
    };
    if patch.mode.is_some() || roots.is_some() {
        let (session, setting, by, clock) =
            (id.clone(), Setting { mode: patch.mode, roots }, human.clone(), app.clock());
        app.write(move |store| Box::pin(async move { store.set_session(&session, &setting, &by, clock).await }))
            .await?;
    }
    in_force(&app, &human.user, id, true).await.map(Json)
}

/// Ends a session and those of its sub-agents: questions are withdrawn, what was remembered or set for them ends.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "applications", security(("application" = []), ("human" = [])),
    params(("id" = String, Path, description = "host and session: `claude-code:SESSION`")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "it has not begun, has ended, or is another's", body = Problem)))]
pub(crate) async fn end(State(app): State<Shared>, Id(id): Id, headers: HeaderMap) -> Result<StatusCode, Fault> {
    let human = on_behalf(&app, &headers, "end a session").await?;
    {
        let mut store = app.read().await;
        let is_there = store.session(&human.user, &id, app.clock()).await?.is_some();
        // An agent that has done nothing itself yet may have sub-agents that have.
        if !is_there && store.sessions_below(&human.user, &id).await?.is_empty() {
            return Err(Fault::not_found("session"));
        }
    }
    let (actor, user, clock) = (human.actor(), human.user, app.clock());
    app.write(move |store| Box::pin(async move { store.end_session(&user, &id, &actor, clock).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn in_force(app: &App, user: &str, id: String, remembered: bool) -> Result<SessionBody, Fault> {
    let looking = app.logbook.look(user, &id);
    let seen = looking.seen();
    let found = app.read().await.session(user, &id, app.clock()).await?;
    let session = found.ok_or_else(|| Fault::not_found("session"))?;
    let in_a_row = match seen.run {
        Some(run) => run.as_ref().map_or(0, Run::times),
        None => session.in_a_row(),
    };
    Ok(SessionBody {
        id,
        begun: session.begun.0,
        used: session.used.0,
        mode: session.mode,
        roots: session.roots,
        open: session.open,
        in_a_row,
        grants: remembered.then_some(session.grants),
    })
}
