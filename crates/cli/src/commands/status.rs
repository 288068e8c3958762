//! `countersign status`: what is in force here, and what is waiting.

use anyhow::Result;
use countersign_engine::Reading;
use countersign_engine::show::masked;
use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{GivenUp, Store};
use serde_json::{Value, json};

use crate::file;
use crate::here::{self, Here};
use crate::init::{self, settings};
use crate::off::Off;
use crate::screen::{Paint, printable};
use crate::when;

pub(crate) fn run(here: &Here) -> Result<()> {
    let off = Off::now(&here.place.off_file(), here::clock());
    let gated = gated(here)?;
    let mut store = here.store()?;
    let now = block_on(store.clock(here::clock()))?;
    let reading = here.load(&block_on(store.known(&here.user))?);
    let open = block_on(store.open_questions(Some(&here.user), now))?.len();
    let listening = block_on(store.listening(&here.user, now))?;
    let given_up = block_on(store.webhooks_given_up(&here.user, now))?;
    let files: Vec<Value> = reading.as_ref().map_or_else(|_| Vec::new(), |reading| {
        let file = |file: &countersign_engine::PolicyFile| {
            json!({"file": file.path, "kind": file.kind, "trusted": file.trusted, "rules": file.rules})
        };
        reading.files.iter().map(file).collect()
    });
    here.screen.value(&json!({
        "version": env!("CARGO_PKG_VERSION"), "off_until": off.as_ref().map(|off| off.until), "claude_code": gated,
        "project": here.project, "policy": files, "policy_fault": reading.as_ref().err().map(|error| format!("{error:#}")),
        "open_questions": open, "listening": listening,
        "webhooks_given_up": given_up, "store": here.place.store(),
    }))?;
    if let Some(off) = &off {
        let until = when::relative(off.until, now);
        here.screen.line(here.screen.paint(Paint::Care, format!("The gate is OFF; it is on again {until}.")))?;
    }
    let gate = if gated { "gated: its hooks are registered" } else { "not gated: run `countersign init`" };
    here.screen.line(format!("Claude Code  {gate}"))?;
    here.screen.line(format!("Project      {}", printable(&here.short(&here.project))))?;
    policy(here, reading)?;
    waiting(here, &mut store, open, listening, now)?;
    given_up.iter().try_for_each(|one| {
        here.screen.line(here.screen.paint(Paint::Bad, format!("Webhook      {}", given_up_in_words(one, now))))
    })
}

/// Whether Claude Code's settings have our hook before each tool call.
fn gated(here: &Here) -> Result<bool> {
    let Some(folder) = init::find_claude(here) else { return Ok(false) };
    let Some(text) = file::read(&folder.join("settings.json"))? else { return Ok(false) };
    let hooks = settings::registered(&text).unwrap_or_default();
    Ok(hooks.iter().any(|hook| hook.event == "PreToolUse") && !settings::hooks_are_off(&text).unwrap_or(true))
}

fn policy(here: &Here, reading: Result<Reading>) -> Result<()> {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => {
            here.screen.line(here.screen.paint(Paint::Bad, "Policy       cannot be used, so every call is denied:"))?;
            return here.screen.line(format!("{error:#}"));
        }
    };
    let mut label = "Policy";
    for file in &reading.files {
        let note = if file.trusted { "" } else { ", its allows do not count: `countersign trust`" };
        let path = here.short(file.path.as_ref());
        here.screen.line(format!("{label:<12} {} ({} rules{note})", printable(&path), file.rules))?;
        label = "";
    }
    here.screen.line(format!("{label:<12} the built-in rules (`countersign policy show builtin`)"))
}

fn waiting(here: &Here, store: &mut Store, open: usize, listening: bool, now: Timestamp) -> Result<()> {
    let ear = if listening { "you are listening" } else { "nobody listens: `countersign serve`, or `approvals watch`" };
    here.screen.line(format!("Questions    {open} waiting for you; {ear}"))?;
    let records = block_on(store.open_questions(Some(&here.user), now))?;
    for record in records.iter().take(5) {
        here.screen.line(format!("             {}", record.question.summary))?;
    }
    Ok(())
}

/// A webhook that was given up, with what to do, in one line.
fn given_up_in_words(one: &GivenUp, now: Timestamp) -> String {
    let (name, url, since) = (printable(&one.name), masked(&one.url), when::relative(one.since, now));
    let lost = if one.lost == 1 { "1 message".to_owned() } else { format!("{} messages", one.lost) };
    match one.gone {
        true => {
            format!("{name} ({url}) was ended by its own side {since}, {lost} given up: `countersign webhooks add`")
        }
        false => format!(
            "{name} ({url}): {lost} given up, the first {since}; {} on their way: `countersign webhooks retry {}`",
            one.waiting, one.id
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_one_line_that_hides_nothing_and_shows_no_secret() {
        let now = Timestamp(1_800_000_000_000);
        let mut one = GivenUp {
            id: "w1".to_owned(),
            name: "chat\n\u{1b}[2J\u{202E}".to_owned(),
            url: "https://hooks.example/x?token=hunter2secret".to_owned(),
            since: now.plus_seconds(-7200),
            lost: 3,
            waiting: 1,
            gone: false,
            fault: Some("status 500".to_owned()),
        };
        insta::assert_snapshot!(
            given_up_in_words(&one, now),
            @r"chat\u{A}\u{1B}[2J\u{202E} (https://hooks.example/x?token=***): 3 messages given up, the first 2h ago; 1 on their way: `countersign webhooks retry w1`"
        );
        (one.name, one.lost, one.waiting, one.gone) = ("chat".to_owned(), 1, 0, true);
        insta::assert_snapshot!(
            given_up_in_words(&one, now),
            @"chat (https://hooks.example/x?token=***) was ended by its own side 2h ago, 1 message given up: `countersign webhooks add`"
        );
    }
}
