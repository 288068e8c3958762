//! What hostile text, a lost message or a careless application may do in a chat, and what comes of it.

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};

use crate::chat::{Chat, IMPORT, outcome};
use crate::world::World;

fn asks_for_mail() -> Value {
    json!({ "tools": { "qb_send": "ask" } })
}

fn mail(world: &World, turn: &str, to: &str) -> Value {
    world.tool(turn, "qb_send", &json!({ "email": to }))
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_safety() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");

    // An answer belongs to the question that was before the person, not to one that came later.
    let first = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    chat.present(&world);
    world.ask("POST", &format!("/v1/approvals/{first}/cancel")).bearer(&token).send().is(200);
    let second = world.asks(&token, &mail(&world, "t1", "x@evil.com"));
    let late = chat.whisper(&world, "yes", 0);
    assert_eq!((outcome(&late), &late["question"]), (("over", true), &json!(first)));
    // Nor to one whose prompt the channel has not taken: nobody can have read it.
    assert_eq!(late["prompt"]["question"], json!(second));
    assert_eq!(outcome(&chat.whisper(&world, "yes", 0)), ("not_shown", true));
    assert_eq!(outcome(&chat.whisper(&world, "hello", 0)), ("nothing_asked", false));
    chat.send(&world, &late["prompt"]);
    // Nor to that one, where the channel says that an older prompt was meant.
    let threaded = json!({ "text": "yes", "message_id": "old", "question": first });
    let threaded = chat.post(&world, "message", &threaded).is(200).json();
    assert_eq!((outcome(&threaded), &threaded["question"]), (("over", true), &json!(first)));
    assert_eq!(world.state(&token, &second), "open");
    chat.post(&world, "sent", &json!({ "question": first })).is(409);

    // A no is about one call: once its agent was told, it may ask about the same once more.
    chat.say(&world, "no");
    let told = || world.decided(&token, &mail(&world, "t1", "x@evil.com"))["effect"].clone();
    assert_eq!([told(), told()], ["deny", "ask"]);

    // A star is a star.
    world.asks(&token, &mail(&world, "t2", "*"));
    chat.present(&world);
    assert_eq!(outcome(&chat.say(&world, "always")), ("allowed", true));
    assert_eq!(world.decided(&token, &mail(&world, "t3", "*"))["effect"], "allow");
    assert_eq!(world.decided(&token, &mail(&world, "t3", "z@acme.com"))["effect"], "ask");

    // What was granted and said is in the audit, with its way.
    let granted = AuditFilter { kind: Some("granted".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&granted).await.unwrap().len(), 1);
    let allowed = AuditFilter { kind: Some("allowed".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&allowed).await.unwrap()[0].detail["via"], "chat, api");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_neither_presents_nor_answers_in_a_chat() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let id = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    chat.present(&world);
    let agent = Chat::of(&token, "s1");
    for (what, body) in [
        ("present", json!({})),
        ("sent", json!({ "question": id })),
        ("message", json!({ "text": "yes", "message_id": "m1" })),
    ] {
        assert_eq!(agent.post(&world, what, &body).is(403).code(), "humans-only", "{what}");
        let stranger = world.ask("POST", &format!("/v1/chat/countersign%3As1/{what}")).json(&body);
        assert_eq!(stranger.send().is(401).code(), "unauthorised", "{what}");
    }
    assert_eq!(world.state(&token, &id), "open");
    let filter = AuditFilter { kind: Some("refused".to_owned()), ..AuditFilter::default() };
    let refused = world.store().await.audit_entries(&filter).await.unwrap();
    assert_eq!(refused[0].detail["tried"], "speak in a chat");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_of_another_user_or_session_has_none_of_its_questions() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (bobs, human) = (world.token_of("bob", "s1").await, world.sign_in().await);
    let id = world.asks(&bobs, &mail(&world, "t1", "a@b.com"));
    let chat = Chat::of(&human.secret, "s1");
    assert_eq!(chat.peek(&world), Value::Null);
    chat.post(&world, "sent", &json!({ "question": id })).is(409);
    let threaded = json!({ "text": "yes", "message_id": "m", "question": id });
    let heard = chat.post(&world, "message", &threaded).is(200).json();
    assert_eq!((outcome(&heard), &heard["message"]), (("over", true), &json!("that was not asked here")));
    assert_eq!(world.state(&bobs, &id), "open");

    let own = world.token("s2").await;
    world.asks(&own, &mail(&world, "t1", "a@b.com"));
    assert_eq!(chat.peek(&world), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_delivered_twice_counts_once() {
    let mut world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let first = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    let second = world.asks(&token, &mail(&world, "t2", "c@d.com"));
    chat.present(&world);
    let yes = json!({ "text": "yes", "message_id": "m" });
    let heard = chat.post(&world, "message", &yes).is(200).json();
    chat.send(&world, &heard["prompt"]);
    world.restart().await;
    let again = chat.post(&world, "message", &yes).is(200).json();
    assert_eq!((outcome(&again), &again["question"]), (("allowed", true), &json!(first)));
    assert_eq!(again["prompt"]["question"], json!(second), "what is to be sent next was not lost");
    assert_eq!(world.state(&token, &second), "open");
    let other = json!({ "text": "no", "message_id": "m" });
    assert_eq!(chat.post(&world, "message", &other).is(422).code(), "key-reused");
    let nameless = json!({ "text": "yes", "message_id": "" });
    assert_eq!(chat.post(&world, "message", &nameless).is(422).code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_remembered_is_not_offered_and_always_is_no_yes() {
    let world = World::new().await;
    let policy =
        "nobody = \"wait 10m\"\nask = [{ rule = \"shell(git push *)\", remember = \"once\" }, \"shell(git tag *)\"]\n";
    std::fs::write(world.user_policy(), policy).unwrap();
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    for command in ["git push", "$X y", "git tag a && $X y"] {
        let id = world.asked(&token, command);
        let prompt = chat.peek(&world);
        assert_eq!(prompt["offers"], json!(["yes", "no"]), "{command}");
        chat.send(&world, &prompt);
        for word in ["always", "never"] {
            let heard = chat.say(&world, word);
            assert_eq!(outcome(&heard), ("asked_again", true), "{command} {word}");
            let text = heard["prompt"]["text"].as_str().unwrap();
            assert!(text.starts_with("That is not offered here: "), "{text}");
        }
        assert_eq!(world.state(&token, &id), "open", "{command}");
        assert_eq!(outcome(&chat.say(&world, "no")), ("denied", true));
    }
    assert_eq!(world.granted(&human.secret), Vec::<Value>::new());
    // What a command does depends on where it runs.
    world.asked(&token, "git tag b");
    let text = chat.present(&world);
    assert!(text.contains("remember exactly `git tag b` in this project until you revoke it"), "{text}");
    chat.say(&world, "always");
    assert_eq!(world.granted(&human.secret)[0]["reach"]["scope"], "project");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_no_longer_takes_is_asked_again() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let id = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    chat.present(&world);
    world.permissions(&json!({ "tools": { "qb_send": "never" } }));
    for word in ["yes", "always"] {
        let heard = chat.say(&world, word);
        assert_eq!(outcome(&heard), ("asked_again", true), "{word}");
        let text = heard["prompt"]["text"].as_str().unwrap();
        assert!(text.starts_with("Policy has become stricter") || text.starts_with("Policy no longer"), "{text}");
    }
    assert_eq!(world.state(&token, &id), "open");
    assert_eq!(world.granted(&human.secret), Vec::<Value>::new());
    assert_eq!(outcome(&chat.say(&world, "no")), ("denied", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_channel_would_cut_off_can_only_be_denied() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let long = |length: usize| format!("git push {} && echo done", "a".repeat(length));
    for (length, longest, offers) in [
        (200, 4_096, json!(["yes", "no", "always", "never"])),
        (2_000, 1_200, json!(["no"])),
        (10_000, 4_096, json!(["no"])),
        (40_000, 100_000, json!(["no"])),
    ] {
        let id = world.asked(&token, &long(length));
        let prompt = chat.post(&world, "present", &json!({ "longest": longest })).is(200).json()["prompt"].clone();
        let text = prompt["text"].as_str().unwrap();
        assert!(text.len() < longest, "{length}");
        if offers == json!(["no"]) {
            assert_eq!(prompt["offers"], offers, "{length}: {text}");
            assert!(text.contains("This can only be denied here: it is too long"), "{text}");
            chat.send(&world, &prompt);
            assert_eq!(outcome(&chat.say(&world, "yes")), ("asked_again", true));
        } else {
            assert!(text.contains("echo done"), "{text}");
            chat.send(&world, &prompt);
        }
        assert_eq!(world.state(&token, &id), "open");
        assert_eq!(outcome(&chat.say(&world, "no")), ("denied", true));
    }
    chat.post(&world, "present", &json!({ "longest": 100 })).is(422);
}

/// What an agent receives, without ids and times.
fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match ["id", "digest", "revision", "catalog", "until", "at"].contains(&name.as_str()) {
                    true => *value = Value::Null,
                    false => blank(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn always_tells_the_agent_no_more_than_yes() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let human = world.sign_in().await;
    let mut told = Vec::new();
    // In this order: what is remembered reaches every session.
    for (session, reply) in [("s1", "yes"), ("s2", "always")] {
        let token = world.token(session).await;
        let project = world.project();
        let calls = [json!({ "id": "u1", "tool": "qb_send", "args": { "email": "a@b.com" } })];
        let body = json!({
            "host": "countersign", "cwd": project, "project": project, "turn": "t1", "on_ask": "defer", "calls": calls,
        });
        let turn = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
        let chat = Chat::of(&human.secret, session);
        chat.present(&world);
        assert_eq!(outcome(&chat.say(&world, "hm")), ("asked_again", true));
        assert_eq!(outcome(&chat.say(&world, reply)), ("allowed", true));

        let id = turn["calls"][0]["approval"]["id"].as_str().unwrap();
        let batch = turn["batch"]["id"].as_str().unwrap();
        let get = |path: String| world.ask("GET", &path).bearer(&token).send().is(200).json();
        let mut all = json!([
            turn,
            get(format!("/v1/approvals/{id}/wait?seconds=0")),
            get(format!("/v1/batches/{batch}")),
            world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&token).send().is(200).json(),
            world.decided(&token, &mail(&world, "t1", "a@b.com")),
            world.decided(&token, &mail(&world, "t1", "c@d.com")),
        ]);
        blank(&mut all);
        told.push(all.to_string());
    }
    assert_eq!(world.granted(&human.secret).len(), 1);
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_carries_its_own_users_replies_and_the_audit_names_it() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let token = world.token("s1").await;
    let id = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    let bobs = Chat::of(&world.application("bob").await, "s1");
    assert_eq!(bobs.peek(&world), Value::Null);
    let chat = Chat::of(&world.application("ada").await, "s1");
    chat.present(&world);
    assert_eq!(outcome(&chat.say(&world, "yes")), ("allowed", true));
    let allowed = AuditFilter { approval: Some(id), kind: Some("allowed".to_owned()), ..AuditFilter::default() };
    let entry = world.store().await.audit_entries(&allowed).await.unwrap().remove(0);
    assert_eq!(entry.actor, "ada");
    assert!(entry.detail["via"].as_str().unwrap().starts_with("chat, application "), "{}", entry.detail);
}
