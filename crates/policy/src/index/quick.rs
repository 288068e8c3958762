//! A hash that costs little. What is hashed when a source is built is its own rules; a text that an agent chose is only
//! looked up, and cannot make others collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by a hash that costs little.
pub(super) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// Eight bytes at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Quick(u64);

const FACTOR: u64 = 0x9e6c_63d0_676a_9a99;

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let last = rest.iter().rev().fold(0_u64, |last, byte| last << 8 | u64::from(*byte));
            self.mix(last ^ u64::try_from(rest.len()).unwrap_or_default() << 56);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(byte.into());
    }

    fn write_isize(&mut self, number: isize) {
        self.mix(number.unsigned_abs().try_into().unwrap_or_default());
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
