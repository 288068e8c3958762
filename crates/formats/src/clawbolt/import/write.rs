//! Rules as the text of a policy file.

use super::super::Level;
use super::Native;

/// The text of a policy file with these rules, and for each tool the argument that holds its resource.
pub(super) fn policy(from: &str, rules: &[Native], pointers: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for level in [Level::Always, Level::Ask, Level::Never] {
        let lines: Vec<String> = rules.iter().filter(|rule| rule.level == level).map(line).collect();
        if !lines.is_empty() {
            out.push_str(&format!("{} = [\n{}]\n", level.effect(), lines.concat()));
        }
    }
    for (tool, argument) in pointers {
        out.push_str(&format!(
            "\n[tools.{}]\nresource = {}\n",
            text(&format!("tool:{tool}")),
            text(&format!("/{argument}"))
        ));
    }
    if out.is_empty() { out } else { format!("# from {}\n{out}", from.escape_debug()) }
}

fn line(rule: &Native) -> String {
    let Native { tool, pattern, unless, .. } = rule;
    let written = match pattern {
        Some(pattern) => text(&format!("tool:{tool}({pattern})")),
        None => text(&format!("tool:{tool}")),
    };
    if unless.is_empty() {
        return format!("  {written},\n");
    }
    let unless: Vec<String> = unless.iter().map(|pattern| text(pattern)).collect();
    format!("  {{ rule = {written}, unless = [{}] }},\n", unless.join(", "))
}

/// A text of TOML: in single quotes where it has a backslash, so that it reads as it would in a file written by hand.
fn text(text: &str) -> String {
    if text.contains('\\') && !text.contains('\'') {
        return format!("'{text}'");
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
