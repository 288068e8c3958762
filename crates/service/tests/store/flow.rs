//! Ask, reply, redeem.

use countersign_policy::approval::{Outcome, Refusal, State};
use countersign_service::block_on::block_on;
use countersign_service::store::RedeemError;

use crate::support::{HOUR, NOON, Place, ana, ask, judge, once, policy, reply, shell};

#[test]
fn asked_allowed_redeemed_once() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let asked = ask(&mut store, &policy, &call, NOON);
    assert!(!asked.joined);
    let id = asked.record.approval.id.clone();

    let replied = reply(&mut store, &policy, &once(&id, Outcome::Allow), NOON.plus_seconds(1)).unwrap();
    assert!(replied.grants.is_empty() && !replied.repeated);
    let redeemed = block_on(store.redeem(&id, &call, NOON.plus_seconds(2), &judge(&policy))).unwrap();
    assert_eq!(redeemed.answer.approval, id);
    let again = block_on(store.redeem(&id, &call, NOON.plus_seconds(3), &judge(&policy)));
    assert!(matches!(again, Err(RedeemError::Refused(Refusal::Redeemed))), "{again:?}");
    let kinds: Vec<String> =
        block_on(store.audit_entries(&Default::default())).unwrap().into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["redeemed", "allowed", "asked"]);
    let _ = (HOUR, ana(), State::Open);
}
