//! The same call again and again: the graph stops, and a human says whether it goes on.
//!
//! The cases say how many are too many and nothing of the calls before: these are made here, and policy's `repeats` says
//! which one asks.

use countersign_formats::surfsense::{Repeated, goes_on};
use countersign_policy::Effect;
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{Asked, World, effect};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "surfsense",
        name: "doomloop",
        compares: "the interrupt's payload, of its signatures how many they are and which are the same; whether the agent goes on after the reply. Telemetry is not compared",
        replay,
        rules: vec![Rule {
            name: "a no is a no in every form",
            inputs: "`reject` as a bare word or in a list of decisions, and any reply after the graph was taken up anew",
            answer: "the agent stops",
            why: "theirs understands it in one form alone, and forgets with its process what it had counted: the rejected call runs",
            side: Side::Stricter,
            explains: |_, difference| difference.of == "goes on",
        }],
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let theirs = &case.expect["interrupt"];
    let threshold = usize::try_from(case.policy["threshold"].as_u64().unwrap()).unwrap();
    let (tool, args) = (theirs["action"]["name"].as_str().unwrap_or("t"), &theirs["action"]["params"]);
    let policy = format!(
        "nobody = \"wait 10m\"\nrepeats = {threshold}\n\n[[import]]\nfrom = \"rules.json\"\nsystem = \"surfsense\"\n"
    );
    let world = World::new(&policy, &[("rules.json", ALLOWS_EVERYTHING)]);
    let agent = world.agent("surfsense", "s");
    let mut call = world.call(&agent, tool, args.clone(), Some("message"));
    if args.is_null() {
        call["args"] = json!({});
    }
    let mut signatures = Vec::new();
    for before in 1..threshold {
        call["call_id"] = json!(before.to_string());
        let verdict = world.decide(&agent, &call);
        assert_eq!(effect(&verdict), Effect::Allow, "{before}");
        signatures.push(verdict["digest"].as_str().unwrap().to_owned());
    }
    call["call_id"] = json!("last");
    let verdict = world.decide(&agent, &call);
    assert_eq!(effect(&verdict), Effect::Ask, "it is too many");
    signatures.push(verdict["digest"].as_str().unwrap().to_owned());
    let stop = Repeated { tool, args, signatures: &signatures, threshold }.payload();
    let mut differences = Vec::new();
    if named(theirs) != named(&stop) {
        differences.push(Difference::looser("interrupt", theirs.to_string(), stop.to_string()));
    }

    let Asked::Open(question) = world.ask(&agent, &call) else { panic!("it is too many") };
    let outcome = if goes_on(&case.request["resume"]) { "allow" } else { "deny" };
    world.reply(&question, &json!({ "outcome": outcome })).is(200);
    let ours = world.wait(&agent, &question)["state"] == "allowed" && world.redeems(&agent, &question, &call);
    let after = case.expect["after_model_returned"]["jump_to"] != "end";
    if ours != after {
        let side = if after { Difference::stricter } else { Difference::looser };
        differences.push(side("goes on", after.to_string(), ours.to_string()));
    }
    differences
}

/// The defaults of SurfSense.
const ALLOWS_EVERYTHING: &str = r#"[{"permission": "*", "pattern": "*", "action": "allow"}]"#;

/// The payload with signatures numbered: any text will do that is the same for the same call.
fn named(stop: &Value) -> Value {
    let mut stop = stop.clone();
    let signatures = crate::case::texts(&stop["context"]["recent_signatures"]);
    let number = |one: &String| signatures.iter().position(|other| other == one);
    stop["context"]["recent_signatures"] = json!(signatures.iter().map(number).collect::<Vec<_>>());
    stop
}
