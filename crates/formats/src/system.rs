//! Whose file it is, and what it comes to.

use std::sync::Arc;

use countersign_policy::document::{Imported, Problem};
use countersign_policy::{Rule, Source, SourceKind, sha256_hex};

use crate::import::{Became, Fate, Report};
use crate::json::{self, Grammar};
use crate::{Text, claude_code, clawbolt, codex, flowfuse, openclaw, opencode, surfsense};

/// A system whose files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// Claude Code: `settings.json`.
    ClaudeCode,
    /// clawbolt: `PERMISSIONS.json`.
    Clawbolt,
    /// Codex: `*.rules`, and the rules of `requirements.toml`.
    Codex,
    /// FlowFuse Expert: what a browser keeps of tool permissions.
    FlowFuse,
    /// OpenClaw: `exec-approvals.json`.
    OpenClaw,
    /// OpenCode: `opencode.json`.
    OpenCode,
    /// SurfSense: lists of rules.
    SurfSense,
}

/// What a source is made for.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The kind of the file that takes it in.
    pub kind: SourceKind,
    /// Whether its allows count.
    pub trusted: bool,
    /// The agent whose rules count; `None`: the system's own default.
    pub agent: Option<&'a str>,
    /// The user's home directory.
    pub home: &'a str,
    /// The project's real path.
    pub project: &'a str,
}

impl System {
    /// All systems.
    pub const ALL: [System; 7] = [
        System::ClaudeCode,
        System::Clawbolt,
        System::Codex,
        System::FlowFuse,
        System::OpenClaw,
        System::OpenCode,
        System::SurfSense,
    ];

    /// Its name in a policy file.
    pub fn word(self) -> &'static str {
        match self {
            System::ClaudeCode => "claude-code",
            System::Clawbolt => "clawbolt",
            System::Codex => "codex",
            System::FlowFuse => "flowfuse",
            System::OpenClaw => "openclaw",
            System::OpenCode => "opencode",
            System::SurfSense => "surfsense",
        }
    }

    /// The system of that name.
    pub fn named(word: &str) -> Option<System> {
        System::ALL.into_iter().find(|system| system.word() == word)
    }

    /// Whose file this is, by its name, else by what is in it.
    pub fn of(file: &Text<'_>) -> Option<System> {
        let name = file.name.rsplit('/').next().unwrap_or_default();
        by_name(name).or_else(|| by_content(file))
    }

    /// The file as sources that decide as the system does.
    ///
    /// # Errors
    /// All that is wrong with it. Such a file counts for nothing: whoever loads it denies until it is mended.
    pub fn read(self, file: &Text<'_>, setting: &Setting<'_>) -> Result<Imported, Vec<Problem>> {
        let Setting { kind, trusted, agent, home, .. } = *setting;
        let name = || Arc::clone(&file.name);
        let mut imported = Imported { content: sha256_hex(file.text.as_bytes()), ..Imported::default() };
        let source = match self {
            System::ClaudeCode => {
                let place = claude_code::File::of(file, home, setting.project);
                let mut source = claude_code::read(&[place], true)?.source;
                (source.kind, source.name, source.trusted) = (kind, name(), trusted);
                source
            }
            System::Clawbolt => {
                let problems = clawbolt::check(file);
                if !problems.is_empty() {
                    return Err(problems);
                }
                imported.tools = clawbolt::extract::catalog();
                clawbolt::read(file, kind, trusted, &clawbolt::Defaults::default())?
            }
            System::Codex => codex::source(&codex::read(file)?, kind, name(), trusted, codex::Resolution::ByName),
            System::FlowFuse => {
                let (source, tools) = flowfuse::read(file, kind, trusted, agent)?;
                imported.tools = tools;
                source
            }
            System::OpenClaw => {
                let resolved = approvals(file, setting)?;
                imported.remembered.push(openclaw::granted(kind, name(), trusted, &resolved));
                openclaw::source(kind, name(), trusted, &resolved)
            }
            System::OpenCode => {
                let config = opencode::Config::read(std::slice::from_ref(file))?;
                let rules = config.rules(agent.unwrap_or("build"), home);
                opencode::source(kind, name(), trusted, &rules, opencode::Platform::Posix)
            }
            System::SurfSense => {
                let layers = surfsense::read(file)?;
                surfsense::source(kind, name(), trusted, layers.iter().flat_map(|layer| &layer.rules))
            }
        };
        imported.sources.push(source);
        Ok(imported)
    }

    /// What each rule of the file becomes in ours.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn report(self, file: &Text<'_>, setting: &Setting<'_>) -> Result<Report, Vec<Problem>> {
        match self {
            System::ClaudeCode => claude_code::report(&claude_code::File::of(file, setting.home, setting.project)),
            System::Clawbolt => clawbolt::report(file),
            System::Codex => Ok(Report { file: Arc::clone(&file.name), rules: codex::import(&codex::read(file)?) }),
            System::FlowFuse => flowfuse::report(file, setting.agent),
            System::OpenClaw => {
                let rules = openclaw::import(&file.name, &approvals(file, setting)?);
                Ok(Report { file: Arc::clone(&file.name), rules })
            }
            System::OpenCode | System::SurfSense => {
                let imported = self.read(file, setting)?;
                // What comes with the system stands in no line.
                let written = imported.sources.iter().flat_map(Source::rules).filter(|rule| rule.origin.line > 0);
                Ok(Report { file: Arc::clone(&file.name), rules: written.map(kept).collect() })
            }
        }
    }
}

/// A rule of which order is part.
fn kept(rule: &Rule) -> Fate {
    let why = "the last rule that matches decides there, and the strictest here".to_owned();
    Fate { origin: rule.origin.clone(), became: Became::Kept { why } }
}

/// OpenClaw's policy for an agent of its gateway on this machine.
fn approvals(file: &Text<'_>, setting: &Setting<'_>) -> Result<openclaw::Resolved, Vec<Problem>> {
    let machine = if cfg!(target_os = "macos") { openclaw::Machine::Mac } else { openclaw::Machine::Linux };
    Ok(openclaw::parse(file, machine)?.resolve(Some(setting.agent.unwrap_or("main"))))
}

fn by_name(name: &str) -> Option<System> {
    match name {
        "managed-settings.json" | "settings.local.json" => Some(System::ClaudeCode),
        "PERMISSIONS.json" => Some(System::Clawbolt),
        "exec-approvals.json" => Some(System::OpenClaw),
        "opencode.json" | "opencode.jsonc" => Some(System::OpenCode),
        "requirements.toml" => Some(System::Codex),
        "product-assistant.json" => Some(System::FlowFuse),
        _ if name.ends_with(".rules") => Some(System::Codex),
        _ => None,
    }
}

fn by_content(file: &Text<'_>) -> Option<System> {
    if ["prefix_rule(", "network_rule(", "host_executable("].iter().any(|call| file.text.contains(call)) {
        return Some(System::Codex);
    }
    let root = json::parse(file, Grammar::Jsonc).ok()?;
    let has = |name: &str| root.member(name).is_some();
    if let Some(items) = root.list() {
        let is_rule = |item: &json::Node| item.member("rules").is_some() || item.member("permission").is_some();
        return (!items.is_empty() && items.iter().all(is_rule)).then_some(System::SurfSense);
    }
    if has("version") && has("agents") {
        return Some(System::OpenClaw);
    }
    if has("toolPreferencesByTeam") || has("toolDefaultsByTeam") {
        return Some(System::FlowFuse);
    }
    if root.member("permissions").is_some_and(|node| node.object().is_some()) {
        return Some(System::ClaudeCode);
    }
    (has("permission") || has("agent") && has("$schema")).then_some(System::OpenCode)
}

#[cfg(test)]
mod tests {
    use countersign_policy::document::SYSTEMS;

    use super::System;
    use crate::Text;

    #[test]
    fn every_system_has_its_name() {
        assert_eq!(System::ALL.map(System::word), SYSTEMS);
        assert!(System::ALL.iter().all(|system| System::named(system.word()) == Some(*system)));
    }

    #[test]
    fn files_are_known_by_name_or_content() {
        for (name, text, system) in [
            ("a/opencode.jsonc", "", Some(System::OpenCode)),
            ("default.rules", "", Some(System::Codex)),
            ("x", "prefix_rule(pattern=[\"ls\"])", Some(System::Codex)),
            ("x.json", "{\"permission\": \"ask\"}", Some(System::OpenCode)),
            ("x.json", "{\"version\": 1, \"agents\": {}}", Some(System::OpenClaw)),
            ("x.json", "[{\"permission\": \"a\", \"action\": \"ask\"}]", Some(System::SurfSense)),
            ("x.json", "[]", None),
            ("x.json", "{", None),
            ("countersign.toml", "allow = []", None),
        ] {
            assert_eq!(System::of(&Text::new(name, text)), system, "{name} {text}");
        }
    }
}
