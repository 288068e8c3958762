//! What policy files say of programs, put on top of the tables that come with this crate.

use std::borrow::Cow;
use std::collections::BTreeMap;

use countersign_policy::{OperandKind, OptionKind, ProgramEntry};

use crate::program::{BUILTIN, Operand, Opt, Program, Programs, Reach, Runs};

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// An administrator's, a team's or a user's: it goes before the tables.
    Above,
    /// A project's: it adds what nothing else says.
    Project,
}

impl Programs {
    /// The tables that come with this crate, with what policy files say: `above` goes before the tables, `project` adds
    /// only what neither they nor `above` speak of.
    ///
    /// A program that runs others stays one: of it, only options that its table does not list can be described.
    pub fn extended(above: &BTreeMap<String, ProgramEntry>, project: &BTreeMap<String, ProgramEntry>) -> Programs {
        let mut programs = Programs::default();
        for (name, entry) in above {
            programs.describe(name, entry, By::Above);
        }
        for (name, entry) in project {
            programs.describe(name, entry, By::Project);
        }
        programs
    }

    fn describe(&mut self, name: &str, entry: &ProgramEntry, by: By) {
        let mut words = name.split(' ');
        let first = words.next().unwrap_or_default();
        if first.is_empty() || first.contains('/') {
            return;
        }
        // `python3.12` is found as `python`: a table of its own would make another program of it.
        let mut path = BUILTIN.named(first).name;
        for word in words {
            if !self.parent(&path, by) {
                return;
            }
            path = format!("{path} {word}");
        }
        let known = self.lookup(&path).cloned();
        let fresh = known.is_none();
        let mut program = known.unwrap_or_else(|| unknown(&path));
        let runs = program.runs != Runs::Nothing || program.grave;
        let adds = runs || by == By::Project;
        // `-name` of a program that nothing is known of is one option if it is listed as one.
        if fresh {
            program.words = entry.options.keys().any(|option| !option.starts_with("--") && option.len() > 2);
        }
        let mut options: BTreeMap<Cow<'static, str>, Opt> = program.options.iter().cloned().collect();
        for (option, kind) in &entry.options {
            if !adds || !options.contains_key(option.as_str()) {
                options.insert(Cow::Owned(option.clone()), opt(*kind));
            }
        }
        program.options = options.into_iter().collect();
        if !entry.operands.is_empty() && (fresh || !adds) {
            program.operands = entry.operands.iter().map(|kind| operand(*kind)).collect();
        }
        if entry.subcommands && (fresh || !adds) {
            program.subcommands = true;
        }
        if fresh && by == By::Above && !program.subcommands {
            program.offer = Reach::Prefix(0);
        }
        self.own.insert(path, program);
    }

    /// Makes a program take subcommands; whether it now does.
    fn parent(&mut self, path: &str, by: By) -> bool {
        let program = match self.lookup(path) {
            Some(program) if program.subcommands => return true,
            Some(program) if by == By::Project || program.runs != Runs::Nothing => return false,
            Some(program) => program.clone(),
            None => unknown(path),
        };
        self.own.insert(path.to_owned(), Program { subcommands: true, offer: Reach::Exact, ..program });
        true
    }
}

/// A program of which nothing is known: each option is one of power, and each operand may be a file.
fn unknown(name: &str) -> Program {
    Program {
        name: Cow::Owned(name.to_owned()),
        options: Vec::new(),
        words: false,
        tame: false,
        bundle: false,
        rsh: false,
        variants: Vec::new(),
        numbers: false,
        stop: false,
        operands: vec![Operand::Maybe],
        last: None,
        instead: Vec::new(),
        recursive: Vec::new(),
        safe_config: Vec::new(),
        glued: Vec::new(),
        module: Vec::new(),
        behind: Cow::Borrowed(""),
        here: false,
        lenient: false,
        subcommands: false,
        grave: false,
        response: false,
        contents: false,
        valued: false,
        commits: false,
        compares: false,
        grave_words: Vec::new(),
        runs: Runs::Nothing,
        offer: Reach::Exact,
    }
}

fn opt(kind: OptionKind) -> Opt {
    match kind {
        OptionKind::Flag => Opt::Flag,
        OptionKind::Value => Opt::Value,
        OptionKind::Attached => Opt::Attached,
        OptionKind::Read => Opt::Read,
        OptionKind::Search => Opt::Search,
        OptionKind::Write => Opt::Write,
        OptionKind::Power => Opt::Power,
        OptionKind::Exec => Opt::Exec,
        OptionKind::Dir => Opt::Dir,
    }
}

fn operand(kind: OperandKind) -> Operand {
    match kind {
        OperandKind::Data => Operand::Data,
        OperandKind::Read => Operand::Read,
        OperandKind::Search => Operand::Search,
        OperandKind::Edit => Operand::Edit,
        OperandKind::Delete => Operand::Delete,
        OperandKind::Url => Operand::Url,
        OperandKind::Host => Operand::Host,
        OperandKind::Code => Operand::Code,
        OperandKind::Maybe => Operand::Maybe,
    }
}
