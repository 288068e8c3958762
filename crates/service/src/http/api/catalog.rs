//! The catalog: which tools policy knows, and which of them a model is offered.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_engine::{Engine, Files, Request};
use countersign_policy::{Action, Attendance, sha256_hex};
use serde::Deserialize;

use super::judge::{request, wrong_token};
use super::wire::{CallBody, CatalogBody, CatalogTool};
use crate::disk::Disk;
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

/// The tools that policy describes, with those that it or a remembered answer hides. Its digest is the `ETag` and in every verdict; with
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
    let denied = app.view().await?.denied_whole(&app, &engine.call(&bare, &Disk), &token.above).await?;
    let hash = digest(&engine, &denied);
    let tag = format!("\"{hash}\"");
    let same = only(&headers, HeaderName::from_static("if-none-match")).is_some_and(|known| known == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut tools: BTreeMap<String, CatalogTool> = BTreeMap::new();
        for (name, entry) in &engine.policy().catalog.tools {
            let why = engine.hidden(&named(&bare, name));
            let tool = CatalogTool {
                tool: name.clone(),
                class: entry.class,
                group: entry.group.clone(),
                family: entry.family.clone(),
                visible: why.is_none(),
                why,
            };
            tools.insert(name.clone(), tool);
        }
        for action in &denied {
            // A host offers what is not listed: a tool that policy does not describe is listed to be hidden.
            let name = action.to_string();
            let bare =
                CatalogTool { tool: name.clone(), class: None, group: None, family: None, visible: true, why: None };
            let tool = tools.entry(name).or_insert(bare);
            tool.visible = false;
            tool.why.get_or_insert_with(|| DENIED.to_owned());
        }
        Json(CatalogBody { hash, tools: tools.into_values().collect() }).into_response()
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

/// Why a remembered no hides a tool.
pub(super) const DENIED: &str = "the user has said no to all that it does";

/// The digest of what policy describes and hides, and of what remembered answers hide beside that.
pub(super) fn digest(engine: &Engine, denied: &[Action]) -> String {
    let described = engine.catalog_digest();
    if denied.is_empty() {
        return described.to_owned();
    }
    let denied: Vec<String> = denied.iter().map(Action::to_string).collect();
    sha256_hex(serde_json::json!([described, denied]).to_string().as_bytes())
}
