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
    file: Arc<str>,
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
        let Import { line, column, span, .. } = self;
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
        let mut span = item.span();
        for (name, value) in table {
            let Some(key) = self.key(keys::IMPORT, "an import", name, None) else { continue };
            match key.name {
                "from" => {
                    span = value.span();
                    from = self.places(value);
                }
                "system" => system = self.word("system", SYSTEMS, value).map(str::to_owned),
                _ => agent = self.text_of("agent", value, "agent = \"build\"").map(str::to_owned),
            }
        }
        if from.is_empty() {
            if !table.contains_key("from") {
                self.problem(span, "an import without `from`", Some(format!("write `{sample}`")));
            }
            return None;
        }
        let (line, column) = (self.line(span.start), self.column(span.start));
        Some(Import { from, system, agent, file: Arc::clone(&self.name), line, column, span })
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
