//! What clawbolt's users do in a chat, over HTTP: rounds of several questions, changes of the topic, nobody there.

use countersign_service::block_on::block_on;
use countersign_service::store::{self, AuditFilter};
use serde_json::{Value, json};

use crate::chat::{Chat, IMPORT, outcome};
use crate::world::{World, now};

/// A turn with these calls, called `u1`, `u2` and so on; its verdict.
fn turn(world: &World, token: &str, calls: &[(&str, Value)]) -> Value {
    let project = world.project();
    let calls = calls
        .iter()
        .enumerate()
        .map(|(at, (tool, args))| json!({ "id": format!("u{}", at + 1), "tool": tool, "args": args }));
    let body = json!({
        "host": "countersign", "cwd": project, "project": project, "turn": "t1", "on_ask": "defer",
        "calls": calls.collect::<Vec<_>>(),
    });
    world.ask("POST", "/v1/turns").bearer(token).json(&body).send().is(200).json()
}

fn asked(verdict: &Value) -> Vec<String> {
    let calls = verdict["calls"].as_array().unwrap().iter();
    calls.filter_map(|call| Some(call["approval"]["id"].as_str()?.to_owned())).collect()
}

fn resumed(world: &World, token: &str, verdict: &Value) -> Vec<Value> {
    let batch = verdict["batch"]["id"].as_str().unwrap();
    let resumed = world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(token).send().is(200).json();
    resumed["outcomes"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect()
}

fn round() -> [(&'static str, Value); 4] {
    [("free", json!({})), ("plain", json!({})), ("scoped", json!({ "res": "x" })), ("scoped", json!({ "res": "y" }))]
}

fn levels() -> Value {
    json!({ "tools": { "free": "always", "plain": "ask", "scoped": "ask" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_batch_in_one_round() {
    let world = World::with_clawbolt(IMPORT, &levels()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let verdict = turn(&world, &token, &round());
    let effects: Vec<_> = verdict["calls"].as_array().unwrap().iter().map(|call| call["effect"].clone()).collect();
    assert_eq!(effects, ["allow", "ask", "ask", "ask"]);
    let ids = asked(&verdict);
    chat.present(&world);
    let mut questions = Vec::new();
    for reply in ["yes", "no", "yes"] {
        questions.push(chat.peek(&world)["question"].clone());
        chat.say(&world, reply);
    }
    assert_eq!(questions, ids, "one at a time, in their order");
    assert_eq!(chat.peek(&world), Value::Null);
    assert_eq!(resumed(&world, &token, &verdict), ["approved", "denied", "approved"]);
    let entries = world.store().await.audit_entries(&AuditFilter::default()).await.unwrap();
    let about = entries.iter().rev().filter(|entry| entry.approval.is_some());
    let kinds: Vec<_> = about.map(|entry| entry.kind.as_str()).collect();
    let round = ["presented", "allowed", "presented", "denied", "presented", "allowed"];
    assert_eq!(kinds, [&["asked"; 3][..], &round].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_topic_change() {
    let world = World::with_clawbolt(IMPORT, &levels()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let verdict = turn(&world, &token, &round());
    let ids = asked(&verdict);
    let elsewhere = world.tool("t2", "scoped", &json!({ "res": "z" }));
    let other = world.asks(&token, &elsewhere);
    chat.present(&world);
    chat.say(&world, "yes");
    let topic = "what's the weather?";
    assert_eq!(outcome(&chat.say(&world, topic)), ("asked_again", true));
    assert_eq!(outcome(&chat.say(&world, topic)), ("asked_again", true));
    let heard = chat.say(&world, topic);
    assert_eq!((outcome(&heard), &heard["prompt"]), (("new_topic", false), &Value::Null));
    assert_eq!(heard["interrupted"], json!(ids[1..]), "this and the later ones");

    assert_eq!(resumed(&world, &token, &verdict), ["approved", "cancelled", "cancelled"]);
    let wait = world.ask("GET", &format!("/v1/approvals/{}/wait", ids[1])).bearer(&token).send().is(200).json();
    assert_eq!((&wait["state"], &wait["reason"]), (&json!("cancelled"), &json!("new_message")));
    let plain = world.tool("t1", "plain", &json!({}));
    assert_eq!(world.redeems(&token, &ids[0], &plain).is(200).json()["effect"], "allow", "what was allowed still runs");
    assert_eq!(world.granted(&human.secret), Vec::<Value>::new());
    assert_eq!(world.state(&token, &other), "open", "another turn goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_ambiguity() {
    let mut world = World::with_clawbolt(IMPORT, &levels()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let plain = |world: &World, turn: &str| world.tool(turn, "plain", &json!({ "turn": turn }));
    let id = world.asks(&token, &plain(&world, "t1"));
    let prompt = chat.present(&world);
    let heard = chat.say(&world, "lol");
    assert_eq!(outcome(&heard), ("asked_again", true));
    let sorry = format!("Sorry, I didn't catch that as a yes or no.\n\n{prompt}");
    assert_eq!((&heard["prompt"]["text"], &heard["prompt"]["again"]), (&json!(sorry), &json!(1)));
    // How often it was asked again is not forgotten.
    world.restart().await;
    assert_eq!(outcome(&chat.say(&world, "lol")), ("asked_again", true));
    assert_eq!(world.state(&token, &id), "open");
    assert_eq!(outcome(&chat.say(&world, "yes")), ("allowed", true));

    let id = world.asks(&token, &plain(&world, "t2"));
    chat.present(&world);
    for _ in 0..2 {
        assert_eq!(outcome(&chat.say(&world, "lol")), ("asked_again", true));
    }
    assert_eq!(outcome(&chat.say(&world, "lol")), ("new_topic", false));
    assert_eq!(world.state(&token, &id), "cancelled");

    let id = world.asks(&token, &plain(&world, "t3"));
    chat.present(&world);
    assert_eq!(outcome(&chat.whisper(&world, "yes", 1)), ("asked_again", true), "a photo is no approval");
    assert_eq!(world.state(&token, &id), "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_timeout_and_headless() {
    let policy = IMPORT.replace("wait 10m", "deny");
    let world = World::with_clawbolt(&policy, &levels()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let call = world.tool("t1", "plain", &json!({}));
    assert_eq!(world.decided(&token, &call)["effect"], "deny", "nobody looks after the chat");
    let session = store::Chat { user: "ada".to_owned(), session: "countersign:s1".to_owned() };
    let later = now().plus_seconds(600);

    // The application comes for a question: the session is attended, and no other one is.
    assert_eq!(chat.peek(&world), Value::Null);
    let other = world.token("s2").await;
    assert_eq!(world.decided(&other, &call)["effect"], "deny");
    assert!(!world.store().await.attended(&session, later).await.unwrap(), "not for ever");
    let id = world.asks(&token, &call);
    let prompt = chat.peek(&world);
    assert!(!world.store().await.attended(&session, later).await.unwrap(), "nobody has read it yet");
    chat.send(&world, &prompt);
    assert!(world.store().await.attended(&session, later).await.unwrap(), "a person has it before them");

    // The agent has waited long enough: the late yes is one to nothing.
    world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&token).send().is(200);
    assert!(!world.store().await.attended(&session, later).await.unwrap());
    let heard = chat.say(&world, "yes");
    assert_eq!((outcome(&heard), &heard["message"]), (("over", true), &json!("that is no longer asked")));
    assert_eq!(world.state(&token, &id), "cancelled");
    assert_eq!(outcome(&chat.say(&world, "yes")), ("nothing_asked", false), "and from then on an ordinary word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_waits_for_its_next_question() {
    let world = World::with_clawbolt(&IMPORT.replace("wait 10m", "deny"), &levels()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let call = world.tool("t1", "plain", &json!({}));
    let session = store::Chat { user: "ada".to_owned(), session: "countersign:s1".to_owned() };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| chat_waits(&world, &human.secret));
        while !block_on(async { world.store().await.attended(&session, now()).await.unwrap() }) {
            std::thread::yield_now();
        }
        let id = world.asks(&token, &call);
        assert_eq!(waiting.join().unwrap()["question"], json!(id));
    });
}

fn chat_waits(world: &World, secret: &str) -> Value {
    Chat::of(secret, "s1").post(world, "present", &json!({ "seconds": 60 })).is(200).json()["prompt"].clone()
}
