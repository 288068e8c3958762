//! Agents' tokens: each is for one session of one user, and of one kind of agent.

use countersign_policy::{EVERY_KIND, Timestamp};
use serde::Serialize;
use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::credentials::{hash, secret};
use super::{Store, StoreError, Synchronous, Writing, new_id};

/// How long a token counts unless it is said: 12 hours.
pub(crate) const TOKEN_SECONDS: i64 = 43_200;
/// The longest that one counts: 30 days.
pub(crate) const LONGEST_TOKEN: i64 = 2_592_000;
/// The longest name, host or session, in bytes.
pub(crate) const LONGEST_NAME: usize = 200;
/// The most sub-agents one below the other.
const MOST_BELOW: usize = 16;

/// What an agent's token is to be good for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Its name for humans.
    pub name: String,
    /// The user for whom the agent works.
    pub user: String,
    /// The only session that it may speak for, see `Call::session_key`.
    pub session: String,
    /// The only project that it may speak for.
    pub project: Option<String>,
    /// For how long, in seconds; `None`: 12 hours, and no longer than the token of the agent above.
    pub seconds: Option<i64>,
    /// For a sub-agent: what it is, and under which agent.
    pub below: Option<Below>,
}

/// What a sub-agent's token is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// The session of the agent above.
    pub parent: String,
    /// Its kind.
    pub kind: String,
}

/// An agent's token as it is stored: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentToken {
    /// Its id, for lists and for revoking.
    pub id: String,
    /// Its name for humans.
    pub name: String,
    /// The user for whom the agent works.
    pub user: String,
    /// The only session that it may speak for.
    pub session: String,
    /// The only project that it may speak for.
    pub project: Option<String>,
    /// For a sub-agent: the sessions of the agents above, from the main agent's to the nearest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<String>,
    /// For a sub-agent: the token of the agent above; it is revoked with that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The kinds of sub-agents from the one that the main agent started to the one that speaks with this token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// What it is to be good for cannot be said so.
    #[error("{0}")]
    Unsound(String),
    /// The agent above has no token that counts.
    #[error("no agent has a token for session `{0}`: make one for the agent above first")]
    NoParent(String),
    /// A sub-agent in the session of the agent above would be that agent.
    #[error("a sub-agent has a session of its own, other than its parent's")]
    ParentsSession,
    /// The session was made for an agent of another kind, or under another one.
    #[error("session `{0}` belongs to an agent of another kind, or under another agent: name another session")]
    OthersSession(String),
    /// It would reach further than the agent above.
    #[error("a sub-agent's token is for its parent's project: leave `project` out, or name `{0}`")]
    Wider(String),
    /// It would count for longer than the token of the agent above.
    #[error("a sub-agent's token ends with its parent's: at most {0} seconds from now")]
    Longer(i64),
    /// There are too many agents one below the other.
    #[error("sub-agents are at most {MOST_BELOW} deep")]
    Deep,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new token with its secret, which is nowhere else.
#[derive(Clone)]
pub struct NewToken {
    /// The secret.
    pub secret: String,
    /// The token.
    pub token: AgentToken,
}

/// The columns of a token.
pub(super) const COLUMNS: &str = "id, name, user, session, project, above, parent, kinds, created, expires, revoked";

impl Store {
    /// Makes a token for one agent's session, and puts on record that `by` did.
    ///
    /// A sub-agent's reaches no further and counts no longer than that of the agent above, and is for a session that is
    /// no other agent's.
    ///
    /// # Errors
    /// See [`TokenError`]; nothing was made.
    pub async fn token_create(
        &mut self,
        request: &TokenRequest,
        by: &str,
        now: Timestamp,
    ) -> Result<NewToken, TokenError> {
        check(request)?;
        let secret = secret("csa")?;
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let seconds = request.seconds.unwrap_or(TOKEN_SECONDS);
        let mut token = AgentToken {
            id: new_id(writing.now),
            name: request.name.clone(),
            user: request.user.clone(),
            session: request.session.clone(),
            project: request.project.clone(),
            above: Vec::new(),
            parent: None,
            kinds: Vec::new(),
            created: writing.now,
            expires: writing.now.plus_seconds(seconds),
            revoked: None,
        };
        if let Some(below) = &request.below {
            let parent = writing.parent_of(request, below).await?;
            place_below(&mut token, parent, below, request.seconds)?;
        }
        if !writing.is_sessions_own(&token).await? {
            return Err(TokenError::OthersSession(token.session));
        }
        let insert = sqlx::query(
            "INSERT INTO tokens (hash, id, name, user, session, project, above, parent, kinds, created, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(hash(&secret)).bind(&token.id).bind(&token.name).bind(&token.user);
        let insert = insert.bind(&token.session).bind(&token.project).bind(list(&token.above)).bind(&token.parent);
        let insert = insert.bind(list(&token.kinds)).bind(token.created.0).bind(token.expires.0);
        insert.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.audit(by, "token made", None, None, &json!(token)).await?;
        writing.commit().await?;
        Ok(NewToken { secret, token })
    }

    /// The token of that secret, if it counts now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn token_find(&mut self, secret: &str, now: Timestamp) -> Result<Option<AgentToken>, StoreError> {
        let row = format!(
            "SELECT {COLUMNS} FROM tokens
             WHERE hash = ? AND revoked IS NULL AND expires > (SELECT max(newest, ?) FROM clock)"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(row)).bind(hash(secret)).bind(now.0);
        let row = row.fetch_optional(&mut self.db).await;
        let row = row.and_then(|row| row.as_ref().map(token).transpose());
        row.map_err(|error| self.fault(error))
    }

    /// A user's tokens, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tokens(&mut self, user: &str) -> Result<Vec<AgentToken>, StoreError> {
        let rows = format!("SELECT {COLUMNS} FROM tokens WHERE user = ? ORDER BY id DESC");
        let rows = sqlx::query(sqlx::AssertSqlSafe(rows)).bind(user).fetch_all(&mut self.db).await;
        let rows = rows.and_then(|rows| rows.iter().map(token).collect());
        rows.map_err(|error| self.fault(error))
    }

    /// Revokes a user's token, and those of the sub-agents below it; false if they have none of that id that counts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn token_revoke(&mut self, id: &str, user: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let update = sqlx::query_scalar(
            "WITH RECURSIVE below (id) AS (
               SELECT id FROM tokens WHERE id = ?1 AND user = ?2 AND revoked IS NULL
               UNION SELECT tokens.id FROM tokens JOIN below ON tokens.parent = below.id)
             UPDATE tokens SET revoked = ?3 WHERE id IN (SELECT id FROM below) AND revoked IS NULL RETURNING id",
        );
        let update = update.bind(id).bind(user).bind(at);
        let revoked: Vec<String> = update.fetch_all(writing.db()).await.map_err(|error| writing.fault(error))?;
        for token in &revoked {
            writing.audit(by, "token revoked", None, None, &json!({ "token": token })).await?;
        }
        writing.commit().await?;
        Ok(!revoked.is_empty())
    }
}

impl Writing<'_> {
    /// The token under which a sub-agent's is made: the newest that counts in the session of the agent above, and is for
    /// the project that is asked for if one of those is.
    async fn parent_of(&mut self, request: &TokenRequest, below: &Below) -> Result<AgentToken, TokenError> {
        if below.parent == request.session {
            return Err(TokenError::ParentsSession);
        }
        let find = format!(
            "SELECT {COLUMNS} FROM tokens WHERE user = ? AND session = ? AND revoked IS NULL AND expires > ?
             ORDER BY project IS ? DESC, project IS NULL DESC, id DESC LIMIT 1"
        );
        let find = sqlx::query(sqlx::AssertSqlSafe(find)).bind(&request.user).bind(&below.parent);
        let find = find.bind(self.now.0).bind(&request.project).fetch_optional(self.db()).await;
        let found = find.and_then(|row| row.as_ref().map(token).transpose());
        let found = found.map_err(|error| self.fault(error))?;
        found.ok_or_else(|| TokenError::NoParent(below.parent.clone()))
    }

    /// Whether a session has had no tokens but those of one and the same agent. A sub-agent's first is for a session that
    /// nobody has used: an agent of another host needs no token to have one.
    async fn is_sessions_own(&mut self, token: &AgentToken) -> Result<bool, StoreError> {
        let found = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE above IS NOT ?3 OR kinds IS NOT ?4),
               iif(?5, EXISTS (SELECT 1 FROM sessions WHERE user = ?1 AND session = ?2)
                   OR EXISTS (SELECT 1 FROM approvals WHERE user = ?1 AND session = ?2)
                   OR EXISTS (SELECT 1 FROM grants WHERE user = ?1 AND session = ?2), 0)
             FROM tokens WHERE user = ?1 AND session = ?2",
        );
        let found = found.bind(&token.user).bind(&token.session).bind(list(&token.above)).bind(list(&token.kinds));
        // All questions and grants are gone through for that, so only where it matters.
        let found = found.bind(token.parent.is_some());
        let (all, others, is_used): (i64, i64, bool) =
            found.fetch_one(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(others == 0 && (all > 0 || token.parent.is_none() || !is_used))
    }
}

/// What a token must be good for to be one.
fn check(request: &TokenRequest) -> Result<(), TokenError> {
    let unsound = |text: String| Err(TokenError::Unsound(text));
    let is_text = |text: &str| (1..=LONGEST_NAME).contains(&text.len()) && !text.contains(char::is_control);
    let is_key = |key: &str| key.split_once(':').is_some_and(|(host, session)| is_text(host) && is_text(session));
    if !is_text(&request.name) {
        return unsound(format!("a token's name has from 1 to {LONGEST_NAME} bytes, in one line"));
    }
    if !(1..=LONGEST_TOKEN).contains(&request.seconds.unwrap_or(TOKEN_SECONDS)) {
        return unsound("a token counts for 30 days at most".to_owned());
    }
    for key in std::iter::once(&request.session).chain(request.below.as_ref().map(|below| &below.parent)) {
        if !is_key(key) {
            return unsound("a session is named by its host, a colon and its id: `my-agent:SESSION`".to_owned());
        }
    }
    match &request.below {
        Some(below) if !is_text(&below.kind) || below.kind == EVERY_KIND => {
            unsound("a sub-agent is of one kind, named as in `[agents.KIND]`".to_owned())
        }
        _ => Ok(()),
    }
}

/// Makes a token a sub-agent's, within what its parent's token is good for.
fn place_below(
    token: &mut AgentToken,
    parent: AgentToken,
    below: &Below,
    seconds: Option<i64>,
) -> Result<(), TokenError> {
    if token.expires > parent.expires {
        if seconds.is_some() {
            return Err(TokenError::Longer(parent.expires.0.saturating_sub(token.created.0) / 1000));
        }
        token.expires = parent.expires;
    }
    if let Some(project) = parent.project {
        if token.project.as_ref().is_some_and(|its| *its != project) {
            return Err(TokenError::Wider(project));
        }
        token.project = Some(project);
    }
    if parent.kinds.len() >= MOST_BELOW {
        return Err(TokenError::Deep);
    }
    token.kinds = parent.kinds;
    token.kinds.push(below.kind.clone());
    token.above = parent.above;
    token.above.push(parent.session);
    token.parent = Some(parent.id);
    Ok(())
}

/// A list as it is stored; nothing where there is nothing in it.
fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| json!(items).to_string())
}

/// A row of [`COLUMNS`]. Lists that cannot be read are an error: without them it would be a main agent's.
pub(super) fn token(row: &SqliteRow) -> Result<AgentToken, sqlx::Error> {
    let list = |at: usize| {
        let text: Option<String> = row.try_get(at)?;
        let items = text.map(|text| serde_json::from_str(&text)).transpose();
        let items: Option<Vec<String>> = items.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok::<_, sqlx::Error>(items.unwrap_or_default())
    };
    Ok(AgentToken {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        user: row.try_get(2)?,
        session: row.try_get(3)?,
        project: row.try_get(4)?,
        above: list(5)?,
        parent: row.try_get(6)?,
        kinds: list(7)?,
        created: Timestamp(row.try_get(8)?),
        expires: Timestamp(row.try_get(9)?),
        revoked: row.try_get::<Option<i64>, _>(10)?.map(Timestamp),
    })
}
