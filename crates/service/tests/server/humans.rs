//! What a human does over the API, and what even a human cannot.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_stands() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    let no = json!({ "outcome": "deny", "feedback": "not today" });
    let denied = reply.clone().json(&no).send().is(200).json();
    assert_eq!(denied["approval"]["state"], "denied");
    let late = reply.clone().json(&json!({ "outcome": "allow" })).send().is(409);
    assert_eq!(late.header("content-type"), Some("application/problem+json"));
    let late = late.json();
    assert_eq!((&late["code"], &late["outcome"], &late["by"]), (&json!("answered"), &json!("deny"), &json!("ada")));
    assert!(late["at"].as_i64().unwrap() > 1_700_000_000_000);

    let wait = world.ask("GET", &format!("/v1/approvals/{id}/wait")).bearer(&token).send().is(200).json();
    assert_eq!((&wait["state"], &wait["feedback"]), (&json!("denied"), &json!("not today")));
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
    assert_eq!(redeem.json(&world.call("git push")).send().is(409).code(), "answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn remembers_only_what_the_question_offers() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    for smuggled in [
        json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0, "resource": "whole" }] }),
        json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 99 }] }),
        json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 9, "offer": 0 }] }),
        json!({ "outcome": "allow", "scope": "session", "grants": ["whole"] }),
        json!({ "outcome": "allow", "scope": "session" }),
        json!({ "outcome": "allow", "scope": "team", "remember": [{ "part": 0, "offer": 0 }] }),
        json!({ "outcome": "allow", "scope": "planet", "remember": [{ "part": 0, "offer": 0 }] }),
        json!({ "outcome": "allow", "remember": [{ "part": 0, "offer": 0 }] }),
        json!({ "outcome": "allow", "scope": "session", "seconds": -1, "remember": [{ "part": 0, "offer": 0 }] }),
        json!({ "outcome": "allow", "by": "root" }),
    ] {
        assert_eq!(reply.clone().json(&smuggled).send().is(422).code(), "invalid", "{smuggled}");
    }
    let grants = || world.ask("GET", "/v1/grants").bearer(&human.secret).send().is(200).json();
    assert_eq!(grants(), json!([]));
    let good =
        json!({ "outcome": "allow", "scope": "session", "seconds": 3600, "remember": [{ "part": 0, "offer": 0 }] });
    let replied = reply.json(&good).send().is(200).json();
    assert_eq!(replied["grants"].as_array().unwrap().len(), 1);
    let grant = grants()[0]["grant"].clone();
    assert_eq!(grant["id"], replied["grants"][0]);

    let decide = || world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git push")).send().is(200).json();
    // The yes itself is taken first, the grant serves from then on.
    assert_eq!((&decide()["effect"], &decide()["effect"]), (&json!("allow"), &json!("allow")));
    let revoke = world.ask("DELETE", &format!("/v1/grants/{}", grant["id"].as_str().unwrap())).bearer(&human.secret);
    revoke.send().is(204);
    assert_eq!(revoke.send().is(404).code(), "not-found");
    world.asked(&token, "git push");
}

#[tokio::test(flavor = "multi_thread")]
async fn cannot_answer_what_belongs_to_another_user() {
    let world = World::new().await;
    let (bob, human) = (world.token_of("bob", "s1").await, world.sign_in().await);
    let id = world.asked(&bob, "git push");
    let listed = world.ask("GET", "/v1/approvals").bearer(&human.secret).send().is(200);
    assert_eq!(listed.json(), json!([]));
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    assert_eq!(reply.json(&json!({ "outcome": "allow" })).send().is(404).code(), "not-found");
    world.ask("GET", &format!("/v1/approvals/{id}")).bearer(&human.secret).send().is(404);
    world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(&human.secret).send().is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_questions_records_and_the_description() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let open = world.ask("GET", "/v1/approvals?open=true").bearer(&human.secret).send().is(200).json();
    assert_eq!((&open[0]["approval"]["id"], &open[0]["question"]["body"]), (&json!(id), &json!("git push")));
    let wait = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(&human.secret).send().is(200);
    assert_eq!(wait.json()["state"], "open");
    world.ask("GET", "/v1/approvals?opne=true").bearer(&human.secret).send().is(422);
    let audit = world.ask("GET", "/v1/audit").bearer(&human.secret).send().is(200).json();
    assert_eq!((&audit[0]["kind"], &audit[0]["approval"]), (&json!("asked"), &json!(id)));
    world.ask("GET", "/v1/log?limit=3").bearer(&human.secret).send().is(200);
    world.ask("POST", "/v1/decide").bearer(&human.secret).json(&world.call("git push")).send().is(403);

    assert_eq!(world.ask("GET", "/v1/health").send().is(200).json(), json!({ "status": "ok" }));
    let described = world.ask("GET", "/v1/openapi.json").send().is(200).json();
    assert!(described["paths"]["/v1/approvals/{id}/reply"]["post"].is_object());
    // Whatever needs a token says so.
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let open = operation["security"].is_null();
            assert!(open || operation["responses"]["401"].is_object(), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listens_while_the_stream_is_open() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let mut store = world.store().await;
    assert!(!store.listening("ada", crate::world::now()).await.unwrap());
    let mut stream = world.ask("GET", "/v1/events").bearer(&human.secret).stream();
    stream.until("event: changed");
    until(&mut store, true).await;
    world.asked(&token, "git push");
    stream.until("event: changed");
    drop(stream);
    until(&mut store, false).await;
}

/// Waits until somebody listens, or nobody; a listener that dies counts for 15 seconds at most.
async fn until(store: &mut countersign_service::store::Store, wanted: bool) {
    let begun = std::time::Instant::now();
    while store.listening("ada", crate::world::now()).await.unwrap() != wanted {
        assert!(begun.elapsed().as_secs() < 10, "still not {wanted}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_and_revokes_agents_tokens() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let make = world.ask("POST", "/v1/tokens").bearer(&human.secret);
    let made =
        make.clone().json(&json!({ "name": "bot", "host": "countersign", "session": "s9" })).send().is(201).json();
    let secret = made["secret"].as_str().unwrap();
    world.ask("POST", "/v1/decide").bearer(secret).json(&world.call("git status")).send().is(200);
    let forbidden = world.ask("POST", "/v1/tokens").bearer(secret);
    forbidden.json(&json!({ "name": "bot", "host": "countersign", "session": "s1" })).send().is(403);

    let elsewhere =
        json!({ "name": "b", "host": "countersign", "session": "s", "project": world.folder.path().join("home") });
    let elsewhere = make.clone().json(&elsewhere).send().is(201).json()["secret"].as_str().unwrap().to_owned();
    let refused = world.ask("POST", "/v1/decide").bearer(&elsewhere).json(&world.call("git status")).send().is(403);
    assert_eq!(refused.code(), "wrong-token");

    for wrong in [
        json!({ "name": "b", "host": "a:b", "session": "s" }),
        json!({ "name": "b", "host": "a", "session": "" }),
        json!({ "name": "b", "host": "a", "session": "s", "user": "bob" }),
        json!({ "name": "b", "host": "a", "session": "s", "seconds": 99_999_999 }),
        json!({ "name": "b", "host": "a", "session": "s", "project": "here" }),
    ] {
        make.clone().json(&wrong).send().is(422);
    }
    let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[1]["session"]), (2, &json!("countersign:s9")));
    assert!(!listed.to_string().contains("csa_"));
    let revoke = world.ask("DELETE", &format!("/v1/tokens/{}", made["id"].as_str().unwrap())).bearer(&human.secret);
    revoke.send().is(204);
    revoke.send().is(404);
    world.ask("POST", "/v1/decide").bearer(secret).json(&world.call("git status")).send().is(401);
}
