//! `countersign off` and `countersign on`.

use anyhow::Result;
use countersign_service::block_on::block_on;
use serde_json::json;

use crate::args;
use crate::here::{self, Here};
use crate::off::Off;
use crate::terminal::Terminal;

pub(crate) fn off(arguments: &args::Off, here: &Here) -> Result<()> {
    let _terminal = Terminal::of_a_human("switching the gate off")?;
    let off = Off::from(here::clock(), arguments.length, here.user.clone())?;
    off.save(&here.place.off_file())?;
    note(here, "gate off", &json!({"until": off.until, "for": arguments.length.to_string()}));
    here.screen.value(&json!({"off": true, "until": off.until}))?;
    here.screen.line(format!(
        "The gate is off for {}: agents' calls are not judged, and their hosts' own rules decide. `countersign on` ends it.",
        arguments.length
    ))
}

pub(crate) fn on(here: &Here) -> Result<()> {
    // Stricter than before: whoever wants it may.
    let closed = Off::close(&here.place.off_file())?;
    if closed {
        note(here, "gate on", &json!({}));
    }
    here.screen.value(&json!({"off": false}))?;
    here.screen.line(if closed { "The gate is on again." } else { "The gate was on already." })
}

/// Best effort: the window must open and close also where the store is what is broken.
fn note(here: &Here, kind: &str, detail: &serde_json::Value) {
    let Ok(mut store) = here.store() else { return };
    let _ = block_on(store.audit(&here.user, kind, detail, here::clock()));
}
