//! What was said of a call is said again only while all that went into it is the same, and counts each time.

use std::os::unix::fs::symlink;

use countersign_policy::pattern::Pattern;
use countersign_policy::{Action, Effect, GrantResource, Reach, Scope};
use countersign_service::store::{LogFilter, NewGrant};
use serde_json::json;

use crate::world::{World, now};

/// What is said of a call whose like was made before. Another one is made after it: one that comes too often in a row asks.
fn effect(world: &World, token: &str, command: &str) -> String {
    let said = said(world, token, command);
    self::said(world, token, "git status");
    said
}

fn said(world: &World, token: &str, command: &str) -> String {
    let decide = world.ask("POST", "/v1/decide").bearer(token).json(&world.call(command)).send().is(200);
    decide.json()["effect"].as_str().unwrap().to_owned()
}

fn grant(effect: Effect, seconds: Option<i64>) -> NewGrant {
    NewGrant {
        effect,
        action: Action::Shell,
        resource: GrantResource::Pattern(Pattern::parse(&Action::Shell, "git push *").unwrap()),
        reach: Reach { scope: Scope::User, user: "ada".to_owned(), project: None, session: None, turn: None },
        expires: seconds.map(|seconds| now().plus_seconds(seconds)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_again_is_logged_each_time() {
    let mut world = World::new().await;
    let token = world.token("s1").await;
    for _ in 0..60 {
        assert_eq!(said(&world, &token, "git push origin main"), "ask");
        assert_eq!(said(&world, &token, "git rebase -i"), "deny");
    }
    for number in 0..5 {
        let mut call = world.call("git push origin main");
        call["call_id"] = json!(format!("c{number}"));
        world.ask("POST", "/v1/decide").bearer(&token).json(&call).send().is(200);
    }
    world.end().await;
    let filter = LogFilter { limit: 1000, ..LogFilter::default() };
    let rows = world.store().await.log_entries(&filter).await.unwrap();
    let times =
        |word: &str| rows.iter().filter(|row| row.entry.effect.word() == word).map(|row| row.times).sum::<u32>();
    assert_eq!((times("ask"), times("deny")), (65, 60));
    assert!(rows.len() < 125, "nothing was said again");
    let mut ids: Vec<&str> = rows.iter().filter_map(|row| row.entry.call_id.as_deref()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["c0", "c1", "c2", "c3", "c4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_in_a_row_asks_however_often_it_was_said_before() {
    let world = World::new().await;
    let token = world.token("s1").await;
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\nallow = [\"shell(make *)\", \"shell(git status)\"]\n")
        .unwrap();
    for _ in 0..4 {
        assert_eq!(said(&world, &token, "make it"), "allow");
        assert_eq!(said(&world, &token, "make it"), "allow");
        for _ in 0..3 {
            assert_eq!(said(&world, &token, "make it"), "ask");
        }
        assert_eq!(said(&world, &token, "git status"), "allow");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_counts_at_once_and_until_it_ends() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let mut other = world.store().await;
    let push = |expected: &str| {
        for _ in 0..3 {
            assert_eq!(effect(&world, &token, "git push origin main"), expected);
        }
    };
    push("ask");
    let made = other.grant(grant(Effect::Allow, None), "ada", now()).await.unwrap();
    push("allow");
    other.revoke(&made.id, "ada", "ada", now()).await.unwrap();
    push("ask");
    other.grant(grant(Effect::Allow, Some(60)), "ada", now()).await.unwrap();
    push("allow");
    // The store's time goes on: it ends, and nothing else is written.
    other.audit("ada", "later", &json!({}), now().plus_seconds(120)).await.unwrap();
    push("ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_the_policy_counts_until_it_ends() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let day = (now().0 / 86_400_000 + 2) * 86_400;
    let ends = countersign_policy::Timestamp(day * 1000);
    let text = format!(
        "nobody = \"wait 10m\"\nallow = [\"shell(git status)\", {{ rule = \"shell(make *)\", expires = {} }}]\n",
        ends.utc().split(['T', ' ']).next().unwrap()
    );
    std::fs::write(world.user_policy(), text).unwrap();
    for _ in 0..3 {
        assert_eq!(effect(&world, &token, "make it"), "allow");
    }
    let mut other = world.store().await;
    other.audit("ada", "later", &json!({}), ends.plus_seconds(1)).await.unwrap();
    // The token has not ended by then.
    let token = world.token("s2").await;
    for _ in 0..3 {
        assert_eq!(effect(&world, &token, "make it"), "ask");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_becomes_a_link_is_judged_by_where_it_leads() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let text = "nobody = \"wait 10m\"\nallow = [\"shell(git status, cat *)\", \"read(**)\"]\ndeny = [\"read(/**/secret/**)\"]\n";
    std::fs::write(world.user_policy(), text).unwrap();
    let at = |name: &str| format!("{}/{name}", world.project());
    std::fs::create_dir(at("secret")).unwrap();
    for name in ["secret/keys", "plain"] {
        std::fs::write(at(name), "x").unwrap();
    }
    std::fs::write(at("notes"), "x").unwrap();
    for (to, expected) in [("plain", "allow"), ("secret/keys", "deny"), ("plain", "allow"), ("secret/keys", "deny")] {
        std::fs::remove_file(at("notes")).unwrap();
        symlink(to, at("notes")).unwrap();
        for _ in 0..3 {
            assert_eq!(effect(&world, &token, "cat notes"), expected, "{to}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_call_that_was_judged_before_is_taken_once() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    for _ in 0..3 {
        for answer in ["once", "deny"] {
            assert_eq!(effect(&world, &token, "git push origin main"), "ask");
            let id = world.asked(&token, "git push origin main");
            assert_eq!(effect(&world, &token, "git push origin main"), "ask");
            world.submit(&human, "answer", &[("approval", id.as_str()), ("answer", answer)]).send().is(303);
            let told = if answer == "once" { "allow" } else { "deny" };
            assert_eq!(effect(&world, &token, "git push origin main"), told);
            assert_eq!(effect(&world, &token, "git push origin main"), "ask");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_counts_no_more_gets_nothing_that_was_said_before() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let mut other = world.store().await;
    assert_eq!(effect(&world, &token, "git push origin main"), "ask");
    assert_eq!(effect(&world, &token, "git push origin main"), "ask");
    let tokens = other.tokens("ada").await.unwrap();
    other.token_revoke(&tokens[0].id, "ada", "ada", now()).await.unwrap();
    world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git push origin main")).send().is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_what_was_said_to_another() {
    let world = World::new().await;
    let (one, two) = (world.token("s1").await, world.token("s2").await);
    let human = world.sign_in().await;
    let id = world.asked(&one, "git push origin main");
    let form = [("approval", id.as_str()), ("answer", "session"), ("part-0", "0")];
    world.submit(&human, "answer", &form).send().is(303);
    for _ in 0..3 {
        assert_eq!(effect(&world, &one, "git push origin main"), "allow");
        assert_eq!(effect(&world, &two, "git push origin main"), "ask");
    }
}
