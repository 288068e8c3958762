//! What is known of the words of one command: which are data, and which files and hosts they name.

mod touches;

use countersign_policy::{Action, Word, WordKind};

use crate::dirs::Dirs;
use crate::options::{Part, parse};
use crate::program::{Operand, Opt, Program, Programs};
use crate::script;
use crate::word::{Shape, Token};

pub(crate) use touches::{folder_of, path};

/// What a program writes to when it should write no file.
const SINKS: [&str; 2] = ["/dev/null", "-"];
/// Parts of an option's name that say that it runs something, writes, loads, connects or works elsewhere. They count
/// for programs of which nothing is known.
const TELLING: [&str; 62] = [
    "exec",
    "execute",
    "command",
    "cmd",
    "run",
    "eval",
    "expression",
    "script",
    "shell",
    "sh",
    "bash",
    "plugin",
    "plugins",
    "require",
    "import",
    "load",
    "preload",
    "module",
    "library",
    "lib",
    "extension",
    "hook",
    "hooks",
    "config",
    "conf",
    "configuration",
    "rc",
    "rcfile",
    "init",
    "settings",
    "output",
    "out",
    "outfile",
    "outdir",
    "write",
    "save",
    "dump",
    "log",
    "logfile",
    "dest",
    "destination",
    "target-dir",
    "pager",
    "editor",
    "browser",
    "rsh",
    "ssh",
    "proxy",
    "upload",
    "url",
    "host",
    "server",
    "endpoint",
    "registry",
    "include",
    "prefix",
    "root",
    "chroot",
    "directory",
    "env",
    "delete",
    "force",
];
/// The same for options of one letter.
const TELLING_LETTERS: [char; 4] = ['c', 'e', 'o', 'x'];

/// The words of a command, judged.
#[derive(Debug, Default)]
pub(crate) struct Judged<'k> {
    pub(crate) words: Vec<Word>,
    pub(crate) touches: Vec<(Action, String)>,
    /// Why some of it cannot be known.
    pub(crate) unknown: Vec<&'static str>,
    /// The table that applied in the end; none for an unknown program or subcommand.
    pub(crate) program: Option<&'k Program>,
    /// How many words come before those that this table is about.
    pub(crate) own: usize,
    /// Whether the program was given any operand after its subcommands.
    pub(crate) operands: bool,
    /// Folders that it goes to before anything else, in turn; none for one that is not known.
    pub(crate) dirs: Vec<Option<String>>,
    odd_end: bool,
    /// Command lines in the values of its options.
    pub(crate) lines: Vec<String>,
    /// The words without the options that change nothing about what the subcommand does, where there are such.
    pub(crate) short: Option<Vec<Word>>,
}

/// Judges a command. `program` is the table of its first word; `foreign` that it was named by an unusual path.
pub(crate) fn judge<'k>(
    known: &'k Programs,
    tokens: &[Token],
    program: Option<&'k Program>,
    foreign: bool,
) -> Judged<'k> {
    let mut judged = Judged::default();
    let Some((first, mut rest)) = tokens.split_first() else { return judged };
    // `bin/../../tmp/x` is not below `bin`.
    judged.push(first, !first.text.split('/').any(|part| part == ".."));
    let mut table = program;
    let mut short = judged.words.clone();
    let mut plain = true;
    while let Some(program) = table.filter(|program| program.subcommands) {
        let parts = parse(program, rest, true);
        let own = parts.all.iter().position(|part| *part == Part::Operand).unwrap_or(rest.len());
        let (before, after) = rest.split_at(own);
        let from = judged.words.len();
        judged.command(program, before);
        // A value says where or for whom (`kubectl -n prod`): a shorter spelling leaves out only what changes nothing.
        plain &= judged.words.iter().skip(from).all(|word| word.kind == WordKind::Data)
            && parts.all.iter().take(own).all(|part| part.is_idle());
        rest = after;
        let Some((name, after)) = rest.split_first() else { break };
        table = name.known().and_then(|word| known.subcommand(program, word));
        if let Some(table) = table {
            judged.push(name, !table.grave);
            short.extend(judged.words.last().cloned());
            if table.name.ends_with(" *") && name.text.contains(['/', '.']) {
                judged.touch(Operand::Maybe, name);
            }
            rest = after;
        } else {
            judged.push(name, false);
            judged.operands = true;
            judged.touch(Operand::Maybe, name);
            judged
                .strangers(after, |token| !token.may_be_option() && script::is_harmless(Operand::Remote, &token.text));
            return judged;
        }
    }
    // A `--` with nothing behind it does nothing: whoever writes it tries how words are read.
    if let Some(last) = rest.last().filter(|last| last.text == "--" && !rest.is_empty()) {
        judged.odd_end = last.shape == Shape::Literal;
    }
    table = table.map(|program| variant(known, program, rest));
    judged.program = table;
    judged.own = tokens.len() - rest.len();
    let from = judged.words.len();
    match table {
        Some(program) => {
            judged.last(known, program, rest);
            if foreign {
                judged.maybe_files(rest);
            }
        }
        // A script of one's own takes what options it likes.
        None => judged.strangers(rest, |token| foreign || !is_telling(&token.text)),
    }
    if judged.odd_end
        && let Some(last) = judged.words.last_mut()
    {
        last.kind = WordKind::Power;
    }
    if plain && short.len() > 1 && short.len() < from {
        short.extend(judged.words.iter().skip(from).cloned());
        judged.short = Some(short).filter(|short| short.len() < judged.words.len());
    }
    judged
}

/// Whether an option's name says that it does more than steer what is shown.
fn is_telling(word: &str) -> bool {
    let (name, _) = word.split_once('=').unwrap_or((word, ""));
    if let Some(long) = name.strip_prefix("--") {
        return long.split(['-', '_', '.']).any(is_telling_part);
    }
    match name.strip_prefix('-') {
        Some(letters) if letters.len() == 1 => letters.starts_with(TELLING_LETTERS),
        Some(long) if long.len() > 1 => {
            // `-o/etc/x`, `-exec`
            long.starts_with(TELLING_LETTERS) && long.contains(['/', '.', '~'])
                || long.split(['-', '_', ':']).any(is_telling_part)
        }
        _ => false,
    }
}

fn is_telling_part(part: &str) -> bool {
    TELLING.iter().any(|known| known.eq_ignore_ascii_case(part))
}

/// `\\host\share`: a file of another machine, for programs of Windows.
fn is_unc(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("\\\\").or_else(|| text.strip_prefix("//")) else { return false };
    text.starts_with('\\') && rest.contains('\\')
}

/// The table of a program whose options make another one of it.
fn variant<'k>(known: &'k Programs, program: &'k Program, tokens: &[Token]) -> &'k Program {
    if program.variants.is_empty() {
        return program;
    }
    let parts = parse(program, tokens, program.stop);
    let first = tokens.iter().zip(&parts.all).find(|(_, part)| **part == Part::Operand).map(|(token, _)| &token.text);
    let named = program.variants.iter().find(|variant| first.is_some_and(|first| first == variant.as_ref()));
    let name = parts.variant.or_else(|| named.map(|name| name.to_string()));
    name.and_then(|name| known.lookup(&format!("{} {name}", program.name))).unwrap_or(program)
}

impl Judged<'_> {
    /// Where it works after it has gone where its options say.
    pub(crate) fn folder(&self, from: &Dirs) -> Dirs {
        self.dirs.iter().fold(from.clone(), |dirs, dir| match dir {
            Some(path) => dirs.enter(path),
            None => Dirs::unknown(),
        })
    }

    /// A word of which only its shape says something.
    fn push(&mut self, token: &Token, harmless: bool) {
        let kind = match token.shape {
            Shape::Dynamic | Shape::Said | Shape::Output(_) | Shape::Pipe => WordKind::Dynamic,
            Shape::Glob(_) if token.may_be_option() => WordKind::Dynamic,
            _ if harmless && !is_unc(&token.text) => WordKind::Data,
            _ => WordKind::Power,
        };
        self.words.push(Word { text: token.text.clone(), kind });
    }

    /// The words of a program of which nothing is known, or of an unknown subcommand of a known one.
    fn strangers(&mut self, tokens: &[Token], harmless: impl Fn(&Token) -> bool) {
        for token in tokens {
            self.push(token, harmless(token));
        }
        self.operands |= !tokens.is_empty();
        self.maybe_files(tokens);
    }

    fn maybe_files(&mut self, tokens: &[Token]) {
        for token in tokens {
            self.touch(Operand::Maybe, token);
        }
    }

    /// The words after all subcommands.
    fn last(&mut self, known: &Programs, program: &Program, tokens: &[Token]) {
        let (end, table) = if let Some(end) = module(program, tokens) {
            let name = tokens.get(end - 1).map(|token| token.text.as_str()).unwrap_or_default();
            let table = known.lookup(&format!("{} -m {name}", program.name)).or_else(|| known.lookup(name));
            (end, table.filter(|table| table.module.is_empty()))
        } else if let Some(end) = behind(program, tokens) {
            (end, known.lookup(&program.behind).filter(|table| table.behind.is_empty()))
        } else {
            return self.command(program, tokens);
        };
        let (own, rest) = tokens.split_at(end);
        self.command(program, own);
        // They are judged as if the other program had been called with them.
        let mut inner = vec![Token::literal(table.map_or("", |table| table.name.as_ref()))];
        inner.extend_from_slice(rest);
        // A program of one's own takes what options it likes.
        let judged = judge(known, &inner, table, table.is_none());
        self.words.extend(judged.words.into_iter().skip(1));
        self.touches.extend(judged.touches);
        self.unknown.extend(judged.unknown);
        self.lines.extend(judged.lines);
        if !judged.dirs.is_empty() {
            // What stands before is not done there.
            self.unknown.push("a folder that the words for another program go to");
        }
        self.operands |= judged.operands;
    }

    fn command(&mut self, program: &Program, tokens: &[Token]) {
        let parts = parse(program, tokens, program.stop || program.subcommands);
        let mut kinds = program.operands.iter().copied();
        let mut kind = kinds.next().unwrap_or(Operand::Data);
        if parts.instead {
            kind = kinds.next().unwrap_or(kind);
        }
        let script = program.operands.first().copied().unwrap_or(Operand::Data);
        let last = parts.all.iter().rposition(|part| *part == Part::Operand);
        let change = parts.all.iter().any(|part| matches!(part, Part::Option { opt: Some(Opt::Change), .. }));
        let target =
            parts.all.iter().any(|part| matches!(part, Part::Option { opt: Some(Opt::Write | Opt::Into), .. }));
        let dashes = tokens.iter().zip(&parts.all).position(|(token, part)| {
            token.text == "--" && matches!(part, Part::Option { opt: Some(Opt::Flag), value: None, .. })
        });
        let dashes = dashes.filter(|_| !program.words && !parts.uncertain);
        let mut files = 0_usize;
        let mut sources: Vec<&Token> = Vec::new();
        let mut into: Option<Token> = None;
        for (at, (token, part)) in tokens.iter().zip(&parts.all).enumerate() {
            // What a command says may start with it.
            if program.response && (token.text.starts_with('@') || token.shape == Shape::Output(true)) {
                self.operands = true;
                self.push(token, false);
                self.touch(Operand::Maybe, token);
                continue;
            }
            match *part {
                Part::Option { opt: Some(Opt::Write), value, .. }
                    if discards(program, token, value.or_else(|| tokens.get(at + 1).and_then(Token::known))) =>
                {
                    self.push(token, true);
                }
                Part::Value(Some(Opt::Write)) if token.known().is_some_and(|text| SINKS.contains(&text)) => {
                    self.push(token, true);
                }
                // A harmless option, whatever its value turns out to be.
                Part::Option { harmless: true, value: Some(""), .. } if token.shape != Shape::Literal => {
                    self.push_output(token);
                }
                Part::Option { opt, harmless, value } => {
                    let attached = value.map(Token::literal);
                    let value = attached.as_ref().is_none_or(|value| self.value(program, opt, value, script));
                    into = attached.filter(|_| opt == Some(Opt::Into)).or(into);
                    self.push(token, harmless && value);
                }
                Part::Value(Some(Opt::Value | Opt::Pair)) if matches!(token.shape, Shape::Output(_)) => {
                    self.push_output(token);
                }
                Part::Value(opt) => {
                    into = Some(token.clone()).filter(|_| opt == Some(Opt::Into)).or(into);
                    let harmless = self.value(program, opt, token, script) && opt.is_some_and(Opt::is_harmless);
                    self.push(token, harmless);
                }
                Part::Operand => {
                    self.operands = true;
                    let mut now = match kind {
                        Operand::Read if token.text.contains("://") && program.compares => Operand::Data,
                        Operand::Read if change => Operand::Edit,
                        Operand::Read if parts.recursive => Operand::Search,
                        kind => kind,
                    };
                    if Some(at) == last
                        && files > 0
                        && !target
                        && let Some(kind) = program.last
                    {
                        now = kind;
                        self.copies(token, &sources, program.contents);
                    }
                    let reads = matches!(now, Operand::Data | Operand::Read) && !parts.uncertain;
                    let passes = match token.shape {
                        Shape::Output(option) => {
                            let ended = program.stop && files > 0;
                            matches!(now, Operand::Data | Operand::Text) && (!option || program.lenient || ended)
                                || program.compares && is_compared(tokens, at)
                        }
                        Shape::Said => now == Operand::Text && program.lenient,
                        Shape::Pipe => reads,
                        _ => false,
                    };
                    if passes {
                        self.push_output(token);
                        kind = kinds.next().unwrap_or(kind);
                        continue;
                    }
                    let code = parts.uncertain && program.operands.iter().any(|kind| kind.is_code());
                    // `date +%s`, `dig +short`.
                    let plus = token.text.starts_with('+');
                    let set = now == Operand::Target && program.sets_safely(&token.text) && is_plain(&token.text);
                    let harmless = match now {
                        Operand::Data | Operand::Host if plus => true,
                        Operand::Text | Operand::Format | Operand::Mode => script::is_harmless(now, &token.text),
                        // What reads a file may fetch it.
                        Operand::Read | Operand::Search | Operand::Binary | Operand::Edit
                            if token.text.contains("://") =>
                        {
                            false
                        }
                        _ => !plus && (set || script::is_harmless(now, &token.text)),
                    };
                    // Behind `--` nothing that a pattern matches is an option.
                    let reads = matches!(
                        now,
                        Operand::Data | Operand::Text | Operand::Read | Operand::Search | Operand::Object
                    );
                    let shown = program.stop && files > 0 && matches!(now, Operand::Data | Operand::Text);
                    let named = program.tame || shown || reads && dashes.is_some_and(|dashes| dashes < at);
                    if named && matches!(token.shape, Shape::Glob(_)) {
                        self.words.push(Word { text: token.text.clone(), kind: WordKind::Data });
                    } else {
                        self.push(token, !code && harmless && !program.is_grave_word(&token.text));
                    }
                    let first = files == 0 && dashes.is_none_or(|dashes| dashes > at);
                    if !(program.commits && first && token.text == "HEAD") {
                        self.touch(now, token);
                    }
                    if parts.uncertain && now != Operand::Maybe {
                        self.touch(Operand::Maybe, token);
                    }
                    // `cp -al`: all that is in a folder gets another name.
                    if program.contents
                        && Some(at) != last
                        && kind == Operand::Edit
                        && let Some(folder) = touches::path(token)
                    {
                        self.touches.push((Action::Edit, format!("{}/.", folder.trim_end_matches('/'))));
                    }
                    files += usize::from(!now.is_code());
                    if program.last.is_some() {
                        sources.push(token);
                    }
                    // `sed -i '' script file` on BSD.
                    if !token.text.is_empty() {
                        kind = kinds.next().unwrap_or(kind);
                    }
                }
            }
        }
        if let Some(into) = into.as_ref().filter(|_| program.last == Some(Operand::Edit)) {
            self.copies(into, &sources, program.contents);
        }
        if program.operands.contains(&Operand::Link) {
            self.links(&sources, into);
        }
        let searched = files > usize::from(program.operands.len() > 1 && !parts.instead);
        if !searched && (program.here || parts.recursive) {
            self.touches.push((Action::Search, ".".to_owned()));
        }
    }

    /// The value of an option: what it touches, and whether the value itself is harmless.
    fn value(&mut self, program: &Program, opt: Option<Opt>, token: &Token, script: Operand) -> bool {
        match opt {
            Some(Opt::Read | Opt::Into) if program.rsh && script::is_elsewhere(&token.text) => {
                self.place(token, Action::Read);
                return false;
            }
            Some(Opt::Into) => self.touch(Operand::Edit, token),
            Some(Opt::Jq) => return token.known().is_some_and(|text| script::is_harmless(Operand::Jq, text)),
            Some(Opt::Text) => return token.known().is_some_and(|text| script::is_harmless(Operand::Text, text)),
            Some(Opt::Shown | Opt::ShownAttached) => {
                return token.known().is_some_and(|text| !script::shows_signature(text));
            }
            Some(Opt::Repo) => return token.known().is_some_and(|text| script::is_harmless(Operand::Repo, text)),
            Some(Opt::Mode) => return token.known().is_some_and(|text| script::is_harmless(Operand::Mode, text)),
            // What says it reads a file may fetch it.
            Some(Opt::Read | Opt::Search | Opt::Dir) if token.text.contains("://") => {
                self.url(token);
                return false;
            }
            Some(Opt::Read) => self.touch(Operand::Read, token),
            Some(Opt::Search) => self.each(Operand::Search, token),
            Some(Opt::Write | Opt::Output) => self.each(Operand::Edit, token),
            Some(Opt::Plain) => {
                let plain = token.known().is_some_and(is_name);
                if !plain {
                    self.touch(Operand::Maybe, token);
                }
                return plain;
            }
            Some(Opt::Lines) => {
                if let Some((_, file)) = token.text.split_once(':') {
                    self.object(&Token { text: file.to_owned(), shape: token.shape });
                }
            }
            Some(Opt::Dir) => self.dirs.push(path(token)),
            Some(Opt::Exec) => self.lines.extend(token.known().map(str::to_owned)),
            // `-o=wide` where others write `-owide`.
            Some(Opt::Config) => {
                let text = token.known().filter(|text| !text.contains(char::is_control));
                let shows = |text: &str| text.split_once('=').is_some_and(|(_, value)| script::shows_signature(value));
                let text = text.map(|text| text.strip_prefix('=').unwrap_or(text));
                return text.is_some_and(|text| program.sets_safely(text) && !shows(text));
            }
            Some(Opt::Sent) if script::names_file(&token.text) => {
                self.touch(Operand::Maybe, token);
                return false;
            }
            Some(Opt::Script) if matches!(script, Operand::Local | Operand::Product) => {
                self.touch(script, token);
                return token.known().is_some_and(|text| script::is_harmless(script, text));
            }
            Some(Opt::Script) => return token.known().is_some_and(|text| script::is_harmless(script, text)),
            Some(Opt::Value) if token.text.starts_with('@') => self.touch(Operand::Maybe, token),
            Some(Opt::Power) | None => self.touch(Operand::Maybe, token),
            _ => {}
        }
        true
    }

    /// A word that is data whatever a command says in it.
    fn push_output(&mut self, token: &Token) {
        self.words.push(Word { text: token.text.clone(), kind: WordKind::Data });
    }
}

/// Whether an option, and the letters before it in its cluster, only send what would be written to no file.
fn discards(program: &Program, option: &Token, value: Option<&str>) -> bool {
    let Some(value) = value.filter(|value| SINKS.contains(value)) else { return false };
    let text = option.text.strip_suffix(value).unwrap_or(&option.text);
    let flag = |letter| matches!(program.option(&format!("-{letter}")), Some(Opt::Flag | Opt::Write));
    text.starts_with("--") || program.words || text.chars().skip(1).all(flag)
}

/// Whether a word of a comparison is an operand, whatever it looks like.
fn is_compared(tokens: &[Token], at: usize) -> bool {
    let is = |token: Option<&Token>, words: &[&str]| token.is_some_and(|token| words.contains(&token.text.as_str()));
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    is(before, &["-n", "-z", "=", "==", "!="]) || is(tokens.get(at + 1), &["=", "==", "!="])
}

/// How many words come before those of the module that runs: `-u -m pytest` are three.
fn module(program: &Program, tokens: &[Token]) -> Option<usize> {
    let at = tokens.iter().position(|token| program.module.iter().any(|option| *option == token.text))?;
    let parts = parse(program, tokens.get(..at)?, true);
    let options = parts.all.iter().all(|part| !matches!(part, Part::Operand)) && !parts.uncertain;
    (options && tokens.get(at + 1)?.known().is_some()).then_some(at + 2)
}

/// How many words come before those of the program that stands behind `--`.
fn behind(program: &Program, tokens: &[Token]) -> Option<usize> {
    let named = !program.behind.is_empty();
    named.then(|| tokens.iter().position(|token| token.text == "--")).flatten().map(|at| at + 1)
}

/// Whether a value is a name, or several with commas between: no path, no file, no module and no `KIND=PATH`.
fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('=').unwrap_or(text).replace("::", "");
    !text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-,#".contains(&byte))
}

/// Whether a value that a program pastes into commands is only text there.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_=.,:/@%+-".contains(&byte))
}
