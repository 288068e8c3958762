//! The fingerprint of a catalog of tools.

use crate::json::{Json, Member, Node};

/// The fingerprint of what an MCP server says of its tools: how many, how long, and a hash. `None` counts as no tools.
pub fn fingerprint(tools: Option<&Node>) -> String {
    let tools = tools.and_then(Node::list).unwrap_or_default();
    let mut parts: Vec<String> = tools.iter().map(described).collect();
    parts.sort_by(|one, other| one.encode_utf16().cmp(other.encode_utf16()));
    let text = parts.concat();
    let units = || text.encode_utf16();
    let hash = units().fold(5381_u32, |hash, unit| hash.wrapping_mul(33) ^ u32::from(unit));
    format!("{}-{}-{hash:x}", parts.len(), units().count())
}

fn described(tool: &Node) -> String {
    let given = |name: &str, missing: &str| {
        let node = tool.member(name).filter(|node| is_given(node));
        node.map_or_else(|| missing.to_owned(), stringify)
    };
    let name = tool.member("name").map_or_else(String::new, |name| format!("\"n\":{},", stringify(name)));
    format!(
        "{{{name}\"d\":{},\"s\":{},\"o\":{},\"a\":{},\"m\":{},\"t\":{}}}",
        given("description", "\"\""),
        given("inputSchema", "null"),
        given("outputSchema", "null"),
        given("annotations", "null"),
        given("_meta", "null"),
        given("title", "null"),
    )
}

/// Whether JavaScript takes it for something.
fn is_given(node: &Node) -> bool {
    match &node.value {
        Json::Null | Json::Bool(false) => false,
        Json::Text(text) => !text.is_empty(),
        Json::Number(number) => number.parse::<f64>().is_ok_and(|number| number != 0.0),
        _ => true,
    }
}

/// JSON as JavaScript writes it: members in their order, but those that are numbers first.
fn stringify(node: &Node) -> String {
    match &node.value {
        Json::List(items) => format!("[{}]", items.iter().map(stringify).collect::<Vec<_>>().join(",")),
        Json::Object(members) => {
            let mut ordered: Vec<&Member> = members.iter().collect();
            ordered.sort_by_key(|member| index(&member.name).map_or(u64::MAX, u64::from));
            let member = |member: &&Member| format!("{}:{}", quoted(&member.name), stringify(&member.node));
            format!("{{{}}}", ordered.iter().map(member).collect::<Vec<_>>().join(","))
        }
        _ => countersign_policy::canonical(&node.plain()),
    }
}

fn quoted(text: &str) -> String {
    countersign_policy::canonical(&text.into())
}

/// The number that a name is, if JavaScript takes it for the place in a list.
fn index(name: &str) -> Option<u32> {
    name.parse().ok().filter(|number: &u32| *number < u32::MAX && number.to_string() == name)
}
