//! What an application's token can do.

use countersign_service::store::AuditFilter;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_human_makes_and_revokes_an_applications_token() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let make = world.ask("POST", "/v1/tokens").bearer(&human.secret);
    let made = make.clone().json(&json!({ "kind": "application", "name": "chat" })).send().is(201).json();
    let secret = made["secret"].as_str().unwrap();
    world.ask("GET", "/v1/approvals").bearer(secret).send().is(200);

    for wrong in [
        json!({ "kind": "application", "name": "chat", "session": "s1" }),
        json!({ "kind": "application", "name": "chat", "host": "countersign" }),
        json!({ "kind": "application", "name": "chat", "project": world.project() }),
        json!({ "kind": "application", "name": "" }),
        json!({ "kind": "application", "name": "chat", "seconds": 0 }),
        json!({ "kind": "admin", "name": "chat" }),
        json!({ "name": "agent", "host": "countersign" }),
        json!({ "name": "agent", "session": "s1" }),
    ] {
        make.clone().json(&wrong).send().is(422);
    }
    let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["kind"]), (1, &json!("application")));
    assert!(!listed.to_string().contains("csp_"));

    let revoke = world.ask("DELETE", &format!("/v1/tokens/{}", made["id"].as_str().unwrap())).bearer(&human.secret);
    revoke.send().is(204);
    revoke.send().is(404);
    world.ask("GET", "/v1/approvals").bearer(secret).send().is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sees_its_users_questions_alone() {
    let world = World::new().await;
    let secret = world.application("ada").await;
    let own = world.asked(&world.token("s1").await, "git push");
    let others = world.asked(&world.token_of("bob", "s1").await, "git push");
    let open = world.ask("GET", "/v1/approvals?open=true").bearer(&secret).send().is(200).json();
    assert_eq!((open.as_array().unwrap().len(), &open[0]["approval"]["id"]), (1, &json!(own)));
    for rest in ["", "/wait?seconds=0"] {
        world.ask("GET", &format!("/v1/approvals/{own}{rest}")).bearer(&secret).send().is(200);
        world.ask("GET", &format!("/v1/approvals/{others}{rest}")).bearer(&secret).send().is(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_neither_human_nor_agent() {
    let world = World::new().await;
    let secret = world.application("ada").await;
    let id = world.asked(&world.token("s1").await, "git push");
    let tries = [
        world.ask("POST", &format!("/v1/approvals/{id}/reply")).json(&json!({ "outcome": "allow" })),
        world.ask("GET", "/v1/grants"),
        world.ask("DELETE", "/v1/grants/1"),
        world.ask("GET", "/v1/tokens"),
        world.ask("POST", "/v1/tokens").json(&json!({ "kind": "application", "name": "more" })),
        world.ask("DELETE", "/v1/tokens/1"),
        world.ask("GET", "/v1/audit"),
        world.ask("GET", "/v1/log"),
    ];
    let count = tries.len();
    for ask in tries {
        assert_eq!(ask.bearer(&secret).send().is(403).code(), "humans-only");
    }
    let filter = AuditFilter { kind: Some("refused".to_owned()), ..AuditFilter::default() };
    let refused = world.store().await.audit_entries(&filter).await.unwrap();
    assert_eq!((refused.len(), refused[0].actor.as_str()), (count, "application"), "{refused:?}");

    let call = world.call("git status");
    for path in ["/v1/decide", "/v1/ask", &format!("/v1/approvals/{id}/redeem")] {
        assert_eq!(world.ask("POST", path).bearer(&secret).json(&call).send().is(403).code(), "agents-only", "{path}");
    }
    world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&secret).send().is(403);
    let cookie = format!("countersign={secret}");
    world.ask("GET", "/inbox/0123/").header("Cookie", &cookie).send().is(303);
}
