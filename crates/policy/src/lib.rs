//! Decides whether an AI agent's call is allowed, asked about or denied.
//!
//! Pure: no I/O, no clock, no environment, no async, no C code, no panics. Start at [`decide()`].

mod action;
mod agents;
pub mod approval;
pub mod batch;
mod call;
mod catalog;
mod decide;
mod decision;
mod denials;
mod digest;
pub mod document;
mod effect;
mod grant;
mod hidden;
mod index;
pub mod json;
pub mod lint;
pub mod pattern;
mod program;
mod question;
mod rule;
mod scope;
mod source;
mod target;
mod terms;
mod time;

pub use action::{Action, Class, NoAction};
pub use agents::{AgentDefault, AgentTable, Agents, EVERY_KIND};
pub use call::{Attendance, Call};
pub use catalog::{Annotations, Catalog, Place, ToolEntry, Version, Window};
pub use decide::{Answer, decide};
pub use decision::{Cause, Decision, Judgement, Remember, RuleCause};
pub use denials::Denials;
pub use digest::{Digest, canonical, sha256_hex};
pub use effect::Effect;
pub use grant::{Grant, GrantLimit, GrantResource, Reach};
pub use hidden::{catalog_digest, hidden};
pub use program::{OperandKind, OptionKind, ProgramEntry};
pub use question::{Offer, Part, Question, ScopeOffer, Step};
pub use rule::{Binds, Condition, Origin, Rule, Selector};
pub use scope::Scope;
pub use source::{Ceiling, Combining, Nobody, Policy, Repeats, Source, SourceKind};
pub use target::{CommandSpelling, Located, NamedBy, PathResource, Resource, Role, Target, Word, WordKind};
pub use terms::{Terms, View};
pub use time::Timestamp;
