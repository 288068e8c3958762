//! A grant is made to reach further, as if its human had answered so at once.

use countersign_policy::approval::Outcome;
use countersign_policy::{Effect, Grant, Scope, Timestamp};
use serde_json::json;

use super::reply::remembered;
use super::sessions::IDLE_MS;
use super::{Human, Recheck, Record, Remembered, Reply, ReplyError, Store, StoreError, Synchronous, Writing};

/// Which grant is to reach how far.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// The grant.
    pub grant: String,
    /// The scope of the one that takes its place.
    pub scope: Scope,
    /// For how many seconds that one counts; `None`: until the first would have ended.
    pub seconds: Option<i64>,
}

/// Why a grant keeps its reach. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// There is none that counts, or it belongs to another user.
    #[error("there is no grant `{0}`")]
    Unknown(String),
    /// A human made it outside of any question, so that nothing says how far it may reach.
    #[error("no question stands behind this grant: make another one, and revoke this")]
    Unasked,
    /// It reaches that far already.
    #[error("`{scope}` is no wider than `{now}`, for which it counts")]
    NotWider {
        /// The scope that was asked for.
        scope: Scope,
        /// The scope that it has.
        now: Scope,
    },
    /// Its question did not offer that, or policy does not admit it now.
    #[error(transparent)]
    Refused(#[from] ReplyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The question from which a grant of this user came.
    ///
    /// # Errors
    /// The store failed.
    pub async fn asked_for_grant(&mut self, grant: &str, user: &str) -> Result<Option<Record>, StoreError> {
        let find = sqlx::query_scalar("SELECT approval FROM grants WHERE id = ? AND user = ? AND approval IS NOT NULL");
        let find = find.bind(grant).bind(user).fetch_optional(&mut self.db).await;
        let found: Option<String> = find.map_err(|error| self.fault(error))?;
        match found {
            Some(id) => self.record(&id).await,
            None => Ok(None),
        }
    }

    /// Ends a grant and makes one of wider scope in its place, held to what the question offered and to what policy
    /// lets be remembered at this moment, as an answer with that scope would be.
    ///
    /// # Errors
    /// See [`PromoteError`]; nothing was written then.
    pub async fn promote(
        &mut self,
        promotion: &Promotion,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Grant, PromoteError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let (old, new) = writing.promoted(promotion, human, recheck).await?;
        let end = sqlx::query("UPDATE grants SET ended = ? WHERE id = ?").bind(writing.now.0).bind(&old.id);
        end.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.keep(&new, &human.user).await?;
        let detail = json!({ "via": human.via, "from": old.reach.scope, "scope": new.reach.scope, "to": new.id });
        writing.audit(&human.user, "promoted", new.approval.as_deref(), Some(&old.id), &detail).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// The grant that [`Store::promote`] would make. Nothing is written.
    ///
    /// # Errors
    /// As [`Store::promote`].
    pub async fn promotion(
        &mut self,
        promotion: &Promotion,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Grant, PromoteError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        writing.promoted(promotion, human, recheck).await.map(|(_, new)| new)
    }
}

impl Writing<'_> {
    /// The grant, and the one that takes its place.
    async fn promoted(
        &mut self,
        promotion: &Promotion,
        human: &Human,
        recheck: Recheck<'_>,
    ) -> Result<(Grant, Grant), PromoteError> {
        let (old, record) = self.promotable(promotion, human).await?;
        let parts = record.question.parts.iter();
        let identity = parts.filter(|part| part.action == old.action).find_map(|part| {
            part.offers.iter().any(|offer| offer.resource == old.resource).then(|| part.identity.clone())
        });
        let reply = Reply {
            approval: record.approval.id.clone(),
            outcome: if old.effect == Effect::Allow { Outcome::Allow } else { Outcome::Deny },
            remember: vec![Remembered { identity: identity.unwrap_or_default(), resource: old.resource.clone() }],
            scope: promotion.scope,
            expires: promotion.seconds.map(|seconds| self.now.plus_seconds(seconds)).or(old.expires),
            feedback: None,
            also: Vec::new(),
            edited: None,
            alone: false,
            cascade: false,
        };
        let made = remembered(&reply, &record, self.now, recheck)?.pop();
        let Some(new) = made else { return Err(PromoteError::Unknown(old.id)) };
        Ok((old, new))
    }

    /// The grant, if it counts and reaches less far, with its question.
    async fn promotable(&mut self, promotion: &Promotion, human: &Human) -> Result<(Grant, Record), PromoteError> {
        let find = sqlx::query_scalar(
            "SELECT body FROM grants g WHERE id = ?1 AND user = ?2 AND ended IS NULL AND (expires IS NULL OR expires > ?3)
               AND (session IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.user = g.user
                    AND s.session = g.session AND s.begun <= g.created AND s.used > ?3 - ?4))",
        );
        let find = find.bind(&promotion.grant).bind(&human.user).bind(self.now.0).bind(IDLE_MS);
        let body: Option<String> = find.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        let body = body.ok_or_else(|| PromoteError::Unknown(promotion.grant.clone()))?;
        let grant: Grant = serde_json::from_str(&body).map_err(|error| self.damaged("a grant", error))?;
        if promotion.scope <= grant.reach.scope {
            return Err(PromoteError::NotWider { scope: promotion.scope, now: grant.reach.scope });
        }
        let record = match &grant.approval {
            Some(id) => self.record(id).await?,
            None => None,
        };
        Ok((grant, record.ok_or(PromoteError::Unasked)?))
    }
}
