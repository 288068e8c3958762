//! Which tools the model is not offered.

use countersign_formats::opencode::{Platform, source};
use countersign_policy::{Source, SourceKind, hidden};

use super::evaluate::entries;
use crate::case::{Case, Folder, texts};
use crate::imported::{call, policy};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "opencode",
        name: "disabled",
        compares: "which tools are not offered to the model",
        replay: |_: &Folder, case: &Case| {
            let rules = entries(&case.policy["rules"]);
            compare(case, source(SourceKind::User, "rules", true, &rules, Platform::Posix))
        },
        rules: Vec::new(),
    }
}

/// The same with any source.
pub(crate) fn compare(case: &Case, source: Source) -> Vec<Difference> {
    let policy = policy(vec![source], Vec::new());
    let tools = texts(&case.request["tools"]);
    let mut ours: Vec<&String> = tools.iter().filter(|tool| hidden(&policy, &call(tool, &[])).is_some()).collect();
    ours.sort();
    let theirs = texts(&case.expect["disabled"]);
    if ours == theirs.iter().collect::<Vec<_>>() {
        return Vec::new();
    }
    vec![Difference::looser("tools", theirs.join(", "), format!("{ours:?}"))]
}
