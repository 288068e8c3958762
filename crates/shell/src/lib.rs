//! Takes a shell command line apart: which programs would run with which words, which files and hosts that would
//! touch, and what cannot be known before it runs.
//!
//! Pure: nothing is looked up, nothing is run. What is not understood is an [`Unknown`], never left out.

use std::ops::Range;

use countersign_policy::{Action, CommandSpelling, Word};

mod assignment;
mod budget;
mod command;
mod described;
mod dirs;
mod expansion;
mod find;
mod gaps;
mod heredoc;
mod judge;
mod links;
mod offer;
mod options;
mod plain;
mod program;
mod redirect;
mod run;
mod script;
mod values;
mod walk;
pub mod windows;
mod word;

pub use offer::{offers, offers_with};
pub use program::Programs;
#[doc(hidden)]
pub use program::{described, lists_as_harmless};

use dirs::Dirs;
use walk::Walk;

/// What a command line would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Every simple command that would run, in the order of the line.
    pub commands: Vec<Command>,
    /// Every file or host that a redirection or an operand names.
    pub touches: Vec<Touch>,
    /// What could not be understood. A line with any of these is only for a human to allow.
    pub unknown: Vec<Unknown>,
}

/// One simple command that would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The words as the program receives them; the first names the program. Of a command that is run by a wrapper which
    /// changes nothing about it (`timeout 5`), its own words; of one that changes something (`sudo`), the wrapper's and
    /// then its own.
    pub words: Vec<Word>,
    /// Other ways to write it: with its wrappers, without them, without options that change nothing about what it does.
    pub spellings: Vec<CommandSpelling>,
    /// The bytes of the line that this came from.
    pub span: Range<usize>,
}

/// A file or host that a redirection or an operand names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// What happens to it: read, edit, delete, search or fetch.
    pub action: Action,
    /// The path or URL after quote removal. A leading `~` or `~/` is the home directory; a file of that name reads
    /// `./~`.
    pub path: String,
    /// Where a relative path starts.
    pub dir: Dir,
    /// What names it.
    pub via: Via,
    /// The command that names it, as an index into [`Analysis::commands`].
    pub command: Option<usize>,
}

/// Where a relative path starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dir {
    /// A path to be joined to the call's working directory; empty for that directory itself.
    Cwd(String),
    /// Known only when it runs.
    Unknown,
}

/// What names a touched file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// An output redirection.
    Redirection,
    /// An operand of a command, or what its input comes from.
    Operand,
}

/// Something that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Why, in one phrase for a human.
    pub reason: String,
    /// The bytes of the line that this is about.
    pub span: Range<usize>,
}

/// What "always" may offer for one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// How far it reaches.
    pub kind: OfferKind,
    /// A pattern as it stands in a `shell(...)` rule; none for exactly these words.
    pub pattern: Option<String>,
}

/// How far an offer reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferKind {
    /// Exactly these words.
    Exact,
    /// The operation with any ordinary data: `git diff *`.
    Prefix,
    /// The program with any ordinary data: `ls *`.
    Program,
}

/// The longest line that is taken apart, in bytes.
const LONGEST: usize = 128 * 1024;

/// Takes a line apart, by what this crate itself knows of programs.
pub fn analyze(line: &str) -> Analysis {
    analyze_with(line, &program::BUILTIN)
}

/// Takes a line apart.
pub fn analyze_with(line: &str, programs: &Programs) -> Analysis {
    let mut out = Analysis::default();
    if line.len() > LONGEST {
        out.unknown.push(Unknown { reason: "a line that is too long".to_owned(), span: 0..line.len() });
        return out;
    }
    Walk::new(line, programs, &mut out).line(&Dirs::start());
    links::check(line, &mut out);
    out
}

/// Takes a line apart by the parser alone, without the shortcut for plain lines. For tests: both must agree.
#[doc(hidden)]
pub fn analyze_by_parser(line: &str) -> Analysis {
    let mut out = Analysis::default();
    Walk::new(line, &program::BUILTIN, &mut out).parsed(&Dirs::start());
    links::check(line, &mut out);
    out
}
