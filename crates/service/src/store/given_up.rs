//! Webhooks that were given up: what a person has to know of them without asking.

use countersign_policy::Timestamp;
use serde::Serialize;

use super::{Store, StoreError};

/// For how long it is told that a webhook's own side ended it: 7 days.
const GONE_MS: i64 = 7 * 86_400_000;

/// A webhook whose messages were given up, or that its own side ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenUp {
    /// The webhook's id.
    pub id: String,
    /// Its name for humans.
    pub name: String,
    /// Where it is sent to.
    pub url: String,
    /// Since when: the first message that was given up and not sent again, or the end of the webhook.
    pub since: Timestamp,
    /// How many messages were given up, or dropped with the webhook.
    pub lost: i64,
    /// How many are still on their way.
    pub waiting: i64,
    /// Whether its own side ended it, with the status 410.
    pub gone: bool,
    /// What was wrong last.
    pub fault: Option<String>,
}

type Row = (String, String, String, i64, i64, i64, bool, Option<String>);

impl Store {
    /// A user's webhooks of which messages were given up and not sent again, and those that their own side ended in the
    /// last seven days; the newest first. One that a human removed is not among them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhooks_given_up(&mut self, user: &str, now: Timestamp) -> Result<Vec<GivenUp>, StoreError> {
        let now = self.clock(now).await?.0;
        // A plus keeps SQLite to the index of what waits.
        let rows = sqlx::query_as(
            "SELECT id, name, url, iif(gone, ended, since), failed + dropped, waiting, gone,
               (SELECT fault FROM outbox WHERE webhook = found.id AND state = 'failed' ORDER BY id DESC LIMIT 1)
             FROM (SELECT id, name, url, ended, gone,
                     (SELECT min(o.ended) FROM outbox o WHERE o.webhook = w.id AND o.state = 'failed') AS since,
                     (SELECT count(*) FROM outbox o WHERE o.webhook = w.id AND o.state = 'failed') AS failed,
                     iif(w.gone, (SELECT count(*) FROM outbox o WHERE o.webhook = w.id AND o.state = 'dropped'
                        AND o.ended = w.ended), 0) AS dropped,
                     (SELECT count(*) FROM outbox o WHERE +o.webhook = w.id AND o.state = 'waiting') AS waiting
                   FROM webhooks w WHERE user = ?1 AND (ended IS NULL OR (gone AND ended > ?2))) found
             WHERE gone OR since IS NOT NULL ORDER BY id DESC LIMIT 100",
        );
        let rows = rows.bind(user).bind(now.saturating_sub(GONE_MS)).fetch_all(&mut self.db).await;
        let rows: Vec<Row> = rows.map_err(|error| self.fault(error))?;
        Ok(rows.into_iter().map(given_up).collect())
    }

    /// What was given up, of all users, in one text that changes when it does.
    pub(crate) async fn all_given_up(&mut self) -> Result<String, StoreError> {
        let all = sqlx::query_scalar(
            "SELECT coalesce(group_concat(webhook || ' ' || many, ','), '')
             FROM (SELECT webhook, count(*) AS many FROM outbox WHERE state = 'failed' GROUP BY webhook
                   UNION ALL SELECT id, 'gone' FROM webhooks WHERE gone ORDER BY 1, 2)",
        );
        all.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }
}

fn given_up((id, name, url, since, lost, waiting, gone, fault): Row) -> GivenUp {
    GivenUp { id, name, url, since: Timestamp(since), lost, waiting, gone, fault }
}
