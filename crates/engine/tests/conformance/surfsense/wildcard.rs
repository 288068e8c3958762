//! Whether a wildcard matches a text.

use countersign_policy::pattern::Dialect;

use crate::case::{Case, Folder};
use crate::opencode::wildcard::compare;
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "surfsense",
        name: "wildcard",
        compares: "whether a wildcard matches a text",
        replay,
        rules: Vec::new(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    compare(Dialect::SurfSense, case)
}
