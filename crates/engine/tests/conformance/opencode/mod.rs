//! OpenCode 1.18.33: what its bash tool asks for, and what its rules decide.

pub(crate) mod arity;
pub(crate) mod bash;
pub(crate) mod evaluate;
pub(crate) mod offered;
pub(crate) mod rules;
pub(crate) mod wildcard;
