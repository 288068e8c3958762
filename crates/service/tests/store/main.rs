//! The store, on real files.

#![allow(missing_docs, reason = "tests")]

mod flow;
mod support;
