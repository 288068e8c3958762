//! What an agent's token can do.

use countersign_service::store::{AuditFilter, LogFilter};
use serde_json::json;

use crate::client::Ask;
use crate::world::{World, now};

#[tokio::test(flavor = "multi_thread")]
async fn decides_asks_waits_and_redeems_once() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let decide =
        |command: &str| world.ask("POST", "/v1/decide").bearer(&token).json(&world.call(command)).send().is(200);
    assert_eq!(decide("git status").json()["effect"], "allow");
    let denied = decide("git rebase main").json();
    assert_eq!(denied["effect"], "deny");
    assert!(denied["message"].as_str().unwrap().contains("git rebase main"), "{denied}");

    let asks = decide("git push origin main").json();
    assert_eq!((&asks["effect"], &asks["approval"]), (&json!("ask"), &json!(null)));
    let id = world.asked(&token, "git push origin main");
    assert_eq!(world.asked(&token, "git push origin main"), id, "the same call joins");
    let open = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(&token).send().is(200);
    assert_eq!(open.json()["state"], "open");
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
    assert_eq!(redeem.clone().json(&world.call("git push origin main")).send().is(409).code(), "not-answered");

    let wait = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=30")).bearer(&token);
    let waiting = std::thread::spawn(move || wait.send());
    world.submit(&human, "answer", &[("approval", &id), ("answer", "once"), ("feedback", "go")]).send().is(303);
    let allowed = waiting.join().unwrap().is(200).json();
    assert_eq!((&allowed["state"], &allowed["feedback"]), (&json!("allowed"), &json!("go")));

    assert_eq!(redeem.clone().json(&world.call("git push --force origin main")).send().is(409).code(), "other-call");
    let run = redeem.clone().json(&world.call("git push origin main")).send().is(200).json();
    assert_eq!((&run["effect"], &run["approval"]["state"]), (&json!("allow"), &json!("redeemed")));
    assert_eq!(redeem.json(&world.call("git push origin main")).send().is(409).code(), "redeemed");
    assert_eq!(decide("git push origin main").json()["effect"], "ask", "once is once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_yes_is_taken_by_the_next_try() {
    let world = World::new().await;
    let (token, human) = (world.token("s1").await, world.sign_in().await);
    let id = world.asked(&token, "git push");
    world.submit(&human, "answer", &[("approval", &id), ("answer", "once")]).send().is(303);
    let decide = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git push"));
    let first = decide.send().is(200).json();
    assert_eq!((&first["effect"], &first["approval"]["id"]), (&json!("allow"), &json!(id)));
    assert_eq!(decide.send().is(200).json()["effect"], "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn hears_of_an_answer_that_another_process_took() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let id = world.asked(&token, "git push");
    let wait = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=60")).bearer(&token);
    let waiting = std::thread::spawn(move || wait.send());
    let which =
        countersign_service::store::Withdraw::Session { user: "ada".to_owned(), session: "countersign:s1".to_owned() };
    let reason = countersign_policy::approval::CancelReason::Stop;
    world.store().await.cancel(&which, "ada", reason, now()).await.unwrap();
    let over = waiting.join().unwrap().is(200).json();
    assert_eq!((&over["state"], &over["reason"]), (&json!("cancelled"), &json!("stop")));
}

#[tokio::test(flavor = "multi_thread")]
async fn cannot_do_what_only_humans_may() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let id = world.asked(&token, "git push");
    let yes = json!({ "outcome": "allow" });
    let tries: Vec<Ask> = vec![
        world.ask("GET", "/v1/approvals"),
        world.ask("GET", &format!("/v1/approvals/{id}")),
        world.ask("POST", &format!("/v1/approvals/{id}/reply")).json(&yes),
        world.ask("GET", "/v1/grants"),
        world.ask("DELETE", "/v1/grants/1"),
        world.ask("GET", "/v1/tokens"),
        world.ask("POST", "/v1/tokens").json(&json!({})),
        world.ask("DELETE", "/v1/tokens/1"),
        world.ask("GET", "/v1/audit"),
        world.ask("GET", "/v1/log"),
        world.ask("GET", "/v1/events"),
    ];
    let count = tries.len();
    for ask in tries {
        assert_eq!(ask.clone().bearer(&token).send().is(403).code(), "humans-only");
        assert_eq!(ask.send().is(401).code(), "unauthorised");
    }
    // The token is no cookie and no code either.
    let cookie = format!("countersign={token}");
    assert_eq!(
        world.ask("GET", "/inbox/0123/").header("Cookie", &cookie).send().is(303).header("location"),
        Some("/signin?ended")
    );
    world.ask("POST", "/signin").header("Origin", &world.origin()).form(&[("code", &token)]).send().is(403);

    let filter = AuditFilter { kind: Some("refused".to_owned()), ..AuditFilter::default() };
    let refused = world.store().await.audit_entries(&filter).await.unwrap();
    assert_eq!(refused.len(), count, "{refused:?}");
    assert_eq!(refused[0].detail["tried"], "see the event stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn sees_nothing_of_other_sessions() {
    let world = World::new().await;
    let (own, other, stranger) = (world.token("s1").await, world.token("s2").await, world.token_of("bob", "s1").await);
    let id = world.asked(&own, "git push");
    let tries = |token: &str| {
        vec![
            world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(token),
            world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(token).json(&world.call("git push")),
            world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(token),
        ]
    };
    let unknown = world.ask("GET", "/v1/approvals/no/wait").bearer(&own).send().is(404);
    for ask in tries(&other).into_iter().chain(tries(&stranger)) {
        assert_eq!(ask.send().is(404).body, unknown.body, "what is others' reads like what is not there");
    }
    let cancelled = world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&own).send().is(200);
    assert_eq!(cancelled.json()["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn does_not_say_who_it_is() {
    let world = World::new().await;
    let token = world.token("s1").await;
    for (name, value) in
        [("user", "bob"), ("session", "s2"), ("role", "admin"), ("attendance", "somebody"), ("home", "/")]
    {
        let mut call = world.call("git push");
        call[name] = json!(value);
        assert_eq!(world.ask("POST", "/v1/decide").bearer(&token).json(&call).send().is(422).code(), "invalid");
    }
    let mut call = world.call("git push");
    call["host"] = json!("claude-code");
    assert_eq!(world.ask("POST", "/v1/ask").bearer(&token).json(&call).send().is(403).code(), "wrong-token");

    let spoofed = world.ask("POST", "/v1/ask").bearer(&token).header("X-Forwarded-User", "bob").header("X-User", "bob");
    let id =
        spoofed.json(&world.call("git tag v1")).send().is(201).json()["approval"]["id"].as_str().unwrap().to_owned();
    let record = world.store().await.record(&id).await.unwrap().unwrap();
    assert_eq!(record.approval.asker.user, "ada");
    assert_eq!(record.approval.asker.session, "countersign:s1");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorizations_are_none() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let ask = world.ask("GET", "/v1/approvals").bearer(&token);
    ask.also_header("Authorization", &format!("Bearer {}", human.secret)).send().is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_read_strictly() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let decide = world.ask("POST", "/v1/decide").bearer(&token);
    let good = world.call("git status").to_string();
    for body in [
        good.replacen("\"tool\":\"shell\"", "\"tool\":\"shell\",\"tool\":\"read\"", 1),
        good.replacen("\"resource\":\"git status\"", "\"resource\":\"git status\",\"resource\":\"rm -rf /\"", 1),
        good.replacen("git status", "git \\ud800", 1),
        format!("{good}{good}"),
        "[]".to_owned(),
        good.replacen("\"cwd\":\"/", "\"cwd\":\"", 1),
    ] {
        assert_eq!(decide.clone().body("application/json", body.as_bytes()).send().is(422).code(), "invalid", "{body}");
    }
    let large = format!("{{\"host\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(decide.clone().body("application/json", large.as_bytes()).send().is(413).code(), "too-large");
    decide.body("application/json", good.as_bytes()).send().is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn learns_which_tools_it_has() {
    let world = World::new().await;
    std::fs::write(world.user_policy(), "deny = [\"github/delete_repo\"]\n").unwrap();
    let token = world.token("s1").await;
    let body = json!({
        "host": "countersign", "project": world.project(),
        "tools": [{ "name": "mcp__github__get_issue", "mcp_server": "github" }, { "name": "mcp__github__delete_repo" }],
    });
    let tools = world.ask("POST", "/v1/tools").bearer(&token).json(&body).send().is(200).json();
    assert_eq!(tools[0], json!({ "name": "mcp__github__get_issue", "visible": true }));
    assert_eq!(tools[1]["visible"], false);
    assert!(tools[1]["why"].as_str().unwrap().contains("countersign.toml:1"), "{tools}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_in_the_log_when_the_server_has_ended() {
    let mut world = World::new().await;
    let token = world.token("s1").await;
    for _ in 0..5 {
        world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git status")).send().is(200);
    }
    world.end().await;
    let entries = world.store().await.log_entries(&LogFilter::default()).await.unwrap();
    assert_eq!(entries.iter().map(|logged| logged.times).sum::<u32>(), 5);
    assert!(entries.len() <= 5 && entries.iter().all(|logged| logged.entry.summary == "shell: git status"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_taken_in_counts_as_it_is_now_and_never_less_than_it_did() {
    let world = World::new().await;
    let write = |levels: &str| std::fs::write(world.folder.path().join("home/PERMISSIONS.json"), levels).unwrap();
    write(r#"{ "tools": { "send": "ask" } }"#);
    std::fs::write(world.user_policy(), "nobody = \"wait 10m\"\n[[import]]\nfrom = \"PERMISSIONS.json\"\n").unwrap();
    let token = world.token("s1").await;
    let effect = || {
        let mut call = world.call("git status");
        call["tool"] = json!("send");
        world.ask("POST", "/v1/decide").bearer(&token).json(&call).send().is(200).json()["effect"].clone()
    };
    assert_eq!(effect(), "ask");
    // The server kept the policy that it had read, until the file that takes this one in changed.
    write(r#"{ "tools": { "send": "never" } }"#);
    assert_eq!(effect(), "deny");
    for bad in ["{bad", r#"{ "tools": null }"#, r#"{ "tools": { "send": "deny" } }"#] {
        write(bad);
        assert_eq!(effect(), "deny", "{bad}");
    }
    write(r#"{ "tools": { "send": "ask" } }"#);
    assert_eq!(effect(), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_into_a_folder_that_is_taken_in_counts() {
    let world = World::new().await;
    let rules = world.folder.path().join("home/rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("a.rules"), "prefix_rule(pattern = [\"make\"], decision = \"allow\")\n").unwrap();
    let policy = "nobody = \"wait 10m\"\n[[import]]\nfrom = \"rules\"\nsystem = \"codex\"\n";
    std::fs::write(world.user_policy(), policy).unwrap();
    let token = world.token("s1").await;
    let effect = || {
        let decided = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("make deploy")).send();
        decided.is(200).json()["effect"].clone()
    };
    assert_eq!(effect(), "allow");
    let denies = "prefix_rule(pattern = [\"make\", \"deploy\"], decision = \"forbidden\")\n";
    std::fs::write(rules.join("b.rules"), denies).unwrap();
    assert_eq!(effect(), "deny");
}
