//! `PERMISSIONS.json` as clawbolt completes it before each turn: every tool has a level.

use countersign_formats::Text;
use countersign_formats::json::{self, Grammar, Node};
use serde_json::Value;

use crate::case::Case;
use crate::world::quoted;

/// The case's file, with the level of each tool of which it says none. One whose shape is not known is left as it is.
pub(super) fn completed(case: &Case, levels: &[(String, String)]) -> String {
    // As the line has it: in the order of its members, of which the first that matches counts.
    let line = Text::new("case", &case.line);
    let root = json::parse(&line, Grammar::Json).unwrap();
    let file = match &case.policy {
        Value::Null => "{}",
        _ => &case.line[root.member("policy").unwrap().span.clone()],
    };
    let text = Text::new("PERMISSIONS.json", file);
    let root = json::parse(&text, Grammar::Json).unwrap();
    let Some(members) = root.object() else { return file.to_owned() };
    let tools = members.iter().find(|member| member.name == "tools");
    let is_missing = |tool: &str| tools.is_none_or(|tools| tools.node.member(tool).is_none());
    let missing = levels.iter().filter(|(tool, _)| is_missing(tool));
    let missing: Vec<String> = missing.map(|(tool, level)| format!("{}: {}", quoted(tool), quoted(level))).collect();
    match tools {
        _ if missing.is_empty() => file.to_owned(),
        Some(tools) if tools.node.object().is_none() => file.to_owned(),
        Some(tools) => within(file, &tools.node, &missing.join(", ")),
        None => within(file, &root, &format!("\"tools\": {{ {} }}", missing.join(", "))),
    }
}

/// The file with these members in front of those of that object.
fn within(file: &str, object: &Node, members: &str) -> String {
    let at = object.span.start + 1;
    let comma = if object.object().is_some_and(<[_]>::is_empty) { "" } else { ", " };
    format!("{}{members}{comma}{}", &file[..at], &file[at..])
}
