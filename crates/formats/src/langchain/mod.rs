//! LangChain 1.4.7: its middleware that asks a human before tools run (`HumanInTheLoopMiddleware`).
//!
//! [`Config`] says which tools ask and what may be answered; [`request()`] and [`approval`] are what a graph stops with;
//! [`decisions`] and [`decision()`] read what it is resumed with. Where we differ: an edit stays with its tool, as it does
//! in LangChain's newer mode; what a human changed is decided anew by whoever takes the answer.

mod config;
mod decision;
mod python;
mod request;

pub use config::{Allowed, Config, Gate};
pub use decision::{Decision, Unexpected, decision, decisions};
pub use request::{ToolCall, approval, rejected, request};
