//! Who may speak: agents' tokens, sign-in codes, humans who are signed in.
//!
//! Each secret is 256 random bits and is stored as its SHA-256 only. It is looked up by that hash: what the time of a
//! look-up tells of a hash tells nothing of the secret.

use countersign_policy::{Timestamp, sha256_hex};
use serde::Serialize;
use serde_json::json;

use super::{Store, StoreError, Synchronous, new_id};

/// How long a sign-in code counts: 5 minutes.
const CODE_SECONDS: i64 = 300;

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
    /// For how long, in seconds.
    pub seconds: i64,
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
    /// When it was made.
    pub created: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A new token with its secret, which is nowhere else.
#[derive(Clone)]
pub struct NewToken {
    /// The secret.
    pub secret: String,
    /// The token.
    pub token: AgentToken,
}

/// A human who is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct HumanSession {
    /// The user.
    pub user: String,
    /// What every form of theirs must carry.
    pub csrf: String,
    /// Until when it counts.
    pub expires: Timestamp,
}

/// A new session of a human with its secret, which is nowhere else.
#[derive(Clone)]
pub struct NewHumanSession {
    /// The secret, for the cookie.
    pub secret: String,
    /// The session.
    pub session: HumanSession,
}

type TokenRow = (String, String, String, String, Option<String>, i64, i64, Option<i64>);

impl Store {
    /// Makes a token for one agent's session.
    ///
    /// # Errors
    /// The store failed; the system has no random bits.
    pub async fn token_create(
        &mut self,
        request: &TokenRequest,
        by: &str,
        now: Timestamp,
    ) -> Result<NewToken, StoreError> {
        let secret = secret("csa")?;
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let token = AgentToken {
            id: new_id(writing.now),
            name: request.name.clone(),
            user: request.user.clone(),
            session: request.session.clone(),
            project: request.project.clone(),
            created: writing.now,
            expires: writing.now.plus_seconds(request.seconds),
            revoked: None,
        };
        let insert = sqlx::query(
            "INSERT INTO tokens (hash, id, name, user, session, project, created, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(hash(&secret)).bind(&token.id).bind(&token.name).bind(&token.user);
        let insert = insert.bind(&token.session).bind(&token.project).bind(token.created.0).bind(token.expires.0);
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
        let row = sqlx::query_as(
            "SELECT id, name, user, session, project, created, expires, revoked FROM tokens
             WHERE hash = ? AND revoked IS NULL AND expires > (SELECT max(newest, ?) FROM clock)",
        );
        let row = row.bind(hash(secret)).bind(now.0).fetch_optional(&mut self.db).await;
        Ok(row.map_err(|error| self.fault(error))?.map(token))
    }

    /// A user's tokens, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tokens(&mut self, user: &str) -> Result<Vec<AgentToken>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, name, user, session, project, created, expires, revoked FROM tokens
             WHERE user = ? ORDER BY id DESC",
        );
        let rows: Vec<TokenRow> = rows.bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(rows.into_iter().map(token).collect())
    }

    /// Revokes a user's token; false if they have none of that id that counts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn token_revoke(&mut self, id: &str, user: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let update = sqlx::query("UPDATE tokens SET revoked = ? WHERE id = ? AND user = ? AND revoked IS NULL");
        let update = update.bind(at).bind(id).bind(user);
        let changed = update.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected() > 0;
        if changed {
            writing.audit(user, "token revoked", None, None, &json!({ "token": id })).await?;
        }
        writing.commit().await?;
        Ok(changed)
    }

    /// Makes a code with which this user can sign in once, within 5 minutes.
    ///
    /// # Errors
    /// The store failed; the system has no random bits.
    pub async fn signin_code_create(&mut self, user: &str, now: Timestamp) -> Result<String, StoreError> {
        let secret = secret("csc")?;
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let now = writing.now;
        let fault = |error| StoreError::of(writing.path, error);
        let old = sqlx::query("DELETE FROM signin_codes WHERE expires <= ?").bind(now.0);
        old.execute(&mut *writing.transaction).await.map_err(fault)?;
        let insert = sqlx::query("INSERT INTO signin_codes (hash, user, expires) VALUES (?, ?, ?)");
        let insert = insert.bind(hash(&secret)).bind(user).bind(now.plus_seconds(CODE_SECONDS).0);
        insert.execute(&mut *writing.transaction).await.map_err(fault)?;
        writing.commit().await?;
        Ok(secret)
    }

    /// Uses a code up and signs its user in for so many seconds; `None` if it does not count.
    ///
    /// # Errors
    /// The store failed; the system has no random bits.
    pub async fn signin(
        &mut self,
        code: &str,
        seconds: i64,
        now: Timestamp,
    ) -> Result<Option<NewHumanSession>, StoreError> {
        let (secret, csrf) = (secret("csh")?, secret("csf")?);
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let now = writing.now;
        let fault = |error| StoreError::of(writing.path, error);
        let used = sqlx::query_as("DELETE FROM signin_codes WHERE hash = ? RETURNING user, expires").bind(hash(code));
        let used: Option<(String, i64)> = used.fetch_optional(&mut *writing.transaction).await.map_err(fault)?;
        let Some((user, _)) = used.filter(|(_, expires)| *expires > now.0) else {
            writing.commit().await?;
            return Ok(None);
        };
        let old = sqlx::query("DELETE FROM human_sessions WHERE expires <= ?").bind(now.0);
        old.execute(&mut *writing.transaction).await.map_err(fault)?;
        let session = HumanSession { user, csrf, expires: now.plus_seconds(seconds) };
        let insert =
            sqlx::query("INSERT INTO human_sessions (hash, user, csrf, created, expires) VALUES (?, ?, ?, ?, ?)");
        let insert = insert.bind(hash(&secret)).bind(&session.user).bind(&session.csrf).bind(now.0);
        insert.bind(session.expires.0).execute(&mut *writing.transaction).await.map_err(fault)?;
        writing.audit(&session.user, "signed in", None, None, &json!({ "until": session.expires })).await?;
        writing.commit().await?;
        Ok(Some(NewHumanSession { secret, session }))
    }

    /// The human's session of that secret, if it counts now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn human_session_find(
        &mut self,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<HumanSession>, StoreError> {
        let row = sqlx::query_as(
            "SELECT user, csrf, expires FROM human_sessions
             WHERE hash = ? AND expires > (SELECT max(newest, ?) FROM clock)",
        );
        let row = row.bind(hash(secret)).bind(now.0);
        let row: Option<(String, String, i64)> =
            row.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(row.map(|(user, csrf, expires)| HumanSession { user, csrf, expires: Timestamp(expires) }))
    }

    /// Signs a human out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn human_session_end(&mut self, secret: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let delete = sqlx::query("DELETE FROM human_sessions WHERE hash = ?").bind(hash(secret));
        delete.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }
}

pub(super) fn token((id, name, user, session, project, created, expires, revoked): TokenRow) -> AgentToken {
    let (created, expires, revoked) = (Timestamp(created), Timestamp(expires), revoked.map(Timestamp));
    AgentToken { id, name, user, session, project, created, expires, revoked }
}

/// 256 random bits behind a prefix that says what they are.
pub(super) fn secret(prefix: &str) -> Result<String, StoreError> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|error| StoreError::Random(error.to_string()))?;
    let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{prefix}_{hex}"))
}

pub(super) fn hash(secret: &str) -> String {
    sha256_hex(secret.as_bytes())
}
