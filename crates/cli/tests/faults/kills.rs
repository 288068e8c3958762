//! The server is killed at any moment, and started again on the same store and port.

use std::time::Duration;

use countersign_service::block_on::block_on;

use crate::book::Book;
use crate::dice::Dice;
use crate::house::{House, now};
use crate::load::Load;
use crate::tally::{Count, Wrong};
use crate::{number, settle};

const HOUR: i64 = 3_600;

/// 50 agents ask and 20 people answer meanwhile. In the middle the clock is set back by an hour: to the servers it is
/// so when another process has written with a clock that is an hour ahead of theirs.
pub(crate) fn run(seed: u64) -> (Wrong, Count) {
    let kills = number("COUNTERSIGN_SOAK_KILLS", 20);
    let (house, book) = (House::new(50, 20), Book::default());
    let mut server = Some(house.serve(0));
    let address = server.as_ref().map(|server| server.address).unwrap();
    let mut dice = Dice::of(seed, usize::MAX);
    Load::new(&house, &book, vec![address], seed).run(|| {
        for kill in 0..kills {
            let (before, some) = (book.pace().done, dice.below(40));
            book.until("something is acknowledged", |pace| pace.done >= before + some);
            std::thread::sleep(Duration::from_millis(dice.below(20)));
            if kill == kills / 2 {
                block_on(house.store().expire(now().plus_seconds(HOUR))).unwrap();
            }
            drop(server.take());
            // One in eight does not come as far as to listen.
            if dice.below(8) == 0 {
                let starting = house.start(&[], address.port());
                std::thread::sleep(Duration::from_millis(dice.below(15)));
                drop(starting);
            }
            server = Some(house.serve(address.port()));
            if kill % 100 == 99 {
                println!("{} kills, {} acknowledgements", kill + 1, book.pace().done);
            }
        }
    });
    drop(server);
    settle("killed", &house, book, kills)
}
