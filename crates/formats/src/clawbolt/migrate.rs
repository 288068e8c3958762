//! What clawbolt's migrations do to files of its older versions.

use std::collections::BTreeSet;

use countersign_policy::document::Problem;

use super::document::Document;
use super::{is_space, layout};
use crate::Text;
use crate::json::{self, Grammar, Json, Member, Node};

/// The most tools that can be off.
const MOST_NAMES: usize = 10_000;

/// Migration 014: every level `old` becomes `new` (`auto`, `always`), and back. `None` where nothing changes; a text that
/// is no such file does not.
pub fn rename_levels(text: &Text<'_>, old: &str, new: &str) -> Option<String> {
    let mut root = json::parse(text, Grammar::Json).ok()?;
    let mut changed = false;
    for member in members(&mut root) {
        match &*member.name {
            "tools" => changed |= rename(&mut member.node, old, new),
            "resources" => {
                for of_tool in members(&mut member.node) {
                    changed |= rename(&mut of_tool.node, old, new);
                }
            }
            _ => {}
        }
    }
    changed.then(|| layout::indented(&root) + "\n")
}

/// Migration 034, its first half: the names in a `disabled_sub_tools` column, a JSON list. What is no name is left out.
///
/// # Errors
/// The column is no JSON list. clawbolt then goes on without, and what was off is on.
pub fn disabled_tools(column: Option<&str>) -> Result<Vec<String>, Problem> {
    let column = column.unwrap_or_default();
    if column.chars().all(is_space) {
        return Ok(Vec::new());
    }
    let text = Text::new("disabled_sub_tools", column);
    let root = json::parse(&text, Grammar::Json)?;
    let Some(items) = root.list() else {
        let message = format!("the tools that are off are {}, and must be a list of names", root.kind());
        return Err(text.problem(&root.span, message, Some("write `[\"qb_send\"]`; for none `[]`")));
    };
    if items.len() > MOST_NAMES {
        let message = format!("{} tools are off, and at most {MOST_NAMES} are read", items.len());
        return Err(text.problem(&(0..0), message, None));
    }
    Ok(items.iter().filter_map(Node::text).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Migration 034, its second half: the file with these tools at `never`, in one line. `None`: there is no file yet.
///
/// # Errors
/// The file cannot be read, or `tools` or `resources` is no object. clawbolt then starts over with an empty one, and every
/// other `never` is lost.
pub fn with_never(text: Option<&Text<'_>>, tools: &[String]) -> Result<String, Vec<Problem>> {
    let empty = Text::new("PERMISSIONS.json", "{\"version\":1,\"tools\":{},\"resources\":{}}");
    let text = text.unwrap_or(&empty);
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    let shapes: Vec<Problem> = document.shapes().collect();
    let mut root = json::parse(text, Grammar::Json).map_err(|problem| vec![problem])?;
    if !shapes.is_empty() {
        return Err(shapes);
    }
    let Json::Object(parts) = &mut root.value else { return Ok(layout::one_line(&root)) };
    for name in ["tools", "resources"] {
        if !parts.iter().any(|part| part.name == name) {
            parts.push(member(name, Json::Object(Vec::new())));
        }
    }
    for part in parts.iter_mut().filter(|part| part.name == "tools") {
        let Json::Object(levels) = &mut part.node.value else { continue };
        for tool in tools.iter().collect::<BTreeSet<_>>() {
            let never = member(tool, Json::Text("never".to_owned()));
            match levels.iter_mut().find(|level| level.name == *tool) {
                Some(level) => *level = never,
                None => levels.push(never),
            }
        }
    }
    Ok(layout::one_line(&root))
}

fn rename(levels: &mut Node, old: &str, new: &str) -> bool {
    let mut changed = false;
    for level in members(levels).iter_mut().filter(|level| level.node.text() == Some(old)) {
        level.node.value = Json::Text(new.to_owned());
        changed = true;
    }
    changed
}

fn members(node: &mut Node) -> &mut [Member] {
    match &mut node.value {
        Json::Object(members) => members,
        _ => &mut [],
    }
}

fn member(name: &str, value: Json) -> Member {
    Member { name: name.to_owned(), span: 0..0, node: Node { span: 0..0, value }, repeated: false }
}

#[cfg(test)]
mod tests {
    use super::{disabled_tools, rename_levels, with_never};
    use crate::Text;

    #[test]
    fn levels_are_renamed_where_levels_stand() {
        let text = r#"{"extra":"auto","tools":{"auto":"ask","b":"auto"},"resources":{"a":{"auto":"auto"},"c":"auto"}}"#;
        let text = Text::new("PERMISSIONS.json", text);
        insta::assert_snapshot!(rename_levels(&text, "auto", "always").unwrap());
        for other in ["{bad", "[]", r#"{"tools":"auto"}"#, r#"{"tools":{"a":["auto"]}}"#] {
            assert_eq!(rename_levels(&Text::new("PERMISSIONS.json", other), "auto", "always"), None);
        }
    }

    #[test]
    fn what_was_off_stays_off_or_is_an_error() {
        let names = disabled_tools(Some(r#"["b", "", 1, "a"]"#)).unwrap();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(disabled_tools(Some(" \t")), Ok(vec![]));
        assert!(disabled_tools(Some("{bad")).is_err() && disabled_tools(Some("{}")).is_err());
        let made = with_never(None, &names).unwrap();
        assert_eq!(made, r#"{"version": 1, "tools": {"a": "never", "b": "never"}, "resources": {}}"#);
        let text = Text::new("PERMISSIONS.json", r#"{"tools":{"b":"ask","x":"never"}}"#);
        let made = with_never(Some(&text), &names).unwrap();
        assert_eq!(made, r#"{"tools": {"b": "never", "x": "never", "a": "never"}, "resources": {}}"#);
        for broken in ["{bad", r#"{"tools":null}"#, r#"{"resources":[]}"#] {
            assert!(with_never(Some(&Text::new("PERMISSIONS.json", broken)), &names).is_err(), "{broken}");
        }
    }
}
