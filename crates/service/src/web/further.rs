//! What is remembered can be made to reach further: how far, and what that means, is shown before anything is changed.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use countersign_policy::{Grant, Scope, Timestamp};

use super::inbox::with_problem;
use super::session::{Closed, Visitor, check};
use super::view::{Further, WiderView};
use crate::http::{App, Fault, Form, Shared, Whole, widen, widened};
use crate::store::{PromoteError, Promotion, ReplyError};

/// The scopes to which something can be promoted, the narrowest first.
const SCOPES: [Scope; 3] = [Scope::Session, Scope::Project, Scope::User];

/// Puts a grant of wider scope in the place of one.
pub(crate) async fn promote(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Response, Closed> {
    let form = whole.form()?;
    check(&app, &visitor, &headers, &form)?;
    let promotion = promotion(&form)?;
    match widen(&app, &visitor.human(), promotion).await {
        Ok(_) => Ok(Redirect::to("./?done=further").into_response()),
        Err(fault) => Ok(with_problem(&app, &visitor, fault, None).await?),
    }
}

/// How far a grant can be made to reach, as the question offered and policy admits now.
pub(crate) async fn of(app: &App, visitor: &Visitor, grant: &Grant, now: Timestamp) -> Result<Further, Fault> {
    let mut wider = Vec::new();
    let mut why = None;
    for scope in SCOPES.into_iter().filter(|scope| *scope > grant.reach.scope) {
        let mut promotion = Promotion { grant: grant.id.clone(), scope, seconds: None };
        let mut made = match widened(app, &visitor.human(), promotion.clone()).await {
            Err(fault) if !fault.status.is_server_error() => return Ok(Further::no_more(&fault.problem.message)),
            made => made?,
        };
        if let Err(PromoteError::Refused(ReplyError::TooLong { max_seconds, .. })) = &made {
            promotion.seconds = Some(*max_seconds);
            made = widened(app, &visitor.human(), promotion.clone()).await?;
        }
        match made {
            Ok(new) => wider.push(WiderView::of(&new, promotion.seconds, now)),
            Err(error) => why = why.or(Some(error.to_string())),
        }
    }
    Ok(if wider.is_empty() { Further::no_more(&why.unwrap_or_default()) } else { Further::Choices(wider) })
}

fn promotion(form: &Form) -> Result<Promotion, Fault> {
    let word = form.field("scope").unwrap_or_default();
    let scope = Scope::named(word).filter(|scope| SCOPES.contains(scope));
    let seconds = form.filled("lifetime").map(str::parse::<i64>).transpose();
    let seconds = seconds.ok().filter(|seconds| seconds.is_none_or(|seconds| seconds > 0));
    match (form.field("grant"), scope, seconds) {
        (Some(grant), Some(scope), Some(seconds)) => Ok(Promotion { grant: grant.to_owned(), scope, seconds }),
        _ => Err(Fault::invalid("the form does not say what is to reach how far: use one of its buttons")),
    }
}
