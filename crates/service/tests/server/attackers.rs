//! An agent that wants more than it was given: it takes what belongs to humans, to other sessions and to other calls.

use std::collections::BTreeSet;

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};

use crate::client::Ask;
use crate::turns::turn;
use crate::world::{World, now};

/// Every operation of the API's description: method, path, and whose tokens it takes.
fn operations(world: &World) -> Vec<(String, String, BTreeSet<String>)> {
    let described = world.ask("GET", "/v1/openapi.json").send().is(200).json();
    let mut all = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            let takes = security.iter().flat_map(|one| one.as_object().unwrap().keys().cloned()).collect();
            all.push((
                method.to_uppercase(),
                path.replace("{id}", "no-such-id").replace("{session}", "no-such-session"),
                takes,
            ));
        }
    }
    assert!(all.len() > 25, "{all:?}");
    all
}

fn asking(world: &World, method: &str, path: &str) -> Ask {
    let ask = world.ask(method, path);
    if method == "GET" || method == "DELETE" { ask } else { ask.json(&json!({})) }
}

/// Without its last character, which is ASCII.
fn shorter(text: &str) -> &str {
    text.split_at(text.len() - 1).0
}

/// What was refused to this session, as the audit has it.
async fn refused(world: &World, session: &str) -> Vec<String> {
    let filter = AuditFilter { kind: Some("refused".to_owned()), limit: 1000, ..AuditFilter::default() };
    let entries = world.store().await.audit_entries(&filter).await.unwrap();
    let own = entries.iter().filter(|entry| entry.detail["session"] == format!("countersign:{session}"));
    own.map(|entry| entry.detail["tried"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_takes_anothers_token() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let mut open = Vec::new();
    for (place, (method, path, takes)) in operations(&world).into_iter().enumerate() {
        let what = format!("{method} {path}");
        if takes.is_empty() {
            open.push(what);
            continue;
        }
        assert!(
            takes.iter().all(|token| ["agent", "application", "human"].contains(&token.as_str())),
            "{what}: {takes:?}"
        );
        let ask = || asking(&world, &method, &path);
        // Each with a token of its own: a refusal goes on record once a minute.
        let session = format!("s{place}");
        let agent = world.token(&session).await;
        if !takes.contains("agent") {
            assert_eq!(ask().bearer(&agent).send().is(403).code(), "humans-only", "{what}");
            assert_eq!(refused(&world, &session).await.len(), 1, "{what}");
            ask().bearer(&agent).send().is(403);
            assert_eq!(refused(&world, &session).await.len(), 1, "{what}: once a minute");
        }
        if !takes.contains("human") {
            assert_eq!(ask().bearer(&human.secret).send().is(403).code(), "agents-only", "{what}");
        }
        // Nobody's, and what only looks like somebody's.
        let sneaky = [
            ask(),
            ask().bearer(""),
            ask().bearer("csa_0000000000000000000000000000000000000000000"),
            ask().bearer(shorter(&agent)),
            ask().bearer(&format!("{agent}%00")),
            ask().bearer(&agent.to_uppercase()),
            ask().header("Authorization", &format!("Basic {}", human.secret)),
            ask().header("Authorization", &human.secret),
            ask().header("Cookie", &human.cookie),
            ask().header("Cookie", &human.cookie).header("Origin", &world.origin()),
            ask().header("X-Forwarded-User", "ada").header("Remote-User", "ada").header("X-User", "ada"),
            ask().header("X-Authorization", &format!("Bearer {}", human.secret)),
            ask().header("Proxy-Authorization", &format!("Bearer {}", human.secret)),
            ask().bearer(&agent).also_header("Authorization", &format!("Bearer {}", human.secret)),
            ask().bearer(&human.secret).also_header("Authorization", &format!("Bearer {agent}")),
            asking(&world, &method, &format!("{path}?access_token={}", human.secret)),
        ];
        for (place, ask) in sneaky.iter().enumerate() {
            assert_eq!(ask.send().is(401).code(), "unauthorised", "{what} {place}");
        }
    }
    assert_eq!(open, ["GET /v1/health", "GET /v1/openapi.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_and_one_who_signed_out_are_nobodys() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let agent = world.token("s1").await;
    let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
    let id = listed[0]["id"].as_str().unwrap();
    world.ask("DELETE", &format!("/v1/tokens/{id}")).bearer(&human.secret).send().is(204);
    world.submit(&human, "signout", &[]).send().is(303);
    for (method, path, takes) in operations(&world) {
        for secret in [&agent, &human.secret].into_iter().filter(|_| !takes.is_empty()) {
            assert_eq!(
                asking(&world, &method, &path).bearer(secret).send().is(401).code(),
                "unauthorised",
                "{method} {path}"
            );
        }
    }
}

/// A stream that was open when its token was revoked went on taking its session's turns.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_hears_nothing_more() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (own, stolen) = (world.token("s1").await, world.token("s1").await);
    let listed = world.ask("GET", "/v1/tokens").bearer(&human.secret).send().is(200).json();
    let id = listed[0]["id"].as_str().unwrap();
    let mut stream = world.ask("GET", "/v1/resumes").bearer(&stolen).stream();
    stream.until("200 OK");
    world.ask("DELETE", &format!("/v1/tokens/{id}")).bearer(&human.secret).send().is(204);
    stream.ends();
    let body = turn(&world, "t1", "defer", &["git push"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&own).json(&body).send().is(200).json();
    let id = verdict["calls"][0]["approval"]["id"].as_str().unwrap();
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let batch = format!("/v1/batches/{}/resume", verdict["batch"]["id"].as_str().unwrap());
    world.ask("POST", &batch).bearer(&own).json(&json!({})).send().is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_beside_the_token_says_who_it_is() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (token, other) = (world.token("s1").await, world.token_of("bob", "s2").await);
    let id = world.asked(&token, "git push");
    let dressed = |ask: Ask, secret: &str| {
        let ask = ask.bearer(secret).header("Cookie", &human.cookie).header("Origin", &world.origin());
        let ask = ask.header("X-Forwarded-User", "ada").header("X-User", "ada").header("Remote-User", "ada");
        ask.header("X-Session", "countersign:s1")
            .header("Forwarded", "for=127.0.0.1;by=ada")
            .header("X-HTTP-Method-Override", "GET")
    };
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).json(&json!({ "outcome": "allow" }));
    assert_eq!(dressed(reply, &token).send().is(403).code(), "humans-only");
    let read = world.ask("GET", &format!("/v1/approvals/{id}"));
    assert_eq!(dressed(read, &token).send().is(403).code(), "humans-only");
    dressed(world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")), &other).send().is(404);
    let record = world.store().await.record(&id).await.unwrap().unwrap();
    assert_eq!(record.approval.state, countersign_policy::approval::State::Open);
    assert_eq!(refused(&world, "s1").await, ["read a question", "answer a question"]);
    assert_eq!(refused(&world, "s2").await, ["reach a question that is not its own"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessed_ids_find_nothing_and_say_nothing() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (own, spy, bob) = (world.token("s1").await, world.token("spy").await, world.token_of("bob", "spy").await);
    let body = turn(&world, "t1", "defer", &["git push a", "git push b"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&own).json(&body).send().is(200).json();
    let question = verdict["calls"][0]["approval"]["id"].as_str().unwrap();
    let batch = verdict["batch"]["id"].as_str().unwrap();
    let long = "a".repeat(7_000);
    let guesses = |real: &str| {
        vec![
            real.to_owned(),
            shorter(real).to_owned(),
            format!("{}{}", shorter(real), if real.ends_with('0') { '1' } else { '0' }),
            real.to_uppercase(),
            format!("{real}%00"),
            format!("{real}%20"),
            "%00".to_owned(),
            "%FF%FE".to_owned(),
            "1".to_owned(),
            "0".to_owned(),
            "-1".to_owned(),
            "*".to_owned(),
            "%25".to_owned(),
            "_".to_owned(),
            "..%2F..%2Fetc%2Fpasswd".to_owned(),
            "'%20OR%20'1'='1".to_owned(),
            "x'%20UNION%20SELECT%20body%20FROM%20grants--".to_owned(),
            "%5B%22a%22%5D".to_owned(),
            long.clone(),
        ]
    };
    let mut answers = BTreeSet::new();
    for secret in [&spy, &bob] {
        for id in guesses(question) {
            for (method, end) in [("GET", "wait?seconds=0"), ("POST", "redeem"), ("POST", "cancel")] {
                let ask = world.ask(method, &format!("/v1/approvals/{id}/{end}")).bearer(secret);
                let ask = if end == "redeem" { ask.json(&world.call("git push a")) } else { ask };
                let answer = ask.send().is(404);
                assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{id}");
                if !id.contains("%FF") {
                    answers.insert(answer.body);
                }
            }
        }
        for id in guesses(batch) {
            for (method, end) in [("GET", ""), ("POST", "/resume")] {
                let ask = asking(&world, method, &format!("/v1/batches/{id}{end}")).bearer(secret);
                let answer = ask.send().is(404);
                if !id.contains("%FF") {
                    answers.insert(answer.body);
                }
            }
        }
    }
    // One answer for what is not there and for what is others', questions and turns each.
    assert_eq!(answers.len(), 2, "{answers:?}");
    let tried = ["reach a turn that is not its own", "reach a question that is not its own"];
    // Once for each of the two tokens.
    assert_eq!(refused(&world, "spy").await, [tried[0], tried[1], tried[0], tried[1]]);
    // Humans' guesses find nothing either.
    for id in guesses(question).iter().skip(1) {
        world.ask("GET", &format!("/v1/approvals/{id}")).bearer(&human.secret).send().is(404);
        world.ask("DELETE", &format!("/v1/grants/{id}")).bearer(&human.secret).send().is(404);
        world.ask("DELETE", &format!("/v1/tokens/{id}")).bearer(&human.secret).send().is(404);
        let promote = world.ask("POST", &format!("/v1/grants/{id}/promote")).json(&json!({ "scope": "user" }));
        promote.bearer(&human.secret).send().is(404);
    }
    // Paths that would climb lead nowhere.
    for path in [
        "/v1/../v1/audit",
        "/v1/approvals/../audit",
        "/v1//audit",
        "/V1/audit",
        "/v1/audit/",
        "/v1/audit%00",
        "/v1/%61udit",
    ] {
        let answer = world.ask("GET", path).bearer(&spy).send();
        assert!(matches!(answer.status, 403 | 404), "{path}: {}", answer.status);
    }
    let seen = world.ask("GET", &format!("/v1/batches/{batch}")).bearer(&own).send().is(200).json();
    assert_eq!(seen["state"], "open", "nothing of it has touched the turn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_another_session_cannot_be_given_up_resumed_or_heard_of() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (own, spy) = (world.token("s1").await, world.token("s2").await);
    let body = turn(&world, "t1", "defer", &["git push a"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&own).json(&body).send().is(200).json();
    let batch = verdict["batch"]["id"].as_str().unwrap();
    for reason in ["stop", "start_over", "new_message"] {
        for body in [
            json!({ "turn": "t1", "reason": reason }),
            json!({ "reason": reason }),
            json!({ "turn": batch, "reason": reason }),
        ] {
            let given_up = world.ask("POST", "/v1/turns/cancel").bearer(&spy).json(&body).send().is(200).json();
            assert_eq!(given_up["cancelled"], json!([]));
        }
        let named = json!({ "turn": "t1", "session": "countersign:s1", "reason": reason });
        world.ask("POST", "/v1/turns/cancel").bearer(&spy).json(&named).send().is(422);
    }
    let mut stream = world.ask("GET", "/v1/resumes").bearer(&spy).stream();
    stream.until("200 OK");
    let id = verdict["calls"][0]["approval"]["id"].as_str().unwrap();
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let next = world.ask("POST", "/v1/turns").bearer(&spy).json(&turn(&world, "t1", "wait", &["git status"]));
    assert!(next.send().is(200).json().get("resumed").is_none());
    world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&spy).json(&json!({})).send().is(404);
    // What the stream says first is the spy's own.
    let mine = world.ask("POST", "/v1/turns").bearer(&spy).json(&turn(&world, "mine", "defer", &["git tag v1"]));
    let mine = mine.send().is(200).json();
    let id = mine["calls"][0]["approval"]["id"].as_str().unwrap();
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "deny" })).send().is(200);
    assert!(stream.until("data: ").contains("\"mine\""));
    let resumed =
        world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&own).json(&json!({})).send().is(200);
    assert_eq!(resumed.json()["outcomes"][0]["outcome"], "approved");
}

/// A token for one project saw, and took, the turns that its session had in another.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_project_reaches_no_turn_of_another() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let home = world.folder.path().join("home").canonicalize().unwrap();
    let (wide, narrow) = (world.token("s1").await, world.token_for("ada", "countersign:s1", home.to_str()).await);
    let body = turn(&world, "t1", "defer", &["git push a"]);
    let verdict = world.ask("POST", "/v1/turns").bearer(&wide).json(&body).send().is(200).json();
    let batch = verdict["batch"]["id"].as_str().unwrap();
    world.ask("GET", &format!("/v1/batches/{batch}")).bearer(&narrow).send().is(404);
    let id = verdict["calls"][0]["approval"]["id"].as_str().unwrap();
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let mut there = turn(&world, "t2", "wait", &["git status"]);
    for key in ["cwd", "project"] {
        there[key] = json!(home);
    }
    let next = world.ask("POST", "/v1/turns").bearer(&narrow).json(&there).send().is(200).json();
    assert!(next.get("resumed").is_none(), "{next}");
    world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&narrow).json(&json!({})).send().is(404);
    world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&wide).json(&json!({})).send().is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_cannot_speak_for_its_parent() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (parent, child) = (world.token("parent").await, world.token("parent:child").await);
    let id = world.asked(&parent, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    let always = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
    reply.json(&always).send().is(200);
    // What was said to the parent for its session is not the child's, neither the yes nor what was remembered.
    let decide = |body: &Value| world.ask("POST", "/v1/decide").bearer(&child).json(body).send();
    assert_eq!(decide(&world.call("git push")).is(200).json()["effect"], "ask");
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&child).json(&world.call("git push"));
    redeem.send().is(404);
    for (name, value) in [("session", "parent"), ("parent", "parent"), ("agent_kinds", "main"), ("kind", "main")] {
        let mut call = world.call("git push");
        call[name] = json!(value);
        assert_eq!(decide(&call).is(422).code(), "invalid", "{name}");
    }
    // A colon in a session's name does not move the border between host and session: in a host by the name of
    // `countersign:parent`, `shell` would be any tool, and what is denied of a shell would only be asked about.
    for host in ["countersign:parent", "countersign:parent:child", "", "claude-code"] {
        let mut call = world.call("git rebase main");
        call["host"] = json!(host);
        assert_eq!(decide(&call).is(403).code(), "wrong-token", "{host}");
    }
    assert_eq!(decide(&world.call("git rebase main")).is(200).json()["effect"], "deny");
    let tried = refused(&world, "parent:child").await;
    assert_eq!(tried, ["speak for another host", "reach a question that is not its own"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_for_one_call_once_and_for_no_other() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let token = world.token("s1").await;
    let id = world.asked(&token, "git push");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let redeem = |body: &Value| world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token).json(body);
    let mut elsewhere = world.call("git push");
    elsewhere["cwd"] = json!("/");
    let mut another = world.call("git push");
    another["tool"] = json!("shell2");
    let mut child = world.call("git push");
    child["agent"] = json!("child");
    let mut more = world.call("git push");
    more["args"]["and"] = json!("git push --force");
    for other in [world.call("git push --force"), elsewhere, another, child, more, world.call("git push ")] {
        assert_eq!(redeem(&other).send().is(409).code(), "other-call", "{other}");
    }
    // Of several who come at once one gets it, whatever keys they bring.
    let takers: Vec<_> = (0..4)
        .map(|key| {
            let take = redeem(&world.call("git push")).header("Idempotency-Key", &format!("k{key}"));
            std::thread::spawn(move || take.send().status)
        })
        .collect();
    let mut taken: Vec<u16> = takers.into_iter().map(|taker| taker.join().unwrap()).collect();
    taken.sort_unstable();
    assert_eq!(taken, [200, 409, 409, 409]);
    assert_eq!(redeem(&world.call("git push")).send().is(409).code(), "redeemed");
    let tried = refused(&world, "s1").await;
    assert_eq!(tried.len(), 2, "{tried:?}");
    assert!(tried.iter().all(|tried| tried.starts_with("redeem a yes (")), "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_its_own_sessions() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let (own, spy) = (world.token("s1").await, world.token("s2").await);
    let ask = |secret: &str, command: &str| {
        let ask = world.ask("POST", "/v1/ask").bearer(secret).header("Idempotency-Key", "k").json(&world.call(command));
        ask.send()
    };
    let id = ask(&own, "git push").is(201).json()["approval"]["id"].clone();
    assert_ne!(ask(&spy, "git push").is(201).json()["approval"]["id"], id);
    assert_eq!(ask(&own, "git tag v1").is(422).code(), "key-reused");
    let path = format!("/v1/approvals/{}", id.as_str().unwrap());
    let reply = world.ask("POST", &format!("{path}/reply")).bearer(&human.secret);
    reply.json(&json!({ "outcome": "allow" })).send().is(200);
    let redeem = |secret: &str, key: &str| {
        let ask = world.ask("POST", &format!("{path}/redeem")).bearer(secret).json(&world.call("git push"));
        ask.header("Idempotency-Key", key).send()
    };
    redeem(&own, "take").is(200);
    // The key that took it takes it again for its session, and for nobody else.
    redeem(&own, "take").is(200);
    redeem(&spy, "take").is(404);
    for wrong in ["", "a b", "k\u{e9}", &"k".repeat(201)] {
        let answer = redeem(&own, wrong);
        assert_eq!(answer.is(422).code(), "invalid", "{wrong}");
    }
    let two = world.ask("POST", &format!("{path}/redeem")).bearer(&own).json(&world.call("git push"));
    two.header("Idempotency-Key", "take").also_header("Idempotency-Key", "other").send().is(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_read_strictly() {
    let world = World::new().await;
    let token = world.token("s1").await;
    let send = |body: &[u8]| world.ask("POST", "/v1/turns").bearer(&token).body("application/json", body).send();
    let good = turn(&world, "t1", "defer", &["git status", "git push"]);
    let calls = |calls: Vec<Value>| {
        let mut body = good.clone();
        body["calls"] = json!(calls);
        body.to_string()
    };
    let one = |id: &str| json!({ "id": id, "tool": "shell", "args": { "resource": "git push" } });
    let text = good.to_string();
    let refused = [
        calls(vec![one("a"), one("b"), one("a")]),
        calls(vec![]),
        calls((0..10_000).map(|at| one(&format!("u{at}"))).collect()),
        calls((0..201).map(|at| one(&format!("u{at}"))).collect()),
        calls(vec![one("")]),
        calls(vec![one(&"u".repeat(201))]),
        calls(vec![json!({ "id": "a", "tool": "shell", "args": "git push" })]),
        calls(vec![json!({ "id": "a", "tool": "shell", "args": {}, "approval": "x" })]),
        text.replacen("\"resource\":\"git push\"", "\"resource\":\"git status\",\"resource\":\"git push\"", 1),
        text.replacen("\"resource\":\"git push\"", "\"resource\":\"git push\",\"x\":{\"a\":1,\"\\u0061\":2}", 1),
        text.replacen("\"calls\":", "\"calls\":[],\"calls\":", 1),
        text.replacen("git push", "git push \\ud800", 1),
        text.replacen("\"resource\":\"git push\"", "\"resource\":\"git push\",\"n\":1e999", 1),
        text.replacen("\"resource\":\"git push\"", "\"resource\":\"git push\",\"n\":9007199254740993", 1),
        text.replacen("\"turn\":\"t1\"", "\"turn\":\"\"", 1),
        text.replacen("\"resource\":\"git push\"", &format!("\"x\":{}{}", "[".repeat(5_000), "]".repeat(5_000)), 1),
    ];
    for (place, body) in refused.iter().enumerate() {
        assert!(body.len() < 1024 * 1024 && *body != text, "{place}");
        assert_eq!(send(body.as_bytes()).is(422).code(), "invalid", "{place}");
    }
    let padded = |size: usize| format!("{text}{}", " ".repeat(size - text.len()));
    assert_eq!(send(padded(1024 * 1024 + 1).as_bytes()).is(413).code(), "too-large");
    // One that does not say how long it is.
    let endless = world.ask("POST", "/v1/turns").bearer(&token).header("Transfer-Encoding", "chunked");
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 1024 * 1024 + 1, padded(1024 * 1024 + 1));
    assert_eq!(endless.body("application/json", chunk.as_bytes()).send().is(413).code(), "too-large");
    let open = world.store().await.records(&Default::default()).await.unwrap();
    assert!(open.is_empty(), "nothing was asked: {open:?}");
    send(padded(1024 * 1024).as_bytes()).is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_in_a_call_is_a_text() {
    let world = World::new().await;
    let policy = "nobody = \"wait 10m\"\nask = [\"shell(git push *)\", \"tool:mail\"]\n[tools.\"tool:mail\"]\nresource = \"/to\"\n";
    std::fs::write(world.user_policy(), policy).unwrap();
    let human = world.sign_in().await;
    let token = world.token("s1").await;
    let mail = |to: &str| {
        let mut call = world.call("");
        call["tool"] = json!("mail");
        call["args"] = json!({ "to": to });
        call
    };
    let decide = |call: &Value| {
        let answer = world.ask("POST", "/v1/decide").bearer(&token).json(call).send().is(200);
        answer.json()["effect"].as_str().unwrap().to_owned()
    };
    // The narrowest that is offered of a call whose words look like a pattern covers these very words.
    for (call, others) in [
        (mail("*"), vec![mail("a@b.com"), mail("**")]),
        (mail("*@b.com"), vec![mail("a@b.com")]),
        (world.call("git push '*'"), vec![world.call("git push origin"), world.call("git push origin main")]),
        (world.call("git push '**'"), vec![world.call("git push --force"), world.call("git push a b")]),
        (world.call("git push '\\*'"), vec![world.call("git push '*' x"), world.call("git push x")]),
    ] {
        let asked = world.ask("POST", "/v1/ask").bearer(&token).json(&call).send().is(201).json();
        let id = asked["approval"]["id"].as_str().unwrap();
        let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
        let always = json!({ "outcome": "allow", "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
        reply.json(&always).send().is(200);
        assert_eq!((decide(&call), decide(&call)), ("allow".into(), "allow".into()), "{call}");
        for other in others {
            assert_eq!(decide(&other), "ask", "{other}");
        }
    }
    // Nor do changed arguments become a pattern, or something to remember.
    let id = world.asked(&token, "git push evil");
    let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
    let glob = json!({ "resource": "git push *" });
    let smuggled =
        json!({ "outcome": "allow", "args": glob, "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
    reply.clone().json(&smuggled).send().is(422);
    reply.json(&json!({ "outcome": "allow", "args": glob })).send().is(200);
    for command in ["git push evil", "git push origin", "git push '*'"] {
        let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
        assert_eq!(redeem.json(&world.call(command)).send().is(409).code(), "other-call", "{command}");
    }
    let grants = world.ask("GET", "/v1/grants").bearer(&human.secret).send().is(200).json();
    assert_eq!(grants.as_array().unwrap().len(), 5, "{grants}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_to_a_question_that_was_taken_back_counts_for_nothing() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let token = world.token("s1").await;
    let id = world.asked(&token, "git push");
    world.ask("POST", &format!("/v1/approvals/{id}/cancel")).bearer(&token).send().is(200);
    let widest = json!({ "outcome": "allow", "scope": "user", "remember": [{ "part": 0, "offer": 0 }] });
    for body in [json!({ "outcome": "allow" }), json!({ "outcome": "deny" }), widest] {
        let late = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret).json(&body).send();
        let late = late.is(409);
        assert_eq!(late.code(), "withdrawn");
        assert!(late.body.contains("the agent took it back"), "{}", late.body);
    }
    let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token).json(&world.call("git push"));
    redeem.send().is(409);
    assert_eq!(world.ask("GET", "/v1/grants").bearer(&human.secret).send().is(200).json(), json!([]));
    let again = world.ask("POST", "/v1/decide").bearer(&token).json(&world.call("git push")).send().is(200);
    assert_eq!(again.json()["effect"], "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_and_its_agent_cannot_widen_policy() {
    let world = World::new().await;
    let human = world.sign_in().await;
    let token = world.token("s1").await;
    let decide = |call: &Value| {
        let answer = world.ask("POST", "/v1/decide").bearer(&token).json(call).send().is(200);
        answer.json()["effect"].as_str().unwrap().to_owned()
    };
    let project = world.folder.path().join("project");
    let push = world.call("git push");
    // A project's file that nobody trusts allows nothing, by whichever way it says so.
    for name in ["countersign.toml", ".countersign.local.toml"] {
        std::fs::write(project.join("opencode.json"), r#"{ "permission": "allow" }"#).unwrap();
        for text in [
            "allow = [\"shell(git push **)\", \"shell(git rebase *)\"]",
            "[[import]]\nfrom = \"opencode.json\"",
            "[tools.\"shell\"]\nclass = \"read\"",
            "[programs.git]\nsubcommands = true\n[programs.\"git push\"]\noperands = [\"data\"]",
        ] {
            std::fs::write(project.join(name), text).unwrap();
            assert_ne!(decide(&push), "allow", "{name}: {text}");
            assert_eq!(decide(&world.call("git rebase x")), "deny", "{name}: {text}");
        }
        // What it may not say at all makes it a broken one.
        for text in
            ["default = \"allow\"", "nobody = \"wait 1s\"", "[ceiling]\ngrants = { scopes = [\"user\"] }", "allow = ["]
        {
            std::fs::write(project.join(name), text).unwrap();
            assert_ne!(decide(&push), "allow", "{name}: {text}");
        }
        std::fs::remove_file(project.join(name)).unwrap();
    }
    // Nor does the agent write policy: there is no address for it, and the files are closed to it whatever is allowed.
    std::fs::write(
        world.user_policy(),
        "allow = [\"edit(**)\", \"edit(/**)\", \"shell(countersign **)\", \"delete(/**)\"]",
    )
    .unwrap();
    let file = |tool: &str, path: &std::path::Path| {
        let mut call = world.call(path.to_str().unwrap());
        call["tool"] = json!(tool);
        call
    };
    for (tool, path) in [
        ("edit", world.user_policy()),
        ("delete", world.user_policy()),
        ("edit", project.join("countersign.toml")),
        ("edit", world.folder.path().join("data/countersign.db")),
        ("read", world.folder.path().join("data/countersign.db")),
    ] {
        assert_ne!(decide(&file(tool, &path)), "allow", "{tool} {}", path.display());
    }
    assert_ne!(decide(&world.call("countersign grants add shell")), "allow");
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
        for path in ["/v1/policy", "/v1/policies", "/v1/trust", "/v1/rules", "/v1/ceiling", "/v1/settings"] {
            for secret in [&token, &human.secret] {
                let answer = world.ask(method, path).bearer(secret).json(&json!({ "allow": ["*"] })).send();
                assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
            }
        }
    }
    let trusted = world.store().await.known("ada").await.unwrap();
    assert_eq!(trusted, Default::default(), "at {}: {trusted:?}", now().0);
}
