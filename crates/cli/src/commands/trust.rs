//! `countersign trust`: whether the allow rules that come with a project count.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use countersign_engine::{LOCAL_FILE, PROJECT_FILE};
use countersign_policy::{Effect, SourceKind, document, sha256_hex};
use countersign_service::block_on::block_on;
use countersign_service::store::Store;
use serde_json::json;

use crate::args;
use crate::file;
use crate::here::{self, Here};
use crate::screen::{Paint, printable};
use crate::terminal::Terminal;

pub(crate) fn run(arguments: &args::Trust, here: &Here) -> Result<()> {
    let files: Vec<(SourceKind, PathBuf)> = vec![
        (SourceKind::Project, here.project.join(PROJECT_FILE)),
        (SourceKind::Local, here.project.join(LOCAL_FILE)),
    ];
    let mut found = Vec::new();
    for (kind, path) in files {
        if let Some(text) = file::read(&path)? {
            found.push((kind, path, text));
        }
    }
    if found.is_empty() {
        bail!("there is no {PROJECT_FILE} and no {LOCAL_FILE} in {}", here.short(&here.project));
    }
    if arguments.remove {
        return distrust(here, found.iter().map(|(_, path, _)| path.as_path()));
    }
    for (kind, path, text) in &found {
        show(here, *kind, path, text)?;
    }
    let terminal = Terminal::of_a_human("trusting a project's rules")?;
    if !arguments.yes && !terminal.confirm("Let these allow rules count for you, as long as nobody changes them?")? {
        return here.screen.line("Nothing was changed.");
    }
    let mut store = here.store()?;
    for (_, path, text) in &found {
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

/// What a file would allow, and what else it says.
fn show(here: &Here, kind: SourceKind, path: &Path, text: &str) -> Result<()> {
    let screen = here.screen;
    let document = match document::parse(kind, &path.display().to_string(), text) {
        Ok(document) => document,
        Err(problems) => {
            let report: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
            bail!("it has mistakes, and cannot be trusted:\n{}", report.join("\n").trim_end());
        }
    };
    screen.line(screen.paint(Paint::Strong, here.short(path)))?;
    let policy = document::assemble(vec![document::Loaded { document, trusted: true }]);
    let rules = policy.sources.iter().flat_map(|source| source.rules());
    let allows: Vec<_> = rules.filter(|rule| rule.effect == Effect::Allow).collect();
    if allows.is_empty() {
        screen.line("  it allows nothing: asks and denies count without trust")?;
    }
    for rule in &allows {
        screen.line(format!("  {} {}", screen.effect(Effect::Allow), printable(&rule.origin.text)))?;
    }
    Ok(())
}

/// Trusts this content of a file, and says so.
pub(super) fn trust(here: &Here, store: &mut Store, path: &Path, text: &str) -> Result<()> {
    let now = block_on(store.clock(here::clock()))?;
    block_on(store.trust(here::text(path)?, &sha256_hex(text.as_bytes()), &here.user, now))?;
    here.screen.value(&json!({"file": path, "trusted": true}))?;
    here.screen.line(format!("{}: trusted, as long as nobody changes it", here.short(path)))
}
