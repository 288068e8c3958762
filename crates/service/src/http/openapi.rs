//! The API's description, made from its handlers.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{agent, batches, catalog, chat, human, records, replies, sessions, tokens, turns, webhooks};
use super::app::Shared;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Agents ask before they act; policy answers, and where it leaves something open, a human does. \
                       Refusals are problem JSON: a `code` for programs and a `message` for humans.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact()
    ),
    tags(
        (name = "agents", description = "With an agent's token, which is bound to a user and a session."),
        (name = "humans", description = "With a human's token. An agent's token is refused, and that is put on record."),
        (name = "applications", description = "With an application's or a human's token. What an application does counts as \
            its user's, and the audit names it."),
        (name = "chats", description = "Questions in a chat, answered in words, with an application's or a human's token."),
        (name = "everybody", description = "Without a token.")
    )
)]
struct Description;

/// The API's routes with their description.
pub(crate) fn described() -> OpenApiRouter<Shared> {
    let mut document = Description::openapi();
    let components = document.components.get_or_insert_with(Default::default);
    for (name, what) in [
        ("agent", "a token made for one agent's session"),
        ("application", "a token made for a program that embeds agents, on behalf of the user who made it"),
        ("human", "a signed-in human's token"),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    OpenApiRouter::with_openapi(document)
        .routes(routes!(agent::decide))
        .routes(routes!(agent::ask))
        .routes(routes!(agent::wait))
        .routes(routes!(agent::redeem))
        .routes(routes!(agent::cancel))
        .routes(routes!(agent::tools))
        .routes(routes!(catalog::catalog))
        .routes(routes!(turns::turn))
        .routes(routes!(turns::cancel))
        .routes(routes!(batches::batches))
        .routes(routes!(turns::batch))
        .routes(routes!(turns::resume))
        .routes(routes!(turns::resumes))
        .routes(routes!(human::approvals))
        .routes(routes!(human::approval))
        .routes(routes!(replies::reply))
        .routes(routes!(replies::replies))
        .routes(routes!(replies::preview))
        .routes(routes!(chat::present))
        .routes(routes!(chat::sent))
        .routes(routes!(chat::message))
        .routes(routes!(human::grants))
        .routes(routes!(human::revoke))
        .routes(routes!(human::promote))
        .routes(routes!(human::events))
        .routes(routes!(sessions::session, sessions::set, sessions::end))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(webhooks::list, webhooks::set))
        .routes(routes!(webhooks::remove))
        .routes(routes!(webhooks::messages))
        .routes(routes!(webhooks::retry))
        .routes(routes!(records::audit))
        .routes(routes!(records::log))
        .routes(routes!(records::health))
        .routes(routes!(openapi))
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "everybody", responses((status = 200, body = Object)))]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(described().into_openapi())
}

/// The API's description as it is checked in: `docs/openapi.json`.
pub fn openapi_json() -> String {
    let mut json = described().into_openapi().to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
