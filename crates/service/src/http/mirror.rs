//! What a decision needs of the store, kept in memory: tokens, grants, trust, who listens.
//!
//! Nothing of it is ever used without having made sure that it is what the store says now, whoever wrote last:
//!
//! 1. The head of the wal-index says whether anything was committed since the last look. If not, all that is kept holds.
//! 2. If something was, the store's counts of changes say what of it is to be read again. They are counted by triggers,
//!    in the transaction that makes the change.
//! 3. What is kept belongs to one count. It is looked up after that count was read, so it can be newer than the count,
//!    which the next look mends, and never older.
//!
//! What ends with time ends here by the store's clock, as it does there.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex as SyncMutex, RwLock};
use std::time::{Duration, Instant};

use countersign_policy::{Action, Call, Effect, Grant, Scope, Timestamp};
use tokio::sync::Mutex;

use super::app::App;
use crate::store::{
    AgentToken, Changes, Chat, Clock, Head, HumanSession, KeptSession, Known, LiveGrants, Looked, Present, StoreError,
    WalIndex,
};

/// How long grants are kept at most: that a session in constant use was used again is not counted as a change, and its
/// grants count until 12 hours after its last use.
const GRANTS_KEPT: Duration = Duration::from_secs(60);
/// The most things of a kind that are kept. More are looked up each time.
const MOST: usize = 20_000;

/// See the module.
pub(crate) struct Mirror {
    index: WalIndex,
    state: RwLock<Option<Arc<View>>>,
    looking: Mutex<()>,
}

/// What the store says at one moment.
pub(crate) struct View {
    head: Option<Head>,
    changes: Changes,
    tokens: Arc<Part<String, Arc<AgentToken>>>,
    people: Arc<Part<String, HumanSession>>,
    grants: Arc<Part<String, Arc<LiveGrants>>>,
    grants_read: Instant,
    sessions: Arc<Part<(String, String), Arc<KeptSession>>>,
    trust: Arc<Part<(), Arc<Known>>>,
    listeners: Arc<Part<String, Option<Timestamp>>>,
    /// Which sessions have a chat.
    chats: Arc<Part<(String, String), bool>>,
    /// Which sessions have questions that their agent has not come for.
    questions: Arc<Part<(String, String), bool>>,
}

/// What the store says that a call of a session is decided by.
pub(crate) struct Standing {
    clock: Clock,
    session: Arc<KeptSession>,
    pub(crate) grants: Arc<LiveGrants>,
    /// Whether the session has a question that its agent has not come for.
    pub(crate) has_questions: bool,
}

impl Standing {
    /// The store's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What a decision needs of it, as `Store::look` finds it.
    pub(crate) fn look(&self, call: &Call) -> Looked {
        let grants = self.grants.of(call, self.now());
        Looked { clock: self.clock, grants, present: self.present() }
    }

    /// What the session last did and what was set for it.
    pub(crate) fn present(&self) -> Present {
        self.session.present(self.now())
    }

    /// Its further folders.
    pub(crate) fn roots(&self) -> Vec<String> {
        self.session.roots(self.now())
    }
}

/// Things of one kind that were looked up under the same count of changes.
struct Part<K, V> {
    kept: SyncMutex<HashMap<K, V>>,
}

impl Mirror {
    /// Of a store that is open.
    pub(crate) fn new(index: WalIndex) -> Mirror {
        Mirror { index, state: RwLock::new(None), looking: Mutex::new(()) }
    }

    /// The agent's token of the secret with that SHA-256, as it was when anybody last looked: see [`View::has`].
    pub(crate) fn last_token(&self, hash: &str) -> Option<Arc<AgentToken>> {
        self.state.read().ok()?.as_ref()?.tokens.of(hash)
    }

    /// The view, if nothing was committed since it was made.
    fn fresh(&self) -> Option<Arc<View>> {
        let head = self.index.head();
        let state = self.state.read().ok()?.clone()?;
        let is_fresh = head.is_some() && state.head == head && state.grants_read.elapsed() < GRANTS_KEPT;
        is_fresh.then_some(state)
    }
}

impl App {
    /// What the store says now.
    pub(crate) async fn view(&self) -> Result<Arc<View>, StoreError> {
        if let Some(view) = self.mirror.fresh() {
            return Ok(view);
        }
        // One looks, and the others have what it saw: it began after they came, or they look again.
        let _looking = self.mirror.looking.lock().await;
        if let Some(view) = self.mirror.fresh() {
            return Ok(view);
        }
        // The head first: what is committed in between shows at the next look.
        let head = self.mirror.index.head();
        let changes = self.read().await.changes().await?;
        let mut view = View {
            head,
            changes,
            tokens: Part::new(),
            people: Part::new(),
            grants: Part::new(),
            grants_read: Instant::now(),
            sessions: Part::new(),
            trust: Part::new(),
            listeners: Part::new(),
            chats: Part::new(),
            questions: Part::new(),
        };
        let mut state = self.mirror.state.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(before) = state.as_ref() {
            view.keep(before);
        }
        let view = Arc::new(view);
        *state = Some(view.clone());
        Ok(view)
    }
}

impl View {
    /// Takes over what has not changed.
    fn keep(&mut self, before: &View) {
        let (now, then) = (&self.changes, &before.changes);
        if now.tokens == then.tokens {
            self.tokens = before.tokens.clone();
        }
        if now.people == then.people {
            self.people = before.people.clone();
        }
        if now.grants == then.grants && before.grants_read.elapsed() < GRANTS_KEPT {
            self.grants = before.grants.clone();
            self.grants_read = before.grants_read;
        }
        if now.sessions == then.sessions && before.grants_read.elapsed() < GRANTS_KEPT {
            self.sessions = before.sessions.clone();
        }
        if now.trust == then.trust {
            self.trust = before.trust.clone();
        }
        if now.listeners == then.listeners {
            self.listeners = before.listeners.clone();
        }
        if now.chats == then.chats {
            self.chats = before.chats.clone();
        }
        if now.questions == then.questions {
            self.questions = before.questions.clone();
        }
    }

    /// The store's clock.
    pub(crate) fn clock(&self, clock: Timestamp) -> Clock {
        self.changes.clock().tick(clock.0)
    }

    /// The agent's token of the secret with that SHA-256, if it counts.
    pub(crate) async fn token(&self, app: &App, hash: &str) -> Result<Option<Arc<AgentToken>>, StoreError> {
        let token = match self.tokens.of(hash) {
            Some(token) => Some(token),
            // What is not there is not kept: anybody can make up secrets.
            None => {
                let token = app.read().await.token_kept(hash).await?;
                token.map(|token| self.tokens.keep(hash.to_owned(), Arc::new(token)))
            }
        };
        let now = self.clock(app.clock()).now();
        Ok(token.filter(|token| token.expires > now))
    }

    /// Whether that very token of the secret with that SHA-256 counts.
    pub(crate) fn has(&self, app: &App, hash: &str, token: &Arc<AgentToken>) -> bool {
        let now = self.clock(app.clock()).now();
        self.tokens.of(hash).is_some_and(|now| Arc::ptr_eq(&now, token)) && token.expires > now
    }

    /// The human's session of the secret with that SHA-256, if it counts and was looked up before.
    pub(crate) fn known_human(&self, app: &App, hash: &str) -> Option<HumanSession> {
        let now = self.clock(app.clock()).now();
        self.people.of(hash).filter(|session| session.expires > now)
    }

    /// The same, looked up.
    pub(crate) async fn human_session(&self, app: &App, hash: &str) -> Result<Option<HumanSession>, StoreError> {
        let session = app.read().await.human_session_kept(hash).await?;
        let session = session.map(|session| self.people.keep(hash.to_owned(), session));
        let now = self.clock(app.clock()).now();
        Ok(session.filter(|session| session.expires > now))
    }

    /// Whether a question of this session would reach anybody, as [`crate::store::Store::attended`] says.
    pub(crate) async fn attended(&self, app: &App, user: &str, session: &str) -> Result<bool, StoreError> {
        if self.listening(app, user).await? {
            return Ok(true);
        }
        let chat = Chat { user: user.to_owned(), session: session.to_owned() };
        let key = (chat.user.clone(), chat.session.clone());
        let has_chat = match self.chats.of(&key) {
            Some(has_chat) => has_chat,
            None => {
                let has_chat = app.read().await.has_chat(&chat).await?;
                self.chats.keep(key, has_chat)
            }
        };
        Ok(has_chat && app.read().await.attended(&chat, app.clock()).await?)
    }

    /// Whether a page or terminal of this user is open.
    async fn listening(&self, app: &App, user: &str) -> Result<bool, StoreError> {
        let until = match self.listeners.of(user) {
            Some(until) => until,
            None => {
                let until = app.read().await.listened_until(user).await?;
                self.listeners.keep(user.to_owned(), until)
            }
        };
        Ok(until.is_some_and(|until| until > self.clock(app.clock()).now()))
    }

    /// What is known of policy files.
    pub(crate) async fn known(&self, app: &App) -> Result<Arc<Known>, StoreError> {
        match self.trust.of(&()) {
            Some(known) => Ok(known),
            None => {
                let known = app.read().await.known(&app.user).await?;
                Ok(self.trust.keep((), Arc::new(known)))
            }
        }
    }

    /// What a call of this session is decided by now.
    pub(crate) async fn standing(&self, app: &App, user: &str, session: &str) -> Result<Standing, StoreError> {
        let key = (user.to_owned(), session.to_owned());
        Ok(Standing {
            clock: self.clock(app.clock()),
            has_questions: self.has_questions(app, &key).await?,
            session: self.session(app, key).await?,
            grants: self.live(app, user).await?,
        })
    }

    /// The further folders that a session works in.
    pub(crate) async fn roots(&self, app: &App, user: &str, session: &str) -> Result<Vec<String>, StoreError> {
        let now = self.clock(app.clock()).now();
        Ok(self.session(app, (user.to_owned(), session.to_owned())).await?.roots(now))
    }

    async fn session(&self, app: &App, key: (String, String)) -> Result<Arc<KeptSession>, StoreError> {
        match self.sessions.of(&key) {
            Some(session) => Ok(session),
            None => {
                let session = app.read().await.session_kept(&key.0, &key.1).await?;
                Ok(self.sessions.keep(key, Arc::new(session)))
            }
        }
    }

    /// The actions of which a person has denied all that they do, wherever in this call's session or in one above.
    pub(crate) async fn denied_whole(
        &self,
        app: &App,
        call: &Call,
        above: &[String],
    ) -> Result<Vec<Action>, StoreError> {
        let now = self.clock(app.clock()).now();
        let live = self.live(app, &call.user).await?;
        let mut denied = live.denied_whole(call, now);
        denied.extend(in_each(call, above).flat_map(|call| live.denied_whole(&call, now)));
        denied.sort_by_cached_key(Action::to_string);
        denied.dedup();
        Ok(denied)
    }

    /// What a person has denied in the sessions above a sub-agent's, as it stands in its own: it gets no more than the
    /// agents above.
    pub(crate) async fn denied_above(
        &self,
        app: &App,
        call: &Call,
        above: &[String],
    ) -> Result<Vec<Grant>, StoreError> {
        if above.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock(app.clock()).now();
        let live = self.live(app, &call.user).await?;
        let found = in_each(call, above).flat_map(|call| live.of(&call, now));
        let denials = found.filter(|grant| grant.effect == Effect::Deny && grant.reach.scope == Scope::Session);
        Ok(denials
            .map(|mut grant| {
                grant.reach.session = Some(call.session_key());
                grant
            })
            .collect())
    }

    async fn has_questions(&self, app: &App, key: &(String, String)) -> Result<bool, StoreError> {
        match self.questions.of(key) {
            Some(has_questions) => Ok(has_questions),
            None => {
                let has_questions = app.read().await.has_questions(&key.0, &key.1).await?;
                Ok(self.questions.keep(key.clone(), has_questions))
            }
        }
    }

    async fn live(&self, app: &App, user: &str) -> Result<Arc<LiveGrants>, StoreError> {
        Ok(match self.grants.of(user) {
            Some(live) => live,
            None => {
                let mut store = app.read().await;
                // Another may have read them while this one waited for the reader.
                match self.grants.of(user) {
                    Some(live) => live,
                    None => {
                        let live = store.live_grants(user).await?;
                        self.grants.keep(user.to_owned(), Arc::new(live))
                    }
                }
            }
        })
    }
}

/// The call as it would be in each of these sessions.
fn in_each(call: &Call, sessions: &[String]) -> impl Iterator<Item = Call> {
    sessions.iter().filter_map(|key| key.split_once(':')).map(|(host, session)| Call {
        host: host.to_owned(),
        session: session.to_owned(),
        turn: None,
        ..call.clone()
    })
}

impl<K: Eq + Hash, V: Clone> Part<K, V> {
    fn new() -> Arc<Part<K, V>> {
        Arc::new(Part { kept: SyncMutex::default() })
    }

    fn of<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.kept.lock().ok()?.get(key).cloned()
    }

    fn keep(&self, key: K, value: V) -> V {
        if let Ok(mut kept) = self.kept.lock() {
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(key, value.clone());
        }
        value
    }
}
