//! The list of a session's turns, for an agent that has lost sight of them.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;

use super::turns::{is_own, owner};
use super::wire::BatchBody;
use crate::http::caller::agent;
use crate::http::fault::Problem;
use crate::http::{Fault, Shared};

/// Which batches to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those that are `open`, `ready` (nobody was resumed with them yet) or `resumed`.
    state: Option<String>,
}

/// The session's turns that are open, those that wait for their agent, and those with which it was resumed in the last
/// day: an agent that was stopped while it was resumed finds here what it missed. The newest first, at most 200; nobody
/// is resumed by it.
#[utoipa::path(get, path = "/v1/batches", tag = "agents", security(("agent" = [])), params(Which),
    responses((status = 200, body = Vec<BatchBody>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn batches(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<BatchBody>>, Fault> {
    let token = agent(&app, &headers).await?;
    let Query(which) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    if which.state.as_ref().is_some_and(|state| !["open", "ready", "resumed"].contains(&state.as_str())) {
        return Err(Fault::invalid("`state` is `open`, `ready` or `resumed`"));
    }
    let ids = {
        let mut store = app.read().await;
        let now = store.clock(app.clock()).await?;
        store.batches_of(&owner(&token), which.state.as_deref(), now).await?
    };
    let mut batches = Vec::with_capacity(ids.len());
    for id in ids {
        // One by one, so that others read in between.
        let found = app.read().await.batch(&id).await?;
        batches.extend(found.filter(|found| is_own(&token, found)).map(|found| BatchBody::of(&found)));
    }
    Ok(Json(batches))
}
