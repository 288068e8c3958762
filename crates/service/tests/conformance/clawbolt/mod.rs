//! clawbolt: turns of several calls, and one prompt after the other in a chat.

pub(crate) mod gate;
pub(crate) mod round;
mod rules;
