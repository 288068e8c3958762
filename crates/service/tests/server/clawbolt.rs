//! What clawbolt's users do in a chat, over HTTP: what one question and its answer come to.

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};

use crate::chat::{Chat, IMPORT, outcome};
use crate::world::World;

fn mail(world: &World, turn: &str, to: &str) -> Value {
    world.tool(turn, "qb_send", &json!({ "entity_type": "Invoice", "entity_id": "7", "email": to }))
}

fn asks_for_mail() -> Value {
    json!({ "version": 1, "tools": { "qb_send": "ask", "web_fetch": "ask" }, "resources": {} })
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_ask_once() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let call = mail(&world, "t1", "a@b.com");
    let id = world.asks(&token, &call);
    let prompt = chat.peek(&world);
    chat.send(&world, &prompt);
    assert_eq!(prompt["offers"], json!(["yes", "no", "always", "always all", "never"]));
    let text = prompt["text"].as_str().unwrap().replace(&world.project(), "/repo");
    let text = text.replace(world.folder.path().to_str().unwrap(), "/world");
    insta::assert_snapshot!(text);
    let heard = chat.say(&world, "Yes.");
    assert_eq!((outcome(&heard), &heard["question"]), (("allowed", true), &json!(id)));
    assert_eq!(world.redeems(&token, &id, &call).is(200).json()["effect"], "allow");
    assert_eq!(world.redeems(&token, &id, &call).is(409).code(), "redeemed", "it runs once");

    let file = std::fs::read_to_string(world.user_policy().with_file_name("PERMISSIONS.json")).unwrap();
    assert_eq!(file, asks_for_mail().to_string());
    assert_eq!(world.granted(&human.secret), Vec::<Value>::new());
    let of_it = AuditFilter { approval: Some(id), ..AuditFilter::default() };
    let mut kinds: Vec<_> = world.store().await.audit_entries(&of_it).await.unwrap();
    kinds.reverse();
    let kinds: Vec<_> = kinds.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["asked", "presented", "allowed", "redeemed"]);

    let again = mail(&world, "t2", "a@b.com");
    assert_eq!(world.decided(&token, &again)["effect"], "ask");
    world.asks(&token, &again);
    chat.present(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_always_is_per_resource_and_durable() {
    let mut world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    world.asks(&token, &mail(&world, "t1", "a@b.com"));
    let text = chat.present(&world);
    assert!(
        text.contains(
            "always: allow and remember exactly `tool:qb_send a@b.com` for you everywhere until you revoke it"
        ),
        "{text}"
    );
    assert_eq!(outcome(&chat.say(&world, "yes, always")), ("allowed", true));

    world.restart().await;
    let granted = world.granted(&human.secret);
    assert_eq!((granted.len(), &granted[0]["reach"]["scope"]), (1, &json!("user")));
    assert!(granted[0]["resource"]["literal"].is_object(), "{granted:?}");
    let other = world.token("s2").await;
    assert_eq!(world.decided(&other, &mail(&world, "t9", "a@b.com"))["effect"], "allow");
    assert_eq!(world.decided(&token, &mail(&world, "t2", "c@d.com"))["effect"], "ask");
    world.asks(&token, &mail(&world, "t2", "c@d.com"));
    assert!(chat.present(&world).contains("c@d.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_blanket_and_carve_out() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let first = world.asks(&token, &mail(&world, "t1", "a@b.com"));
    let second = world.asks(&token, &mail(&world, "t1", "c@d.com"));
    let text = chat.present(&world);
    let line = "always all: allow for all recipients and remember for you everywhere until you revoke it \
                (also answers 1 other open question)";
    assert!(text.contains(line), "{text}");
    let heard = chat.say(&world, "always all");
    assert_eq!((outcome(&heard), &heard["question"]), (("allowed", true), &json!(first)));
    // The next recipient of the same turn is not asked about any more.
    assert_eq!((&heard["also"], &heard["prompt"]), (&json!([second]), &Value::Null));
    assert_eq!(world.granted(&human.secret)[0]["resource"], "whole");

    let carved = json!({ "tools": { "qb_send": "ask" }, "resources": { "qb_send": { "x@evil.com": "never" } } });
    world.permissions(&carved);
    assert_eq!(world.decided(&token, &mail(&world, "t2", "a@b.com"))["effect"], "allow");
    assert_eq!(world.decided(&token, &mail(&world, "t2", "x@evil.com"))["effect"], "deny");
    assert_eq!(chat.peek(&world), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_without_a_noun_all_is_only_what_was_shown() {
    let world = World::with_clawbolt(IMPORT, &asks_for_mail()).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let fetch = |turn: &str, url: &str| world.tool(turn, "web_fetch", &json!({ "url": url }));
    world.asks(&token, &fetch("t1", "x.com"));
    let text = chat.present(&world);
    assert!(!text.contains("always all"), "{text}");
    assert_eq!(outcome(&chat.say(&world, "allow all")), ("allowed", true));
    assert_eq!(world.decided(&token, &fetch("t2", "x.com"))["effect"], "allow");
    assert_eq!(world.decided(&token, &fetch("t2", "x.com.evil.com"))["effect"], "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_never() {
    let world = World::with_clawbolt(IMPORT, &json!({ "tools": { "plain": "ask", "qb_send": "ask" } })).await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let chat = Chat::of(&human.secret, "s1");
    let plain = |turn: &str| world.tool(turn, "plain", &json!({ "text": "x" }));
    let tools = || {
        let tools = [json!({ "name": "plain" }), json!({ "name": "qb_send" })];
        let body = json!({ "host": "countersign", "project": world.project(), "tools": tools });
        let tools = world.ask("POST", "/v1/tools").bearer(&token).json(&body).send().is(200).json();
        (tools[0]["visible"].clone(), tools[1]["visible"].clone())
    };
    assert_eq!(tools(), (json!(true), json!(true)));
    let id = world.asks(&token, &plain("t1"));
    let text = chat.present(&world);
    assert!(text.ends_with("\n  never: deny and remember"), "{text}");
    assert_eq!(outcome(&chat.say(&world, "never")), ("denied", true));
    assert_eq!(world.state(&token, &id), "denied");
    world.asks(&token, &mail(&world, "t1", "a@b.com"));
    chat.present(&world);
    assert_eq!(outcome(&chat.say(&world, "never")), ("denied", true));

    // A no to one recipient takes no tool away.
    assert_eq!(tools(), (json!(false), json!(true)));
    let forged = world.decided(&token, &plain("t2"));
    assert_eq!(forged["effect"], "deny");
    assert!(forged["message"].as_str().unwrap().contains("the user has said no to this before"), "{forged}");
    assert_eq!(world.decided(&token, &mail(&world, "t2", "a@b.com"))["effect"], "deny");
    assert_eq!(world.decided(&token, &mail(&world, "t2", "c@d.com"))["effect"], "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_wildcards() {
    let permissions = json!({
        "tools": { "web_fetch": "ask" },
        "resources": { "web_fetch": { "*.gov": "always", "spy.gov": "never" } },
    });
    let world = World::with_clawbolt(IMPORT, &permissions).await;
    let token = world.token("s1").await;
    let effect = |url: &str| {
        let call = world.tool("t1", "web_fetch", &json!({ "url": url }));
        world.decided(&token, &call)["effect"].clone()
    };
    assert_eq!([effect("nws.weather.gov"), effect("x.com"), effect("spy.gov")], ["allow", "ask", "deny"]);
    // The tool's level beats the default.
    world.permissions(&json!({ "tools": { "web_fetch": "always" } }));
    assert_eq!(effect("x.com"), "allow");
    world.permissions(&json!({}));
    assert_eq!(effect("x.com"), "ask");
}
