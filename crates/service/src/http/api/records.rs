//! The two records, for humans: the audit and the decision log. And what is known without asking.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::caller::human;
use crate::http::fault::Problem;
use crate::http::{Fault, Shared};
use crate::store::{AuditEntry, AuditFilter, LogFilter, LoggedEntry};

/// Which entries to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Entries {
    /// Only those before this number, to turn pages.
    before: Option<i64>,
    /// At most so many; 100 unless given.
    limit: Option<u32>,
}

/// What matters and who did it, the newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "humans", security(("human" = [])), params(Entries),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn audit(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Entries>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<AuditEntry>>, Fault> {
    let human = human(&app, &headers, "read the audit").await?;
    if human.user != app.user {
        let message = "the audit is for the user whose server this is";
        return Err(Fault::new(axum::http::StatusCode::FORBIDDEN, "not-yours", message));
    }
    let Query(entries) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let filter = AuditFilter { before: entries.before, limit: entries.limit.unwrap_or(0), ..AuditFilter::default() };
    Ok(Json(app.read().await.audit_entries(&filter).await?))
}

/// Every decision with its causes, the newest first.
#[utoipa::path(get, path = "/v1/log", tag = "humans", security(("human" = [])), params(Entries),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn log(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<Entries>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<LoggedEntry>>, Fault> {
    let human = human(&app, &headers, "read the decision log").await?;
    let Query(entries) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let filter = LogFilter {
        user: Some(human.user),
        before: entries.before,
        limit: entries.limit.unwrap_or(0),
        ..LogFilter::default()
    };
    Ok(Json(app.read().await.log_entries(&filter).await?))
}

/// Says that the server is there.
#[utoipa::path(get, path = "/v1/health", tag = "everybody", responses((status = 200, body = Object)))]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
