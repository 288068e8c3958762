//! OpenCode 1.18.33: what its bash tool asks for.

pub(crate) mod arity;
pub(crate) mod bash;
