//! How the host treats a hook, whoever wrote it: what our own hook relies on (docs/hosts/claude-code.md).
//!
//! A shell script stands in for the hook. The command is one that the host allows by itself, so that it runs whenever
//! the host does not understand "no".

use anyhow::Result;
use serde_json::json;

use super::claude_code::World;
use super::model::Turn;
use super::{Scenario, expect};

const DENY: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"REASON-1"}}"#;
const OTHER: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","permissionDecisionReason":"REASON-1","updatedInput":{"command":"touch made-by-hook"}}}"#;
const DEFER: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"defer","permissionDecisionReason":"REASON-1"}}"#;
const ASK: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"ask","permissionDecisionReason":"REASON-1"}}"#;

/// Each a claim of the table there.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "host: deny and exit 0 is a denial", play: |_, world| denied(world, &say(DENY, "exit 0")) },
    Scenario { name: "host: deny and exit 2 is a denial", play: |_, world| denied(world, &say(DENY, "exit 2")) },
    Scenario {
        name: "host: half a deny, the reason on stderr and exit 2 is a denial",
        play: |_, world| denied(world, "printf '{\"hookSpec'; echo REASON-1 >&2; exit 2"),
    },
    Scenario {
        name: "host: stdout closed, the reason on stderr and exit 2 is a denial",
        play: |_, world| denied(world, "exec >&-; echo REASON-1 >&2; exit 2"),
    },
    Scenario {
        name: "host: ask with nobody attached is a denial",
        play: |_, world| denied(world, &say(ASK, "exit 0")),
    },
    Scenario { name: "host: allow with other arguments runs those", play: |_, world| other_arguments(world) },
    Scenario { name: "host: defer ends the client with the call not run", play: |_, world| defers(world) },
    Scenario { name: "host: exit 1 runs", play: |_, world| runs(world, "echo REASON-1 >&2; exit 1") },
    Scenario { name: "host: a panic's exit 101 runs", play: |_, world| runs(world, "exit 101") },
    Scenario { name: "host: death by a signal runs", play: |_, world| runs(world, "kill -9 $$") },
    Scenario { name: "host: a deny with a line after it runs", play: |_, world| runs(world, &say(DENY, "echo more")) },
    Scenario { name: "host: a hook that outlives its timeout runs", play: |_, world| runs(world, "sleep 20") },
    Scenario { name: "host: a hook that is not there runs", play: |_, world| runs_command(world, "/nowhere/hook") },
];

fn say(text: &str, then: &str) -> String {
    format!("echo '{text}'; {then}")
}

fn denied(world: &World, script: &str) -> Result<()> {
    register(world, script)?;
    let outcome = world.run(vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")])?;
    expect(!world.has("made-by-agent"), || "the command ran".to_owned())?;
    let result = outcome.first()?;
    expect(result.is_error && result.text.contains("REASON-1"), || format!("the model read `{}`", result.text))
}

fn other_arguments(world: &World) -> Result<()> {
    register(world, &say(OTHER, "exit 0"))?;
    let outcome = world.run(vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")])?;
    let ran = world.has("made-by-hook") && !world.has("made-by-agent");
    expect(ran, || format!("the hook's arguments did not run: {:?}", outcome.results))
}

fn defers(world: &World) -> Result<()> {
    register(world, &say(DEFER, "exit 0"))?;
    let outcome = world.run(vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")])?;
    expect(!world.has("made-by-agent"), || "the command ran".to_owned())?;
    let end = outcome.end()?;
    let deferred = end.pointer("/deferred_tool_use/input/command").and_then(|command| command.as_str());
    expect(deferred == Some("touch made-by-agent"), || format!("the client said {end}"))
}

fn runs(world: &World, script: &str) -> Result<()> {
    register(world, script)?;
    finds_it_run(world)
}

fn runs_command(world: &World, command: &str) -> Result<()> {
    write_settings(world, command)?;
    finds_it_run(world)
}

fn finds_it_run(world: &World) -> Result<()> {
    let outcome = world.run(vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")])?;
    let told = || format!("the host is stricter than we know: {:?}", outcome.results);
    expect(world.has("made-by-agent"), told)
}

fn register(world: &World, script: &str) -> Result<()> {
    let file = world.home().join("hook.sh");
    std::fs::write(&file, format!("cat > /dev/null\n{script}\n"))?;
    write_settings(world, &format!("sh {}", file.display()))
}

fn write_settings(world: &World, command: &str) -> Result<()> {
    let hook = json!({ "type": "command", "command": command, "timeout": 3 });
    let settings = json!({ "hooks": { "PreToolUse": [{ "matcher": "*", "hooks": [hook] }] } });
    std::fs::write(world.home().join(".claude/settings.json"), settings.to_string())?;
    Ok(())
}
