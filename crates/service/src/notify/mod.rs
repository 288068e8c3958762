//! How people and programs outside are told: signed webhooks, and notices on the desktop.
//!
//! `address.rs` says what a webhook's address may be and where it may lead, `signature.rs` signs, `send.rs` sends one
//! message, `post.rs` takes what is due out of the store's outbox. `desktop.rs` shows notices.

mod address;
mod desktop;
mod post;
mod send;
mod signature;

use std::path::PathBuf;

pub use address::{Address, AddressError, Reach};
pub(crate) use desktop::show;
pub use desktop::{Desktop, DesktopError};
pub(crate) use post::post;
pub(crate) use send::Delivery;
pub use signature::{Secret, SecretError};

/// What a server may tell whom.
#[derive(Debug, Clone, Default)]
pub struct Outward {
    /// Where webhooks may lead.
    pub reach: Reach,
    /// The file with the certificates that are trusted, in place of the system's.
    pub roots: Option<PathBuf>,
    /// Whether new questions are shown on this desktop.
    pub desktop: Option<Desktop>,
}
