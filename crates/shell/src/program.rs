//! What is known of programs: the tables of `programs/*.toml`, made into one text when this crate is built, and what a
//! policy adds to them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What is known of a program or of one of its subcommands.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program, and its subcommands after it: `git stash list`.
    pub(crate) name: Cow<'static, str>,
    /// Its options, sorted by name. One that is not here is not known and therefore not harmless.
    pub(crate) options: Vec<(Cow<'static, str>, Opt)>,
    /// Whether `-name` is one option rather than a cluster of one-letter ones.
    pub(crate) words: bool,
    /// Whether no option of it does more than steer what it shows, so that a pattern may match a file named like one.
    pub(crate) tame: bool,
    /// Whether its first word is a cluster of one-letter options even without a dash (`tar xzf`), whose values follow it.
    pub(crate) bundle: bool,
    /// Whether a file named `HOST:PATH` is on another machine.
    pub(crate) rsh: bool,
    /// Options that make another program of it, described by an entry of its own: `tar -x`.
    pub(crate) variants: Vec<Cow<'static, str>>,
    /// Whether `-20` is an option.
    pub(crate) numbers: bool,
    /// Whether options end at the first operand.
    pub(crate) stop: bool,
    /// What operands are, in order; the last entry goes on for all others.
    pub(crate) operands: Vec<Operand>,
    /// What the last operand is if there are at least two.
    pub(crate) last: Option<Operand>,
    /// Options that take the place of the first operand (`grep -e`).
    pub(crate) instead: Vec<Cow<'static, str>>,
    /// Options that make reading a search through the whole tree (`grep -r`).
    pub(crate) recursive: Vec<Cow<'static, str>>,
    /// Settings that change only how it shows what it does: `color.*` of `git -c`.
    pub(crate) safe_config: Vec<Cow<'static, str>>,
    /// Options of one dash whose value may be attached where `-name` is one option (`-Iinclude`); the longest counts.
    pub(crate) glued: Vec<Cow<'static, str>>,
    /// Options whose value names a program, to which all words after it belong (`python -m pytest`).
    pub(crate) module: Vec<Cow<'static, str>>,
    /// The program whose words stand behind `--`, if that is known (`cargo clippy -- -D warnings` is for rustc).
    pub(crate) behind: Cow<'static, str>,
    /// Whether it searches the current directory when no operand says where.
    pub(crate) here: bool,
    /// Whether a word that is no option of it is printed as any other (`echo --`).
    pub(crate) lenient: bool,
    /// Whether its first operand names a subcommand.
    pub(crate) subcommands: bool,
    /// Whether this subcommand by itself does what an option of power would, whatever its operands are.
    pub(crate) grave: bool,
    /// Whether it takes options from a file for any word `@FILE`.
    pub(crate) response: bool,
    /// Whether of a folder written `a/` only what is in it is copied, on some systems at least.
    pub(crate) contents: bool,
    /// Whether some of its options are listed with a value (`--accept=edit`).
    pub(crate) valued: bool,
    /// Whether its first operand may be a commit: `HEAD` is no file there.
    pub(crate) commits: bool,
    /// Whether what it is given it only compares: an operand of a comparison is a text.
    pub(crate) compares: bool,
    /// Operands that are of power by themselves, whatever stands before a colon in them (`:app:publish`).
    pub(crate) grave_words: Vec<Cow<'static, str>>,
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
    /// Takes a name, or several with commas between; a path, `KIND=PATH`, `FORMAT:PATH` and a module are of power.
    Plain,
    /// Takes a file that is read.
    Read,
    /// Takes a directory that is used as data.
    Search,
    /// Takes a file that is written. Not harmless.
    Write,
    /// Takes a file or directory that the program is there to write (`cp -t`, `tar -x -C`): as harmless as an operand.
    Into,
    /// Takes a text that is printed, with the escapes of `printf`.
    Text,
    /// Takes a jq filter.
    Jq,
    /// Takes the mode of a file, which is harmless unless it lends its owner's rights.
    Mode,
    /// Takes a file that is written, which is what the program is for (`gcc -o`).
    Output,
    /// Takes a value and runs something, connects somewhere or changes what the program does. Not harmless.
    Power,
    /// The same without a value.
    PowerFlag,
    /// Harmless, takes two values.
    Pair,
    /// Harmless, takes the next word for its value if that is `true` or `false`.
    Switch,
    /// Takes a name and a file that is read.
    Named,
    /// Takes a value that is what the first operand would be (`sed -e`).
    Script,
    /// Harmless, takes lines and the file that they are of: `1,5:FILE` (`git log -L`).
    Lines,
    /// Changes the operands where it would read them (`sed -i`). Not harmless; takes a value only when attached.
    Change,
    /// Takes a text that is sent; harmless unless it names a file (`@FILE`, `file://FILE`).
    Sent,
    /// Takes a command line, which runs. Not harmless.
    Exec,
    /// Takes `name=value` of its configuration; harmless where `safe-config` has the name.
    Config,
    /// Takes a directory, in which it then works as if called there.
    Dir,
    /// Takes a format or a key of git's; harmless unless a signature is checked for it, which runs a program.
    Shown,
    /// The same only when it is attached.
    ShownAttached,
    /// Takes `OWNER/NAME`; a host before it is of power.
    Repo,
}

/// What an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Only data.
    Data,
    /// A text that is printed, with the escapes of `printf`.
    Text,
    /// The mode of a file.
    Mode,
    /// The format of `date`; anything else sets the clock.
    Format,
    /// A file that a filter writes in the place of its output.
    Output,
    /// A file of machine code or an archive that is read; `@FILE` takes options from it.
    Binary,
    /// A process, or a job of the shell; not all of them.
    Process,
    /// The name of a program; a backslash makes it a path of Windows.
    Name,
    /// Numbers, separated by commas.
    Numbers,
    /// What is asked for below a service's own address.
    Endpoint,
    /// What a symbolic link leads to.
    Link,
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
    /// A URL whose content is saved in a file of its name (`wget`).
    Download,
    /// A program in a language that can do anything.
    Code,
    /// A file that is opened by a program which takes commands from its input (`vim`, `sqlite3`). Not harmless.
    Opened,
    /// A sed script.
    Sed,
    /// An awk program.
    Awk,
    /// A name, an address or a refspec of a git remote.
    Remote,
    /// The name of a git remote, or a folder; an address is of power.
    RemoteName,
    /// A page of a manual, or its file.
    Page,
    /// What the name or the command line of a process has; all processes, or this program's own, are of power.
    ProcessName,
    /// A repository of a service, or what it has; one at another host is of power.
    Repo,
    /// What is fetched or pushed: `main`, `a:b`; `+a` forces, `:b` deletes, `*` is everything.
    Refspec,
    /// A jq filter.
    Jq,
    /// `name=value` changes what the program does; anything else is data (`make SHELL=x`).
    Target,
    /// A local file or a plain name; an address, a version, an option, a file of options (`@FILE`) and a truth value,
    /// which would switch off the option before it, are of power.
    Local,
    /// The same of a file that is written.
    Product,
    /// A test or a file of tests; a file of options (`@FILE`) is of power.
    Test,
    /// `if=` and `of=`.
    Dd,
    /// A host.
    Host,
    /// A local file, or `HOST:PATH` of another machine (`scp`, `rsync`), which is of power.
    Place,
    /// Where such a program copies to.
    Destination,
    /// The name of a package in a registry; anything that names another source (a URL, a path) is of power.
    Package,
    /// A kind of a cluster's objects, or `KIND/NAME`; secrets are of power.
    Kind,
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
    /// The same on another machine or in a container: the files are not this machine's.
    Remotely(usize),
    /// Its operands, after so many of its own, are joined by spaces to a command line.
    Joined(usize),
    /// The same on another machine.
    JoinedRemotely(usize),
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
    /// Some of its words are a command; which is not known. Asks and denies look at it from each of them.
    Somehow,
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

/// The name of a table, by its place.
fn name_at(at: usize) -> &'static str {
    piece(NAMES, &NAME_STARTS, at)
}

/// A table, by its place; it is read when it is first looked up.
fn table_at(at: usize) -> Option<&'static Program> {
    let text = piece(TABLES, &TABLE_STARTS, usize::from(*TABLE_OF.get(at)?));
    Some(READ.get(at)?.get_or_init(|| Box::new(read(name_at(at), text))))
}

fn piece(text: &'static str, starts: &[u32], at: usize) -> &'static str {
    let start = |at: usize| starts.get(at).map_or(text.len(), |start| usize::try_from(*start).unwrap_or(text.len()));
    text.get(start(at)..start(at + 1)).unwrap_or_default()
}

/// The place of the first name that is not before this one.
fn place_of(name: &str) -> usize {
    let first = name.bytes().next().map_or(0, usize::from);
    let begin = |first: usize| FIRSTS.get(first).map_or(NAME_STARTS.len(), |at| usize::from(*at));
    let (mut low, mut high) = (begin(first), begin(first + 1));
    while low < high {
        let middle = low + (high - low) / 2;
        if name_at(middle) < name { low = middle + 1 } else { high = middle }
    }
    low
}

/// Reads a table as `build.rs` writes it. What it cannot read leaves the table with less, so that more asks.
fn read(name: &'static str, text: &'static str) -> Program {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let words = |line: &'static str| line.split(' ').filter(|word| !word.is_empty());
    let list = |line: &'static str| words(line).map(Cow::Borrowed).collect::<Vec<_>>();
    let number = |text: &str| text.parse::<usize>().unwrap_or(usize::MAX);
    let operand = |text: &str| OPERANDS.get(number(text)).copied();
    let option = |word: &'static str| {
        let (option, kind) = word.split_once('\t')?;
        Some((Cow::Borrowed(option), OPTS.get(number(kind)).copied()?))
    };
    let options: Vec<_> = words(line()).filter_map(option).collect();
    let mut switches = line().bytes().map(|byte| byte == b'1');
    let mut switch = || switches.next().unwrap_or_default();
    let mut program = Program {
        name: Cow::Borrowed(name),
        valued: options.iter().any(|(option, _): &(Cow<'_, str>, Opt)| option.contains('=')),
        options,
        words: switch(),
        tame: switch(),
        bundle: switch(),
        rsh: switch(),
        numbers: switch(),
        stop: switch(),
        here: switch(),
        lenient: switch(),
        subcommands: switch(),
        grave: switch(),
        response: switch(),
        contents: switch(),
        commits: switch(),
        compares: switch(),
        instead: list(line()),
        recursive: list(line()),
        variants: list(line()),
        safe_config: list(line()),
        glued: list(line()),
        module: list(line()),
        grave_words: list(line()),
        behind: Cow::Borrowed(line()),
        operands: words(line()).map(|word| operand(word).unwrap_or(Operand::Code)).collect(),
        last: Some(line()).filter(|line| !line.is_empty()).map(|word| operand(word).unwrap_or(Operand::Code)),
        runs: RUNS.get(number(line())).copied().unwrap_or(Runs::Opaque),
        offer: REACHES.get(number(line())).copied().unwrap_or(Reach::Exact),
    };
    program.valued |= program.recursive.iter().any(|option| option.contains('='));
    program
}

impl Program {
    /// What is known of this option, spelled out in full.
    pub(crate) fn option(&self, name: &str) -> Option<Opt> {
        let at = self.options.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        self.options.get(at).map(|(_, opt)| *opt)
    }

    /// Whether an operand is of power by itself.
    pub(crate) fn is_grave_word(&self, text: &str) -> bool {
        if self.grave_words.is_empty() {
            return false;
        }
        let name = text.rsplit(':').next().unwrap_or(text).to_ascii_lowercase();
        self.grave_words.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == known.as_ref(),
        })
    }

    /// Whether `name=value` sets something that changes only how it shows what it does.
    pub(crate) fn sets_safely(&self, setting: &str) -> bool {
        let given = setting.contains('=');
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        let name = name.to_ascii_lowercase();
        let name = name.as_str();
        self.safe_config.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == known.as_ref() || given && known.split_once('=') == Some((name, value)),
        })
    }
}

/// The name of everything that a table describes: programs, subcommands, and what options make of a program.
#[doc(hidden)]
pub fn described() -> impl Iterator<Item = &'static str> {
    (0..NAME_STARTS.len()).map(name_at)
}

/// Whether a table lists this option, or each of a cluster, as harmless for a program or for what its options make of it.
#[doc(hidden)]
pub fn lists_as_harmless(name: &str, option: &str) -> bool {
    let cluster = |program: &Program, letters: &str| {
        for letter in letters.chars().skip(1) {
            match program.option(&format!("-{letter}")) {
                Some(Opt::Flag) => {}
                // The rest is its value.
                Some(opt) => return opt.is_harmless(),
                None => return false,
            }
        }
        true
    };
    let harmless = |program: &Program| {
        program.option(option).is_some_and(Opt::is_harmless)
            || !option.starts_with("--") && cluster(program, option)
            || program.numbers && option.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit())
    };
    let program = BUILTIN.lookup(name);
    let variants = program.into_iter().flat_map(|program| program.variants.iter());
    let variants = variants.filter_map(|variant| BUILTIN.lookup(&format!("{name} {variant}")));
    program.into_iter().chain(variants).any(harmless)
}

/// All that is known of programs: the tables that come with this crate, and those that a policy adds or puts in their
/// place.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    pub(crate) own: BTreeMap<String, Program>,
}

/// The tables that come with this crate alone.
pub(crate) static BUILTIN: Programs = Programs { own: BTreeMap::new() };

/// Folders whose programs are the system's own: only its administrator puts any there.
const SYSTEM: [&str; 4] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"];
/// Folders that installed programs live in, too.
const INSTALLED: [&str; 2] = ["/usr/local/bin", "/opt/homebrew/bin"];

/// A program as a line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The name under which its table is found.
    pub(crate) name: String,
    /// Whether it was named by a path outside the system's own folders.
    pub(crate) foreign: bool,
    /// The name alone, where a path or an ending says nothing more: `git` for `/usr/bin/git` and `git.exe`.
    pub(crate) plain: Option<String>,
}

impl Programs {
    /// What is known of a program, or a subcommand, by its full name.
    ///
    /// A subcommand's own table goes before one whose last word is a pattern (`aws * describe-*`), a longer pattern before
    /// a shorter one.
    pub(crate) fn lookup(&self, name: &str) -> Option<&Program> {
        if !self.own.is_empty()
            && let Some(program) = self.own.get(name)
        {
            return Some(program);
        }
        let at = place_of(name);
        if name_at(at) == name {
            return table_at(at);
        }
        let (parent, word) = name.rsplit_once(' ')?;
        let pattern = |name: &'static str| {
            let last = name.strip_prefix(parent)?.strip_prefix(' ')?;
            last.strip_suffix('*').filter(|start| !start.contains(' ') && word.starts_with(start))
        };
        let first = place_of(parent);
        let patterns = PATTERNS.get(PATTERNS.partition_point(|at| usize::from(*at) < first)..).unwrap_or_default();
        let places = patterns.iter().map(|at| usize::from(*at));
        places
            .take_while(|at| name_at(*at).starts_with(parent))
            .filter(|at| pattern(name_at(*at)).is_some())
            .max_by_key(|at| name_at(*at).len())
            .and_then(table_at)
    }

    /// What is known of a subcommand. `PROGRAM *` describes those that have no description of their own.
    pub(crate) fn subcommand(&self, program: &Program, word: &str) -> Option<&Program> {
        self.lookup(&format!("{} {word}", program.name))
    }

    /// How a word names a program.
    ///
    /// Tables only ever make the judgement of a program stricter than that of an unknown one, so `./git` uses git's.
    pub(crate) fn named(&self, word: &str) -> Named {
        let (folder, base) = word.rsplit_once('/').unwrap_or(("", word));
        let system = SYSTEM.contains(&folder);
        let foreign = word.contains('/') && !system && !INSTALLED.contains(&folder);
        let mut name = base.to_ascii_lowercase();
        name.truncate(name.strip_suffix(".exe").unwrap_or(&name).len());
        let short = base.get(..name.len()).unwrap_or(base);
        let plain = (!foreign && (system || short.len() < base.len() && !word.contains('/'))).then(|| short.to_owned());
        if self.lookup(&name).is_none() {
            // `python3.12`, `node-22`
            let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
            if stem.len() < name.len() && self.lookup(stem).is_some() {
                name = stem.to_owned();
            }
        }
        Named { name, foreign, plain }
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILTIN, NAME_STARTS, Named, Operand, Opt, Program, Reach, Runs, TABLES, name_at, table_at};

    #[test]
    fn tables_are_sorted() {
        let names: Vec<&str> = (0..NAME_STARTS.len()).map(name_at).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        for at in 0..NAME_STARTS.len() {
            let program = table_at(at).unwrap();
            assert!(program.options.is_sorted_by(|a, b| a.0 < b.0), "{}", program.name);
        }
    }

    #[test]
    fn tables_are_read_as_they_were_written() {
        let tar = BUILTIN.lookup("tar").unwrap();
        assert!(tar.bundle && tar.rsh && !tar.grave && tar.variants.iter().any(|variant| variant == "-x"));
        let timeout = BUILTIN.lookup("timeout").unwrap();
        assert_eq!((timeout.runs, timeout.stop, timeout.option("-k")), (Runs::Plainly(1), true, Some(Opt::Value)));
        let sed = BUILTIN.lookup("sed").unwrap();
        assert_eq!(sed.operands, [Operand::Sed, Operand::Read]);
        assert_eq!(BUILTIN.lookup("cp").unwrap().last, Some(Operand::Edit));
        assert_eq!(BUILTIN.lookup("git diff").unwrap().offer, Reach::Prefix(0));
        assert_eq!(BUILTIN.lookup("python").unwrap().module, ["-m"]);
        // Every table ends where its text does.
        assert_eq!(TABLES.matches('\n').count() % 14, 0);
    }

    #[test]
    fn every_subcommand_has_its_program() {
        for at in 0..NAME_STARTS.len() {
            let program = table_at(at).unwrap();
            if let Some((parent, last)) = program.name.rsplit_once(' ') {
                let (parent, modules) = parent.strip_suffix(" -m").map_or((parent, false), |parent| (parent, true));
                let takes = |parent: &Program| {
                    let variant = parent.variants.iter().any(|variant| variant.as_ref() == last);
                    if modules { !parent.module.is_empty() } else { parent.subcommands || variant }
                };
                assert!(BUILTIN.lookup(parent).is_some_and(takes), "{}", program.name);
            }
        }
    }

    #[test]
    fn programs_are_found_by_any_spelling() {
        let named = |name: &str, foreign, plain: Option<&str>| Named {
            name: name.to_owned(),
            foreign,
            plain: plain.map(str::to_owned),
        };
        assert_eq!(BUILTIN.named("git"), named("git", false, None));
        assert_eq!(BUILTIN.named("/usr/bin/git"), named("git", false, Some("git")));
        assert_eq!(BUILTIN.named("/usr/local/bin/git"), named("git", false, None));
        assert_eq!(BUILTIN.named("./git"), named("git", true, None));
        assert_eq!(BUILTIN.named("/git"), named("git", true, None));
        assert_eq!(BUILTIN.named("git.exe"), named("git", false, Some("git")));
        assert_eq!(BUILTIN.named("./git.exe"), named("git", true, None));
        assert_eq!(BUILTIN.named("python3.12").name, "python");
        assert_eq!(BUILTIN.named("RM").name, "rm");
        let sort = BUILTIN.lookup("sort").unwrap();
        assert_eq!(sort.option("--compress-program"), Some(Opt::Power));
        assert_eq!(sort.option("--compress-prog"), None);
    }

    #[test]
    fn a_table_of_its_own_goes_before_a_pattern() {
        assert_eq!(BUILTIN.lookup("aws ec2").unwrap().name, "aws *");
        assert_eq!(BUILTIN.lookup("aws s3").unwrap().name, "aws s3");
        assert_eq!(BUILTIN.lookup("aws * describe-instances").unwrap().name, "aws * describe-*");
        assert_eq!(BUILTIN.lookup("aws * get-secret-value").unwrap().name, "aws * get-*");
        assert!(BUILTIN.lookup("git nonsense").is_none() && BUILTIN.lookup("nonsense x").is_none());
    }
}
