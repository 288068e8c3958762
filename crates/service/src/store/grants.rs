//! What humans had remembered, found by what a call brings.
//!
//! A grant is stored under a digest of its reach, its action and what it covers: the literal's key, or the first word
//! of a shell pattern and the host of a URL pattern where these are plain. A call computes the digests under which
//! grants that could speak of its targets would be, so that ten thousand others cost nothing. What is found is only a
//! candidate: [`Grant::applies`] decides.

use countersign_policy::approval::CancelReason;
use countersign_policy::{
    Action, Call, Effect, Grant, GrantResource, Reach, Resource, Scope, Target, Timestamp, sha256_hex,
};
use serde::Serialize;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::approvals::limit;
use super::clock::Clock;
use super::runs::{self, Present};
use super::sessions::IDLE_MS;
use super::{Store, StoreError, Synchronous, Withdraw, Writing, new_id};

/// What a decision needs of the store.
pub(crate) struct Looked {
    /// The store's clock.
    pub(crate) clock: Clock,
    /// The grants that could speak of the call's targets.
    pub(crate) grants: Vec<Grant>,
    /// Its session's state.
    pub(crate) present: Present,
}

/// A grant with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptGrant {
    /// The grant.
    pub grant: Grant,
    /// How often it let a call run; best effort.
    pub uses: i64,
    /// When it last did.
    pub used: Option<Timestamp>,
    /// When it was revoked or its session ended. Not set by its own expiry.
    pub ended: Option<Timestamp>,
}

/// Which grants to list.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Of this user only.
    pub user: Option<String>,
    /// Those of this project, and those that reach every project.
    pub project: Option<String>,
    /// Also those that have ended or expired.
    pub all: bool,
    /// Only those before this id, to turn pages.
    pub before: Option<String>,
    /// At most so many; 0: 100.
    pub limit: u32,
}

/// A grant that a human makes outside of any question.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Allow or deny.
    pub effect: Effect,
    /// Its action.
    pub action: Action,
    /// What it covers.
    pub resource: GrantResource,
    /// How far it reaches.
    pub reach: Reach,
    /// When it stops to count.
    pub expires: Option<Timestamp>,
}

impl Store {
    /// The grants that could speak of this call's targets now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn grants_for(&mut self, call: &Call, now: Timestamp) -> Result<Vec<Grant>, StoreError> {
        let found = candidates(&mut self.db, call).await.map_err(|error| self.fault(error))?;
        let now = found.clock.tick(self.reading(now).0).now();
        self.counting(found, now)
    }

    /// What a decision needs of the store: one question to the database.
    pub(crate) async fn look(&mut self, call: &Call, clock: Timestamp) -> Result<Looked, StoreError> {
        let mut found = candidates(&mut self.db, call).await.map_err(|error| self.fault(error))?;
        let clock = self.told(found.clock, clock);
        let present = Present::of(std::mem::take(&mut found.own), clock.now().0.saturating_sub(IDLE_MS));
        Ok(Looked { clock, present, grants: self.counting(found, clock.now())? })
    }

    fn counting(&self, found: Candidates, now: Timestamp) -> Result<Vec<Grant>, StoreError> {
        found.counting(now).map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("a grant cannot be read: {error}"),
        })
    }

    /// Grants, the newest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn grants(&mut self, filter: &GrantFilter, now: Timestamp) -> Result<Vec<KeptGrant>, StoreError> {
        type Row = (String, i64, Option<i64>, Option<i64>);
        let rows = sqlx::query_as(
            "SELECT body, uses, used, coalesce(ended, iif(
                    session IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.user = g.user
                        AND s.session = g.session AND s.begun <= g.created AND s.used > t.now - ?7), NULL, t.now)) AS over
             FROM (SELECT max(newest, ?4) AS now FROM clock) t, grants g
             WHERE (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR project IS NULL OR project = ?2)
               AND (?3 OR (over IS NULL AND (expires IS NULL OR expires > t.now)))
               AND (?5 IS NULL OR id < ?5)
             ORDER BY id DESC LIMIT ?6",
        );
        let rows = rows.bind(&filter.user).bind(&filter.project).bind(filter.all).bind(now.0).bind(&filter.before);
        let rows = rows.bind(limit(filter.limit)).bind(IDLE_MS);
        let rows: Vec<Row> = rows.fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let kept = |(body, uses, used, ended): Row| {
            let grant = serde_json::from_str(&body).map_err(|error| StoreError::Damaged {
                path: self.path.clone(),
                detail: format!("a grant cannot be read: {error}"),
            })?;
            Ok(KeptGrant { grant, uses, used: used.map(Timestamp), ended: ended.map(Timestamp) })
        };
        rows.into_iter().map(kept).collect()
    }

    /// Makes a grant outside of any question. Whoever calls it has made sure that a human of that name wants it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn grant(&mut self, new: NewGrant, by: &str, now: Timestamp) -> Result<Grant, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        if let Some(session) = &new.reach.session {
            writing.touch_session(&new.reach.user, session).await?;
        }
        let grant = Grant {
            id: new_id(writing.now),
            effect: new.effect,
            action: new.action,
            resource: new.resource,
            reach: new.reach,
            created: writing.now,
            expires: new.expires,
            approval: None,
        };
        writing.keep(&grant, by).await?;
        writing.commit().await?;
        Ok(grant)
    }

    /// Revokes a grant of this user; false if they have none of that id that still counts.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke(&mut self, id: &str, user: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let at = writing.now.0;
        let update = sqlx::query("UPDATE grants SET ended = ? WHERE id = ? AND user = ? AND ended IS NULL");
        let update = update.bind(at).bind(id).bind(user);
        let changed = update.execute(writing.db()).await.map_err(|error| writing.fault(error))?.rows_affected() > 0;
        if changed {
            writing.audit(by, "revoked", None, Some(id), &json!({})).await?;
            writing.withdraw_yes_of(id, by).await?;
        }
        writing.commit().await?;
        Ok(changed)
    }

    /// Notes that these grants let a call run. Best effort: a power cut may lose it.
    ///
    /// # Errors
    /// The store failed; what ran, ran.
    pub async fn used(&mut self, ids: &[String], now: Timestamp) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        writing.used(ids).await?;
        writing.commit().await
    }
}

impl Writing<'_> {
    /// The grants that could speak of this call's targets now.
    pub(super) async fn grants_for(&mut self, call: &Call) -> Result<Vec<Grant>, StoreError> {
        let now = self.now;
        let found = candidates(self.db(), call).await.map_err(|error| self.fault(error))?;
        found.counting(now).map_err(|error| self.damaged("a grant", error))
    }

    /// The grants that an answer made, those that have ended included.
    pub(super) async fn grants_of(&mut self, approval: &str) -> Result<Vec<Grant>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM grants WHERE approval = ? ORDER BY id").bind(approval);
        let bodies: Vec<String> = bodies.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        let grant = |body: String| serde_json::from_str(&body).map_err(|error| self.damaged("a grant", error));
        bodies.into_iter().map(grant).collect()
    }

    /// Writes a grant down, with its audit entry.
    pub(super) async fn keep(&mut self, grant: &Grant, by: &str) -> Result<(), StoreError> {
        let kept = KeptAs::of(grant);
        let insert = sqlx::query(
            "INSERT INTO grants
               (id, effect, scope, user, project, session, turn, action, seek, created, expires, approval, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let reach = &grant.reach;
        let insert = insert.bind(&grant.id).bind(grant.effect.word()).bind(reach.scope.word()).bind(&reach.user);
        let insert = insert.bind(&reach.project).bind(&reach.session).bind(&reach.turn);
        let insert = insert.bind(grant.action.to_string()).bind(kept.seek(reach, &grant.action));
        let insert = insert.bind(grant.created.0).bind(grant.expires.map(|at| at.0)).bind(&grant.approval);
        let insert = insert.bind(self.json(grant)?);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        let detail = json!({
            "effect": grant.effect, "action": grant.action, "resource": grant.resource, "scope": reach.scope,
            "expires": grant.expires,
        });
        self.audit(by, "granted", grant.approval.as_deref(), Some(&grant.id), &detail).await
    }

    /// Withdraws the yes that made a grant, if its agent has not come for it: it must not outlive the grant.
    async fn withdraw_yes_of(&mut self, grant: &str, by: &str) -> Result<(), StoreError> {
        let made_by =
            sqlx::query_scalar("SELECT approval FROM grants WHERE id = ? AND approval IS NOT NULL").bind(grant);
        let made_by: Option<String> = made_by.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        let Some(id) = made_by else { return Ok(()) };
        if let Some(record) = self.record(&id).await? {
            let which = Withdraw::Own { id, asker: record.approval.asker };
            self.cancel(&which, by, CancelReason::Policy).await?;
        }
        Ok(())
    }

    pub(super) async fn used(&mut self, ids: &[String]) -> Result<(), StoreError> {
        let now = self.now.0;
        let update =
            sqlx::query("UPDATE grants SET uses = uses + 1, used = ? WHERE id IN (SELECT value FROM json_each(?))");
        let update = update.bind(now).bind(json!(ids).to_string());
        update.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

/// What a grant covers, as far as a call can compute it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum KeptAs {
    Whole,
    Literal(String),
    /// With the pattern's plain beginning, or nothing.
    Pattern(String),
}

impl KeptAs {
    pub(super) fn of(grant: &Grant) -> KeptAs {
        match &grant.resource {
            GrantResource::Whole => KeptAs::Whole,
            GrantResource::Literal { key, .. } => KeptAs::Literal(key.clone()),
            // A denial matches without regard to case or folder: it is looked at for each call.
            GrantResource::Pattern(_) if grant.effect != Effect::Allow => KeptAs::Pattern(String::new()),
            GrantResource::Pattern(pattern) => KeptAs::Pattern(head(&grant.action, pattern.as_str())),
        }
    }

    /// The digest under which it is stored.
    fn seek(&self, reach: &Reach, action: &Action) -> String {
        let (kind, key) = match self {
            KeptAs::Whole => ("whole", ""),
            KeptAs::Literal(key) => ("literal", key.as_str()),
            KeptAs::Pattern(head) => ("pattern", head.as_str()),
        };
        let place = [Some(&reach.user), reach.project.as_ref(), reach.session.as_ref(), reach.turn.as_ref()];
        // Written as JSON: nothing in a name can make one reach read as another.
        let written = serde_json::to_string(&(reach.scope, place, action, kind, key));
        sha256_hex(written.unwrap_or_default().as_bytes())
    }
}

/// The part of a pattern that a call must have literally: a command's program, a host. Nothing where that is not plain.
fn head(action: &Action, pattern: &str) -> String {
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+".contains(c));
    let head = match action {
        Action::Shell => pattern.split_ascii_whitespace().next().unwrap_or_default().to_owned(),
        Action::Fetch => {
            let rest = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
            rest.split('/').next().unwrap_or_default().to_ascii_lowercase()
        }
        _ => String::new(),
    };
    if plain(&head) { head } else { String::new() }
}

/// What grants that could speak of this target are kept as.
pub(super) fn wanted(target: &Target) -> Vec<KeptAs> {
    let mut wanted = vec![KeptAs::Whole, KeptAs::Pattern(String::new())];
    wanted.extend(target.grant_key().map(KeptAs::Literal));
    match &target.resource {
        Resource::Words(words) => {
            let spellings = target.spellings.iter().map(|spelling| &spelling.words);
            let first = [words].into_iter().chain(spellings).filter_map(|words| words.first());
            wanted.extend(first.map(|word| KeptAs::Pattern(word.text.clone())));
        }
        Resource::Url { host, .. } => wanted.push(KeptAs::Pattern(host.to_ascii_lowercase())),
        _ => {}
    }
    wanted
}

/// What was found for a call.
struct Candidates {
    clock: Clock,
    /// The call's own session.
    own: runs::Row,
    /// Grants as they are stored, with their sessions as in [`Candidate`].
    found: Vec<(String, Option<Option<i64>>)>,
}

#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) grant: Grant,
    /// For a session's or turn's grant: when the session was last heard of, if it still is the one that had the grant.
    pub(super) session: Option<Option<i64>>,
}

impl Candidate {
    /// When it ends by time alone: by its own, or with its session where nobody uses that.
    pub(super) fn ends(&self) -> impl Iterator<Item = Timestamp> {
        let session = self.session.flatten().map(|used| Timestamp(used.saturating_add(IDLE_MS)));
        session.into_iter().chain(self.grant.expires)
    }

    /// Whether it counts at that time.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        let alive = match self.session {
            None => true,
            Some(used) => used.is_some_and(|used| used > now.0.saturating_sub(IDLE_MS)),
        };
        alive && self.grant.expires.is_none_or(|at| at > now)
    }
}

impl Candidates {
    /// Those that count at that time.
    fn counting(self, now: Timestamp) -> Result<Vec<Grant>, serde_json::Error> {
        let mut counting = Vec::new();
        for (body, session) in self.found {
            let candidate = Candidate { grant: serde_json::from_str(&body)?, session };
            if candidate.counts(now) {
                counting.push(candidate.grant);
            }
        }
        Ok(counting)
    }
}

async fn candidates(db: &mut SqliteConnection, call: &Call) -> Result<Candidates, sqlx::Error> {
    let scopes = [Scope::Turn, Scope::Session, Scope::Project, Scope::User];
    let reaches: Vec<Reach> = scopes.into_iter().filter_map(|scope| Reach::of(call, scope)).collect();
    let mut seeks = Vec::new();
    for target in &call.targets {
        for kept in wanted(target) {
            seeks.extend(reaches.iter().map(|reach| kept.seek(reach, &target.action)));
        }
    }
    seeks.sort_unstable();
    seeks.dedup();
    // What has expired by the newest time need not be read; `counting` looks at the present.
    let rows = sqlx::query(
        "SELECT c.newest, c.seen, g.body, g.session IS NOT NULL, s.used, o.used, o.run, o.runs, o.run_id, o.mode
         FROM clock c
         LEFT JOIN sessions o ON o.user = ?2 AND o.session = ?3
         LEFT JOIN grants g ON g.seek IN (SELECT value FROM json_each(?1)) AND g.ended IS NULL
              AND (g.expires IS NULL OR g.expires > c.newest)
         LEFT JOIN sessions s ON s.user = g.user AND s.session = g.session AND s.begun <= g.created
         ORDER BY g.id",
    );
    let rows = rows.bind(json!(seeks).to_string()).bind(&call.user).bind(call.session_key());
    let rows = rows.fetch_all(db).await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let clock = Clock::of(first.try_get(0)?, first.try_get(1)?);
    let own = runs::row(first, 5)?;
    let candidate = |row: &SqliteRow| {
        let Some(body) = row.try_get(2)? else { return Ok(None) };
        let of_session: bool = row.try_get(3)?;
        let used: Option<i64> = row.try_get(4)?;
        Ok(Some((body, of_session.then_some(used))))
    };
    let found = rows.iter().filter_map(|row| candidate(row).transpose()).collect::<Result<_, sqlx::Error>>()?;
    Ok(Candidates { clock, own, found })
}
