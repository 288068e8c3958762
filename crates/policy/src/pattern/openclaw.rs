//! Programs as OpenClaw's allowlists name them: a glob over where a program is, or over its name, and its arguments.
//!
//! Two programs read these lists and differ: the gateway (2026.9) and the Windows node. What could match more than its
//! author meant matches nothing: a generated entry that lost its binding, a binding in an old form, an expression that
//! cannot be told.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::javascript::{self, LINE_ENDS, literal, units};
use crate::call::Call;
use crate::digest::sha256_hex;
use crate::target::{Located, Word, WordKind};

mod hash;
mod hosts;

pub use hash::cwd_bound_hash;

/// Which program reads the list, and on which system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// The gateway on Linux.
    Linux,
    /// The gateway on macOS.
    Mac,
    /// The gateway on Windows, or for a node that runs there.
    Windows,
    /// The Windows node's own reader.
    WindowsNode,
}

/// An entry of an allowlist.
#[derive(Debug, Clone)]
pub struct Executable {
    text: Box<str>,
    on: Machine,
    args: Option<Box<str>>,
    generated: bool,
    program: Program,
    binding: Binding,
}

#[derive(Debug, Clone)]
enum Program {
    /// Any at all.
    Any,
    /// One that is there, in the home directory if so said.
    At { in_home: bool, has_wildcard: bool, glob: Glob },
    /// One that was typed by its name alone.
    Named(Glob),
    /// What the command line as a whole hashes to.
    Line(Box<str>),
    /// None.
    Never(Inert),
}

/// A glob; most are none.
#[derive(Debug, Clone)]
enum Glob {
    Literal(Box<str>),
    Wild(Regex),
}

impl Glob {
    fn matches(&self, text: &str) -> bool {
        match self {
            Glob::Literal(literal) => **literal == *text,
            Glob::Wild(glob) => glob.is_match(&units(text)),
        }
    }
}

/// Why an entry can never match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inert {
    /// Why.
    pub why: &'static str,
    /// Whether it matches nothing in OpenClaw either.
    pub there_too: bool,
}

/// One that matches nothing in OpenClaw either.
fn never(why: &'static str) -> Inert {
    Inert { why, there_too: true }
}

/// One that OpenClaw could match, and we do not.
fn untold(why: &'static str) -> Inert {
    Inert { why, there_too: false }
}

#[derive(Debug, Clone)]
enum Binding {
    /// Any arguments.
    Free,
    /// An expression over them: between NULs, or between blanks.
    Expression { expression: Regex, nuls: bool },
    /// Their hash in the Windows node's first form.
    Hash,
    /// Their hash together with the working directory.
    CwdHash,
}

impl PartialEq for Executable {
    fn eq(&self, other: &Executable) -> bool {
        (&self.text, self.on, &self.args, self.generated) == (&other.text, other.on, &other.args, other.generated)
    }
}

impl Eq for Executable {}

const HASH: &str = "sha256:argv:";
const CWD_HASH: &str = "sha256:cwd-argv:v1:";
const MARKERS: [&str; 2] = ["=command:", "=node-command:"];
/// The longest pattern in bytes: no path is longer.
const LONGEST: usize = 4096;
/// The most wildcards in one.
const MOST_WILDCARDS: usize = 64;
/// The longest arguments in bytes that an expression is held against.
const LONGEST_ARGUMENTS: usize = 64 * 1024;

impl Executable {
    /// Compiles an entry. `generated`: an answer of "always" made it, no human wrote it.
    pub fn compile(on: Machine, pattern: &str, args: Option<&str>, generated: bool) -> Executable {
        let args = args.filter(|args| !args.is_empty());
        let (program, binding) = match bind(on, args, generated) {
            Ok(binding) => (program(on, pattern.trim(), args.is_some(), generated), binding),
            // What a generated marker stands for is the line, whatever else is said.
            Err(_) if generated && is_marker(on, pattern) => {
                (program(on, pattern.trim(), args.is_some(), true), Binding::Free)
            }
            Err(why) => (Program::Never(why), Binding::Free),
        };
        Executable { text: pattern.into(), on, args: args.map(Into::into), generated, program, binding }
    }

    /// Who reads the list that it stands in.
    pub fn on(&self) -> Machine {
        self.on
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Why it can never match, if it cannot.
    pub fn inert(&self) -> Option<Inert> {
        match self.program {
            Program::Never(why) => Some(why),
            _ => None,
        }
    }

    /// Whether it stands for every program.
    pub fn is_any(&self) -> bool {
        matches!(self.program, Program::Any)
    }

    /// Whether it names a shell, which is judged by what it is given to run.
    pub fn is_shell(&self) -> bool {
        let windows = matches!(self.on, Machine::Windows | Machine::WindowsNode);
        let name = self.text.trim().rsplit(['/', '\\']).next().unwrap_or_default();
        hosts::is_shell(&name.to_lowercase(), windows)
    }

    pub(super) fn kind(&self) -> Kind {
        let args = self.args.as_deref().map(str::to_owned);
        Kind::OpenClaw { on: self.on, args, generated: self.generated }
    }

    /// Whether these words, of which the first is a program that is there, are what the entry stands for. What is known
    /// only when it runs never is.
    pub(super) fn matches(&self, words: &[Word], at: Option<&Located>, call: &Call) -> bool {
        let Some((program, args)) = words.split_first() else { return false };
        if words.iter().any(|word| word.kind == WordKind::Dynamic || word.text.contains('\0')) {
            return false;
        }
        let is_there = match (&self.program, at) {
            (Program::Never(_), _) => return false,
            (Program::Any, _) => return true,
            (Program::Line(hash), _) => return line(call).is_some_and(|line| short_hash(line) == **hash),
            (_, None) => return false,
            (Program::At { in_home, has_wildcard, glob }, Some(at)) => {
                self.place(&at.real, *in_home, *has_wildcard, call).is_some_and(|place| glob.matches(&place))
            }
            (Program::Named(glob), Some(at)) => {
                let name = at.found.rsplit(['/', '\\']).next().unwrap_or_default();
                !has_path(&program.text) && glob.matches(&target(self.on, name))
            }
        };
        is_there && self.may_stand_for(at, args) && self.has_arguments(args, call)
    }

    /// The place as the glob is compared with: below the home directory, if it starts there.
    fn place(&self, real: &str, in_home: bool, has_wildcard: bool, call: &Call) -> Option<String> {
        let mut place = target(self.on, real);
        if has_wildcard && self.on != Machine::WindowsNode {
            place = hash::without_dots(&place);
        }
        if !in_home {
            return Some(place);
        }
        let home = target(self.on, call.home.trim_end_matches(['/', '\\']));
        if call.home.is_empty() { None } else { place.strip_prefix(&home).map(str::to_owned) }
    }

    /// Whether an entry may stand for this program with arguments at all.
    fn may_stand_for(&self, at: Option<&Located>, args: &[Word]) -> bool {
        let Some(at) = at else { return false };
        let name = |place: &str| place.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
        match self.on {
            Machine::WindowsNode => self.args.is_some() || !hosts::runs_code(&name(&at.real)),
            on => {
                let is_shell = |name: &String| hosts::is_shell(name, on == Machine::Windows);
                args.is_empty() || ![name(&at.real), name(&at.found)].iter().any(is_shell)
            }
        }
    }

    fn has_arguments(&self, args: &[Word], call: &Call) -> bool {
        let args: Vec<&str> = args.iter().map(|word| &*word.text).collect();
        let bound = self.args.as_deref().unwrap_or_default();
        match &self.binding {
            Binding::Free => true,
            Binding::Hash => bound == hash::plain(&args),
            Binding::CwdHash => bound == cwd_bound_hash(&args, &call.cwd, self.on),
            Binding::Expression { expression, nuls } => {
                let subject = match (nuls, args.is_empty()) {
                    (false, _) => args.join(" "),
                    (true, true) => "\0\0".to_owned(),
                    (true, false) => args.iter().map(|arg| format!("{arg}\0")).collect(),
                };
                if subject.len() > LONGEST_ARGUMENTS {
                    return false;
                }
                let windows = matches!(self.on, Machine::Windows | Machine::WindowsNode);
                expression.is_match(&units(&subject))
                    || (windows && expression.is_match(&units(&subject.replace('/', "\\"))))
            }
        }
    }
}

/// How arguments are bound, or why the entry can never match.
fn bind(on: Machine, args: Option<&str>, generated: bool) -> Result<Binding, Inert> {
    let node = on == Machine::WindowsNode;
    match args {
        None if generated => Err(never("an answer made it, and it is not bound to arguments")),
        None => Ok(Binding::Free),
        Some(args) if args.starts_with(HASH) && node => Ok(Binding::Hash),
        Some(args) if args.starts_with(HASH) => {
            Err(never("its arguments are bound in an old form, without the folder"))
        }
        Some(args) if args.starts_with(CWD_HASH) && !node => Ok(Binding::CwdHash),
        Some(_) if generated && !node => Err(never("an answer made it, and it is bound to no folder")),
        Some(args) => {
            let nuls = args.contains('\0');
            let expression = javascript::compile(args)
                .ok_or(untold("its expression over arguments is not regular, or is read in two ways"))?;
            Ok(Binding::Expression { expression, nuls })
        }
    }
}

fn program(on: Machine, pattern: &str, bound: bool, generated: bool) -> Program {
    if pattern.is_empty() {
        return Program::Never(never("its pattern is empty"));
    }
    if pattern.len() > LONGEST {
        return Program::Never(untold("its pattern is longer than any path"));
    }
    if pattern.matches('*').count() > MOST_WILDCARDS {
        return Program::Never(untold("its pattern has more wildcards than are followed"));
    }
    if on == Machine::WindowsNode {
        return node_program(pattern);
    }
    if let Some(hash) = MARKERS.iter().find_map(|marker| pattern.strip_prefix(marker)).filter(|_| generated) {
        return Program::Line(hash.into());
    }
    if pattern == "*" {
        return if bound || generated {
            Program::Never(never("`*` stands for every program only without a binding, and written by a human"))
        } else {
            Program::Any
        };
    }
    let (in_home, rest) = match pattern.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '\\']) => (true, rest),
        _ => (false, pattern),
    };
    let Some(glob) = glob(&target(on, rest)) else { return Program::Never(untold("its pattern is too large")) };
    if has_path(pattern) {
        Program::At { in_home, has_wildcard: pattern.contains(['*', '?']), glob }
    } else {
        Program::Named(glob)
    }
}

/// The Windows node takes only patterns with a folder, in which `**` is all of a name.
fn node_program(pattern: &str) -> Program {
    let pattern = target(Machine::WindowsNode, pattern);
    if !pattern.contains('/') {
        return Program::Never(never("it names no folder, and the Windows node looks at places only"));
    }
    let names = pattern.split('/');
    if names.clone().any(|name| name.contains("**") && name != "**") {
        return Program::Never(never(
            "`**` stands in a name there, and the Windows node takes it for a name of its own only",
        ));
    }
    let last = names.clone().count() - 1;
    let mut out = String::from("^");
    for (at, name) in names.enumerate() {
        match (name, at == last) {
            // Any number of folders, none among them; the last slash has nothing behind it.
            ("**", false) if pattern.split('/').nth(at + 1) != Some("") || at + 1 != last => {
                out.push_str(r"(?:[^\x{a}]*/)?");
            }
            ("**", false) => out.push_str(r"[^\x{a}]*/"),
            ("**", true) => out.push_str(r"[^\x{a}]*"),
            (name, is_last) => {
                out.push_str(&of_name(name));
                if !is_last {
                    out.push('/');
                }
            }
        }
    }
    out.push('$');
    match javascript::engine(&out) {
        Some(glob) => Program::At { in_home: false, has_wildcard: true, glob: Glob::Wild(glob) },
        None => Program::Never(untold("its pattern is too large")),
    }
}

fn of_name(name: &str) -> String {
    let step = |unit: char| match unit {
        '*' => "[^/]*".to_owned(),
        '?' => "[^/]".to_owned(),
        unit => literal(unit),
    };
    units(name).chars().map(step).collect()
}

/// The gateway's globs: `**` is anything within a line, `*` anything without `/`, `?` one such unit.
fn glob(pattern: &str) -> Option<Glob> {
    if !pattern.contains(['*', '?']) {
        return Some(Glob::Literal(pattern.into()));
    }
    let anything = format!("[^{LINE_ENDS}]*");
    let parts: Vec<String> = pattern.split("**").map(of_name).collect();
    javascript::engine(&format!("^{}$", parts.join(&anything))).map(Glob::Wild)
}

/// A place as it is compared: each system's own spellings are one.
fn target(on: Machine, place: &str) -> String {
    match on {
        Machine::Linux => place.replace(r"\\", "/"),
        Machine::Mac => {
            let place = place.replace(r"\\", "/");
            match place.strip_prefix("/private") {
                Some(rest) if rest == "/var" || rest.starts_with("/var/") => rest.to_owned(),
                _ => place,
            }
        }
        Machine::Windows => {
            let plain = place.strip_prefix(r"\\?\").or_else(|| place.strip_prefix(r"\\.\")).unwrap_or(place);
            plain.replace('\\', "/").to_lowercase()
        }
        Machine::WindowsNode => place.replace('\\', "/").chars().map(folded).collect(),
    }
}

/// A letter in lower case, where that is one letter.
fn folded(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn has_path(text: &str) -> bool {
    text.contains(['/', '\\', '~'])
}

fn is_marker(on: Machine, pattern: &str) -> bool {
    on != Machine::WindowsNode && MARKERS.iter().any(|marker| pattern.trim().starts_with(marker))
}

/// The command line of a call, where the host sends it whole.
fn line(call: &Call) -> Option<&str> {
    call.args.get("command")?.as_str().map(str::trim).filter(|line| !line.is_empty())
}

fn short_hash(line: &str) -> String {
    sha256_hex(line.as_bytes()).chars().take(16).collect()
}

#[cfg(test)]
mod tests;
