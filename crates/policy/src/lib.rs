//! Decides whether an AI agent's call is allowed, asked about or denied.
//!
//! Pure: no I/O, no clock, no environment, no async, no C code, no panics. Start at [`decide`](mod@decide).

mod action;
mod call;
mod effect;
mod target;
mod time;

pub use action::{Action, Class, NoAction};
pub use call::{Attendance, Call};
pub use effect::Effect;
pub use target::{PathResource, Resource, Role, Target, Word, WordKind};
pub use time::Timestamp;
