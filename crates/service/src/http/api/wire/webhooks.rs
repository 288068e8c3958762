//! Webhooks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a webhook is to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookBody {
    /// Its name for humans.
    pub(crate) name: String,
    /// `https://HOST/PATH`; without encryption only to this machine, or where the server was started to.
    pub(crate) url: String,
    /// Only for sessions of this host.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// It is told of questions: `approval.asked` and `approval.closed`.
    #[serde(default)]
    pub(crate) notices: bool,
    /// It resumes turns that ended with their questions: `turn.resumed`.
    #[serde(default)]
    pub(crate) resumes: bool,
}

/// A new webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NewWebhookBody {
    /// Its id.
    pub(crate) id: String,
    /// Its secret, told this once: `whsec_` and 32 bytes in base 64.
    pub(crate) secret: String,
}

/// What is sent once more.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RetriedBody {
    /// How many messages.
    pub(crate) messages: u64,
}
