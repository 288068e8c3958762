//! What somebody is offered of an MCP server.

use countersign_formats::flowfuse::{Access, Membership, Token, accessible};
use serde_json::{Value, json};

use super::{CRASH, same};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "mcpfilter",
        compares: "whether a tool and its server are offered, and how many resources",
        replay,
        rules: vec![Rule { explains: |_, difference| difference.of == "crash", ..CRASH }],
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let context = &case.context;
    let membership = Membership::read(&context["membership"]);
    let token = (!context["pat"].is_null()).then(|| Token::read(&context["pat"]));
    let access = Access {
        membership: &membership,
        application: context["application"].as_str().unwrap_or_default(),
        by_application: context["rbacApplication"] == true,
        token: token.as_ref(),
        team: "T1",
    };
    let tool = &case.request["tool"];
    let mut server = case.request["server"].as_object().cloned().unwrap_or_default();
    if !tool.is_null() {
        server.insert("tools".to_owned(), json!([tool]));
    }
    let found = accessible(&Value::Object(server), &access);
    if case.expect.get("raised").is_some() {
        return vec![Difference::stricter("crash", "throws", format!("{found:?}"))];
    }
    let tool_visible = found.as_ref().is_some_and(|features| !features.tools.is_empty());
    let resources = found.as_ref().map(|features| features.resources.len()).filter(|count| *count > 0);
    [
        visible("tool", &case.expect["tool_visible"], tool_visible),
        visible("server", &case.expect["server_visible"], found.is_some()),
        same("resources", &case.expect["resources"], &json!(resources)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn visible(of: &'static str, theirs: &Value, ours: bool) -> Option<Difference> {
    let side = if ours { Difference::looser } else { Difference::stricter };
    (*theirs != ours).then(|| side(of, theirs.to_string(), ours.to_string()))
}
