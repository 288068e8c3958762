//! Whether a version has a tool.

use countersign_formats::flowfuse::Status;
use serde_json::{Value, json};

use super::{BROKEN_BOUND, UNKNOWN_VERSION, catalog, has_broken_bound, is_known, version};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "availability",
        compares: "whether a version has a tool, a newer one no longer has it, and which version is needed",
        replay,
        rules: vec![
            Rule { explains: |case, _| !is_known(version(case)), ..UNKNOWN_VERSION },
            Rule { explains: |case, _| has_broken_bound(&case.request["entry"]), ..BROKEN_BOUND },
        ],
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let catalog = catalog(folder, &json!([case.request["entry"]]));
    let ours = catalog.entries()[0].availability(version(case));
    difference(&case.expect, &ours).into_iter().collect()
}

/// What is different, and on which side: what is available with us and not with them is looser.
pub(super) fn difference(theirs: &Value, ours: &countersign_formats::flowfuse::Availability) -> Option<Difference> {
    let shown = json!({
        "status": ours.status.word(), "deprecated": ours.deprecated, "requiredVersion": ours.required,
    });
    // The version that is needed says something only of a tool that is not to be had.
    let is_same = |key: &str| theirs[key] == shown[key];
    let both = ours.status == Status::Available && is_same("status");
    if is_same("status") && is_same("deprecated") && (both || is_same("requiredVersion")) {
        return None;
    }
    let looser = ours.status == Status::Available;
    let side = if looser { Difference::looser } else { Difference::stricter };
    Some(side("availability", theirs.to_string(), shown.to_string()))
}
