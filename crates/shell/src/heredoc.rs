//! Here-documents: whether the shell ends one where the parser does.

use tree_sitter::Node;

use crate::word::{self, Shape};

const FAULT: &str = "a here-document whose end cannot be told for certain";

/// Why a here-document may be something else to the shell; the bodies of unquoted ones are judged apart.
pub(crate) fn fault(line: &str, node: Node<'_>) -> Option<&'static str> {
    let mut cursor = node.walk();
    let (mut start, mut body, mut end, mut tabs) = (None, None, None, false);
    for child in node.children(&mut cursor) {
        match child.kind() {
            "<<-" => tabs = true,
            "heredoc_start" if start.is_none() => start = Some(child),
            "heredoc_body" if body.is_none() => body = Some(child),
            "heredoc_end" if end.is_none() => end = Some(child),
            "heredoc_start" | "heredoc_body" | "heredoc_end" => return Some(FAULT),
            _ => {}
        }
    }
    let (Some(start), Some(end)) = (start, end) else { return Some(FAULT) };
    let Some(delimiter) = delimiter(line, start) else { return Some(FAULT) };
    let strip = |text: &str| if tabs { text.trim_start_matches('\t').to_owned() } else { text.to_owned() };
    // From the first line after the one that holds `<<` to the end, the only line that is the delimiter is the last.
    let first = line.get(start.end_byte()..).and_then(|rest| rest.find('\n'))? + start.end_byte() + 1;
    let text = line.get(first..end.end_byte())?;
    let after = line.get(end.end_byte()..).unwrap_or_default();
    let begins = body.is_none_or(|body| body.start_byte() >= first) && end.start_byte() >= first;
    let mut lines = text.split('\n').map(strip);
    let last = lines.next_back();
    let ends = last.as_deref() == Some(delimiter.as_str()) && !lines.any(|line| line == delimiter);
    if begins && ends && (after.is_empty() || after.starts_with(['\n', ')'])) { None } else { Some(FAULT) }
}

/// Whether the shell expands the body of a here-document.
pub(crate) fn expands(line: &str, node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let start = node.children(&mut cursor).find(|child| child.kind() == "heredoc_start");
    let raw = start.and_then(|start| line.get(start.byte_range())).unwrap_or_default();
    !raw.contains(['\'', '"', '\\'])
}

/// What a command substitution says for certain: `$(cat <<'EOF' ...)` says its text.
pub(crate) fn said(line: &str, node: Node<'_>) -> Option<String> {
    let statement = node.named_child(0).filter(|first| first.kind() == "redirected_statement")?;
    if node.named_child_count() != 1 {
        return None;
    }
    let mut cursor = statement.walk();
    let mut parts = statement.children(&mut cursor);
    let (command, redirect) = (parts.next()?, parts.next()?);
    let plain = line.get(command.byte_range()) == Some("cat") && redirect.kind() == "heredoc_redirect";
    if !plain || parts.next().is_some() || fault(line, redirect).is_some() {
        return None;
    }
    let mut cursor = redirect.walk();
    let (mut body, mut quoted) = (None, false);
    for child in redirect.children(&mut cursor) {
        match child.kind() {
            "<<" | "heredoc_end" => {}
            "heredoc_start" => quoted = !expands(line, redirect),
            "heredoc_body" => body = line.get(child.byte_range()),
            // `<<-` takes tabs away; anything else is more than the text.
            _ => return None,
        }
    }
    let body = body?;
    let literal = quoted || !body.contains(['$', '`', '\\']);
    literal.then(|| body.trim_end_matches('\n').to_owned())
}

/// Whether bash may read two commands as one: in `$(...)`, the first `;` behind a here-document is lost (5.2).
pub(crate) fn loses_semicolon(line: &str, substitution: Node<'_>) -> bool {
    let range = substitution.byte_range();
    if !line.get(range.clone()).is_some_and(|text| text.contains("<<")) {
        return false;
    }
    let mut cursor = substitution.walk();
    let mut end = None;
    while end.is_none() {
        let node = cursor.node();
        if node.kind() == "heredoc_end" {
            end = Some(node.end_byte());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
    end.and_then(|end| line.get(end..range.end)).is_some_and(|rest| rest.contains(';'))
}

fn delimiter(line: &str, start: Node<'_>) -> Option<String> {
    let mut tokens = Vec::new();
    word::read(line, start.byte_range(), &[], &mut tokens).ok()?;
    match tokens.as_slice() {
        [token] if token.shape == Shape::Literal && !token.text.is_empty() => Some(token.text.clone()),
        _ => None,
    }
}
