//! Single facts: the role gate, cards, what the agent is told, curated tools, the catalog's fingerprint.

use std::collections::BTreeMap;

use countersign_formats::flowfuse::{
    Card, Chat, Entry, Membership, chat_context, class_label, curate, fingerprint, resume,
};
use countersign_formats::{Text, json};
use countersign_policy::Class;
use serde_json::{Value, json};

use super::{CONTRADICTION, CRASH, catalog, same, state, team, version};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "facts",
        compares: "who may use tools that write; a card's status, buttons and label after a press; what a chat request says of permissions and what goes on after the answers; the catalog's entry for a tool of the platform; the catalog's fingerprint",
        replay,
        rules: vec![
            Rule { explains: |_, difference| difference.of == "class", ..CONTRADICTION },
            Rule { explains: |_, difference| difference.of == "crash", ..CRASH },
            Rule {
                name: "both roles count",
                inputs: "a team's member who is less than that in the application",
                answer: "no tools that write",
                why: "theirs looks at the team's role alone",
                side: Side::Stricter,
                explains: |case, difference| difference.of == "role" && case.request.get("application").is_some(),
            },
            Rule {
                name: "answers are sent over HTTP too",
                inputs: "the answers to a turn's cards, over HTTP",
                answer: "they are in the request",
                why: "theirs leaves them out, so that nothing is ever approved or denied",
                side: Side::Stricter,
                explains: |case, difference| difference.of == "answers" && case.case.contains("http"),
            },
        ],
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let expect = &case.expect;
    if ["raised", "error"].iter().any(|key| expect.get(key).is_some()) {
        return vec![Difference::stricter("crash", "throws", "read-only")];
    }
    match &*case.case {
        "card" => card(case),
        "card-class-label" => label(case),
        "curatePlatformTool" => curated(case),
        "computeCatalogHash" => {
            let line = json::parse(&Text::new("case", &case.line), json::Grammar::Json).unwrap();
            let tools = line.member("request").and_then(|request| request.member("tools"));
            same("hash", &expect["hash"], &json!(fingerprint(tools))).into_iter().collect()
        }
        _ if expect.get("value").is_some() => role(case),
        name if name.contains("resume") => answers(case),
        name if name.contains("context") => context(folder, case),
        name => vec![Difference::looser("case", "known", name)],
    }
}

fn role(case: &Case) -> Vec<Difference> {
    let ours = Membership::read(&case.request["membership"]).may_write(case.request["application"].as_str());
    let side = if ours { Difference::looser } else { Difference::stricter };
    let theirs = &case.expect["value"];
    (*theirs != ours).then(|| side("role", theirs.to_string(), ours.to_string())).into_iter().collect()
}

fn card(case: &Case) -> Vec<Difference> {
    let mut card = Card::new(case.text("status"), case.request["disabled"] == true);
    let press = case.request["press"].as_str();
    let emitted: Vec<&str> = press.into_iter().filter(|press| card.press(press)).collect();
    let ours = json!({
        "effectiveStatus": card.status(), "outcomeLabel": card.outcome(), "buttons": card.buttons(),
        "emitted": emitted, "collapsed": !card.is_open(),
    });
    same("card", &case.expect, &ours).into_iter().collect()
}

fn label(case: &Case) -> Vec<Difference> {
    let class = case.text("toolClass");
    let name = case.request["name"].as_str().unwrap_or("this tool");
    let params = case.request["params"].as_object().is_some_and(|params| !params.is_empty());
    let ours = json!({
        "label": class_label(class), "tag_shown": !class.is_empty(), "name": name, "payload_shown": params,
    });
    // Without a tag there is no label to be seen.
    let keys = ["label", "tag_shown", "name", "payload_shown"].into_iter();
    keys.filter(|key| *key != "label" || !class.is_empty())
        .filter_map(|key| same("label", &case.expect[key], &ours[key]))
        .collect()
}

fn curated(case: &Case) -> Vec<Difference> {
    let Entry { key, name, class, group, .. } = curate(&case.request["def"]);
    let theirs = &case.expect;
    let mut differences: Vec<Difference> = [("key", json!(key)), ("name", json!(name)), ("group", json!(group))]
        .into_iter()
        .filter_map(|(of, ours)| same(of, &theirs[of], &ours))
        .collect();
    let read = theirs["toolClass"].as_str().and_then(Class::named);
    if read != Some(class) {
        let side = if Some(class) > read { Difference::stricter } else { Difference::looser };
        differences.push(side("class", theirs["toolClass"].to_string(), class.word()));
    }
    differences
}

fn context(folder: &Folder, case: &Case) -> Vec<Difference> {
    let said = |key: &str| found(&case.request, key).or_else(|| found(&case.context, key));
    let shared = json!("BASECAT");
    let chat = Chat {
        team: team(case),
        version: version(case),
        has_route: said("route").is_none_or(|route| !route.is_null() && route != false),
        immersive: said("immersive").is_some_and(|truth| truth == true),
        may_write: Membership::read(said("membership").unwrap_or(&Value::Null)).may_write(None),
        plan_mode: said("planMode").is_some_and(|truth| truth == true),
    };
    let ours = chat_context(&state(&case.policy), &catalog(folder, said("catalog").unwrap_or(&shared)), &chat);
    let keys = ["supportsQuestions", "supportsPlanMode", "supportsHITL", "canUseWriteTools", "toolPermissions"];
    let theirs = |key: &str| found(&case.expect, key).unwrap_or(&Value::Null);
    keys.iter().filter_map(|key| same("context", theirs(key), &ours[*key])).collect()
}

fn answers(case: &Case) -> Vec<Difference> {
    let given = found(&case.request, "toolApprovals").and_then(Value::as_object);
    let answers: BTreeMap<String, bool> =
        given.into_iter().flatten().map(|(id, answer)| (id.clone(), answer == "approved")).collect();
    let ours = resume(json!({}), &answers);
    let theirs = |key: &str| found(&case.expect, key).unwrap_or(&Value::Null);
    let mut differences: Vec<Difference> = same("query", theirs("query"), &ours["query"]).into_iter().collect();
    if *theirs("toolApprovals") != ours["toolApprovals"] {
        let (theirs, ours) = (theirs("toolApprovals").to_string(), ours["toolApprovals"].to_string());
        differences.push(Difference::stricter("answers", theirs, ours));
    }
    differences
}

/// The first member of that name, however deep.
fn found<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| members.values().find_map(|value| found(value, name)))
}
