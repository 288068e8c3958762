//! The web page: an inbox that a human answers on, with or without script.
//!
//! Everything lives below `/inbox/KEY/`. The key comes from the session's secret, and the cookie is sent for that path
//! only. Browsers keep cookies by host name and not by port: without the key, any program that listens on another port
//! of this machine and gets its page opened would be sent the cookie, and could answer its own questions.

mod answer;
mod assets;
mod door;
mod further;
mod inbox;
mod page;
mod session;
mod typed;
mod view;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::http::Shared;
pub(crate) use view::span;

/// The page's routes.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(async || Redirect::to("/signin")))
        .route("/signin", get(door::show).post(door::enter))
        .route("/inbox/{key}/", get(inbox::page))
        .route("/inbox/{key}/list", get(inbox::list))
        .route("/inbox/{key}/events", get(inbox::events))
        .route("/inbox/{key}/answer", post(answer::answer))
        .route("/inbox/{key}/revoke", post(answer::revoke))
        .route("/inbox/{key}/further", post(further::promote))
        .route("/inbox/{key}/signout", post(answer::sign_out))
        .route("/static/{name}", get(assets::asset))
}

#[cfg(test)]
mod tests;
