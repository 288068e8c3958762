//! Files of other systems: whatever is in them, they are read in full or refused.
#![no_main]

use countersign_formats::System;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/formats/tests/reading/mod.rs"]
mod reading;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let system = System::ALL[usize::from(*first) % System::ALL.len()];
    reading::holds(system, text, (first & 0x80 != 0).then_some("build"));
});
