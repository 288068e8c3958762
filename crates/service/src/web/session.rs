//! Who looks at the page: the cookie, the path that it is good for, and the origin and token of forms.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_policy::sha256_hex;
use subtle::ConstantTimeEq;

use crate::http::{App, Fault, Form, Shared, only};
use crate::store::{Human, HumanSession, Via};

/// How long one stays signed in: 7 days.
pub(crate) const SESSION_SECONDS: i64 = 604_800;
const COOKIE: &str = "countersign";

/// A human who is signed in, on their own page.
pub(crate) struct Visitor {
    pub(crate) session: HumanSession,
    pub(crate) secret: String,
}

impl Visitor {
    pub(crate) fn human(&self) -> Human {
        Human { user: self.session.user.clone(), via: Via::Page }
    }
}

/// Why a page is not shown: whoever is not signed in is sent to the door.
pub(crate) enum Closed {
    Door,
    Fault(Fault),
}

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        match self {
            Closed::Door => Redirect::to("/signin?ended").into_response(),
            Closed::Fault(fault) => fault.into_response(),
        }
    }
}

impl From<Fault> for Closed {
    fn from(fault: Fault) -> Closed {
        Closed::Fault(fault)
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Closed;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Visitor, Closed> {
        let Path(key) = Path::<String>::from_request_parts(parts, app).await.map_err(|_| Closed::Door)?;
        let secret = cookie(&parts.headers).ok_or(Closed::Door)?.to_owned();
        if !same(&key, &page_key(&secret)) {
            return Err(Closed::Door);
        }
        let mut store = app.read().await;
        let now = store.clock(app.clock()).await.map_err(Fault::from)?;
        let session = store.human_session_find(&secret, now).await.map_err(Fault::from)?.ok_or(Closed::Door)?;
        Ok(Visitor { session, secret })
    }
}

/// Whether a form came from a page of ours that this session was shown.
pub(crate) fn check(app: &App, visitor: &Visitor, headers: &HeaderMap, form: &Form) -> Result<(), Fault> {
    let refused = |why: &str| Err(Fault::new(StatusCode::FORBIDDEN, "foreign-form", why));
    if !app.names.same_origin(headers) {
        return refused("this form did not come from a page of this server");
    }
    if !form.field("form").is_some_and(|token| same(token, &visitor.session.csrf)) {
        return refused("this form does not belong to this session: reload the page");
    }
    Ok(())
}

/// The part of the path that a session's page has.
pub(crate) fn page_key(secret: &str) -> String {
    let hash = sha256_hex(format!("countersign page\0{secret}").as_bytes());
    hash.chars().take(32).collect()
}

/// The header that signs in, or, with 0 seconds, out.
pub(crate) fn set_cookie(secret: &str, seconds: i64) -> String {
    let (key, value) = (page_key(secret), if seconds > 0 { secret } else { "" });
    format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/inbox/{key}/; Max-Age={seconds}")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = only(headers, header::COOKIE)?.split(';');
    let mut ours = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let secret = ours.next().filter(|secret| !secret.is_empty() && secret.len() <= 200)?;
    ours.next().is_none().then_some(secret)
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
