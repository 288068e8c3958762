//! OpenCode: requests, replies and what they answer besides.

pub(crate) mod flow;
