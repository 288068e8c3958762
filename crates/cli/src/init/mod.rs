//! `countersign init`: puts the gate in front of the agents on this machine, and takes it away again.
//!
//! Everything is planned first and shown; what is then written is exactly what was shown.

pub(crate) mod settings;
mod starter;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use countersign_policy::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::args::Init;
use crate::file::{self, Mode};
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;

pub(crate) use starter::HEAD;

/// One file that init writes.
#[derive(Debug, Clone)]
struct Change {
    path: PathBuf,
    what: String,
    /// `None`: there is no file, or will be none.
    old: Option<String>,
    new: Option<String>,
    mode: Mode,
}

/// What init did to one file, for `--remove`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    path: PathBuf,
    before: Option<String>,
    /// SHA-256 of the text that was written.
    after: String,
}

/// The plan: what would be written, and what to say with it.
struct Plan {
    changes: Vec<Change>,
    notes: Vec<String>,
}

/// `countersign init`.
pub(crate) fn run(arguments: &Init, here: &Here) -> Result<()> {
    let plan = if arguments.remove { removal(here)? } else { installation(here, arguments.on_ask.as_deref())? };
    show(here, &plan)?;
    if arguments.plan || plan.changes.is_empty() {
        return Ok(());
    }
    let terminal = Terminal::of_a_human("changing what is gated")?;
    if !arguments.yes && !terminal.confirm("Apply this?")? {
        return here.screen.line("Nothing was changed.");
    }
    apply(here, &plan, arguments.remove)?;
    let (json, words) = if arguments.remove {
        ("removed", "Done. Agents run as they did before; sessions that are open now are still gated until they end.")
    } else {
        (
            "installed",
            "Done. New sessions of Claude Code are gated now. Next: `countersign serve` shows the page on which you \
             answer, and `countersign doctor` proves that the gate is live.",
        )
    };
    here.screen.value(&serde_json::json!({ "done": json }))?;
    here.screen.line(words)
}

fn show(here: &Here, plan: &Plan) -> Result<()> {
    let changes: Vec<_> = plan
        .changes
        .iter()
        .map(|change| serde_json::json!({"file": change.path, "what": change.what, "before": change.old, "after": change.new}))
        .collect();
    here.screen.value(&serde_json::json!({ "changes": changes, "notes": plan.notes }))?;
    if plan.changes.is_empty() {
        here.screen.line("There is nothing to change.")?;
    }
    for change in &plan.changes {
        let title = format!("{}: {}", here.short(&change.path), change.what);
        here.screen.line(here.screen.paint(Paint::Strong, printable(&title)))?;
        here.screen.diff(change.old.as_deref().unwrap_or_default(), change.new.as_deref().unwrap_or_default())?;
        here.screen.line("")?;
    }
    for note in &plan.notes {
        here.screen.line(printable(note))?;
    }
    Ok(())
}

/// What puts the gate in front of Claude Code.
fn installation(here: &Here, on_ask: Option<&str>) -> Result<Plan> {
    let Some(claude) = find_claude(here) else {
        bail!(
            "no agent was found here: there is no `claude` in PATH and no {}; install Claude Code, or start it once",
            here.short(&here.place.home().join(".claude"))
        );
    };
    let path = claude.join("settings.json");
    let old = file::read(&path)?;
    let text = old.clone().unwrap_or_default();
    let about = || format!("`{}` was left alone", here.short(&path));
    let mut command = hook_command(here)?;
    let there = settings::on_ask(&text).with_context(about)?;
    if let Some(how) = on_ask.or(there.as_deref()) {
        command.push_str(&format!(" --on-ask {how}"));
    }
    let new = settings::with_hooks(&text, |timeout| format!("{command} --timeout {timeout}")).with_context(about)?;
    let mut notes = Vec::new();
    if settings::hooks_are_off(&text).with_context(about)? {
        notes.push(format!("{} says `disableAllHooks`: no hook runs until that goes.", here.short(&path)));
    }
    let permissions = settings::permissions(&text).with_context(about)?;
    let mut changes = Vec::new();
    if old.as_ref() != Some(&new) {
        let what = "asks Countersign before each tool call".to_owned();
        changes.push(Change { path, what, old, new: Some(new), mode: Mode::Private });
    }
    let user_file = here.place.user_file();
    if file::read(&user_file)?.is_none() {
        let starter = starter::starter(&permissions);
        let what = "your policy, with what you had in Claude Code already".to_owned();
        changes.push(Change { path: user_file, what, old: None, new: Some(starter.text), mode: Mode::Private });
        if !starter.left_out.is_empty() {
            notes.push(
                "Left out of it, because it has no counterpart (Claude Code itself still honours it):".to_owned(),
            );
            notes.extend(starter.left_out.into_iter().map(|rule| format!("  {rule}")));
        }
        if !starter.dropped.is_empty() {
            notes.push("Left out of it, because Claude Code itself never applies it:".to_owned());
            notes.extend(starter.dropped.into_iter().map(|rule| format!("  {rule}")));
        }
    } else {
        notes.push(format!("Your policy is there already and stays: {}", here.short(&user_file)));
    }
    Ok(Plan { changes, notes })
}

/// The folder of Claude Code's settings, if it is or was on this machine.
pub(crate) fn find_claude(here: &Here) -> Option<PathBuf> {
    let told = std::env::var_os("CLAUDE_CONFIG_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = told.unwrap_or_else(|| here.place.home().join(".claude"));
    (folder.is_dir() || in_path("claude").is_some()).then_some(folder)
}

/// A program in PATH.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The command that is registered, without its time limit: this program by its absolute path, and where its files are.
fn hook_command(here: &Here) -> Result<String> {
    let program = std::env::current_exe().context("the path of this program cannot be found")?;
    let mut command = format!("{} hook claude-code", settings::quoted(here::text(&program)?));
    for (name, path) in here.place.told() {
        command.push_str(&format!(" {name} {}", settings::quoted(here::text(path)?)));
    }
    Ok(command)
}

/// What undoes it: a file that is as init left it becomes what it was; from one that was changed since, only our hooks
/// go.
fn removal(here: &Here) -> Result<Plan> {
    let mut plan = Plan { changes: Vec::new(), notes: Vec::new() };
    let done = done(here)?;
    for done in &done {
        let Some(current) = file::read(&done.path)? else { continue };
        if sha256_hex(current.as_bytes()) == done.after {
            let what = "becomes what it was".to_owned();
            let (path, old) = (done.path.clone(), Some(current));
            plan.changes.push(Change { path, what, old, new: done.before.clone(), mode: Mode::Private });
        } else if done.path != here.place.user_file() {
            remove_hooks(here, &done.path, current, &mut plan)?;
        } else {
            plan.notes.push(format!("Your policy was changed since and stays: {}", here.short(&done.path)));
        }
    }
    // Hooks that an init put there whose record is lost.
    if let Some(path) = find_claude(here).map(|folder| folder.join("settings.json"))
        && !done.iter().any(|done| done.path == path)
        && let Some(current) = file::read(&path)?
    {
        remove_hooks(here, &path, current, &mut plan)?;
    }
    Ok(plan)
}

fn remove_hooks(here: &Here, path: &Path, current: String, plan: &mut Plan) -> Result<()> {
    let new = settings::without_hooks(&current).with_context(|| format!("`{}` was left alone", here.short(path)))?;
    if new != current {
        let what = "no longer asks Countersign".to_owned();
        plan.changes.push(Change {
            path: path.to_path_buf(),
            what,
            old: Some(current),
            new: Some(new),
            mode: Mode::Private,
        });
    }
    Ok(())
}

fn apply(here: &Here, plan: &Plan, removing: bool) -> Result<()> {
    let _lock = file::lock(&here.place.edits_lock())?;
    let mut record = if removing { Vec::new() } else { done(here)? };
    for change in &plan.changes {
        if file::read(&change.path)? != change.old {
            bail!("`{}` was changed meanwhile, and was left alone: run it again", here.short(&change.path));
        }
        match &change.new {
            Some(text) => file::replace(&change.path, text, change.mode)?,
            None => std::fs::remove_file(&change.path)
                .with_context(|| format!("`{}` could not be removed", change.path.display()))?,
        }
        if let (false, Some(text)) = (removing, &change.new) {
            let after = sha256_hex(text.as_bytes());
            // What stood there before the first init is what `--remove` brings back.
            let first = record
                .iter()
                .position(|done| done.path == change.path && Some(&done.after) == hash(&change.old).as_ref());
            let before = match first.map(|at| record.remove(at)) {
                Some(done) => done.before,
                None => change.old.clone(),
            };
            record.retain(|done| done.path != change.path);
            record.push(Done { path: change.path.clone(), before, after });
        }
    }
    let text = serde_json::to_string_pretty(&record).context("what was done could not be written as JSON")?;
    file::replace(&here.place.init_file(), &format!("{text}\n"), Mode::Private)
}

fn hash(text: &Option<String>) -> Option<String> {
    text.as_ref().map(|text| sha256_hex(text.as_bytes()))
}

fn done(here: &Here) -> Result<Vec<Done>> {
    let path = here.place.init_file();
    let Some(text) = file::read(&path)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).with_context(|| format!("`{}` cannot be read: move it away", path.display()))
}
