//! What is known of the words of one command: which are data, and which files and hosts they name.

use countersign_policy::{Action, Word, WordKind};

use crate::options::{Part, parse};
use crate::program::{Operand, Opt, Program, lookup};
use crate::script;
use crate::word::{Shape, Token};

/// The longest name, in bytes, that a file can have on any system.
const LONGEST_NAME: usize = 255;
/// The most colons in the name of a git object that is taken apart.
const MOST_COLONS: usize = 8;

/// The words of a command, judged.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) words: Vec<Word>,
    pub(crate) touches: Vec<(Action, String)>,
    /// Why some of it cannot be known.
    pub(crate) unknown: Vec<&'static str>,
    /// The table that applied in the end; none for an unknown program or subcommand.
    pub(crate) program: Option<&'static Program>,
    /// Whether the program was given any operand after its subcommands.
    pub(crate) operands: bool,
}

/// Judges a command. `program` is the table of its first word; `foreign` that it was named by an unusual path.
pub(crate) fn judge(tokens: &[Token], program: Option<&'static Program>, foreign: bool) -> Judged {
    let mut judged = Judged::default();
    let Some((first, mut rest)) = tokens.split_first() else { return judged };
    // `bin/../../tmp/x` is not below `bin`.
    judged.push(first, !first.text.split('/').any(|part| part == ".."));
    let mut table = program;
    while let Some(program) = table.filter(|program| program.subcommands) {
        let parts = parse(program, rest, true);
        let own = parts.all.iter().position(|part| *part == Part::Operand).unwrap_or(rest.len());
        let (before, after) = rest.split_at(own);
        judged.command(program, before);
        rest = after;
        let Some((name, after)) = rest.split_first() else { break };
        table = name.known().and_then(|word| lookup(&format!("{} {word}", program.name)));
        if let Some(table) = table {
            judged.push(name, !table.grave);
            rest = after;
        } else {
            judged.strangers(rest, false);
            return judged;
        }
    }
    judged.program = table;
    match table {
        Some(program) => {
            judged.command(program, rest);
            if foreign {
                judged.maybe_files(rest);
            }
        }
        None => judged.strangers(rest, true),
    }
    judged
}

impl Judged {
    /// A word of which only its shape says something.
    fn push(&mut self, token: &Token, harmless: bool) {
        let kind = match token.shape {
            Shape::Dynamic => WordKind::Dynamic,
            Shape::Glob(_) if token.may_be_option() => WordKind::Dynamic,
            _ if harmless => WordKind::Data,
            _ => WordKind::Power,
        };
        self.words.push(Word { text: token.text.clone(), kind });
    }

    /// The words of a program of which nothing is known, or of an unknown subcommand of a known one.
    fn strangers(&mut self, tokens: &[Token], options: bool) {
        for token in tokens {
            self.push(token, options || !token.may_be_option() && script::is_harmless(Operand::Remote, &token.text));
        }
        self.operands |= !tokens.is_empty();
        self.maybe_files(tokens);
    }

    fn maybe_files(&mut self, tokens: &[Token]) {
        for token in tokens {
            self.touch(Operand::Maybe, token);
        }
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
        let target = parts.all.iter().any(|part| matches!(part, Part::Option { opt: Some(Opt::Write), .. }));
        let mut files = 0_usize;
        let mut sources: Vec<&Token> = Vec::new();
        for (at, (token, part)) in tokens.iter().zip(&parts.all).enumerate() {
            match *part {
                Part::Option { opt, harmless, value } => {
                    let value = value.is_none_or(|value| self.value(opt, &Token::literal(value), script));
                    self.push(token, harmless && value);
                }
                Part::Value(opt) => {
                    let harmless = self.value(opt, token, script) && opt.is_some_and(Opt::is_harmless);
                    self.push(token, harmless);
                }
                Part::Operand => {
                    self.operands = true;
                    let mut now = match kind {
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
                        self.folder(token, &sources);
                    }
                    let code = parts.uncertain && program.operands.iter().any(|kind| kind.is_code());
                    let harmless = !code && script::is_harmless(now, &token.text) && !token.text.starts_with('+');
                    self.push(token, harmless || (token.text.starts_with('+') && now == Operand::Data));
                    self.touch(now, token);
                    if parts.uncertain && now != Operand::Maybe {
                        self.touch(Operand::Maybe, token);
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
        let searched = files > usize::from(program.operands.len() > 1 && !parts.instead);
        if !searched && (program.here || parts.recursive) {
            self.touches.push((Action::Search, ".".to_owned()));
        }
    }

    /// The value of an option: what it touches, and whether the value itself is harmless.
    fn value(&mut self, opt: Option<Opt>, token: &Token, script: Operand) -> bool {
        match opt {
            Some(Opt::Read) => self.touch(Operand::Read, token),
            Some(Opt::Search) => self.touch(Operand::Search, token),
            Some(Opt::Write) => self.touch(Operand::Edit, token),
            Some(Opt::Lines) => {
                if let Some((_, file)) = token.text.split_once(':') {
                    self.object(&Token { text: file.to_owned(), shape: token.shape });
                }
            }
            Some(Opt::Script) => return token.known().is_some_and(|text| script::is_harmless(script, text)),
            Some(Opt::Value) if token.text.starts_with('@') => self.touch(Operand::Maybe, token),
            Some(Opt::Power) | None => self.touch(Operand::Maybe, token),
            _ => {}
        }
        true
    }

    /// `cp a b` writes `b`, or `b/a` if that is a folder.
    fn folder(&mut self, folder: &Token, sources: &[&Token]) {
        let Some(folder) = path(folder) else { return };
        for name in sources.iter().filter_map(|source| path(source)) {
            if let Some(base) = name.trim_end_matches('/').rsplit('/').next().filter(|base| !base.is_empty()) {
                self.touches.push((Action::Edit, format!("{}/{base}", folder.trim_end_matches('/'))));
            }
        }
    }

    fn touch(&mut self, operand: Operand, token: &Token) {
        let action = match operand {
            Operand::Read => Action::Read,
            Operand::Search => Action::Search,
            Operand::Edit => Action::Edit,
            Operand::Delete => Action::Delete,
            Operand::Url => return self.url(token),
            Operand::Maybe => return self.maybe(token),
            Operand::Object => return self.object(token),
            Operand::Target => return self.assigned(token),
            Operand::Dd => return self.dd(token),
            Operand::Remote if token.text.contains(':') && token.text.contains('/') => return self.url(token),
            Operand::Remote => return self.maybe(token),
            Operand::Tar | Operand::Data | Operand::Code | Operand::Sed | Operand::Awk | Operand::Jq => return,
        };
        self.file(action, token);
    }

    fn file(&mut self, action: Action, token: &Token) {
        match token.shape {
            Shape::Literal | Shape::Home => {
                if let Some(path) = path(token).filter(|path| path != "-") {
                    self.touches.push((action, path));
                }
            }
            Shape::Glob(first) => {
                let known = token.text.get(..first).unwrap_or_default();
                let (folder, _) = known.rsplit_once('/').unwrap_or_default();
                let rest = token.text.get(folder.len()..).unwrap_or_default();
                // `.*` matches `..` too.
                if rest.split('/').any(|part| part.starts_with('.')) || matches!(action, Action::Edit | Action::Delete)
                {
                    self.unknown.push("which files a pattern names is known only when it runs");
                }
                let folder = match folder {
                    "" if token.text.starts_with('/') => "/",
                    "" => ".",
                    folder => folder,
                };
                self.touches.push((Action::Search, folder.to_owned()));
            }
            Shape::Dynamic => {}
        }
    }

    fn url(&mut self, token: &Token) {
        let Some(text) = token.known() else { return };
        let host =
            text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains(['{', '[', '*', '%', '\\']) {
            self.unknown.push("which host an address names cannot be told");
        }
        if let Some(path) = text.strip_prefix("file://") {
            self.touches.push((Action::Read, path.to_owned()));
        } else {
            self.touches.push((Action::Fetch, text.to_owned()));
        }
    }

    /// Any word that could name a file: the word itself, and what follows its `=`, `@` or option letter.
    fn maybe(&mut self, token: &Token) {
        let text = token.text.as_str();
        if text.split('/').any(|name| name.len() > LONGEST_NAME) {
            return;
        }
        if !matches!(token.shape, Shape::Literal | Shape::Home) {
            return self.file(Action::Read, token);
        }
        if text.contains("://") {
            return self.url(token);
        }
        let inner = text.split_once('=').map(|(_, value)| value);
        let inner = inner.unwrap_or(text);
        let inner = inner.strip_prefix('@').unwrap_or(inner);
        if inner.len() < text.len() && !inner.is_empty() {
            self.touches.push((Action::Read, inner.to_owned()));
        }
        if !text.starts_with('-') {
            if !text.is_empty() && !text.contains([' ', '\n']) {
                self.file(Action::Read, token);
            }
        } else if inner.len() == text.len()
            && let Some(attached) = text.get(2..).filter(|rest| rest.contains(['/', '.', '~']))
        {
            self.touches.push((Action::Read, attached.trim_start_matches('-').to_owned()));
        }
    }

    /// A revision, a path, or `REVISION:PATH`; paths may be patterns that git itself expands.
    fn object(&mut self, token: &Token) {
        if !matches!(token.shape, Shape::Literal | Shape::Home) {
            return self.file(Action::Read, token);
        }
        let text = token.text.as_str();
        if text.matches(':').count() > MOST_COLONS {
            return self.unknown.push("which file a revision names cannot be told");
        }
        let mut path = match text.split_once(':') {
            Some((_, path)) if path.starts_with(['!', '^']) => return,
            Some((_, path)) if path.starts_with('(') => path.rsplit_once(')').map_or(path, |(_, path)| path),
            Some((_, path)) => path,
            None => text,
        };
        // A stage (`:0:PATH`), a time and a text that is searched for have colons of their own: each could be the last.
        loop {
            let glob = path.find(['*', '?', '[']);
            let shape = glob.map_or(token.shape, Shape::Glob);
            if !path.is_empty() {
                self.file(Action::Read, &Token { text: path.to_owned(), shape });
            }
            let Some((_, rest)) = path.split_once(':') else { return };
            path = rest;
        }
    }

    fn assigned(&mut self, token: &Token) {
        if let Some((_, value)) = token.text.split_once('=') {
            self.touch(Operand::Maybe, &Token::literal(value));
        }
    }

    fn dd(&mut self, token: &Token) {
        match token.text.split_once('=') {
            Some(("if", path)) => self.touches.push((Action::Read, path.to_owned())),
            Some(("of", path)) => self.touches.push((Action::Edit, path.to_owned())),
            _ => {}
        }
    }
}

/// The path that a word names, in the form of [`crate::Touch::path`].
pub(crate) fn path(token: &Token) -> Option<String> {
    let text = token.known().filter(|text| !text.is_empty())?;
    Some(if token.shape == Shape::Literal && text.starts_with('~') { format!("./{text}") } else { text.to_owned() })
}
