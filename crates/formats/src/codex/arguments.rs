//! The arguments of one call of a rules file, and what is wrong with them.

use std::collections::BTreeMap;

use countersign_policy::document::quoted;

use super::starlark::{HostCall, Plain};

/// The arguments of one call by name, and what is wrong with them.
pub(super) struct Arguments<'c> {
    call: &'c HostCall,
    values: BTreeMap<&'static str, &'c Plain>,
    problems: Vec<String>,
}

impl<'c> Arguments<'c> {
    pub(super) fn new(call: &'c HostCall) -> Arguments<'c> {
        Arguments { call, values: BTreeMap::new(), problems: Vec::new() }
    }

    /// Gives each argument the name of its parameter; the first `needed` must be there.
    pub(super) fn take(&mut self, parameters: &[&'static str], needed: usize) {
        let function = self.call.function;
        let mut places = parameters.iter();
        for (name, value) in &self.call.arguments {
            let parameter = match name {
                None => places.next(),
                Some(name) => parameters.iter().find(|parameter| *parameter == name),
            };
            let message = match (parameter, name) {
                (Some(parameter), _) => match self.values.insert(parameter, value) {
                    None => continue,
                    Some(_) => format!("`{function}` has the argument `{parameter}` twice"),
                },
                (None, Some(name)) => format!("`{function}` does not know the argument {}", quoted(name)),
                (None, None) => format!("`{function}` has more than {} arguments", parameters.len()),
            };
            self.problems.push(message);
        }
        for parameter in parameters.iter().take(needed) {
            if !self.values.contains_key(parameter) {
                self.problems.push(format!("`{function}` needs the argument `{parameter}`"));
            }
        }
    }

    /// The argument, which is a text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Plain::Text(text) => Some(text.clone()),
            other => {
                let kind = other.kind();
                self.problem(format!("the argument `{name}` is of type `{kind}`: write a text, or leave it out"));
                None
            }
        }
    }

    /// The argument, which is a list.
    pub(super) fn list(&mut self, name: &str) -> Option<&'c [Plain]> {
        match *self.values.get(name)? {
            Plain::List(items) => Some(items),
            other => {
                let kind = other.kind();
                self.problem(format!("the argument `{name}` is of type `{kind}`: write a list, with `[` and `]`"));
                None
            }
        }
    }

    pub(super) fn problem(&mut self, message: impl Into<String>) {
        self.problems.push(message.into());
    }

    /// What there is, else a problem.
    pub(super) fn or_problem<T>(&mut self, found: Option<T>, message: impl FnOnce() -> String) -> Option<T> {
        if found.is_none() {
            self.problem(message());
        }
        found
    }

    pub(super) fn problems(self) -> impl Iterator<Item = String> {
        self.problems.into_iter()
    }
}

impl Plain {
    /// The name of its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Plain::Text(_) => "string",
            Plain::List(_) => "list",
            Plain::Other(kind) => kind,
        }
    }
}
