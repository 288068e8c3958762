//! Bodies and ids, read strictly.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use countersign_policy::json::parse_strict_as;
use serde::de::DeserializeOwned;

use super::fault::Fault;
use super::form::Form;
use super::guard::{MAX_BODY, only};

/// A request's whole body, at most [`MAX_BODY`] bytes.
pub(crate) struct Whole(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Whole, Fault> {
        let told = only(request.headers(), header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if told.is_some_and(|length| length > MAX_BODY) {
            return Err(too_large());
        }
        to_bytes(request.into_body(), MAX_BODY).await.map(Whole).map_err(|_| too_large())
    }
}

/// The id in a path. One that is no text is none that we ever made.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Fault> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Id(id)).map_err(|_| Fault::not_found("id"))
    }
}

impl Whole {
    /// The body as JSON that every reader understands alike.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        parse_strict_as(&self.0).map_err(|error| Fault::invalid(format!("the body is refused: {error}")))
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> Result<Form, Fault> {
        Form::parse(&self.0).ok_or_else(|| Fault::invalid("the form has a field twice, or is not UTF-8"))
    }
}

fn too_large() -> Fault {
    let message = format!("the body is larger than {} KiB", MAX_BODY / 1024);
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
}
