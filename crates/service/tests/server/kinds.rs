//! Sub-agents with tokens of their own: of what kind they are, and what they cannot make of it.

use countersign_policy::{Action, Effect, GrantResource, Reach, Scope};
use countersign_service::store::{AuditFilter, NewGrant};
use serde_json::{Value, json};

use crate::world::{World, now};

const POLICY: &str = r#"
nobody = "wait 10m"
allow = ["shell(git status)", "shell(git log *)"]
ask = ["shell(git push *)"]
deny = [{ rule = "shell(git tag *)", descendants = false }]
[agents.Explore]
default = "deny"
allow = ["shell(git status)"]
[agents.Builder]
[agents.Strict]
deny = ["shell(git status)"]
"#;

async fn world() -> World {
    let world = World::new().await;
    std::fs::write(world.user_policy(), POLICY).unwrap();
    world
}

/// What a sub-agent's token is asked for with.
fn child(session: &str, kind: &str) -> Value {
    json!({ "name": session, "host": "countersign", "session": session, "agent": kind, "parent": "countersign:s1" })
}

fn make(world: &World, secret: &str, body: &Value) -> crate::client::Answer {
    world.ask("POST", "/v1/tokens").bearer(secret).json(body).send()
}

fn made(world: &World, secret: &str, body: &Value) -> String {
    make(world, secret, body).is(201).json()["secret"].as_str().unwrap().to_owned()
}

fn effect(world: &World, token: &str, command: &str) -> Value {
    world.ask("POST", "/v1/decide").bearer(token).json(&world.call(command)).send().is(200).json()["effect"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_of_the_kind_that_its_token_says() {
    let world = world().await;
    let (human, main) = (world.sign_in().await, world.token("s1").await);
    let application = world.application("ada").await;
    let explore = made(&world, &human.secret, &child("c1", "Explore"));
    let builder = made(&world, &application, &child("c2", "Builder"));
    let effects =
        |token: &str| ["git status", "git log -1", "git push", "git tag v1"].map(|line| effect(&world, token, line));
    assert_eq!(effects(&main), ["allow", "allow", "ask", "deny"]);
    assert_eq!(effects(&explore), ["allow", "deny", "deny", "deny"]);
    assert_eq!(effects(&builder), ["allow", "allow", "ask", "ask"]);
    // Whatever it says of itself.
    for agent in ["Builder", "", "Explore", "*"] {
        let mut call = world.call("git log -1");
        call["agent"] = json!(agent);
        let ask = world.ask("POST", "/v1/decide").bearer(&explore).json(&call);
        let ask = ask.header("X-Agent", agent).header("X-Agent-Kind", "Builder").header("Agent-Kind", "Builder");
        assert_eq!(ask.send().is(200).json()["effect"], "deny", "{agent}");
    }
    for name in ["kind", "kinds", "agent_kinds", "agent_type", "parent", "above"] {
        let mut call = world.call("git log -1");
        call[name] = json!("Builder");
        world.ask("POST", "/v1/decide").bearer(&explore).json(&call).send().is(422);
    }
    // Below a kind it is of both: no table gives back what another took.
    let mut deep = child("c3", "Builder");
    deep["parent"] = json!("countersign:c1");
    let deep = made(&world, &application, &deep);
    assert_eq!(effects(&deep), ["allow", "deny", "deny", "deny"]);
    // The question says who asks, and of what kind it is.
    let id = world.asked(&builder, "git push");
    let record = world.store().await.record(&id).await.unwrap().unwrap();
    assert_eq!((record.call.agent.as_deref(), &*record.call.agent_kinds), (Some("c2"), &["Builder".to_owned()][..]));
    let mut posing = world.call("git push posing");
    posing["agent"] = json!("c2, of kind Builder");
    world.ask("POST", "/v1/ask").bearer(&main).json(&posing).send().is(201);
    assert!(world.see(&human).body.contains("c2, of kind Builder, of unknown kind"));
    assert!(world.see(&human).body.contains("sub-agent <b>c2, of kind Builder"), "the page says so, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_kind_that_no_file_names_is_bound_by_all() {
    let world = world().await;
    let (human, main) = (world.sign_in().await, world.token("s1").await);
    let wild = made(&world, &human.secret, &child("c1", "builder"));
    assert_eq!(effect(&world, &wild, "git tag v1"), "deny", "`descendants = false` is for kinds that a file names");
    // So is one that only its call calls a sub-agent.
    let mut call = world.call("git tag v1");
    call["agent"] = json!("Builder");
    assert_eq!(world.ask("POST", "/v1/decide").bearer(&main).json(&call).send().is(200).json()["effect"], "deny");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_agents_token_reaches_no_further_than_the_one_above() {
    let world = world().await;
    let (human, application) = (world.sign_in().await, world.application("ada").await);
    // There is nobody above yet.
    assert_eq!(make(&world, &application, &child("c1", "Builder")).is(409).code(), "conflict");
    let project = world.project();
    let main = world.token_for("ada", "countersign:s1", Some(&project)).await;
    let elsewhere = world.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    for (name, value) in [
        ("project", json!(elsewhere.to_str().unwrap())),
        ("seconds", json!(7_200)),
        ("session", json!("s1")),
        ("agent", json!("*")),
        ("agent", json!("")),
        ("agent", json!("a\nb")),
        ("agent", Value::Null),
        ("parent", Value::Null),
        ("parent", json!("s1")),
        ("host", json!("countersign:s1")),
    ] {
        for secret in [&human.secret, &application] {
            let mut body = child("c1", "Builder");
            body[name] = value.clone();
            let told = make(&world, secret, &body);
            let status = if *secret == application && name == "parent" && value.is_null() { 403 } else { 422 };
            assert_eq!(told.status, status, "{body}: {}", told.body);
        }
    }
    // Others' agents are nobody's parents.
    world.token_of("bob", "b1").await;
    let mut body = child("c1", "Builder");
    body["parent"] = json!("countersign:b1");
    make(&world, &application, &body).is(409);
    // Nor is a session to be had that somebody uses, with a token or without one.
    world.asked(&world.token("s2").await, "git push");
    make(&world, &application, &child("s2", "Builder")).is(409);
    world
        .ask("PATCH", "/v1/sessions/claude-code:x")
        .bearer(&human.secret)
        .json(&json!({ "mode": "plan" }))
        .send()
        .is(200);
    let mut body = child("x", "Builder");
    body["host"] = json!("claude-code");
    make(&world, &application, &body).is(409);

    let child_of = |kind: &str| made(&world, &application, &child("c1", kind));
    let builder = child_of("Builder");
    made(&world, &application, &child("c1", "Builder"));
    make(&world, &application, &child("c1", "Explore")).is(409);
    let plain = json!({ "name": "main", "host": "countersign", "session": "c1" });
    make(&world, &human.secret, &plain).is(409);
    // It has its parent's project and end.
    let mut call = world.call("git status");
    (call["project"], call["cwd"]) = (json!(elsewhere.to_str().unwrap()), json!(elsewhere.to_str().unwrap()));
    let decide = |token: &str, call: &Value| world.ask("POST", "/v1/decide").bearer(token).json(call).send();
    assert_eq!(decide(&builder, &call).is(403).code(), "wrong-token");
    let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
    let of = |name: &str| listed.as_array().unwrap().iter().find(|token| token["name"] == name).unwrap().clone();
    let (above, below) = (of("test"), of("c1"));
    assert!(below["expires"].as_i64() <= of("test")["expires"].as_i64().max(above["expires"].as_i64()), "{listed}");
    assert_eq!((&below["kinds"], &below["above"]), (&json!(["Builder"]), &json!(["countersign:s1"])));
    // Revoked with it, and what is below that.
    let mut body = child("c9", "Explore");
    body["parent"] = json!("countersign:c1");
    let deep = made(&world, &application, &body);
    let mains = listed.as_array().unwrap().iter().find(|token| token["session"] == "countersign:s1").unwrap();
    let revoke = format!("/v1/tokens/{}", mains["id"].as_str().unwrap());
    world.ask("DELETE", &revoke).bearer(&human.secret).send().is(204);
    for token in [&main, &builder, &deep] {
        assert_eq!(decide(token, &world.call("git status")).is(401).code(), "unauthorised");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_agent_neither_speaks_for_its_parent_nor_makes_tokens() {
    let world = world().await;
    let (human, main) = (world.sign_in().await, world.token("s1").await);
    let builder = made(&world, &human.secret, &child("c1", "Builder"));
    let id = world.asked(&main, "git push");
    for (method, path) in [
        ("GET", format!("/v1/approvals/{id}/wait?seconds=0")),
        ("POST", format!("/v1/approvals/{id}/cancel")),
        ("GET", "/v1/sessions/countersign:s1".to_owned()),
    ] {
        assert_eq!(world.ask(method, &path).bearer(&builder).send().is(404).code(), "not-found", "{path}");
    }
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&builder);
    redeem.json(&world.call("git push")).send().is(404);
    for body in [child("c2", "Builder"), json!({ "name": "n", "host": "countersign", "session": "s1" })] {
        for token in [&builder, &main] {
            assert_eq!(make(&world, token, &body).is(403).code(), "humans-only");
        }
    }
    world.ask("PATCH", "/v1/sessions/countersign:c1").bearer(&builder).json(&json!({})).send().is(403);
    let filter = AuditFilter { kind: Some("token made".to_owned()), ..AuditFilter::default() };
    assert_eq!(world.store().await.audit_entries(&filter).await.unwrap().len(), 2);
}

/// What a person denied for the session of the agent above was only asked about again in that of its sub-agent.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_in_the_session_above_is_denied_below() {
    let world = world().await;
    let (human, main) = (world.sign_in().await, world.token("s1").await);
    let builder = made(&world, &human.secret, &child("c1", "Builder"));
    let id = world.asked(&builder, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let reach = |scope, session: &str| Reach {
        scope,
        user: "ada".to_owned(),
        project: Some(world.project()),
        session: Some(session.to_owned()),
        turn: None,
    };
    let never = |reach| NewGrant {
        effect: Effect::Deny,
        action: Action::Shell,
        resource: GrantResource::Whole,
        reach,
        expires: None,
    };
    let id_of = |grant: countersign_policy::Grant| grant.id;
    let mut store = world.store().await;
    let grant = store.grant(never(reach(Scope::Session, "countersign:s1")), "ada", now()).await.map(id_of).unwrap();
    for token in [&main, &builder] {
        assert_eq!(effect(&world, token, "git status"), "deny");
    }
    // Nor does an earlier yes get past it, with a key or without.
    let redeem =
        world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&builder).json(&world.call("git push"));
    assert_eq!(redeem.send().is(409).code(), "stricter");
    for path in ["/v1/decide", "/v1/ask"] {
        let ask =
            world.ask("POST", path).bearer(&builder).header("Idempotency-Key", path).json(&world.call("git push"));
        assert_eq!(ask.send().is(200).json()["effect"], "deny");
    }
    assert!(store.revoke(&grant, "ada", "ada", now()).await.unwrap());
    assert_eq!(effect(&world, &builder, "git status"), "allow");
    // But not the other way round.
    store.grant(never(reach(Scope::Session, "countersign:c1")), "ada", now()).await.unwrap();
    assert_eq!(
        (effect(&world, &main, "git status"), effect(&world, &builder, "git status")),
        (json!("allow"), json!("deny"))
    );
}
