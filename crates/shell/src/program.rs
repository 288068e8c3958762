//! What is known of programs: the tables of `programs/*.toml`, made into static data when this crate is built.

/// What is known of a program or of one of its subcommands.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program, and its subcommands after it: `git stash list`.
    pub(crate) name: &'static str,
    /// Its options, sorted by name. One that is not here is not known and therefore not harmless.
    pub(crate) options: &'static [(&'static str, Opt)],
    /// Whether `-name` is one option rather than a cluster of one-letter ones.
    pub(crate) words: bool,
    /// Whether `-20` is an option.
    pub(crate) numbers: bool,
    /// Whether options end at the first operand.
    pub(crate) stop: bool,
    /// What operands are, in order; the last entry goes on for all others.
    pub(crate) operands: &'static [Operand],
    /// What the last operand is if there are at least two.
    pub(crate) last: Option<Operand>,
    /// Options that take the place of the first operand (`grep -e`).
    pub(crate) instead: &'static [&'static str],
    /// Options that make reading a search through the whole tree (`grep -r`).
    pub(crate) recursive: &'static [&'static str],
    /// Whether it searches the current directory when no operand says where.
    pub(crate) here: bool,
    /// Whether a word that is no option of it is printed as any other (`echo --`).
    pub(crate) lenient: bool,
    /// Whether its first operand names a subcommand.
    pub(crate) subcommands: bool,
    /// Whether this subcommand by itself does what an option of power would, whatever its operands are.
    pub(crate) grave: bool,
    /// How it runs what its operands name.
    pub(crate) runs: Runs,
    /// How far "always" may reach.
    pub(crate) offer: Reach,
}

/// What an option does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opt {
    /// Harmless, takes no value.
    Flag,
    /// Harmless, takes a value.
    Value,
    /// Harmless, takes a value only when it is attached.
    Attached,
    /// Takes a file that is read.
    Read,
    /// Takes a directory that is used as data.
    Search,
    /// Takes a file that is written. Not harmless.
    Write,
    /// Takes a value and runs something, connects somewhere or changes what the program does. Not harmless.
    Power,
    /// The same without a value.
    PowerFlag,
    /// Harmless, takes two values.
    Pair,
    /// Takes a value that is what the first operand would be (`sed -e`).
    Script,
    /// Harmless, takes lines and the file that they are of: `1,5:FILE` (`git log -L`).
    Lines,
    /// Changes the operands where it would read them (`sed -i`). Not harmless; takes a value only when attached.
    Change,
}

/// What an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
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
    /// Something of which nothing is known; it may be a file.
    Maybe,
    /// A revision, or a revision and a path in it: `HEAD:.env`.
    Object,
    /// A URL.
    Url,
    /// A program in a language that can do anything.
    Code,
    /// A sed script.
    Sed,
    /// An awk program.
    Awk,
    /// A name, an address or a refspec of a git remote.
    Remote,
    /// The options of tar without a dash: `tf`.
    Tar,
    /// A jq filter.
    Jq,
    /// `name=value` changes what the program does; anything else is data (`make SHELL=x`).
    Target,
    /// `if=` and `of=`.
    Dd,
}

impl Operand {
    /// Whether it is a program in some language.
    pub(crate) fn is_code(self) -> bool {
        matches!(self, Operand::Code | Operand::Sed | Operand::Awk | Operand::Jq)
    }
}

/// How a program runs what its operands name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// It does not.
    Nothing,
    /// Its operands, after so many of its own, are a command, which it changes nothing about.
    Plainly(usize),
    /// Its operands, after so many of its own, are a command, which runs with other rights or otherwise than it reads.
    Powerfully(usize),
    /// Like `env`: assignments, then a command.
    Env,
    /// Like `xargs`: a command and words from its input.
    Xargs,
    /// A shell: `-c` with a command line, a script, or commands from its input.
    Shell,
    /// An interpreter: a program from an option, a file, or its input.
    Code,
    /// `find`.
    Find,
    /// Something that cannot be followed.
    Opaque,
}

/// How far "always" may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Exactly these words.
    Exact,
    /// The operation: the program, its subcommands, and so many operands more.
    Prefix(usize),
    /// The whole program.
    Program,
}

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

impl Program {
    /// What is known of this option, spelled out in full.
    pub(crate) fn option(&self, name: &str) -> Option<Opt> {
        let at = self.options.binary_search_by(|&(known, _)| known.cmp(name)).ok()?;
        self.options.get(at).map(|&(_, opt)| opt)
    }
}

/// What is known of a program, or a subcommand, by its full name.
pub(crate) fn lookup(name: &str) -> Option<&'static Program> {
    let at = PROGRAMS.binary_search_by(|program| program.name.cmp(name)).ok()?;
    PROGRAMS.get(at)
}

/// The name under which a program is looked up, and whether it was named by a path outside the system's own folders.
///
/// Tables only ever make the judgement of a program stricter than that of an unknown one, so `./git` uses git's.
pub(crate) fn name_of(word: &str) -> (String, bool) {
    let (folder, base) = word.rsplit_once('/').unwrap_or(("", word));
    let system = ["", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/opt/homebrew/bin"];
    let foreign = word.contains('/') && (folder.is_empty() || !system.contains(&folder));
    let mut name = base.to_ascii_lowercase();
    if let Some(stem) = name.strip_suffix(".exe") {
        name = stem.to_owned();
    }
    if lookup(&name).is_none() {
        // `python3.12`, `node-22`
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
        if stem.len() < name.len() && lookup(stem).is_some() {
            name = stem.to_owned();
        }
    }
    (name, foreign)
}

#[cfg(test)]
mod tests {
    use super::{Opt, PROGRAMS, lookup, name_of};

    #[test]
    fn tables_are_sorted() {
        assert!(PROGRAMS.is_sorted_by(|a, b| a.name < b.name));
        for program in PROGRAMS {
            assert!(program.options.is_sorted_by(|a, b| a.0 < b.0), "{}", program.name);
        }
    }

    #[test]
    fn every_subcommand_has_its_program() {
        for program in PROGRAMS {
            if let Some((parent, _)) = program.name.rsplit_once(' ') {
                assert!(lookup(parent).is_some_and(|parent| parent.subcommands), "{}", program.name);
            }
        }
    }

    #[test]
    fn programs_are_found_by_any_spelling() {
        assert_eq!(name_of("/usr/bin/git"), ("git".to_owned(), false));
        assert_eq!(name_of("./git"), ("git".to_owned(), true));
        assert_eq!(name_of("/git"), ("git".to_owned(), true));
        assert_eq!(name_of("python3.12").0, "python");
        assert_eq!(name_of("RM").0, "rm");
        assert_eq!(lookup("sort").unwrap().option("--compress-program"), Some(Opt::Power));
        assert_eq!(lookup("sort").unwrap().option("--compress-prog"), None);
    }
}
