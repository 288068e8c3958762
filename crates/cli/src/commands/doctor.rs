//! `countersign doctor`: proves that the gate is live.
//!
//! It runs the very commands that are registered, as the host would, and expects of each what a host honours.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use countersign_engine::NothingKnown;
use countersign_service::block_on::block_on;
use serde_json::json;

use super::Exit;
use crate::file;
use crate::here::{self, Here};
use crate::init::{self, settings};
use crate::off::Off;
use crate::screen::{Paint, printable};

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    ok: bool,
    said: String,
}

pub(crate) fn run(here: &Here) -> Result<Exit> {
    let mut findings = vec![store(here), policy(here), off(here)];
    findings.extend(hooks(here)?);
    let values: Vec<_> =
        findings.iter().map(|finding| json!({"what": finding.what, "ok": finding.ok, "said": finding.said})).collect();
    let ok = findings.iter().all(|finding| finding.ok);
    here.screen.value(&json!({"ok": ok, "findings": values}))?;
    for finding in &findings {
        let mark =
            if finding.ok { here.screen.paint(Paint::Good, "ok  ") } else { here.screen.paint(Paint::Bad, "BAD ") };
        here.screen.line(format!("{mark} {:<22} {}", finding.what, finding.said))?;
    }
    if ok {
        here.screen.line("The gate is live. To see the whole way, ask Claude Code to run: countersign off 15m")?;
        here.screen.line("It must be refused, with a reason that names Countersign.")?;
        Ok(Exit::Done)
    } else {
        here.screen.line("The gate is not as it should be: calls may be denied, or not asked about at all.")?;
        Ok(Exit::Wanting)
    }
}

fn finding(what: &'static str, result: Result<String>) -> Finding {
    match result {
        Ok(said) => Finding { what, ok: true, said },
        Err(error) => Finding { what, ok: false, said: format!("{error:#}") },
    }
}

fn store(here: &Here) -> Finding {
    let opened = || -> Result<String> {
        let mut store = here.store()?;
        let now = block_on(store.clock(here::clock()))?;
        block_on(store.audit(&here.user, "doctor", &json!({}), now))?;
        Ok(format!("{} can be written", here.short(&here.place.store())))
    };
    finding("store", opened())
}

fn policy(here: &Here) -> Finding {
    let read = || -> Result<String> {
        let reading = here.load(&NothingKnown)?;
        let rules: usize = reading.files.iter().map(|file| file.rules).sum();
        Ok(format!("{} files with {rules} rules, and the built-in ones; their examples hold", reading.files.len()))
    };
    finding("policy", read())
}

fn off(here: &Here) -> Finding {
    let ok = Off::now(&here.place.off_file(), here::clock()).is_none();
    let said = if ok { "the gate is on" } else { "the gate is off: `countersign on` ends it" };
    Finding { what: "switch", ok, said: said.to_owned() }
}

/// What is registered, and how it answers.
fn hooks(here: &Here) -> Result<Vec<Finding>> {
    let Some(folder) = init::find_claude(here) else {
        let said = "Claude Code was not found here; nothing is gated".to_owned();
        return Ok(vec![Finding { what: "Claude Code", ok: false, said }]);
    };
    let path = folder.join("settings.json");
    let text = file::read(&path)?.unwrap_or_default();
    let registered = settings::registered(&text).with_context(|| here.short(&path))?;
    let mut findings = Vec::new();
    let missing: Vec<&str> = settings::EVENTS
        .iter()
        .filter(|event| !registered.iter().any(|hook| hook.event == event.event && hook.covers_all()))
        .map(|event| event.event)
        .collect();
    let said = match missing.as_slice() {
        [] => format!("all {} events in {}", settings::EVENTS.len(), here.short(&path)),
        missing => format!("{} not in {}: run `countersign init`", missing.join(", "), here.short(&path)),
    };
    findings.push(Finding { what: "registered", ok: missing.is_empty(), said });
    if settings::hooks_are_off(&text)? {
        let said = format!("{} says `disableAllHooks`: no hook runs", here.short(&path));
        findings.push(Finding { what: "hooks are on", ok: false, said });
    }
    if let Some(hook) = registered.iter().find(|hook| hook.event == "PreToolUse") {
        let canary = json!({
            "session_id": "countersign-doctor", "transcript_path": "", "cwd": here.project, "prompt_id": "doctor",
            "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "countersign off 15m"}, "tool_use_id": "doctor",
        });
        findings.push(finding("a canary is denied", denied(here, &hook.command, &canary.to_string())));
        findings.push(finding("garbage is denied", denied(here, &hook.command, "no event")));
        findings.push(finding("nothing is denied", denied(here, &hook.command, "")));
        let told = hook.command.split_once("--timeout ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let ok = hook.timeout.is_none_or(|timeout| told.is_some_and(|told: u64| told <= timeout));
        let said = if ok {
            "the hook ends before the host gives it up"
        } else {
            "the registered time limits do not fit: run `countersign init`"
        };
        findings.push(Finding { what: "time limits", ok, said: said.to_owned() });
    }
    let program =
        init::in_path("claude").map_or("not in PATH; it was here before".to_owned(), |path| path.display().to_string());
    findings.push(Finding { what: "Claude Code", ok: true, said: program });
    Ok(findings)
}

/// Runs a hook as its host does and expects the denial that the host honours in every case: exit status 2.
fn denied(here: &Here, command: &str, event: &str) -> Result<String> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(&here.project)
        .env("CLAUDE_PROJECT_DIR", &here.project)
        .env("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
        .env("CLAUDE_CODE_SESSION_ATTENDED", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("/bin/sh could not be started")?;
    if let Some(mut input) = child.stdin.take() {
        // A hook that ends before it has read everything closes its end.
        let _ = input.write_all(event.as_bytes());
    }
    let output = child.wait_with_output().context("the hook could not be waited for")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(2) {
        anyhow::bail!("it was let through ({}): {}", output.status, printable(said.trim()));
    }
    Ok("yes".to_owned())
}
