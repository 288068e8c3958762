//! `countersign trust`: whether the allow rules that come with a project count.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use countersign_engine::{LOCAL_FILE, PROJECT_FILE, place_of_import};
use countersign_formats::{Setting, System, Text};
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

/// A file whose allows may count.
struct Candidate {
    kind: SourceKind,
    path: PathBuf,
    text: String,
    /// How a policy file takes it in, if it is another system's.
    import: Option<Import>,
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
            found.push(Candidate { kind, path, text, import: None });
            found.extend(imports);
        }
    }
    if found.is_empty() {
        bail!("there is no {PROJECT_FILE} and no {LOCAL_FILE} in {}", here.short(&here.project));
    }
    if arguments.remove {
        return distrust(here, found.iter().map(|one| one.path.as_path()));
    }
    for one in &found {
        show(here, one)?;
    }
    let terminal = Terminal::of_a_human("trusting a project's rules")?;
    if !arguments.yes && !terminal.confirm("Let these allow rules count for you, as long as nobody changes them?")? {
        return here.screen.line("Nothing was changed.");
    }
    let mut store = here.store()?;
    for Candidate { path, text, .. } in &found {
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
    let home = here::text(here.place.home())?;
    let mut found = Vec::new();
    for import in document.imports {
        let Some(place) = place_of_import(&import, written, home).map(PathBuf::from) else { continue };
        let Some(text) = file::read(&place)? else {
            bail!("`{}` takes in `{}`, which is not there", here.short(path), here.short(&place));
        };
        found.push(Candidate { kind, path: place, text, import: Some(import) });
    }
    Ok(found)
}

/// What a file would allow, and what else it says.
fn show(here: &Here, of: &Candidate) -> Result<()> {
    let screen = here.screen;
    let sources = sources(here, of)?.map_err(|problems| {
        let report: Vec<String> = problems.iter().map(|problem| problem.render(&of.text)).collect();
        anyhow::anyhow!("it has mistakes, and cannot be trusted:\n{}", report.join("\n").trim_end())
    })?;
    screen.line(screen.paint(Paint::Strong, here.short(&of.path)))?;
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
    let name = of.path.display().to_string();
    let Some(import) = &of.import else {
        let read = document::parse(of.kind, &name, &of.text);
        return Ok(read.map(|document| document::assemble(vec![document::Loaded::new(document, true)]).sources));
    };
    let file = Text::new(name.as_str(), &of.text);
    let system = import.system.as_deref().map_or_else(|| System::of(&file), System::named);
    let Some(system) = system else { bail!("whose file `{}` is cannot be told", here.short(&of.path)) };
    let (home, project) = (here::text(here.place.home())?, here::text(&here.project)?);
    let setting = Setting { kind: of.kind, trusted: true, agent: import.agent.as_deref(), home, project };
    Ok(system.read(&file, &setting).map(|Imported { sources, .. }| sources))
}

/// Trusts this content of a file, and says so.
pub(super) fn trust(here: &Here, store: &mut Store, path: &Path, text: &str) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    block_on(store.trust(here::text(path)?, &sha256_hex(text.as_bytes()), &here.user, now))?;
    here.screen.value(&json!({"file": path, "trusted": true}))?;
    here.screen.line(format!("{}: trusted, as long as nobody changes it", here.short(path)))
}
