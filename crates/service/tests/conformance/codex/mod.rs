//! Codex: approvals of commands by the client of its app server.

pub(crate) mod approval_flow;
