//! Where the load's choices come from: a seed, so that a run can be repeated but for how its threads are scheduled.

/// SplitMix64; see <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of one who takes part, so that all of them roll differently.
    pub(crate) fn of(seed: u64, who: usize) -> Dice {
        Dice { state: seed.wrapping_mul(0x1000_0000_01b3) ^ who as u64 }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
