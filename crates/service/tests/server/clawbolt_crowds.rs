//! What clawbolt's users live through: a crash while something is asked, and many who write at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Effect, GrantResource, Reach, Scope};
use countersign_service::block_on::block_on;
use countersign_service::store::{AuditFilter, NewGrant};
use serde_json::{Value, json};

use crate::chat::{Chat, IMPORT, outcome};
use crate::receiver::Receiver;
use crate::world::{World, now};

fn asks_for_mail() -> Value {
    json!({ "tools": { "qb_send": "ask", "web_fetch": "ask", "plain": "ask" } })
}

fn mail(world: &World, turn: &str, to: &str) -> Value {
    world.tool(turn, "qb_send", &json!({ "entity_type": "Invoice", "entity_id": "7", "email": to }))
}

/// The questions of which servers told again.
async fn told_again(world: &World) -> Vec<String> {
    let filter = AuditFilter { kind: Some("told again".to_owned()), ..AuditFilter::default() };
    let entries = world.store().await.audit_entries(&filter).await.unwrap();
    let mut told: Vec<String> = entries.into_iter().map(|entry| entry.approval.unwrap()).collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_crash() {
    let mut world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.end().await;
    let server = world.start_apart().await;
    let call = mail(&world, "t1", "a@b.com");
    let id = world.asks(&token, &call);
    let chat = Chat::of(&human.secret, "s1");
    chat.present(&world);
    let broken = world.asks(&world.token("s9").await, &mail(&world, "t1", "c@d.com"));
    for _ in 0..2 {
        let got = receiver.next();
        assert_eq!(got.json()["data"]["again"], json!(false));
        got.answer("200 OK");
    }
    world.over(&webhook, 2).await;
    server.shutdown_background();

    // One of the two cannot be read any more; and the machine's clock is far behind what the store has seen.
    world.spoil(&broken).await;
    world.later(3_000).await;
    world.start().await;
    world.join().await;
    let got = receiver.next();
    let told = got.json();
    assert_eq!((&told["type"], &told["data"]["again"]), (&json!("approval.asked"), &json!(true)));
    assert_eq!(told["data"]["approval"], json!(id));
    got.answer("200 OK");
    world.over(&webhook, 3).await;
    while world.store().await.servers(now()).await.unwrap() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(told_again(&world).await, [id.as_str()]);

    // What comes next is the next question, and not the same once more.
    let other = world.token("s2").await;
    let next = world.asks(&other, &mail(&world, "t2", "e@f.com"));
    let got = receiver.next();
    assert_eq!((&got.json()["data"]["approval"], &got.json()["data"]["again"]), (&json!(next), &json!(false)));
    got.answer("200 OK");
    world.over(&webhook, 4).await;
    receiver.has_nothing();
    assert_eq!(told_again(&world).await, [id.as_str()]);

    // The prompt in the chat is as it was, and a reply counts for it.
    assert_eq!(outcome(&chat.say(&world, "yes")), ("allowed", true));
    world.redeems(&token, &id, &call).is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_an_orderly_end_tells_nothing_again() {
    let mut world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human, receiver) = (world.token("s1").await, world.sign_in().await, Receiver::new());
    let (webhook, _) = world.told_of_questions(&human, &receiver);
    world.asks(&token, &mail(&world, "t1", "a@b.com"));
    receiver.next().answer("200 OK");
    world.over(&webhook, 1).await;
    world.end().await;
    assert_eq!(world.store().await.servers(now()).await.unwrap(), 0);
    world.later(300).await;
    world.start().await;
    world.asks(&token, &mail(&world, "t2", "e@f.com"));
    let got = receiver.next();
    assert_eq!(got.json()["data"]["again"], json!(false));
    got.answer("200 OK");
    world.over(&webhook, 2).await;
    receiver.has_nothing();
    assert_eq!(told_again(&world).await, [""; 0]);
}

/// How many write at once.
const WRITERS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn c12_concurrency() {
    let mut world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let human = world.sign_in().await;
    let beside = world.join().await;
    // Each of them writes in its own way: in a chat, over either server's API, from another process, with an edit of the file
    // in between. Chats and sessions are made beforehand.
    let mut asked = Vec::new();
    for number in 0..WRITERS {
        let token = world.token(&format!("s{number}")).await;
        let id = world.asks(&token, &mail(&world, "t1", &format!("u{number}@x.com")));
        let chat = Chat::of(&human.secret, &format!("s{number}"));
        if number % 4 == 0 {
            chat.present(&world);
        }
        asked.push((number, id, chat));
    }
    let other = world.token_of("bob", "s1").await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    std::thread::scope(|scope| {
        let bobs = {
            let (world, done, answered, other) = (&world, done.clone(), answered.clone(), &other);
            scope.spawn(move || {
                // Others are judged meanwhile, and ask.
                while !done.load(Ordering::Relaxed) {
                    let count = answered.fetch_add(1, Ordering::Relaxed);
                    let call = mail(world, &format!("t{count}"), &format!("bob{count}@y.com"));
                    assert_eq!(world.decided(other, &call)["effect"], "ask");
                }
            })
        };
        let writers: Vec<_> = asked
            .into_iter()
            .map(|(number, id, chat)| {
                let (world, human) = (&world, &human);
                scope.spawn(move || match number % 4 {
                    0 => assert_eq!(outcome(&chat.whisper(world, "always", 0)), ("allowed", true)),
                    1 | 2 => {
                        let question = world.ask("GET", &format!("/v1/approvals/{id}")).bearer(&human.secret);
                        let question = question.send().is(200).json();
                        let part = &question["question"]["parts"][0];
                        let reply = json!({
                            "outcome": "allow", "scope": "user",
                            "remember": [{ "part": 0, "offer": 0 }],
                        });
                        assert!(part["offers"].is_array(), "{question}");
                        let path = format!("/v1/approvals/{id}/reply");
                        let ask = match number % 4 {
                            1 => world.ask("POST", &path),
                            _ => crate::client::Ask::new(beside, "POST", &path),
                        };
                        ask.bearer(&human.secret).json(&reply).send().is(200);
                    }
                    _ => {
                        // As an editor does it: a file that is half there would count as one that cannot be read.
                        let file = world.user_policy().with_file_name("PERMISSIONS.json");
                        let new = file.with_extension(format!("new-{number}"));
                        std::fs::write(&new, asks_for_mail().to_string()).unwrap();
                        std::fs::rename(&new, &file).unwrap();
                        let pattern = Pattern::parse(&Action::Shell, &format!("git push n{number} *")).unwrap();
                        let new = NewGrant {
                            effect: Effect::Allow,
                            action: Action::Shell,
                            resource: GrantResource::Pattern(pattern),
                            reach: Reach {
                                scope: Scope::User,
                                user: "ada".to_owned(),
                                project: None,
                                session: None,
                                turn: None,
                            },
                            expires: None,
                        };
                        block_on(async { world.store().await.grant(new, "ada", now()).await }).unwrap();
                    }
                })
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        bobs.join().unwrap();
        written.into_iter().for_each(|written| written.unwrap());
    });
    assert!(answered.load(Ordering::Relaxed) > 1, "others were not kept waiting");

    assert_eq!(world.granted(&human.secret).len(), WRITERS, "none was lost, and none is there twice");
    let token = world.token("later").await;
    for number in (0..WRITERS).filter(|number| number % 4 != 3) {
        let call = mail(&world, "t9", &format!("u{number}@x.com"));
        assert_eq!(world.decided(&token, &call)["effect"], "allow", "{number}");
    }
    assert_eq!(world.decided(&token, &mail(&world, "t9", "u3@x.com"))["effect"], "ask");
    // And none of it is the other user's.
    assert_eq!(world.decided(&other, &mail(&world, "t9", "u0@x.com"))["effect"], "ask");
}
