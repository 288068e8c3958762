//! The same call again and again: the graph stops, and a human says whether it goes on.
//!
//! The cases say how many are too many and nothing of the calls before: these are made here, and policy's `repeats` says
//! which one asks.

use countersign_formats::surfsense::{Entry, Repeated, goes_on, source};
use countersign_policy::approval::Outcome;
use countersign_policy::{Call, Effect, Origin, Policy, Repeats, SourceKind};
use countersign_service::gate::Gate;
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};
use crate::world::{World, once};

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
    let mut call = Call {
        host: "surfsense".to_owned(),
        turn: Some("message".to_owned()),
        args: args.clone(),
        faults: Vec::new(),
        ..imported::call(tool, &[])
    };
    let origin = Origin { file: "surfsense_defaults".into(), line: 1, text: "*: * = allow".to_owned() };
    let everything = Entry { permission: "*".to_owned(), pattern: "*".to_owned(), effect: Effect::Allow, origin };
    let rules = source(SourceKind::User, "surfsense_defaults", true, &[everything]);
    let too_many = u32::try_from(threshold).unwrap();
    let policy = Policy { repeats: Repeats::Ask(too_many), ..imported::policy(vec![rules], Vec::new()) };
    let mut world = World::new(policy);
    for before in 1..too_many {
        let gate = world.gate_as(&mut call, &before.to_string());
        assert!(matches!(gate, Gate::Decided { decision } if decision.effect() == Effect::Allow), "{before}");
    }
    let signatures: Vec<String> = (0..threshold).map(|_| call.digest().0).collect();
    let stop = Repeated { tool, args, signatures: &signatures, threshold }.payload();
    let mut differences = Vec::new();
    if named(theirs) != named(&stop) {
        differences.push(Difference::looser("interrupt", theirs.to_string(), stop.to_string()));
    }

    let Gate::Pending { question, .. } = world.gate_as(&mut call, "last") else { panic!("it is too many") };
    let asked = world.ask(&call, &question).record.approval.id;
    let outcome = if goes_on(&case.request["resume"]) { Outcome::Allow } else { Outcome::Deny };
    world.reply(&once(&asked, outcome)).unwrap();
    let Gate::Answered { decision, .. } = world.gate_as(&mut call, "last") else { panic!("it was answered") };
    let ours = decision.effect() == Effect::Allow;
    let after = case.expect["after_model_returned"]["jump_to"] != "end";
    if ours != after {
        let side = if after { Difference::stricter } else { Difference::looser };
        differences.push(side("goes on", after.to_string(), ours.to_string()));
    }
    differences
}

/// The payload with signatures numbered: any text will do that is the same for the same call.
fn named(stop: &Value) -> Value {
    let mut stop = stop.clone();
    let signatures = crate::case::texts(&stop["context"]["recent_signatures"]);
    let number = |one: &String| signatures.iter().position(|other| other == one);
    stop["context"]["recent_signatures"] = json!(signatures.iter().map(number).collect::<Vec<_>>());
    stop
}
