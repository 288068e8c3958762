//! Variables that a line sets: which of them cannot change what any program does.

use std::ops::Range;

use countersign_policy::{CommandSpelling, Word, WordKind};
use tree_sitter::Node;

use crate::Command;
use crate::dirs::Dirs;
use crate::run::MOST_WRAPPED;
use crate::values::Expansion;
use crate::walk::Walk;
use crate::word::{self, Shape, Token};

/// Variables of the environment that change only how a program shows what it does.
const HARMLESS: [&str; 33] = [
    "CARGO_INCREMENTAL",
    "CARGO_TERM_COLOR",
    "CGO_ENABLED",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "CUDA_VISIBLE_DEVICES",
    "DEBUG",
    "FORCE_COLOR",
    "GOARCH",
    "GOMAXPROCS",
    "GOOS",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LOG_LEVEL",
    "NEXT_TELEMETRY_DISABLED",
    "NODE_ENV",
    "NO_COLOR",
    "PROPTEST_CASES",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
    "RUST_TEST_THREADS",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TZ",
];

/// Variables that name a program for showing or editing text, and what they may be set to: nothing, or a program that only
/// passes on what it gets.
const SHOWING: [&str; 12] = [
    "PAGER",
    "GIT_PAGER",
    "MANPAGER",
    "GH_PAGER",
    "AWS_PAGER",
    "SYSTEMD_PAGER",
    "BAT_PAGER",
    "DELTA_PAGER",
    "EDITOR",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "VISUAL",
];

/// Switches whose values do no more than turn something off.
const SWITCHES: [(&str, &str); 6] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("NPM_CONFIG_FUND", "false"),
    ("NPM_CONFIG_AUDIT", "false"),
    ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
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
    if SHOWING.contains(&name) && ["", "cat", "true", ":"].contains(&value) || SWITCHES.contains(&(name, value)) {
        return true;
    }
    // A time zone and a locale can be files.
    known && (!value.contains(['/', '~']) || name == "TZ" && is_zone(value))
}

/// `Europe/Berlin`: below the system's own zones.
fn is_zone(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_uppercase())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/+-".contains(&byte))
}

/// Whether a name is nothing but a variable of this line: no shell and no program looks at it.
pub(crate) fn is_local(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    // What is in the environment already goes on to programs: `http_proxy`, `npm_config_x`.
    let theirs = ["proxy", "path"].iter().any(|end| name.ends_with(end))
        || ["npm_", "pnpm_", "yarn_", "fish_", "zsh_", "lc_"].iter().any(|start| name.starts_with(start));
    letters
        && !theirs
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 24
        && !SHELL.contains(&name)
}

impl Walk<'_> {
    /// `A=1 command`: the assignment as a word, of power where it may change what the command does.
    pub(crate) fn leading(&mut self, node: Node<'_>, dirs: &Dirs) -> Word {
        let assignment = self.assignment(node, dirs).map(|(name, value)| (name.to_owned(), value));
        match assignment {
            Some((name, value)) => {
                // Only `read` looks at it, where it stands before one.
                let splits =
                    name == "IFS" && self.line.get(node.end_byte()..).is_some_and(|rest| rest.starts_with(" read "));
                let kind = if splits || is_harmless(&name, &value) { WordKind::Data } else { WordKind::Power };
                Word { text: format!("{name}={value}"), kind }
            }
            None => Word { text: self.text(node).to_owned(), kind: WordKind::Dynamic },
        }
    }

    /// What a command is that runs with these variables: the same, or more than it reads.
    pub(crate) fn set_for(&mut self, set: Vec<Word>, command: usize, written: &[Word], range: Range<usize>) {
        if set.is_empty() || command >= self.out.commands.len() {
            if set.iter().any(|word| word.kind != WordKind::Data) {
                self.unknown("a variable that may change what the command does", range);
            }
            return;
        }
        let plain = set.iter().all(|word| word.kind == WordKind::Data);
        let mut words = set;
        words.extend(written.iter().cloned());
        if plain {
            for command in self.out.commands.iter_mut().skip(command).take(MOST_WRAPPED) {
                command.spellings.push(CommandSpelling { words: words.clone(), allows: true });
            }
        } else {
            let span = self.span(range);
            self.out.commands.insert(command, Command { words, spellings: Vec::new(), span });
            self.absorb(command);
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
        let expansions = self.expansions(node, dirs);
        let text = self.text(node);
        let (name, _) = text.split_once('=').unwrap_or((text, ""));
        let start = (node.start_byte() + name.len() + 1).min(node.end_byte());
        let value = self.value(start..node.end_byte(), &expansions);
        if !(is_local(name) || value.is_some_and(|value| is_name(name) && is_harmless(name, &value))) {
            self.unknown("a variable that may change what later commands do", node.byte_range());
        }
        self.assign(name, start..node.end_byte(), &expansions);
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
        self.out.commands.push(Command { words, spellings: Vec::new(), span });
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

    fn value(&self, range: Range<usize>, expansions: &[Expansion]) -> Option<String> {
        let mut tokens = Vec::new();
        if range.is_empty() {
            return Some(String::new());
        }
        word::read(self.line, range, expansions, &mut tokens).ok()?;
        match tokens.as_slice() {
            // No shell matches files there.
            [token] if matches!(token.shape, Shape::Glob(_)) && expansions.is_empty() => Some(token.text.clone()),
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
