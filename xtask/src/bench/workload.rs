//! What the hook is measured on: a thousand rules, ten thousand grants, one call decided by each.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::steps::{cargo, output, succeed};

const RULES: usize = 1_000;
const GRANTS: usize = 10_000;

/// The folders are laid out and the program has given each call the answer that we expect of it.
pub(super) struct Workload {
    pub(super) cases: Vec<Case>,
}

/// One call, as the host would send it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) command: Command,
    pub(super) input: PathBuf,
}

/// Makes a home with policy and store, and a project, below `folder`.
pub(super) fn prepare(folder: &Path, hook: &Path) -> Result<Workload> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    let project = folder.join("project");
    let configuration = folder.join("home/.config/countersign");
    for needed in [&project, &configuration] {
        std::fs::create_dir_all(needed).with_context(|| format!("could not make {}", needed.display()))?;
    }
    std::fs::write(configuration.join("countersign.toml"), policy())?;
    fill_store(&folder.join("home/.local/share/countersign/countersign.db"), &project)?;
    let mut cases = Vec::new();
    for (name, line) in [("hook, allowed by a rule", "git status --short"), ("hook, allowed by a grant", "make it-so")]
    {
        let input = folder.join(format!("{}.json", cases.len()));
        std::fs::write(&input, event(&project, line).to_string())?;
        let mut command = Command::new(hook);
        command
            .args(["hook", "claude-code"])
            .current_dir(&project)
            .env_clear()
            .env("HOME", folder.join("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("CLAUDE_PROJECT_DIR", &project)
            .env("CLAUDE_CODE_SESSION_ATTENDED", "0");
        let mut case = Case { name, command, input };
        case.must_allow()?;
        cases.push(case);
    }
    Ok(Workload { cases })
}

/// Ten thousand grants, one of which covers the second call.
fn fill_store(store: &Path, project: &Path) -> Result<()> {
    let user = output(Command::new("id").arg("-un"))?;
    let example =
        ["run", "--release", "--quiet", "--locked", "--package", "countersign-service", "--example", "fill_grants"];
    let mut command = cargo(&example);
    command.arg("--").arg(store).arg(GRANTS.to_string()).arg(user.trim()).arg(project).arg("make it-so");
    succeed(&mut command)
}

impl Case {
    /// A hook that fails is fast: what is measured must be a decision, and the right one.
    fn must_allow(&mut self) -> Result<()> {
        let output = self.command.stdin(std::fs::File::open(&self.input)?).stdout(Stdio::piped()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.contains(r#""permissionDecision":"allow""#) {
            bail!("{}: said `{said}` and `{}`", self.name, String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// Rules in the mix of a real policy: four of ten for commands, three for paths, two for tools, one for hosts; about half
/// allow, a quarter ask, a fifth deny.
fn policy() -> String {
    let mut lists = [("allow", vec!["shell(git status *)".to_owned()]), ("ask", Vec::new()), ("deny", Vec::new())];
    for number in 1..RULES {
        let rule = match number % 10 {
            0..=3 => format!("shell(cargo task-{number} *)"),
            4 | 5 => format!("edit(src/area-{number}/**)"),
            6 => format!("read(docs/area-{number}/*.md)"),
            7 | 8 => format!("server-{number}/get_*"),
            _ => format!("fetch(*.site-{number}.example.com)"),
        };
        let list = match number / 10 % 20 {
            0..=10 => 0,
            11..=15 => 1,
            _ => 2,
        };
        if let Some((_, rules)) = lists.get_mut(list) {
            rules.push(rule);
        }
    }
    let mut text = String::new();
    for (name, rules) in lists {
        let _ = writeln!(text, "{name} = [");
        for rule in rules {
            let _ = writeln!(text, "  {rule:?},");
        }
        let _ = writeln!(text, "]");
    }
    text
}

fn event(project: &Path, line: &str) -> serde_json::Value {
    json!({
        "session_id": "b0000000-0000-4000-8000-000000000001", "prompt_id": "b0000000-0000-4000-8000-000000000002",
        "transcript_path": project.join("transcript.jsonl"), "cwd": project, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "toolu_0_0",
        "tool_input": { "command": line, "description": "a step of the benchmark" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_as_many_rules_as_it_says() {
        let text = policy();
        let rules: Vec<&str> = text.lines().filter(|line| line.starts_with("  \"")).collect();
        assert_eq!(rules.len(), RULES);
        assert_eq!(rules.iter().collect::<std::collections::BTreeSet<_>>().len(), RULES);
    }
}
