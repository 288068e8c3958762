//! `countersign grants`: what was allowed, or denied, for longer than once.

use anyhow::{Result, bail};
use countersign_policy::{Answer, Call, Decision, Grant, GrantResource, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::store::{GrantFilter, Human, KeptGrant, PromoteError, Promotion, Store, Via};
use serde_json::json;

use super::approvals::Judge;
use crate::args::{Grants, GrantsCommand};
use crate::duration::Length;
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;
use crate::when;

pub(crate) fn run(arguments: &Grants, here: &Here) -> Result<()> {
    let mut store = here.store()?;
    let now = block_on(store.clock(here::clock()))?;
    let filter = GrantFilter { user: Some(here.user.clone()), limit: 10_000, ..GrantFilter::default() };
    let grants = block_on(store.grants(&filter, now))?;
    match &arguments.command {
        GrantsCommand::List => list(here, &grants, now),
        GrantsCommand::Revoke { id } => {
            let found = only(id, &grants)?;
            Terminal::of_a_human("changing what is remembered")?;
            block_on(store.revoke(&found.grant.id, &here.user, &here.user, now))?;
            here.screen.value(&json!({"revoked": found.grant.id}))?;
            here.screen.line(format!("Revoked: {}", grant_in_words(&found.grant)))
        }
        GrantsCommand::Promote { id, scope, length } => {
            let terminal = Terminal::of_a_human("changing what is remembered")?;
            let old = &only(id, &grants)?.grant;
            let promotion = Promotion { grant: old.id.clone(), scope: *scope, seconds: length.map(Length::seconds) };
            promote(here, &mut store, &terminal, old, &promotion)
        }
    }
}

/// Puts a grant of wider scope in the place of one.
fn promote(here: &Here, store: &mut Store, terminal: &Terminal, old: &Grant, promotion: &Promotion) -> Result<()> {
    let asked = block_on(store.asked_for_grant(&old.id, &here.user))?;
    let Some(record) = asked else { bail!("{}", PromoteError::Unasked) };
    here.screen.line(grant_in_words(old))?;
    if !terminal.confirm(&format!("Let it reach further, for this {}?", promotion.scope))? {
        return here.screen.line("Nothing was changed.");
    }
    let judge = Judge::of(here, store, &record)?;
    let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp| -> Decision {
        judge.decide(call, answer, grants, now)
    };
    let human = Human { user: here.user.clone(), via: Via::Terminal };
    let now = block_on(store.clock(here::clock()))?;
    let new = block_on(store.promote(promotion, &human, now, &recheck))?;
    here.screen.value(&new)?;
    here.screen.line(format!("Remembered: {}", grant_in_words(&new)))
}

/// The only grant whose id begins so.
fn only<'a>(id: &str, grants: &'a [KeptGrant]) -> Result<&'a KeptGrant> {
    let mut found = grants.iter().filter(|kept| !id.is_empty() && kept.grant.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(kept), None) => Ok(kept),
        (None, _) => bail!("there is no grant `{}`: see `countersign grants list`", printable(id)),
        (Some(_), Some(_)) => bail!("`{}` begins more than one grant: write more of it", printable(id)),
    }
}

fn list(here: &Here, grants: &[KeptGrant], now: Timestamp) -> Result<()> {
    here.screen.value(&grants)?;
    if grants.is_empty() {
        return here.screen.line("Nothing was allowed for longer than once.");
    }
    for kept in grants {
        let grant = &kept.grant;
        here.screen.line(format!("{} {}", here.screen.effect(grant.effect), grant_in_words(&kept.grant)))?;
        let until = match grant.expires {
            Some(at) => format!("ends {}", when::relative(at, now)),
            None => "until revoked".to_owned(),
        };
        let used = match kept.used {
            Some(at) => format!("used {} times, last {}", kept.uses, when::relative(at, now)),
            None => "never used".to_owned(),
        };
        let made = when::relative(grant.created, now);
        here.screen
            .line(here.screen.paint(Paint::Quiet, format!("      {}; made {made}, {until}, {used}", grant.id)))?;
    }
    Ok(())
}

/// A grant in words for a human.
pub(super) fn grant_in_words(grant: &Grant) -> String {
    let what = match &grant.resource {
        GrantResource::Whole => format!("{}, whatever it acts on", grant.action),
        GrantResource::Literal { shown, .. } => format!("{}: exactly `{shown}`", grant.action),
        GrantResource::Pattern(pattern) => format!("{}({})", grant.action, pattern.as_str()),
    };
    let project = grant.reach.project.as_deref().map(|project| format!(" in {project}")).unwrap_or_default();
    printable(&format!("{what}, for this {}{project}", grant.reach.scope))
}
