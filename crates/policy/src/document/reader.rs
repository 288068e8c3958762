//! From a file's text to its compiled form, with everything that is wrong on the way.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, Shape};
use super::problem::{Lines, Problem, is_invisible, quoted};
use super::{Document, MAX_BYTES, others};
use crate::digest::sha256_hex;
use crate::effect::Effect;
use crate::source::SourceKind;

/// The most problems that are told at once.
const MOST: usize = 200;

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Reads one file and collects what is wrong with it.
pub(super) struct Reader<'i> {
    pub(super) kind: SourceKind,
    pub(super) name: Arc<str>,
    text: &'i str,
    lines: Lines,
    problems: Vec<Problem>,
}

impl<'i> Reader<'i> {
    pub(super) fn new(kind: SourceKind, name: &str, text: &'i str) -> Reader<'i> {
        let lines = if text.len() > MAX_BYTES { Lines::of("") } else { Lines::of(text) };
        Reader { kind, name: Arc::from(name), text, lines, problems: Vec::new() }
    }

    pub(super) fn read(mut self) -> Result<Document, Vec<Problem>> {
        if self.text.len() > MAX_BYTES {
            let message = format!("the file has {} bytes, and a policy file has at most {MAX_BYTES}", self.text.len());
            self.problem(0..0, message, None);
            return Err(self.problems);
        }
        self.refuse_invisible();
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let document = self.document(table.get_ref());
        let (twice, broken): (Vec<_>, Vec<_>) =
            errors.iter().partition(|error| error.message().contains("duplicate key"));
        let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        // A list that is not closed follows from a text that is not closed.
        let first = broken.iter().min_by_key(|error| (start(error), error.message().starts_with("unclosed")));
        for error in &twice {
            let help = "put both together: a key stands only once".to_owned();
            self.problem(error.span().unwrap_or(0..0), "this key stands twice", Some(help));
        }
        if let Some(error) = first {
            // From the line of the first mistake in the form on, nothing is certain to be understood as it was meant.
            let line = self.line(start(error));
            self.problems.retain(|problem| problem.line < line);
            self.syntax(error);
        }
        if self.problems.is_empty() {
            return Ok(document);
        }
        self.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        let all = self.problems.len();
        self.problems.truncate(MOST);
        if let Some(last) = self.problems.last_mut().filter(|_| all > MOST) {
            last.help = Some(format!("and {} more problems behind this one", all - MOST));
        }
        Err(self.problems)
    }

    fn document(&mut self, table: &DeTable<'i>) -> Document {
        let mut document = Document {
            kind: self.kind,
            name: Arc::clone(&self.name),
            sha256: sha256_hex(self.text.as_bytes()),
            rules: Vec::new(),
            places: Vec::new(),
            examples: Vec::new(),
            tools: std::collections::BTreeMap::new(),
            programs: std::collections::BTreeMap::new(),
            imports: Vec::new(),
            default: None,
            nobody: None,
            max_open: None,
            cascade: None,
            repeats: None,
            ceiling: None,
            agents: std::collections::BTreeMap::new(),
        };
        for (name, value) in table {
            let inside: Vec<&str> = value
                .get_ref()
                .as_table()
                .into_iter()
                .flat_map(|table| table.keys())
                .map(|key| &**key.get_ref())
                .collect();
            if keys::find(keys::TOP, name.get_ref()).is_none()
                && let Some((message, help)) = others::key(name.get_ref(), &inside)
            {
                self.problem(name.span(), message, Some(help.to_owned()));
                continue;
            }
            let Some(key) = self.key(keys::TOP, "the file", name, None) else { continue };
            match key.shape {
                Shape::Rules(effect) => {
                    self.rules(effect, key.name, value, &mut document.rules, &mut document.places);
                }
                Shape::Examples => document.examples.extend(self.examples(value)),
                Shape::Tools => document.tools = self.tools(value),
                Shape::Imports => document.imports = self.imports(value),
                Shape::Programs => document.programs = self.programs(value),
                Shape::Nobody => document.nobody = self.nobody(value),
                Shape::Count => document.max_open = self.count(key.name, value),
                Shape::Agents => document.agents = self.agents(value, &mut document.examples),
                Shape::Repeats => document.repeats = self.repeats(key.name, value),
                Shape::Ceiling => document.ceiling = self.ceiling(value),
                Shape::OneOf(keys::EFFECTS) => document.default = self.effect(key.name, value),
                Shape::OneOf(words) => document.cascade = self.on_deny(key.name, words, value),
                _ => self.not_yet(key.name, name.span()),
            }
        }
        document
    }

    /// The key of that name, if it is known and belongs here; else a problem.
    pub(super) fn key(
        &mut self,
        keys: &'static [Key],
        of: &str,
        name: &Spanned<std::borrow::Cow<'i, str>>,
        effect: Option<Effect>,
    ) -> Option<&'static Key> {
        let word: &str = name.get_ref();
        let Some(key) = keys::find(keys, word) else {
            let admitted = keys.iter().filter(|key| key.place.admits(self.kind, effect));
            let supported = admitted.clone().filter(|key| key.shape != Shape::NotYet).map(|key| key.name);
            let help = match keys::nearest(admitted.map(|key| key.name), word) {
                Some(near) => format!("did you mean `{near}`?"),
                None if std::ptr::eq(keys, keys::CEILING) && word == "allow" => {
                    "a ceiling only makes stricter: write the rule into `allow` at the top of the file".to_owned()
                }
                None => format!("the keys of {of} are {}", supported.collect::<Vec<_>>().join(", ")),
            };
            self.problem(name.span(), format!("{} is no key of {of}", quoted(word)), Some(help));
            return None;
        };
        if !key.place.admits(self.kind, effect) {
            let here = match effect {
                Some(effect) if matches!(key.place, keys::Place::Effect(_)) => format!("of a rule that says {effect}"),
                _ => format!("of {}", file_of(self.kind)),
            };
            let message = format!("`{word}` is no key {here}");
            self.problem(name.span(), message, Some(key.place.belongs().to_owned()));
            return None;
        }
        Some(key)
    }

    pub(super) fn not_yet(&mut self, name: &str, span: Range<usize>) {
        let help = "take it out: a file that says more than is done counts for nothing".to_owned();
        self.problem(span, format!("`{name}` is not supported yet"), Some(help));
    }

    pub(super) fn problem(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let (line, column) = (self.line(span.start), self.column(span.start));
        let file = self.name.to_string();
        self.problems.push(Problem { file, span, line, column, message: message.into(), help });
    }

    pub(super) fn line(&self, at: usize) -> u32 {
        self.lines.line(at)
    }

    pub(super) fn column(&self, at: usize) -> u32 {
        self.lines.column(self.text, at)
    }

    /// The problem of a value of the wrong kind.
    pub(super) fn wrong(&mut self, name: &str, wanted: &str, value: &Value<'i>, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let help = (!example.is_empty()).then(|| format!("write `{example}`"));
        self.problem(value.span(), format!("`{name}` takes {wanted}, and this is {found}"), help);
    }

    pub(super) fn text_of<'v>(&mut self, name: &str, value: &'v Value<'i>, example: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(name, "a text", value, example);
        }
        text
    }

    /// The items of a list; with anything else in its place, none and a problem.
    pub(super) fn list<'v>(&mut self, name: &str, value: &'v Value<'i>, example: &str) -> &'v [Value<'i>] {
        match value.get_ref() {
            DeValue::Array(items) => items,
            _ => {
                self.wrong(name, "a list", value, example);
                &[]
            }
        }
    }

    /// One of these words.
    pub(super) fn word<'v>(
        &mut self,
        name: &str,
        words: &'static [&'static str],
        value: &'v Value<'i>,
    ) -> Option<&'v str> {
        let found = self.text_of(name, value, &format!("{name} = \"{}\"", words.first().unwrap_or(&"")))?;
        if words.contains(&found) {
            return Some(found);
        }
        let help = match keys::nearest(words.iter().copied(), found) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", words.join(", ")),
        };
        self.problem(value.span(), format!("`{name}` cannot be {}", quoted(found)), Some(help));
        None
    }

    /// The bytes of the file that a part of a text's value stands in: the whole text where it is written with escapes.
    pub(super) fn inside(value: &Value<'i>, part: Range<usize>) -> Range<usize> {
        let span = value.span();
        let plain = value.get_ref().as_str().is_some_and(|text| text.len() + 2 == span.end - span.start);
        if plain { span.start + 1 + part.start..span.start + 1 + part.end } else { span }
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let before = self.text.get(..span.start).unwrap_or("");
        let line = before.rfind('\n').and_then(|at| self.text.get(at + 1..)).unwrap_or(self.text).trim_start();
        let rules = "write `allow = [\"shell(git diff *)\"]`";
        if self.text.trim_start().starts_with('{') {
            self.problem(span, "this is JSON, and a policy file is TOML", Some(rules.to_owned()));
        } else if line.starts_with("prefix_rule(") {
            let help = format!("{rules}, `ask` for its prompt, `deny` for its forbidden");
            self.problem(span, "`prefix_rule(...)` is Codex's", Some(help));
        } else {
            let message = error.message().trim_end_matches('.').replace('\n', ", ");
            let help = message.contains("missing comma").then(|| "or close the list before it with `]`".to_owned());
            self.problem(span, message, help);
        }
    }

    /// What nobody can see in an editor must not change what a policy says.
    fn refuse_invisible(&mut self) {
        if self.text.is_ascii() {
            return;
        }
        for (at, c) in self.text.char_indices().skip_while(|(at, c)| *at == 0 && *c == '\u{FEFF}') {
            if is_invisible(c) {
                let code = u32::from(c);
                let message = format!("the character U+{code:04X} is invisible or changes how others show");
                let help = if code > 0xFFFF { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") };
                let help = format!("take it out, or write it as `{help}` in double quotes");
                self.problem(at..at + c.len_utf8(), message, Some(help));
            }
        }
    }
}

/// A file of that kind, for messages.
fn file_of(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Builtin => "the built-in file",
        SourceKind::Managed => "the administrator's file",
        SourceKind::Team => "a team's policy",
        SourceKind::User => "a user's file",
        SourceKind::Project => "a project's file",
        SourceKind::Local => "a local file",
    }
}
