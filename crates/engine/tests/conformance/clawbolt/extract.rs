//! What the shipped tools act on and say of a call, and what the migrations make of older files.

use countersign_formats::Text;
use countersign_formats::clawbolt::extract::Tool;
use countersign_formats::clawbolt::migrate::{disabled_tools, rename_levels};

use super::of_texts;
use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "clawbolt",
        name: "extract",
        compares: "resource and description of a call; the file after migration 014; the names that migration 034 finds",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    match &*case.case {
        "extract" => call(case),
        "migration-014" => renamed(case),
        "migration-034-parse" => names(case),
        other => vec![Difference::looser("kind", other, "not known")],
    }
}

fn call(case: &Case) -> Vec<Difference> {
    let Some(tool) = Tool::named(case.text("tool")) else {
        // Of other tools nothing but their name is judged.
        let is_said = |what: &&'static str| case.expect[*what].is_string();
        let said = ["resource", "description"].into_iter().filter(is_said);
        return said.map(|what| Difference::looser(what, case.expect[what].to_string(), "none")).collect();
    };
    let args = &case.request["args"];
    let theirs: Vec<String> = case.expect["resource"].as_str().map(str::to_owned).into_iter().collect();
    let shown = format!("{theirs:?}");
    let resource = match tool.resources(args) {
        Ok(ours) if ours == theirs => None,
        Ok(ours) if !theirs.is_empty() && ours.starts_with(&theirs) => {
            Some(Difference::stricter("resource", shown, format!("{ours:?}")))
        }
        Ok(ours) => Some(Difference::looser("resource", shown, format!("{ours:?}"))),
        Err(why) => Some(Difference::stricter("resource", shown, why)),
    };
    let description = case.expect["description"].as_str().unwrap_or("none");
    resource.into_iter().chain(of_texts("description", description, &tool.description(args))).collect()
}

fn renamed(case: &Case) -> Vec<Difference> {
    let before = case.policy.as_str().unwrap_or_default();
    let after = rename_levels(&Text::new("PERMISSIONS.json", before), case.text("old"), case.text("new"));
    let changed = of_texts("changed", &case.expect["changed"].to_string(), &after.is_some().to_string());
    let theirs = case.expect["after"].as_str().unwrap_or("none");
    changed.into_iter().chain(of_texts("after", theirs, after.as_deref().unwrap_or(before))).collect()
}

fn names(case: &Case) -> Vec<Difference> {
    let theirs = format!("{:?}", texts(&case.expect["names"]));
    match disabled_tools(case.request["disabled_sub_tools"].as_str()) {
        Ok(ours) => of_texts("names", &theirs, &format!("{ours:?}")).into_iter().collect(),
        Err(problem) => vec![Difference::stricter("names", theirs, problem.to_string())],
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "every entity of a query counts",
        inputs: "a query with more than one `FROM`",
        answer: "each entity is a resource, and each must be allowed",
        why: "they judge the first alone, and an agent writes the query",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "resource" && case.text("tool") == "qb_query",
    },
    Rule {
        name: "an argument that is no text is a fault",
        inputs: "a list, an object or a truth value where the resource should be",
        answer: "the call asks, whatever the rules say",
        why: "its text would be one that no rule was written for",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "resource" && case.text("tool") != "qb_query",
    },
    Rule {
        name: "tools that were off stay off or are an error",
        inputs: "a `disabled_sub_tools` column that is no JSON list",
        answer: "an error with its place",
        why: "they go on without it, and every tool that was off is on",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "names",
    },
];
