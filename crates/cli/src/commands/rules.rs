//! `countersign allow`, `ask`, `deny`: rules into policy files. `countersign undo`: out of them again.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use countersign_engine::{FileError, Files, Known, Meta, PROJECT_FILE};
use countersign_policy::{Effect, SourceKind, sha256_hex};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use serde_json::{Value, json};

use crate::args::{Rule, Undo};
use crate::file::{self, Mode};
use crate::here::{self, Here};
use crate::policy_edit::{NewRule, with_rule};
use crate::terminal::Terminal;

/// The head of a project's file.
pub(super) const PROJECT_HEAD: &str = "\
# What agents may do in this project. Asks and denies hold for everybody who works here; allows count for those who ran
# `countersign trust`. The strictest rule that matches holds, whatever the order.
";

pub(crate) fn add(effect: Effect, rule: &Rule, here: &Here) -> Result<()> {
    let _terminal = Terminal::of_a_human("changing a policy")?;
    let expires = match rule.length {
        None => None,
        Some(_) if effect != Effect::Allow => bail!("only an allow rule can end by itself: leave `--for` out"),
        Some(length) => {
            let until = here::clock().plus_seconds(length.seconds()).utc();
            Some(until.parse().context("the time at which the rule ends cannot be written")?)
        }
    };
    let (path, head, kind) = if rule.project {
        (here.project.join(PROJECT_FILE), PROJECT_HEAD, SourceKind::Project)
    } else {
        (here.place.user_file(), crate::init::HEAD, SourceKind::User)
    };
    let _lock = file::lock(&here.place.edits_lock())?;
    let old = file::read(&path)?;
    let base = old.clone().unwrap_or_else(|| format!("{head}\n"));
    let new = NewRule { expires, ..NewRule::plain(effect, rule.rule.trim()) };
    let about = || format!("`{}` was left alone", here.short(&path));
    let Some(text) = with_rule(&base, &new).with_context(about)? else {
        here.screen.value(&json!({"file": path, "changed": false}))?;
        return here.screen.line(format!("{} says so already.", here.short(&path)));
    };
    let detail = json!({ "effect": effect, "rule": new.rule });
    let change = Change { path, kind, old, text };
    let diff = (change.old.clone().unwrap_or_default(), change.text.clone());
    let shown = here.short(&change.path);
    change.apply(here, &detail)?;
    here.screen.line(shown)?;
    here.screen.diff(&diff.0, &diff.1)?;
    here.screen.line("`countersign undo` takes it back.")
}

/// A policy file as it is going to be.
pub(super) struct Change {
    pub(super) path: PathBuf,
    pub(super) kind: SourceKind,
    pub(super) old: Option<String>,
    pub(super) text: String,
}

impl Change {
    /// Writes it, if the policy can be loaded with it, so that it can be undone. What was trusted stays so.
    pub(super) fn apply(self, here: &Here, detail: &Value) -> Result<()> {
        let Change { path, kind, old, text } = self;
        let about = || format!("`{}` was left alone", here.short(&path));
        let mut store = here.store()?;
        let known = block_on(store.known(&here.user))?;
        let was_trusted = match &old {
            Some(old) => known.trusted(here::text(&path)?, &sha256_hex(old.as_bytes())),
            None => true,
        };
        here.load_from(&Instead { path: here::text(&path)?, text: &text }, &known).with_context(about)?;
        let mode = if kind == SourceKind::User { Mode::Private } else { Mode::Shared };
        let now = block_on(store.clock(here::clock()))?;
        let edit = block_on(store.edit(&here.user, here::text(&path)?, old.as_deref(), Some(&text), now))?;
        let mut detail = detail.clone();
        if let Some(members) = detail.as_object_mut() {
            members.insert("path".to_owned(), json!(path));
            members.insert("edit".to_owned(), json!(edit));
        }
        block_on(store.audit(&here.user, "policy edited", &detail, now))?;
        file::replace(&path, &text, mode)?;
        here.screen.value(&json!({"file": path, "changed": true, "before": old, "after": text}))?;
        if kind == SourceKind::Project {
            if was_trusted {
                super::trust::trust(here, &mut store, &path, &text)?;
            } else {
                here.screen.line("Its allow rules do not count for you yet: see `countersign trust`.")?;
            }
        }
        Ok(())
    }
}

pub(crate) fn undo(arguments: &Undo, here: &Here) -> Result<()> {
    let terminal = Terminal::of_a_human("changing a policy")?;
    let _lock = file::lock(&here.place.edits_lock())?;
    let mut store = here.store()?;
    let edits = block_on(store.edits(&here.user, 100))?;
    let Some(edit) = edits.into_iter().find(|edit| edit.undone.is_none()) else { bail!("there is nothing to undo") };
    let path = PathBuf::from(&edit.path);
    let current = file::read(&path)?;
    if current != edit.after {
        bail!("`{}` was changed since: edit it yourself", here.short(&path));
    }
    here.screen.line(here.short(&path))?;
    here.screen.diff(current.as_deref().unwrap_or_default(), edit.before.as_deref().unwrap_or_default())?;
    if !arguments.yes && !terminal.confirm("Put it back so?")? {
        return here.screen.line("Nothing was changed.");
    }
    let now = block_on(store.clock(here::clock()))?;
    block_on(store.audit(&here.user, "policy edit undone", &json!({"path": path, "edit": edit.id}), now))?;
    match &edit.before {
        Some(text) => file::replace(&path, text, Mode::Private)?,
        None => std::fs::remove_file(&path).with_context(|| format!("`{}` could not be removed", path.display()))?,
    }
    block_on(store.edit_undone(edit.id, now))?;
    if path != here.place.user_file() {
        // What was trusted is no longer what stands there: say it again for what stands there now.
        block_on(store.untrust(here::text(&path)?, &here.user, now))?;
    }
    here.screen.value(&json!({"file": path, "before": current, "after": edit.before}))?;
    here.screen.line("Undone.")
}

/// The disk, but for one file, which reads as it is going to be.
struct Instead<'a> {
    path: &'a str,
    text: &'a str,
}

impl Files for Instead<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        if path == self.path { Ok(Some(self.text.as_bytes().to_vec())) } else { Disk.read(path) }
    }

    fn real_path(&self, path: &str) -> Option<String> {
        Disk.real_path(path)
    }

    fn meta(&self, path: &str) -> Option<Meta> {
        Disk.meta(path)
    }

    fn list(&self, path: &str) -> Option<Vec<(String, bool)>> {
        Disk.list(path)
    }
}
