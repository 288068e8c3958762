//! clawbolt: turns of several calls, and one prompt after the other in a chat.

mod channel;
mod file;
pub(crate) mod gate;
pub(crate) mod round;
mod rules;
