//! The page's forms.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_policy::Scope;
use countersign_policy::approval::Outcome;

use super::inbox::with_problem;
use super::session::{Closed, Visitor, check, set_cookie};
use crate::http::{Choice, Fault, Form, Given, Shared, Whole, take_back};

/// Takes an answer.
pub(crate) async fn answer(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Response, Closed> {
    let form = whole.form()?;
    check(&app, &visitor, &headers, &form)?;
    let given = given(&form)?;
    let id = form.field("approval").ok_or_else(|| Fault::invalid("the form names no question"))?;
    let word = match given.outcome {
        Outcome::Allow => given.scope.word().to_owned(),
        Outcome::Deny if given.scope == Scope::Once => "deny".to_owned(),
        Outcome::Deny => format!("deny-{}", given.scope),
    };
    match crate::http::answer(&app, &visitor.human(), id, given).await {
        Ok(_) => Ok(Redirect::to(&format!("./?done={word}")).into_response()),
        Err(fault) => Ok(with_problem(&app, &visitor, fault).await?),
    }
}

/// Revokes a grant.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Response, Closed> {
    let form = whole.form()?;
    check(&app, &visitor, &headers, &form)?;
    match take_back(&app, form.field("grant").unwrap_or_default(), &visitor.human()).await {
        Ok(()) => Ok(Redirect::to("./?done=revoked").into_response()),
        Err(fault) => Ok(with_problem(&app, &visitor, fault).await?),
    }
}

/// Signs out.
pub(crate) async fn sign_out(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Response, Closed> {
    check(&app, &visitor, &headers, &whole.form()?)?;
    let (secret, clock) = (visitor.secret.clone(), app.clock());
    let end = app.write(move |store| Box::pin(async move { store.human_session_end(&secret, clock).await }));
    end.await.map_err(Fault::from)?;
    let cookie = set_cookie(&visitor.secret, 0);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/signin")).into_response())
}

/// What the form's buttons and choices mean. A field that the page does not have is refused.
fn given(form: &Form) -> Result<Given, Fault> {
    let mut choices = Vec::new();
    for name in form.names() {
        match name.strip_prefix("part-") {
            Some(part) => choices.extend(choice(part, form.field(name).unwrap_or_default())?),
            None if ["form", "approval", "answer", "feedback", "lifetime"].contains(&name) => {}
            None => return Err(Fault::invalid(format!("the page has no field `{name}`"))),
        }
    }
    let (outcome, scope) = match form.field("answer") {
        Some("deny") => (Outcome::Deny, Scope::Once),
        Some("once") => (Outcome::Allow, Scope::Once),
        Some(word) if remembered(word).is_some() => (Outcome::Allow, remembered(word).unwrap_or(Scope::Once)),
        Some(word) if denied(word).is_some() => (Outcome::Deny, denied(word).unwrap_or(Scope::Once)),
        _ => return Err(Fault::invalid("the form has no answer: use one of its buttons")),
    };
    let seconds = match form.filled("lifetime") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Fault::invalid("the lifetime is no number of seconds"))?),
    };
    let once = scope == Scope::Once;
    Ok(Given {
        outcome,
        scope,
        choices: if once { Vec::new() } else { choices },
        seconds: if once { None } else { seconds },
        feedback: form.filled("feedback").map(str::to_owned),
        also: Vec::new(),
        alone: false,
        args: None,
    })
}

/// The scope of a button that remembers.
fn remembered(word: &str) -> Option<Scope> {
    Scope::named(word).filter(|scope| !matches!(scope, Scope::Once | Scope::Team))
}

/// The scope of a button that remembers a no.
fn denied(word: &str) -> Option<Scope> {
    word.strip_prefix("deny-").and_then(remembered)
}

fn choice(part: &str, offer: &str) -> Result<Option<Choice>, Fault> {
    if offer == "none" {
        return Ok(None);
    }
    match (part.parse(), offer.parse()) {
        (Ok(part), Ok(offer)) => Ok(Some(Choice { part, offer })),
        _ => Err(Fault::invalid("the choice of what to remember cannot be read")),
    }
}
