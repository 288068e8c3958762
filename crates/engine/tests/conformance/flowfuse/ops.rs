//! The operations of the store.

use std::collections::BTreeMap;

use countersign_formats::flowfuse::Store;
use countersign_policy::{Class, Effect};
use serde_json::{Value, json};

use super::{INHERITED, TEAM, catalog, effects, state, team};
use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "ops",
        compares: "after a row of operations: the team, what is kept, what was chosen for this chat, the hash, and what the agent is told",
        replay,
        rules: vec![
            Rule { explains: |case, _| moves(case), ..TEAM },
            Rule { explains: |_, difference| difference.of == "told", ..INHERITED },
        ],
    }
}

/// Whether something was allowed for the chat before one team followed another.
fn moves(case: &Case) -> bool {
    let mut team = team(case).map(str::to_owned);
    let mut allowed = false;
    for op in case.request["ops"].as_array().unwrap() {
        allowed |= op[0] == "setSessionToolOverride" && op[2] == "allow";
        if op[0] == "setTeam"
            && let Some(next) = op[1].as_str()
        {
            if allowed && team.as_deref() != Some(next) {
                return true;
            }
            team = Some(next.to_owned());
        }
    }
    false
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let mut store = Store::new(state(&case.policy), catalog(folder, &case.context["catalog"]));
    store.set_team(team(case));
    for op in case.request["ops"].as_array().unwrap() {
        apply(&mut store, op);
    }
    let resolved = store.state().resolved(store.catalog(), store.team());
    let kept = store.state().to_json();
    let expect = &case.expect;
    let mut differences = Vec::new();
    for (of, theirs, ours) in [
        ("team", &expect["team"], json!(store.team())),
        ("hash", &expect["hash"], json!(store.hash())),
        ("class defaults", &expect["toolDefaultsByTeam"], kept["toolDefaultsByTeam"].clone()),
        ("defaults", &expect["resolved"]["defaults"], resolved.to_json()["defaults"].clone()),
    ] {
        differences.extend(super::same(of, theirs, &ours));
    }
    let preferences = (&expect["toolPreferencesByTeam"], &kept["toolPreferencesByTeam"]);
    differences.extend(without_allows("preferences", preferences.0, preferences.1));
    differences.extend(without_allows("session", &expect["sessionToolOverrides"], &store.state().session_json()));
    let theirs: BTreeMap<String, Value> = serde_json::from_value(expect["resolved"]["tools"].clone()).unwrap();
    for (tool, policy) in &theirs {
        differences.extend(effects("told", policy, resolved.tools.get(tool).copied()));
    }
    differences
}

/// Ours without something that allows, or with what was there before it, is stricter; anything else is wrong.
fn without_allows(of: &'static str, theirs: &Value, ours: &Value) -> Option<Difference> {
    if theirs == ours {
        return None;
    }
    fn leaves<'v>(value: &'v Value, path: &str, out: &mut BTreeMap<String, &'v Value>) {
        match value.as_object() {
            Some(members) => members.iter().for_each(|(name, value)| leaves(value, &format!("{path}.{name}"), out)),
            None => {
                out.insert(path.to_owned(), value);
            }
        }
    }
    let (mut one, mut other) = (BTreeMap::new(), BTreeMap::new());
    leaves(theirs, "", &mut one);
    leaves(ours, "", &mut other);
    let stricter = one.iter().all(|(path, value)| other.get(path) == Some(value) || **value == json!("allow"))
        && other.keys().all(|path| one.contains_key(path));
    let side = if stricter { Difference::stricter } else { Difference::looser };
    Some(side(of, theirs.to_string(), ours.to_string()))
}

fn apply(store: &mut Store, op: &Value) {
    let text = |at: usize| op[at].as_str().unwrap_or_default();
    let (effect, class) = (|at: usize| Effect::named(text(at)), |at: usize| Class::named(text(at)));
    // Words that are no effect or class change nothing: ours cannot even be asked to.
    match text(0) {
        "setSessionToolOverride" => {
            if let Some(effect) = effect(2) {
                store.set_session_override(text(1), effect);
            }
        }
        "promoteSessionOverride" => store.promote(text(1)),
        "setTeam" => store.set_team(op[1].as_str()),
        "setToolPreference" => {
            if let Some(effect) = effect(2) {
                store.set_preference(text(1), effect);
            }
        }
        "setFamilyPreference" => {
            let keys = texts(&op[1]);
            if let Some(effect) = effect(2) {
                store.set_family_preference(&keys.iter().map(String::as_str).collect::<Vec<_>>(), effect);
            }
        }
        "clearToolPreference" => store.clear_preference(text(1)),
        "resetGroupClassPreferences" => {
            if let Some(class) = class(2) {
                store.reset_class(text(1), class);
            }
        }
        "setToolClassDefault" => {
            if let (Some(class), Some(effect)) = (class(2), effect(3)) {
                store.set_class_default(text(1), class, effect);
            }
        }
        "clearSessionToolOverrides" => store.clear_session_overrides(),
        "setToolCatalog" if op[1] != "<undefined>" => store.set_hash(op[1].as_str()),
        "setToolCatalog" => {}
        "reload" => store.reload(),
        other => panic!("{other}: an operation that is not known"),
    }
}
