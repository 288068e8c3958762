//! Keeps questions, answers, grants and records, and serves them.
//!
//! [`store`] is one SQLite file whose unit is the transaction; [`gate`] the one flow that the hook and the server
//! share; [`disk`] the file system as the engine sees it; [`http`] the server, with the API and the page; [`chat`] what
//! is asked and answered in words;
//! [`notify`] how people and programs outside are told.

pub mod block_on;
pub mod chat;
pub mod disk;
pub mod gate;
pub mod http;
pub mod notify;
pub mod store;
mod web;
