//! Whether a wildcard matches a text.

use countersign_policy::pattern::{Dialect, Wildcard};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "opencode",
        name: "wildcard",
        compares: "whether a wildcard matches a text",
        replay,
        rules: Vec::new(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    compare(Dialect::OpenCode { windows: case.context["platform"] == "win32" }, case)
}

/// The same of any dialect.
pub(crate) fn compare(dialect: Dialect, case: &Case) -> Vec<Difference> {
    let pattern = case.policy["pattern"].as_str().unwrap_or_default();
    let ours = Wildcard::compile(dialect, pattern).matches(case.text("value"));
    let theirs = case.expect["match"] == true;
    if ours == theirs {
        return Vec::new();
    }
    // A rule may deny what it matches, and allow it.
    vec![Difference::looser("match", theirs.to_string(), ours.to_string())]
}
