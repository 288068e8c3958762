//! The catalog: which tools policy knows, and which of them a model is offered.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_engine::{Files, Request};
use countersign_policy::{Action, Attendance, Call, Effect, Grant, GrantResource, Resource, Target};
use serde::Deserialize;

use super::agent::{request, wrong_token};
use super::wire::{CallBody, CatalogBody, CatalogTool};
use crate::disk::Disk;
use crate::http::app::App;
use crate::http::caller::agent;
use crate::http::fault::Problem;
use crate::http::{Fault, Shared, only};

/// Whose catalog it is.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Of {
    /// The program that runs the agent.
    host: String,
    /// Its version.
    host_version: Option<String>,
    /// The project folder, absolute.
    project: String,
}

/// The tools that policy describes, with those that it hides. Its digest is the `ETag` and in every verdict; with
/// `If-None-Match` it comes only if it has changed.
#[utoipa::path(get, path = "/v1/catalog", tag = "agents", security(("agent" = [])), params(Of),
    responses((status = 200, body = CatalogBody), (status = 304, description = "it is still the same"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, description = "the policy cannot be read", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn catalog(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Of>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Fault> {
    let token = agent(&app, &headers).await?;
    let Query(of) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let real = Disk.real_path(&of.project);
    if token.project.as_ref().is_some_and(|project| real.as_ref() != Some(project)) {
        return Err(wrong_token(&app, &token, "project").await);
    }
    let engine = app.in_force(&of.project).await?.engine;
    let engine = engine.ok_or_else(|| Fault::conflict("the policy cannot be read, and there is no earlier one"))?;
    let hash = engine.catalog_digest().to_owned();
    let tag = format!("\"{hash}\"");
    let same = only(&headers, HeaderName::from_static("if-none-match")).is_some_and(|known| known == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let call = CallBody {
            host: of.host,
            host_version: of.host_version,
            tool: String::new(),
            mcp_server: None,
            args: serde_json::Map::new(),
            cwd: of.project.clone(),
            project: of.project,
            turn: None,
            agent: None,
            mode: None,
            environment: Default::default(),
            call_id: None,
        };
        let bare = request(&app, &token, call, Attendance::Somebody).await?;
        let tools = engine.policy().catalog.tools.iter().map(|(name, entry)| {
            let why = engine.hidden(&named(&bare, name));
            CatalogTool {
                tool: name.clone(),
                class: entry.class,
                group: entry.group.clone(),
                family: entry.family.clone(),
                visible: why.is_none(),
                why,
            }
        });
        Json(CatalogBody { hash, tools: tools.collect() }).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The request of a tool by its name in the catalog.
fn named(bare: &Request, name: &str) -> Request {
    let (tool, mcp_server) = match name.parse() {
        Ok(Action::Mcp { server, tool }) => (format!("mcp__{server}__{tool}"), Some(server)),
        Ok(Action::Tool(tool)) => (tool, None),
        _ => (name.to_owned(), None),
    };
    Request { tool, mcp_server, ..bare.clone() }
}

/// Why a remembered no takes the tool of this call away, if one does: one that holds whatever the tool is called for.
pub(super) async fn denied_whole(app: &App, call: Call) -> Result<Option<String>, Fault> {
    let whole = Target::primary(call.action.clone(), Resource::None);
    let call = Call { targets: vec![whole], ..call };
    let mut store = app.read().await;
    let now = store.clock(app.clock()).await?;
    let grants = store.grants_for(&call, now).await?;
    drop(store);
    let denies = |grant: &&Grant| grant.effect == Effect::Deny && grant.resource == GrantResource::Whole;
    let applies = |grant: &&Grant| call.targets.iter().any(|target| grant.applies(target, &call, now));
    let denied = grants.iter().filter(denies).any(|grant| applies(&grant));
    Ok(denied.then(|| "the user has said no to all that it does".to_owned()))
}
