//! `countersign tokens`: with what agents, and programs that embed them, speak to the API.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{AgentToken, Application, Below, Store, TokenRequest};
use serde::Serialize;
use serde_json::json;

use crate::args::{NewToken, Tokens, TokensCommand};
use crate::duration::Length;
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;
use crate::when;

/// How long an application's token counts unless it is said.
const LENGTH: Length = Length::hours(12);

pub(crate) fn run(arguments: Tokens, here: &Here) -> Result<()> {
    match arguments.command {
        TokensCommand::List { all } => list(here, &mut here.store()?, all),
        TokensCommand::Make(new) => make(here, new),
        TokensCommand::Revoke { id } => revoke(here, &id),
    }
}

/// A token of either kind.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Token {
    Agent(AgentToken),
    Application(Application),
}

impl Token {
    fn id(&self) -> &str {
        match self {
            Token::Agent(token) => &token.id,
            Token::Application(token) => &token.id,
        }
    }

    fn times(&self) -> (Timestamp, Timestamp, Option<Timestamp>) {
        match self {
            Token::Agent(token) => (token.created, token.expires, token.revoked),
            Token::Application(token) => (token.created, token.expires, token.revoked),
        }
    }

    fn counts(&self, now: Timestamp) -> bool {
        let (_, expires, revoked) = self.times();
        revoked.is_none() && expires > now
    }

    /// What it is good for.
    fn in_words(&self, here: &Here) -> String {
        let text = match self {
            Token::Application(token) => format!("application {}, for all of your sessions", token.name),
            Token::Agent(token) => {
                let project = token.project.as_deref().map_or("any project".to_owned(), |it| here.short(Path::new(it)));
                let below = match (token.kinds.last(), token.above.last()) {
                    (Some(kind), Some(above)) => format!(", a sub-agent of kind {kind} below {above}"),
                    _ => String::new(),
                };
                format!("agent {}, for {} in {project}{below}", token.name, token.session)
            }
        };
        printable(&text)
    }
}

fn all_of(here: &Here, store: &mut Store) -> Result<Vec<Token>> {
    let agents = block_on(store.tokens(&here.user))?.into_iter().map(Token::Agent);
    let applications = block_on(store.applications(&here.user))?.into_iter().map(Token::Application);
    Ok(agents.chain(applications).collect())
}

fn list(here: &Here, store: &mut Store, all: bool) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    let mut tokens = all_of(here, store)?;
    tokens.retain(|token| all || token.counts(now));
    here.screen.value(&tokens)?;
    if tokens.is_empty() {
        return here.screen.line("There are no tokens. `countersign tokens make` makes one.");
    }
    for token in &tokens {
        let (made, expires, revoked) = token.times();
        let paint = if token.counts(now) { Paint::Strong } else { Paint::Quiet };
        here.screen.folded("", "  ", Some(paint), &token.in_words(here))?;
        let end = match revoked {
            Some(at) => format!("revoked {}", when::relative(at, now)),
            None if expires > now => format!("ends {}", when::relative(expires, now)),
            None => format!("ended {}", when::relative(expires, now)),
        };
        let line = format!("      {}; made {}, {end}", token.id(), when::relative(made, now));
        here.screen.line(here.screen.paint(Paint::Quiet, line))?;
    }
    Ok(())
}

fn make(here: &Here, new: NewToken) -> Result<()> {
    let _terminal = Terminal::of_a_human("making a token")?;
    let mut store = here.store()?;
    let now = block_on(store.clock(here::clock()))?;
    let (token, secret) = if new.application {
        let seconds = new.length.unwrap_or(LENGTH).seconds();
        let made = block_on(store.application_create(&new.name, &here.user, seconds, now))?;
        (Token::Application(made.application), made.secret)
    } else {
        let made = block_on(store.token_create(&request(here, new)?, &here.user, now))?;
        (Token::Agent(made.token), made.secret)
    };
    here.screen.value(&json!({ "token": token, "secret": secret }))?;
    here.screen.folded("", "  ", None, &token.in_words(here))?;
    let (_, expires, _) = token.times();
    here.screen.line(format!("It ends {}; it is not shown again:", when::relative(expires, now)))?;
    here.screen.line(&secret)
}

fn request(here: &Here, new: NewToken) -> Result<TokenRequest> {
    let project = new.project.as_deref().map(|path| folder(here, path)).transpose()?;
    let below = new.parent.zip(new.agent).map(|(parent, kind)| Below { parent, kind });
    let session = new.session.unwrap_or_default();
    let seconds = new.length.map(Length::seconds);
    Ok(TokenRequest { name: new.name, user: here.user.clone(), session, project, seconds, below })
}

fn folder(here: &Here, path: &Path) -> Result<String> {
    let real = std::fs::canonicalize(here.cwd.join(path)).ok().filter(|real| real.is_dir());
    let real = real.with_context(|| format!("`{}` is no folder", printable(&path.display().to_string())))?;
    let text = real.into_os_string().into_string();
    text.map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", PathBuf::from(path).display()))
}

fn revoke(here: &Here, id: &str) -> Result<()> {
    let mut store = here.store()?;
    let now = block_on(store.clock(here::clock()))?;
    let tokens = all_of(here, &mut store)?;
    let mut found = tokens.iter().filter(|token| !id.is_empty() && token.counts(now) && token.id().starts_with(id));
    let token = match (found.next(), found.next()) {
        (Some(token), None) => token,
        (None, _) => bail!("there is no token `{}`: see `countersign tokens list`", printable(id)),
        (Some(_), Some(_)) => bail!("`{}` begins more than one token: write more of it", printable(id)),
    };
    Terminal::of_a_human("revoking a token")?;
    match token {
        Token::Agent(agent) => block_on(store.token_revoke(&agent.id, &here.user, &here.user, now))?,
        Token::Application(application) => block_on(store.application_revoke(&application.id, &here.user, now))?,
    };
    here.screen.value(&json!({ "revoked": token.id() }))?;
    here.screen.folded("Revoked: ", "  ", None, &token.in_words(here))
}
