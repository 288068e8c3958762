//! The page's forms.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_policy::Scope;
use countersign_policy::approval::Outcome;

use super::inbox::with_problem;
use super::session::{Closed, Visitor, check, set_cookie};
use super::typed::Typed;
use crate::http::{App, Choice, Fault, Form, Given, Shared, Whole, question_of, take_back};

/// Takes an answer.
pub(crate) async fn answer(
    State(app): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Response, Closed> {
    let form = whole.form()?;
    check(&app, &visitor, &headers, &form)?;
    let mut typed = Typed::of(&form);
    let mut given = given(&form)?;
    if typed.approval.is_empty() {
        return Err(Fault::invalid("the form names no question").into());
    }
    if given.outcome == Outcome::Allow
        && let Err(fault) = take_args(&app, &visitor, &mut typed, &mut given).await
    {
        return Ok(with_problem(&app, &visitor, fault, Some(typed)).await?);
    }
    let word = match given.outcome {
        Outcome::Allow if typed.edits => "edited".to_owned(),
        Outcome::Allow => given.scope.word().to_owned(),
        Outcome::Deny if given.scope == Scope::Once => "deny".to_owned(),
        Outcome::Deny => format!("deny-{}", given.scope),
    };
    match crate::http::answer(&app, &visitor.human(), &typed.approval, given).await {
        Ok(_) => Ok(Redirect::to(&format!("./?done={word}")).into_response()),
        Err(fault) => Ok(with_problem(&app, &visitor, fault, Some(typed)).await?),
    }
}

/// Puts the arguments that the person wrote into a yes to them. A yes to the agent's own is not taken while others stand in
/// the form: what would run is not what its person was looking at.
async fn take_args(app: &App, visitor: &Visitor, typed: &mut Typed, given: &mut Given) -> Result<(), Fault> {
    if typed.edits {
        given.args = Some(typed.args()?);
        return Ok(());
    }
    if typed.args.is_some() {
        let record = question_of(app, &typed.approval, &visitor.session.user).await?;
        if typed.differs_from(&record) {
            typed.edits = true;
            return Err(Fault::conflict(
                "the arguments were changed, and this button allows those of the agent: use the one below the arguments, \
                 or put them back",
            ));
        }
    }
    Ok(())
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
        Err(fault) => Ok(with_problem(&app, &visitor, fault, None).await?),
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
            None if ["form", "approval", "answer", "feedback", "lifetime", "args"].contains(&name) => {}
            None => return Err(Fault::invalid(format!("the page has no field `{name}`"))),
        }
    }
    let (outcome, scope) = match form.field("answer") {
        Some("deny") => (Outcome::Deny, Scope::Once),
        Some("once" | "edited") => (Outcome::Allow, Scope::Once),
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
