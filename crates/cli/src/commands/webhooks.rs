//! `countersign webhooks`: who outside is told of questions, and resumed with their answers.

use anyhow::{Result, bail};
use countersign_service::block_on::block_on;
use countersign_service::notify::{Address, Reach};
use countersign_service::store::{Store, Via, Webhook, WebhookRequest};
use serde_json::json;

use crate::args::{NewWebhook, Webhooks, WebhooksCommand};
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;
use crate::when;

pub(crate) fn run(arguments: &Webhooks, here: &Here) -> Result<()> {
    let mut store = here.store()?;
    match &arguments.command {
        WebhooksCommand::List => list(here, &mut store),
        WebhooksCommand::Add(new) => add(new, here, &mut store),
        WebhooksCommand::Remove { id } => {
            Terminal::of_a_human("removing a webhook")?;
            let found = only(id, &block_on(store.webhooks(&here.user))?)?;
            block_on(store.webhook_remove(&found.id, &here.user, &Via::Terminal, here::clock()))?;
            here.screen.value(&json!({"removed": found.id}))?;
            here.screen.line(format!("Removed: {} ({})", printable(&found.name), printable(&found.url)))
        }
        WebhooksCommand::Retry { id } => {
            Terminal::of_a_human("sending a webhook's messages again")?;
            let found = only(id, &block_on(store.webhooks(&here.user))?)?;
            let messages = block_on(store.webhook_retry(&found.id, &here.user, here::clock()))?.unwrap_or_default();
            here.screen.value(&json!({"messages": messages}))?;
            here.screen.line(format!("{messages} messages are sent again, while `countersign serve` runs"))
        }
    }
}

fn add(new: &NewWebhook, here: &Here, store: &mut Store) -> Result<()> {
    let address = Address::parse(&new.url)?;
    for name in [Some(&new.name), new.host.as_ref()].into_iter().flatten() {
        if name.is_empty() || name.len() > 200 {
            bail!("a name has from 1 to 200 bytes");
        }
    }
    if new.host.as_ref().is_some_and(|host| host.contains(':')) {
        bail!("a host has no colon");
    }
    Terminal::of_a_human("setting a webhook")?;
    let refused = Reach::default().admits(&address).err();
    let request = WebhookRequest {
        name: new.name.clone(),
        address,
        host: new.host.clone(),
        notices: new.questions,
        resumes: new.turns,
    };
    let made = block_on(store.webhook_create(&request, &here.user, &Via::Terminal, here::clock()))?;
    here.screen.value(&json!({"id": made.webhook.id, "secret": made.secret.as_str()}))?;
    here.screen.line(format!("Set: {}", made.webhook.id))?;
    here.screen.line(format!("Its secret, which is not shown again: {}", made.secret.as_str()))?;
    match refused {
        Some(refused) => here.screen.line(here.screen.paint(Paint::Care, format!("Nothing is sent yet: {refused}"))),
        None => here.screen.line("It is sent to while `countersign serve` runs."),
    }
}

/// The only webhook that counts whose id begins so.
fn only(id: &str, webhooks: &[Webhook]) -> Result<Webhook> {
    let mut found = webhooks.iter().filter(|one| !id.is_empty() && one.ended.is_none() && one.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => bail!("there is no webhook `{}`: see `countersign webhooks list`", printable(id)),
        (Some(_), Some(_)) => bail!("`{}` begins more than one webhook: write more of it", printable(id)),
    }
}

fn list(here: &Here, store: &mut Store) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    let webhooks = block_on(store.webhooks(&here.user))?;
    here.screen.value(&webhooks)?;
    if webhooks.is_empty() {
        return here.screen.line("No webhook is set.");
    }
    for one in &webhooks {
        let what = match (one.notices, one.resumes) {
            (true, true) => "questions and turns",
            (true, false) => "questions",
            _ => "turns",
        };
        let host = one.host.as_deref().map(|host| format!(" of {host}")).unwrap_or_default();
        let line = format!("{} {}: {what}{host}", one.name, one.url);
        here.screen.line(printable(&line))?;
        let state = match (one.ended, one.gone) {
            (Some(at), true) => format!("ended by its own side {}", when::relative(at, now)),
            (Some(at), false) => format!("removed {}", when::relative(at, now)),
            (None, _) => format!(
                "set {}, {} on their way, {} given up",
                when::relative(one.created, now),
                one.waiting,
                one.failed
            ),
        };
        here.screen.line(here.screen.paint(Paint::Quiet, format!("      {}; {state}", one.id)))?;
        if let (None, Some(fault)) = (one.ended, &one.fault) {
            here.screen.line(here.screen.paint(Paint::Care, format!("      last: {}", printable(fault))))?;
        }
    }
    Ok(())
}
