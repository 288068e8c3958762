//! What an agent hears of an answer is the answer, and not what was remembered of it.

use serde_json::{Value, json};

use crate::turns::turn;
use crate::world::{SignedIn, World};

/// Everything that an agent receives around one human's answer to `command`: asked by itself and in a turn.
async fn heard(world: &World, human: &SignedIn, reply: &Value, command: &str) -> Vec<Value> {
    let token = world.token("s1").await;
    let post = |path: &str, body: &Value| world.ask("POST", path).bearer(&token).json(body).send().is(200).json();
    let answer = |id: &str| {
        let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret).json(reply);
        reply.send().is(200);
    };
    let wait = |id: &str| world.ask("GET", &format!("/v1/approvals/{id}/wait")).bearer(&token).send().is(200).json();
    // Whatever becomes of it: a yes is taken, a no refused.
    let take = |id: &str, command: &str| {
        let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
        redeem.json(&world.call(command)).send().json()
    };
    let of = |verdict: &Value| verdict["calls"][0]["approval"]["id"].as_str().unwrap().to_owned();
    let mut heard = Vec::new();

    // Alone: a denial is told by the next try, a yes is taken by it.
    let alone = format!("{command} alone");
    let id = world.asked(&token, &alone);
    answer(&id);
    heard.push(post("/v1/decide", &world.call(&alone)));
    heard.push(wait(&id));
    // In a turn that waits.
    let waits = format!("{command} waits");
    let verdict = post("/v1/turns", &turn(world, "t1", "wait", &[&waits]));
    let id = of(&verdict);
    let batch = format!("/v1/batches/{}", verdict["batch"]["id"].as_str().unwrap());
    heard.push(verdict);
    answer(&id);
    heard.push(wait(&id));
    heard.push(world.ask("GET", &batch).bearer(&token).send().is(200).json());
    heard.push(post(&format!("{batch}/resume"), &json!({})));
    heard.push(take(&id, &waits));
    // In one that is resumed by the session's next request.
    let defers = format!("{command} defers");
    let id = of(&post("/v1/turns", &turn(world, "t2", "defer", &[&defers])));
    answer(&id);
    heard.push(post("/v1/turns", &turn(world, "t3", "wait", &["git status"])));
    heard.push(take(&id, &defers));
    // In one that is resumed by the stream.
    let streams = format!("{command} streams");
    let id = of(&post("/v1/turns", &turn(world, "t4", "defer", &[&streams])));
    let mut stream = world.ask("GET", "/v1/resumes").bearer(&token).stream();
    answer(&id);
    stream.until("event: resume");
    let told = stream.until("data: ");
    heard.push(serde_json::from_str(told.trim().strip_prefix("data: ").unwrap()).unwrap());
    heard.push(take(&id, &streams));
    heard.iter_mut().for_each(plain);
    heard
}

/// Takes ids and times out.
fn plain(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(plain),
        Value::Object(fields) => {
            for name in ["id", "until", "at"] {
                // The host's own ids of its calls stay.
                if fields.get(name).is_some_and(|value| !value.as_str().is_some_and(|id| id.starts_with('u'))) {
                    fields[name] = Value::Null;
                }
            }
            fields.values_mut().for_each(plain);
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_always_adds_nothing_to_what_the_agent_receives() {
    let world = World::new().await;
    let human = world.sign_in().await;
    for outcome in ["allow", "deny"] {
        let once = json!({ "outcome": outcome, "feedback": "as you like" });
        let once = heard(&world, &human, &once, "git push").await;
        for scope in ["turn", "session", "project", "user"] {
            // The narrowest of the offers: the very command, so that each question is asked.
            let always = json!({
                "outcome": outcome, "feedback": "as you like", "scope": scope, "seconds": 3600,
                "remember": [{ "part": 0, "offer": 0 }],
            });
            assert_eq!(heard(&world, &human, &always, "git push").await, once, "{outcome} {scope}");
            let grants = world.ask("GET", "/v1/grants").bearer(&human.secret).send().is(200).json();
            let grants = grants.as_array().unwrap().clone();
            assert_eq!(grants.len(), 4, "{grants:?}");
            for kept in grants {
                let id = kept["grant"]["id"].as_str().unwrap();
                world.ask("DELETE", &format!("/v1/grants/{id}")).bearer(&human.secret).send().is(204);
            }
        }
    }
}
