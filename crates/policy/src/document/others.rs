//! What people bring along from other systems, and what it is called here.

/// A rule in the spelling of another system: whose it is, and what to write.
pub(super) fn rule(text: &str) -> Option<(&'static str, String)> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("mcp__") {
        let name = rest.split_once('(').map_or(rest, |(name, _)| name);
        return Some(match name.split_once("__") {
            Some((server, tool)) => ("Claude's", format!("{server}/{tool}")),
            None => ("Claude's", format!("{name}/*")),
        });
    }
    let (tool, argument) = match text.split_once('(') {
        Some((tool, rest)) => (tool, Some(rest.strip_suffix(')').unwrap_or(rest))),
        None => (text, None),
    };
    let (whose, action) = known(tool)?;
    let argument = argument.map(str::trim).filter(|argument| !matches!(*argument, "" | "*" | ":*"));
    let argument = match (action, argument) {
        ("fetch", None) if tool.ends_with("Search") || tool.ends_with("_search") => Some("search:*".to_owned()),
        ("edit" | "read" | "search", None) => Some("**".to_owned()),
        (_, None) => None,
        ("shell", Some(words)) => Some(shell(words)),
        ("fetch", Some(host)) => Some(host.strip_prefix("domain:").unwrap_or(host).to_owned()),
        ("read" | "edit" | "search", Some(path)) => Some(if let Some(absolute) = path.strip_prefix("//") {
            format!("/{absolute}")
        } else if path.starts_with('/') {
            format!(".{path}")
        } else {
            path.to_owned()
        }),
        (_, Some(other)) => Some(other.to_owned()),
    };
    Some((whose, argument.map_or_else(|| action.to_owned(), |argument| format!("{action}({argument})"))))
}

/// Whose tool that is and which action.
fn known(tool: &str) -> Option<(&'static str, &'static str)> {
    Some(match tool {
        "Bash" | "PowerShell" => ("Claude's", "shell"),
        "Read" | "NotebookRead" => ("Claude's", "read"),
        "Edit" | "Write" | "MultiEdit" | "NotebookEdit" => ("Claude's", "edit"),
        "Glob" | "Grep" | "LS" => ("Claude's", "search"),
        "WebFetch" | "WebSearch" => ("Claude's", "fetch"),
        "Task" | "Agent" => ("Claude's", "agent"),
        "Shell" => ("Cursor's", "shell"),
        "bash" => ("OpenCode's", "shell"),
        "webfetch" | "websearch" => ("OpenCode's", "fetch"),
        "write" => ("OpenCode's", "edit"),
        "glob" | "grep" | "list" => ("OpenCode's", "search"),
        "task" => ("OpenCode's", "agent"),
        "run_shell_command" | "ShellTool" => ("Gemini's", "shell"),
        "read_file" | "read_many_files" => ("Gemini's", "read"),
        "write_file" | "replace" => ("Gemini's", "edit"),
        "web_fetch" | "google_web_search" => ("Gemini's", "fetch"),
        _ => return None,
    })
}

/// `git diff:*` (Claude's prefix) is `git diff *` here.
fn shell(words: &str) -> String {
    match words.strip_suffix(":*") {
        Some(prefix) => format!("{prefix} *"),
        None => words.to_owned(),
    }
}

/// A key at the top of a file in the spelling of another system: what is wrong, and what to write.
///
/// `inside` are the keys of its table, if it is one.
pub(super) fn key(name: &str, inside: &[&str]) -> Option<(String, &'static str)> {
    let rules = "write `allow = [...]`, `ask = [...]` and `deny = [...]` at the top of the file";
    let claude = ["allow", "ask", "deny", "defaultMode", "additionalDirectories", "disableBypassPermissionsMode"];
    let (whose, help) = match name {
        "permissions" if inside.iter().any(|key| claude.contains(key)) => ("Claude's", rules),
        "permissions" | "default_permissions" => {
            ("Codex's", "permission profiles are not supported yet: write `allow`, `ask` and `deny`")
        }
        "permission" => ("OpenCode's", rules),
        "prefix_rule" | "prefix_rules" => ("Codex's", "write `allow = [\"shell(git diff *)\"]`"),
        "approval_policy" => ("Codex's", "write `default = \"ask\"`, and rules for what differs"),
        "sandbox_mode" | "sandbox_workspace_write" => {
            ("Codex's", "write `allow = [\"read(**)\", \"edit(**)\"]` for what may be used without a question")
        }
        "defaultMode" => ("Claude's", "write `default = \"ask\"`, and rules for what differs"),
        "mcpServers" | "mcp_servers" => ("a host's", "rules name a server's tools as `server/tool`"),
        _ => return None,
    };
    Some((format!("`{name}` is {whose}"), help))
}

#[cfg(test)]
mod tests {
    use super::rule;

    #[test]
    fn rules_of_others() {
        for (theirs, ours) in [
            ("Bash(git diff:*)", "shell(git diff *)"),
            ("Bash(npm run build)", "shell(npm run build)"),
            ("Bash", "shell"),
            ("Bash(*)", "shell"),
            ("Read(./.env)", "read(./.env)"),
            ("Read(//etc/hosts)", "read(/etc/hosts)"),
            ("Edit(/docs/**)", "edit(./docs/**)"),
            ("Write", "edit(**)"),
            ("WebFetch(domain:docs.rs)", "fetch(docs.rs)"),
            ("WebSearch", "fetch(search:*)"),
            ("mcp__github__get_issue", "github/get_issue"),
            ("mcp__github", "github/*"),
            ("Task(Explore)", "agent(Explore)"),
            ("run_shell_command(ls)", "shell(ls)"),
        ] {
            assert_eq!(rule(theirs).map(|(_, ours)| ours).as_deref(), Some(ours), "{theirs}");
        }
        assert_eq!(rule("shell(git)"), None);
    }
}
