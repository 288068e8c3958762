//! `countersign import`: what another system's file comes to, and into a policy file with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use countersign_engine::{Files, PROJECT_FILE};
use countersign_formats::import::{Became, Native, Report};
use countersign_formats::{Platform, Setting, System, Text};
use countersign_policy::SourceKind;
use countersign_policy::document::{self, Problem};
use countersign_service::disk::Disk;
use serde_json::{Value, json};

use super::Exit;
use super::lint::{refused, system_named};
use super::rules::{Change, PROJECT_HEAD};
use crate::args;
use crate::file;
use crate::here::{self, Here};
use crate::policy_edit::{NewImport, NewRule, with_import, with_rules, with_tool};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;

/// Files of another system that are one, or one by itself.
struct Found {
    /// As they are taken in: a file, a folder, or files that count together.
    places: Vec<PathBuf>,
    /// Each file with its text.
    files: Vec<(String, String)>,
    system: System,
    report: Report,
}

pub(crate) fn run(arguments: &args::Import, here: &Here) -> Result<Exit> {
    let kind = if arguments.project { SourceKind::Project } else { SourceKind::User };
    let mut found = Vec::new();
    for places in together(arguments, here)? {
        match read(places, arguments, kind, here)? {
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
    let text = with_all(&base, &found, (&path, arguments), here)?;
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

/// The files that were named, those together that their system reads as one.
fn together(arguments: &args::Import, here: &Here) -> Result<Vec<(System, Vec<PathBuf>)>> {
    let named = arguments.system.as_deref().map(system_named).transpose()?;
    let mut all: Vec<(System, Vec<PathBuf>)> = Vec::new();
    for file in &arguments.files {
        let path = std::path::absolute(file).with_context(|| format!("`{}` cannot be found", file.display()))?;
        let name = here.short(&path);
        let system = match named {
            Some(system) => Some(system),
            None if path.is_dir() => {
                let names: Vec<String> =
                    Disk.list(here::text(&path)?).into_iter().flatten().map(|(name, _)| name).collect();
                System::of_folder(&name, &names.iter().map(String::as_str).collect::<Vec<_>>())
            }
            None => {
                let text = file::read(&path)?.with_context(|| format!("there is no file `{name}`"))?;
                System::of(&Text::new(here::text(&path)?, &text))
            }
        };
        let Some(system) = system else {
            let known: Vec<&str> = System::ALL.iter().map(|system| system.word()).collect();
            bail!("whose file `{name}` is cannot be told: say it with `--system`, one of {}", known.join(", "));
        };
        let alone = matches!(system, System::Clawbolt | System::OpenClaw) || name.ends_with(".toml");
        let same = |(its, places): &&mut (System, Vec<PathBuf>)| {
            *its == system && !places.iter().any(|place| place.extension().is_some_and(|ending| ending == "toml"))
        };
        match all.iter_mut().find(same).filter(|_| !alone) {
            Some((_, places)) if places.contains(&path) => {}
            Some((_, places)) => places.push(path),
            None => all.push((system, vec![path])),
        }
    }
    Ok(all)
}

/// Reads files that are one; `None` where they have mistakes, which are told.
fn read(
    (system, places): (System, Vec<PathBuf>),
    arguments: &args::Import,
    kind: SourceKind,
    here: &Here,
) -> Result<Option<Found>> {
    // As they would be taken in: what is refused then is refused now.
    let from: Vec<String> = places.iter().map(|place| Ok(here::text(place)?.to_owned())).collect::<Result<_>>()?;
    let (agent, platform) = (arguments.agent.as_deref(), arguments.platform.as_deref());
    let platform = platform.map(|word| system.platform(word)).transpose().map_err(refused)?;
    let word = platform.map(Platform::word);
    let new = NewImport { from: &from, system: Some(system.word()), agent, platform: word };
    let text = with_import("", &new)?.unwrap_or_default();
    let document = document::parse(kind, "the import", &text).map_err(|problems| told(&problems, &text))?;
    let Some(import) = document.imports.first() else { bail!("nothing is taken in") };
    let members = here.members(kind, import, "/")?;
    let members = members.map_err(|problem| match &problem.help {
        Some(help) => anyhow::anyhow!("{}: {help}", problem.message),
        None => anyhow::anyhow!("{}", problem.message),
    })?;
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let setting = Setting { kind, trusted: true, agent, platform, home, project };
    match system.report(&members.texts(), &setting) {
        Ok(report) => Ok(Some(Found { places, files: members.files, system, report })),
        Err(problems) => {
            for problem in problems {
                let text = members.files.iter().find(|(path, _)| *path == problem.file).map_or("", |(_, text)| text);
                here.screen.line(problem.render(text).trim_end())?;
            }
            Ok(None)
        }
    }
}

fn told(problems: &[Problem], text: &str) -> anyhow::Error {
    let all: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
    anyhow::anyhow!("{}", all.join("\n").trim_end().to_owned())
}

fn show(found: &Found, here: &Here) -> Result<()> {
    let screen = here.screen;
    let Found { places, files, system, report } = found;
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
            json!({ "file": *fate.origin.file, "line": fate.origin.line, "rule": fate.origin.text, "became": became,
                "detail": detail, "note": fate.note })
        })
        .collect();
    let tools: Value =
        report.tools.iter().map(|(tool, entry)| (tool.clone(), entry.written().collect::<Value>())).collect();
    let all: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    screen.value(
        &json!({ "files": all, "system": system.word(), "native": report.is_native(), "rules": rules, "tools": tools }),
    )?;
    let count = report.rules.len();
    let rules = if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
    let names: Vec<String> = places.iter().map(|place| here.short(place)).collect();
    screen.line(screen.paint(Paint::Strong, format!("{}: {}, {rules}", names.join(", "), system.word())))?;
    let (mut before, mut file) = (None, None);
    for fate in &report.rules {
        if files.len() > 1 && fate.origin.line > 0 && file != Some(&fate.origin.file) {
            screen.line(format!("  {}", here.short(Path::new(&*fate.origin.file))))?;
            file = Some(&fate.origin.file);
        }
        let line = if fate.origin.line == 0 { String::new() } else { fate.origin.line.to_string() };
        screen.line(format!("  {line:>4}  {}", printable(&fate.origin.text)))?;
        match &fate.became {
            Became::Native { effect, rules, .. } => {
                for native in rules {
                    let mut rule = printable(&native.rule).to_string();
                    if !native.unless.is_empty() {
                        rule.push_str(&format!(" unless {}", printable(&native.unless.join(", "))));
                    }
                    screen.line(format!("        {} {rule}", screen.effect(*effect)))?;
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
        if let Some(note) = &fate.note {
            screen.line(format!("        note: {}", printable(note)))?;
        }
    }
    if report.is_native() {
        for (tool, entry) in &report.tools {
            let said: Vec<String> = entry.written().map(|(key, value)| format!("{key} = {value}")).collect();
            screen.line(format!("        {}: {}", printable(tool), printable(&said.join(", "))))?;
        }
    }
    if *system == System::OpenCode {
        screen.line("  OpenCode allows what no rule of its file speaks of, and so does this source.")?;
    }
    let how = if report.is_native() {
        "All of it can be said in our own rules."
    } else if files.len() == 1 {
        "The file is taken in as it is, with `[[import]]`."
    } else {
        "The files are taken in as they are, as one, with `[[import]]`."
    };
    screen.line(format!("  {how}"))
}

/// The policy file's text with all of it.
fn with_all(base: &str, found: &[Found], (policy, arguments): (&Path, &args::Import), here: &Here) -> Result<String> {
    let (agent, platform) = (arguments.agent.as_deref(), arguments.platform.as_deref());
    let mut text = base.to_owned();
    for Found { places, system, report, .. } in found {
        if !report.is_native() {
            let from: Vec<String> = places.iter().map(|place| from(place, policy, here)).collect::<Result<_>>()?;
            let by_name = |place: &PathBuf| {
                let path = place.to_str().unwrap_or_default();
                !place.is_dir() && System::of(&Text::new(path, "")) == Some(*system)
            };
            let recognised = places.iter().all(by_name);
            let new = NewImport { from: &from, system: (!recognised).then(|| system.word()), agent, platform };
            text = with_import(&text, &new)?.unwrap_or(text);
            continue;
        }
        text = with_native(&text, report)?;
    }
    Ok(text)
}

/// The text with what a report says in our own rules.
fn with_native(text: &str, report: &Report) -> Result<String> {
    let mut rules = Vec::new();
    for fate in &report.rules {
        let Became::Native { effect, rules: natives, why } = &fate.became else { continue };
        rules.extend(natives.iter().map(|Native { rule, unless }| NewRule {
            unless,
            why: why.as_deref(),
            ..NewRule::plain(*effect, rule)
        }));
    }
    rules.sort_by_key(|rule| rule.effect);
    let mut text = with_rules(text, &rules)?.unwrap_or_else(|| text.to_owned());
    for (tool, entry) in &report.tools {
        let keys: Vec<(&str, &str)> = entry.written().collect();
        text = with_tool(&text, tool, &keys)?.unwrap_or(text);
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

#[cfg(test)]
mod tests;
