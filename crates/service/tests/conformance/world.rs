//! A store with a policy, and those who come to it: agents, humans, time.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::sync::OnceLock;

use countersign_engine::Engine;
use countersign_policy::approval::{CancelReason, Outcome};
use countersign_policy::{Answer, Call, Decision, Grant, Offer, Policy, Question, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::{self, Gate, HostId};
use countersign_service::store::{
    Ask, AskTurn, Asked, AskedTurn, GrantFilter, Human, KeptGrant, Open, Record, RecordFilter, RedeemError, Remembered,
    Replied, Reply, ReplyError, Store, Withdraw,
};

/// A store in which nothing has been written yet: to make its tables takes longer than most cases.
static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();

fn empty() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/countersign.db");
    let store = block_on(Store::open(&path, Open::Cli)).unwrap();
    block_on(store.close()).unwrap();
    std::fs::read(&path).unwrap()
}

/// The most questions that a session of a case has open.
const MOST_OPEN: u32 = 100;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    /// Goes with the case.
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(policy: Policy) -> World {
        // In memory where there is such a place: hundreds of cases wait for a disk otherwise, and none is about it.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("data/countersign.db");
        DirBuilder::new().mode(0o700).create(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(EMPTY.get_or_init(empty)).unwrap();
        let store = block_on(Store::open(&path, Open::Cli)).unwrap();
        let engine = Engine::new(policy);
        World { store, engine, now: Timestamp(1_800_000_000_000), _folder: folder }
    }

    /// A moment later: what comes after something has a later time.
    pub(crate) fn pass(&mut self) -> Timestamp {
        self.now = Timestamp(self.now.0 + 1);
        self.now
    }

    /// An agent comes with a call; with the same call again it is the same call, and counts once.
    pub(crate) fn gate(&mut self, call: &Call) -> Gate {
        self.gate_as(&mut call.clone(), &call.digest().0)
    }

    /// The same under the host's own id of the call. What the store knows of the session is filled in.
    pub(crate) fn gate_as(&mut self, call: &mut Call, id: &str) -> Gate {
        let now = self.pass();
        let id = HostId::told(Some(id));
        block_on(gate::decide(&mut self.store, &self.engine, &Disk, call, id, now)).unwrap()
    }

    /// An agent asks about one call.
    pub(crate) fn ask(&mut self, call: &Call, question: &Question) -> Asked {
        let now = self.pass();
        let ask = Ask { call, question, max_open: MOST_OPEN, deferred: false };
        block_on(self.store.ask(&ask, now)).unwrap()
    }

    /// An agent asks about the calls of a turn, each with the host's id of it; `deferred`: and ends the turn with them.
    pub(crate) fn ask_turn(&mut self, asks: &[(String, Call, Question)], deferred: bool) -> AskedTurn {
        let now = self.pass();
        let ask = |(id, call, question)| (id, Ask { call, question, max_open: MOST_OPEN, deferred });
        let asks = asks.iter().map(|(id, call, question)| ask((&**id, call, question))).collect();
        block_on(self.store.ask_turn(&AskTurn { asks }, None, now)).unwrap()
    }

    /// A human answers, by the policy of this moment.
    pub(crate) fn reply(&mut self, reply: &Reply) -> Result<Replied, ReplyError> {
        let now = self.pass();
        let engine = &self.engine;
        let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp| -> Decision {
            engine.decide(grants, answer, call, now)
        };
        let human = Human { user: USER.to_owned(), via: "api".to_owned() };
        block_on(self.store.reply(reply, &human, now, &recheck))
    }

    /// An agent comes for a yes with the call that it is for; what policy says of it then.
    pub(crate) fn redeem(&mut self, id: &str, call: &Call) -> Result<Decision, RedeemError> {
        let now = self.pass();
        let engine = &self.engine;
        let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp| -> Decision {
            engine.decide(grants, answer, call, now)
        };
        block_on(self.store.redeem(id, call, now, &recheck)).map(|redeemed| redeemed.decision)
    }

    /// An agent that waits is told of a no.
    pub(crate) fn tell(&mut self, id: &str) {
        let now = self.pass();
        block_on(self.store.tell(id, now)).unwrap();
    }

    /// Questions are withdrawn.
    pub(crate) fn withdraw(&mut self, which: &Withdraw, reason: CancelReason) -> Vec<String> {
        let now = self.pass();
        block_on(self.store.cancel(which, USER, reason, now)).unwrap()
    }

    pub(crate) fn record(&mut self, id: &str) -> Record {
        block_on(self.store.record(id)).unwrap().unwrap()
    }

    /// Every question, the oldest first.
    pub(crate) fn records(&mut self) -> Vec<Record> {
        let filter = RecordFilter { limit: 1000, ..RecordFilter::default() };
        let mut records = block_on(self.store.records(&filter)).unwrap();
        records.reverse();
        records
    }

    /// Every grant that counts, the oldest first.
    pub(crate) fn grants(&mut self) -> Vec<KeptGrant> {
        let now = self.now;
        let filter = GrantFilter { limit: 1000, ..GrantFilter::default() };
        let mut grants = block_on(self.store.grants(&filter, now)).unwrap();
        grants.reverse();
        grants
    }
}

/// The user of every call and reply: [`crate::imported::call`]'s.
pub(crate) const USER: &str = "u";

/// An answer to this once.
pub(crate) fn once(id: &str, outcome: Outcome) -> Reply {
    Reply {
        approval: id.to_owned(),
        outcome,
        remember: Vec::new(),
        scope: Scope::Once,
        expires: None,
        feedback: None,
        also: Vec::new(),
        edited: None,
        cascade: false,
    }
}

/// The question with these offers for the first part that asks, and no others.
pub(crate) fn offering(mut question: Question, offers: Vec<Offer>) -> Question {
    for part in &mut question.parts {
        part.offers.clear();
    }
    if let Some(part) = question.parts.iter_mut().find(|part| part.effect == countersign_policy::Effect::Ask) {
        part.offers = offers;
    }
    question
}

/// All that a question offers.
pub(crate) fn all_offers(question: &Question) -> Vec<Remembered> {
    let of_part = |part: &countersign_policy::Part| {
        let identity = part.identity.clone();
        let remembered = |offer: &Offer| Remembered { identity: identity.clone(), resource: offer.resource.clone() };
        part.offers.iter().map(remembered).collect::<Vec<_>>()
    };
    question.parts.iter().flat_map(of_part).collect()
}
