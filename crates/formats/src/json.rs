//! JSON with the place of everything in it.

use std::ops::Range;

use countersign_policy::document::Problem;
use countersign_policy::json::MAX_DEPTH;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};

use crate::Text;

/// The largest file in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What a JSON text may have beyond the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// Nothing.
    Json,
    /// Comments and commas behind the last item.
    Jsonc,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes of the text.
    pub span: Range<usize>,
    /// The value.
    pub value: Json,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object: its members in the order in which readers keep them. Of a name that stands twice the last value
    /// counts, at the place of the first, as JavaScript, Python and `serde_json` have it.
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Range<usize>,
    /// Its value.
    pub node: Node,
    /// Whether the name stood there before, with another value.
    pub repeated: bool,
}

impl Node {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Json::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn object(&self) -> Option<&[Member]> {
        match &self.value {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of that name, if it is an object that has one.
    pub fn member(&self, name: &str) -> Option<&Node> {
        self.object()?.iter().find(|member| member.name == name).map(|member| &member.node)
    }

    /// What it is, with an article, for a message: `a text`, `an object`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Json::Null => "null",
            Json::Bool(_) => "a truth value",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// The same without places.
    pub fn plain(&self) -> serde_json::Value {
        match &self.value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(truth) => (*truth).into(),
            Json::Number(number) => serde_json::from_str(number).unwrap_or(serde_json::Value::Null),
            Json::Text(text) => text.clone().into(),
            Json::List(items) => items.iter().map(Node::plain).collect(),
            Json::Object(members) => members
                .iter()
                .map(|member| (member.name.clone(), member.node.plain()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Reads one JSON value.
///
/// # Errors
/// The first mistake in it, with its place; a text that is too large or nested too deeply.
pub fn parse(text: &Text<'_>, grammar: Grammar) -> Result<Node, Problem> {
    let source = text.text;
    if source.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, and at most {MAX_BYTES} are read", source.len());
        return Err(text.problem(&(0..0), message, None));
    }
    if let Some(problem) = text.marked() {
        return Err(problem);
    }
    if let Some(at) = too_deep(source) {
        return Err(text.problem(&(at..at + 1), format!("the nesting is deeper than {MAX_DEPTH}"), None));
    }
    let more = grammar == Grammar::Jsonc;
    let options = ParseOptions {
        allow_comments: more,
        allow_trailing_commas: more,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = jsonc_parser::parse_to_ast(source, &CollectOptions::default(), &options).map_err(|error| {
        let range = error.range();
        let message =
            format!("this is no {}: {}", if more { "JSON with comments" } else { "JSON" }, lower(error.kind()));
        text.problem(&(range.start..range.end), message, None)
    })?;
    match parsed.value {
        Some(value) => Ok(node(value)),
        None => Err(text.problem(&(0..0), "the file is empty", Some("an empty object is `{}`"))),
    }
}

fn lower(kind: &impl std::fmt::Display) -> String {
    let text = kind.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn node(value: Value<'_>) -> Node {
    let range = value.range();
    let value = match value {
        Value::NullKeyword(_) => Json::Null,
        Value::BooleanLit(literal) => Json::Bool(literal.value),
        Value::NumberLit(literal) => Json::Number(literal.value.to_owned()),
        Value::StringLit(literal) => Json::Text(literal.value.into_owned()),
        Value::Array(array) => Json::List(array.elements.into_iter().map(node).collect()),
        Value::Object(object) => {
            let mut members: Vec<Member> = Vec::with_capacity(object.properties.len());
            let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
            for property in object.properties {
                let range = property.name.range();
                let name = property.name.into_string();
                let member = Member {
                    span: range.start..range.end,
                    node: node(property.value),
                    repeated: places.contains_key(&name),
                    name,
                };
                match places.get(&member.name).and_then(|at| members.get_mut(*at)) {
                    Some(before) => *before = member,
                    None => {
                        places.insert(member.name.clone(), members.len());
                        members.push(member);
                    }
                }
            }
            Json::Object(members)
        }
    };
    Node { span: range.start..range.end, value }
}

/// The bracket that is one too many inside each other. What stands in texts does not count; in comments it does.
fn too_deep(source: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Grammar, parse};
    use crate::Text;

    #[test]
    fn order_stays_and_the_last_of_a_name_counts_at_the_place_of_the_first() {
        let text = Text::new("x.json", r#"{"b": 1, "a": [true, null], "b": "ü"}"#);
        let node = parse(&text, Grammar::Json).unwrap();
        let members = node.object().unwrap();
        assert_eq!(members.iter().map(|member| &*member.name).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(members[0].node.text(), Some("ü"));
        assert!(members[0].repeated && !members[1].repeated);
        assert_eq!(text.text.get(members[0].node.span.clone()), Some("\"ü\""));
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        for (text, grammar) in [
            ("{a: 1}", Grammar::Jsonc),
            ("{\"a\": 1,}", Grammar::Json),
            ("// x\n{}", Grammar::Json),
            ("", Grammar::Json),
            ("{} {}", Grammar::Json),
            ("[1 2]", Grammar::Jsonc),
            ("{'a': 1}", Grammar::Jsonc),
        ] {
            assert!(parse(&Text::new("x.json", text), grammar).is_err(), "{text}");
        }
        assert!(parse(&Text::new("x.json", "// x\n{\"a\": [1,],}"), Grammar::Jsonc).is_ok());
        let problem = parse(&Text::new("x.json", "{\n  \"a\": tru\n}"), Grammar::Json).unwrap_err();
        assert_eq!((problem.line, problem.column), (2, 8));
    }

    /// Editors on Windows write such a mark, and Node's `JSON.parse` refuses it.
    #[test]
    fn a_byte_order_mark_is_named() {
        let problem = parse(&Text::new("x.json", "\u{feff}{}"), Grammar::Jsonc).unwrap_err();
        assert!(problem.message.contains("byte order mark") && problem.help.is_some(), "{problem:?}");
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_read() {
        let deep = "[".repeat(100_000);
        for before in ["", "// \"\n", "/* \" */", "\"\\\"\",", "// \\\"\n", "[\"a\", "] {
            let text = format!("{before}{deep}");
            assert!(parse(&Text::new("x.json", &text), Grammar::Jsonc).is_err(), "{before}");
        }
        assert!(parse(&Text::new("x.json", &deep), Grammar::Jsonc).unwrap_err().message.contains("deeper"));
    }
}
