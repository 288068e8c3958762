//! `countersign check`: what would happen to a call, and why.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use countersign_engine::hosts::claude_code::{self, Event, HookEnvironment};
use countersign_engine::{Reading, Request};
use countersign_formats::{System, Text};
use countersign_policy::{Action, Call, Decision, Effect};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use serde_json::{Value, json};

use super::Exit;
use crate::args::Check;
use crate::file;
use crate::here::{self, Here};
use crate::screen::Paint;

/// The longest event that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

pub(crate) fn run(arguments: &Check, here: &Here) -> Result<Exit> {
    let request = match &arguments.call {
        Some(words) => by_agent(from_words(words, here)?, &arguments.agent),
        None => from_event(here)?,
    };
    let mut store = here.store()?;
    let reading = match &arguments.policy {
        Some(file) => by_file(file, arguments.platform.as_deref(), here)?,
        None => here.load(&block_on(store.known(&here.user))?)?,
    };
    let call = reading.engine.call(&request, &Disk);
    let now = block_on(store.clock(here::clock()))?;
    // What was remembered belongs to the policy in force.
    let grants = match &arguments.policy {
        Some(_) => Vec::new(),
        None => block_on(store.grants_for(&call, now))?,
    };
    let decision = reading.engine.decide(&grants, None, &call, now);
    show(here, &reading, &call, &decision)?;
    Ok(Exit::Verdict(decision.effect()))
}

/// The policy of one file alone, ours or another system's, with the built-in rules and the administrator's.
fn by_file(file: &Path, platform: Option<&str>, here: &Here) -> Result<Reading> {
    let platform = platform.map(|word| format!("platform = {}\n", toml_edit::Value::from(word))).unwrap_or_default();
    let path = std::path::absolute(file).with_context(|| format!("`{}` cannot be found", file.display()))?;
    if path.is_dir() {
        let path = here::text(&path)?;
        let user = format!("[[import]]\nfrom = {}\n{platform}", toml_edit::Value::from(path));
        return here.load_alone(&format!("{path} as a policy"), &user);
    }
    let Some(text) = file::read(&path)? else { bail!("there is no file `{}`", here.short(&path)) };
    let path = here::text(&path)?;
    match System::of(&Text::new(path, &text)) {
        None if platform.is_empty() => here.load_alone(path, &text),
        None => bail!(
            "`{}` is a file of ours, and `--platform` is for those of other systems: take it out",
            here.short(file)
        ),
        Some(system) => {
            let from = toml_edit::Value::from(path);
            let user = format!("[[import]]\nfrom = {from}\nsystem = \"{}\"\n{platform}", system.word());
            here.load_alone(&format!("{path} as a policy"), &user)
        }
    }
}

/// `shell: git push`, `github/create_issue`, `tool:Skill: pdf`.
fn from_words(words: &str, here: &Here) -> Result<Request> {
    let (action, resource) = match words.strip_prefix("tool:") {
        Some(rest) => match rest.split_once(": ") {
            Some((name, resource)) => (format!("tool:{name}"), Some(resource)),
            None => (words.to_owned(), None),
        },
        None => match words.split_once(':') {
            Some((action, resource)) => (action.trim().to_owned(), Some(resource)),
            None => (words.trim().to_owned(), None),
        },
    };
    let parsed: Action = action.parse().context("a call is `ACTION: RESOURCE`, as in 'shell: git push'")?;
    let resource = resource.map(str::trim).filter(|resource| !resource.is_empty());
    if resource.is_none() && Action::builtin(&action).is_some() {
        bail!("`{parsed}` needs something to act on: countersign check '{parsed}: ...'");
    }
    let mut request = here.request(&action, resource.unwrap_or_default())?;
    if resource.is_none() {
        request.args = json!({});
    }
    Ok(request)
}

/// The same request of a sub-agent, if these name one.
fn by_agent(request: Request, kinds: &[String]) -> Request {
    let agent = (!kinds.is_empty()).then(|| "terminal".to_owned());
    Request { agent, agent_kinds: kinds.to_vec(), ..request }
}

/// An event as a host sends it to its hook, or `{"action": ..., "resource": ...}`.
fn from_event(here: &Here) -> Result<Request> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes).context("standard input could not be read")?;
    let value =
        countersign_policy::json::parse_strict(&bytes).context("standard input is not JSON with one meaning")?;
    if value.get("hook_event_name").is_some() {
        let environment = HookEnvironment {
            project_dir: None,
            user: here.user.clone(),
            home: here::text(here.place.home())?.to_owned(),
            path: std::env::var("PATH").ok(),
        };
        return match claude_code::event(&bytes, &environment)? {
            Event::PreToolUse(request) | Event::PermissionRequest(request) => Ok(request),
            Event::PostToolUse { request, .. } => Ok(request),
            _ => bail!("the event is about no tool call"),
        };
    }
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let Some(action) = member("action") else {
        bail!(
            "the JSON is no event of Claude Code (it has `hook_event_name`) and no {{\"action\": ..., \"resource\": ...}}"
        );
    };
    action.parse::<Action>()?;
    let mut request = here.request(action, member("resource").unwrap_or_default())?;
    if let Some(args) = value.get("args").filter(|args| args.is_object()) {
        request.args = args.clone();
    }
    Ok(request)
}

fn show(here: &Here, reading: &Reading, call: &Call, decision: &Decision) -> Result<()> {
    let question = reading.engine.question(call, decision, &Disk);
    let told = (decision.effect() == Effect::Deny).then(|| reading.engine.denial(call, decision));
    let parts: Vec<Value> = question
        .parts
        .iter()
        .map(|part| json!({"action": part.action, "text": part.text, "effect": part.effect, "why": part.why}))
        .collect();
    here.screen.value(&json!({
        "effect": decision.effect(), "cause": decision.cause(), "targets": parts, "faults": call.faults,
        "digest": call.digest(), "revision": decision.revision(), "agent_is_told": told,
    }))?;
    let screen = here.screen;
    screen.line(screen.effect(decision.effect()).trim_end())?;
    for part in &question.parts {
        screen.line(format!("  {} {}", screen.effect(part.effect), screen.paint(Paint::Strong, &part.text)))?;
        screen.line(format!("        {}", part.why))?;
    }
    if let Some(told) = told {
        screen.line(screen.paint(Paint::Quiet, format!("  The agent is told: {told}")))?;
    }
    Ok(())
}
