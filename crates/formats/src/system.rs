//! Whose file it is, and what it comes to.

use std::sync::Arc;

use countersign_policy::document::{Imported, Problem};
use countersign_policy::{Rule, Source, SourceKind, sha256_hex};

use crate::import::{Became, Fate, Report};
use crate::json::{self, Grammar};
use crate::{Platform, Text, claude_code, clawbolt, codex, flowfuse, openclaw, opencode, surfsense};

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

/// The most files that are read as one.
const MOST_FILES: usize = 100;

/// What a source is made for.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The kind of the file that takes it in.
    pub kind: SourceKind,
    /// Whether its allows count.
    pub trusted: bool,
    /// The agent whose rules count; `None`: the system's own default.
    pub agent: Option<&'a str>,
    /// Where the files hold, one of [`System::platforms`]; `None`: on this machine.
    pub platform: Option<Platform>,
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
        by_name(&file.name).or_else(|| by_content(file))
    }

    /// Whose files these are, if all are of one system.
    pub fn of_all(files: &[Text<'_>]) -> Option<System> {
        let first = System::of(files.first()?)?;
        files.iter().all(|file| System::of(file) == Some(first)).then_some(first)
    }

    /// Whose folder this is, by its name and the names in it: of a folder that could be of several, none.
    pub fn of_folder(path: &str, names: &[&str]) -> Option<System> {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
        let found = [
            (System::Codex, names.iter().any(|name| name.ends_with(".rules"))),
            (System::ClaudeCode, name == ".claude" && has(&["settings.json", "settings.local.json"])),
            (
                System::OpenCode,
                has(&["opencode.json", "opencode.jsonc"]) || name == ".opencode" && has(&opencode::AGENT_FOLDERS),
            ),
        ];
        let mut found = found.into_iter().filter(|(_, is)| *is).map(|(system, _)| system);
        found.next().filter(|_| found.next().is_none())
    }

    /// What in a folder of the system counts, as `FOLDER/NAME`, `*.ENDING` for any name with it; none where its files stand
    /// alone. In the order in which they count, each kind sorted by name.
    pub fn members(self) -> &'static [&'static str] {
        match self {
            System::Codex => &["*.rules"],
            System::ClaudeCode => &["settings.json", "settings.local.json"],
            System::OpenCode => {
                &["opencode.json", "opencode.jsonc", "agent/*.md", "agents/*.md", "mode/*.md", "modes/*.md"]
            }
            System::Clawbolt | System::FlowFuse | System::OpenClaw | System::SurfSense => &[],
        }
    }

    /// The files as sources that decide as the system does with all of them; of several the lowest comes first.
    ///
    /// # Errors
    /// All that is wrong with any of them. Such files count for nothing: whoever loads them denies until they are mended.
    pub fn read(self, files: &[Text<'_>], setting: &Setting<'_>) -> Result<Imported, Vec<Problem>> {
        let Setting { kind, trusted, agent, home, .. } = *setting;
        let file = self.first(files)?;
        let on = self.on(file, setting)?;
        let name = || Arc::clone(&file.name);
        let mut imported = Imported { content: content(files), ..Imported::default() };
        let source = match self {
            System::ClaudeCode => {
                let mut source = claude_code::read(&settings(files, setting), true)?.source;
                (source.kind, source.name, source.trusted) = (kind, name(), trusted);
                source
            }
            System::Clawbolt => {
                let problems = clawbolt::check(file);
                if !problems.is_empty() {
                    return Err(problems);
                }
                imported.tools = clawbolt::catalog(file)?;
                clawbolt::read(file, kind, trusted, &clawbolt::Defaults::default())?
            }
            System::Codex => codex::source(&rules(files)?, kind, name(), trusted, codex::Resolution::ByName),
            System::FlowFuse => {
                let (source, tools) = flowfuse::read(file, files.get(1), kind, trusted, agent)?;
                imported.tools = tools;
                source
            }
            System::OpenClaw => {
                let resolved = approvals(file, on, agent)?;
                imported.remembered.push(openclaw::granted(kind, name(), trusted, &resolved));
                openclaw::source(kind, name(), trusted, &resolved)
            }
            System::OpenCode => {
                let config = opencode::Config::read(files)?;
                let rules = config.rules(agent.unwrap_or("build"), home);
                opencode::source(kind, name(), trusted, &rules, on.of_opencode())
            }
            System::SurfSense => {
                let layers = layers(files)?;
                surfsense::source(kind, name(), trusted, layers.iter().flat_map(|layer| &layer.rules))
            }
        };
        imported.sources.push(source);
        Ok(imported)
    }

    /// What each rule of the files becomes in ours.
    ///
    /// # Errors
    /// All that is wrong with any of them.
    pub fn report(self, files: &[Text<'_>], setting: &Setting<'_>) -> Result<Report, Vec<Problem>> {
        let file = self.first(files)?;
        Ok(match self {
            System::ClaudeCode => Report::of(claude_code::report(&settings(files, setting))?),
            System::Clawbolt => clawbolt::report(file)?,
            System::Codex => Report::of(codex::import(&rules(files)?)),
            System::FlowFuse => flowfuse::report(file, files.get(1), setting.agent)?,
            System::OpenClaw => {
                let on = self.on(file, setting)?;
                Report::of(openclaw::import(&file.name, &approvals(file, on, setting.agent)?))
            }
            System::OpenCode | System::SurfSense => {
                let imported = self.read(files, setting)?;
                // What comes with the system stands in no line.
                let written = imported.sources.iter().flat_map(Source::rules).filter(|rule| rule.origin.line > 0);
                Report::of(written.map(kept).collect())
            }
        })
    }

    /// Where the files hold.
    fn on(self, file: &Text<'_>, setting: &Setting<'_>) -> Result<Platform, Vec<Problem>> {
        let Some(platform) = setting.platform else { return Ok(Platform::here()) };
        let checked = self.platform(platform.word());
        checked.map_err(|error| vec![file.problem(&(0..0), &error.message, Some(&error.help))])
    }

    /// The first file; of a system that reads only one, the only one.
    fn first<'f, 't>(self, files: &'f [Text<'t>]) -> Result<&'f Text<'t>, Vec<Problem>> {
        let most = match self {
            System::Clawbolt | System::OpenClaw => 1,
            // What is kept, and the catalog.
            System::FlowFuse => 2,
            System::ClaudeCode | System::Codex | System::OpenCode | System::SurfSense => MOST_FILES,
        };
        match (files.first(), files.get(most)) {
            (None, _) => Err(vec![Text::new(self.word(), "").problem(&(0..0), "there is no file to read", None)]),
            (Some(_), Some(more)) => {
                let message = format!("this is one file more than {} reads as one", self.word());
                Err(vec![more.problem(&(0..0), message, Some("write an `[[import]]` for each"))])
            }
            (Some(first), None) => Ok(first),
        }
    }
}

/// A digest of all that was read.
fn content(files: &[Text<'_>]) -> String {
    match files {
        [file] => sha256_hex(file.text.as_bytes()),
        files => {
            let one = |file: &Text<'_>| format!("{}\0{}\0", file.name, sha256_hex(file.text.as_bytes()));
            sha256_hex(files.iter().map(one).collect::<String>().as_bytes())
        }
    }
}

fn settings<'t>(files: &[Text<'t>], setting: &Setting<'_>) -> Vec<claude_code::File<'t>> {
    files.iter().map(|file| claude_code::File::of(file, setting.home, setting.project)).collect()
}

/// Codex's rules files, which are one; its requirements are a source of their own.
fn rules(files: &[Text<'_>]) -> Result<codex::Rules, Vec<Problem>> {
    match files {
        [file] => codex::read(file),
        files => {
            let of_requirements = files.iter().find(|file| file.name.ends_with(".toml"));
            if let Some(file) = of_requirements {
                let message = "requirements hold whatever rules files say, and are no part of them";
                return Err(vec![file.problem(&(0..0), message, Some("write an `[[import]]` for each"))]);
            }
            codex::parse(files)
        }
    }
}

fn layers(files: &[Text<'_>]) -> Result<Vec<surfsense::Layer>, Vec<Problem>> {
    let (mut layers, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match surfsense::read(file) {
            Ok(more) => layers.extend(more),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(layers) } else { Err(problems) }
}

/// A rule of which order is part.
fn kept(rule: &Rule) -> Fate {
    let why = "the last rule that matches decides there, and the strictest here".to_owned();
    Fate::new(rule.origin.clone(), Became::Kept { why })
}

/// OpenClaw's policy for an agent.
fn approvals(file: &Text<'_>, on: Platform, agent: Option<&str>) -> Result<openclaw::Resolved, Vec<Problem>> {
    Ok(openclaw::parse(file, on.machine())?.resolve(Some(agent.unwrap_or("main"))))
}

fn by_name(path: &str) -> Option<System> {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name {
        "managed-settings.json" | "settings.local.json" => Some(System::ClaudeCode),
        "PERMISSIONS.json" => Some(System::Clawbolt),
        "exec-approvals.json" => Some(System::OpenClaw),
        "opencode.json" | "opencode.jsonc" => Some(System::OpenCode),
        "requirements.toml" => Some(System::Codex),
        "product-assistant.json" => Some(System::FlowFuse),
        _ if name.ends_with(".rules") => Some(System::Codex),
        _ if opencode::is_agent_file(path) => Some(System::OpenCode),
        _ => None,
    }
}

fn by_content(file: &Text<'_>) -> Option<System> {
    if ["prefix_rule(", "network_rule(", "host_executable("].iter().any(|call| file.text.contains(call)) {
        return Some(System::Codex);
    }
    let root = json::parse(file, Grammar::Jsonc).ok()?;
    // FlowFuse's catalog.
    let is_of_tools =
        |items: &[json::Node]| !items.is_empty() && items.iter().all(|item| item.member("toolClass").is_some());
    let has = |name: &str| root.member(name).is_some();
    if let Some(items) = root.list() {
        let is_rule = |item: &json::Node| item.member("rules").is_some() || item.member("permission").is_some();
        if is_of_tools(items) {
            return Some(System::FlowFuse);
        }
        return (!items.is_empty() && items.iter().all(is_rule)).then_some(System::SurfSense);
    }
    if has("version") && has("agents") {
        return Some(System::OpenClaw);
    }
    let is_catalog = || root.member("catalog").and_then(json::Node::list).is_some_and(is_of_tools);
    if has("toolPreferencesByTeam") || has("toolDefaultsByTeam") || is_catalog() {
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
    fn a_folder_is_of_one_system_or_of_none() {
        for (path, names, system) in [
            ("~/.codex/rules", &["default.rules", "x"][..], Some(System::Codex)),
            ("/repo/.claude", &["settings.json", "agents"], Some(System::ClaudeCode)),
            ("/repo/.vscode", &["settings.json"], None),
            ("/repo/.opencode", &["agents"], Some(System::OpenCode)),
            ("/repo", &["agents"], None),
            ("~/.config/opencode/", &["opencode.json"], Some(System::OpenCode)),
            ("/x", &["a.rules", "opencode.json"], None),
            ("/x", &[], None),
        ] {
            assert_eq!(System::of_folder(path, names), system, "{path}");
        }
    }

    /// The files are one: what is wrong with a second one counts, and nothing is taken from the first alone.
    #[test]
    fn several_files_are_read_as_one_or_refused() {
        use super::Setting;
        let setting = Setting {
            kind: countersign_policy::SourceKind::User,
            trusted: true,
            agent: None,
            platform: None,
            home: "/home/u",
            project: "/repo",
        };
        for (system, one, other) in [
            (System::ClaudeCode, "{\"permissions\": {\"allow\": [\"Bash(ls)\"]}}", "{\"permissions\": 3}"),
            (System::Codex, "prefix_rule(pattern = [\"ls\"])", "prefix_rule([])"),
            (System::OpenCode, "{\"permission\": \"ask\"}", "{\"permission\": 3}"),
            (System::SurfSense, "[{\"permission\": \"a\", \"action\": \"ask\"}]", "[3]"),
            (System::FlowFuse, "{\"toolPreferencesByTeam\": {\"t\": {}}}", "[3]"),
            (System::Clawbolt, "{}", "{}"),
            (System::OpenClaw, "{\"version\": 1, \"agents\": {}}", "{\"version\": 1, \"agents\": {}}"),
        ] {
            let (one, other) = (Text::new("one", one), Text::new("other", other));
            assert!(system.read(std::slice::from_ref(&one), &setting).is_ok(), "{system:?}");
            let problems = system.read(&[one.clone(), other.clone()], &setting).unwrap_err();
            assert!(problems.iter().all(|problem| problem.file == "other"), "{problems:?}");
            assert!(system.report(&[one, other], &setting).is_err(), "{system:?}");
            assert!(system.read(&[], &setting).is_err());
        }
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
            (".opencode/agents/review.md", "", Some(System::OpenCode)),
            (".claude/agents/review.md", "", None),
            ("x.json", "[{\"key\": \"a\", \"toolClass\": \"read\"}]", Some(System::FlowFuse)),
            ("x.json", "{\"catalog\": [{\"key\": \"a\", \"toolClass\": \"read\"}]}", Some(System::FlowFuse)),
            ("x.json", "[]", None),
            ("x.json", "{", None),
            ("countersign.toml", "allow = []", None),
        ] {
            assert_eq!(System::of(&Text::new(name, text)), system, "{name} {text}");
        }
    }
}
