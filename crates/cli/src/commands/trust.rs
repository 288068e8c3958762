//! `countersign trust`: whether the allow rules that come with a project count.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use countersign_engine::{LOCAL_FILE, Members, PROJECT_FILE};
use countersign_formats::{Platform, Setting, System, Text};
use countersign_policy::document::{self, Import, Imported, Problem};
use countersign_policy::{Effect, Source, SourceKind, sha256_hex};
use countersign_service::block_on::block_on;
use countersign_service::store::Store;
use serde_json::json;

use crate::args;
use crate::file;
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;

/// Files whose allows may count: one of ours, or those that it takes in by one import.
struct Candidate {
    kind: SourceKind,
    files: Vec<(PathBuf, String)>,
    /// How a policy file takes them in, if they are another system's.
    import: Option<(Import, System, Option<Platform>)>,
}

pub(crate) fn run(arguments: &args::Trust, here: &Here) -> Result<()> {
    let files: Vec<(SourceKind, PathBuf)> = vec![
        (SourceKind::Project, here.project.join(PROJECT_FILE)),
        (SourceKind::Local, here.project.join(LOCAL_FILE)),
    ];
    let mut found = Vec::new();
    for (kind, path) in files {
        if let Some(text) = file::read(&path)? {
            let imports = imports(here, kind, &path, &text)?;
            found.push(Candidate { kind, files: vec![(path, text)], import: None });
            found.extend(imports);
        }
    }
    if found.is_empty() {
        bail!("there is no {PROJECT_FILE} and no {LOCAL_FILE} in {}", here.short(&here.project));
    }
    if arguments.remove {
        return distrust(here, found.iter().flat_map(|one| &one.files).map(|(path, _)| path.as_path()));
    }
    for one in &found {
        show(here, one)?;
    }
    let terminal = Terminal::of_a_human("trusting a project's rules")?;
    if !arguments.yes && !terminal.confirm("Let these allow rules count for you, as long as nobody changes them?")? {
        return here.screen.line("Nothing was changed.");
    }
    let mut store = here.store()?;
    for (path, text) in found.iter().flat_map(|one| &one.files) {
        if file::read(path)?.as_ref() != Some(text) {
            bail!("`{}` was changed meanwhile: look at it again", here.short(path));
        }
        trust(here, &mut store, path, text)?;
    }
    Ok(())
}

fn distrust<'a>(here: &Here, paths: impl Iterator<Item = &'a Path>) -> Result<()> {
    let _terminal = Terminal::of_a_human("changing what is trusted")?;
    let mut store = here.store()?;
    for path in paths {
        let now = block_on(store.clock(here::clock()))?;
        let gone = block_on(store.untrust(here::text(path)?, &here.user, now))?;
        here.screen.value(&json!({"file": path, "trusted": false, "was_trusted": gone}))?;
        let words = if gone { "no longer trusted" } else { "was not trusted" };
        here.screen.line(format!("{}: {words}", here.short(path)))?;
    }
    Ok(())
}

/// The files that a policy file takes in, with what is in them. Of one with mistakes none: it is shown, and refused.
fn imports(here: &Here, kind: SourceKind, path: &Path, text: &str) -> Result<Vec<Candidate>> {
    let written = here::text(path)?;
    let Ok(document) = document::parse(kind, written, text) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for import in document.imports {
        let Members { system, platform, files, .. } = here
            .members(kind, &import, written)?
            .map_err(|problem| anyhow::anyhow!("{}", problem.render(text).trim_end()))?;
        let files = files.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect();
        found.push(Candidate { kind, files, import: Some((import, system, platform)) });
    }
    Ok(found)
}

/// What a file would allow, and what else it says.
fn show(here: &Here, of: &Candidate) -> Result<()> {
    let screen = here.screen;
    let sources = sources(here, of)?.map_err(|problems| {
        let text = |problem: &Problem| {
            let its = of.files.iter().find(|(path, _)| path.as_os_str() == problem.file.as_str());
            its.map_or("", |(_, text)| text)
        };
        let report: Vec<String> = problems.iter().map(|problem| problem.render(text(problem))).collect();
        anyhow::anyhow!("it has mistakes, and cannot be trusted:\n{}", report.join("\n").trim_end())
    })?;
    for (path, _) in &of.files {
        screen.line(screen.paint(Paint::Strong, here.short(path)))?;
    }
    let rules = sources.iter().flat_map(|source| source.rules());
    let allows: Vec<_> = rules.filter(|rule| rule.effect == Effect::Allow).collect();
    if allows.is_empty() {
        screen.line("  it allows nothing: asks and denies count without trust")?;
    }
    for rule in &allows {
        screen.line(format!("  {} {}", screen.effect(Effect::Allow), printable(&rule.origin.text)))?;
    }
    Ok(())
}

/// The rules of a file, or what is wrong with it.
fn sources(here: &Here, of: &Candidate) -> Result<Result<Vec<Source>, Vec<Problem>>> {
    let Some((import, system, platform)) = &of.import else {
        let mut sources = Vec::new();
        for (path, text) in &of.files {
            match document::parse(of.kind, &path.display().to_string(), text) {
                Ok(document) => {
                    sources.extend(document::assemble(vec![document::Loaded::new(document, true)]).sources);
                }
                Err(problems) => return Ok(Err(problems)),
            }
        }
        return Ok(Ok(sources));
    };
    let texts: Vec<Text<'_>> =
        of.files.iter().map(|(path, text)| Text::new(path.display().to_string(), text)).collect();
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let (agent, platform) = (import.agent.as_deref(), *platform);
    let setting = Setting { kind: of.kind, trusted: true, agent, platform, home, project };
    Ok(system.read(&texts, &setting).map(|Imported { sources, .. }| sources))
}

/// Trusts this content of a file, and says so.
pub(super) fn trust(here: &Here, store: &mut Store, path: &Path, text: &str) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    block_on(store.trust(here::text(path)?, &sha256_hex(text.as_bytes()), &here.user, now))?;
    here.screen.value(&json!({"file": path, "trusted": true}))?;
    here.screen.line(format!("{}: trusted, as long as nobody changes it", here.short(path)))
}
