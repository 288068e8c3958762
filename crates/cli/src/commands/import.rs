//! `countersign import`: what another system's file comes to, and into a policy file with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use countersign_engine::PROJECT_FILE;
use countersign_formats::import::{Became, Report};
use countersign_formats::{Setting, System, Text};
use countersign_policy::SourceKind;
use serde_json::{Value, json};

use super::Exit;
use super::rules::{Change, PROJECT_HEAD};
use crate::args;
use crate::file;
use crate::here::{self, Here};
use crate::policy_edit::{NewImport, NewRule, with_import, with_rule};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;

/// One file of another system.
struct Found {
    path: PathBuf,
    system: System,
    report: Report,
}

pub(crate) fn run(arguments: &args::Import, here: &Here) -> Result<Exit> {
    let kind = if arguments.project { SourceKind::Project } else { SourceKind::User };
    let mut found = Vec::new();
    for file in &arguments.files {
        match read(file, arguments, kind, here)? {
            Some(one) => found.push(one),
            None => return Ok(Exit::Wanting),
        }
    }
    for one in &found {
        show(one, here)?;
    }
    if arguments.plan {
        return Ok(Exit::Done);
    }
    let terminal = Terminal::of_a_human("changing a policy")?;
    let (path, head) = if arguments.project {
        (here.project.join(PROJECT_FILE), PROJECT_HEAD)
    } else {
        (here.place.user_file(), crate::init::HEAD)
    };
    let _lock = file::lock(&here.place.edits_lock())?;
    let old = file::read(&path)?;
    let base = old.clone().unwrap_or_else(|| format!("{head}\n"));
    let text = with_all(&base, &found, &path, here, arguments.agent.as_deref())?;
    if text == base {
        here.screen.line(format!("{} says so already.", here.short(&path)))?;
        return Ok(Exit::Done);
    }
    here.screen.line(here.short(&path))?;
    here.screen.diff(old.as_deref().unwrap_or_default(), &text)?;
    if !arguments.yes && !terminal.confirm("Write it so?")? {
        here.screen.line("Nothing was changed.")?;
        return Ok(Exit::Done);
    }
    let files: Vec<&str> = arguments.files.iter().filter_map(|file| file.to_str()).collect();
    Change { path, kind, old, text }.apply(here, &json!({ "import": files }))?;
    here.screen.line("`countersign undo` takes it back.")?;
    Ok(Exit::Done)
}

/// Reads one file; `None` where it has mistakes, which are told.
fn read(path: &Path, arguments: &args::Import, kind: SourceKind, here: &Here) -> Result<Option<Found>> {
    let path = std::path::absolute(path).with_context(|| format!("`{}` cannot be found", path.display()))?;
    let Some(text) = file::read(&path)? else { bail!("there is no file `{}`", here.short(&path)) };
    let name = here.short(&path);
    let file = Text::new(name.as_str(), &text);
    let system = match &arguments.system {
        Some(word) => System::named(word),
        None => System::of(&file),
    };
    let Some(system) = system else {
        let known: Vec<&str> = System::ALL.iter().map(|system| system.word()).collect();
        bail!("whose file `{name}` is cannot be told: say it with `--system`, one of {}", known.join(", "));
    };
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let setting = Setting { kind, trusted: true, agent: arguments.agent.as_deref(), home, project };
    match system.report(&file, &setting) {
        Ok(report) => Ok(Some(Found { path, system, report })),
        Err(problems) => {
            for problem in problems {
                here.screen.line(problem.render(&text).trim_end())?;
            }
            Ok(None)
        }
    }
}

fn show(found: &Found, here: &Here) -> Result<()> {
    let screen = here.screen;
    let Found { path, system, report } = found;
    let rules: Vec<Value> = report
        .rules
        .iter()
        .map(|fate| {
            let (became, detail) = match &fate.became {
                Became::Native { effect, rules, .. } => ("native", json!({ "effect": effect, "rules": rules })),
                Became::Kept { why } => ("kept", json!(why)),
                Became::Dropped { why } => ("dropped", json!(why)),
                Became::Never { why } => ("never applies", json!(why)),
            };
            json!({ "line": fate.origin.line, "rule": fate.origin.text, "became": became, "detail": detail })
        })
        .collect();
    screen.value(&json!({ "file": path, "system": system.word(), "native": report.is_native(), "rules": rules }))?;
    let count = report.rules.len();
    let rules = if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
    screen.line(screen.paint(Paint::Strong, format!("{}: {}, {rules}", here.short(path), system.word())))?;
    let mut before = None;
    for fate in &report.rules {
        screen.line(format!("  {:>4}  {}", fate.origin.line, printable(&fate.origin.text)))?;
        match &fate.became {
            Became::Native { effect, rules, .. } => {
                for rule in rules {
                    screen.line(format!("        {} {}", screen.effect(*effect), printable(rule)))?;
                }
            }
            Became::Kept { why } if before == Some(why) => {}
            Became::Kept { why } => {
                screen.line(format!("        stays as it is: {why}"))?;
                before = Some(why);
            }
            Became::Dropped { why } => screen.line(format!("        left out: {why}"))?,
            Became::Never { why } => screen.line(format!("        never applies: {why}"))?,
        }
    }
    if *system == System::OpenCode {
        screen.line("  OpenCode allows what no rule of its file speaks of, and so does this source.")?;
    }
    let how = if report.is_native() {
        "All of it can be said in our own rules."
    } else {
        "The file is taken in as it is, with `[[import]]`."
    };
    screen.line(format!("  {how}"))
}

/// The policy file's text with all of it.
fn with_all(base: &str, found: &[Found], policy: &Path, here: &Here, agent: Option<&str>) -> Result<String> {
    let mut text = base.to_owned();
    for Found { path, system, report } in found {
        if !report.is_native() {
            let from = from(path, policy, here)?;
            let recognised = System::of(&Text::new(from.as_str(), "")) == Some(*system);
            let new = NewImport { from: &from, system: (!recognised).then(|| system.word()), agent };
            text = with_import(&text, &new)?.unwrap_or(text);
            continue;
        }
        for fate in &report.rules {
            let Became::Native { effect, rules, .. } = &fate.became else { continue };
            for rule in rules {
                text = with_rule(&text, &NewRule { effect: *effect, rule, expires: None })?.unwrap_or(text);
            }
        }
    }
    Ok(text)
}

/// How a policy file names the file: relative to itself where it is beside or below it, else from home or the root.
fn from(path: &Path, policy: &Path, here: &Here) -> Result<String> {
    if let Some(Ok(below)) = policy.parent().map(|folder| path.strip_prefix(folder)) {
        return Ok(here::text(below)?.to_owned());
    }
    match path.strip_prefix(here.place.home()) {
        Ok(below) => Ok(format!("~/{}", here::text(below)?)),
        Err(_) => Ok(here::text(path)?.to_owned()),
    }
}
