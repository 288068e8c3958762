//! `countersign lint`: warnings about the policy files. It only reads.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use countersign_engine::{LOCAL_FILE, PROJECT_FILE};
use countersign_formats::import::{Became, Fate, Report};
use countersign_formats::{Setting, System, Text};
use countersign_policy::SourceKind;
use countersign_policy::document::{self, Problem, quoted};
use countersign_policy::lint::{lint, lint_source};
use serde_json::{Value, json};

use super::Exit;
use crate::args::Lint;
use crate::here::{self, Here};
use crate::place::MANAGED_FILE;

/// What is said of one file.
struct Findings {
    kind: SourceKind,
    name: String,
    text: String,
    /// Why it counts for nothing, if it does.
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

pub(crate) fn run(arguments: &Lint, here: &Here) -> Result<Exit> {
    let now = here::clock();
    let mut all = Vec::new();
    for (kind, name, path) in files(arguments, here) {
        let text = read(&path, &name)?;
        // What lies where ours do is ours, whatever it says.
        let system = if kind.is_none() { System::of(&Text::new(name.as_str(), &text)) } else { None };
        let kind = kind.unwrap_or(SourceKind::Managed);
        let found = match system {
            None => document::parse(kind, &name, &text).map(|document| lint(&document, &text, now)),
            Some(system) => elsewhere(system, &name, &text, here)?,
        };
        let (problems, warnings) = match found {
            Ok(warnings) => (Vec::new(), warnings),
            Err(problems) => (problems, Vec::new()),
        };
        all.push(Findings { kind, name, text, problems, warnings });
    }
    let count = |which: fn(&Findings) -> &[Problem]| all.iter().map(|file| which(file).len()).sum::<usize>();
    let problems = count(|file| &file.problems);
    let warnings = count(|file| &file.warnings);
    show(here, &all, problems, warnings)?;
    Ok(match (problems, warnings) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Warned,
        _ => Exit::Wanting,
    })
}

/// The warnings about another system's file.
fn elsewhere(system: System, name: &str, text: &str, here: &Here) -> Result<Result<Vec<Problem>, Vec<Problem>>> {
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let setting = Setting { kind: SourceKind::User, trusted: true, agent: None, home, project };
    let file = Text::new(name, text);
    Ok(system.read(&file, &setting).map(|imported| {
        let mut found: Vec<Problem> =
            imported.sources.iter().flat_map(|source| lint_source(source, text, here::clock())).collect();
        let never = system.report(&file, &setting).map(|report| never_decide(&file, &report)).unwrap_or_default();
        let is_new = |one: &Problem| !found.iter().any(|other| other.line == one.line);
        let more: Vec<Problem> = never.into_iter().filter(is_new).collect();
        found.extend(more);
        found.sort_by_key(|problem| problem.span.start);
        found
    }))
}

/// The rules that never decide anything in their own system either: a denial among them forbids nothing.
fn never_decide(file: &Text<'_>, report: &Report) -> Vec<Problem> {
    let of = |fate: &Fate| {
        let Became::Never { why } = &fate.became else { return None };
        let before = usize::try_from(fate.origin.line).ok()?.saturating_sub(1);
        let start: usize = file.text.split_inclusive('\n').take(before).map(str::len).sum();
        let rest = file.text.get(start..)?;
        let line = rest.lines().next().unwrap_or_default();
        let (at, length) = match line.find(&fate.origin.text) {
            Some(at) => (start + at, fate.origin.text.len()),
            None => (start + line.len() - line.trim_start().len(), line.trim().len()),
        };
        let message = format!("{} never applies: {why}", quoted(&fate.origin.text));
        Some(file.problem(&(at..at + length), message, None))
    };
    report.rules.iter().filter_map(of).collect()
}

/// The files that were named, or those in force here that there are, with the kind of those that are known to be ours.
fn files(arguments: &Lint, here: &Here) -> Vec<(Option<SourceKind>, String, PathBuf)> {
    let places = [
        (SourceKind::Managed, PathBuf::from(MANAGED_FILE)),
        (SourceKind::User, here.place.user_file()),
        (SourceKind::Project, here.project.join(PROJECT_FILE)),
        (SourceKind::Local, here.project.join(LOCAL_FILE)),
    ];
    if arguments.files.is_empty() {
        let there = places.into_iter().filter(|(_, path)| path.exists());
        return there.map(|(kind, path)| (Some(kind), here.short(&path), path)).collect();
    }
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let known: Vec<(SourceKind, PathBuf)> = places.iter().map(|(kind, path)| (*kind, real(path))).collect();
    let named = |path: &PathBuf| {
        let real = real(path);
        let kind = known.iter().find(|(_, its)| *its == real).map_or_else(|| kind_of(path), |(kind, _)| Some(*kind));
        (kind, path.display().to_string(), path.clone())
    };
    arguments.files.iter().map(named).collect()
}

/// What kind of file a draft elsewhere is for, by its name. Of ours with another name it is taken for the one with all
/// the keys.
fn kind_of(path: &Path) -> Option<SourceKind> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(PROJECT_FILE) => Some(SourceKind::Project),
        Some(LOCAL_FILE) => Some(SourceKind::Local),
        _ => None,
    }
}

/// The text of a policy file; no more of it than is needed to see that it is too long.
fn read(path: &Path, name: &str) -> Result<String> {
    let mut text = String::new();
    let most = u64::try_from(document::MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
    read.with_context(|| format!("`{}` could not be read", crate::screen::printable(name)))?;
    Ok(text)
}

fn show(here: &Here, all: &[Findings], problems: usize, warnings: usize) -> Result<()> {
    let value = |problem: &Problem| {
        json!({"line": problem.line, "column": problem.column, "start": problem.span.start, "end": problem.span.end,
            "message": problem.message, "help": problem.help})
    };
    let files: Vec<Value> = all
        .iter()
        .map(|file| {
            json!({"file": file.name, "kind": file.kind, "problems": file.problems.iter().map(value).collect::<Vec<_>>(),
                "warnings": file.warnings.iter().map(value).collect::<Vec<_>>()})
        })
        .collect();
    here.screen.value(&json!({"files": files, "problems": problems, "warnings": warnings}))?;
    for file in all {
        for problem in file.problems.iter().chain(&file.warnings) {
            here.screen.line(problem.render(&file.text))?;
        }
    }
    let number = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    match (all.len(), problems, warnings) {
        (0, ..) => here.screen.line("There are no policy files here, so nothing to check."),
        (files, 0, 0) => here.screen.line(format!("No warnings in {}.", number(files, "file"))),
        (_, 0, warnings) => here.screen.line(number(warnings, "warning")),
        (_, problems, 0) => here.screen.line(number(problems, "mistake")),
        (_, problems, warnings) => {
            here.screen.line(format!("{}, {}", number(problems, "mistake"), number(warnings, "warning")))
        }
    }
}
