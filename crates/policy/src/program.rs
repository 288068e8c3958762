//! What policy files say of programs. What it comes to is for whoever takes command lines apart.

use std::collections::BTreeMap;

/// What a file says of one program, or of one of its subcommands (`mytool sub`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramEntry {
    /// What its options do, by the option as it is written: `-v`, `--level`.
    pub options: BTreeMap<String, OptionKind>,
    /// What its operands are, in order; the last kind goes on for all others. Empty: nothing is said of them.
    pub operands: Vec<OperandKind>,
    /// Whether its first operand names a subcommand.
    pub subcommands: bool,
}

/// What an option does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// It is harmless and takes no value.
    Flag,
    /// It is harmless and takes a value.
    Value,
    /// It is harmless and takes a value only when that is attached: `--color=never`.
    Attached,
    /// It takes a file that is read.
    Read,
    /// It takes a directory that is searched.
    Search,
    /// It takes a file that is written. Not harmless.
    Write,
    /// It takes a value and does anything else. Not harmless.
    Power,
    /// It takes a command line, which runs. Not harmless.
    Exec,
    /// It takes a directory, in which the program then works.
    Dir,
}

/// What an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandKind {
    /// Only data.
    Data,
    /// A file that is read.
    Read,
    /// A tree that is searched.
    Search,
    /// A file that is created or changed.
    Edit,
    /// A file that is removed.
    Delete,
    /// A URL.
    Url,
    /// A host.
    Host,
    /// A program in a language that can do anything. Not harmless.
    Code,
    /// Anything; it may be a file.
    Maybe,
}

impl OptionKind {
    /// The kind of the options in a list of this name.
    pub(crate) fn named(word: &str) -> Option<OptionKind> {
        Some(match word {
            "flags" => OptionKind::Flag,
            "values" => OptionKind::Value,
            "attached" => OptionKind::Attached,
            "read" => OptionKind::Read,
            "search" => OptionKind::Search,
            "write" => OptionKind::Write,
            "power" => OptionKind::Power,
            "exec" => OptionKind::Exec,
            "dir" => OptionKind::Dir,
            _ => return None,
        })
    }
}

impl OperandKind {
    /// The kind of this name.
    pub(crate) fn named(word: &str) -> Option<OperandKind> {
        Some(match word {
            "data" => OperandKind::Data,
            "read" => OperandKind::Read,
            "search" => OperandKind::Search,
            "edit" => OperandKind::Edit,
            "delete" => OperandKind::Delete,
            "url" => OperandKind::Url,
            "host" => OperandKind::Host,
            "code" => OperandKind::Code,
            "maybe" => OperandKind::Maybe,
            _ => return None,
        })
    }
}

/// Two files about one program: what the first of them says holds, and the second adds to it.
pub(crate) fn merge(first: &mut ProgramEntry, second: &ProgramEntry) {
    for (option, kind) in &second.options {
        first.options.entry(option.clone()).or_insert(*kind);
    }
    if first.operands.is_empty() {
        first.operands.clone_from(&second.operands);
    }
    first.subcommands |= second.subcommands;
}
