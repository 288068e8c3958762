//! What stands in the braces of f-strings.

use countersign_policy::document::quoted;

use super::tree::{Expr, ExprKind, Part, Result, Span, Stop};

/// What an f-string is made of: only names stand in its braces.
pub(super) fn parts(text: &str, span: &Span) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match (c, after.strip_prefix(c)) {
            ('{' | '}', Some(after)) => {
                plain.push(c);
                after
            }
            ('{', None) => {
                let Some((inside, after)) = after.split_once('}') else {
                    return Err(Stop::new(span, "a `{` of this text is not closed: write `{{` for the character"));
                };
                let (name, shown) = match inside.split_once('!') {
                    Some((name, "r")) => (name, true),
                    Some((name, "s")) => (name, false),
                    Some(_) => return Err(Stop::new(span, format!("{} is no name with `!r` or `!s`", quoted(inside)))),
                    None => (inside, false),
                };
                let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if !is_name {
                    let stop = Stop::new(
                        span,
                        format!("{} is no name, and only names stand in the braces of a text", quoted(name)),
                    );
                    return Err(stop.with_help("give the value a name first, or join texts with `+`"));
                }
                parts.push(Part::Text(std::mem::take(&mut plain)));
                let name = Expr { span: span.clone(), height: 1, kind: ExprKind::Name(name.into()) };
                parts.push(Part::Name(name, shown));
                after
            }
            ('}', None) => {
                return Err(Stop::new(span, "a `}` of this text was not opened: write `}}` for the character"));
            }
            _ => {
                plain.push(c);
                after
            }
        };
    }
    parts.push(Part::Text(plain));
    Ok(parts)
}
