//! Claude Code's settings: `settings.json` of all its layers, to one source in its own terms.
//!
//! As its documentation of August 2026 has it (versions 2.1.2xx): the lists of all files are one, and a denial counts
//! before an ask, an ask before an allow, however narrow. A rule's file decides only where a path with one `/` in front
//! starts, and whether its allows count: those of a project's files do once the workspace is trusted.
//!
//! Where we are stricter:
//! - asks and denies hold whatever the case of letters, and for every way to say a command that we know (`env`, `sudo`,
//!   `bash -c`), not only for those that Claude Code takes off;
//! - a path that may not be read or edited may not be touched by any command that names it, not only by `cat`, `head`,
//!   `tail` and `sed`;
//! - an ask or a deny on a path for `Write`, `MultiEdit`, `NotebookEdit`, `Grep` or `Glob` holds, though Claude Code never
//!   looks at it;
//! - the words that `xargs` adds are no words of an exact rule;
//! - what is wrong with a file refuses it: no rule is passed over because it cannot be read.
//!
//! Modes are the host's and never loosen what we answer. [`would()`] says what Claude Code itself would do, for reports.

mod file;
mod import;
mod known;
mod paths;
mod rule;
#[cfg(test)]
mod tests;
mod would;

use countersign_policy::document::Problem;
use countersign_policy::{Combining, Source, SourceKind, Terms};

use crate::Text;

pub use import::{import, report};
pub use would::{Verdict, offers, would};

/// Which of Claude Code's files it is: the settings of those before count before those behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The administrator's: `/etc/claude-code/managed-settings.json` and what lies in `managed-settings.d`.
    Managed,
    /// The command line: `--settings`, and `--allowedTools` and its kin written as settings.
    CommandLine,
    /// `.claude/settings.local.json`.
    Local,
    /// `.claude/settings.json`.
    Project,
    /// `~/.claude/settings.json`.
    User,
}

/// One settings file.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// Which it is.
    pub layer: Layer,
    /// What is in it.
    pub text: Text<'a>,
    /// The folder that paths with one `/` in front start from, where the layer does not say: that of a file given with
    /// `--settings`. Absolute.
    pub folder: Option<String>,
}

impl<'a> File<'a> {
    /// The file of this name, by where it lies: a user's in their home directory, a project's in the project, another
    /// project's with that project's folder, any other as if it were given with `--settings`.
    pub fn of(text: &Text<'a>, home: &str, project: &str) -> File<'a> {
        let (folder, name) = text.name.rsplit_once('/').unwrap_or_default();
        let root = folder.strip_suffix("/.claude");
        let is = |place: &str| root.is_some_and(|root| !place.is_empty() && root == place.trim_end_matches('/'));
        let (layer, folder) = match name {
            "managed-settings.json" => (Layer::Managed, None),
            "settings.local.json" if is(project) => (Layer::Local, None),
            "settings.json" if is(project) => (Layer::Project, None),
            "settings.json" if is(home) => (Layer::User, None),
            _ => (Layer::CommandLine, Some(root.unwrap_or(folder).to_owned())),
        };
        File { layer, text: text.clone(), folder }
    }
}

/// How much Claude Code asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Before all but reading.
    #[default]
    Default,
    /// Edits in the working directories run.
    AcceptEdits,
    /// Nothing is edited.
    Plan,
    /// A model decides what is asked about.
    Auto,
    /// What would be asked about is denied.
    DontAsk,
    /// What no rule asks about runs.
    BypassPermissions,
}

/// All settings about permissions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its rules, as one source.
    pub source: Source,
    /// The mode that a session starts in.
    pub mode: Mode,
    /// Folders beside the project in which files count as the project's, as they were written.
    pub additional: Vec<String>,
    /// Whether no session runs without questions, whatever its mode says.
    pub no_bypass: bool,
    /// Whether no session is decided by a model, whatever its mode says.
    pub no_auto: bool,
    /// Whether nothing outside the working directories is read.
    pub reads_stay_inside: bool,
    /// Rules that never apply, or not as they read, and why.
    pub notes: Vec<Problem>,
}

/// The name of the source.
const NAME: &str = "Claude Code's settings";

/// Reads the files of all layers. `trusted`: whether the user has said that they trust the project's folder.
///
/// # Errors
/// All that is wrong with any of them.
pub fn read(files: &[File<'_>], trusted: bool) -> Result<Settings, Vec<Problem>> {
    let mut ordered: Vec<&File<'_>> = files.iter().collect();
    ordered.sort_by_key(|file| file.layer);
    let (mut problems, mut read) = (Vec::new(), Vec::new());
    for file in ordered {
        match file::read(file) {
            Ok(one) => read.push((file.layer, one)),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let managed_only = read.iter().any(|(layer, file)| *layer == Layer::Managed && file.managed_rules_only);
    let mut settings = Settings {
        source: Source::new(SourceKind::User, NAME, true, Vec::new()),
        mode: mode(&read),
        additional: Vec::new(),
        no_bypass: read.iter().any(|(_, file)| file.no_bypass),
        no_auto: read.iter().any(|(_, file)| file.no_auto),
        reads_stay_inside: read.iter().any(|(_, file)| file.reads_stay_inside),
        notes: Vec::new(),
    };
    let mut rules = Vec::new();
    for (layer, file) in read {
        settings.notes.extend(file.notes);
        let grants = trusted || !matches!(layer, Layer::Local | Layer::Project);
        if grants {
            settings.additional.extend(file.additional);
        }
        if managed_only && layer != Layer::Managed {
            continue;
        }
        let is_allow = |rule: &countersign_policy::Rule| rule.effect == countersign_policy::Effect::Allow;
        rules.extend(file.rules.into_iter().filter(|rule| grants || !is_allow(rule)));
    }
    settings.source =
        Source::new(SourceKind::User, NAME, true, rules).speaking(Terms::ClaudeCode, Combining::Strictest);
    Ok(settings)
}

/// The mode of the first layer that names one. What a project's files may not choose is the default mode, whatever the
/// layers behind say.
fn mode(read: &[(Layer, file::Read)]) -> Mode {
    let named = read.iter().find_map(|(layer, file)| file.mode.map(|mode| (*layer, mode)));
    match named {
        Some((Layer::Local | Layer::Project, Mode::Auto | Mode::BypassPermissions)) | None => Mode::Default,
        Some((_, mode)) => mode,
    }
}

impl Mode {
    /// The mode of that name, as Claude Code writes it in settings and tells its hooks.
    pub fn named(name: &str) -> Option<Mode> {
        Some(match name {
            "default" | "manual" => Mode::Default,
            "acceptEdits" => Mode::AcceptEdits,
            "plan" => Mode::Plan,
            "auto" => Mode::Auto,
            "dontAsk" => Mode::DontAsk,
            "bypassPermissions" => Mode::BypassPermissions,
            _ => return None,
        })
    }

    /// All names.
    const NAMES: &str = "default, manual, acceptEdits, plan, auto, dontAsk or bypassPermissions";
}
