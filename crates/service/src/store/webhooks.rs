//! Webhooks: addresses that a human set, to be told of questions or resumed with turns. What is sent: see `outbox.rs`.

use countersign_policy::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Store, StoreError, Synchronous, Via, Writing, new_id};
use crate::notify::{Address, Secret};

/// The most webhooks that a user may have.
const MOST: i64 = 20;

/// A webhook as it is listed: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its id, for lists and for removing it.
    pub id: String,
    /// Its name for humans.
    pub name: String,
    /// Whose questions and turns it is about.
    pub user: String,
    /// Where it is sent to.
    pub url: String,
    /// The only host about whose sessions it is.
    pub host: Option<String>,
    /// Whether it is told of questions.
    pub notices: bool,
    /// Whether it resumes turns.
    pub resumes: bool,
    /// When it was set.
    pub created: Timestamp,
    /// When it was removed, or its own side ended it.
    pub ended: Option<Timestamp>,
    /// Whether its own side ended it, with the status 410.
    pub gone: bool,
    /// How many messages are on their way.
    pub waiting: i64,
    /// How many were given up.
    pub failed: i64,
    /// What was wrong when one was last not taken.
    pub fault: Option<String>,
}

/// What a webhook is to be.
#[derive(Debug, Clone)]
pub struct WebhookRequest {
    /// Its name for humans.
    pub name: String,
    /// Where it is sent to.
    pub address: Address,
    /// The only host about whose sessions it is.
    pub host: Option<String>,
    /// Whether it is told of questions.
    pub notices: bool,
    /// Whether it resumes turns.
    pub resumes: bool,
}

/// A new webhook with its secret, which is told this once.
#[derive(Clone)]
pub struct NewWebhook {
    /// The secret with which the receiver checks that a message is ours.
    pub secret: Secret,
    /// The webhook.
    pub webhook: Webhook,
}

/// Why a webhook was not set.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It would do nothing.
    #[error("a webhook is for questions, for turns, or for both: choose one")]
    Idle,
    /// Another one resumes the same turns.
    #[error("the webhook `{0}` resumes these turns, and a turn is resumed by one: remove it first")]
    Resumes(String),
    /// There are too many.
    #[error("a user has at most {MOST} webhooks: remove one first")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Row =
    (String, String, String, String, Option<String>, bool, bool, i64, Option<i64>, bool, i64, i64, Option<String>);

impl Store {
    /// Sets a webhook of this user. `via` says how, for the audit.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn webhook_create(
        &mut self,
        request: &WebhookRequest,
        user: &str,
        via: &Via,
        now: Timestamp,
    ) -> Result<NewWebhook, WebhookError> {
        if !request.notices && !request.resumes {
            return Err(WebhookError::Idle);
        }
        let secret = Secret::new().map_err(StoreError::Random)?;
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.room_for(request, user).await?;
        let webhook = Webhook {
            id: new_id(writing.now),
            name: request.name.clone(),
            user: user.to_owned(),
            url: request.address.as_str().to_owned(),
            host: request.host.clone(),
            notices: request.notices,
            resumes: request.resumes,
            created: writing.now,
            ended: None,
            gone: false,
            waiting: 0,
            failed: 0,
            fault: None,
        };
        let insert = sqlx::query(
            "INSERT INTO webhooks (id, user, name, url, secret, host, notices, resumes, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(&webhook.id).bind(user).bind(&webhook.name).bind(&webhook.url).bind(secret.as_str());
        let insert = insert.bind(&webhook.host).bind(webhook.notices).bind(webhook.resumes).bind(webhook.created.0);
        insert.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        let detail = json!({
            "webhook": webhook.id, "name": webhook.name, "url": webhook.url, "host": webhook.host,
            "notices": webhook.notices, "resumes": webhook.resumes, "via": via,
        });
        writing.audit(user, "webhook set", None, None, &detail).await?;
        writing.commit().await?;
        Ok(NewWebhook { secret, webhook })
    }

    /// A user's webhooks, the newest first, with what became of their messages.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhooks(&mut self, user: &str) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, name, user, url, host, notices, resumes, created, ended, gone,
               (SELECT count(*) FROM outbox WHERE webhook = webhooks.id AND state = 'waiting'),
               (SELECT count(*) FROM outbox WHERE webhook = webhooks.id AND state = 'failed'),
               (SELECT fault FROM outbox WHERE webhook = webhooks.id AND fault IS NOT NULL
                  AND state IN ('waiting', 'failed') ORDER BY id DESC LIMIT 1)
             FROM webhooks WHERE user = ? ORDER BY id DESC LIMIT 100",
        );
        let rows: Vec<Row> = rows.bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(rows.into_iter().map(webhook).collect())
    }

    /// Removes a user's webhook with its secret and what is on its way; false if they have none of that id.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook_remove(
        &mut self,
        id: &str,
        user: &str,
        via: &Via,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let find =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND user = ? AND ended IS NULL)");
        let find = find.bind(id).bind(user).fetch_one(writing.db()).await;
        let found: bool = find.map_err(|error| writing.fault(error))?;
        if found {
            writing.end_webhook(id, false).await?;
            writing.audit(user, "webhook removed", None, None, &json!({ "webhook": id, "via": via })).await?;
        }
        writing.commit().await?;
        Ok(found)
    }
}

impl Writing<'_> {
    /// Whether one more webhook finds its place.
    async fn room_for(&mut self, request: &WebhookRequest, user: &str) -> Result<(), WebhookError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE user = ? AND ended IS NULL").bind(user);
        let count: i64 = count.fetch_one(self.db()).await.map_err(|error| self.fault(error))?;
        if count >= MOST {
            return Err(WebhookError::TooMany);
        }
        if request.resumes {
            let other = sqlx::query_scalar(
                "SELECT name FROM webhooks
                 WHERE user = ? AND coalesce(host, '') = coalesce(?, '') AND resumes = 1 AND ended IS NULL",
            );
            let other = other.bind(user).bind(&request.host).fetch_optional(self.db()).await;
            let other: Option<String> = other.map_err(|error| self.fault(error))?;
            if let Some(name) = other {
                return Err(WebhookError::Resumes(name));
            }
        }
        Ok(())
    }

    /// Ends a webhook: its secret is forgotten, and nothing more is sent. `gone`: its own side said so.
    pub(super) async fn end_webhook(&mut self, id: &str, gone: bool) -> Result<(), StoreError> {
        let now = self.now.0;
        let end = sqlx::query("UPDATE webhooks SET ended = ?, gone = ?, secret = '' WHERE id = ? AND ended IS NULL");
        let end = end.bind(now).bind(gone).bind(id);
        end.execute(self.db()).await.map_err(|error| self.fault(error))?;
        let drop = sqlx::query(
            "UPDATE outbox SET state = 'dropped', ended = ?, fault = 'the webhook was removed'
             WHERE webhook = ? AND state = 'waiting'",
        );
        drop.bind(now).bind(id).execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

fn webhook(row: Row) -> Webhook {
    let (id, name, user, url, host, notices, resumes, created, ended, gone, waiting, failed, fault) = row;
    let (created, ended) = (Timestamp(created), ended.map(Timestamp));
    Webhook { id, name, user, url, host, notices, resumes, created, ended, gone, waiting, failed, fault }
}
