//! `countersign approvals`: questions and answers in the terminal.

mod watch;

use std::borrow::Cow;

use anyhow::{Result, bail};
use countersign_engine::Engine;
use countersign_policy::approval::{Outcome, State};
use countersign_policy::{Answer, Call, Decision, Effect, Grant, Part, Question, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{EditedCall, Human, Record, RecordFilter, Remembered, Replied, Store, Via};
use serde_json::json;

use crate::args::{self, Approvals, ApprovalsCommand};
use crate::here::{self, Here};
use crate::screen::{Paint, Screen, printable};
use crate::terminal::Terminal;
use crate::when;

pub(crate) fn run(arguments: Approvals, here: &Here) -> Result<()> {
    let mut store = here.store()?;
    match arguments.command {
        ApprovalsCommand::List => list(here, &mut store),
        ApprovalsCommand::Show { id } => {
            let record = find(here, &mut store, &id)?;
            here.screen.value(&record)?;
            show(here, &record)
        }
        ApprovalsCommand::Allow(reply) => answer(here, &mut store, Outcome::Allow, &reply),
        ApprovalsCommand::Deny(reply) => answer(here, &mut store, Outcome::Deny, &reply),
        ApprovalsCommand::Watch => watch::run(here, &mut store),
    }
}

fn list(here: &Here, store: &mut Store) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    let records = block_on(store.open_questions(Some(&here.user), now))?;
    here.screen.value(&records)?;
    if records.is_empty() {
        return here.screen.line("Nothing is waiting for you.");
    }
    for record in &records {
        let asked = when::relative(record.approval.asked, now);
        let id = here.screen.paint(Paint::Quiet, &record.approval.id);
        here.screen.line(format!("{id}  {asked}{}", times(record)))?;
        here.screen.folded("  ", "  ┊ ", Some(Paint::Strong), &record.question.summary)?;
    }
    here.screen.line("Answer with `countersign approvals allow ID` or `deny ID`; `show ID` shows one in full.")
}

/// How often the same call was asked about, if more than once.
fn times(record: &Record) -> String {
    match record.approval.count {
        0 | 1 => String::new(),
        count => format!(", asked {count} times"),
    }
}

/// The only question of this user whose id begins so, or is `last`.
fn find(here: &Here, store: &mut Store, id: &str) -> Result<Record> {
    let filter = RecordFilter { user: Some(here.user.clone()), limit: 10_000, ..RecordFilter::default() };
    let records = block_on(store.records(&filter))?;
    let mut found = records.into_iter().filter(|record| !id.is_empty() && record.approval.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(record), None) => Ok(record),
        (None, _) => bail!("there is no question `{}`: see `countersign approvals list`", printable(id)),
        (Some(_), Some(_)) => bail!("`{}` begins more than one question: write more of it", printable(id)),
    }
}

/// Everything that a human has to read before they answer.
fn show(here: &Here, record: &Record) -> Result<()> {
    let screen = here.screen;
    let Question { summary, body, claim, scopes, unapprovable, .. } = &record.question;
    screen.folded("", "  ┊ ", Some(Paint::Strong), summary)?;
    screen.line(screen.paint(Paint::Quiet, format!("  {}{}", record.approval.id, times(record))))?;
    screen.line(format!(
        "  asked by {} in {}{}",
        printable(&record.call.host),
        printable(&record.call.project),
        record
            .call
            .agent_in_words()
            .map(|agent| format!(", by its sub-agent {}", printable(&agent)))
            .unwrap_or_default()
    ))?;
    screen.line("")?;
    for line in body.lines() {
        screen.folded("  │ ", "  ┊ ", None, line)?;
    }
    screen.line("")?;
    if let Some(claim) = claim {
        screen.folded("  The agent says: ", "  ┊ ", None, claim)?;
    }
    for step in record.question.laid_out() {
        for (at, indent) in std::iter::once((step.part, "  ")).chain(step.touches.iter().map(|at| (*at, "        "))) {
            if let Some(part) = record.question.parts.get(at) {
                show_part(screen, part, indent)?;
            }
        }
    }
    if !scopes.is_empty() {
        let words: Vec<&str> = scopes.iter().map(|offer| offer.scope.word()).collect();
        screen.line(format!("  An answer can be remembered for this {}.", words.join(", ")))?;
    }
    if let Some(reason) = unapprovable {
        screen.folded("  ", "  ", Some(Paint::Bad), &format!("It can only be denied: {reason}"))?;
    }
    if record.approval.state != State::Open {
        screen.line(format!("  {}", state(&record.approval.state)))?;
    }
    Ok(())
}

/// One target: what it is, and where it is undecided why and what may be remembered.
fn show_part(screen: Screen, part: &Part, indent: &str) -> Result<()> {
    let below = format!("{indent}      ");
    // What is folded has a mark in front: no text of an agent's begins where our own lines do.
    let folded = format!("{below}┊ ");
    screen.folded(&format!("{indent}{} ", screen.effect(part.effect)), &folded, None, &part.text)?;
    for warning in &part.warnings {
        screen.folded(&format!("{below}! "), &folded, Some(Paint::Bad), warning)?;
    }
    if part.effect == Effect::Allow {
        return Ok(());
    }
    screen.folded(&below, &folded, Some(Paint::Quiet), &part.why)?;
    match part.offers.first() {
        Some(offer) => screen.folded(&below, &folded, Some(Paint::Quiet), &format!("to remember: {}", offer.words)),
        None => Ok(()),
    }
}

fn state(state: &State) -> String {
    match state {
        State::Open => "Nobody has answered yet.".to_owned(),
        State::Allowed { answer, .. } => format!("Allowed by {}; the agent has not come for it yet.", answer.by),
        State::Denied { answer, .. } => format!("Denied by {}.", answer.by),
        State::Redeemed { answer, .. } => format!("Allowed by {}, and the agent has taken it.", answer.by),
        State::Cancelled { .. } => "It was withdrawn.".to_owned(),
        State::Expired { .. } => "Nobody answered it in time.".to_owned(),
    }
}

fn answer(here: &Here, store: &mut Store, outcome: Outcome, arguments: &args::Reply) -> Result<()> {
    let terminal = Terminal::of_a_human("answering an agent")?;
    let record = find(here, store, &arguments.id)?;
    let edited = match &arguments.args {
        Some(text) if outcome == Outcome::Allow => Some(Box::new(edited(here, store, &record, text)?)),
        Some(_) => bail!("`--args` says what may run instead: it goes with `approvals allow`"),
        None => None,
    };
    if record.approval.state == State::Open {
        show(here, &record)?;
        if let Some(EditedCall { call, question }) = edited.as_deref() {
            here.screen.line("")?;
            here.screen.line(here.screen.paint(Paint::Strong, "In place of that, with your arguments:"))?;
            show(here, &Record { call: call.clone(), question: question.clone(), ..record.clone() })?;
        }
        let verb = if outcome == Outcome::Allow { "Allow" } else { "Deny" };
        let scope = match arguments.scope {
            Scope::Once if edited.is_some() => "it with these arguments, this once".to_owned(),
            Scope::Once => "this once".to_owned(),
            scope => format!("and remember it for this {scope}"),
        };
        if !terminal.confirm(&format!("{verb} {scope}?"))? {
            return here.screen.line("Not answered.");
        }
    }
    let expires = arguments.length.map(|length| here::clock().plus_seconds(length.seconds()));
    let choice = Choice { outcome, scope: arguments.scope, expires, feedback: arguments.message.clone(), edited };
    let replied = reply(here, store, &record, choice)?;
    tell(here, &replied)
}

/// The call of a question with these arguments, and what would be asked about it.
fn edited(here: &Here, store: &mut Store, record: &Record, text: &str) -> Result<EditedCall> {
    let args = match countersign_policy::json::parse_strict(text.as_bytes()) {
        Ok(args) if args.is_object() => args,
        Ok(_) => bail!("`--args` is a JSON object with all the arguments: `{{\"command\": \"git status\"}}`"),
        Err(error) => bail!("`--args` cannot be read: {error}"),
    };
    let judge = Judge::of(here, store, record)?;
    let call = judge.engine.with_args(&judge.present(&record.call), args, &Disk);
    let now = block_on(store.clock(here::clock()))?;
    let question = judge.engine.question(&call, &judge.engine.decide(&[], None, &call, now), &Disk);
    Ok(EditedCall { call, question })
}

/// What a human chose.
struct Choice {
    outcome: Outcome,
    scope: Scope,
    expires: Option<Timestamp>,
    feedback: Option<String>,
    edited: Option<Box<EditedCall>>,
}

/// The policy of a question's project, and the further folders in which its session works now: they may have changed
/// since it was asked.
pub(super) struct Judge {
    engine: Engine,
    session: String,
    roots: Vec<String>,
}

impl Judge {
    pub(super) fn of(here: &Here, store: &mut Store, record: &Record) -> Result<Judge> {
        let known = block_on(store.known(&here.user))?;
        let reading = countersign_engine::load(&Disk, &here::layout(&here.place)?, &record.call.project, &known)
            .map_err(|fault| anyhow::anyhow!("{}", fault.report().trim_end()))?;
        let now = block_on(store.clock(here::clock()))?;
        let session = record.call.session_key();
        let roots = block_on(store.roots(&record.call.user, &session, now))?;
        Ok(Judge { engine: reading.engine, session, roots })
    }

    /// The call as it is in its session's workspace now.
    fn present<'a>(&self, call: &'a Call) -> Cow<'a, Call> {
        match call.session_key() == self.session && call.roots != self.roots {
            true => Cow::Owned(self.engine.with_roots(call, &self.roots, &Disk)),
            false => Cow::Borrowed(call),
        }
    }

    pub(super) fn decide(&self, call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp) -> Decision {
        self.engine.decide(grants, answer, &self.present(call), now)
    }
}

/// Takes the answer down. What it remembers is, of each thing that was asked about, what was offered first.
fn reply(here: &Here, store: &mut Store, record: &Record, choice: Choice) -> Result<Replied> {
    let judge = Judge::of(here, store, record)?;
    let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp| -> Decision {
        judge.decide(call, answer, grants, now)
    };
    let remember = match choice.scope {
        Scope::Once => Vec::new(),
        _ => record.question.parts.iter().filter(|part| part.effect == Effect::Ask).filter_map(first_offer).collect(),
    };
    let reply = countersign_service::store::Reply {
        approval: record.approval.id.clone(),
        outcome: choice.outcome,
        remember,
        scope: choice.scope,
        expires: choice.expires,
        feedback: choice.feedback.filter(|text| !text.trim().is_empty()),
        also: Vec::new(),
        edited: choice.edited.map(|edited| *edited),
        alone: false,
        cascade: judge.engine.policy().cascade,
    };
    let human = Human { user: here.user.clone(), via: Via::Terminal };
    let now = block_on(store.clock(here::clock()))?;
    Ok(block_on(store.reply(&reply, &human, now, &recheck))?)
}

fn first_offer(part: &Part) -> Option<Remembered> {
    let offer = part.offers.first()?;
    Some(Remembered { identity: part.identity.clone(), resource: offer.resource.clone() })
}

fn tell(here: &Here, replied: &Replied) -> Result<()> {
    here.screen.value(&json!({
        "approval": replied.record.approval, "grants": replied.grants, "also": replied.also,
        "repeated": replied.repeated,
    }))?;
    if replied.repeated {
        return here.screen.line("You had answered so already.");
    }
    here.screen.line(state(&replied.record.approval.state))?;
    for grant in &replied.grants {
        here.screen.line(format!("  remembered: {}", super::grants::grant_in_words(grant)))?;
    }
    if !replied.also.is_empty() {
        here.screen.line(format!("  also answers {} other open questions of this turn", replied.also.len()))?;
    }
    Ok(())
}
