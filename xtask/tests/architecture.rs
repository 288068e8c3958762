//! The workspace as it stands keeps its own rules.

use xtask::dependencies::{self, Workspace};
use xtask::purity;

#[test]
fn dependencies_point_in_the_direction_of_the_layers() {
    assert_eq!(dependencies::violations(&Workspace::load().unwrap()), [""; 0]);
}

#[test]
fn policy_has_no_io_clock_async_or_ways_to_panic() {
    assert_eq!(purity::violations(&xtask::root().join("crates/policy/src")).unwrap(), [""; 0]);
}
