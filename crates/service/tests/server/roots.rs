//! Further folders of a session: who sets them, what they change, and what they do not.

use countersign_service::store::AuditFilter;
use serde_json::{Value, json};

use crate::world::World;

const ONE: &str = "/v1/sessions/countersign:s1";
const POLICY: &str =
    "nobody = \"wait 10m\"\nallow = [\"edit(src/**)\", \"shell(cat *)\"]\nask = [\"shell(git push *)\"]\n";

/// A world, and a folder elsewhere with its path.
async fn world() -> (World, tempfile::TempDir, String) {
    let world = World::new().await;
    std::fs::write(world.user_policy(), POLICY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().canonicalize().unwrap().join("lib");
    std::fs::create_dir_all(lib.join("src")).unwrap();
    for name in ["src/a", "b", ".env"] {
        std::fs::write(lib.join(name), "").unwrap();
    }
    (world, folder, lib.to_str().unwrap().to_owned())
}

fn effect(world: &World, token: &str, tool: &str, resource: &str) -> Value {
    let mut call = world.call("");
    (call["tool"], call["args"]) = (json!(tool), json!({ "resource": resource }));
    world.ask("POST", "/v1/decide").bearer(token).json(&call).send().is(200).json()["effect"].clone()
}

fn set(world: &World, secret: &str, roots: Value) -> Value {
    world.ask("PATCH", ONE).bearer(secret).json(&json!({ "roots": roots })).send().is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_says_of_the_workspace_it_says_of_a_root_from_the_next_call_on() {
    let (mut world, _folder, lib) = world().await;
    let (human, application) = (world.sign_in().await, world.application("ada").await);
    let (token, other) = (world.token("s1").await, world.token("s2").await);
    let file = |name: &str| format!("{lib}/{name}");
    let cat = format!("cat {}", file("b"));
    let effects = |world: &World, token: &str| {
        [
            ("edit", file("src/a")),
            ("read", file("b")),
            ("shell", cat.clone()),
            ("edit", file("b")),
            ("read", file(".env")),
        ]
        .map(|(tool, resource)| effect(world, token, tool, &resource))
    };
    let without = ["ask", "ask", "ask", "ask", "deny"];
    let with = ["allow", "allow", "allow", "ask", "deny"];
    assert_eq!(effects(&world, &token), without);
    for secret in [&human.secret, &application] {
        let told = set(&world, secret, json!([lib, format!("{lib}/")]));
        assert_eq!(told["roots"], json!([lib]));
        assert_eq!(effects(&world, &token), with);
        assert_eq!(effects(&world, &other), without, "they are one session's");
        assert_eq!(set(&world, secret, Value::Null)["roots"], json!([]));
        assert_eq!(effects(&world, &token), without);
    }
    set(&world, &human.secret, json!([lib]));
    // Its agent sees them; a patch that does not name them leaves them.
    assert_eq!(world.ask("GET", ONE).bearer(&token).send().is(200).json()["roots"], json!([lib]));
    world.ask("PATCH", ONE).bearer(&human.secret).json(&json!({ "mode": "plan" })).send().is(200);
    world.restart().await;
    assert_eq!(effects(&world, &token), with);
    world.ask("DELETE", ONE).bearer(&human.secret).send().is(204);
    assert_eq!(effects(&world, &token), without, "they end with the session");

    let filter = AuditFilter { kind: Some("session set".to_owned()), ..AuditFilter::default() };
    let entries = world.store().await.audit_entries(&filter).await.unwrap();
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[1].detail["roots"], json!([lib]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_widens_nothing() {
    let (world, _folder, lib) = world().await;
    let token = world.token("s1").await;
    let patch = world.ask("PATCH", ONE).bearer(&token).json(&json!({ "roots": [lib] }));
    assert_eq!(patch.send().is(403).code(), "humans-only");
    for name in ["roots", "workspace", "additionalDirectories"] {
        let mut call = world.call("");
        (call["tool"], call["args"]) = (json!("edit"), json!({ "resource": format!("{lib}/src/a") }));
        call[name] = json!([lib]);
        let decide = world.ask("POST", "/v1/decide").bearer(&token).json(&call);
        assert_eq!(decide.send().is(422).code(), "invalid", "{name}");
        // In the arguments it means nothing.
        call.as_object_mut().unwrap().remove(name);
        call["args"][name] = json!([lib]);
        let decide = world.ask("POST", "/v1/decide").bearer(&token).json(&call);
        assert_eq!(decide.send().is(200).json()["effect"], "ask", "{name}");
    }
    // A folder of the root that it turns into a link afterwards leads where it leads.
    let human = world.sign_in().await;
    set(&world, &human.secret, json!([lib]));
    std::os::unix::fs::symlink("/etc", format!("{lib}/src/etc")).unwrap();
    assert_eq!(effect(&world, &token, "read", &format!("{lib}/src/etc/hostname")), "ask");
    assert_eq!(effect(&world, &token, "read", &format!("{lib}/../none")), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_root_is_refused_and_nothing_is_set() {
    let (world, _folder, lib) = world().await;
    let human = world.sign_in().await;
    let at = |name: &str| world.folder.path().join(name).to_str().unwrap().to_owned();
    for (roots, why) in [
        (json!(["/"]), "is or holds the home directory"),
        (json!([at("home")]), "is or holds the home directory"),
        (json!([at("")]), "is or holds the home directory"),
        (json!([lib, at("data")]), "holds files of Countersign's own"),
        (json!(["lib"]), "is not an absolute path"),
        (json!([at("none")]), "is no folder"),
        (json!(vec![lib.clone(); 17]), "at most 16 folders"),
    ] {
        let patch = json!({ "roots": roots, "mode": "plan" });
        let told = world.ask("PATCH", ONE).bearer(&human.secret).json(&patch).send().is(422).json();
        assert!(told["message"].as_str().unwrap().contains(why), "{told}");
    }
    for roots in [json!("/srv"), json!([1]), json!({ "/srv": true })] {
        world.ask("PATCH", ONE).bearer(&human.secret).json(&json!({ "roots": roots })).send().is(422);
    }
    world.ask("GET", ONE).bearer(&human.secret).send().is(404);
}

/// Nothing is withdrawn where a root is taken away: what is open is judged as things are when it is answered, and again
/// when the yes is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_taken_away_counts_for_no_open_question() {
    let (world, _folder, lib) = world().await;
    let (human, token) = (world.sign_in().await, world.token("s1").await);
    set(&world, &human.secret, json!([lib]));
    let command = format!("cat {lib}/b && git push");
    let id = world.asked(&token, &command);
    let reply = || {
        let reply = world.ask("POST", &format!("/v1/approvals/{id}/reply")).bearer(&human.secret);
        reply.json(&json!({ "outcome": "allow" })).send()
    };
    let redeem = || {
        let redeem = world.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(&token);
        redeem.json(&world.call(&command)).send()
    };
    set(&world, &human.secret, json!([]));
    assert_eq!(reply().is(409).code(), "stricter");
    let state = world.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0")).bearer(&token).send().is(200).json();
    assert_eq!(state["state"], "open");
    set(&world, &human.secret, json!([lib]));
    reply().is(200);
    set(&world, &human.secret, json!([]));
    assert_eq!(redeem().is(409).code(), "stricter");
    // What it was a yes to is not what would run: whoever asks again is asked anew.
    assert_eq!(redeem().is(409).code(), "withdrawn");
    assert_ne!(world.asked(&token, &command), id);
}
