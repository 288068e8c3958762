//! What an agent hears of its questions when the server or the disk fails it at the wrong moment.

use std::time::{Duration, Instant};

use countersign_service::block_on::block_on;
use countersign_service::store::{AuditFilter, Store};
use serde_json::{Value, json};

use crate::full::{limit, size};
use crate::house::{House, Server};
use crate::wire::Wire;

/// How long something may take to show in the store.
const PATIENCE: Duration = Duration::from_secs(30);

/// A turn was resumed, and the server killed before its agent had heard of it.
#[test]
fn a_turn_that_was_resumed_and_never_heard_of_is_found() {
    let house = House::new(1, 1);
    let server = house.serve(0);
    let port = server.address.port();
    let mut agent = Wire::new(server.address, &house.agents[0]);
    let mut turn = house.call("git push");
    (turn["calls"], turn["on_ask"]) = (json!([{ "id": "u1", "tool": "shell", "args": turn["args"] }]), json!("defer"));
    turn.as_object_mut().unwrap().retain(|name, _| name != "tool" && name != "args");
    let asked = agent.call("POST", "/v1/turns", Some(&turn)).unwrap();
    let (batch, id) = (asked.text("/batch/id").to_owned(), asked.text("/calls/0/approval/id").to_owned());
    reply(&house, &server, &id, &json!({ "outcome": "allow" }));
    // It waits on its stream, and never comes to read what is sent.
    agent.send("GET", "/v1/resumes", None).unwrap();
    until(&mut house.store(), "resumed");
    drop(server);
    drop(agent);

    let server = house.serve(port);
    let mut agent = Wire::new(server.address, &house.agents[0]);
    let list = |agent: &mut Wire, state: &str| {
        let heard = agent.call("GET", &format!("/v1/batches?state={state}"), None).unwrap();
        assert_eq!(heard.status, 200, "{heard:?}");
        heard.body
    };
    assert_eq!(list(&mut agent, "ready"), json!([]));
    let found = list(&mut agent, "resumed");
    assert_eq!((&found[0]["id"], &found[0]["outcomes"][0]["outcome"]), (&json!(batch), &json!("approved")), "{found}");
    let redeem = format!("/v1/approvals/{id}/redeem");
    let redeemed = agent.call("POST", &redeem, Some(&house.call("git push"))).unwrap();
    assert_eq!((redeemed.status, redeemed.text("/effect")), (200, "allow"), "{redeemed:?}");
    server.terminate();
}

/// To be told a no took a note in the store, and where that had no room, a fault was all that an agent heard.
#[test]
fn a_no_is_told_on_a_full_disk() {
    let house = House::new(1, 1);
    let server = house.serve(0);
    let mut agent = Wire::new(server.address, &house.agents[0]);
    let asked = agent.call("POST", "/v1/ask", Some(&house.call("git push"))).unwrap();
    let id = asked.text("/approval/id").to_owned();
    reply(&house, &server, &id, &json!({ "outcome": "deny", "feedback": "not today" }));
    limit(&server, Some(size(&house)));
    // Nothing can be written. That the limit is one of this process and not the disk's is all the store knows of it.
    let other = agent.call("POST", "/v1/ask", Some(&house.call(&format!("git push {}", "x".repeat(20_000))))).unwrap();
    assert_eq!((other.status, other.text("/code")), (500, "internal"), "{other:?}");
    for _ in 0..2 {
        let told = agent.call("GET", &format!("/v1/approvals/{id}/wait?seconds=5"), None).unwrap();
        assert_eq!(
            (told.status, told.text("/state"), told.text("/feedback")),
            (200, "denied", "not today"),
            "{told:?}"
        );
    }
    limit(&server, None);
    let told = agent.call("GET", &format!("/v1/approvals/{id}/wait?seconds=5"), None).unwrap();
    assert_eq!((told.status, told.text("/state")), (200, "denied"), "{told:?}");
    server.terminate();
}

fn reply(house: &House, server: &Server, id: &str, reply: &Value) {
    let mut human = Wire::new(server.address, &house.people[0]);
    let heard = human.call("POST", &format!("/v1/approvals/{id}/reply"), Some(reply)).unwrap();
    assert_eq!(heard.status, 200, "{heard:?}");
}

/// Waits until that is on record.
fn until(store: &mut Store, kind: &str) {
    let began = Instant::now();
    let filter = AuditFilter { kind: Some(kind.to_owned()), ..AuditFilter::default() };
    while block_on(store.audit_entries(&filter)).unwrap().is_empty() {
        assert!(began.elapsed() < PATIENCE, "`{kind}` is not on record");
        std::thread::sleep(Duration::from_millis(2));
    }
}
