//! Other systems' files that a policy file takes in: `[[import]]`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::keys;
use super::problem::Problem;
use super::reader::{Reader, Value};
use crate::catalog::ToolEntry;
use crate::source::Source;

/// The systems whose files can be taken in, by their names in a policy file.
pub const SYSTEMS: &[&str] = &["claude-code", "clawbolt", "codex", "flowfuse", "openclaw", "opencode", "surfsense"];

/// Where a file can hold, by the names in a policy file. Few systems read theirs differently there.
pub const PLATFORMS: &[&str] = &["linux", "macos", "windows", "windows-node"];

/// What a policy file takes in of another system, as a source of its own in that system's terms: a file, a folder, or
/// files that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Where it is: relative to the folder of the policy file, absolute, or `~/...`. Of several the lowest comes first.
    pub from: Vec<String>,
    /// Whose file it is; `None`: its name and content tell.
    pub system: Option<String>,
    /// The agent of that system whose rules count, where the file has several.
    pub agent: Option<String>,
    /// Where the file holds, one of [`PLATFORMS`]; `None`: on this machine.
    pub platform: Option<String>,
    file: Arc<str>,
    at: Spot,
    /// Where `platform` stands.
    platform_at: Option<Spot>,
}

/// A place in the policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spot {
    line: u32,
    column: u32,
    span: Range<usize>,
}

/// What a file of another system came to.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Its rules.
    pub sources: Vec<Source>,
    /// What humans answered there.
    pub remembered: Vec<Source>,
    /// What it says of tools.
    pub tools: BTreeMap<String, ToolEntry>,
    /// A digest of all that was read for it.
    pub content: String,
}

impl Import {
    /// A problem that points at this import.
    pub fn problem(&self, message: String, help: Option<String>) -> Problem {
        self.problem_at(&self.at, message, help)
    }

    /// A problem that points at its `platform`, if it has one.
    pub fn platform_problem(&self, message: String, help: Option<String>) -> Problem {
        self.problem_at(self.platform_at.as_ref().unwrap_or(&self.at), message, help)
    }

    fn problem_at(&self, at: &Spot, message: String, help: Option<String>) -> Problem {
        let Spot { line, column, span } = at;
        Problem { file: self.file.to_string(), span: span.clone(), line: *line, column: *column, message, help }
    }
}

impl<'i> Reader<'i> {
    /// `[[import]]`, each with `from`.
    pub(super) fn imports(&mut self, value: &Value<'i>) -> Vec<Import> {
        let sample = "[[import]]\nfrom = \"opencode.json\"".replace('\n', " ");
        let mut imports = Vec::new();
        let items = match value.get_ref() {
            // `[import]` for the only one.
            DeValue::Table(_) => std::slice::from_ref(value),
            _ => self.list("import", value, &sample),
        };
        for item in items {
            imports.extend(self.import(item, &sample));
        }
        imports
    }

    fn import(&mut self, item: &Value<'i>, sample: &str) -> Option<Import> {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong("import", "a table for each file", item, sample);
            return None;
        };
        let (mut from, mut system, mut agent) = (Vec::new(), None, None);
        let (mut platform, mut platform_at) = (None, None);
        let mut span = item.span();
        for (name, value) in table {
            let Some(key) = self.key(keys::IMPORT, "an import", name, None) else { continue };
            match key.name {
                "from" => {
                    span = value.span();
                    from = self.places(value);
                }
                "system" => system = self.word("system", SYSTEMS, value).map(str::to_owned),
                "platform" => {
                    platform = self.word("platform", PLATFORMS, value).map(str::to_owned);
                    platform_at = Some(self.spot(value.span()));
                }
                _ => agent = self.text_of("agent", value, "agent = \"build\"").map(str::to_owned),
            }
        }
        if from.is_empty() {
            if !table.contains_key("from") {
                self.problem(span, "an import without `from`", Some(format!("write `{sample}`")));
            }
            return None;
        }
        let at = self.spot(span);
        Some(Import { from, system, agent, platform, file: Arc::clone(&self.name), at, platform_at })
    }

    fn spot(&self, span: Range<usize>) -> Spot {
        Spot { line: self.line(span.start), column: self.column(span.start), span }
    }

    /// One file, or several; none is a problem.
    fn places(&mut self, value: &Value<'i>) -> Vec<String> {
        let sample = "from = \"opencode.json\"";
        let items = match value.get_ref() {
            DeValue::Array(items) => &items[..],
            _ => std::slice::from_ref(value),
        };
        let mut places = Vec::with_capacity(items.len());
        for item in items {
            match self.text_of("from", item, sample) {
                Some("") => self.problem(item.span(), "`from` names no file", Some(format!("write `{sample}`"))),
                Some(place) => places.push(place.to_owned()),
                None => {}
            }
        }
        if items.is_empty() {
            self.problem(value.span(), "`from` names no file", Some(format!("write `{sample}`")));
        }
        places
    }
}
