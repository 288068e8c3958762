//! What people do with FlowFuse Expert's cards and settings, done over HTTP. Teams are projects here; what a browser
//! keeps of a team and its catalog are FlowFuse's own files, taken in.

use countersign_service::store::{AuditFilter, LogFilter};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{SignedIn, World, now};

/// FlowFuse's catalog, as it was recorded.
const CATALOG: &str = include_str!("../../../../conformance/flowfuse/basecat.json");

/// A team of FlowFuse's with its project, in which a policy takes its files in.
struct Team {
    world: World,
    human: SignedIn,
    token: String,
    folder: String,
}

impl Team {
    /// The user's own policy takes the files in.
    async fn new(kept: &Value) -> Team {
        let world = World::new().await;
        let home = world.folder.path().join("home");
        std::fs::write(home.join("catalog.json"), CATALOG).unwrap();
        std::fs::write(world.user_policy(), format!("nobody = \"wait 10m\"\n{}", policy("t1"))).unwrap();
        let human = world.sign_in().await;
        let token = world.token_for("ada", "flowfuse:s1", None).await;
        let team = Team { folder: world.project(), world, human, token };
        team.keep(kept);
        team
    }

    /// Writes what the browser keeps.
    fn keep(&self, kept: &Value) {
        std::fs::write(self.world.folder.path().join("home/kept.json"), kept.to_string()).unwrap();
    }

    fn call(&self, tool: &str) -> Value {
        call(&self.folder, tool, json!({}))
    }

    fn decide(&self, tool: &str) -> Value {
        self.post("/v1/decide", &self.call(tool)).is(200).json()
    }

    fn effect(&self, tool: &str) -> String {
        self.decide(tool)["effect"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.world.ask("POST", path).bearer(&self.token).json(body).send()
    }

    /// What a human does.
    fn press(&self, path: &str, body: &Value) -> Answer {
        self.world.ask("POST", path).bearer(&self.human.secret).json(body).send()
    }

    fn reply(&self, id: &str, body: &Value) -> Answer {
        self.press(&format!("/v1/approvals/{id}/reply"), body)
    }

    fn seen(&self, path: &str) -> Value {
        self.world.ask("GET", path).bearer(&self.human.secret).send().is(200).json()
    }

    fn ask(&self, tool: &str) -> String {
        self.post("/v1/ask", &self.call(tool)).is(201).json()["approval"]["id"].as_str().unwrap().to_owned()
    }

    fn redeem(&self, id: &str, tool: &str) -> Answer {
        self.post(&format!("/v1/approvals/{id}/redeem"), &self.call(tool))
    }

    /// Asks about a tool, and has a human press "Always allow" or "Always deny".
    fn always(&self, tool: &str, outcome: &str) -> (String, String) {
        let id = self.ask(tool);
        let body = json!({ "outcome": outcome, "scope": "session", "remember": [{ "part": 0, "offer": 0 }] });
        let replied = self.reply(&id, &body).is(200).json();
        (id, replied["grants"][0].as_str().unwrap().to_owned())
    }

    fn give_up(&self, reason: &str) -> Value {
        self.post("/v1/turns/cancel", &json!({ "reason": reason })).is(200).json()
    }

    /// A turn that ends with a card for each tool: the batch, and the questions.
    fn deferred(&self, turn: &str, tools: &[&str]) -> (String, Vec<String>) {
        let calls = tools.iter().enumerate();
        let calls = calls.map(|(at, tool)| json!({ "id": format!("u{}", at + 1), "tool": tool, "args": {} }));
        let body = json!({
            "host": "flowfuse", "host_version": "1.2.0", "cwd": self.folder, "project": self.folder, "turn": turn,
            "on_ask": "defer", "calls": calls.collect::<Vec<_>>(),
        });
        let verdict = self.post("/v1/turns", &body).is(200).json();
        let asked = verdict["calls"].as_array().unwrap().iter();
        let asked = asked.map(|call| call["approval"]["id"].as_str().unwrap().to_owned()).collect();
        (verdict["batch"]["id"].as_str().unwrap().to_owned(), asked)
    }

    fn batch(&self, id: &str) -> Value {
        self.world.ask("GET", &format!("/v1/batches/{id}")).bearer(&self.token).send().is(200).json()
    }

    fn resume(&self, id: &str) -> Answer {
        self.post(&format!("/v1/batches/{id}/resume"), &json!({}))
    }
}

fn call(folder: &str, tool: &str, args: Value) -> Value {
    json!({
        "host": "flowfuse", "host_version": "1.2.0", "tool": tool, "args": args, "cwd": folder, "project": folder,
        "turn": "t1",
    })
}

/// An import of what is kept, for this team.
fn policy(team: &str) -> String {
    format!("[[import]]\nfrom = [\"kept.json\", \"catalog.json\"]\nsystem = \"flowfuse\"\nagent = \"{team}\"\n")
}

fn kept(defaults: Value, preferences: Value) -> Value {
    json!({ "toolDefaultsByTeam": { "t1": defaults }, "toolPreferencesByTeam": { "t1": preferences } })
}

fn outcomes(batch: &Value) -> Vec<(&str, &str)> {
    let outcomes = batch["outcomes"].as_array().unwrap().iter();
    outcomes.map(|one| (one["call"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_defaults() {
    let team = Team::new(&kept(json!({}), json!({}))).await;
    let effects = || {
        ["get-flow", "add-nodes", "remove-nodes", "platform_list_stacks", "platform_create_instance"]
            .map(|tool| team.effect(tool))
    };
    assert_eq!(effects(), ["allow", "ask", "ask", "allow", "ask"]);
    team.keep(&kept(json!({ "flow-building": { "write": "allow" } }), json!({})));
    assert_eq!(effects(), ["allow", "allow", "ask", "allow", "ask"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_per_tool_override() {
    let deny = json!({ "remove-nodes": "deny" });
    let team = Team::new(&kept(json!({}), deny.clone())).await;
    assert_eq!((team.effect("remove-nodes"), team.effect("add-nodes")), ("deny".to_owned(), "ask".to_owned()));
    let delete = json!({ "flow-building": { "delete": "allow" } });
    team.keep(&kept(delete.clone(), deny));
    assert_eq!(team.effect("remove-nodes"), "deny");
    // Reset.
    team.keep(&kept(delete, json!({})));
    assert_eq!(team.effect("remove-nodes"), "allow");
    assert_eq!(
        (team.effect("add-nodes"), team.effect("platform_delete_instance")),
        ("ask".to_owned(), "ask".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_per_team() {
    let mut team = Team::new(&kept(json!({}), json!({}))).await;
    std::fs::write(team.world.user_policy(), "nobody = \"wait 10m\"\n").unwrap();
    let kept = json!({
        "toolDefaultsByTeam": { "t1": { "flow-building": { "write": "allow" } }, "t2": {} },
        "toolPreferencesByTeam": { "t1": { "remove-nodes": "ask" }, "t2": { "get-flow": "deny" } },
    });
    let folders = ["t1", "t2"].map(|name| {
        let folder = team.world.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("countersign.toml"), policy(name)).unwrap();
        std::fs::write(folder.join("kept.json"), kept.to_string()).unwrap();
        std::fs::write(folder.join("catalog.json"), CATALOG).unwrap();
        folder.canonicalize().unwrap()
    });
    let [one, two] = &folders;
    let effects = |team: &Team| {
        let effect = |folder: &std::path::Path, tool: &str| {
            let call = call(folder.to_str().unwrap(), tool, json!({}));
            let decided = team.post("/v1/decide", &call).is(200).json();
            decided["effect"].as_str().unwrap().to_owned()
        };
        [one, two].map(|folder| ["get-flow", "add-nodes", "remove-nodes"].map(|tool| effect(folder, tool)))
    };
    // A project's files come with the repository: nothing of them allows before a human trusts it.
    assert_eq!(effects(&team), [["ask", "ask", "ask"], ["deny", "ask", "ask"]]);
    for folder in &folders {
        for name in ["countersign.toml", "kept.json", "catalog.json"] {
            let path = folder.join(name);
            let digest = countersign_policy::sha256_hex(&std::fs::read(&path).unwrap());
            team.world.store().await.trust(path.to_str().unwrap(), &digest, "ada", now()).await.unwrap();
        }
    }
    let chosen = [["allow", "allow", "ask"], ["deny", "ask", "ask"]];
    assert_eq!(effects(&team), chosen);
    team.world.restart().await;
    assert_eq!(effects(&team), chosen);

    // What was allowed for a chat is of its team, though the chat goes on in another.
    let team = Team { folder: one.to_str().unwrap().to_owned(), ..team };
    let (id, _) = team.always("remove-nodes", "allow");
    team.redeem(&id, "remove-nodes").is(200);
    assert_eq!(effects(&team), [["allow", "allow", "allow"], ["deny", "ask", "ask"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_session_grant() {
    let team = Team::new(&kept(json!({}), json!({}))).await;
    let (id, grant) = team.always("add-nodes", "allow");
    team.redeem(&id, "add-nodes").is(200);
    assert_eq!((team.effect("add-nodes"), team.effect("platform_create_instance")), ("allow".into(), "ask".into()));
    assert_eq!((team.effect("get-flow"), team.effect("add-nodes")), ("allow".into(), "allow".into()));
    let listed = team.seen("/v1/grants");
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["grant"]["id"]), (1, &json!(grant)));
    assert_eq!(listed[0]["grant"]["reach"]["scope"], "session");
    // Another chat has nothing of it.
    let other = team.world.token_for("ada", "flowfuse:s2", None).await;
    let other = team.world.ask("POST", "/v1/decide").bearer(&other).json(&team.call("add-nodes"));
    assert_eq!(other.send().is(200).json()["effect"], "ask");

    team.give_up("start_over");
    assert_eq!(team.seen("/v1/grants"), json!([]));
    assert_eq!(team.effect("add-nodes"), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_make_permanent() {
    let mut team = Team::new(&kept(json!({}), json!({}))).await;
    let (id, session) = team.always("add-nodes", "allow");
    team.redeem(&id, "add-nodes").is(200);
    let promote = |grant: &str, body: Value| team.press(&format!("/v1/grants/{grant}/promote"), &body);
    for wrong in ["session", "turn", "once", "team", "planet"] {
        assert_eq!(promote(&session, json!({ "scope": wrong })).is(422).code(), "invalid", "{wrong}");
    }
    for wrong in
        [json!({ "scope": "project", "seconds": 0 }), json!({ "scope": "project", "resource": "whole" }), json!({})]
    {
        promote(&session, wrong).is(422);
    }
    let kept = promote(&session, json!({ "scope": "project" })).is(200).json();
    assert_eq!((&kept["reach"]["scope"], &kept["reach"]["session"]), (&json!("project"), &json!(null)));
    // The first one is gone, and cannot be promoted again.
    let listed = team.seen("/v1/grants");
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["grant"]), (1, &kept));
    promote(&session, json!({ "scope": "user" })).is(404);

    team.give_up("start_over");
    team.world.restart().await;
    assert_eq!((team.effect("add-nodes"), team.effect("platform_create_instance")), ("allow".into(), "ask".into()));
    let filter = AuditFilter { kind: Some("promoted".to_owned()), ..AuditFilter::default() };
    let audit = team.world.store().await.audit_entries(&filter).await.unwrap();
    let [entry] = &*audit else { panic!("{audit:?}") };
    assert_eq!((&*entry.actor, &entry.approval, &entry.grant), ("ada", &Some(id), &Some(session)));
    assert_eq!(entry.detail, json!({ "via": "api", "from": "session", "scope": "project", "to": kept["id"] }));
    // Revoking it is the end of it.
    let revoke = team.world.ask("DELETE", &format!("/v1/grants/{}", kept["id"].as_str().unwrap()));
    revoke.bearer(&team.human.secret).send().is(204);
    assert_eq!(team.effect("add-nodes"), "ask");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_reaches_no_further_than_its_question_and_policy_let_it() {
    let world = World::new().await;
    let ask = |rules: &str| std::fs::write(world.user_policy(), format!("nobody = \"wait 10m\"\n{rules}\n")).unwrap();
    ask("ask = [{ rule = \"tool:mail\", remember = \"project\" }]");
    let human = world.sign_in().await;
    let token = world.token_for("ada", "flowfuse:s1", None).await;
    let team = Team { folder: world.project(), world, human, token };
    let promote = |grant: &str, body: Value| team.press(&format!("/v1/grants/{grant}/promote"), &body);
    let (_, grant) = team.always("mail", "allow");
    assert!(promote(&grant, json!({ "scope": "user" })).is(422).body.contains("scope `user`"));
    // Policy of this moment counts, not that of the answer.
    let set =
        |rules: &str| std::fs::write(team.world.user_policy(), format!("nobody = \"wait 10m\"\n{rules}\n")).unwrap();
    set("ask = [{ rule = \"tool:mail\", remember = \"session\" }]");
    promote(&grant, json!({ "scope": "project" })).is(422);
    set("deny = [\"tool:mail\"]");
    promote(&grant, json!({ "scope": "project" })).is(422);
    set("deny = [");
    // A server keeps to the last policy that it could read.
    promote(&grant, json!({ "scope": "project" })).is(422);
    set("ask = [{ rule = \"tool:mail\", remember = \"project\" }]");

    // Neither an agent nor another person; and an agent's try is on record.
    let agent = team.post(&format!("/v1/grants/{grant}/promote"), &json!({ "scope": "project" }));
    assert_eq!(agent.is(403).code(), "humans-only");
    let refused = AuditFilter { kind: Some("refused".to_owned()), ..AuditFilter::default() };
    let refused = team.world.store().await.audit_entries(&refused).await.unwrap();
    assert_eq!(refused[0].detail["tried"], "promote a grant");

    // A time that was set stays, unless another one is.
    team.world.ask("DELETE", &format!("/v1/grants/{grant}")).bearer(&team.human.secret).send().is(204);
    let id = team.ask("mail");
    let short =
        json!({ "outcome": "allow", "scope": "session", "seconds": 60, "remember": [{ "part": 0, "offer": 0 }] });
    let replied = team.reply(&id, &short).is(200).json();
    let before = team.seen("/v1/grants")[0]["grant"]["expires"].clone();
    let promoted = promote(replied["grants"][0].as_str().unwrap(), json!({ "scope": "project" })).is(200).json();
    assert_eq!(promoted["expires"], before);
    assert!(before.is_number());
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_deferred_batch() {
    let mut team = Team::new(&kept(json!({}), json!({}))).await;
    // Whichever is pressed first.
    for (turn, first) in [("t1", 0), ("t2", 1)] {
        let (batch, asked) = team.deferred(turn, &["add-nodes", "remove-nodes"]);
        let press = |team: &Team, at: usize| {
            let outcome = if at == 0 { "allow" } else { "deny" };
            team.reply(&asked[at], &json!({ "outcome": outcome }))
        };
        press(&team, first).is(200);
        let nothing = team.post(
            "/v1/turns",
            &json!({
                "host": "flowfuse", "host_version": "1.2.0", "cwd": team.folder, "project": team.folder, "turn": "next",
                "calls": [{ "id": "x", "tool": "get-flow", "args": {} }],
            }),
        );
        assert!(nothing.is(200).json().get("resumed").is_none(), "one press sends nothing");
        assert_eq!(team.batch(&batch)["state"], "open");
        assert_eq!(team.resume(&batch).is(409).code(), "not-ready");
        // A double press changes nothing, nor does one of the other button or of a card that is not there.
        press(&team, first).is(200);
        let other = json!({ "outcome": if first == 0 { "deny" } else { "allow" } });
        assert_eq!(team.reply(&asked[first], &other).is(409).code(), "answered");
        team.reply("no-such-card", &json!({ "outcome": "allow" })).is(404);

        team.world.restart().await;
        press(&team, 1 - first).is(200);
        // Exactly one of those who come for it is resumed.
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let take = team.world.ask("POST", &format!("/v1/batches/{batch}/resume")).bearer(&team.token);
                std::thread::spawn(move || take.send())
            })
            .collect();
        let taken: Vec<Answer> = takers.into_iter().map(|taker| taker.join().unwrap()).collect();
        let resumed: Vec<&Answer> = taken.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(resumed.len(), 1, "{taken:?}");
        assert_eq!(outcomes(&resumed[0].json()), [("u1", "approved"), ("u2", "denied")]);
        assert_eq!(team.resume(&batch).is(409).code(), "resumed");
        // What was approved runs once, the other not at all.
        team.redeem(&asked[0], "add-nodes").is(200);
        assert_eq!(team.redeem(&asked[0], "add-nodes").is(409).code(), "redeemed");
        assert_eq!(team.redeem(&asked[1], "remove-nodes").is(409).code(), "answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_abandon() {
    let team = Team::new(&kept(json!({}), json!({}))).await;
    let given_up = [
        ("new_message", "a new message came in between"),
        ("stop", "the agent was stopped"),
        ("start_over", "the conversation was started over"),
    ];
    for (turn, (reason, words)) in given_up.into_iter().enumerate() {
        let (batch, asked) = team.deferred(&format!("t{turn}"), &["add-nodes", "remove-nodes"]);
        team.reply(&asked[0], &json!({ "outcome": "allow" })).is(200);
        let cancelled = team.give_up(reason);
        assert!(cancelled["cancelled"].as_array().unwrap().contains(&json!(asked[1])), "{cancelled}");
        // No decision is sent: whoever looks sees both given up, and why.
        let over = team.batch(&batch);
        assert_eq!((&over["state"], &over["reason"]), (&json!("cancelled"), &json!(reason)));
        assert_eq!(outcomes(&over), [("u1", "cancelled"), ("u2", "cancelled")]);
        assert_eq!(over["outcomes"][1]["approval"]["reason"], reason);
        let resume = team.resume(&batch).is(409);
        assert_eq!(resume.code(), "withdrawn");
        assert!(resume.body.contains(words), "{}", resume.body);
        let redeem = team.redeem(&asked[0], "add-nodes").is(409);
        assert_eq!(redeem.code(), "withdrawn");
        assert_eq!(team.effect("add-nodes"), "ask", "the yes is not taken by the next try either");
        // Late presses are told why, of the yes and of the no alike.
        for (id, outcome) in [(&asked[1], "allow"), (&asked[1], "deny"), (&asked[0], "deny")] {
            let late = team.reply(id, &json!({ "outcome": outcome })).is(409);
            assert_eq!(late.code(), "withdrawn");
            assert!(late.body.contains(words), "{}", late.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_deny_feedback() {
    let mut team = Team::new(&kept(json!({}), json!({ "remove-nodes": "deny" }))).await;
    // By policy: the reason, and what not to do.
    let denied = team.decide("remove-nodes");
    let message = denied["message"].as_str().unwrap();
    assert!(message.contains("remove-nodes") && message.contains("kept.json"), "{message}");
    assert!(message.contains("Do not look for a way around it"), "{message}");
    assert_eq!(team.post("/v1/ask", &team.call("remove-nodes")).is(200).json()["effect"], "deny", "nobody is asked");

    // By a human: told once with the human's word, and then it may be asked anew, as the rules say.
    let id = team.ask("add-nodes");
    team.reply(&id, &json!({ "outcome": "deny", "feedback": "not on Fridays" })).is(200);
    let told = team.decide("add-nodes");
    assert_eq!(told["effect"], "deny");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("the user said no: not on Fridays"), "{message}");
    assert!(message.contains("do not try the same call again"), "{message}");
    assert_eq!(team.redeem(&id, "add-nodes").is(409).code(), "answered");
    assert_eq!(team.effect("add-nodes"), "ask");
    // "Always deny" asks no more.
    team.always("add-nodes", "deny");
    for _ in 0..3 {
        let again = team.post("/v1/ask", &team.call("add-nodes")).is(200).json();
        assert_eq!((&again["effect"], again["approval"]["state"] == "open"), (&json!("deny"), false));
    }
    let message = team.decide("add-nodes")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("has said no to this before"), "{message}");

    // Both records have tool, user, decision and whence it came.
    team.world.end().await;
    let mut store = team.world.store().await;
    let audit = AuditFilter { approval: Some(id.clone()), ..AuditFilter::default() };
    let audit = store.audit_entries(&audit).await.unwrap();
    let denied = audit.iter().find(|entry| entry.kind == "denied").unwrap();
    assert_eq!(
        (&*denied.actor, &denied.detail["via"], &denied.detail["feedback"]),
        ("ada", &json!("api"), &json!("not on Fridays"))
    );
    let asked = audit.iter().find(|entry| entry.kind == "asked").unwrap();
    assert!(asked.detail["summary"].as_str().unwrap().contains("add-nodes"), "{asked:?}");
    let log = store.log_entries(&LogFilter::default()).await.unwrap();
    let causes: Vec<(String, String, String, Value)> = log
        .into_iter()
        .rev()
        .filter(|logged| logged.entry.effect.word() == "deny")
        .map(|logged| {
            (logged.entry.tool, logged.entry.user, logged.entry.session, logged.entry.detail.value()["cause"].clone())
        })
        .collect();
    let is_of = |tool: &str, kind: &str| {
        causes.iter().any(|(of, user, session, cause)| {
            of == tool && user == "ada" && session == "flowfuse:s1" && cause["cause"] == kind
        })
    };
    for (tool, kind) in [("remove-nodes", "rule"), ("add-nodes", "answer"), ("add-nodes", "grant")] {
        assert!(is_of(tool, kind), "{tool} {kind}: {causes:?}");
    }
}
