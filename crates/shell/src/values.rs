//! What stands for a word: the values of variables and of substitutions, as far as they are known.
//!
//! A variable is followed only where the line assigns it once, and only as long as that assignment has run for certain.

use std::collections::BTreeMap;
use std::ops::Range;

use tree_sitter::Node;

use crate::dirs::{Dirs, Exit};
use crate::walk::{Walk, is_word};
use crate::word::{self, Shape, Token};

/// What an expansion stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Exactly this text.
    Text(String),
    /// A path below the home directory: what follows it, with its slash, or nothing.
    Home(String),
    /// The same below the directory that it runs in.
    Here(String),
    /// A name that this pattern matches; it is active from this byte on.
    Glob(String, usize),
    /// What a command says, which was judged itself.
    Output,
    /// A number, which stands in the word as it was written.
    Number,
    /// The name of a pipe from or to such a command.
    Pipe,
    /// It could be anything, what the environment keeps secret included.
    Unknown,
}

/// An expansion in a word.
#[derive(Debug, Clone)]
pub(crate) struct Expansion {
    pub(crate) range: Range<usize>,
    pub(crate) value: Value,
}

/// The variables of a line.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    known: BTreeMap<String, Value>,
    /// How often the line assigns each.
    assigned: BTreeMap<String, usize>,
    /// How often everything was forgotten.
    forgotten: usize,
}

/// The most words of a loop that are followed one by one.
const MOST_ROUNDS: usize = 16;
/// The deepest loops that are followed so.
const DEEPEST_ROUNDS: usize = 32;

impl Variables {
    /// Counts the assignments below a node.
    pub(crate) fn count(&mut self, node: Node<'_>, line: &str) {
        let mut cursor = node.walk();
        loop {
            let node = cursor.node();
            if ["variable_assignment", "for_statement"].contains(&node.kind())
                && let Some(name) = (0..3).filter_map(|at| node.child(at)).find(|child| child.kind() == "variable_name")
                && let Some(name) = line.get(name.byte_range())
            {
                *self.assigned.entry(name.to_owned()).or_default() += 1;
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    /// The names that are known.
    pub(crate) fn known(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    /// Forgets all but these.
    pub(crate) fn keep(&mut self, names: &[String]) {
        if self.known.len() > names.len() {
            self.known.retain(|name, _| names.contains(name));
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        if self.assigned.get(name) == Some(&1) {
            self.known.insert(name.to_owned(), value);
        } else {
            self.lose(name);
        }
    }

    /// After a command that may set any variable.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.forgotten += 1;
    }

    /// After a command that sets this variable.
    pub(crate) fn lose(&mut self, name: &str) {
        if self.known.remove(name).is_some() {
            self.forgotten += 1;
        }
        if let Some(times) = self.assigned.get_mut(name) {
            *times = usize::MAX;
        }
    }

    /// What a variable stands for.
    pub(crate) fn value(&self, name: &str) -> Value {
        match (self.known.get(name), name) {
            (Some(value), _) => value.clone(),
            (None, "HOME") => Value::Home(String::new()),
            (None, "PWD") => Value::Here(String::new()),
            (None, "PIPESTATUS" | "PIPESTATUS[0]" | "PIPESTATUS[1]") if !self.assigned.contains_key("PIPESTATUS") => {
                Value::Number
            }
            (None, _) => Value::Unknown,
        }
    }

    /// What `${name...}` stands for: of a name that is known and a form that cuts or replaces, some text.
    pub(crate) fn piece(&self, inner: &str) -> Value {
        let rest = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let name = inner.strip_suffix(rest).unwrap_or_default();
        let cuts = rest.starts_with(['#', '%', '/', '^', ',']) && !rest.contains(['$', '`']);
        match self.known.get(name).filter(|_| cuts) {
            Some(Value::Text(_) | Value::Glob(..) | Value::Output) => Value::Output,
            _ => self.value(inner),
        }
    }

    /// After `read`: what it took from its input.
    pub(crate) fn read(&mut self, name: &str) {
        self.lose(name);
        self.known.insert(name.to_owned(), Value::Output);
    }
}

impl<'a> Walk<'a> {
    /// Something that may not run, or runs in a process of its own: what it sets is not known afterwards.
    pub(crate) fn scoped<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.variables.known();
        let result = walk(self);
        self.variables.keep(&before);
        result
    }

    /// `name=value` has run.
    pub(crate) fn assign(&mut self, name: &str, range: Range<usize>, expansions: &[Expansion]) {
        if range.is_empty() {
            return self.variables.set(name, Value::Text(String::new()));
        }
        let mut tokens = Vec::new();
        let read = word::read(self.line, range.clone(), expansions, &mut tokens);
        let output = expansions.iter().all(|expansion| expansion.value == Value::Output);
        let value = match (read, tokens.as_slice()) {
            (Ok(()), [token]) if token.shape != Shape::Dynamic && !matches!(token.shape, Shape::Glob(_)) => {
                value_of(token)
            }
            (Ok(()), [_]) if output && !expansions.is_empty() => Value::Output,
            _ => Value::Unknown,
        };
        self.variables.set(name, value);
    }

    /// `for name in words; do body; done`: the body once for each word, where these are few.
    pub(crate) fn for_loop(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        let mut cursor = node.walk();
        let (mut name, mut values, mut whole) = (None, Vec::new(), true);
        let mut end = node.start_byte();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "variable_name" => name = Some(child),
                kind if is_word(kind) => {
                    // The parser takes some words apart that are one to a shell.
                    whole &= self.is_apart(end..child.start_byte());
                    let expansions = self.expansions(child, entry);
                    let mut tokens = Vec::new();
                    let output = expansions.iter().all(|expansion| expansion.value == Value::Output);
                    match word::read(self.line, child.byte_range(), &expansions, &mut tokens) {
                        Ok(()) => values.extend(tokens.iter().map(|token| match value_of(token) {
                            Value::Unknown if output && !expansions.is_empty() => Value::Output,
                            value => value,
                        })),
                        Err(_) => values.push(Value::Unknown),
                    }
                }
                "in" | "for" | "do_group" | ";" | "\n" | "comment" => {}
                _ => whole = false,
            }
            end = child.end_byte();
        }
        values.dedup();
        let name = name.map(|name| self.text(name)).unwrap_or_default();
        let followed = whole && !values.is_empty() && values.len() <= MOST_ROUNDS && self.rounds < DEEPEST_ROUNDS;
        if !followed || self.variables.assigned.get(name) != Some(&1) {
            self.variables.lose(name);
            return self.repeated(node, entry);
        }
        self.rounds += values.len();
        let mut exit = Exit::same(entry);
        for value in values {
            self.variables.set(name, value);
            exit = self.repeated(node, &exit.any());
        }
        self.variables.known.remove(name);
        exit
    }

    /// How often what was known of variables was lost.
    pub(crate) fn losses(&self) -> usize {
        self.variables.forgotten
    }
}

fn value_of(token: &Token) -> Value {
    match token.shape {
        Shape::Literal => Value::Text(token.text.clone()),
        Shape::Home => Value::Home(token.text.strip_prefix('~').unwrap_or_default().to_owned()),
        Shape::Here => Value::Here(token.text.strip_prefix("$PWD").unwrap_or_default().to_owned()),
        Shape::Glob(first) if !token.text.starts_with('~') => Value::Glob(token.text.clone(), first),
        Shape::Output(_) | Shape::Said => Value::Output,
        Shape::Glob(_) | Shape::Pipe | Shape::Dynamic => Value::Unknown,
    }
}
