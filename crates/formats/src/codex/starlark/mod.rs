//! A small Starlark: the language in which Codex's rules are written.
//!
//! Texts, numbers, lists, tuples and dicts; names, `def`, `lambda`, `if`, `for`, comprehensions, f-strings; the functions
//! that a rules file has use for. There is no `load`, and what is not supported is an error, never skipped.
//!
//! A rules file can come with a repository, so it is hostile text. Whatever it says, it ends soon: steps, memory, open
//! calls and nesting are bounded before they are used, in each operation and not between them, and no value is freed by
//! recursion. (The `starlark` crate is not made for such text, and says so: its limits are looked at between operations
//! and best-effort, and text that is nested deeply overflows its stack. It also compiles C code, and makes numbers of
//! `serde_json` texts for everybody who builds with it.)

mod eval;
mod expression;
mod fstring;
mod functions;
mod lexer;
mod methods;
mod names;
mod operators;
mod parse;
mod run;
mod tree;
mod value;
mod written;

use std::ops::Range;
use std::rc::Rc;

pub(super) use tree::Stop;
use value::Value;

/// The largest file in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// One call of a function of whoever runs the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HostCall {
    pub(super) function: &'static str,
    /// The arguments in order, those by name with it.
    pub(super) arguments: Vec<(Option<String>, Plain)>,
    pub(super) span: Range<usize>,
}

/// A value as it was when a function was called.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Text(String),
    List(Vec<Plain>),
    /// Anything else: the name of its type.
    Other(&'static str),
}

/// The arguments of a call.
#[derive(Default)]
struct Given {
    places: Vec<Value>,
    names: Vec<(Rc<str>, Value)>,
}

/// Runs a file, and returns all calls of the functions `host`, in order. To the file they return `None`.
///
/// # Errors
/// Whatever is wrong with the file, and that it wants too much.
pub(super) fn run(text: &str, host: &[&'static str]) -> Result<Vec<HostCall>, Vec<Stop>> {
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, and at most {MAX_BYTES} are read", text.len());
        return Err(vec![Stop { span: 0..0, message, help: None }]);
    }
    let statements = parse::parse(text).map_err(|stop| vec![stop])?;
    let unknown = names::unknown(&statements, host);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut machine = run::Machine::new(&statements, host);
    match machine.block(&statements) {
        Ok(_) => Ok(machine.said),
        Err(stop) => Err(vec![stop]),
    }
}

#[cfg(test)]
mod tests;
