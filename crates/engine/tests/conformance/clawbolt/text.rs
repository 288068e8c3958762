//! Prompts, letter by letter.

use countersign_formats::clawbolt::prompt;

use super::of_texts;
use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind};

pub(crate) fn kind() -> Kind {
    Kind { system: "clawbolt", name: "text", compares: "the text", replay, rules: Vec::new() }
}

pub(super) fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let ours = if case.request["ask"].is_array() {
        let (runs, asks) = (texts(&case.request["auto"]), texts(&case.request["ask"]));
        let [runs, asks] = [&runs, &asks].map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        prompt::plan(&runs, &asks)
    } else {
        let blanket = case.request["offer_blanket"].as_bool().unwrap_or_default();
        prompt::approval(case.text("description"), blanket, case.request["resource_noun"].as_str())
    };
    of_texts("text", case.expect["text"].as_str().unwrap_or("no text"), &ours).into_iter().collect()
}
