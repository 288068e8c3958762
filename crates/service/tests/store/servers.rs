//! Servers that come and go over one store: who tells again of what is open, and how often.

use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::notify::Address;
use countersign_service::store::{OutboxMessage, Store, Via, WebhookRequest};

use crate::support::{HOUR, NOON, Place, ana, ask, policy, shell};

fn webhook(store: &mut Store) -> String {
    let request = WebhookRequest {
        name: "chat".to_owned(),
        address: Address::parse("https://hooks.example/").unwrap(),
        host: None,
        notices: true,
        resumes: false,
    };
    block_on(store.webhook_create(&request, "ana", &ana().via, NOON)).unwrap().webhook.id
}

fn messages(store: &mut Store, webhook: &str) -> Vec<OutboxMessage> {
    block_on(store.webhook_messages(webhook, "ana", None, 100)).unwrap().unwrap()
}

fn beat(store: &mut Store, id: &str, now: Timestamp) -> bool {
    block_on(store.server_beat(id, 30, now)).unwrap()
}

#[test]
fn asking_writes_what_is_to_be_told_in_the_same_transaction() {
    let place = Place::new();
    let (mut store, mut other) = (place.open(), place.open());
    let id = webhook(&mut store);
    let asked = ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    let written = messages(&mut other, &id);
    assert_eq!((written.len(), written[0].subject.as_str()), (1, asked.record.approval.id.as_str()));
    // The same question asked again is no new one.
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    assert_eq!(messages(&mut other, &id).len(), 1);
    block_on(store.webhook_remove(&id, "ana", &Via::Page, NOON)).unwrap();
    ask(&mut store, &policy(Vec::new()), &shell("git tag x"), NOON);
    let written = messages(&mut other, &id);
    assert_eq!((written.len(), written[0].state.as_str()), (1, "dropped"));
}

#[test]
fn of_two_that_find_one_gone_one_tells_again() {
    let place = Place::new();
    let (mut one, mut two) = (place.open(), place.open());
    assert!(!beat(&mut one, "old", NOON));
    let asked = ask(&mut one, &policy(Vec::new()), &shell("git push"), NOON);
    let id = asked.record.approval.id;
    // It may be there still.
    let early = NOON.plus_seconds(29);
    assert!(!beat(&mut one, "one", early) && !beat(&mut two, "two", early));
    assert_eq!(block_on(one.tell_again(early)).unwrap(), [""; 0]);
    let late = NOON.plus_seconds(30);
    assert!(beat(&mut one, "one", late) && beat(&mut two, "two", late));
    assert_eq!(block_on(two.tell_again(late)).unwrap(), [id]);
    assert_eq!(block_on(one.tell_again(late)).unwrap(), [""; 0]);
    assert!(!beat(&mut one, "one", late));
}

#[test]
fn a_server_that_was_there_beside_it_has_told_already() {
    let place = Place::new();
    let mut store = place.open();
    beat(&mut store, "old", NOON);
    beat(&mut store, "beside", NOON.plus_seconds(5));
    beat(&mut store, "old", NOON.plus_seconds(10));
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON.plus_seconds(11));
    beat(&mut store, "beside", NOON.plus_seconds(35));
    assert!(beat(&mut store, "beside", NOON.plus_seconds(40)));
    assert_eq!(block_on(store.tell_again(NOON.plus_seconds(40))).unwrap(), [""; 0]);
    // Then that one goes, too.
    beat(&mut store, "new", NOON.plus_seconds(60));
    assert!(beat(&mut store, "new", NOON.plus_seconds(71)));
    assert_eq!(block_on(store.tell_again(NOON.plus_seconds(71))).unwrap().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_neither_keeps_a_dead_server_nor_kills_a_live_one() {
    let place = Place::new();
    let mut store = place.open();
    let hour_before = |seconds: i64| NOON.plus_seconds(seconds - HOUR);
    beat(&mut store, "old", NOON);
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    // The clock is an hour behind from now on, and so is that of every process.
    drop(store);
    let mut store = place.open();
    assert!(!beat(&mut store, "new", hour_before(0)));
    drop(store);
    let mut store = place.open();
    assert!(!beat(&mut store, "new", hour_before(20)));
    assert!(beat(&mut store, "new", hour_before(31)), "thirty seconds are thirty seconds");
    assert_eq!(block_on(store.tell_again(hour_before(31))).unwrap().len(), 1);
    assert_eq!(block_on(store.servers(hour_before(31))).unwrap(), 1);
    // And forward again: the live one says so, and nobody is told once more.
    assert!(!beat(&mut store, "new", NOON.plus_seconds(60)));
    assert_eq!(block_on(store.tell_again(NOON.plus_seconds(60))).unwrap(), [""; 0]);
}

#[test]
fn what_has_not_been_taken_yet_is_not_written_twice() {
    let place = Place::new();
    let mut store = place.open();
    let id = webhook(&mut store);
    beat(&mut store, "old", NOON);
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    let later = NOON.plus_seconds(60);
    beat(&mut store, "new", later);
    assert_eq!(block_on(store.tell_again(later)).unwrap().len(), 1);
    assert_eq!(messages(&mut store, &id).len(), 1);
}
