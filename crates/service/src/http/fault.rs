//! What is said when a request is refused: problem JSON, and nothing that its asker may not know.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every refusal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A stable word for programs.
    pub(crate) code: &'static str,
    /// What is wrong and what to do, for humans.
    pub(crate) message: String,
    /// For `answered`: yes or no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<&'static str>,
    /// For `answered`: by whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// For `answered`: when, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<i64>,
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) problem: Box<Problem>,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Fault {
        let problem = Problem { code, message: message.into(), outcome: None, by: None, at: None };
        Fault { status, problem: Box::new(problem) }
    }

    pub(crate) fn unauthorised() -> Fault {
        let message = "no valid token: send `Authorization: Bearer TOKEN`";
        Fault::new(StatusCode::UNAUTHORIZED, "unauthorised", message)
    }

    pub(crate) fn humans_only() -> Fault {
        let message = "this is for humans: an agent's token may decide, ask, wait, redeem and cancel its own";
        Fault::new(StatusCode::FORBIDDEN, "humans-only", message)
    }

    /// For what an application may do besides humans.
    pub(crate) fn not_for_agents() -> Fault {
        let message = "this is for humans, and for applications on their behalf: an agent's token may decide, ask, \
                       wait, redeem and cancel its own";
        Fault::new(StatusCode::FORBIDDEN, "humans-only", message)
    }

    pub(crate) fn agents_only() -> Fault {
        let message = "this is for agents: an agent's token says for whom and in which session it asks";
        Fault::new(StatusCode::FORBIDDEN, "agents-only", message)
    }

    /// For what is not there, and for what belongs to somebody else: the two read alike.
    pub(crate) fn not_found(what: &str) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what}"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// A fault of ours. The reason names files and is for humans; agents are told that it failed.
    pub(crate) fn internal(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        let json = axum::http::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(axum::http::header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(axum::http::header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
