//! The API's handlers. `agent.rs` is all that an agent can reach.

pub(crate) mod agent;
pub(crate) mod batches;
pub(crate) mod catalog;
pub(crate) mod chat;
pub(crate) mod human;
mod judge;
pub(crate) mod records;
mod refusals;
pub(crate) mod replies;
pub(crate) mod roots;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod turns;
pub(crate) mod webhooks;
pub(crate) mod wire;
