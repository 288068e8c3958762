//! One simple command: built-ins, wrappers and what they run, everything else.

use std::ops::Range;

use countersign_policy::{Action, CommandSpelling, Word, WordKind};

use crate::dirs::{Dirs, Exit};
use crate::judge::{Judged, judge};
use crate::options::{Part, Parts, parse};
use crate::program::{Named, Opt, Program, Runs};
use crate::walk::{DEEPEST, SUBSTITUTION, TOO_DEEP, Walk};
use crate::word::{Shape, Token};
use crate::{Command, Via, assignment, find};

/// Words that are syntax where the parser may take them for a program.
const RESERVED: [&str; 21] = [
    "!", "{", "}", "[[", "]]", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case",
    "esac", "in", "function", "select", "coproc",
];
/// Built-ins that may set any variable.
const SETS_VARIABLES: [&str; 14] = [
    "eval",
    "source",
    ".",
    "read",
    "mapfile",
    "readarray",
    "getopts",
    "let",
    "declare",
    "typeset",
    "local",
    "export",
    "readonly",
    "unset",
];
/// Wrappers that run a command in the shell itself: where it goes, later commands are.
const IN_PLACE: [&str; 3] = ["command", "builtin", "eval"];

/// The most commands of one wrapper that are also known by what it was written as: the text of `sh -c` once for each of
/// its commands would be more than memory holds. Without that spelling a command is allowed less, and one of them is
/// enough for an ask or a denial.
pub(crate) const MOST_WRAPPED: usize = 64;

/// The most words of a command that another runs: each level of them is judged anew.
const MOST_WORDS: usize = 512;

/// The most words at which a command may begin that a program runs somehow.
const MOST_GUESSES: usize = 32;

/// What became of one simple command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    /// The words as they were written, with all that the command was called through.
    pub(crate) written: Vec<Word>,
}

/// A command that runs another, taken apart.
struct Wrapper<'t> {
    /// The words of the wrapper's own, judged.
    own: Vec<Word>,
    /// The same without options.
    short: Vec<Word>,
    /// What it runs.
    inner: &'t [Token],
    runs: Runs,
    /// Whether what it runs is more than it reads: with other rights, elsewhere, with other words or variables.
    powerful: bool,
}

impl Walk<'_> {
    /// A simple command with these words, all of them known to be its own.
    pub(crate) fn simple(&mut self, tokens: &[Token], range: Range<usize>, dirs: &Dirs) -> Ran {
        let Some(first) = tokens.first() else { return Ran { exit: Exit::same(dirs), written: Vec::new() } };
        let programs = self.programs;
        let Some(word) = first.known().filter(|word| !word.is_empty()) else {
            self.unknown("a program that is known only when it runs", range.clone());
            let judged = judge(programs, tokens, None, false);
            self.push(&judged, Vec::new(), range, dirs);
            return Ran { exit: Exit::same(&Dirs::unknown()), written: judged.words };
        };
        if RESERVED.contains(&word) {
            self.unknown("a word of the shell's own in the place of a program", range.clone());
        }
        // `env` takes all that has a `=` for one.
        if word.contains('=') {
            self.unknown("an assignment that is not understood", range.clone());
        }
        if let Some(ran) = self.directory(word, tokens, range.clone(), dirs) {
            return ran;
        }
        if word == "read"
            && let Some(ran) = self.read(tokens, range.clone(), dirs)
        {
            return ran;
        }
        if SETS_VARIABLES.contains(&word) || word == "printf" && tokens.iter().any(|token| token.text.starts_with("-v"))
        {
            self.variables.forget();
        }
        let named = programs.named(word);
        let program = programs.lookup(&named.name);
        let judged = judge(programs, tokens, program, named.foreign);
        // A function of that name is judged where it stands; whether it or the program runs depends on how it is called.
        let exit = if self.functions.contains(word) { Exit::same(&Dirs::unknown()) } else { Exit::same(dirs) };
        match judged.program.filter(|table| table.runs != Runs::Nothing) {
            None => {
                let spellings = spellings(&judged.words, judged.short.as_deref(), &named);
                self.push(&judged, spellings, range, dirs);
                Ran { exit, written: judged.words }
            }
            Some(table) => {
                let ran = self.runs(table, tokens, judged, &named, range, dirs);
                if self.functions.contains(word) { Ran { exit, ..ran } } else { ran }
            }
        }
    }

    /// Adds a judged command, its touches, and what command lines in its options would run.
    fn push(
        &mut self,
        judged: &Judged<'_>,
        spellings: Vec<CommandSpelling>,
        range: Range<usize>,
        dirs: &Dirs,
    ) -> usize {
        let index = self.out.commands.len();
        let span = self.span(range.clone());
        self.out.commands.push(Command { words: judged.words.clone(), spellings, span });
        self.touches(judged, index, range.clone(), dirs);
        if !judged.lines.is_empty() {
            for line in &judged.lines {
                self.nested(line, range.clone(), &Dirs::unknown());
            }
            self.absorb(index);
        }
        index
    }

    fn touches(&mut self, judged: &Judged<'_>, index: usize, range: Range<usize>, dirs: &Dirs) {
        let mut dirs = dirs.clone();
        for dir in &judged.dirs {
            match dir {
                // What it does next takes its configuration from there.
                Some(path) => {
                    self.touch(Action::Read, path, &dirs, Via::Operand, Some(index));
                    dirs = dirs.enter(path);
                }
                None => dirs = Dirs::unknown(),
            }
        }
        for (action, path) in &judged.touches {
            self.touch(action.clone(), path, &dirs, Via::Operand, Some(index));
        }
        for reason in &judged.unknown {
            self.unknown(reason, range.clone());
        }
    }

    /// Makes the commands behind `index` spellings of that one, which asks and denies look at.
    pub(crate) fn absorb(&mut self, index: usize) {
        if self.out.commands.len() <= index + 1 {
            return;
        }
        let inner = self.out.commands.split_off(index + 1);
        let Some(command) = self.out.commands.get_mut(index) else { return };
        for inner in inner {
            let words = [inner.words].into_iter().chain(inner.spellings.into_iter().map(|spelling| spelling.words));
            command.spellings.extend(words.map(|words| CommandSpelling { words, allows: false }));
        }
        // Touches stand in the order of their commands.
        for touch in self.out.touches.iter_mut().rev() {
            match touch.command {
                Some(at) if at > index => touch.command = Some(index),
                Some(_) => break,
                None => {}
            }
        }
    }

    /// `read name ...`: variables of the line's own, which are not known from then on.
    fn read(&mut self, tokens: &[Token], range: Range<usize>, dirs: &Dirs) -> Option<Ran> {
        let table = self.programs.lookup("read")?;
        let rest = tokens.get(1..).unwrap_or_default();
        let parts = parse(table, rest, false);
        let known = parts.all.iter().all(|part| match part {
            Part::Option { harmless, .. } => *harmless,
            Part::Value(opt) => opt.is_some(),
            Part::Operand => true,
        });
        let names: Vec<&Token> =
            rest.iter().zip(&parts.all).filter(|(_, part)| **part == Part::Operand).map(|(token, _)| token).collect();
        if !known || names.is_empty() || !names.iter().all(|name| name.known().is_some_and(assignment::is_local)) {
            return None;
        }
        for name in names {
            self.variables.read(&name.text);
        }
        let judged = judge(self.programs, tokens, Some(table), false);
        self.push(&judged, Vec::new(), range, dirs);
        Some(Ran { exit: Exit::same(dirs), written: judged.words })
    }

    /// `cd` and its kin.
    fn directory(&mut self, word: &str, tokens: &[Token], range: Range<usize>, dirs: &Dirs) -> Option<Ran> {
        if !["cd", "chdir", "pushd", "popd"].contains(&word) {
            return None;
        }
        let judged = judge(self.programs, tokens, self.programs.lookup("cd"), false);
        let index = self.push(&judged, Vec::new(), range, dirs);
        let mut operands = tokens.iter().skip(1).filter(|token| token.text != "--").peekable();
        while operands.next_if(|token| ["-P", "-L"].contains(&token.text.as_str())).is_some() {}
        let known = match (word, operands.next(), operands.next()) {
            ("cd" | "chdir", None, _) => Some("~".to_owned()),
            ("cd" | "chdir" | "pushd", Some(path), None) if !path.text.starts_with(['-', '+']) => {
                crate::judge::path(path)
            }
            _ => None,
        };
        // What runs next takes its configuration from there.
        if let Some(path) = &known {
            self.touch(Action::Read, path, dirs, Via::Operand, Some(index));
        }
        let success = known.map_or_else(Dirs::unknown, |path| dirs.enter(&path));
        Some(Ran { exit: Exit { success, failure: dirs.clone() }, written: judged.words })
    }

    /// A program that runs others.
    fn runs(
        &mut self,
        table: &Program,
        tokens: &[Token],
        judged: Judged<'_>,
        named: &Named,
        range: Range<usize>,
        dirs: &Dirs,
    ) -> Ran {
        let rest = tokens.get(judged.own..).unwrap_or_default();
        let parts = parse(table, rest, true);
        let first = parts.all.iter().position(|part| *part == Part::Operand);
        let options = first.unwrap_or(rest.len());
        let certain = judged.words.iter().take(judged.own + options).all(|word| word.kind != WordKind::Dynamic);
        let fault = match table.runs {
            // Only where its table says so: to `let`, `-v` is a variable.
            Runs::Opaque
                if says_only(rest)
                    && parts.all.iter().all(|part| matches!(part, Part::Option { opt: Some(Opt::Flag), .. })) =>
            {
                None
            }
            Runs::Opaque => Some("a command that runs others in a way that cannot be followed"),
            Runs::Shell => return self.shell(tokens, judged, &parts, first, range, dirs),
            Runs::Code => code_fault(&parts, rest, first, certain),
            Runs::Somehow => {
                let written = judged.words.clone();
                let spellings = spellings(&judged.words, judged.short.as_deref(), named);
                let index = self.push(&judged, spellings, range.clone(), dirs);
                self.guess(rest, index, range, dirs);
                return Ran { exit: Exit::same(dirs), written };
            }
            Runs::Find => {
                let written = judged.words.clone();
                let index = self.push(&judged, Vec::new(), range.clone(), dirs);
                find::run(self, rest, index, range, dirs);
                return Ran { exit: Exit::same(dirs), written };
            }
            _ if !certain
                || parts.all.iter().take(options).any(|part| matches!(part, Part::Option { opt: None, .. })) =>
            {
                Some("a wrapper with an option that is not known")
            }
            _ => match self.wrapper(table, tokens, &judged, first) {
                Ok(Some(wrapper)) => {
                    let line = wrapper.runs.is_joined().then(|| joined(wrapper.inner));
                    if line == Some(None) {
                        Some("a command line that is known only when it runs")
                    } else {
                        return self.through(wrapper, line.flatten(), named, range, dirs);
                    }
                }
                Ok(None) if table.runs.is_elsewhere() && table.runs.is_joined() && judged.operands => {
                    Some("a program that takes what it runs from its input")
                }
                Ok(None) => None,
                Err(fault) => Some(fault),
            },
        };
        let mut spellings = spellings(&judged.words, judged.short.as_deref(), named);
        if table.runs == Runs::Xargs && fault.is_none() {
            // Without a command it is `echo`.
            let words = vec![Word::data("echo"), Word { text: "...".to_owned(), kind: WordKind::Dynamic }];
            spellings.push(CommandSpelling { words, allows: false });
        }
        self.push(&judged, spellings, range.clone(), dirs);
        if let Some(fault) = fault {
            self.unknown(fault, range);
        }
        Ran { exit: Exit::same(dirs), written: judged.words }
    }

    /// A command that may begin at any of these words, or be one of them: for asks and denies alone.
    fn guess(&mut self, rest: &[Token], index: usize, range: Range<usize>, dirs: &Dirs) {
        // What is inside another guess is looked at from there.
        if self.guesses {
            return;
        }
        let (known, functions) = (self.out.unknown.len(), self.functions.clone());
        self.guesses = true;
        for at in 0..rest.len().min(MOST_GUESSES) {
            let tail = rest.get(at..).unwrap_or_default();
            match tail.first().and_then(Token::known) {
                None => {}
                Some(word) if word.starts_with('-') || word.is_empty() => {}
                Some(line) if line.contains(char::is_whitespace) => _ = self.nested(line, range.clone(), dirs),
                Some(_) => _ = self.inner(tail, range.clone(), dirs),
            }
        }
        self.guesses = false;
        self.functions = functions;
        // A word that is no command is not one that was not understood.
        self.out.unknown.truncate(known);
        if rest.len() > MOST_GUESSES {
            self.unknown("a command with too many words", range);
        }
        self.absorb(index);
    }

    /// Takes a wrapper apart; none where it runs nothing.
    fn wrapper<'t>(
        &self,
        table: &Program,
        tokens: &'t [Token],
        judged: &Judged<'_>,
        first: Option<usize>,
    ) -> Result<Option<Wrapper<'t>>, &'static str> {
        let rest = tokens.get(judged.own..).unwrap_or_default();
        let Some(first) = first else { return Ok(None) };
        let looks_up = rest.iter().take(first).any(|token| ["-v", "-V"].contains(&token.text.as_str()));
        if table.name == "command" && looks_up {
            return Ok(None);
        }
        let set = rest.iter().skip(first).take_while(|token| assignment::operand(token).is_some());
        let operands = match table.runs {
            Runs::Env => set.count(),
            runs => runs.own(),
        };
        let between = rest.get(first..(first + operands).min(rest.len())).unwrap_or_default();
        if between.iter().any(|token| token.known().is_none_or(|text| text.starts_with('-'))) {
            return Err("a wrapper whose operands are not understood");
        }
        let mut start = first + operands;
        if rest.get(start).is_some_and(|token| token.known() == Some("--")) {
            start += 1;
        }
        let Some(inner) = rest.get(start..).filter(|inner| !inner.is_empty()) else { return Ok(None) };
        let is_set = table.runs == Runs::Env;
        let harmless = |token: &Token| {
            assignment::operand(token).is_some_and(|(name, value)| assignment::is_harmless(name, value))
        };
        let mut own: Vec<Word> = judged.words.iter().take(judged.own + start).cloned().collect();
        for (word, token) in own.iter_mut().skip(judged.own + first).zip(between) {
            if is_set && !harmless(token) {
                word.kind = WordKind::Power;
            }
        }
        let plain_options = own.iter().all(|word| word.kind == WordKind::Data);
        let powerful = !plain_options || table.runs.is_powerful();
        let mut short: Vec<Word> = own.iter().take(judged.own).cloned().collect();
        short.extend(own.iter().skip(judged.own + first).take(operands).cloned());
        // A value says as whom or where: only of what changes nothing else, and of `xargs`, it may be left out.
        let flags = rest.len() >= first
            && parse(table, rest, true)
                .all
                .iter()
                .take(first)
                .all(|part| matches!(part, Part::Option { opt: Some(Opt::Flag), .. }));
        let says_more = powerful && table.runs != Runs::Xargs && !flags;
        if !plain_options || says_more || first == 0 && start == first + operands {
            short.clear();
        }
        Ok(Some(Wrapper { own, short, inner, runs: table.runs, powerful }))
    }

    /// What a wrapper runs.
    fn through(
        &mut self,
        wrapper: Wrapper<'_>,
        line: Option<String>,
        named: &Named,
        range: Range<usize>,
        dirs: &Dirs,
    ) -> Ran {
        let Wrapper { own, short, inner, runs, powerful } = wrapper;
        let own_tokens: Vec<Token> = own.iter().map(|word| Token::literal(word.text.clone())).collect();
        let mut judged = judge(self.programs, &own_tokens, self.programs.lookup(&named.name), named.foreign);
        judged.words = own.clone();
        let before = self.out.commands.len();
        if powerful {
            self.push(&judged, Vec::new(), range.clone(), dirs);
        } else {
            self.touches(&judged, before, range.clone(), dirs);
        }
        // `env -C folder`: what it runs, runs there.
        let there = judged.folder(dirs);
        let first_touch = self.out.touches.len();
        let (exit, run): (Exit, Vec<Word>) = match line {
            Some(line) => {
                let exit = self.nested(&line, range.clone(), &there);
                let word = |token: &Token| Word { text: token.text.clone(), kind: WordKind::Power };
                (exit, inner.iter().map(word).collect())
            }
            None => {
                let mut tokens = inner.to_vec();
                let replaced = if runs == Runs::Xargs { replaced(&own_tokens, &mut tokens) } else { Vec::new() };
                let ran = self.inner(&tokens, range.clone(), &there);
                let mut written = ran.written;
                written.truncate(inner.len());
                // What comes from its input counts as data: the rule names the program that gets it.
                for (at, word) in written.iter_mut().enumerate() {
                    if replaced.contains(&at) {
                        word.kind = WordKind::Data;
                    }
                }
                if let Some(program) = written.first_mut().filter(|word| word.kind == WordKind::Data) {
                    program.kind = WordKind::Power;
                }
                (ran.exit, written)
            }
        };
        let written: Vec<Word> = own.iter().chain(&run).cloned().collect();
        let mut forms = vec![written.clone()];
        if !short.is_empty() {
            forms.push(short.into_iter().chain(run).collect());
        }
        if let Some(plain) = &named.plain {
            let renamed: Vec<Vec<Word>> = forms.iter().map(|form| renamed(form, plain)).collect();
            forms.extend(renamed);
        }
        if runs.is_elsewhere() {
            // The files are another machine's.
            self.out.touches.truncate(first_touch);
        }
        if powerful {
            self.absorb(before);
        } else if self.out.commands.len() == before {
            let span = self.span(range);
            self.out.commands.push(Command { words: written.clone(), spellings: Vec::new(), span });
        }
        let forms = forms.into_iter().map(|words| CommandSpelling { words, allows: true });
        if powerful {
            if let Some(command) = self.out.commands.get_mut(before) {
                command.words = written.clone();
                command.spellings.extend(forms.skip(1));
            }
        } else {
            for command in self.out.commands.iter_mut().skip(before).take(MOST_WRAPPED) {
                command.spellings.extend(forms.clone());
            }
        }
        let stays = own.first().is_none_or(|word| !IN_PLACE.contains(&word.text.as_str()));
        Ran { exit: if stays { Exit::same(dirs) } else { exit }, written }
    }

    /// A command inside another.
    pub(crate) fn inner(&mut self, tokens: &[Token], range: Range<usize>, dirs: &Dirs) -> Ran {
        self.depth += SUBSTITUTION;
        let long = tokens.len() > MOST_WORDS;
        let ran = if self.depth >= DEEPEST || long {
            self.unknown(if long { "a command with too many words" } else { TOO_DEEP }, range);
            let judged = judge(self.programs, tokens, None, false);
            Ran { exit: Exit::same(&Dirs::unknown()), written: judged.words }
        } else {
            self.simple(tokens, range, dirs)
        };
        self.depth -= SUBSTITUTION;
        ran
    }

    /// A command line inside another.
    fn nested(&mut self, line: &str, range: Range<usize>, dirs: &Dirs) -> Exit {
        if self.depth + SUBSTITUTION >= DEEPEST {
            self.unknown(TOO_DEEP, range);
            return Exit::same(&Dirs::unknown());
        }
        let outer = Some(self.span(range));
        let mut walk = Walk {
            depth: self.depth + SUBSTITUTION,
            outer,
            guesses: self.guesses,
            rounds: self.rounds,
            operations: self.operations,
            ..Walk::new(line, self.programs, &mut *self.out)
        };
        let exit = walk.line(dirs);
        (self.rounds, self.operations) = (walk.rounds, walk.operations);
        // What `eval` defines is there afterwards.
        let functions = walk.functions;
        self.functions.extend(functions);
        exit
    }

    /// `sh -c 'line'`, or `sh script`.
    fn shell(
        &mut self,
        tokens: &[Token],
        mut judged: Judged<'_>,
        parts: &Parts<'_>,
        first: Option<usize>,
        range: Range<usize>,
        dirs: &Dirs,
    ) -> Ran {
        let exit = Exit::same(dirs);
        let options = parts.all.get(..first.unwrap_or(parts.all.len())).unwrap_or_default();
        let operand = first.and_then(|first| tokens.get(first + 1));
        let mut letters = String::new();
        for (part, token) in options.iter().zip(tokens.iter().skip(1)) {
            if matches!(part, Part::Option { .. }) && !token.text.starts_with("--") {
                letters.push_str(token.text.trim_start_matches('-'));
            }
        }
        let line = letters.contains('c');
        let known = options.iter().all(|part| {
            // `-oc`: a shell takes the next word as the value where others take the rest of this one.
            matches!(part, Part::Option { opt: Some(_), harmless: true, value: None } | Part::Value(Some(_)))
        });
        let certain = known
            && judged.words.iter().take(options.len() + 1).all(|word| word.kind != WordKind::Dynamic)
            && operand.is_none_or(|operand| match operand.shape {
                Shape::Literal => !operand.text.starts_with(['-', '+']),
                Shape::Home => !line,
                _ => false,
            });
        let Some(operand) = operand.filter(|_| certain) else {
            let says_only = options
                .iter()
                .zip(tokens.iter().skip(1))
                .any(|(_, token)| ["--version", "--help"].contains(&token.text.as_str()));
            self.push(&judged, Vec::new(), range.clone(), dirs);
            if !(certain && says_only) {
                self.unknown("a shell whose commands cannot be known", range);
            }
            return Ran { exit, written: judged.words };
        };
        let starts_up = letters.contains(['l', 'i'])
            || options.iter().zip(tokens.iter().skip(1)).any(|(_, token)| token.text == "--login");
        if !line {
            if starts_up && let Some(name) = judged.words.first_mut() {
                // Files of the user's run before the script.
                name.kind = WordKind::Power;
            }
            self.push(&judged, Vec::new(), range, dirs);
            return Ran { exit, written: judged.words };
        }
        let name = tokens.first().map(|token| self.programs.named(&token.text).name).unwrap_or_default();
        if ["sh", "dash", "ash"].contains(&name.as_str()) && reads_otherwise(&operand.text) {
            self.unknown("a command line that some shells of this name read otherwise", range.clone());
        }
        for word in judged.words.iter_mut().skip(1).take(options.len() + 1) {
            word.kind = WordKind::Power;
        }
        // The line was taken for the name of a script.
        judged.touches.retain(|(action, path)| *path != operand.text || *action != Action::Read);
        let before = self.out.commands.len();
        if starts_up {
            self.push(&judged, Vec::new(), range.clone(), dirs);
        } else {
            self.touches(&judged, before, range.clone(), dirs);
        }
        self.nested(&operand.text, range.clone(), dirs);
        if starts_up {
            self.absorb(before);
        } else {
            if self.out.commands.len() == before {
                let span = self.span(range);
                self.out.commands.push(Command { words: judged.words.clone(), spellings: Vec::new(), span });
            }
            for command in self.out.commands.iter_mut().skip(before).take(MOST_WRAPPED) {
                command.spellings.push(CommandSpelling { words: judged.words.clone(), allows: true });
            }
        }
        Ran { exit, written: judged.words }
    }
}

/// Whether a line has something in it that bash reads in a way of its own.
fn reads_otherwise(line: &str) -> bool {
    let signs = ["$'", "$\"", "<(", ">(", "|&", "&>", "((", "[[", "<<<", "$["];
    // From a brace to the end of its word; what quotes and substitutions hold may be part of it.
    let (mut open, mut held, mut list, mut braces) = (false, false, false, false);
    let mut before = ' ';
    for c in line.chars() {
        match c {
            '{' => open = true,
            '\'' | '"' | '\\' | '$' | '(' | '`' => held |= open,
            ' ' | '\t' | '\n' if !held => (open, list) = (false, false),
            ',' => list |= open,
            '.' => list |= open && before == '.',
            '}' => braces |= list,
            _ => {}
        }
        before = c;
    }
    braces || signs.iter().any(|sign| line.contains(sign))
}

/// Whether all that a program is asked for is what it is or what it offers.
fn says_only(rest: &[Token]) -> bool {
    let says = ["--version", "--help", "-version", "-help", "-V", "-h", "-v", "-l"];
    rest.len() == 1 && rest.iter().all(|token| says.contains(&token.text.as_str()))
}

/// Why what an interpreter would run is not known.
fn code_fault(parts: &Parts<'_>, rest: &[Token], first: Option<usize>, certain: bool) -> Option<&'static str> {
    const INPUT: &str = "a program that takes what it runs from its input";
    let options = parts.all.get(..first.unwrap_or(rest.len())).unwrap_or_default();
    let power = options.iter().any(|part| match part {
        Part::Option { opt, harmless, .. } => opt.is_some() && !harmless,
        _ => false,
    });
    let script = first.and_then(|first| rest.get(first)).map(|token| token.known().is_some_and(|text| text != "-"));
    match script {
        _ if !certain => Some(INPUT),
        Some(true) => None,
        // `python -`, `python "$X"`
        Some(false) => (!power).then_some(INPUT),
        None => (!power && !says_only(rest)).then_some(INPUT),
    }
}

/// The words as one command line, where all of them are known.
fn joined(tokens: &[Token]) -> Option<String> {
    let words: Option<Vec<&str>> = tokens.iter().map(Token::known).collect();
    Some(words?.join(" "))
}

/// The other ways to write a command that is no wrapper.
fn spellings(words: &[Word], short: Option<&[Word]>, named: &Named) -> Vec<CommandSpelling> {
    let mut forms: Vec<Vec<Word>> = short.map(<[Word]>::to_vec).into_iter().collect();
    if let Some(plain) = &named.plain {
        forms.extend([Some(words), short].into_iter().flatten().map(|words| renamed(words, plain)).collect::<Vec<_>>());
    }
    forms.into_iter().map(|words| CommandSpelling { words, allows: true }).collect()
}

fn renamed(words: &[Word], name: &str) -> Vec<Word> {
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut() {
        name.clone_into(&mut first.text);
    }
    words
}

/// `xargs` appends words that are not known, or puts them where its options say. Returns where.
fn replaced(own: &[Token], inner: &mut Vec<Token>) -> Vec<usize> {
    let mut options = own.iter().enumerate().filter_map(|(at, token)| {
        let text = token.text.as_str();
        match text.strip_prefix("-I") {
            Some("") => return own.get(at + 1).map(|token| token.text.clone()),
            Some(attached) => return Some(attached.to_owned()),
            None => {}
        }
        let attached = text.strip_prefix("--replace").or_else(|| text.strip_prefix("-i"))?;
        let name = attached.strip_prefix('=').unwrap_or(attached);
        Some(if name.is_empty() { "{}" } else { name }.to_owned())
    });
    let replace = options.next();
    let several = options.next().is_some();
    let mut places = Vec::new();
    for (at, token) in inner.iter_mut().enumerate() {
        let whole = replace.as_ref() == Some(&token.text);
        if several || replace.as_ref().is_some_and(|replace| token.text.contains(replace.as_str())) {
            token.shape = Shape::Dynamic;
            if whole && at > 0 && !several {
                places.push(at);
            }
        }
    }
    if replace.is_none() && !inner.is_empty() {
        inner.push(Token { text: "...".to_owned(), shape: Shape::Dynamic });
    }
    places
}

impl Runs {
    /// How many operands of its own come before the command that it runs.
    fn own(self) -> usize {
        match self {
            Runs::Plainly(own)
            | Runs::Powerfully(own)
            | Runs::Remotely(own)
            | Runs::Joined(own)
            | Runs::JoinedRemotely(own) => own,
            _ => 0,
        }
    }

    fn is_joined(self) -> bool {
        matches!(self, Runs::Joined(_) | Runs::JoinedRemotely(_))
    }

    fn is_elsewhere(self) -> bool {
        matches!(self, Runs::Remotely(_) | Runs::JoinedRemotely(_))
    }

    /// Whether what it runs is more than it reads.
    fn is_powerful(self) -> bool {
        !matches!(self, Runs::Plainly(_) | Runs::Joined(_) | Runs::Env)
    }
}
