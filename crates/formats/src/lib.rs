//! Other systems' permission files to sources of rules.
//!
//! One module per system. Each reads the texts that the system itself reads, keeps where everything stands, and returns
//! either sources that decide as the system does or all that is wrong with the file. Where a system is known to let pass
//! what it should not, its module says what we do instead.

pub mod claude_code;
pub mod clawbolt;
pub mod codex;
pub mod flowfuse;
pub mod import;
pub mod json;
pub mod langchain;
pub mod openclaw;
pub mod opencode;
mod platform;
pub mod surfsense;
mod system;
mod text;

pub use platform::{Platform, PlatformError};
pub use system::{Setting, System};
pub use text::Text;
