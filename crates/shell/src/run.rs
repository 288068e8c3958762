//! One simple command: built-ins, wrappers and what they run, everything else.

use std::ops::Range;

use countersign_policy::{Action, Role, WordKind};

use crate::dirs::{Dirs, Exit};
use crate::judge::{Judged, judge};
use crate::options::{Part, parse};
use crate::program::{Opt, Program, Runs, lookup, name_of};
use crate::walk::{DEEPEST, SUBSTITUTION, TOO_DEEP, Walk};
use crate::word::{Shape, Token};
use crate::{Command, Touch, Via, assignment, find};

/// Words that are syntax where the parser may take them for a program.
const RESERVED: [&str; 21] = [
    "!", "{", "}", "[[", "]]", "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case",
    "esac", "in", "function", "select", "coproc",
];

impl Walk<'_> {
    /// A simple command with these words, all of them known to be its own.
    pub(crate) fn simple(&mut self, tokens: Vec<Token>, range: Range<usize>, dirs: &Dirs) -> Exit {
        let Some(first) = tokens.first() else { return Exit::same(dirs) };
        let Some(word) = first.known().filter(|word| !word.is_empty()) else {
            self.unknown("a program that is known only when it runs", range.clone());
            self.push(&judge(&tokens, None, false), Role::Primary, range, dirs);
            return Exit::same(&Dirs::unknown());
        };
        if RESERVED.contains(&word) {
            self.unknown("a word of the shell's own in the place of a program", range.clone());
        }
        if assignment::operand(first).is_some() {
            self.unknown("an assignment that is not understood", range.clone());
        }
        let (name, foreign) = name_of(word);
        if let Some(exit) = self.directory(word, &tokens, range.clone(), dirs) {
            return exit;
        }
        let program = lookup(&name);
        let judged = judge(&tokens, program, foreign);
        let index = self.push(&judged, Role::Primary, range.clone(), dirs);
        if let Some(program) = program.filter(|program| program.runs != Runs::Nothing) {
            self.runs(program, &tokens, &judged, index, range, dirs);
        } else if judged.program.is_some_and(|program| program.runs == Runs::Opaque) {
            self.unknown("a command that runs others in a way that cannot be followed", range);
        }
        Exit::same(dirs)
    }

    /// Adds a judged command and its touches.
    fn push(&mut self, judged: &Judged, role: Role, range: Range<usize>, dirs: &Dirs) -> usize {
        let index = self.out.commands.len();
        let span = self.span(range.clone());
        self.out.commands.push(Command { words: judged.words.clone(), role, span });
        for (action, path) in &judged.touches {
            self.touch(action.clone(), path, dirs, Via::Operand, Some(index));
        }
        for reason in &judged.unknown {
            self.unknown(reason, range.clone());
        }
        index
    }

    /// `cd` and its kin.
    fn directory(&mut self, word: &str, tokens: &[Token], range: Range<usize>, dirs: &Dirs) -> Option<Exit> {
        if !["cd", "chdir", "pushd", "popd"].contains(&word) {
            return None;
        }
        let index = self.push(&judge(tokens, lookup("cd"), false), Role::Primary, range, dirs);
        let mut operands = tokens.iter().skip(1).filter(|token| token.text != "--").peekable();
        while operands.next_if(|token| ["-P", "-L"].contains(&token.text.as_str())).is_some() {}
        let known = match (word, operands.next(), operands.next()) {
            ("cd" | "chdir", None, _) => Some("~".to_owned()),
            ("cd" | "chdir", Some(path), None) if !path.text.starts_with(['-', '+']) => crate::judge::path(path),
            _ => None,
        };
        // What runs next takes its configuration from there.
        if let Some(path) = &known {
            self.touch(Action::Read, path, dirs, Via::Operand, Some(index));
        }
        let success = known.map_or_else(Dirs::unknown, |path| dirs.enter(&path));
        Some(Exit { success, failure: dirs.clone() })
    }

    /// A program that runs others.
    fn runs(
        &mut self,
        program: &Program,
        tokens: &[Token],
        judged: &Judged,
        index: usize,
        range: Range<usize>,
        dirs: &Dirs,
    ) {
        let rest = tokens.get(1..).unwrap_or_default();
        let parts = parse(program, rest, true);
        let first = parts.all.iter().position(|part| *part == Part::Operand);
        let harmless = parts.all.iter().take(first.unwrap_or(rest.len())).all(|part| match part {
            Part::Option { harmless, .. } => *harmless,
            Part::Value(opt) => opt.is_some(),
            Part::Operand => true,
        });
        if program.name == "command" && rest.first().is_some_and(|token| ["-v", "-V"].contains(&token.text.as_str())) {
            return;
        }
        let certain =
            judged.words.iter().take(first.unwrap_or(rest.len()) + 1).all(|word| word.kind != WordKind::Dynamic);
        let Some(first) = first else {
            let asks = rest
                .iter()
                .any(|token| ["--version", "--help", "-V", "-h", "-v", "--print", "-l"].contains(&token.text.as_str()));
            let input = matches!(program.runs, Runs::Shell | Runs::Code | Runs::Opaque) && !(asks && rest.len() == 1);
            let code = program.runs == Runs::Code
                && parts.all.iter().any(|part| matches!(part, Part::Option { opt: Some(Opt::Power), .. }));
            if !code && (input || !harmless) {
                self.unknown("a program that takes what it runs from its input or its options", range);
            }
            return;
        };
        let skip = match program.runs {
            Runs::Nothing => return,
            Runs::Find => return find::run(self, rest, index, range, dirs),
            Runs::Opaque => return self.unknown("a command that runs others in a way that cannot be followed", range),
            Runs::Shell => {
                // `-oc`: a shell takes the next word as the value where others take the rest of this one.
                let attached = |part: &Part<'_>| matches!(part, Part::Option { value: Some(_), .. });
                let certain = harmless && certain && !parts.all.iter().take(first).any(attached);
                return self.shell(rest, first, certain, index, range, dirs);
            }
            Runs::Code => {
                let operand = rest.get(first).filter(|token| token.known().is_some_and(|text| text != "-"));
                let code = parts.uncertain || !harmless;
                if operand.is_none() && !code || !certain {
                    self.unknown("a program that takes what it runs from its input", range);
                }
                return;
            }
            Runs::Plainly(own) | Runs::Powerfully(own) => own,
            Runs::Env => rest.iter().skip(first).take_while(|token| assignment::operand(token).is_some()).count(),
            Runs::Xargs => 0,
        };
        // The words of the wrapper's own that are not options, such as a time limit.
        let start = first + skip;
        if !harmless || !certain {
            return self.unknown("a wrapper with an option that is not known", range);
        }
        let own = rest.get(first..start.min(rest.len())).unwrap_or_default();
        if own.iter().any(|token| token.known().is_none_or(|text| text.starts_with('-'))) {
            return self.unknown("a wrapper whose operands are not understood", range);
        }
        let mut inner: Vec<Token> = rest.get(start..).unwrap_or_default().to_vec();
        let set = if program.runs == Runs::Env { own } else { &[] };
        let plain =
            set.iter().filter_map(assignment::operand).all(|(name, value)| assignment::is_harmless(name, value));
        if program.runs == Runs::Xargs {
            self.replaced(rest.get(..first).unwrap_or_default(), &mut inner);
        }
        let powerful = matches!(program.runs, Runs::Powerfully(_) | Runs::Xargs) || !set.is_empty();
        if let Some(command) = self.out.commands.get_mut(index) {
            if !powerful && !inner.is_empty() {
                command.role = Role::Implied;
            }
            if !plain {
                command
                    .words
                    .iter_mut()
                    .skip(1)
                    .filter(|word| word.text.contains('='))
                    .for_each(|word| word.kind = WordKind::Power);
            }
        }
        if !inner.is_empty() {
            self.inner(inner, index, start + 1, range, dirs);
        }
    }

    /// `xargs` appends words that are not known, or puts them where `-I` says.
    fn replaced(&mut self, options: &[Token], inner: &mut Vec<Token>) {
        let replace = options.iter().enumerate().find_map(|(at, token)| match token.text.strip_prefix("-I") {
            Some("") => options.get(at + 1).map(|token| token.text.clone()),
            Some(attached) => Some(attached.to_owned()),
            None => None,
        });
        let several = options.iter().filter(|token| token.text.starts_with("-I")).count() > 1;
        for token in inner.iter_mut() {
            if several || replace.as_ref().is_some_and(|replace| token.text.contains(replace.as_str())) {
                token.shape = Shape::Dynamic;
            }
        }
        if replace.is_none() && !inner.is_empty() {
            inner.push(Token { text: "...".to_owned(), shape: Shape::Dynamic });
        }
    }

    /// What a wrapper runs; its words in the wrapper's own list are then known as well as by themselves.
    pub(crate) fn inner(&mut self, tokens: Vec<Token>, wrapper: usize, start: usize, range: Range<usize>, dirs: &Dirs) {
        self.depth += SUBSTITUTION;
        if self.depth >= DEEPEST {
            self.unknown(TOO_DEEP, range);
        } else {
            let index = self.out.commands.len();
            self.simple(tokens, range, dirs);
            let kinds: Vec<WordKind> = match self.out.commands.get(index) {
                Some(command) => command.words.iter().map(|word| word.kind).collect(),
                None => Vec::new(),
            };
            if let Some(command) = self.out.commands.get_mut(wrapper) {
                for (word, kind) in command.words.iter_mut().skip(start).zip(kinds) {
                    word.kind = kind;
                }
            }
        }
        self.depth -= SUBSTITUTION;
    }

    /// `sh -c 'payload'`, or `sh script`.
    fn shell(&mut self, rest: &[Token], first: usize, certain: bool, index: usize, range: Range<usize>, dirs: &Dirs) {
        let options = rest.get(..first).unwrap_or_default();
        let payload = options
            .iter()
            .any(|token| token.text.starts_with('-') && !token.text.starts_with("--") && token.text.contains('c'));
        let Some(operand) = rest.get(first) else { return };
        let text = match operand.shape {
            Shape::Literal if !operand.text.starts_with(['-', '+']) => Some(operand.text.as_str()),
            Shape::Home if !payload => Some(operand.text.as_str()),
            _ => None,
        };
        let (Some(text), true) = (text, certain) else {
            return self.unknown("a shell whose commands cannot be known", range);
        };
        if !payload {
            return;
        }
        if let Some(command) = self.out.commands.get_mut(index) {
            command
                .words
                .iter_mut()
                .skip(1)
                .take(first + 1)
                .filter(|word| word.kind == WordKind::Data)
                .for_each(|word| word.kind = WordKind::Power);
        }
        // The payload was taken for the name of a script.
        let own = self.out.touches.iter().rposition(|touch| touch.command != Some(index)).map_or(0, |last| last + 1);
        let script = |touch: &Touch| touch.path == text && touch.action == Action::Read;
        let kept = self.out.touches.split_off(own).into_iter().filter(|touch| !script(touch));
        self.out.touches.extend(kept);
        if self.depth + SUBSTITUTION >= DEEPEST {
            return self.unknown(TOO_DEEP, range);
        }
        let outer = Some(self.span(range));
        let mut walk = Walk { line: text, out: &mut *self.out, depth: self.depth + SUBSTITUTION, outer };
        walk.line(dirs);
    }
}
