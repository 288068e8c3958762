//! JSON text as clawbolt lays it out: as Python's `json.dumps` does, in ASCII alone.

use std::fmt::Write as _;

use crate::json::{Json, Node};

/// A value in lines indented by two spaces, as clawbolt stores its file.
pub fn indented(node: &Node) -> String {
    let mut out = String::new();
    push(&mut out, node, Some(0));
    out
}

/// A value in one line, with a space behind `,` and `:`.
pub fn one_line(node: &Node) -> String {
    let mut out = String::new();
    push(&mut out, node, None);
    out
}

/// Appends a value which stands so deep; `None`: all in one line. What nests deeper than is read does not get here.
fn push(out: &mut String, node: &Node, depth: Option<usize>) {
    match &node.value {
        Json::Null => out.push_str("null"),
        Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&self::number(number)),
        Json::Text(text) => push_text(out, text),
        Json::List(items) => {
            push_items(out, ['[', ']'], items, depth, push);
        }
        Json::Object(members) => push_items(out, ['{', '}'], members, depth, |out, member, depth| {
            push_text(out, &member.name);
            out.push_str(": ");
            push(out, &member.node, depth);
        }),
    }
}

fn push_items<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    depth: Option<usize>,
    mut item: impl FnMut(&mut String, &T, Option<usize>),
) {
    out.push(open);
    let inside = depth.map(|depth| depth + 1);
    for (at, one) in items.iter().enumerate() {
        match (at, inside) {
            (0, None) => {}
            (_, None) => out.push_str(", "),
            (_, Some(inside)) => {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                out.push_str(&"  ".repeat(inside));
            }
        }
        item(out, one, inside);
    }
    if let (Some(depth), false) = (depth, items.is_empty()) {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='\u{7f}' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// A number as Python writes it after reading it: whole numbers as they are, others as the shortest that reads back.
fn number(written: &str) -> String {
    if !written.contains(['.', 'e', 'E']) {
        return if written == "-0" { "0".to_owned() } else { written.to_owned() };
    }
    match written.parse::<f64>() {
        Ok(value) => super::describe::python_float(value),
        Err(_) => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{indented, one_line};
    use crate::Text;
    use crate::json::{Grammar, parse};

    #[test]
    fn as_python_lays_it_out() {
        let text = r#"{"a":{},"b":[],"ü":["😀\n\u0001/\u007f",1,-0,1.0,1e5,1E400,1e16,0.00001,1.5e-7,true,null]}"#;
        let node = parse(&Text::new("x.json", text), Grammar::Json).unwrap();
        assert_eq!(
            one_line(&node),
            "{\"a\": {}, \"b\": [], \"\\u00fc\": [\"\\ud83d\\ude00\\n\\u0001/\u{7f}\", 1, 0, 1.0, 100000.0, Infinity, \
             1e+16, 1e-05, 1.5e-07, true, null]}"
        );
        let node = parse(&Text::new("x.json", r#"{"a":{},"b":[1,{"c":2}]}"#), Grammar::Json).unwrap();
        assert_eq!(indented(&node), "{\n  \"a\": {},\n  \"b\": [\n    1,\n    {\n      \"c\": 2\n    }\n  ]\n}");
    }
}
