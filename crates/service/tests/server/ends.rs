//! What ends with a session: also what the sub-agents below it have.

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::world::{SignedIn, World, now};

/// A token of a sub-agent, in a session of its own below that of another agent.
fn below(world: &World, application: &str, parent: &str, session: &str) -> String {
    let body = json!({
        "name": session, "host": "countersign", "session": session, "agent": "Builder",
        "parent": format!("countersign:{parent}"),
    });
    let made = world.ask("POST", "/v1/tokens").bearer(application).json(&body).send().is(201);
    made.json()["secret"].as_str().unwrap().to_owned()
}

fn state(world: &World, token: &str, id: &str) -> Value {
    let waited = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(token).send().is(200).json();
    json!([waited["state"], waited["reason"]])
}

fn effect(world: &World, token: &str, command: &str) -> Value {
    // Another call in between: the same one too often in a row asks.
    world.ask("POST", "/v1/decide").bearer(token).json(&world.call("git status")).send().is(200);
    world.ask("POST", "/v1/decide").bearer(token).json(&world.call(command)).send().is(200).json()["effect"].clone()
}

/// Asks, and has the yes remembered for the session.
fn allowed(world: &World, human: &SignedIn, token: &str, command: &str) {
    let id = world.asked(token, command);
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    let always = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
    reply.json(&always).send().is(200);
    assert_eq!(effect(world, token, command), "allow");
    assert_eq!(effect(world, token, command), "allow", "it is remembered");
}

fn end(world: &World, secret: &str, session: &str) -> crate::client::Answer {
    world.ask("DELETE", &format!("/v1/sessions/countersign:{session}")).bearer(secret).send()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_those_of_the_sub_agents_below_it() {
    let world = World::new().await;
    let (human, application) = (world.sign_in().await, world.application("ada").await);
    let (main, other) = (world.token("s1").await, world.token("s2").await);
    let child = below(&world, &application, "s1", "c1");
    let deep = below(&world, &application, "c1", "d1");
    let others = below(&world, &application, "s2", "c2");
    allowed(&world, &human, &child, "git push origin main");
    allowed(&world, &human, &others, "git push origin main");
    let mine = [&main, &child, &deep].map(|token| (token, world.asked(token, "git tag v1")));
    let theirs = [&other, &others].map(|token| (token, world.asked(token, "git tag v1")));
    let wait = world.ask("GET", &format!("/v1/approvals/{}/wait?seconds=60", mine[2].1)).bearer(&deep);
    let waiting = std::thread::spawn(move || wait.send());

    end(&world, &application, "s1").is(204);
    let told = waiting.join().unwrap().is(200).json();
    assert_eq!((&told["state"], &told["reason"]), (&json!("cancelled"), &json!("session_end")));
    for (token, id) in &mine {
        assert_eq!(state(&world, token, id), json!(["cancelled", "session_end"]));
    }
    for (token, id) in &theirs {
        assert_eq!(state(&world, token, id)[0], "open", "another agent's sub-agents go on");
    }
    assert_eq!(effect(&world, &child, "git push origin main"), "ask", "what was allowed for its session has ended");
    assert_eq!(effect(&world, &others, "git push origin main"), "allow");
    let filter = AuditFilter { kind: Some("session ended".to_owned()), ..AuditFilter::default() };
    let ended = world.store().await.audit_entries(&filter).await.unwrap();
    let mut ended: Vec<Value> =
        ended.iter().map(|entry| json!([entry.detail["session"], entry.detail.get("with")])).collect();
    ended.sort_by_key(Value::to_string);
    let with = |session: &str| json!([format!("countersign:{session}"), "countersign:s1"]);
    assert_eq!(ended, [with("c1"), with("d1"), json!(["countersign:s1", null])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_above_or_beside_it_ends() {
    let world = World::new().await;
    let (human, application) = (world.sign_in().await, world.application("ada").await);
    let main = world.token("s1").await;
    let (child, beside) = (below(&world, &application, "s1", "c1"), below(&world, &application, "s1", "c2"));
    allowed(&world, &human, &main, "git push");
    let asked = [&main, &child, &beside].map(|token| (token, world.asked(token, "git tag v1")));
    end(&world, &human.secret, "c1").is(204);
    assert_eq!(asked.each_ref().map(|(token, id)| state(&world, token, id)[0].clone()), ["open", "cancelled", "open"]);
    assert_eq!(effect(&world, &main, "git push"), "allow");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_did_nothing_itself_ends_with_what_is_below() {
    let world = World::new().await;
    let application = world.application("ada").await;
    world.token("s1").await;
    let child = below(&world, &application, "s1", "c1");
    let id = world.asked(&child, "git tag v1");
    // A token that counts no more still says where its session stands.
    let mut store = world.store().await;
    let tokens = store.tokens("ada").await.unwrap();
    let its = tokens.iter().find(|token| token.session == "countersign:c1").unwrap();
    store.token_revoke(&its.id, "ada", "ada", now()).await.unwrap();
    end(&world, &application, "s1").is(204);
    let record = store.record(&id).await.unwrap().unwrap();
    assert!(matches!(record.approval.state, countersign_policy::approval::State::Cancelled { .. }), "{record:?}");
    assert_eq!(end(&world, &application, "s1").is(404).code(), "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_agent_and_no_other_user_ends_what_is_below() {
    let world = World::new().await;
    let (human, application) = (world.sign_in().await, world.application("ada").await);
    let main = world.token("s1").await;
    let child = below(&world, &application, "s1", "c1");
    // Names alone put nobody below another.
    let posing = world.token("s1:c1").await;
    let asked = [&main, &child, &posing].map(|token| (token, world.asked(token, "git tag v1")));
    for token in [&main, &child, &posing] {
        for session in ["s1", "c1", "s1:c1"] {
            assert_eq!(end(&world, token, session).is(403).code(), "humans-only");
        }
    }
    let bobs = world.application("bob").await;
    let theirs = world.token_of("bob", "s1").await;
    let id = world.asked(&theirs, "git tag v1");
    end(&world, &bobs, "c1").is(404);
    end(&world, &bobs, "s1").is(204);
    assert_eq!(state(&world, &theirs, &id)[0], "cancelled");
    assert_eq!(asked.each_ref().map(|(token, id)| state(&world, token, id)[0].clone()), ["open", "open", "open"]);
    end(&world, &human.secret, "s1").is(204);
    assert_eq!(
        asked.each_ref().map(|(token, id)| state(&world, token, id)[0].clone()),
        ["cancelled", "cancelled", "open"]
    );
}

/// A fault between the two left a main agent without its session, and its sub-agents with theirs.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_ends_or_nothing_does() {
    let world = World::new().await;
    let application = world.application("ada").await;
    let main = world.token("s1").await;
    let child = below(&world, &application, "s1", "c1");
    let asked = [&main, &child].map(|token| (token, world.asked(token, "git tag v1")));
    let options = SqliteConnectOptions::new().filename(world.folder.path().join("data/countersign.db"));
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    let fail = "CREATE TRIGGER fails BEFORE DELETE ON sessions WHEN OLD.session = 'countersign:c1'
                BEGIN SELECT RAISE(ABORT, 'not now'); END";
    sqlx::raw_sql(fail).execute(&mut db).await.unwrap();
    end(&world, &application, "s1").is(500);
    assert_eq!(asked.each_ref().map(|(token, id)| state(&world, token, id)[0].clone()), ["open", "open"]);
    sqlx::raw_sql("DROP TRIGGER fails").execute(&mut db).await.unwrap();
    end(&world, &application, "s1").is(204);
    assert_eq!(asked.each_ref().map(|(token, id)| state(&world, token, id)[0].clone()), ["cancelled", "cancelled"]);
}
