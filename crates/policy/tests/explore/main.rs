//! Every interleaving of the life of a question: two agents with two calls each, two humans, two servers over one
//! store, crashes and restarts anywhere. What one agent does touches no row of the other's, so each is explored with
//! all that can happen to it; both in every order are `cargo xtask soak lifecycle`.
//!
//! A server keeps nothing that is not on the disk, so every step may be any server's, and a crash is an answer that was
//! lost: before the transaction nothing has happened, after it whoever asked does not know and asks again. An answer
//! that is slow is one whose reader goes on later.
//!
//! Every transition of a question and of a batch is [`policy::approval::step`](countersign_policy::approval::step) and
//! [`policy::batch::step`](countersign_policy::batch::step) themselves; what the store does around them is `store.rs`
//! here, and the service's `tests/store/model.rs` holds the real store to the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod clients;
mod store;
mod world;

use std::time::Instant;

use stateright::{Checker as _, Model as _};
use world::World;

#[test]
fn nothing_is_answered_or_redeemed_twice_and_nothing_acknowledged_is_forgotten() {
    let both = std::env::var_os("COUNTERSIGN_EXPLORE_BOTH").map(|_| World::Both);
    for world in [World::First, World::Second].into_iter().chain(both) {
        let begun = Instant::now();
        let checker = world.checker().threads(2).spawn_bfs().join();
        println!(
            "{world:?}: {} states, {} of them different, at most {} steps deep, in {:.0} s",
            checker.state_count(),
            checker.unique_state_count(),
            checker.max_depth(),
            begun.elapsed().as_secs_f64()
        );
        checker.assert_properties();
    }
}
