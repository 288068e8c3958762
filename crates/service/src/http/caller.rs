//! Who makes a request to the API: an agent, an application or a human. Nothing but the secret in `Authorization` says
//! so.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use countersign_policy::sha256_hex;
use serde_json::json;

use super::app::App;
use super::fault::Fault;
use super::guard::only;
use super::mirror::View;
use crate::store::{AgentToken, Application, Human, HumanSession, Via};

/// Who makes a request.
pub(crate) enum Caller {
    /// An agent, with what its token is bound to.
    Agent(Arc<AgentToken>),
    /// A program that embeds agents, on behalf of the user whose token it has.
    Application(Application),
    /// A human who is signed in.
    Human(Human),
}

/// Finds out who makes a request.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Fault> {
    Ok(seen(app, headers).await?.0)
}

/// Who makes a request, and what the store said when that was found out.
async fn seen(app: &App, headers: &HeaderMap) -> Result<(Caller, Arc<View>), Fault> {
    let secret = secret(headers).ok_or_else(Fault::unauthorised)?;
    let view = app.view().await?;
    let hash = sha256_hex(secret.as_bytes());
    // Who came before is known without the store.
    if let Some(session) = view.known_human(app, &hash) {
        return Ok((of_session(session), view));
    }
    if let Some(token) = view.token(app, &hash).await? {
        return Ok((Caller::Agent(token), view));
    }
    let application = app.read().await.application_find(secret, app.clock()).await?;
    if let Some(application) = application {
        return Ok((Caller::Application(application), view));
    }
    match view.human_session(app, &hash).await? {
        Some(session) => Ok((of_session(session), view)),
        None => Err(Fault::unauthorised()),
    }
}

/// The secret that came with a request.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = only(headers, header::AUTHORIZATION)?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && secret.len() <= 200).then_some(secret)
}

/// The SHA-256 of the secret that came with a request.
pub(crate) fn secret_hash(headers: &HeaderMap) -> Option<String> {
    secret(headers).map(|secret| sha256_hex(secret.as_bytes()))
}

fn of_session(session: HumanSession) -> Caller {
    Caller::Human(Human { user: session.user, via: Via::Api })
}

/// The human who makes a request. Whoever else tries is refused, and that is put on record.
pub(crate) async fn human(app: &App, headers: &HeaderMap, what: &str) -> Result<Human, Fault> {
    match caller(app, headers).await? {
        Caller::Human(human) => Ok(human),
        Caller::Application(application) => {
            refuse_application(app, &application, what).await?;
            Err(Fault::humans_only())
        }
        Caller::Agent(token) => {
            refuse_agent(app, &token, what).await?;
            Err(Fault::humans_only())
        }
    }
}

/// The human who makes a request, or the one on whose behalf an application does: `via` then names the application, by
/// its token's id. An agent that tries is refused, and that is put on record.
pub(crate) async fn on_behalf(app: &App, headers: &HeaderMap, what: &str) -> Result<Human, Fault> {
    match caller(app, headers).await? {
        Caller::Human(human) => Ok(human),
        Caller::Application(application) => Ok(Human { via: Via::Application(application.id), user: application.user }),
        Caller::Agent(token) => {
            refuse_agent(app, &token, what).await?;
            Err(Fault::not_for_agents())
        }
    }
}

/// The agent that makes a request.
pub(crate) async fn agent(app: &App, headers: &HeaderMap) -> Result<Arc<AgentToken>, Fault> {
    Ok(agent_seen(app, headers).await?.0)
}

/// The same, and what the store said when that was found out.
pub(crate) async fn agent_seen(app: &App, headers: &HeaderMap) -> Result<(Arc<AgentToken>, Arc<View>), Fault> {
    match seen(app, headers).await? {
        (Caller::Agent(token), view) => Ok((token, view)),
        (Caller::Application(_) | Caller::Human(_), _) => Err(Fault::agents_only()),
    }
}

/// Puts on record what an agent tried.
pub(crate) async fn refuse_agent(app: &App, token: &AgentToken, what: &str) -> Result<(), Fault> {
    let detail = json!({ "token": token.id, "user": token.user, "session": token.session, "tried": what });
    refuse(app, "agent", &token.id, what, detail).await
}

async fn refuse_application(app: &App, application: &Application, what: &str) -> Result<(), Fault> {
    let detail = json!({ "token": application.id, "user": application.user, "tried": what });
    refuse(app, "application", &application.id, what, detail).await
}

async fn refuse(
    app: &App,
    actor: &'static str,
    token: &str,
    what: &str,
    detail: serde_json::Value,
) -> Result<(), Fault> {
    let now = app.clock();
    // The same attempt again within a minute adds nothing, and must not fill the disk.
    if app.refused.lock().is_ok_and(|mut refused| refused.is_new(format!("{token} {what}"), now)) {
        app.write(move |store| Box::pin(async move { store.audit(actor, "refused", &detail, now).await })).await?;
    }
    Ok(())
}
