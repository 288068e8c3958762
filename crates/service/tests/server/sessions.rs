//! What is in force in a session, and the same call again and again in one.

use countersign_policy::Scope;
use countersign_service::store::{AuditFilter, LogFilter};
use serde_json::{Value, json};

use crate::world::{World, now};

const ONE: &str = "/v1/sessions/countersign:s1";

fn decide(world: &World, token: &str, call: &Value) -> Value {
    world.ask("POST", "/v1/decide").bearer(token).json(call).send().is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_in_a_row_asks_within_one_batch_and_after_a_restart() {
    let mut world = World::new().await;
    let token = world.token("s1").await;
    let (call, other) = (world.call("git status"), world.call("git log"));
    // The log is written in batches: these come faster.
    let effects: Vec<Value> = (0..4).map(|_| decide(&world, &token, &call)["effect"].clone()).collect();
    assert_eq!(effects, ["allow", "allow", "ask", "ask"]);
    let asks = decide(&world, &token, &call);
    assert!(asks["message"].as_str().unwrap().contains("the same call 3 times in a row"), "{asks}");
    assert_eq!(decide(&world, &token, &other)["effect"], "allow");
    assert_eq!(decide(&world, &token, &call)["effect"], "allow");
    assert_eq!(decide(&world, &token, &call)["effect"], "allow");
    world.end().await;
    world.start().await;
    assert_eq!(decide(&world, &token, &call)["effect"], "ask", "a restart forgets nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_the_same_moment_two_run() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let ask = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git status"));
    let many: Vec<_> = (0..16)
        .map(|_| {
            let ask = ask.clone();
            std::thread::spawn(move || ask.send().is(200).json()["effect"].clone())
        })
        .collect();
    let effects: Vec<Value> = many.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(effects.iter().filter(|effect| *effect == "allow").count(), 2, "{effects:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_sent_again_is_one_call() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let with = |id: &str| {
        let mut call = world.call("git status");
        call["call_id"] = json!(id);
        call
    };
    for _ in 0..5 {
        assert_eq!(decide(&world, &token, &with("one"))["effect"], "allow");
    }
    let keyed = world.ask("POST", "/v1/decide").bearer(&token).header("Idempotency-Key", "k");
    for _ in 0..5 {
        assert_eq!(keyed.clone().json(&world.call("git status")).send().is(200).json()["effect"], "allow");
    }
    assert_eq!(decide(&world, &token, &with("two"))["effect"], "ask");
    // An id is its turn's: the same one in the next turn is another call.
    let mut next = with("one");
    next["turn"] = json!("t2");
    assert_eq!(decide(&world, &token, &next)["effect"], "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_repeated_call_runs_it_and_the_row_begins_anew() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let call = world.call("git status");
    decide(&world, &token, &call);
    decide(&world, &token, &call);
    let id = world.asked(&token, "git status");
    let record = world.store().await.record(&id).await.unwrap().unwrap();
    assert!(record.question.scopes.is_empty() && record.call.in_a_row == 3, "{record:?}");
    let always = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&always).send().is(422);
    world.submit(&human, "answer", &[("approval", &id), ("answer", "once")]).send().is(303);
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token).json(&call);
    assert_eq!(redeem.send().is(200).json()["effect"], "allow");
    let effects: Vec<Value> = (0..2).map(|_| decide(&world, &token, &call)["effect"].clone()).collect();
    assert_eq!(effects, ["allow", "ask"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_the_same_call_asks_too() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let one = |id: &str| json!({ "id": id, "tool": "shell", "args": { "resource": "git status" } });
    let project = world.project();
    let turn = json!({
        "host": "countersign", "cwd": project, "project": project, "turn": "t1",
        "calls": [one("a"), one("b"), one("c")],
    });
    let told = world.ask("POST", "/v1/turns").bearer(&token).json(&turn).send().is(200).json();
    let effects: Vec<&Value> = told["calls"].as_array().unwrap().iter().map(|call| &call["effect"]).collect();
    assert_eq!(effects, ["allow", "allow", "ask"], "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_questions_are_refused_with_their_number_and_logged() {
    let mut world = World::new().await;
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\nmax-open = 2\n").unwrap();
    let token = world.token("s1").await;
    let first = world.asked(&token, "make 1");
    assert_eq!(world.asked(&token, "make 1"), first);
    world.asked(&token, "make 2");
    for (agent, turn) in [(Value::Null, "t1"), (json!("helper"), "t2")] {
        let mut more = world.call("make 3");
        (more["agent"], more["turn"]) = (agent, json!(turn));
        let refused = world.ask("POST", "/v1/ask").bearer(&token).json(&more).send().is(409);
        assert_eq!(refused.code(), "too-many");
        assert!(refused.body.contains("2 questions of this session wait"), "{}", refused.body);
    }
    world.end().await;
    let mut store = world.store().await;
    let filter = LogFilter { effect: Some(countersign_policy::Effect::Deny), ..LogFilter::default() };
    let logged = store.log_entries(&filter).await.unwrap();
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert!(logged[0].entry.detail.value()["told"].as_str().unwrap().contains("2 questions"), "{logged:?}");
    let record = store.record(&first).await.unwrap().unwrap();
    assert_eq!(record.approval.count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sessions_state_is_set_by_humans_and_applications_alone() {
    let world = World::new().await;
    let (token, human, application) = (world.token("s1").await, world.sign_in().await, world.application("ada").await);
    world.ask("GET", ONE).bearer(&token).send().is(404);
    let set = world.ask("PATCH", ONE);
    for secret in [&human.secret, &application] {
        let now = set.clone().bearer(secret).json(&json!({ "mode": "plan" })).send().is(200).json();
        assert_eq!((&now["mode"], &now["id"]), (&json!("plan"), &json!("countersign:s1")));
    }
    assert_eq!(set.clone().bearer(&token).json(&json!({ "mode": "bypass" })).send().is(403).code(), "humans-only");
    world.ask("DELETE", ONE).bearer(&token).send().is(403);
    assert_eq!(set.json(&json!({ "mode": "bypass" })).send().is(401).code(), "unauthorised");

    let filter = |kind: &str| AuditFilter { kind: Some(kind.to_owned()), ..AuditFilter::default() };
    let mut store = world.store().await;
    let refused = store.audit_entries(&filter("refused")).await.unwrap();
    assert_eq!((refused.len(), &refused[1].detail["tried"]), (2, &json!("set a session's state")), "{refused:?}");
    let set = store.audit_entries(&filter("session set")).await.unwrap();
    assert_eq!((set.len(), set[0].actor.as_str()), (2, "ada"));
    assert!(set[0].detail["via"].as_str().unwrap().starts_with("application "), "{set:?}");

    // What was set is the calls' mode, whatever the agent says.
    let mut call = world.call("git push");
    call["mode"] = json!("bypassPermissions");
    let asked = world.ask("POST", "/v1/ask").bearer(&token).json(&call).send().is(201).json();
    let record = store.record(asked["approval"]["id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(record.call.mode.as_deref(), Some("plan"));
    let unset = world.ask("PATCH", ONE).bearer(&human.secret).json(&json!({ "mode": null })).send().is(200).json();
    assert_eq!(unset["mode"], Value::Null);
    let kept = world.ask("PATCH", ONE).bearer(&human.secret).json(&json!({})).send().is(200).json();
    assert_eq!(kept["mode"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_set_soundly_is_refused() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let set = |id: &str, patch: Value| {
        world.ask("PATCH", &format!("/v1/sessions/{id}")).bearer(&human.secret).json(&patch).send().is(422).json()
    };
    let profile = set("countersign:s1", json!({ "profile": "dev" }));
    assert!(profile["message"].as_str().unwrap().contains("profiles are not supported yet"), "{profile}");
    for (id, patch) in [
        ("countersign:s1", json!({ "mode": "" })),
        ("countersign:s1", json!({ "mode": "a\nb" })),
        ("countersign:s1", json!({ "mode": 3 })),
        ("countersign:s1", json!({ "moed": "plan" })),
        ("countersign:s1", json!({ "mode": "x".repeat(401) })),
        ("s1", json!({ "mode": "plan" })),
        (":s1", json!({ "mode": "plan" })),
        ("countersign:", json!({ "mode": "plan" })),
    ] {
        set(id, patch);
    }
    world.ask("GET", ONE).bearer(&human.secret).send().is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_what_is_in_force_and_ends() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    let always = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
    reply.json(&always).send().is(200);
    world.asked(&token, "git tag v1");
    decide(&world, &token, &world.call("git status"));
    decide(&world, &token, &world.call("git status"));

    let seen = world.ask("GET", ONE).bearer(&human.secret).send().is(200).json();
    assert_eq!((&seen["open"], &seen["in_a_row"], &seen["mode"]), (&json!(1), &json!(2), &Value::Null), "{seen}");
    assert_eq!(seen["grants"].as_array().unwrap().len(), 1);
    assert_eq!(seen["grants"][0]["reach"]["scope"], json!(Scope::Session));
    // Its agent sees the same, but for what was remembered.
    let own = world.ask("GET", ONE).bearer(&token).send().is(200).json();
    assert_eq!((&own["open"], own.get("grants")), (&json!(1), None), "{own}");
    // Others' sessions read like none, to agents and to humans.
    for other in [world.token("s2").await, world.token_of("bob", "s1").await, world.application("bob").await] {
        let answer = world.ask("GET", ONE).bearer(&other).send().is(404);
        assert_eq!(answer.code(), "not-found");
    }
    world.ask("DELETE", ONE).bearer(&world.application("bob").await).send().is(404);

    world.ask("DELETE", ONE).bearer(&world.application("ada").await).send().is(204);
    let mut store = world.store().await;
    let open = store.open_questions(Some("ada"), now()).await.unwrap();
    assert!(open.is_empty(), "{open:?}");
    let filter = AuditFilter { kind: Some("session ended".to_owned()), ..AuditFilter::default() };
    let ended = store.audit_entries(&filter).await.unwrap();
    assert!(ended[0].actor.starts_with("application "), "{ended:?}");
    assert_eq!(decide(&world, &token, &world.call("git push"))["effect"], "ask", "what was remembered has ended");
}
