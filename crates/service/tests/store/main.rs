//! The store, on real files.

#![allow(unreachable_pub, reason = "one test program out of several files")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod faults;
mod flow;
mod gate;
mod hostile;
mod model;
mod races;
mod reach;
mod records;
mod repeats;
mod servers;
mod support;
