use std::fmt::Write as _;

use countersign_policy::document::{Loaded, Problem, assemble, parse};
use countersign_policy::{
    Action, Annotations, Attendance, Call, Cause, Class, Effect, Policy, Resource, SourceKind, Target, Timestamp,
    decide,
};
use serde_json::json;

use super::{Catalog, Entry, Membership, Role, State, Store, accessible, fingerprint, least_role, report};
use crate::Text;
use crate::import::Report;
use crate::import::tests::{policy, shown};
use crate::json::Grammar;

const CATALOG: &str = include_str!("../../../../conformance/flowfuse/basecat.json");

/// What a browser keeps of two teams.
const KEPT: &str = r#"{
  "toolDefaultsByTeam": {
    "t1": {
      "flow-building": { "read": "allow", "write": "allow", "delete": "ask" },
      "platform": { "read": "allow", "write": "ask", "delete": "deny" }
    }
  },
  "toolPreferencesByTeam": {
    "t1": {
      "remove-nodes": "deny",
      "manage-groups-v1": "ask",
      "platform_list_stacks": "ask",
      "gone": "deny",
      "add-nodes": "sometimes"
    },
    "t2": { "get-flow": "deny" }
  },
  "sessionToolOverrides": { "platform_create_instance": "allow" }
}"#;

fn catalog() -> Catalog {
    Catalog::read(&Text::new("catalog.json", CATALOG)).unwrap()
}

fn state(text: &str) -> State {
    State::read(&Text::new("product-assistant.json", text)).unwrap()
}

fn call(catalog: &Catalog, tool: &str, version: Option<&str>) -> Call {
    let entry = catalog.entry(tool);
    let action = Action::Tool(tool.to_owned());
    Call {
        host: "flowfuse".to_owned(),
        host_version: version.map(str::to_owned),
        tool: tool.to_owned(),
        action: action.clone(),
        class: entry.map_or(Class::Write, |entry| entry.class),
        group: entry.map(|entry| entry.group.clone()),
        args: json!({}),
        cwd: "/".to_owned(),
        project: "/".to_owned(),
        home: String::new(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(action, Resource::None)],
        in_a_row: 0,
        faults: Vec::new(),
    }
}

fn theirs(state: &State, catalog: &Catalog, team: &str) -> Policy {
    beside(assemble(Vec::new()), state, catalog, team)
}

fn beside(mut policy: Policy, state: &State, catalog: &Catalog, team: &str) -> Policy {
    policy.sources.push(state.source(SourceKind::User, "product-assistant.json", true, catalog, Some(team)));
    policy.catalog.tools = catalog.tools();
    policy
}

fn effect(policy: &Policy, call: &Call) -> Effect {
    decide(policy, &[], None, call, Timestamp(0)).effect()
}

#[test]
fn a_whole_file_decides_and_says_where() {
    let (catalog, state) = (catalog(), state(KEPT));
    let policy = theirs(&state, &catalog, "t1");
    let mut out = String::new();
    for tool in catalog.entries().iter().filter_map(|entry| entry.key.as_deref()).chain(["gone", "unheard-of"]) {
        let decision = decide(&policy, &[], None, &call(&catalog, tool, Some("1.2.0")), Timestamp(0));
        let cause = match decision.judgements()[0].cause() {
            Cause::Rule(rule) => format!("{}:{} {}", rule.origin.file, rule.origin.line, rule.origin.text),
            Cause::Unavailable { reason } => reason.clone(),
            other => format!("{other:?}"),
        };
        writeln!(out, "{:<5} {tool}: {cause}", decision.effect().word()).unwrap();
    }
    insta::assert_snapshot!(out);
}

/// What becomes of a file whose choices are about one team, with the catalog beside it.
fn reported(text: &str, catalog: &str, team: &str) -> Report {
    report(&Text::new("product-assistant.json", text), Some(&Text::new("catalog.json", catalog)), Some(team))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn a_whole_file_as_native_rules() {
    let report = reported(KEPT, CATALOG, "t1");
    assert!(report.is_native());
    insta::assert_snapshot!(policy(&report));
}

#[test]
fn native_rules_decide_as_what_they_were_made_of() {
    let catalog = catalog();
    let empty = assemble(Vec::new());
    let choices = [None, Some("allow"), Some("ask"), Some("deny")];
    let of = |at: usize, place: usize| choices[at / 4_usize.pow(place as u32) % 4];
    let object = |members: &[(&str, Option<&str>)]| -> serde_json::Value {
        members.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!((*value)?)))).collect()
    };
    // Defaults and preferences of tools that write, delete and read, in turns that meet in all ways.
    for at in (0..4_usize.pow(5)).step_by(11) {
        let defaults = object(&[("read", of(at * 7, 0)), ("write", of(at, 0)), ("delete", of(at, 1))]);
        let preferences = object(&[
            ("add-nodes", of(at, 2)),
            ("remove-nodes", of(at, 3)),
            ("manage-groups-v1", of(at, 4)),
            ("get-flow", of(at * 11, 2)),
        ]);
        let text = json!({
            "toolDefaultsByTeam": { "t1": { "flow-building": defaults } }, "toolPreferencesByTeam": { "t1": preferences },
        })
        .to_string();
        let written = policy(&reported(&text, CATALOG, "t1"));
        let document = parse(SourceKind::User, "countersign.toml", &written)
            .unwrap_or_else(|problems| panic!("{written}\n{problems:?}"));
        let ours = assemble(vec![Loaded::new(document, true)]);
        let theirs = beside(empty.clone(), &state(&text), &catalog, "t1");
        for tool in catalog.keys() {
            for version in [None, Some("1.2.0"), Some("9.0.0")] {
                let call = call(&catalog, tool, version);
                assert_eq!(effect(&ours, &call), effect(&theirs, &call), "{tool} {version:?}\n{text}\n{written}");
            }
        }
    }
}

fn rendered<T: std::fmt::Debug>(text: &str, result: Result<T, Vec<Problem>>) -> String {
    result.unwrap_err().iter().map(|problem| problem.render(text)).collect()
}

#[test]
fn what_is_no_kept_state_is_said() {
    let mut out = String::new();
    for text in [
        "{\"toolDefaultsByTeam\": {\"t1\": ",
        "[]",
        "{\n  \"toolDefaultsByTeam\": null,\n  \"toolPreferencesByTeam\": [\"add-nodes\"]\n}",
        "{\"toolDefaultsByTeam\": {\"t1\": \"allow\", \"t2\": {\"platform\": [\"ask\"]}}}",
        "{\"toolPreferencesByTeam\": {\"t1\": \"deny\"}, \"sessionToolOverrides\": 1}",
        "{\"toolPreferencesByTeam\": {\"t1\": {\"add-nodes\": \"deny\",}}}",
    ] {
        writeln!(out, "{}", rendered(text, State::read(&Text::new("kept.json", text)))).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_no_catalog_is_said() {
    let mut out = String::new();
    for text in [
        "[{\"key\": \"a\"",
        "{\"tools\": []}",
        "[\"get-flow\", {\"key\": 1, \"name\": [], \"group\": {}, \"minVersion\": 1.5}]",
        "{\"catalog\": \"none\", \"hash\": null}",
    ] {
        writeln!(out, "{}", rendered(text, Catalog::read(&Text::new("catalog.json", text)))).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_no_rule_can_spell_stays() {
    let kept = r#"{"toolPreferencesByTeam": {"t1": {"a b": "deny", "": "ask", "c": "allow"}}}"#;
    let catalog = r#"[{"key": "x", "group": "a/b"}, {"key": "tool(*)"}, {"key": "y", "minVersion": "new"}]"#;
    let report = reported(kept, catalog, "t1");
    assert!(!report.is_native());
    insta::assert_snapshot!(shown(&report));
}

#[test]
fn choices_that_are_none_are_named_and_left_out() {
    let text = r#"{"toolDefaultsByTeam": {"t1": {"platform": {"write": "never"}}},
 "toolPreferencesByTeam": {"t1": {"late": "allow", "add-nodes": 1}}}"#;
    let catalog =
        r#"[{"key": "add-nodes"}, {"key": "odd", "maxVersion": "soon"}, {"name": "Nameless"}, {"key": "odd"}]"#;
    let text = Text::new("kept.json", text);
    let report = report(&text, Some(&Text::new("catalog.json", catalog)), Some("t1")).unwrap();
    insta::assert_snapshot!(format!("{}---\n{}", shown(&report), policy(&report)));
}

#[test]
fn a_tool_of_which_nothing_is_known_is_not_allowed_by_a_class() {
    let state = state(r#"{"toolDefaultsByTeam": {"t1": {"flow-building": {"write": "allow"}}}}"#);
    let catalog = catalog();
    let policy = theirs(&state, &catalog, "t1");
    assert_eq!(effect(&policy, &call(&catalog, "add-nodes", None)), Effect::Allow);
    assert_eq!(effect(&policy, &call(&catalog, "Bash", None)), Effect::Ask);
}

#[test]
fn a_new_version_of_a_tool_inherits_what_was_forbidden() {
    let state = state(r#"{"toolPreferencesByTeam": {"t1": {"manage-groups-v1": "deny", "get-flow": "allow"}}}"#);
    let catalog = catalog();
    let policy = theirs(&state, &catalog, "t1");
    assert_eq!(effect(&policy, &call(&catalog, "manage-groups-v2", Some("1.5.0"))), Effect::Deny);
    assert_eq!(state.saved(&catalog, Some("t1"), Some("manage-groups-v2")), Effect::Deny);
}

#[test]
fn a_version_that_is_not_known_has_no_tool_that_came_later() {
    let (state, catalog) = (state(r#"{"sessionToolOverrides": {"manage-groups-v2": "allow"}}"#), catalog());
    let policy = theirs(&state, &catalog, "t1");
    for version in [None, Some("dev"), Some(""), Some("1.5.0-rc.1")] {
        assert_eq!(effect(&policy, &call(&catalog, "manage-groups-v2", version)), Effect::Deny, "{version:?}");
    }
    assert_eq!(effect(&policy, &call(&catalog, "manage-groups-v2", Some("v1.5.0"))), Effect::Allow);
}

#[test]
fn what_was_allowed_for_a_chat_ends_with_the_team() {
    let mut store = Store::new(State::default(), catalog());
    store.set_team(Some("t1"));
    store.set_session_override("add-nodes", Effect::Allow);
    store.set_session_override("get-flow", Effect::Deny);
    store.set_team(None);
    store.set_team(Some("t1"));
    assert_eq!(store.state().session_override("add-nodes"), Some(Effect::Allow));
    store.set_team(Some("t2"));
    store.promote("add-nodes");
    assert_eq!(store.state().session_override("add-nodes"), None);
    assert_eq!(store.state().session_override("get-flow"), Some(Effect::Deny));
    assert_eq!(store.state().to_json()["toolPreferencesByTeam"], json!({}));
}

#[test]
fn a_membership_that_is_not_known_is_the_least_and_both_roles_count() {
    for value in [json!(null), json!({}), json!({"role": null}), json!({"role": "owner"}), json!({"role": -1})] {
        assert!(!Membership::read(&value).may_write(None), "{value}");
    }
    assert_eq!(
        [29, 30, 31, 50, 98, 99, 100].map(|role| Role::read(&json!(role)).name()).join(" "),
        "viewer member member owner owner admin admin"
    );
    let member = |team: u8, application: u8| {
        let value = json!({"role": team, "permissions": {"applications": {"a": application}}});
        Membership::read(&value).may_write(Some("a"))
    };
    assert!(member(30, 30) && !member(30, 10) && !member(10, 30));
}

#[test]
fn a_tool_without_annotations_is_offered_to_owners_alone() {
    let hints = |value: serde_json::Value| least_role(Annotations::read(&value));
    assert_eq!(hints(json!({})), Some(Role::Owner));
    assert_eq!(hints(json!({"readOnlyHint": true})), None);
    assert_eq!(hints(json!({"readOnlyHint": true, "destructiveHint": false})), Some(Role::Viewer));
    assert_eq!(hints(json!({"destructiveHint": false, "idempotentHint": true})), Some(Role::Member));
    let nobody = Membership::read(&json!(null));
    let access = super::Access { membership: &nobody, application: "a", by_application: true, token: None, team: "t" };
    assert_eq!(accessible(&json!({"prompts": [{}]}), &access), None);
}

#[test]
fn the_agent_is_told_what_counts_and_every_answer() {
    let chat = super::Chat {
        team: Some("t1"),
        version: Some("1.2.0"),
        has_route: true,
        immersive: true,
        may_write: false,
        plan_mode: false,
    };
    let told = super::chat_context(&state(KEPT), &catalog(), &chat);
    assert_eq!(told["toolPermissions"]["defaults"], json!({"read": "allow", "write": "allow", "delete": "ask"}));
    assert_eq!(told["toolPermissions"]["tools"]["platform_create_instance"], "allow");
    assert_eq!((&told["canUseWriteTools"], &told["scope"]), (&json!(false), &json!("immersive")));
    let nowhere = super::chat_context(&state(KEPT), &catalog(), &super::Chat { has_route: false, ..chat });
    assert_eq!(nowhere.get("toolPermissions"), None);
    let answers = [("u1".to_owned(), true), ("u2".to_owned(), false)].into();
    let request = super::resume(told, &answers);
    assert_eq!(request["toolApprovals"], json!({"u1": "approved", "u2": "denied"}));
}

#[test]
fn hostile_texts_cost_little() {
    let entry = |at: usize| json!({"key": format!("k{at}"), "name": format!("Tool v{at}"), "toolClass": "write"});
    let list = serde_json::Value::from((0..20_000).map(entry).collect::<Vec<_>>()).to_string();
    let choices: serde_json::Value = (0..20_000).map(|at| (format!("k{at}"), json!("deny"))).collect();
    let text = json!({"toolPreferencesByTeam": {"t1": choices}}).to_string();
    let (texts, catalog) =
        ((Text::new("k", &text), Text::new("c", &list)), Catalog::read(&Text::new("c", &list)).unwrap());
    let state = state(&text);
    assert_eq!(state.resolved(&catalog, Some("t1")).tools.len(), 20_000);
    assert_eq!(super::sections(&state, &catalog, Some("t1"), None, true, true)[0].rows.len(), 1);
    assert!(report(&texts.0, Some(&texts.1), Some("t1")).is_ok_and(|report| report.is_native()));
    for odd in ["\"v\"", "\"v1\"", "\" v9\"", "\"é_V0123\"", "\"\\u0000\"", "\"💥v1\""] {
        let list = format!("[{{\"key\": {odd}, \"name\": {odd}, \"minVersion\": {odd}, \"group\": {odd}}}]");
        let entries: Vec<Entry> = Catalog::read(&Text::new("c", &list)).unwrap().entries().to_vec();
        assert!(!entries[0].family().is_empty() && entries[0].availability(Some("💥")).required.is_some());
    }
}

#[test]
fn each_choice_is_reported_once() {
    insta::assert_snapshot!(shown(&reported(KEPT, CATALOG, "t1")));
}

/// What was denied for a chat is not allowed because a file is written anew.
#[test]
fn without_a_catalog_only_what_is_named_is_said() {
    let text = KEPT.replace("\"platform_create_instance\": \"allow\"", "\"add-nodes\": \"deny\"");
    let file = Text::new("product-assistant.json", &text);
    let report = report(&file, None, Some("t2")).unwrap();
    assert!(report.is_native() && report.tools.is_empty());
    insta::assert_snapshot!(shown(&report));
}

#[test]
fn a_file_that_is_taken_in_speaks_only_of_tools_that_it_names() {
    let file = format!("{},\n  \"toolCatalog\": {CATALOG}\n}}", KEPT.trim_end().strip_suffix('}').unwrap());
    let file = Text::new("product-assistant.json", &file);
    let mut out = String::new();
    for team in [None, Some("t9")] {
        let problems = super::read(&file, None, SourceKind::User, true, team).unwrap_err();
        out.extend(problems.iter().map(|problem| problem.render(file.text)));
    }
    insta::assert_snapshot!(out);
    let (source, tools) = super::read(&file, None, SourceKind::User, true, Some("t1")).unwrap();
    let mut policy = assemble(Vec::new());
    policy.sources.push(source);
    policy.catalog.tools = tools;
    let judged = |tool: &str| decide(&policy, &[], None, &call(&catalog(), tool, Some("1.2.0")), Timestamp(0));
    assert_eq!(judged("add-nodes").effect(), Effect::Allow);
    assert_eq!(judged("remove-nodes").effect(), Effect::Deny);
    assert!(matches!(judged("Bash").cause(), Cause::Default));
    // What was allowed for a chat is not what a file allows.
    assert_eq!(judged("platform_create_instance").effect(), Effect::Ask);
    let (_, untrusted) = super::read(&file, None, SourceKind::Project, false, Some("t1")).unwrap();
    assert!(untrusted.is_empty());
}

#[test]
fn the_fingerprint_does_not_depend_on_the_order_of_tools() {
    let of = |text: &str| fingerprint(Some(&crate::json::parse(&Text::new("t", text), Grammar::Json).unwrap()));
    assert_eq!(of(r#"[{"name": "a"}, {"name": "b"}]"#), of(r#"[{"name": "b"}, {"name": "a"}]"#));
    assert_ne!(of(r#"[{"name": "a", "title": "x"}]"#), of(r#"[{"name": "a", "title": "y"}]"#));
    assert_eq!(fingerprint(None), "0-0-1505");
}
