//! The outline of the policy file's module: the parser replaces this file (as `document/mod.rs`).
#![expect(missing_docs, reason = "an outline that the parser replaces")]

use std::ops::Range;

use crate::{Catalog, Effect, Nobody, Policy, Source, SourceKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    pub span: Range<usize>,
    pub line: u32,
    pub column: u32,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn render(&self, _text: &str) -> String {
        format!("{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

#[derive(Debug, Clone)]
pub struct Document;

#[derive(Debug, Clone)]
pub struct Loaded {
    pub document: Document,
    pub trusted: bool,
}

#[derive(Debug, Clone)]
pub struct Example {
    pub effect: Effect,
    pub action: String,
    pub text: String,
}

impl Example {
    /// A problem that points at this example.
    pub fn problem(&self, message: String) -> Problem {
        Problem { file: String::new(), span: 0..0, line: 0, column: 0, message, help: None }
    }
}

impl Document {
    pub fn examples(&self) -> std::slice::Iter<'_, Example> {
        [].iter()
    }

    /// How many rules it has.
    pub fn rules(&self) -> usize {
        0
    }
}

pub fn parse(_kind: SourceKind, name: &str, _text: &str) -> Result<Document, Vec<Problem>> {
    let message = "policy files cannot be read yet".to_owned();
    Err(vec![Problem { file: name.to_owned(), span: 0..0, line: 1, column: 1, message, help: None }])
}

pub fn assemble(_documents: Vec<Loaded>) -> Policy {
    Policy {
        builtin: Source::new(SourceKind::Builtin, "built-in", true, Vec::new()),
        sources: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: 20,
        catalog: Catalog::default(),
        revision: String::new(),
    }
}

pub fn builtin_text() -> &'static str {
    ""
}
