//! A reply in words is one of the table's, or none.

use countersign_formats::clawbolt::reply::Reply;

use super::of_texts;
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "reply",
        compares: "the decision; where they go on to ask a language model, that it is none",
        replay,
        rules: Vec::new(),
    }
}

pub(super) fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let theirs = case.expect["decision"].as_str().unwrap_or("none");
    let ours = Reply::of(case.text("text")).map_or("none", Reply::word);
    of_texts("decision", theirs, ours).into_iter().collect()
}
