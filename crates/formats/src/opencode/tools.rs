//! Which tools OpenCode does not offer to its model.

use countersign_policy::Effect;
use countersign_policy::pattern::{Dialect, Wildcard};

use super::{Entry, Platform};

/// The permission that a tool asks for.
pub fn key_of_tool(tool: &str) -> &str {
    match tool {
        "edit" | "write" | "apply_patch" => "edit",
        "list_mcp_resources" | "list_mcp_resource_templates" | "read_mcp_resource" => "read",
        other => other,
    }
}

/// Of these tools those that are not offered: the last rule about their permission denies exactly `*`.
pub fn disabled<'t>(tools: &[&'t str], entries: &[Entry], on: Platform) -> Vec<&'t str> {
    let dialect = Dialect::OpenCode { windows: on == Platform::Windows };
    let is_disabled = |tool: &str| {
        let of = |entry: &&Entry| Wildcard::compile(dialect, &entry.permission).matches(key_of_tool(tool));
        let last = entries.iter().rev().find(of);
        last.is_some_and(|entry| entry.pattern == "*" && entry.effect == Effect::Deny)
    };
    let mut disabled: Vec<&str> = tools.iter().copied().filter(|tool| is_disabled(tool)).collect();
    disabled.sort_unstable();
    disabled
}
