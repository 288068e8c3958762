//! Who makes a request to the API: an agent or a human. Nothing but the secret in `Authorization` says so.

use axum::http::{HeaderMap, header};
use serde_json::json;

use super::app::App;
use super::fault::Fault;
use super::guard::only;
use crate::store::{AgentToken, Human};

/// Who makes a request.
pub(crate) enum Caller {
    /// An agent, with what its token is bound to.
    Agent(AgentToken),
    /// A human who is signed in.
    Human(Human),
}

/// Finds out who makes a request.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Fault> {
    let value = only(headers, header::AUTHORIZATION).ok_or_else(Fault::unauthorised)?;
    let (scheme, secret) = value.split_once(' ').ok_or_else(Fault::unauthorised)?;
    if !scheme.eq_ignore_ascii_case("bearer") || secret.len() > 200 {
        return Err(Fault::unauthorised());
    }
    let mut store = app.read().await;
    let now = store.clock(app.clock()).await?;
    if let Some(token) = store.token_find(secret, now).await? {
        return Ok(Caller::Agent(token));
    }
    match store.human_session_find(secret, now).await? {
        Some(session) => Ok(Caller::Human(Human { user: session.user, via: "api".to_owned() })),
        None => Err(Fault::unauthorised()),
    }
}

/// The human who makes a request. An agent that tries is refused, and that is put on record.
pub(crate) async fn human(app: &App, headers: &HeaderMap, what: &str) -> Result<Human, Fault> {
    match caller(app, headers).await? {
        Caller::Human(human) => Ok(human),
        Caller::Agent(token) => {
            let now = app.clock();
            // The same attempt again within a minute adds nothing, and must not fill the disk.
            if app.refused.lock().is_ok_and(|mut refused| refused.is_new(format!("{} {what}", token.id), now)) {
                let detail = json!({ "token": token.id, "user": token.user, "session": token.session, "tried": what });
                app.write(move |store| Box::pin(async move { store.audit("agent", "refused", &detail, now).await }))
                    .await?;
            }
            Err(Fault::humans_only())
        }
    }
}

/// The agent that makes a request.
pub(crate) async fn agent(app: &App, headers: &HeaderMap) -> Result<AgentToken, Fault> {
    match caller(app, headers).await? {
        Caller::Agent(token) => Ok(token),
        Caller::Human(_) => Err(Fault::agents_only()),
    }
}
