//! Sub-agents as a host names them: their tables in policy files, and what a hostile text makes of kinds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod disk;

use countersign_engine::hosts::claude_code::{self, Event, EventError, HookEnvironment};
use countersign_engine::{Known, Layout, LoadFault, NothingKnown, Reading, Request, load};
use countersign_policy::{Effect, Timestamp};
use disk::Disk;
use serde_json::{Value, json};

const USER: &str = "/home/u/.config/countersign/countersign.toml";

fn loaded(disk: &Disk, known: &dyn Known) -> Result<Reading, LoadFault> {
    let layout = Layout {
        home: "/home/u".to_owned(),
        user_file: USER.to_owned(),
        config_dir: "/home/u/.config/countersign".to_owned(),
        managed_file: "/etc/countersign/countersign.toml".to_owned(),
        data_dir: "/home/u/.local/share/countersign".to_owned(),
    };
    load(disk, &layout, "/repo", known)
}

/// The event of a tool's call with these members more.
fn event(tool: &str, input: Value, more: Value) -> Result<Request, EventError> {
    let mut event = json!({"session_id": "s", "cwd": "/repo", "prompt_id": "p", "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": input, "tool_use_id": "t1"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let environment = HookEnvironment { user: "u".into(), home: "/home/u".into(), ..HookEnvironment::default() };
    match claude_code::event(event.to_string().as_bytes(), &environment)? {
        Event::PreToolUse(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

fn sub_agent(kind: &str) -> Value {
    json!({"agent_id": "a1", "agent_type": kind})
}

/// The effect under this user's policy, and what the model would be told.
fn decide(user: &str, request: &Request) -> (Effect, String) {
    let mut disk = Disk::new();
    disk.write(USER, user);
    let engine = loaded(&disk, &NothingKnown).unwrap_or_else(|fault| panic!("{}", fault.report())).engine;
    let call = engine.call(request, &disk);
    let decision = engine.decide(&[], None, &call, Timestamp(0));
    (decision.effect(), engine.denial(&call, &decision))
}

const BUILDER: &str = "allow = [\"edit(src/**)\"]\ndeny = [{ rule = \"edit(src/**)\", descendants = false }]\n\
                       [agents.Builder]\n[agents.Explore]\nallow = [\"read(**)\"]\ndefault = \"deny\"\n";

fn edit() -> Value {
    json!({"file_path": "/repo/src/main.rs", "old_string": "main", "new_string": "other"})
}

#[test]
fn a_sub_agent_is_judged_by_the_table_of_its_kind() {
    let of = |more: Value| decide(BUILDER, &event("Edit", edit(), more).unwrap());
    assert_eq!(of(json!({})).0, Effect::Deny);
    assert_eq!(of(sub_agent("Builder")).0, Effect::Allow);
    let (effect, told) = of(sub_agent("Explore"));
    assert_eq!(effect, Effect::Deny);
    assert!(told.contains("countersign.toml:6 [agents.Explore] says deny default = \"deny\""), "{told}");
}

/// The host says who calls; the arguments, which the agent writes, say nothing of it.
#[test]
fn the_kind_comes_from_the_hosts_event_and_never_from_the_call() {
    let mut input = edit();
    for name in ["agent_type", "agent_id", "agent_kinds", "subagent_type"] {
        input.as_object_mut().unwrap().insert(name.to_owned(), json!("Builder"));
    }
    assert_eq!(decide(BUILDER, &event("Edit", input.clone(), json!({})).unwrap()).0, Effect::Deny);
    assert_eq!(decide(BUILDER, &event("Edit", input, sub_agent("mine")).unwrap()).0, Effect::Deny);
    let request = event("Task", json!({"subagent_type": "Builder", "prompt": "x"}), json!({})).unwrap();
    assert!(request.agent_kinds.is_empty());
}

/// A main agent that the host started as a kind is no sub-agent: what is the main agent's alone binds it.
#[test]
fn a_kind_without_a_sub_agent_frees_of_nothing() {
    let of = |more: Value| decide(BUILDER, &event("Edit", edit(), more).unwrap()).0;
    assert_eq!(of(json!({"agent_type": "Builder"})), Effect::Deny);
    assert_eq!(of(json!({"agent_id": "a1"})), Effect::Deny);
    assert_eq!(of(json!({"agent_id": null, "agent_type": null})), Effect::Deny);
}

#[test]
fn kinds_that_mean_something_elsewhere_free_of_nothing() {
    for kind in
        ["*", "", " ", "../x", "Builder\n", "builder", "__proto__", "Builder\u{0}", "\u{202e}redliuB", "Builder/x"]
    {
        let (effect, told) = decide(BUILDER, &event("Edit", edit(), sub_agent(kind)).unwrap());
        assert_eq!(effect, Effect::Deny, "{kind:?}");
        assert!(!told.contains(['\n', '\u{202e}', '\u{0}']), "{told:?}");
    }
}

/// A kind or an id of another type than text must not pass for the main agent's.
#[test]
fn who_calls_is_a_text_or_the_event_is_refused() {
    for member in ["agent_id", "agent_type"] {
        for value in [json!(1), json!(["Builder"]), json!({"name": "Builder"}), json!(true)] {
            assert!(event("Edit", edit(), json!({ member: value.clone() })).is_err(), "{member}: {value}");
        }
    }
}

#[test]
fn a_search_sees_what_the_table_of_its_kind_denies() {
    let user = "allow = [\"search(**)\"]\n[agents.Explore]\ndeny = [\"read(src/main.rs)\"]\n";
    let of = |more: Value| decide(user, &event("Grep", json!({"pattern": "x", "path": "/repo/src"}), more).unwrap());
    assert_eq!(of(json!({})).0, Effect::Allow);
    assert_eq!(of(sub_agent("Plan")).0, Effect::Allow);
    let (effect, told) = of(sub_agent("Explore"));
    assert_eq!(effect, Effect::Ask);
    assert!(told.contains("main.rs"), "{told}");
}

#[test]
fn a_command_is_judged_by_the_table_with_all_that_it_touches() {
    let user = "allow = [\"shell(cat *, tee *, ls *)\", \"edit(src/**)\"]\n\
                [agents.Explore]\nallow = [\"shell(cat *, tee *)\"]\ndeny = [\"read(src/main.rs)\", \"edit\"]\n";
    let of = |line: &str, more: Value| decide(user, &event("Bash", json!({ "command": line }), more).unwrap()).0;
    for (line, main, child) in [
        ("cat src/lib.rs", Effect::Allow, Effect::Allow),
        ("cat src/main.rs", Effect::Allow, Effect::Deny),
        ("cat src/lib.rs > src/x", Effect::Allow, Effect::Deny),
        ("ls src", Effect::Allow, Effect::Ask),
        ("cat src/lib.rs && git push", Effect::Ask, Effect::Ask),
    ] {
        assert_eq!((of(line, json!({})), of(line, sub_agent("Explore"))), (main, child), "{line}");
    }
}

/// What an allow names besides follows from it, but only for whom the allow is.
#[test]
fn what_the_main_agents_allow_spells_out_is_not_handed_down_either() {
    let user = "allow = [{ rule = \"shell(cat /etc/passwd)\", descendants = false }, \"shell(cat *)\"]\n";
    let of = |more: Value| decide(user, &event("Bash", json!({"command": "cat /etc/passwd"}), more).unwrap()).0;
    assert_eq!(of(json!({})), Effect::Allow);
    assert_eq!(of(sub_agent("Explore")), Effect::Ask);
}

#[test]
fn the_examples_of_a_table_are_checked_as_its_kind() {
    let mut disk = Disk::new();
    let examples = |effect: &str| {
        format!(
            "allow = [\"edit(src/**)\"]\nexamples = [\"allow edit: src/a\"]\n[agents.Explore]\ndeny = [\"edit\"]\n\
             examples = [\"{effect} edit: src/a\"]\n"
        )
    };
    disk.write(USER, &examples("deny"));
    assert!(loaded(&disk, &NothingKnown).is_ok());
    disk.write(USER, &examples("allow"));
    let fault = loaded(&disk, &NothingKnown).unwrap_err().report();
    let fault = fault.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(fault.contains(":5:13: the example comes out as deny"), "{fault}");
    assert!(fault.contains("[agents.Explore] says deny edit"), "{fault}");
}

/// A repository names kinds too: what it allows them counts once trusted, and so does that it names them.
#[test]
fn a_repositorys_tables_allow_nothing_until_they_are_trusted() {
    struct Trusting;
    impl Known for Trusting {
        fn trusted(&self, _path: &str, _content: &str) -> bool {
            true
        }
        fn checked(&self, _key: &str) -> bool {
            false
        }
    }
    let mut disk = Disk::new();
    disk.write(USER, "allow = [\"edit(**)\"]\ndeny = [{ rule = \"edit(src/**)\", descendants = false }]\n");
    disk.write("/repo/countersign.toml", "[agents.Builder]\nallow = [\"edit(src/**)\"]\ndefault = \"deny\"\n");
    let request = event("Edit", edit(), sub_agent("Builder")).unwrap();
    for (known, effect) in [(&NothingKnown as &dyn Known, Effect::Deny), (&Trusting, Effect::Allow)] {
        let engine = loaded(&disk, known).unwrap().engine;
        let decision = engine.decide(&[], None, &engine.call(&request, &disk), Timestamp(0));
        assert_eq!(decision.effect(), effect);
    }
}

/// What one kind asked another must not run: the answer is to this kind's call.
#[test]
fn a_call_of_another_kind_is_another_call() {
    let mut disk = Disk::new();
    disk.write(USER, BUILDER);
    let engine = loaded(&disk, &NothingKnown).unwrap().engine;
    let digest = |more: Value| engine.call(&event("Edit", edit(), more).unwrap(), &disk).digest();
    assert_ne!(digest(sub_agent("Builder")), digest(sub_agent("Explore")));
    assert_ne!(digest(sub_agent("Builder")), digest(json!({"agent_id": "a1"})));
}

#[test]
fn a_tool_that_a_table_denies_is_hidden_from_its_kind() {
    let mut disk = Disk::new();
    disk.write(USER, "[agents.Explore]\ndeny = [\"edit\"]\n");
    let engine = loaded(&disk, &NothingKnown).unwrap().engine;
    let hidden = |more: Value| engine.hidden(&event("Edit", json!({}), more).unwrap());
    assert_eq!(hidden(json!({})), None);
    assert_eq!(hidden(sub_agent("Plan")), None);
    assert!(hidden(sub_agent("Explore")).unwrap().contains("countersign.toml:2"));
}
