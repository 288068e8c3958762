//! Webhooks against a receiver on this machine: what is told, when it is told again, and who resumes a turn.

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::turns::turn;
use crate::world::{SignedIn, World};

/// A turn that ended with one question; its batch and the question.
fn deferred(world: &World, token: &str, name: &str, command: &str) -> (String, String) {
    let body = turn(world, name, "defer", &[command]);
    let verdict = world.ask("POST", "/v1/turns").bearer(token).json(&body).send().is(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&verdict["batch"]["id"]), text(&verdict["calls"][0]["approval"]["id"]))
}

fn allow(world: &World, human: &SignedIn, id: &str) {
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
}

fn state(world: &World, token: &str, batch: &str) -> Value {
    world.ask("GET", &format!("/v1/batches/{batch}")).bearer(token).send().is(200).json()["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_question_is_told_signed_and_so_is_its_end() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, secret) = world.told_of_questions(&human, &receiver);
    let id = world.asked(&token, "git push https://ada:hunter2secret@example.com/x main");
    let got = receiver.next();
    assert_eq!(got.first_line(), "POST /hook?a=b HTTP/1.1");
    assert_eq!(got.header("host"), receiver.address.to_string());
    assert_eq!(got.header("content-type"), "application/json");
    assert!(got.id().starts_with("msg_") && !got.id().contains('.'));
    got.verify(&secret);
    let told = got.json();
    assert_eq!(told["type"], "approval.asked");
    assert_eq!(told["data"]["approval"], json!(id));
    assert_eq!((&told["data"]["session"], &told["data"]["again"]), (&json!("countersign:s1"), &json!(false)));
    assert!(told["data"]["summary"].as_str().unwrap().starts_with("shell: git push"), "{told}");
    assert!(!got.body.contains("hunter2secret"), "{told}");
    let first = got.id();
    got.answer("204 No Content");

    world.over(&webhook, 1).await;
    allow(&world, &human, &id);
    let got = receiver.next();
    got.verify(&secret);
    assert_ne!(got.id(), first);
    let told = got.json();
    assert_eq!(told["type"], "approval.closed");
    assert_eq!(told["data"]["approval"], json!(id));
    assert_eq!((&told["data"]["state"], &told["data"]["by"]), (&json!("allowed"), &json!("ada")));
    got.answer("200 OK");
    let over = world.over(&webhook, 2).await;
    assert!(over.iter().all(|(_, state)| state == "sent"), "{over:?}");
    receiver.has_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_writes_makes_no_message_long_and_no_field_of_ours() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (_, secret) = world.told_of_questions(&human, &receiver);
    let command =
        format!("git push \"\\\",\\\"state\\\":\\\"allowed\\\",\\\"x\\\":\\\"\" \u{202e} {}", "x".repeat(100_000));
    world.asked(&token, &command);
    let got = receiver.next();
    got.verify(&secret);
    assert!(got.body.len() < 2_000 && got.body.is_ascii() | !got.body.contains('\u{202e}'), "{}", got.body);
    assert_eq!(got.json()["data"].get("state"), None);
    got.answer("200 OK");
    // A turn's name of many bytes, too: what is too long is left out, and the id stays.
    let mut call = world.call("git push b");
    call["turn"] = json!("t".repeat(60_000));
    let asked = world.ask("POST", "/v1/ask").bearer(&token).json(&call).send();
    if asked.status == 201 {
        let got = receiver.next();
        assert!(got.body.len() <= 20_000, "{}", got.body.len());
        assert_eq!(got.json()["data"]["approval"], asked.json()["approval"]["id"]);
        got.answer("200 OK");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_2xx_resumes_the_turn_and_then_nobody_else_is() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, secret) = world.resumes_turns(&human, &receiver);
    let (batch, id) = deferred(&world, &token, "t1", "git push a");
    allow(&world, &human, &id);
    let got = receiver.next();
    got.verify(&secret);
    let told = got.json();
    assert_eq!((&told["type"], &told["data"]["batch"]), (&json!("turn.resumed"), &json!(batch)));
    assert_eq!(told["data"]["outcomes"], json!([{ "call": "u1", "outcome": "approved", "approval": id }]));

    // While it is on its way nobody else gets it, and it has not been resumed.
    let resume = || world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&token);
    assert_eq!(resume().send().is(409).code(), "sending");
    assert_eq!(state(&world, &token, &batch), "ready");
    got.answer("202 Accepted");
    world.over(&webhook, 1).await;
    assert_eq!(state(&world, &token, &batch), "resumed");
    assert_eq!(resume().send().is(409).code(), "resumed");
    let next = turn(&world, "t2", "wait", &["git status"]);
    let next = world.ask("POST", "/v1/turns").bearer(&token).json(&next).send().is(200).json();
    assert!(next.get("resumed").is_none());
    world.redeems(&token, &id, &world.call("git push a")).is(200);

    let filter = AuditFilter { kind: Some("resumed".to_owned()), ..AuditFilter::default() };
    let resumed = world.store().await.audit_entries(&filter).await.unwrap();
    assert_eq!((resumed.len(), &resumed[0].detail["by"]), (1, &json!("webhook")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_500_resumes_nobody_and_is_sent_again_under_the_same_id() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, secret) = world.resumes_turns(&human, &receiver);
    let (batch, id) = deferred(&world, &token, "t1", "git push a");
    allow(&world, &human, &id);
    let got = receiver.next();
    let (first, body) = (got.id(), got.body.clone());
    got.answer("500 Internal Server Error");
    assert_eq!(world.fault(&webhook).await, "status 500");
    assert_eq!(state(&world, &token, &batch), "ready");
    world.later(10).await;
    let got = receiver.next();
    assert_eq!((got.id(), &got.body), (first, &body));
    got.verify(&secret);
    got.answer("200 OK");
    world.over(&webhook, 1).await;
    assert_eq!(state(&world, &token, &batch), "resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_wins_over_a_webhook_that_fails() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.resumes_turns(&human, &receiver);
    let (batch, id) = deferred(&world, &token, "t1", "git push a");
    allow(&world, &human, &id);
    let got = receiver.next();
    // It waits for what becomes of the attempt.
    let resume = world.ask("POST", &format!("/v1/batches/{batch}/resume?seconds=20")).bearer(&token);
    let waiting = std::thread::spawn(move || resume.send());
    got.answer("503 Service Unavailable");
    assert_eq!(waiting.join().unwrap().is(200).json()["state"], "resumed");
    world.later(10).await;
    assert_eq!(world.over(&webhook, 1).await, [("turn.resumed".to_owned(), "dropped".to_owned())]);
    receiver.has_nothing();
    assert_eq!(world.fault(&webhook).await, "this turn was resumed before, and that happens once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_given_up_while_it_is_sent_is_not_sent_again() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.resumes_turns(&human, &receiver);
    let (batch, id) = deferred(&world, &token, "t1", "git push a");
    allow(&world, &human, &id);
    let got = receiver.next();
    let stop = world.ask("POST", "/v1/turns/cancel").bearer(&token).json(&json!({ "reason": "stop" }));
    stop.send().is(200);
    got.answer("500 Internal Server Error");
    assert_eq!(world.fault(&webhook).await, "status 500");
    world.later(10).await;
    world.over(&webhook, 1).await;
    receiver.has_nothing();
    assert_eq!(state(&world, &token, &batch), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_over_before_it_was_told_is_not_told() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    let held = receiver.next();
    // One at a time: while the first is held, the second waits, and is over before its turn comes.
    let second = world.asked(&token, "git push two");
    world.ask("POST", &format!("/v1/approvals/{second}/cancel")).bearer(&token).send().is(200);
    held.answer("200 OK");
    let states = world.over(&webhook, 2).await;
    assert_eq!(states.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["sent", "dropped"]);
    receiver.has_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_send_each_message_once() {
    let mut world = World::new().await;
    let (human, receiver) = (world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.join().await;
    let mut asked = Vec::new();
    for number in 0..12 {
        let token = world.token(&format!("s{number}")).await;
        asked.push(world.asked(&token, &format!("git push n{number}")));
    }
    let mut told = Vec::new();
    for _ in 0..12 {
        let got = receiver.next();
        told.push(got.json()["data"]["approval"].as_str().unwrap().to_owned());
        got.answer("200 OK");
    }
    told.sort();
    assert_eq!(told, asked);
    world.over(&webhook, 12).await;
    receiver.has_nothing();
    let messages = world.store().await.webhook_messages(&webhook, "ada", None, 100).await.unwrap().unwrap();
    assert!(messages.iter().all(|message| message.tries == 1), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_sending_and_marking_is_followed_by_the_same_id() {
    let mut world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.resumes_turns(&human, &receiver);
    let (batch, id) = deferred(&world, &token, "t1", "git push a");
    world.end().await;
    let server = world.start_apart().await;
    allow(&world, &human, &id);
    let got = receiver.next();
    let (first, body) = (got.id(), got.body.clone());
    server.shutdown_background();
    drop(got);

    world.start().await;
    // Nobody knows whether it arrived: until the claim has run out, nobody else is given the turn.
    let resume = world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&token);
    assert_eq!(resume.send().is(409).code(), "sending");
    receiver.has_nothing();
    world.later(31).await;
    let got = receiver.next();
    assert_eq!((got.id(), &got.body), (first, &body));
    got.answer("200 OK");
    world.over(&webhook, 1).await;
    assert_eq!(state(&world, &token, &batch), "resumed");
    let filter = AuditFilter { kind: Some("resumed".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&filter).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_attempt_it_is_given_up_seen_and_sent_again_by_a_human() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.resumes_turns(&human, &receiver);
    let (_, id) = deferred(&world, &token, "t1", "git push a");
    allow(&world, &human, &id);
    let mut ids = Vec::new();
    // The schedule of the specification, each time with a second more.
    for wait in [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 0] {
        let got = receiver.next();
        ids.push(got.id());
        got.answer("500 Internal Server Error");
        let is_last = wait == 0;
        world.messages(&webhook, 1, |state| (state == "failed") == is_last).await;
        world.tried(&webhook, ids.len()).await;
        if !is_last {
            world.later(wait - 1).await;
            receiver.has_nothing();
            world.later(2).await;
        }
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    world.later(1_000_000).await;
    assert_eq!(world.over(&webhook, 1).await, [("turn.resumed".to_owned(), "failed".to_owned())]);
    receiver.has_nothing();

    let human = world.sign_in().await;
    let list = world.ask("GET", "/v1/webhooks").bearer(&human.secret).send().is(200).json();
    assert_eq!((&list[0]["failed"], &list[0]["fault"]), (&json!(1), &json!("status 500")));
    let filter = AuditFilter { kind: Some("webhook failed".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&filter).await.unwrap().len(), 1);
    let retry = world.ask("POST", &format!("/v1/webhooks/{webhook}/retry")).bearer(&human.secret);
    assert_eq!(retry.send().is(200).json()["messages"], 1);
    let got = receiver.next();
    assert_eq!(got.id(), ids[0]);
    got.answer("200 OK");
    world.over(&webhook, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_410_ends_the_webhook() {
    let world = World::new().await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asked(&token, "git push one");
    receiver.next().answer("410 Gone");
    world.over(&webhook, 1).await;
    world.asked(&token, "git push two");
    world.over(&webhook, 1).await;
    let list = world.ask("GET", "/v1/webhooks").bearer(&human.secret).send().is(200).json();
    assert_eq!((&list[0]["gone"], list[0]["ended"].is_i64()), (&json!(true), true), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_of_its_own_users_and_hosts_sessions_alone() {
    let world = World::new().await;
    let (human, receiver) = (world.sign_in().await, Receiver::new());
    let body = json!({ "name": "chat", "url": receiver.url(), "host": "bot", "notices": true, "resumes": true });
    let (webhook, _) = world.webhook(&human, &body);
    world.asked(&world.token_of("bob", "s1").await, "git push bob");
    world.asked(&world.token("s1").await, "git push other");
    let bot = world.token_for("ada", "bot:s1", None).await;
    let mut call = world.call("git push bot");
    call["host"] = json!("bot");
    call["tool"] = json!("shell");
    let asked = world.ask("POST", "/v1/ask").bearer(&bot).json(&call).send();
    assert!(asked.status == 201, "{}", asked.body);
    let got = receiver.next();
    assert_eq!(got.json()["data"]["approval"], asked.json()["approval"]["id"]);
    got.answer("200 OK");
    world.over(&webhook, 1).await;
    receiver.has_nothing();
}
