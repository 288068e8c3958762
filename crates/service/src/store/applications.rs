//! Tokens of applications that embed agents: each speaks for one user, in all of that user's sessions.

use countersign_policy::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::credentials::{hash, secret};
use super::{Store, StoreError, Synchronous, new_id};

/// An application's token as it is stored: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Its id, for lists and for revoking.
    pub id: String,
    /// Its name for humans.
    pub name: String,
    /// The user for whom it speaks.
    pub user: String,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A new application's token with its secret, which is nowhere else.
#[derive(Clone)]
pub struct NewApplication {
    /// The secret.
    pub secret: String,
    /// The token.
    pub application: Application,
}

type Row = (String, String, String, i64, i64, Option<i64>);

impl Store {
    /// Makes a token for an application of this user, who makes it.
    ///
    /// # Errors
    /// The store failed; the system has no random bits.
    pub async fn application_create(
        &mut self,
        name: &str,
        user: &str,
        seconds: i64,
        now: Timestamp,
    ) -> Result<NewApplication, StoreError> {
        let secret = secret("csp")?;
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let application = Application {
            id: new_id(writing.now),
            name: name.to_owned(),
            user: user.to_owned(),
            created: writing.now,
            expires: writing.now.plus_seconds(seconds),
            revoked: None,
        };
        let insert =
            sqlx::query("INSERT INTO applications (hash, id, name, user, created, expires) VALUES (?, ?, ?, ?, ?, ?)");
        let insert = insert.bind(hash(&secret)).bind(&application.id).bind(name).bind(user);
        let insert = insert.bind(application.created.0).bind(application.expires.0);
        insert.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.audit(user, "application token made", None, None, &json!(application)).await?;
        writing.commit().await?;
        Ok(NewApplication { secret, application })
    }

    /// The application of that secret, if it counts now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn application_find(&mut self, secret: &str, now: Timestamp) -> Result<Option<Application>, StoreError> {
        let row = sqlx::query_as(
            "SELECT id, name, user, created, expires, revoked FROM applications
             WHERE hash = ? AND revoked IS NULL AND expires > (SELECT max(newest, ?) FROM clock)",
        );
        let row = row.bind(hash(secret)).bind(now.0).fetch_optional(&mut self.db).await;
        Ok(row.map_err(|error| self.fault(error))?.map(application))
    }

    /// A user's applications, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn applications(&mut self, user: &str) -> Result<Vec<Application>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, name, user, created, expires, revoked FROM applications WHERE user = ? ORDER BY id DESC",
        );
        let rows: Vec<Row> = rows.bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(rows.into_iter().map(application).collect())
    }

    /// Revokes a user's application; false if they have none of that id that counts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn application_revoke(&mut self, id: &str, user: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let update = sqlx::query("UPDATE applications SET revoked = ? WHERE id = ? AND user = ? AND revoked IS NULL");
        let update = update.bind(at).bind(id).bind(user);
        let changed = update.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected() > 0;
        if changed {
            writing.audit(user, "application token revoked", None, None, &json!({ "token": id })).await?;
        }
        writing.commit().await?;
        Ok(changed)
    }
}

fn application((id, name, user, created, expires, revoked): Row) -> Application {
    let (created, expires, revoked) = (Timestamp(created), Timestamp(expires), revoked.map(Timestamp));
    Application { id, name, user, created, expires, revoked }
}
