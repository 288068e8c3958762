//! What the server keeps in memory never outlives what it was made of, whoever changes that.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Effect, GrantResource, Reach, Scope, sha256_hex};
use countersign_service::store::{GrantFilter, NewGrant};

use crate::world::{World, now};

fn effect(world: &World, token: &str, command: &str) -> String {
    let decide = world.ask("POST", "/v1/decide").bearer(token).json(&world.call(command)).send().is(200);
    decide.json()["effect"].as_str().unwrap().to_owned()
}

/// The same of a call that was not made before: one that comes too often in a row asks.
fn another(world: &World, token: &str, command: &str) -> String {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    effect(world, token, &format!("{command} n{}", CALLS.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_process_revokes_is_refused_at_once() {
    let world = World::new().await;
    std::fs::write(world.user_policy(), "allow = [\"shell(git status *)\"]\n").unwrap();
    let mut other = world.store().await;
    for session in ["s1", "s2", "s3"] {
        let token = world.token(session).await;
        for _ in 0..3 {
            assert_eq!(another(&world, &token, "git status"), "allow");
        }
        let tokens = other.tokens("ada").await.unwrap();
        other.token_revoke(&tokens[0].id, "ada", "ada", now()).await.unwrap();
        let decide = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git status"));
        decide.send().is(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_human_who_signed_out_elsewhere_is_refused_at_once() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let grants = world.ask("GET", "/v1/grants").bearer(&human.secret);
    grants.send().is(200);
    grants.send().is(200);
    world.store().await.human_session_end(&human.secret, now()).await.unwrap();
    grants.send().is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_counts_from_when_it_is_made_until_it_is_revoked() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let mut other = world.store().await;
    assert_eq!(another(&world, &token, "git push origin"), "ask");
    for _ in 0..5 {
        let new = NewGrant {
            effect: Effect::Allow,
            action: Action::Shell,
            resource: GrantResource::Pattern(Pattern::parse(&Action::Shell, "git push *").unwrap()),
            reach: Reach { scope: Scope::User, user: "ada".to_owned(), project: None, session: None, turn: None },
            expires: None,
        };
        let grant = other.grant(new, "ada", now()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(another(&world, &token, "git push origin"), "allow");
        }
        other.revoke(&grant.id, "ada", "ada", now()).await.unwrap();
        assert_eq!(another(&world, &token, "git push origin"), "ask");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sessions_grant_ends_with_it() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push origin main");
    let form = [("approval", id.as_str()), ("answer", "session"), ("part-0", "0")];
    world.submit(&human, "answer", &form).send().is(303);
    assert_eq!(effect(&world, &token, "git push origin main"), "allow");
    assert_eq!(effect(&world, &token, "git push origin main"), "allow");
    let mut other = world.store().await;
    assert_eq!(other.grants(&GrantFilter::default(), now()).await.unwrap().len(), 1);
    other.end_session("ada", "countersign:s1", "ada", now()).await.unwrap();
    assert_eq!(effect(&world, &token, "git push origin main"), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_of_the_same_size_and_time_counts_at_once() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let (loose, strict) = ("allow = [\"shell(git status *)\"]\n", "deny  = [\"shell(git status *)\"]\n");
    let when = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    for (text, expected) in [(strict, "deny"), (loose, "allow")].into_iter().cycle().take(12) {
        std::fs::write(world.user_policy(), text).unwrap();
        std::fs::File::options().write(true).open(world.user_policy()).unwrap().set_modified(when).unwrap();
        assert_eq!(another(&world, &token, "git status"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_policy_takes_in_counts_at_once() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let home = world.user_policy().parent().unwrap().to_owned();
    std::fs::write(world.user_policy(), "[[import]]\nfrom = \"opencode.json\"\n").unwrap();
    for (word, expected) in [("deny", "deny"), ("allow", "allow"), ("deny", "deny")] {
        let text = format!(r#"{{ "permission": {{ "bash": {{ "make it*": "{word}" }} }} }}"#);
        std::fs::write(home.join("opencode.json"), text).unwrap();
        assert_eq!(another(&world, &token, "make it"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_that_another_process_withdraws_counts_no_more() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let file = format!("{}/countersign.toml", world.project());
    let text = "allow = [\"shell(make it *)\"]\n";
    std::fs::write(&file, text).unwrap();
    let mut other = world.store().await;
    assert_eq!(another(&world, &token, "make it"), "ask");
    for _ in 0..3 {
        other.trust(&file, &sha256_hex(text.as_bytes()), "ada", now()).await.unwrap();
        assert_eq!(another(&world, &token, "make it"), "allow");
        other.untrust(&file, "ada", now()).await.unwrap();
        assert_eq!(another(&world, &token, "make it"), "ask");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_reads_it_at_once() {
    let world = World::new().await;
    let human = world.sign_in().await;
    for number in 0..10 {
        let body = serde_json::json!({ "name": format!("t{number}"), "host": "countersign", "session": "s" });
        let made = world.ask("POST", "/v1/tokens").bearer(&human.secret).json(&body).send().is(201).json();
        let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
        assert_eq!(listed[0]["id"], made["id"]);
    }
}
