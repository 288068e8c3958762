//! Signing in, with a one-time code.
//!
//! To look at the link uses nothing up, so that a preview or a second tab does not: only the button does.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::page::DoorPage;
use super::session::{SESSION_SECONDS, page_key, set_cookie};
use crate::http::{Fault, Form, Shared, Whole};

/// The form, with the code from the link in it.
pub(crate) async fn show(RawQuery(query): RawQuery) -> Result<Response, Fault> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let problem = form.field("ended").map(|_| "You are not signed in here, or no longer.".to_owned());
    page(StatusCode::OK, problem, form.field("code").unwrap_or_default().to_owned())
}

/// Uses a code up.
pub(crate) async fn enter(State(app): State<Shared>, headers: HeaderMap, whole: Whole) -> Result<Response, Fault> {
    if !app.names.same_origin(&headers) {
        return Err(Fault::new(StatusCode::FORBIDDEN, "foreign-form", "this form did not come from this server"));
    }
    let form = whole.form()?;
    let now = app.clock();
    let code = form.field("code").unwrap_or_default().trim().to_owned();
    let signin = app.write(move |store| Box::pin(async move { store.signin(&code, SESSION_SECONDS, now).await }));
    let session = signin.await?;
    let Some(new) = session else {
        // A right code always opens the door, so that nobody who tries wrong ones can keep its person out.
        let few = app.guesses.lock().is_ok_and(|mut guesses| {
            let allowed = guesses.allowed(now);
            guesses.wrong(now);
            allowed
        });
        let (status, problem) = if few {
            (StatusCode::FORBIDDEN, "This code is wrong, was used, or is older than five minutes.")
        } else {
            (StatusCode::TOO_MANY_REQUESTS, "Too many wrong codes. Wait a minute, then get a fresh one.")
        };
        return page(status, Some(problem.to_owned()), String::new());
    };
    let cookie = set_cookie(&new.secret, SESSION_SECONDS);
    let to = format!("/inbox/{}/", page_key(&new.secret));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

fn page(status: StatusCode, problem: Option<String>, code: String) -> Result<Response, Fault> {
    Ok((status, render(&DoorPage { problem, code })?).into_response())
}

/// A page's bytes.
pub(crate) fn render(page: &impl Template) -> Result<Html<String>, Fault> {
    page.render().map(Html).map_err(|error| Fault::internal(format!("the page cannot be made: {error}")))
}
