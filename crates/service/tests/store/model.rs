//! The store against a naive model: a list of approvals, and `policy::approval::step`.

use countersign_policy::approval::{self, Answered, Approval, Asker, Asking, CancelReason, Event, Outcome, State};
use countersign_policy::{Call, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::store::{Ask, AskError, Store, Withdraw};
use proptest::prelude::*;

use crate::support::{NOON, Place, ana, judge, once, policy, question, shell};

const MOST_OPEN: u32 = 2;

/// What may happen. Calls are numbered; `question` counts the questions back from the newest.
#[derive(Debug, Clone)]
enum Step {
    Ask { call: usize },
    Reply { question: usize, allow: bool, feedback: bool },
    Redeem { question: usize, call: usize },
    Tell { question: usize },
    Withdraw { question: usize, call: usize },
    EndTurn { call: usize },
    EndSession { call: usize },
    Expire,
    Wait { seconds: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = 0..CALLS;
    let question = 0..3_usize;
    let step = prop_oneof![
        4 => call.clone().prop_map(|call| Step::Ask { call }),
        4 => (question.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(question, allow, feedback)| Step::Reply { question, allow, feedback }),
        4 => (question.clone(), call.clone()).prop_map(|(question, call)| Step::Redeem { question, call }),
        1 => question.clone().prop_map(|question| Step::Tell { question }),
        1 => (question, call.clone()).prop_map(|(question, call)| Step::Withdraw { question, call }),
        1 => call.clone().prop_map(|call| Step::EndTurn { call }),
        1 => call.prop_map(|call| Step::EndSession { call }),
        1 => Just(Step::Expire),
        2 => prop_oneof![1..400_i64, 80_000..90_000_i64].prop_map(|seconds| Step::Wait { seconds }),
    ];
    proptest::collection::vec(step, 1..40)
}

const CALLS: usize = 5;

/// Two commands of one turn, one of the next, one of another session, one of a sub-agent.
fn call(number: usize) -> Call {
    let mut call = shell(if number == 1 { "make test" } else { "make" });
    match number {
        2 => call.turn = Some("t2".into()),
        3 => call.session = "s2".into(),
        4 => call.agent = Some("helper".into()),
        _ => {}
    }
    call
}

#[derive(Default)]
struct Model {
    approvals: Vec<Approval>,
}

impl Model {
    /// An event for one; what is refused changes nothing.
    fn step(&mut self, at: usize, event: Event, now: Timestamp) -> bool {
        match approval::step(&self.approvals[at], event, now) {
            Ok((next, _)) => {
                self.approvals[at] = next;
                true
            }
            Err(_) => false,
        }
    }

    fn tick(&mut self, now: Timestamp) {
        for at in 0..self.approvals.len() {
            self.step(at, Event::Tick, now);
        }
    }

    fn withdraw(&mut self, reason: CancelReason, now: Timestamp, which: impl Fn(&Approval) -> bool) {
        for at in 0..self.approvals.len() {
            if which(&self.approvals[at]) {
                self.step(at, Event::Cancel(reason), now);
            }
        }
    }

    /// The newest that its agent has not come for.
    fn pending(&self, call: &Call) -> Option<usize> {
        let (digest, asker) = (call.digest(), Asker::of(call));
        self.approvals.iter().rposition(|approval| {
            let waits =
                matches!(approval.state, State::Open | State::Allowed { .. } | State::Denied { told: false, .. });
            waits
                && approval.digest == digest
                && approval.asker.user == asker.user
                && approval.asker.session == asker.session
        })
    }

    fn open_of(&self, call: &Call) -> usize {
        let of = |approval: &&Approval| approval.asker.session == call.session_key() && approval.state == State::Open;
        self.approvals.iter().filter(of).count()
    }
}

fn run(store: &mut Store, model: &mut Model, steps: &[Step]) -> Result<(), TestCaseError> {
    let policy = policy(Vec::new());
    let mut now = NOON;
    for step in steps {
        model.tick(now);
        let newest = model.approvals.len();
        let at = |back: usize| newest.checked_sub(back + 1);
        match step {
            Step::Wait { seconds } => now = now.plus_seconds(*seconds),
            Step::Expire => {
                block_on(store.expire(now)).unwrap();
            }
            Step::Ask { call: number } => {
                let call = call(*number);
                let question = question(&call, &judge(&policy)(&call, None, &[], now));
                let asked = block_on(
                    store.ask(&Ask { call: &call, question: &question, max_open: MOST_OPEN, deferred: false }, now),
                );
                match (asked, model.pending(&call)) {
                    (Ok(asked), Some(at)) => {
                        prop_assert!(asked.joined);
                        prop_assert_eq!(&asked.record.approval.id, &model.approvals[at].id);
                        model.step(at, Event::Join { deferred: false }, now);
                    }
                    (Ok(asked), None) => {
                        prop_assert!(!asked.joined && model.open_of(&call) < MOST_OPEN as usize);
                        let id = asked.record.approval.id;
                        let asking = Asking { id, digest: call.digest(), asker: Asker::of(&call), deferred: false };
                        model.approvals.push(approval::open(asking, now).0);
                    }
                    (Err(AskError::TooMany { .. }), None) => prop_assert!(model.open_of(&call) >= MOST_OPEN as usize),
                    (other, _) => prop_assert!(false, "{other:?}"),
                }
            }
            Step::Reply { question, allow, feedback } => {
                let Some(at) = at(*question) else { continue };
                let outcome = if *allow { Outcome::Allow } else { Outcome::Deny };
                let mut reply = once(&model.approvals[at].id, outcome);
                reply.feedback = feedback.then(|| "so".to_owned());
                let replied = block_on(store.reply(&reply, &ana(), now, &judge(&policy)));
                let shown = match &replied {
                    Ok(replied) => replied.record.question.parts.iter().map(|part| part.identity.clone()).collect(),
                    Err(_) => Vec::new(),
                };
                let answered =
                    Answered { outcome, by: "ana".into(), at: now, feedback: reply.feedback, shown, edited: None };
                prop_assert_eq!(replied.is_ok(), model.step(at, Event::Reply(answered), now), "{:?}", replied);
            }
            Step::Redeem { question, call: number } => {
                let Some(at) = at(*question) else { continue };
                let call = call(*number);
                let redeemed = block_on(store.redeem(&model.approvals[at].id, &call, now, &judge(&policy)));
                let event = Event::Redeem { digest: call.digest(), asker: Asker::of(&call), key: None };
                prop_assert_eq!(redeemed.is_ok(), model.step(at, event, now), "{:?}", redeemed);
            }
            Step::Tell { question } => {
                let Some(at) = at(*question) else { continue };
                block_on(store.tell(&model.approvals[at].id, now)).unwrap();
                model.step(at, Event::Tell, now);
            }
            Step::Withdraw { question, call: number } => {
                let Some(at) = at(*question) else { continue };
                let (id, asker) = (model.approvals[at].id.clone(), Asker::of(&call(*number)));
                let own = Withdraw::Own { id: id.clone(), asker: asker.clone() };
                block_on(store.cancel(&own, "agent", CancelReason::Agent, now)).unwrap();
                let own = |one: &Approval| {
                    one.id == id && one.asker.session == asker.session && one.asker.agent == asker.agent
                };
                model.withdraw(CancelReason::Agent, now, own);
            }
            Step::EndTurn { call: number } => {
                let Asker { user, session, turn, .. } = Asker::of(&call(*number));
                let which = Withdraw::Turn { user, session: session.clone(), turn: turn.clone().unwrap() };
                block_on(store.cancel(&which, "ana", CancelReason::Stop, now)).unwrap();
                let of = |one: &Approval| one.asker.session == session && one.asker.turn == turn;
                model.withdraw(CancelReason::Stop, now, of);
            }
            Step::EndSession { call: number } => {
                let session = call(*number).session_key();
                block_on(store.end_session("ana", &session, "host", now)).unwrap();
                model.withdraw(CancelReason::SessionEnd, now, |one| one.asker.session == session);
            }
        }
        agree(store, model, now)?;
    }
    Ok(())
}

/// Every question is in the model's state. Time may have ended some that the store has not looked at yet.
fn agree(store: &mut Store, model: &mut Model, now: Timestamp) -> Result<(), TestCaseError> {
    model.tick(now);
    for expected in &model.approvals {
        let mut found = block_on(store.record(&expected.id)).unwrap().unwrap().approval;
        if let Ok((ticked, _)) = approval::step(&found, Event::Tick, now) {
            found = ticked;
        }
        match (&found.state, &expected.state) {
            (State::Expired { .. }, State::Expired { .. }) => {}
            (found, expected) => prop_assert_eq!(found, expected),
        }
        prop_assert_eq!(found.count, expected.count);
    }
    for number in 0..CALLS {
        let call = call(number);
        let found = block_on(store.find(&call.digest(), &Asker::of(&call), now)).unwrap();
        let expected = model.pending(&call).map(|at| model.approvals[at].id.clone());
        prop_assert_eq!(found.map(|record| record.approval.id), expected);
    }
    let open = block_on(store.open_questions(None, now)).unwrap().len();
    prop_assert_eq!(open, model.approvals.iter().filter(|approval| approval.state == State::Open).count());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_the_state_machine(steps in steps()) {
        let place = Place::new();
        run(&mut place.open(), &mut Model::default(), &steps)?;
    }
}
