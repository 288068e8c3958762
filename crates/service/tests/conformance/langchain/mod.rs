//! LangChain: a human in the loop.

pub(crate) mod hitl;
