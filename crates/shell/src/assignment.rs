//! Variables that a line sets: which of them cannot change what any program does.

use std::ops::Range;

use countersign_policy::{Role, Word};
use tree_sitter::Node;

use crate::Command;
use crate::dirs::Dirs;
use crate::walk::Walk;
use crate::word::{self, Token};

/// Variables of the environment that change only how a program shows what it does.
const HARMLESS: [&str; 23] = [
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "DEBUG",
    "FORCE_COLOR",
    "GOARCH",
    "GOOS",
    "LANG",
    "LANGUAGE",
    "LINES",
    "NODE_ENV",
    "NO_COLOR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUST_TEST_THREADS",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TZ",
    "CGO_ENABLED",
];

/// Names in lower case that mean something to a shell.
const SHELL: [&str; 20] = [
    "path",
    "cdpath",
    "fpath",
    "manpath",
    "mailpath",
    "fignore",
    "prompt",
    "argv",
    "status",
    "pipestatus",
    "watch",
    "psvar",
    "histchars",
    "options",
    "commands",
    "functions",
    "aliases",
    "builtins",
    "parameters",
    "signals",
];

/// Whether a variable of the environment may be set to this for one command.
pub(crate) fn is_harmless(name: &str, value: &str) -> bool {
    let known = HARMLESS.contains(&name)
        || name.strip_prefix("LC_").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_uppercase()));
    // A time zone and a locale can be files.
    known && !value.contains(['/', '~'])
}

/// Whether a name is nothing but a variable of this line: no shell and no program looks at it.
fn is_local(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    letters && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 12 && !SHELL.contains(&name)
}

impl Walk<'_> {
    /// `A=1 command`.
    pub(crate) fn leading(&mut self, node: Node<'_>, dirs: &Dirs) {
        match self.assignment(node, dirs) {
            Some((name, value)) if is_harmless(name, &value) => {}
            _ => self.unknown("a variable that may change what the command does", node.byte_range()),
        }
    }

    /// `a=1`, alone or several of them.
    pub(crate) fn assigned(&mut self, node: Node<'_>, dirs: &Dirs) {
        if node.kind() == "variable_assignments" {
            let mut cursor = node.walk();
            for child in node.children(&mut cursor) {
                self.assigned(child, dirs);
            }
            return;
        }
        match self.assignment(node, dirs) {
            Some((name, value)) if is_local(name) || is_harmless(name, &value) => {}
            _ => self.unknown("a variable that may change what later commands do", node.byte_range()),
        }
    }

    /// `for f in ...`
    pub(crate) fn loop_variable(&mut self, node: Node<'_>) {
        if !is_local(self.text(node)) {
            self.unknown("a variable that may change what later commands do", node.byte_range());
        }
    }

    /// `export A=1`.
    pub(crate) fn declared(&mut self, node: Node<'_>, dirs: &Dirs) {
        let mut harmless = true;
        let mut words = Vec::new();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "comment" => {}
                "variable_assignment" => {
                    let assignment = self.assignment(child, dirs);
                    harmless &= assignment.is_some_and(|(name, value)| is_harmless(name, &value));
                }
                "export" => {}
                _ => {
                    harmless = false;
                    self.expansions(child, dirs);
                }
            }
            words.push(Word::data(self.text(child)));
        }
        if !harmless {
            self.unknown("a variable that may change what later commands do", node.byte_range());
        }
        let span = self.span(node.byte_range());
        self.out.commands.push(Command { words, role: Role::Primary, span });
    }

    /// The name and the value, where both are known.
    fn assignment(&mut self, node: Node<'_>, dirs: &Dirs) -> Option<(&str, String)> {
        let expansions = self.expansions(node, dirs);
        let text = self.text(node);
        let (name, _) = text.split_once('=')?;
        let start = node.start_byte() + name.len() + 1;
        let value = self.value(start..node.end_byte(), &expansions)?;
        is_name(name).then_some((name, value))
    }

    fn value(&self, range: Range<usize>, expansions: &[Range<usize>]) -> Option<String> {
        let mut tokens = Vec::new();
        if range.is_empty() {
            return Some(String::new());
        }
        word::read(self.line, range, expansions, &mut tokens).ok()?;
        match tokens.as_slice() {
            [token] => token.known().map(str::to_owned),
            _ => None,
        }
    }
}

/// `NAME=value` as an operand of `env`.
pub(crate) fn operand(token: &Token) -> Option<(&str, &str)> {
    let (name, value) = token.text.split_once('=')?;
    (token.known().is_some() && is_name(name)).then_some((name, value))
}

/// Whether a variable can have this name: `1=a` is a command.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
