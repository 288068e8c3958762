//! What a reply means.

use countersign_formats::surfsense::{Reply, reply};
use serde_json::{Map, Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "surfsense",
        name: "decision",
        compares: "what a reply decides, the arguments that it edits, and its feedback",
        replay,
        rules: Vec::new(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let mut ours = Map::new();
    let word = match reply(&case.request["resume"]) {
        Reply::Once { edited } => {
            if !edited.is_empty() {
                ours.insert("edited_args".to_owned(), edited.into());
            }
            "once"
        }
        Reply::Always => "approve_always",
        Reply::Reject { feedback } => {
            ours.extend(feedback.map(|feedback| ("feedback".to_owned(), json!(feedback))));
            "reject"
        }
    };
    ours.insert("decision_type".to_owned(), json!(word));
    let ours = Value::Object(ours);
    if ours == case.expect {
        return Vec::new();
    }
    vec![Difference::looser("reply", case.expect.to_string(), ours.to_string())]
}
