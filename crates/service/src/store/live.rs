//! What a server keeps in memory: read whole, with the counts that say when it has to be read again.

use std::collections::HashMap;

use countersign_policy::{Action, Call, Effect, Grant, Reach, Scope, Timestamp};
use sqlx::Row as _;

use super::clock::Clock;
use super::grants::{Candidate, KeptAs, wanted};
use super::runs::{self, Present};
use super::sessions::IDLE_MS;
use super::{AgentToken, Chat, HumanSession, Store, StoreError, tokens};

/// How often what is kept in memory was changed: see `schema-3.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) tokens: i64,
    pub(crate) people: i64,
    pub(crate) grants: i64,
    pub(crate) sessions: i64,
    pub(crate) trust: i64,
    pub(crate) listeners: i64,
    pub(crate) chats: i64,
    pub(crate) questions: i64,
    clock: Clock,
}

impl Changes {
    /// The store's clock at the same moment.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }
}

/// A user's grants that have not ended, found by call without a look at the others.
#[derive(Debug, Default)]
pub(crate) struct LiveGrants {
    reaches: HashMap<Place, HashMap<(Action, KeptAs), Vec<Candidate>>>,
    /// Where all that an action does is denied.
    denied: HashMap<Place, Vec<Action>>,
    /// When some of them end by time alone, in order.
    ends: Vec<Timestamp>,
}

/// A session as it stands in the store.
#[derive(Debug, Clone)]
pub(crate) struct KeptSession {
    row: runs::Row,
    roots: Vec<String>,
}

impl KeptSession {
    /// What counts of it at that time.
    pub(crate) fn present(&self, now: Timestamp) -> Present {
        Present::of(self.row.clone(), now.0.saturating_sub(IDLE_MS))
    }

    /// Its further roots, as far as they count at that time.
    pub(crate) fn roots(&self, now: Timestamp) -> Vec<String> {
        let is_on = self.row.0.is_some_and(|used| used > now.0.saturating_sub(IDLE_MS));
        if is_on { self.roots.clone() } else { Vec::new() }
    }
}

/// How far a grant reaches.
type Place = (Scope, Option<String>, Option<String>, Option<String>);

impl Store {
    /// What was changed how often.
    pub(crate) async fn changes(&mut self) -> Result<Changes, StoreError> {
        let row = sqlx::query_as(
            "SELECT tokens, people, grants, sessions, trust, listeners, chats, questions, newest, seen FROM changes, clock",
        );
        let row: (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) =
            row.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))?;
        let (tokens, people, grants, sessions, trust, listeners, chats, questions, newest, seen) = row;
        let clock = Clock::of(newest, seen);
        Ok(Changes { tokens, people, grants, sessions, trust, listeners, chats, questions, clock })
    }

    /// The token of that secret's hash, if it is not revoked. Whether it has expired is left to its user.
    pub(crate) async fn token_kept(&mut self, hash: &str) -> Result<Option<AgentToken>, StoreError> {
        let row = format!("SELECT {} FROM tokens WHERE hash = ? AND revoked IS NULL", tokens::COLUMNS);
        let row = sqlx::query(sqlx::AssertSqlSafe(row)).bind(hash).fetch_optional(&mut self.db).await;
        let row = row.and_then(|row| row.as_ref().map(tokens::token).transpose());
        row.map_err(|error| self.fault(error))
    }

    /// The same of a human's session.
    pub(crate) async fn human_session_kept(&mut self, hash: &str) -> Result<Option<HumanSession>, StoreError> {
        let row = sqlx::query_as("SELECT user, csrf, expires FROM human_sessions WHERE hash = ?").bind(hash);
        let row: Option<(String, String, i64)> =
            row.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(row.map(|(user, csrf, expires)| HumanSession { user, csrf, expires: Timestamp(expires) }))
    }

    /// Until when somebody listens for this user, as things are.
    pub(crate) async fn listened_until(&mut self, user: &str) -> Result<Option<Timestamp>, StoreError> {
        let until = sqlx::query_scalar("SELECT max(until) FROM listeners WHERE user = ?").bind(user);
        let until: Option<i64> = until.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))?;
        Ok(until.map(Timestamp))
    }

    /// Whether there is a chat of this session at all.
    pub(crate) async fn has_chat(&mut self, chat: &Chat) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM chats WHERE user = ? AND session = ?)");
        let found = found.bind(&chat.user).bind(&chat.session).fetch_one(&mut self.db).await;
        found.map_err(|error| self.fault(error))
    }

    /// Whether a session has a question that its agent has not come for: what [`Store::find`] may find.
    pub(crate) async fn has_questions(&mut self, user: &str, session: &str) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM approvals WHERE user = ? AND session = ? AND pending = 1)",
        );
        let found = found.bind(user).bind(session).fetch_one(&mut self.db).await;
        found.map_err(|error| self.fault(error))
    }

    /// A session as it stands, if it does.
    pub(crate) async fn session_kept(&mut self, user: &str, session: &str) -> Result<KeptSession, StoreError> {
        let query = sqlx::query(
            "SELECT used, run, runs, run_id, mode, folders FROM sessions s LEFT JOIN roots r USING (user, session, begun)
             WHERE s.user = ? AND s.session = ?",
        );
        let found = query.bind(user).bind(session).fetch_optional(&mut self.db).await;
        let Some(found) = found.map_err(|error| self.fault(error))? else {
            return Ok(KeptSession { row: runs::Row::default(), roots: Vec::new() });
        };
        let read = || Ok((runs::row(&found, 0)?, found.try_get::<Option<String>, _>(5)?));
        let (row, folders) = read().map_err(|error| self.fault(error))?;
        Ok(KeptSession { row, roots: self.folders(folders)? })
    }

    /// A user's grants that have not ended.
    pub(crate) async fn live_grants(&mut self, user: &str) -> Result<LiveGrants, StoreError> {
        let rows = sqlx::query_as(
            "SELECT g.body, g.session IS NOT NULL, s.used
             FROM clock c, grants g LEFT JOIN sessions s ON s.user = g.user AND s.session = g.session AND s.begun <= g.created
             WHERE g.user = ? AND g.ended IS NULL AND (g.expires IS NULL OR g.expires > c.newest)
             ORDER BY g.id",
        );
        let rows: Vec<(String, bool, Option<i64>)> =
            rows.bind(user).fetch_all(&mut self.db).await.map_err(|error| self.fault(error))?;
        let mut live = LiveGrants::default();
        for (body, of_session, used) in rows {
            let grant: Grant = serde_json::from_str(&body).map_err(|error| StoreError::Damaged {
                path: self.path.clone(),
                detail: format!("a grant cannot be read: {error}"),
            })?;
            let key = (grant.action.clone(), KeptAs::of(&grant));
            let candidate = Candidate { session: of_session.then_some(used), grant };
            live.ends.extend(candidate.ends());
            if candidate.grant.effect == Effect::Deny && key.1 == KeptAs::Whole {
                live.denied.entry(place(&candidate.grant.reach)).or_default().push(key.0.clone());
            }
            live.reaches.entry(place(&candidate.grant.reach)).or_default().entry(key).or_default().push(candidate);
        }
        live.ends.sort_unstable();
        Ok(live)
    }
}

impl LiveGrants {
    /// The grants that could speak of this call's targets at that time: those that `Store::grants_for` finds.
    pub(crate) fn of(&self, call: &Call, now: Timestamp) -> Vec<Grant> {
        let scopes = [Scope::Turn, Scope::Session, Scope::Project, Scope::User];
        let reaches = scopes.into_iter().filter_map(|scope| self.reaches.get(&place(&Reach::of(call, scope)?)));
        let reaches: Vec<_> = reaches.collect();
        let mut found: Vec<&Grant> = Vec::new();
        if !reaches.is_empty() {
            for target in &call.targets {
                for kept in wanted(target) {
                    let key = (target.action.clone(), kept);
                    let candidates = reaches.iter().filter_map(|reach| reach.get(&key)).flatten();
                    found
                        .extend(candidates.filter(|candidate| candidate.counts(now)).map(|candidate| &candidate.grant));
                }
            }
        }
        found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
        found.into_iter().cloned().collect()
    }

    /// When the next of them ends after that time: until then time alone changes nothing that is found here.
    pub(crate) fn next_end(&self, after: Timestamp) -> Option<Timestamp> {
        self.ends.get(self.ends.partition_point(|end| *end <= after)).copied()
    }

    /// The actions of which a person has denied all that they do, in any turn of this call's session, in their order.
    pub(crate) fn denied_whole(&self, call: &Call, now: Timestamp) -> Vec<Action> {
        let mut denied = Vec::new();
        for scope in [Scope::Session, Scope::Project, Scope::User] {
            let Some(place) = Reach::of(call, scope).map(|reach| place(&reach)) else { continue };
            let Some(actions) = self.denied.get(&place) else { continue };
            let candidates = |action: &Action| self.reaches.get(&place)?.get(&(action.clone(), KeptAs::Whole));
            denied.extend(actions.iter().filter(|action| {
                let mut candidates = candidates(action).into_iter().flatten();
                candidates.any(|candidate| candidate.grant.effect == Effect::Deny && candidate.counts(now))
            }));
        }
        let mut denied: Vec<Action> = denied.into_iter().cloned().collect();
        denied.sort_by_cached_key(Action::to_string);
        denied.dedup();
        denied
    }
}

fn place(reach: &Reach) -> Place {
    (reach.scope, reach.project.clone(), reach.session.clone(), reach.turn.clone())
}

#[cfg(test)]
mod tests {
    use countersign_engine::{Engine, Request};
    use countersign_policy::pattern::Pattern;
    use countersign_policy::{Action, Call, Effect, GrantResource, Reach, Scope, Timestamp};

    use super::Changes;
    use crate::block_on::block_on;
    use crate::disk::Disk;
    use crate::store::{LogEntry, LogEvent, NewGrant, Open, Store, TokenRequest};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    fn call(user: &str, session: &str, line: &str) -> Call {
        let engine = Engine::new(countersign_policy::document::assemble(Vec::new()));
        let request = Request {
            user: user.to_owned(),
            session: session.to_owned(),
            turn: Some("t1".to_owned()),
            cwd: "/tmp".to_owned(),
            project: "/tmp".to_owned(),
            ..Request::of("shell", line)
        };
        engine.call(&request, &Disk)
    }

    fn grant(call: &Call, scope: Scope, effect: Effect, resource: GrantResource, expires: Option<i64>) -> NewGrant {
        let expires = expires.map(|seconds| NOON.plus_seconds(seconds));
        NewGrant { effect, action: Action::Shell, resource, reach: Reach::of(call, scope).unwrap(), expires }
    }

    /// In memory are found the very grants that the store finds, at any time.
    #[test]
    fn the_same_as_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Cli)).unwrap();
        let pattern = |text: &str| GrantResource::Pattern(Pattern::parse(&Action::Shell, text).unwrap());
        let calls = ["git push origin main", "make it && git push", "timeout 5 make it", "ls", "cat x > /tmp/y"]
            .iter()
            .flat_map(|line| {
                [("ana", "s1"), ("ana", "s2"), ("bea", "s1")].map(|(user, session)| call(user, session, line))
            });
        let calls: Vec<Call> = calls.collect();
        let mut ids = Vec::new();
        for scope in [Scope::Turn, Scope::Session, Scope::Project, Scope::User] {
            let (ana, bea) = (&calls[0], &calls[2]);
            let key = ana.targets[0].grant_key().unwrap();
            let literal = GrantResource::Literal { key, shown: "git push origin main".to_owned() };
            for new in [
                grant(ana, scope, Effect::Allow, pattern("git push *"), None),
                grant(ana, scope, Effect::Deny, pattern("make *"), None),
                grant(ana, scope, Effect::Allow, literal, Some(60)),
                grant(ana, scope, Effect::Allow, GrantResource::Whole, Some(3_600)),
                grant(bea, scope, Effect::Allow, pattern("* push *"), None),
            ] {
                ids.push(block_on(store.grant(new, "ana", NOON)).unwrap().id);
            }
        }
        let hours = |hours: i64| NOON.plus_seconds(hours * 3_600);
        let (mut found, mut ended) = (0, 0);
        for id in [None, ids.first(), ids.get(6), ids.get(12)] {
            if let Some(id) = id {
                assert!(block_on(store.revoke(id, "ana", "ana", NOON)).unwrap());
            }
            let live = ["ana", "bea"].map(|user| block_on(store.live_grants(user)).unwrap());
            for now in [NOON, NOON.plus_seconds(60), hours(1), hours(11), hours(12), hours(13)] {
                for call in &calls {
                    let live = if call.user == "ana" { &live[0] } else { &live[1] };
                    let kept = live.of(call, now);
                    if let Some(end) = live.next_end(now) {
                        assert_eq!(live.of(call, Timestamp(end.0 - 1)), kept, "nothing ends between");
                        ended += usize::from(live.of(call, end) != kept);
                    }
                    assert_eq!(kept, block_on(store.grants_for(call, now)).unwrap(), "{} {now:?}", call.args);
                    found += kept.len();
                }
            }
        }
        assert!(found > 300 && ended > 10, "{found} {ended}");
    }

    #[test]
    fn what_matters_is_counted_and_what_comes_with_each_call_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = block_on(Store::open(&folder.path().join("data/countersign.db"), Open::Cli)).unwrap();
        let call = call("ana", "s1", "make it");
        let pattern = GrantResource::Pattern(Pattern::parse(&Action::Shell, "make *").unwrap());
        let counted = |store: &mut Store| {
            let Changes { tokens, people, grants, trust, listeners, .. } = block_on(store.changes()).unwrap();
            [tokens, people, grants, trust, listeners]
        };
        let deny = grant(&call, Scope::Session, Effect::Deny, pattern, None);
        let id = block_on(store.grant(deny, "ana", NOON)).unwrap().id;
        let mut before = counted(&mut store);
        let mut said = |store: &mut Store, what: &str, expected: &[usize]| {
            let now = counted(store);
            let changed: Vec<usize> = (0..now.len()).filter(|at| now[*at] != before[*at]).collect();
            assert_eq!(changed, expected, "{what}");
            before = now;
        };
        let log = |store: &mut Store, seconds: i64| {
            let about = LogEntry::about(&call, LogEvent::Ran, Effect::Allow);
            let entry = LogEntry { grants: vec![id.clone()], ..about };
            block_on(store.log(&[entry], false, NOON.plus_seconds(seconds))).unwrap();
        };
        log(&mut store, 30);
        log(&mut store, 60);
        said(&mut store, "a session in constant use", &[]);
        log(&mut store, 11 * 3_600);
        said(&mut store, "a session that comes back", &[2]);
        log(&mut store, 24 * 3_600);
        said(&mut store, "a session that begins anew", &[2]);
        let day = NOON.plus_seconds(24 * 3_600);
        block_on(store.revoke(&id, "ana", "ana", day)).unwrap();
        said(&mut store, "a grant revoked", &[2]);
        block_on(store.end_session("ana", &call.session_key(), "ana", day)).unwrap();
        said(&mut store, "a session ended", &[2]);
        block_on(store.trust("/p", &"0".repeat(64), "ana", day)).unwrap();
        said(&mut store, "trusted", &[3]);
        block_on(store.untrust("/p", "ana", day)).unwrap();
        said(&mut store, "untrusted", &[3]);
        block_on(store.listener_beat("l", "page", "ana", day, day.plus_seconds(9))).unwrap();
        said(&mut store, "somebody listens", &[4]);
        block_on(store.listener_gone("l", day)).unwrap();
        said(&mut store, "nobody listens", &[4]);
        let code = block_on(store.signin_code_create("ana", day)).unwrap();
        let secret = block_on(store.signin(&code, 60, day)).unwrap().unwrap().secret;
        said(&mut store, "signed in", &[1]);
        block_on(store.human_session_end(&secret, day)).unwrap();
        said(&mut store, "signed out", &[1]);
        let (name, user, session) = ("t".to_owned(), "ana".to_owned(), "h:s".to_owned());
        let request = TokenRequest { name, user, session, project: None, seconds: Some(60), below: None };
        let token = block_on(store.token_create(&request, "ana", day)).unwrap().token;
        said(&mut store, "a token made", &[0]);
        block_on(store.token_revoke(&token.id, "ana", "ana", day)).unwrap();
        said(&mut store, "a token revoked", &[0]);
    }
}
