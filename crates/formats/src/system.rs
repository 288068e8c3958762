//! Whose file it is, and what it comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_policy::document::{Imported, Problem};
use countersign_policy::{Rule, Source, SourceKind, sha256_hex};

use crate::import::{Became, Fate, Report};
use crate::{Text, flowfuse, openclaw, opencode, surfsense};

/// A system whose files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
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
    pub const ALL: [System; 4] = [System::FlowFuse, System::OpenClaw, System::OpenCode, System::SurfSense];

    /// Its name in a policy file.
    pub fn word(self) -> &'static str {
        match self {
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
        let content = sha256_hex(file.text.as_bytes());
        let Setting { kind, trusted, .. } = *setting;
        let name = || Arc::clone(&file.name);
        let (mut remembered, mut tools) = (Vec::new(), BTreeMap::new());
        let sources: Vec<Source> = match self {
            System::FlowFuse => {
                let (source, described) = flowfuse::read(file, kind, trusted, setting.agent)?;
                tools = described;
                vec![source]
            }
            System::OpenClaw => {
                let resolved = openclaw::parse(file, machine())?.resolve(Some(setting.agent.unwrap_or("main")));
                remembered.push(openclaw::granted(kind, name(), trusted, &resolved));
                vec![openclaw::source(kind, name(), trusted, &resolved)]
            }
            System::OpenCode => {
                let config = opencode::Config::read(std::slice::from_ref(file))?;
                let agent = setting.agent.unwrap_or("build");
                let rules = config.rules(agent, setting.home);
                vec![opencode::source(kind, name(), trusted, &rules, opencode::Platform::Posix)]
            }
            System::SurfSense => {
                let layers = surfsense::read(file)?;
                let rules = layers.iter().flat_map(|layer| &layer.rules);
                vec![surfsense::source(kind, name(), trusted, rules)]
            }
        };
        Ok(Imported { sources, remembered, tools, content })
    }
}

impl System {
    /// What each rule of the file becomes in ours.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn report(self, file: &Text<'_>, setting: &Setting<'_>) -> Result<Report, Vec<Problem>> {
        if self == System::FlowFuse {
            return flowfuse::report(file, setting.agent);
        }
        if self == System::OpenClaw {
            let resolved = openclaw::parse(file, machine())?.resolve(Some(setting.agent.unwrap_or("main")));
            return Ok(Report { file: Arc::clone(&file.name), rules: openclaw::import(&file.name, &resolved) });
        }
        let imported = self.read(file, setting)?;
        let written = imported.sources.iter().flat_map(Source::rules).filter(|rule| rule.origin.line > 0);
        let why = match self {
            System::FlowFuse | System::OpenClaw | System::OpenCode | System::SurfSense => {
                "the last rule that matches decides there, and the strictest here"
            }
        };
        let fate = |rule: &Rule| Fate { origin: rule.origin.clone(), became: Became::Kept { why: why.to_owned() } };
        Ok(Report { file: Arc::clone(&file.name), rules: written.map(fate).collect() })
    }
}

/// OpenClaw's gateway on this machine.
fn machine() -> openclaw::Machine {
    if cfg!(target_os = "macos") { openclaw::Machine::Mac } else { openclaw::Machine::Linux }
}

fn by_name(name: &str) -> Option<System> {
    match name {
        "exec-approvals.json" => Some(System::OpenClaw),
        "product-assistant.json" => Some(System::FlowFuse),
        "opencode.json" | "opencode.jsonc" => Some(System::OpenCode),
        _ => None,
    }
}

fn by_content(file: &Text<'_>) -> Option<System> {
    use crate::json::{self, Grammar};
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
    (has("permission") || has("agent") && has("$schema")).then_some(System::OpenCode)
}

#[cfg(test)]
mod tests {
    use countersign_policy::document::SYSTEMS;

    use super::System;

    #[test]
    fn every_system_has_its_name() {
        for system in System::ALL {
            assert_eq!(System::named(system.word()), Some(system));
            assert!(SYSTEMS.contains(&system.word()));
        }
    }
}
