//! Whole turns over HTTP.

use serde_json::{Value, json};

use crate::world::{SignedIn, World};

/// A turn with these commands, called `u1`, `u2` and so on.
pub(crate) fn turn(world: &World, name: &str, on_ask: &str, commands: &[&str]) -> Value {
    let project = world.project();
    let calls = commands
        .iter()
        .enumerate()
        .map(|(at, command)| json!({ "id": format!("u{}", at + 1), "tool": "shell", "args": { "resource": command } }));
    json!({
        "host": "countersign", "cwd": project, "project": project, "turn": name, "on_ask": on_ask,
        "calls": calls.collect::<Vec<_>>(),
    })
}

fn answer(world: &World, human: &SignedIn, id: &str, reply: Value) -> crate::client::Answer {
    world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret).json(&reply).send()
}

fn approvals(verdict: &Value) -> Vec<String> {
    let calls = verdict["calls"].as_array().unwrap().iter();
    calls.filter_map(|call| Some(call["approval"]["id"].as_str()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_turn_is_resumed_once_when_all_are_answered() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "defer", &["git status", "git push a", "git push b", "git rebase x"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    let effects: Vec<_> = verdict["calls"].as_array().unwrap().iter().map(|call| call["effect"].clone()).collect();
    assert_eq!(effects, ["allow", "ask", "ask", "deny"]);
    let batch = verdict["batch"]["id"].as_str().unwrap().to_owned();
    let asked = approvals(&verdict);
    let resume = || world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&token);
    assert_eq!(resume().send().is(409).code(), "not-ready");

    answer(&world, &human, &asked[1], json!({ "outcome": "deny", "feedback": "not there" })).is(200);
    assert_eq!(resume().send().is(409).code(), "not-ready");
    answer(&world, &human, &asked[0], json!({ "outcome": "allow" })).is(200);
    let resumed = resume().header("Idempotency-Key", "k1").send().is(200).json();
    let outcomes: Vec<_> = resumed["outcomes"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["approved", "denied"]);
    assert_eq!(resumed["outcomes"][1]["approval"]["feedback"], "not there");
    // Once, whichever way; and again for whom the answer was lost on the way.
    assert_eq!(resume().send().is(409).code(), "resumed");
    let again = world.ask("POST", "/v1/turns").bearer(&token).json(&turn(&world, "t2", "wait", &["git status"]));
    assert!(again.send().is(200).json().get("resumed").is_none());
    assert_eq!(resume().header("Idempotency-Key", "k1").send().is(200).json()["state"], "resumed");

    let redeem = world.ask("POST", &format!("/v1/approvals/{}/redeem", asked[0])).bearer(&token);
    let redeem = redeem.json(&world.call("git push a"));
    assert_eq!(redeem.clone().header("Idempotency-Key", "k2").send().is(200).json()["effect"], "allow");
    assert_eq!(redeem.send().is(409).code(), "redeemed");
    assert_eq!(redeem.clone().header("Idempotency-Key", "k2").send().is(200).json()["effect"], "allow");
    assert_eq!(redeem.header("Idempotency-Key", "k1").send().is(422).code(), "key-reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_of_a_session_resumes_its_earlier_turns() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "defer", &["git push a"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    answer(&world, &human, &approvals(&verdict)[0], json!({ "outcome": "allow" })).is(200);
    let other = world.token("s2").await;
    let next = turn(&world, "t2", "wait", &["git status"]);
    let next = |token: &str| world.ask("POST", "/v1/turns").bearer(token).json(&next).send().is(200).json();
    assert!(next(&other).get("resumed").is_none());
    assert_eq!(next(&token)["resumed"][0]["outcomes"][0]["outcome"], "approved");
    assert!(next(&token).get("resumed").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_a_turn() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let mut stream = world.ask("GET", "/v1/resumes").bearer(&token).stream();
    stream.until("200 OK");
    let body = turn(&world, "t1", "defer", &["git push a"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    answer(&world, &human, &approvals(&verdict)[0], json!({ "outcome": "deny" })).is(200);
    stream.until("event: resume");
    stream.until("\"outcome\":\"denied\"");
    let batch = verdict["batch"]["id"].as_str().unwrap();
    let late = world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&token).send();
    assert_eq!(late.is(409).code(), "resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_waits_in_line_for_its_answers() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "wait", &["git push a", "git push b"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    let asked = approvals(&verdict);
    let batch = format!("/v1/batches/{}?seconds=20", verdict["batch"]["id"].as_str().unwrap());
    let waiting = world.ask("GET", &batch).bearer(&token);
    let waiting = std::thread::spawn(move || waiting.send());
    for id in &asked {
        answer(&world, &human, id, json!({ "outcome": "allow" })).is(200);
    }
    assert_eq!(waiting.join().unwrap().is(200).json()["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_answered_together_or_none() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "defer", &["git push a", "git push b"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    let asked = approvals(&verdict);
    let reply = |ids: &[&str]| {
        let replies: Vec<_> = ids.iter().map(|id| json!({ "approval": id, "reply": { "outcome": "allow" } })).collect();
        world.ask("POST", "/v1/approvals/reply").bearer(&human.secret).json(&json!({ "replies": replies })).send()
    };
    reply(&[&asked[0], "no-such-question"]).is(404);
    let open = world.ask("GET", "/v1/approvals?open=true").bearer(&human.secret).send().is(200).json();
    assert_eq!(open.as_array().unwrap().len(), 2);
    assert_eq!(reply(&[&asked[0], &asked[1]]).is(200).json().as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_arguments_are_decided_anew_and_only_they_run() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let id = world.asked(&token, "git push evil main");
    let forbidden = json!({ "outcome": "allow", "args": { "resource": "git rebase x" } });
    assert_eq!(answer(&world, &human, &id, forbidden).is(409).code(), "stricter");
    let edited = json!({ "outcome": "allow", "args": { "resource": "git push origin main" } });
    answer(&world, &human, &id, edited).is(200);
    let told = world.ask("GET", &format!("/v1/approvals/{id}/wait")).bearer(&token).send().is(200).json();
    assert_eq!(told["args"], json!({ "resource": "git push origin main" }));
    let redeem = |command: &str| {
        world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token).json(&world.call(command)).send()
    };
    assert_eq!(redeem("git push evil main").is(409).code(), "other-call");
    // Nor does asking policy once more let the first one run.
    let decided = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git push evil main")).send();
    assert_eq!(decided.is(200).json()["effect"], "ask");
    assert_eq!(redeem("git push origin main").is(200).json()["effect"], "allow");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_beforehand_what_else_it_answers() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "defer", &["git push a", "git push a b"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    let asked = approvals(&verdict);
    let record = world.ask("GET", &format!("/v1/approvals/{}", asked[0])).bearer(&human.secret).send().is(200).json();
    let offers = record["question"]["parts"][0]["offers"].as_array().unwrap().len();
    let widest = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": offers - 1 }] });
    let preview = world.ask("POST", &format!("/v1/approvals/{}/preview", asked[0])).bearer(&human.secret);
    let preview = preview.json(&widest).send().is(200).json();
    let replied = answer(&world, &human, &asked[0], widest).is(200).json();
    let also: Vec<_> = preview["also"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(Value::Array(also), replied["also"]);
    assert_eq!(replied["also"], json!([asked[1]]), "{preview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_alone_leaves_the_rest_of_the_turn_open() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let body = turn(&world, "t1", "defer", &["git push a", "git push a b", "git push a c"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&token).json(&body).send().is(200).json();
    let asked = approvals(&verdict);
    let record = world.ask("GET", &format!("/v1/approvals/{}", asked[0])).bearer(&human.secret).send().is(200).json();
    let offers = record["question"]["parts"][0]["offers"].as_array().unwrap().len();
    let alone = json!({
        "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": offers - 1 }], "alone": true,
        "also": [asked[2]],
    });
    let preview = world.ask("POST", &format!("/v1/approvals/{}/preview", asked[0])).bearer(&human.secret);
    assert_eq!(preview.json(&alone).send().is(200).json()["also"][0]["id"], json!(asked[2]));
    let replied = answer(&world, &human, &asked[0], alone).is(200).json();
    assert_eq!(replied["also"], json!([asked[2]]));
    let wait = world.ask("GET", &format!("/v1/approvals/{}/wait?seconds=0", asked[1])).bearer(&token).send();
    assert_eq!(wait.is(200).json()["state"], "open");
    // It is still the human's to answer.
    answer(&world, &human, &asked[1], json!({ "outcome": "deny" })).is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_yes_that_a_turn_takes_is_taken_once_for_its_key() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let human = world.sign_in().await;
    let id = world.asked(&token, "git push a");
    answer(&world, &human, &id, json!({ "outcome": "allow" })).is(200);
    let body = turn(&world, "t1", "wait", &["git push a"]);
    let send = |key: &str| {
        let sent = world.ask("POST", "/v1/turns").bearer(&token).header("Idempotency-Key", key).json(&body).send();
        sent.is(200).json()["calls"][0]["effect"].clone()
    };
    assert_eq!(send("k1"), "allow");
    // Its answer was lost on the way; another turn has none of it.
    assert_eq!(send("k1"), "allow");
    assert_eq!(send("k2"), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_for_one_request_of_whatever_kind() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let send = |path: &str, command: &str| {
        let ask = world.ask("POST", path).bearer(&token).header("Idempotency-Key", "k1");
        ask.json(&world.call(command)).send()
    };
    send("/v1/ask", "git push a").is(201);
    send("/v1/ask", "git push a").is(201);
    for (path, command) in [("/v1/ask", "git push b"), ("/v1/decide", "git push a"), ("/v1/decide", "git status")] {
        assert_eq!(send(path, command).is(422).code(), "key-reused", "{path} {command}");
    }
}
