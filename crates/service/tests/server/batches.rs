//! The list of a session's turns, and the catalog with what people have said no to.

use countersign_policy::{Action, Effect, GrantResource, Reach, Scope};
use countersign_service::store::NewGrant;
use serde_json::{Value, json};

use crate::turns::turn;
use crate::world::{World, now};

fn listed(world: &World, token: &str, state: &str) -> Vec<(Value, Value)> {
    let list = world.ask("GET", &format!("/v1/batches{state}")).bearer(token).send().is(200).json();
    list.as_array().unwrap().iter().map(|batch| (batch["turn"].clone(), batch["state"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_finds_the_turns_that_it_lost_sight_of() {
    let world = World::new().await;
    let (human, token) = (world.sign_in().await, world.token("s1").await);
    let mut asked = Vec::new();
    for name in ["t1", "t2", "t3"] {
        let body = turn(&world, name, "defer", &[&format!("git push {name}")]);
        let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
        asked
            .push((verdict["batch"]["id"].clone(), verdict["calls"][0]["approval"]["id"].as_str().unwrap().to_owned()));
    }
    for (_, id) in &asked[..2] {
        let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
        reply.json(&json!({ "outcome": "allow" })).send().is(200);
    }
    let resume = format!("/v1/batches/{}/resume", asked[0].0.as_str().unwrap());
    let resumed = world.ask("POST", &resume).bearer(&token).send().is(200).json();
    let pair = |turn: &str, state: &str| (json!(turn), json!(state));
    assert_eq!(listed(&world, &token, ""), [pair("t3", "open"), pair("t2", "ready"), pair("t1", "resumed")]);
    assert_eq!(listed(&world, &token, "?state=open"), [pair("t3", "open")]);
    assert_eq!(listed(&world, &token, "?state=ready"), [pair("t2", "ready")]);
    assert_eq!(listed(&world, &token, "?state=resumed"), [pair("t1", "resumed")]);
    // To look resumes nobody, and tells the same as the resumption did.
    let found = world.ask("GET", "/v1/batches?state=resumed").bearer(&token).send().is(200).json();
    assert_eq!(found[0], resumed);
    assert!((now().0 - found[0]["at"].as_i64().unwrap()).abs() < 60_000);
    for other in [world.token("s2").await, world.token_of("bob", "s1").await] {
        assert!(listed(&world, &other, "").is_empty());
    }
    let elsewhere = world.token_for("ada", "countersign:s1", Some("/elsewhere")).await;
    assert!(listed(&world, &elsewhere, "").is_empty());
    for wrong in ["?state=cancelled", "?state=", "?state=open%27", "?stat=open"] {
        world.ask("GET", &format!("/v1/batches{wrong}")).bearer(&token).send().is(422);
    }
    // What was given up is over; what was resumed more than a day ago is, too.
    let stop = world.ask("POST", "/v1/turns/cancel").bearer(&token).json(&json!({ "reason": "stop" }));
    stop.send().is(200);
    assert_eq!(listed(&world, &token, ""), [pair("t1", "resumed")]);
    world.store().await.expire(now().plus_seconds(86_401)).await.unwrap();
    assert!(listed(&world, &world.token("s1").await, "").is_empty());
}

/// A tool to which a person had said no altogether stood in the catalog as if it were to be had, under the same digest.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_remembered_no_hides_changes_the_catalog() {
    let world = World::new().await;
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\n[tools.\"crm/send\"]\nclass = \"write\"\n").unwrap();
    let (token, other) = (world.token("s1").await, world.token("s2").await);
    let path = format!("/v1/catalog?host=countersign&project={}", world.project());
    let catalog = |token: &str| world.ask("GET", &path).bearer(token).send().is(200).json();
    let verdict = |token: &str| {
        let mut call = world.call("");
        call["args"] = json!({ "resource": format!("git log {}", now().0) });
        world.ask("POST", "/v1/decide").bearer(token).json(&call).send().is(200).json()["catalog"].clone()
    };
    let visible = |catalog: &Value| -> Vec<(String, bool)> {
        let tools = catalog["tools"].as_array().unwrap().iter();
        tools.map(|tool| (tool["tool"].as_str().unwrap().to_owned(), tool["visible"].as_bool().unwrap())).collect()
    };
    let before = catalog(&token);
    assert_eq!((&before["hash"], visible(&before)), (&verdict(&token), vec![("crm/send".to_owned(), true)]));

    let never = |action, scope, expires| NewGrant {
        effect: Effect::Deny,
        action,
        resource: GrantResource::Whole,
        reach: Reach {
            scope,
            user: "ada".to_owned(),
            project: (scope != Scope::User).then(|| world.project()),
            session: (scope == Scope::Session).then(|| "countersign:s1".to_owned()),
            turn: None,
        },
        expires,
    };
    let send = Action::Mcp { server: "crm".to_owned(), tool: "send".to_owned() };
    let plan = Action::Tool("Plan".to_owned());
    let mut store = world.store().await;
    let grant = store.grant(never(send, Scope::Session, None), "ada", now()).await.unwrap();
    let after = catalog(&token);
    assert_eq!((&after["hash"], visible(&after)), (&verdict(&token), vec![("crm/send".to_owned(), false)]));
    assert_ne!(after["hash"], before["hash"]);
    assert!(after["tools"][0]["why"].as_str().unwrap().contains("said no"), "{after}");
    let again = world.ask("GET", &path).bearer(&token).header("If-None-Match", &format!("{}", before["hash"])).send();
    again.is(200);
    let again = world.ask("GET", &path).bearer(&token).header("If-None-Match", &format!("{}", after["hash"])).send();
    again.is(304);
    // In another session it is to be had.
    assert_eq!((catalog(&other), verdict(&other)), (before.clone(), before["hash"].clone()));
    // What policy does not describe is listed, so that it is hidden: a host offers what it finds nothing about.
    let soon = now().plus_seconds(3_600);
    store.grant(never(plan, Scope::User, Some(soon)), "ada", now()).await.unwrap();
    let both = catalog(&token);
    assert_eq!(visible(&both), [("crm/send".to_owned(), false), ("tool:Plan".to_owned(), false)]);
    assert_eq!(visible(&catalog(&other)), [("crm/send".to_owned(), true), ("tool:Plan".to_owned(), false)]);
    assert_ne!(both["hash"], after["hash"]);
    // And so with `/v1/tools`.
    let tools = json!({
        "host": "countersign", "project": world.project(), "tools": [{ "name": "mcp__crm__send", "mcp_server": "crm" }],
    });
    let tools = |token: &str| world.ask("POST", "/v1/tools").bearer(token).json(&tools).send().is(200).json();
    assert_eq!((&tools(&token)[0]["visible"], &tools(&other)[0]["visible"]), (&json!(false), &json!(true)));
    assert!(store.revoke(&grant.id, "ada", "ada", now()).await.unwrap());
    assert_eq!(verdict(&token), catalog(&token)["hash"]);
    assert_eq!(visible(&catalog(&token))[0], ("crm/send".to_owned(), true));
}
