//! `countersign lint`: warnings about the policy files. It only reads.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use countersign_engine::{LOCAL_FILE, PROJECT_FILE};
use countersign_formats::import::{Became, Fate, Report};
use countersign_formats::{PlatformError, Setting, System, Text};
use countersign_policy::document::{self, Document, Problem, quoted};
use countersign_policy::lint::{lint, lint_source};
use countersign_policy::{Source, SourceKind};
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
        let system = match &arguments.system {
            Some(word) => Some(system_named(word)?),
            None if kind.is_none() => System::of(&Text::new(name.as_str(), &text)),
            None => None,
        };
        let kind = kind.unwrap_or(SourceKind::Managed);
        if let (None, Some(_)) = (system, &arguments.platform) {
            bail!("`{name}` is a file of ours, and `--platform` is for those of other systems: take it out");
        }
        let found = match system {
            None => document::parse(kind, &name, &text).map(|document| {
                let taken =
                    if arguments.files.is_empty() { taken_in(&document, &path, here) } else { TakenIn::default() };
                let sources: Vec<&Source> = taken.sources.iter().collect();
                let warnings = lint(&document, &text, &sources, now);
                (taken, warnings)
            }),
            Some(system) => {
                let warnings = elsewhere((system, arguments.platform.as_deref()), &name, &text, here)?;
                warnings.map(|warnings| (TakenIn::default(), warnings))
            }
        };
        match found {
            Ok((taken, mut warnings)) => {
                warnings.extend(taken.warnings);
                let problems = taken.problems;
                all.push(Findings { kind, name, text, problems, warnings });
                all.extend(taken.files);
            }
            Err(problems) => all.push(Findings { kind, name, text, problems, warnings: Vec::new() }),
        }
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

/// The system that an option names.
pub(super) fn system_named(word: &str) -> Result<System> {
    let known: Vec<&str> = System::ALL.iter().map(|system| system.word()).collect();
    System::named(word).with_context(|| format!("there is no system `{word}`: write one of {}", known.join(", ")))
}

/// That a system knows nothing of a platform that an option names.
pub(super) fn refused(error: PlatformError) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", error.message, error.help)
}

/// The warnings about another system's file.
fn elsewhere(
    (system, platform): (System, Option<&str>),
    name: &str,
    text: &str,
    here: &Here,
) -> Result<Result<Vec<Problem>, Vec<Problem>>> {
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let platform = platform.map(|word| system.platform(word)).transpose().map_err(refused)?;
    let setting = Setting { kind: SourceKind::User, trusted: true, agent: None, platform, home, project };
    let file = Text::new(name, text);
    let imported = system.read(std::slice::from_ref(&file), &setting);
    Ok(imported.map(|imported| {
        let mut found = warnings(&imported.sources, name, text);
        let report = system.report(std::slice::from_ref(&file), &setting);
        let never = report.map(|report| never_decide(&file, &report)).unwrap_or_default();
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

/// The warnings about what of the sources stands in a file.
fn warnings(sources: &[Source], name: &str, text: &str) -> Vec<Problem> {
    sources.iter().flat_map(|source| lint_source(source, (name, text), here::clock())).collect()
}

/// What a policy file takes in, and what is to be said of it.
#[derive(Default)]
struct TakenIn {
    sources: Vec<Source>,
    /// What is wrong with an import, in the policy file.
    problems: Vec<Problem>,
    /// What is suspicious about an import, in the policy file.
    warnings: Vec<Problem>,
    /// What is said of the files themselves.
    files: Vec<Findings>,
}

/// Looks at the files that a policy file takes in. Of those of a project nothing is told that stands in them: whoever wrote
/// the repository names them, and an agent may run this.
fn taken_in(document: &Document, path: &Path, here: &Here) -> TakenIn {
    let mut taken = TakenIn::default();
    let kind = document.kind;
    let own = matches!(kind, SourceKind::Project | SourceKind::Local);
    for import in &document.imports {
        let Ok((home, project)) = places(here) else { continue };
        let members = here::text(path).and_then(|path| here.members(kind, import, path));
        let members = match members {
            Ok(Ok(members)) => members,
            Ok(Err(problem)) => {
                taken.problems.push(problem);
                continue;
            }
            Err(error) => {
                taken.problems.push(import.problem(error.to_string(), None));
                continue;
            }
        };
        let (agent, platform) = (import.agent.as_deref(), members.platform);
        let setting = Setting { kind, trusted: true, agent, platform, home, project };
        let read = members.system.read(&members.texts(), &setting);
        let mut found: Vec<Findings> = Vec::new();
        for (path, text) in &members.files {
            let (problems, warnings) = match &read {
                Ok(imported) => (Vec::new(), warnings(&imported.sources, path, text)),
                Err(problems) => {
                    (problems.iter().filter(|problem| problem.file == *path).cloned().collect(), Vec::new())
                }
            };
            let name = here.short(Path::new(path));
            found.push(Findings { kind, name, text: text.clone(), problems, warnings });
        }
        if let Ok(imported) = read {
            taken.sources.extend(imported.sources);
        }
        if own {
            for file in &found {
                let word = members.system.word();
                let help =
                    format!("`countersign lint --system {word} {}` shows them, on a terminal of yours", file.name);
                let told = |count: usize, what: &str| {
                    let several = if count == 1 { "" } else { "s" };
                    import.problem(
                        format!("`{}` has {count} {what}{several} as a file of {word}", file.name),
                        Some(help.clone()),
                    )
                };
                taken.problems.extend((!file.problems.is_empty()).then(|| told(file.problems.len(), "mistake")));
                taken.warnings.extend((!file.warnings.is_empty()).then(|| told(file.warnings.len(), "warning")));
            }
        } else {
            taken.files.extend(found);
        }
    }
    taken
}

fn places(here: &Here) -> Result<(&str, &str)> {
    Ok((here::text(here.place.home())?, here::text(&here.project)?))
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
