//! Two processes at once: two connections in two threads.

use std::sync::Barrier;
use std::thread;

use countersign_policy::Scope;
use countersign_policy::approval::{Outcome, Refusal};
use countersign_service::block_on::block_on;
use countersign_service::store::{Open, RedeemError, ReplyError, Store};

use crate::support::{NOON, Place, always, ask, judge, once, policy, reply, shell};

const ROUNDS: usize = 200;

/// Runs both at the same moment, each on its own connection.
fn both<T: Send>(
    stores: &mut (Store, Store),
    one: impl FnOnce(&mut Store) -> T + Send,
    two: impl FnOnce(&mut Store) -> T + Send,
) -> (T, T) {
    let barrier = Barrier::new(2);
    let (first, second) = (&mut stores.0, &mut stores.1);
    thread::scope(|scope| {
        let barrier = &barrier;
        let one = scope.spawn(move || {
            barrier.wait();
            one(first)
        });
        let two = scope.spawn(move || {
            barrier.wait();
            two(second)
        });
        (one.join().unwrap(), two.join().unwrap())
    })
}

#[test]
fn asked_once_answered_once_redeemed_once() {
    let place = Place::new();
    let mut stores = (place.open(), place.open());
    let policy = policy(Vec::new());
    let (mut yes, mut no) = (0, 0);
    for round in 0..ROUNDS {
        let call = shell(&format!("make target-{round}"));
        let (one, two) =
            both(&mut stores, |store| ask(store, &policy, &call, NOON), |store| ask(store, &policy, &call, NOON));
        assert_eq!(one.record.approval.id, two.record.approval.id);
        assert!(one.joined != two.joined);

        let allow = always(&one, Outcome::Allow, Scope::Session, 0);
        let deny = always(&one, Outcome::Deny, Scope::Session, 0);
        let replies =
            both(&mut stores, |store| reply(store, &policy, &allow, NOON), |store| reply(store, &policy, &deny, NOON));
        let allowed = match &replies {
            (Ok(_), Err(ReplyError::Refused(Refusal::Answered(first)))) => first.outcome == Outcome::Allow,
            (Err(ReplyError::Refused(Refusal::Answered(first))), Ok(_)) => first.outcome == Outcome::Allow,
            other => unreachable!("round {round}: {other:?}"),
        };
        let grants = block_on(stores.0.grants_for(&call, NOON)).unwrap();
        assert_eq!(grants.len(), 1, "round {round}");
        if !allowed {
            no += 1;
            continue;
        }
        yes += 1;
        let id = &one.record.approval.id;
        let redeemed = both(
            &mut stores,
            |store| block_on(store.redeem(id, &call, NOON, &judge(&policy))),
            |store| block_on(store.redeem(id, &call, NOON, &judge(&policy))),
        );
        assert!(
            matches!(
                &redeemed,
                (Ok(_), Err(RedeemError::Refused(Refusal::Redeemed)))
                    | (Err(RedeemError::Refused(Refusal::Redeemed)), Ok(_))
            ),
            "round {round}: {redeemed:?}"
        );
    }
    // Each side won at times, or this was no race.
    assert!(yes > 0 && no > 0, "{yes} {no}");
}

#[test]
fn cancelled_or_redeemed_but_not_both() {
    let place = Place::new();
    let mut stores = (place.open(), place.open());
    let policy = policy(Vec::new());
    for round in 0..ROUNDS {
        let call = shell(&format!("make target-{round}"));
        let id = ask(&mut stores.0, &policy, &call, NOON).record.approval.id;
        reply(&mut stores.0, &policy, &once(&id, Outcome::Allow), NOON).unwrap();
        let (redeemed, cancelled) = both(
            &mut stores,
            |store| block_on(store.redeem(&id, &call, NOON, &judge(&policy))).is_ok(),
            |store| !block_on(store.end_session("ana", &call.session_key(), "ana", NOON)).unwrap().is_empty(),
        );
        assert!(redeemed != cancelled, "round {round}");
    }
}

#[test]
fn many_make_the_store_at_once() {
    for _ in 0..20 {
        let place = Place::new();
        let path = place.path();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for number in 0..8 {
                let (path, barrier) = (&path, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let how = if number % 2 == 0 { Open::Hook } else { Open::Serve };
                    let mut store = block_on(Store::open(path, how)).unwrap();
                    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
                });
            }
        });
        let asked = block_on(place.open().open_questions(None, NOON)).unwrap();
        assert!(asked.len() == 1 && asked[0].approval.count == 8, "{asked:?}");
    }
}

#[test]
fn a_waiter_sees_that_something_was_written() {
    let place = Place::new();
    let (mut one, mut two) = (place.open(), place.open());
    let policy = policy(Vec::new());
    let before = block_on(one.version()).unwrap();
    assert_eq!(block_on(one.version()).unwrap(), before);
    let id = ask(&mut two, &policy, &shell("git push"), NOON).record.approval.id;
    let after = block_on(one.version()).unwrap();
    assert!(after > before);
    reply(&mut one, &policy, &once(&id, Outcome::Allow), NOON).unwrap();
    assert!(block_on(one.version()).unwrap() > after);
}

#[test]
fn a_dropped_future_writes_nothing_and_holds_nothing() {
    let place = Place::new();
    let (mut one, mut two) = (place.open(), place.open());
    let policy = policy(Vec::new());
    let call = shell("git push");
    let id = ask(&mut one, &policy, &call, NOON).record.approval.id;
    let yes = once(&id, Outcome::Allow);
    // Polled once, twice ... and dropped in the middle of the transaction.
    for polls in 1..40 {
        let judge = judge(&policy);
        let human = crate::support::ana();
        let mut future = Box::pin(one.reply(&yes, &human, NOON, &judge));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..polls {
            if future.as_mut().poll(&mut context).is_ready() {
                break;
            }
            thread::yield_now();
        }
        drop(future);
        block_on(two.log(&[], true, NOON)).unwrap();
        let grants = block_on(one.grants_for(&call, NOON)).unwrap();
        assert!(grants.is_empty());
    }
    // It was answered by one of them or is still open; either way the store goes on.
    let replied = reply(&mut two, &policy, &yes, NOON).unwrap();
    assert_eq!(replied.record.approval.id, id);
    block_on(two.redeem(&id, &call, NOON, &judge(&policy))).unwrap();
}
