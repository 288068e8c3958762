//! Who may speak: secrets, sign-in codes, humans who are signed in.
//!
//! Each secret is 256 random bits and is stored as its SHA-256 only. It is looked up by that hash: what the time of a
//! look-up tells of a hash tells nothing of the secret.

use countersign_policy::{Timestamp, sha256_hex};
use serde_json::json;

use super::{Store, StoreError, Synchronous};

/// How long a sign-in code counts: 5 minutes.
const CODE_SECONDS: i64 = 300;

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

impl Store {
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
