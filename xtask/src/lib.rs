//! What a laptop and CI run alike: `cargo xtask check | test | corpus | conformance | hosts | bench | soak`.
//!
//! A library with a thin `main`, so that `tests/architecture.rs` holds the same rules that `check` does.

pub mod bench;
mod browser;
pub mod build;
pub mod check;
pub mod dependencies;
pub mod evidence;
pub mod generated;
pub mod hosts;
pub mod purity;
pub mod replay;
pub mod soak;
pub mod steps;
pub mod test;

use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
