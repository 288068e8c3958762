//! Calls that clawbolt's own tests made, of functions that have a kind of their own.

use super::{reply, resolve, text};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "owntests",
        compares: "as `resolve`, `reply` and `text`",
        replay,
        rules: resolve::RULES.to_vec(),
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    match case.case.split(' ').next().unwrap_or_default() {
        "_parse_approval_response" => reply::replay(folder, case),
        "format_approval_message" | "format_plan_message" => text::replay(folder, case),
        "resolve_permission" => resolve::replay(folder, case),
        other => vec![Difference::looser("function", other, "not known")],
    }
}
