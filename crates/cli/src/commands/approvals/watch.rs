//! `countersign approvals watch`: a terminal in which a human sits and answers.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use countersign_policy::approval::{Outcome, State};
use countersign_policy::{Scope, ScopeOffer};
use countersign_service::block_on::block_on;
use countersign_service::store::{Record, Store};

use super::{Choice, reply, show, tell};
use crate::here::{self, Here};
use crate::terminal::Terminal;

/// How long a heartbeat counts, in seconds: longer than a human reads a question.
const BEAT: i64 = 120;
/// How often the store is looked at for new questions.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks lie between two heartbeats.
const LOOKS: u32 = 150;

/// Says that a human listens here, for as long as it lives.
struct Listener<'a> {
    here: &'a Here,
    id: String,
}

pub(super) fn run(here: &Here, store: &mut Store) -> Result<()> {
    let terminal = Terminal::of_a_human("answering agents")?;
    let listener = Listener { here, id: format!("terminal-{}", std::process::id()) };
    here.screen.line("Waiting for questions of agents. Ctrl-C ends it.")?;
    let mut skipped = HashSet::new();
    loop {
        listener.beat(store)?;
        let now = block_on(store.clock(here::clock()))?;
        let records = block_on(store.open_questions(Some(&here.user), now))?;
        let next = records.into_iter().find(|record| !skipped.contains(&record.approval.id));
        let Some(record) = next else {
            wait(store)?;
            continue;
        };
        here.screen.line("")?;
        show(here, &record)?;
        match ask(&terminal, &record)? {
            Said::Answer(choice) => match block_on(store.record(&record.approval.id))? {
                Some(current) if current.approval.state == State::Open && current.question == record.question => {
                    match reply(here, store, &record, choice) {
                        Ok(replied) => tell(here, &replied)?,
                        Err(error) => here.screen.line(format!("  not answered: {error:#}"))?,
                    }
                }
                _ => here.screen.line("  It was answered or withdrawn meanwhile.")?,
            },
            Said::Later => {
                skipped.insert(record.approval.id);
            }
            Said::Enough => return listener.gone(store),
        }
    }
}

/// Waits for something to be written, or for the next heartbeat.
fn wait(store: &mut Store) -> Result<()> {
    let version = block_on(store.version())?;
    for _ in 0..LOOKS {
        std::thread::sleep(LOOK);
        if block_on(store.version())? != version {
            break;
        }
    }
    Ok(())
}

enum Said {
    Answer(Choice),
    Later,
    Enough,
}

fn ask(terminal: &Terminal, record: &Record) -> Result<Said> {
    let scopes: Vec<Scope> = record.question.scopes.iter().map(|offer: &ScopeOffer| offer.scope).collect();
    let mut words = vec!["y = allow once".to_owned()];
    words.extend(scopes.iter().map(|scope| format!("{scope} = allow and remember for this {scope}")));
    words.extend(["n [why] = deny".to_owned(), "s = skip".to_owned(), "q = quit".to_owned()]);
    if record.question.unapprovable.is_some() {
        words.retain(|word| word.starts_with("n ") || word.starts_with("s ") || word.starts_with("q "));
    }
    loop {
        let Some(line) = terminal.ask(&format!("  {}\n  > ", words.join(", ")))? else { return Ok(Said::Enough) };
        let (word, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        let choice =
            |outcome, scope, feedback| Said::Answer(Choice { outcome, scope, expires: None, feedback, edited: None });
        match word.to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(choice(Outcome::Allow, Scope::Once, None)),
            "n" | "no" => return Ok(choice(Outcome::Deny, Scope::Once, Some(rest.to_owned()))),
            "s" | "skip" => return Ok(Said::Later),
            "q" | "quit" => return Ok(Said::Enough),
            word => {
                if let Some(scope) = scopes.iter().find(|scope| scope.word() == word) {
                    return Ok(choice(Outcome::Allow, *scope, None));
                }
            }
        }
    }
}

impl Listener<'_> {
    fn beat(&self, store: &mut Store) -> Result<()> {
        let now = block_on(store.clock(here::clock()))?;
        block_on(store.listener_beat(&self.id, "terminal", &self.here.user, now, now.plus_seconds(BEAT)))?;
        Ok(())
    }

    fn gone(&self, store: &mut Store) -> Result<()> {
        block_on(store.listener_gone(&self.id, here::clock()))?;
        Ok(())
    }
}
