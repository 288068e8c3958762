//! `countersign policy show` and `countersign test`.

use anyhow::{Result, bail};
use countersign_engine::{LOCAL_FILE, NothingKnown, PROJECT_FILE};
use countersign_policy::{SourceKind, document};
use serde_json::json;

use crate::args::{Policy, PolicyCommand, Which};
use crate::file;
use crate::here::Here;
use crate::place::MANAGED_FILE;
use crate::screen::{Paint, printable};

pub(crate) fn run(arguments: &Policy, here: &Here) -> Result<()> {
    let PolicyCommand::Show { which } = arguments.command;
    let wanted = |kind: Which| which == kind || which == Which::All;
    let mut texts: Vec<(SourceKind, String, String)> = Vec::new();
    let mut file = |kind, path: std::path::PathBuf| -> Result<()> {
        if let Some(text) = file::read(&path)? {
            texts.push((kind, here.short(&path), text));
        }
        Ok(())
    };
    if wanted(Which::Managed) {
        file(SourceKind::Managed, MANAGED_FILE.into())?;
    }
    if wanted(Which::User) {
        file(SourceKind::User, here.place.user_file())?;
    }
    if wanted(Which::Project) {
        file(SourceKind::Project, here.project.join(PROJECT_FILE))?;
        file(SourceKind::Local, here.project.join(LOCAL_FILE))?;
    }
    if wanted(Which::Builtin) {
        texts.push((SourceKind::Builtin, "built-in rules".to_owned(), document::builtin_text().to_owned()));
    }
    if texts.is_empty() {
        bail!("there is no such policy file here: `countersign allow 'RULE'` makes yours, `--project` the project's");
    }
    let values: Vec<_> =
        texts.iter().map(|(kind, name, text)| json!({"kind": kind, "file": name, "text": text})).collect();
    here.screen.value(&values)?;
    for (_, name, text) in &texts {
        if texts.len() > 1 {
            here.screen.line(here.screen.paint(Paint::Strong, format!("# ===== {}", printable(name))))?;
        }
        here.screen.line(countersign_engine::show::printable_lines(text).trim_end())?;
    }
    Ok(())
}

/// Checks the examples of all policy files. A failing one is a fault, with its place.
pub(crate) fn test(here: &Here) -> Result<()> {
    let reading = here.load(&NothingKnown)?;
    let mut total = 0;
    let mut files = Vec::new();
    for found in &reading.files {
        let text = file::read(found.path.as_ref())?.unwrap_or_default();
        let count = document::parse(found.kind, &found.path, &text).map_or(0, |document| document.examples().len());
        total += count;
        files.push(json!({"file": found.path, "examples": count}));
        here.screen.line(format!("{}: {count} examples hold", here.short(found.path.as_ref())))?;
    }
    here.screen.value(&json!({"files": files, "examples": total}))?;
    if reading.files.is_empty() {
        here.screen.line("There are no policy files here, so nothing to check.")?;
    }
    Ok(())
}
