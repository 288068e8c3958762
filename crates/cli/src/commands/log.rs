//! `countersign log` and `countersign why`: what was decided.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use countersign_policy::{Cause, Effect};
use countersign_service::block_on::block_on;
use countersign_service::store::{LogEvent, LogFilter, LoggedEntry};
use serde_json::Value;

use super::Exit;
use crate::args::{Log, Why};
use crate::here::Here;
use crate::screen::{Paint, printable};

/// How often the store is looked at for new entries.
const LOOK: Duration = Duration::from_millis(250);
/// How many entries are kept when the log is read, and for how many seconds: a hook never cuts it.
const KEPT: (u32, i64) = (100_000, 90 * 86_400);

pub(crate) fn run(arguments: &Log, here: &Here) -> Result<()> {
    let mut store = here.store()?;
    block_on(store.trim_log(KEPT.0, KEPT.1, crate::here::clock()))?;
    let filter = LogFilter { user: Some(here.user.clone()), limit: arguments.lines.max(1), ..LogFilter::default() };
    let mut entries = block_on(store.log_entries(&filter))?;
    entries.reverse();
    if entries.is_empty() && !arguments.follow {
        here.screen.line("No calls so far.")?;
    }
    let mut last = 0;
    let mut version = None;
    loop {
        for entry in &entries {
            last = last.max(entry.id);
            show(here, entry)?;
        }
        if !arguments.follow {
            return Ok(());
        }
        loop {
            let seen = Some(block_on(store.version())?);
            if seen != version {
                version = seen;
                break;
            }
            std::thread::sleep(LOOK);
        }
        let filter = LogFilter { user: Some(here.user.clone()), after: Some(last), ..LogFilter::default() };
        entries = block_on(store.log_entries(&filter))?;
    }
}

fn show(here: &Here, logged: &LoggedEntry) -> Result<()> {
    let screen = here.screen;
    screen.value(logged)?;
    let entry = &logged.entry;
    let what = match entry.event {
        LogEvent::Decided => screen.effect(entry.effect),
        event => screen.paint(Paint::Quiet, format!("{:<5}", event.word())),
    };
    let time = screen.paint(Paint::Quiet, logged.at.utc());
    let times = if logged.times > 1 { format!(" ({} times)", logged.times) } else { String::new() };
    screen.line(format!("{:>6} {time} {what} {}{times}", logged.id, printable(&entry.summary)))
}

pub(crate) fn why(arguments: &Why, here: &Here) -> Result<Exit> {
    let id = match arguments.id.as_str() {
        "last" => None,
        id => Some(id.parse().with_context(|| format!("`{id}` is no number from `countersign log`, and not `last`"))?),
    };
    let event = id.is_none().then_some(LogEvent::Decided);
    let filter = LogFilter { id, event, user: Some(here.user.clone()), limit: 1, ..LogFilter::default() };
    let mut store = here.store()?;
    let Some(logged) = block_on(store.log_entries(&filter))?.into_iter().next() else {
        match id {
            Some(id) => bail!("there is no entry {id}: see `countersign log`"),
            None => bail!("no calls were decided so far"),
        }
    };
    show(here, &logged)?;
    let entry = &logged.entry;
    here.screen.line(format!("       {} in {}", printable(&entry.tool), printable(&entry.project)))?;
    let detail = entry.detail.value();
    for judgement in detail.get("judgements").and_then(Value::as_array).into_iter().flatten() {
        let effect = judgement.get("effect").cloned().and_then(|effect| serde_json::from_value::<Effect>(effect).ok());
        let cause = judgement.get("cause").cloned().and_then(|cause| serde_json::from_value::<Cause>(cause).ok());
        let (Some(effect), Some(cause)) = (effect, cause) else { continue };
        let why = countersign_engine::why::cause(&cause, effect);
        here.screen.line(format!("       {} {why}", here.screen.effect(effect)))?;
    }
    for (member, label) in [("told", "the agent was told"), ("fault", "fault"), ("alarm", "alarm")] {
        if let Some(text) = detail.get(member).and_then(Value::as_str) {
            here.screen.line(format!("       {label}: {}", printable(text)))?;
        }
    }
    if let Some(approval) = &entry.approval {
        here.screen.line(format!("       approval {}", printable(approval)))?;
    }
    Ok(Exit::Verdict(entry.effect))
}
