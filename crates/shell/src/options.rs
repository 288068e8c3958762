//! Which words of a command are options, values of options, and operands.

use std::collections::VecDeque;

use crate::program::{Opt, Program};
use crate::word::{Shape, Token};

/// What a word is to its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    /// An option, or a cluster of them.
    Option {
        /// The one that takes a value, or the gravest; none if any of them is not known.
        opt: Option<Opt>,
        /// Whether all of them are harmless.
        harmless: bool,
        /// The value that is attached to it.
        value: Option<&'t str>,
    },
    /// The value of the option before it; none if that option is not known.
    Value(Option<Opt>),
    /// An operand.
    Operand,
}

/// The words of a command, taken apart by what is known of its program.
#[derive(Debug)]
pub(crate) struct Parts<'t> {
    /// One for each word.
    pub(crate) all: Vec<Part<'t>>,
    /// Whether an option takes the place of the first operand.
    pub(crate) instead: bool,
    /// Whether an option makes reading a search.
    pub(crate) recursive: bool,
    /// The option that makes another program of it.
    pub(crate) variant: Option<String>,
    /// Whether any option is not known: which words are operands is then not certain.
    pub(crate) uncertain: bool,
}

impl Part<'_> {
    /// Whether it changes nothing about what a subcommand does: a flag, a setting of what is shown, and a folder, which is
    /// looked at as after a `cd`.
    pub(crate) fn is_idle(self) -> bool {
        let (Part::Option { opt, .. } | Part::Value(opt)) = self else { return false };
        matches!(opt, Some(Opt::Flag | Opt::Config | Opt::Dir))
    }
}

impl Opt {
    /// Whether the option does nothing but steer what the program shows.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(
            self,
            Opt::Flag
                | Opt::Value
                | Opt::Attached
                | Opt::Plain
                | Opt::Into
                | Opt::Mode
                | Opt::Jq
                | Opt::Text
                | Opt::Sent
                | Opt::Read
                | Opt::Search
                | Opt::Pair
                | Opt::Switch
                | Opt::Named
                | Opt::Script
                | Opt::Lines
                | Opt::Config
                | Opt::Dir
                | Opt::Output
                | Opt::Shown
                | Opt::ShownAttached
                | Opt::Repo
        )
    }

    /// What of the following words it takes when nothing is attached to it.
    fn takes(self, next: Option<&Token>) -> impl Iterator<Item = Option<Opt>> {
        let switched = next.and_then(Token::known).is_some_and(|text| ["true", "false"].contains(&text));
        let values = match self {
            Opt::Switch if switched => [Some(self), None],
            Opt::Flag | Opt::Attached | Opt::ShownAttached | Opt::PowerFlag | Opt::Change | Opt::Switch => [None, None],
            Opt::Pair => [Some(self), Some(self)],
            Opt::Named => [Some(Opt::Value), Some(Opt::Read)],
            _ => [Some(self), None],
        };
        values.into_iter().flatten().map(Some)
    }
}

/// Takes the words after the program's name apart. With `stop`, everything from the first operand on is an operand.
pub(crate) fn parse<'t>(program: &Program, tokens: &'t [Token], stop: bool) -> Parts<'t> {
    let all = Vec::with_capacity(tokens.len());
    let mut parts = Parts { all, instead: false, recursive: false, variant: None, uncertain: false };
    let mut ended = false;
    let mut values: VecDeque<Option<Opt>> = VecDeque::new();
    let mut name = "";
    for (at, token) in tokens.iter().enumerate() {
        if let Some(opt) = values.pop_front() {
            // What follows an option that is not known may be its value, unless it is another option.
            if opt.is_some() || !token.may_be_option() {
                let opt = parts.with_value(program, name, &token.text).or(opt);
                parts.all.push(Part::Value(opt));
                continue;
            }
        }
        let text = token.text.as_str();
        if at == 0 && program.bundle && token.shape == Shape::Literal && !text.starts_with('-') {
            let part = parts.bundle(program, text, &mut values);
            parts.all.push(part);
            continue;
        }
        // A pattern that only gives an option its value.
        if !ended
            && let Some(name) = token.option()
            && !program.lenient
        {
            let opt = parts.look(program, name);
            let harmless = matches!(opt, Some(Opt::Value | Opt::Attached));
            parts.uncertain |= opt.is_none();
            // Where it matches no name the pattern itself is the value.
            let opt = if harmless { opt } else { Some(Opt::PowerFlag) };
            parts.all.push(Part::Option { opt, harmless, value: Some("") });
            continue;
        }
        let toolchain = text.starts_with('+') && program.option("+").is_some();
        let option = !ended && token.shape == Shape::Literal && text.len() > 1 && (text.starts_with('-') || toolchain);
        if !option {
            ended |= stop || program.stop;
            parts.all.push(Part::Operand);
        } else if text == "--" {
            ended = true;
            parts.all.push(Part::Option { opt: Some(Opt::Flag), harmless: true, value: None });
        } else {
            let part = parts.option(program, text);
            if program.lenient && matches!(part, Part::Option { opt: None, .. }) {
                parts.uncertain = false;
                ended = true;
                parts.all.push(Part::Operand);
                continue;
            }
            if let Part::Option { opt, value: None, .. } = part {
                name = text;
                match opt {
                    Some(opt) => values.extend(opt.takes(tokens.get(at + 1))),
                    None => values.extend((!text.contains('=')).then_some(None)),
                }
            }
            parts.all.push(part);
        }
    }
    parts
}

impl Parts<'_> {
    fn option<'t>(&mut self, program: &Program, text: &'t str) -> Part<'t> {
        let part = if text.starts_with('+') {
            let opt = program.option("+");
            Part::Option { opt, harmless: opt.is_some_and(Opt::is_harmless), value: None }
        } else if text.starts_with("--") || program.words {
            self.long(program, text)
        } else if program.numbers && text.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
            Part::Option { opt: Some(Opt::Flag), harmless: true, value: None }
        } else {
            self.cluster(program, text)
        };
        self.uncertain |= matches!(part, Part::Option { opt: None, .. });
        if let Part::Option { value: Some(value), .. } = part
            && let Some(name) = text.strip_suffix(value)
            && let Some(opt) = self.with_value(program, name.strip_suffix('=').unwrap_or(name), value)
        {
            return Part::Option { opt: Some(opt), harmless: false, value: Some(value) };
        }
        part
    }

    /// What an option is with just this value: tables list `--accept=edit`. In a cluster the last letter takes it.
    fn with_value(&mut self, program: &Program, name: &str, value: &str) -> Option<Opt> {
        if !program.valued {
            return None;
        }
        let letter = name.chars().next_back().filter(|_| !name.starts_with("--") && !program.words);
        let name = letter.map_or_else(|| name.to_owned(), |letter| format!("-{letter}"));
        self.look(program, &format!("{name}={value}")).map(|_| Opt::Power)
    }

    fn long<'t>(&mut self, program: &Program, text: &'t str) -> Part<'t> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let opt = self
            .look(program, name)
            .filter(|&opt| value.is_none() || !matches!(opt, Opt::Flag | Opt::Pair | Opt::Named));
        // `--cov-report=xml:FILE`: more of it than its name says what it is.
        let longer = |start: &str| start.contains('=') && start.len() < text.len() && text.starts_with(start);
        if (opt.is_none() || program.glued.iter().any(|start| longer(start)))
            && let Some(part) = self.glued(program, text)
        {
            return part;
        }
        Part::Option { opt, harmless: opt.is_some_and(Opt::is_harmless), value }
    }

    /// `-Iinclude` of a program whose options are words.
    fn glued<'t>(&mut self, program: &Program, text: &'t str) -> Option<Part<'t>> {
        let name = program.glued.iter().filter(|name| text.starts_with(name.as_ref())).max_by_key(|name| name.len())?;
        let opt = self.look(program, name)?;
        let value = text.get(name.len()..).filter(|rest| !rest.is_empty());
        Some(Part::Option { opt: Some(opt), harmless: opt.is_harmless(), value })
    }

    fn cluster<'t>(&mut self, program: &Program, text: &'t str) -> Part<'t> {
        let mut gravest = Opt::Flag;
        let mut harmless = true;
        let mut name = String::from("-");
        for (at, letter) in text.char_indices().skip(1) {
            name.truncate(1);
            name.push(letter);
            let Some(opt) = self.look(program, &name) else {
                return Part::Option { opt: None, harmless: false, value: None };
            };
            harmless &= opt.is_harmless();
            match opt {
                Opt::Flag => {}
                Opt::PowerFlag => gravest = opt,
                _ => {
                    let value = text.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
                    return Part::Option { opt: Some(opt), harmless, value };
                }
            }
        }
        Part::Option { opt: Some(gravest), harmless, value: None }
    }

    /// `xzf`: letters without a dash, each of which may take one of the words that follow.
    fn bundle<'t>(&mut self, program: &Program, text: &str, values: &mut VecDeque<Option<Opt>>) -> Part<'t> {
        let mut gravest = Opt::Flag;
        let mut harmless = true;
        for letter in text.chars() {
            let opt = self.look(program, &letter.to_string()).or_else(|| self.look(program, &format!("-{letter}")));
            let Some(opt) = opt else {
                self.uncertain = true;
                return Part::Option { opt: None, harmless: false, value: None };
            };
            values.extend(opt.takes(None));
            harmless &= opt.is_harmless();
            if !opt.is_harmless() {
                gravest = Opt::PowerFlag;
            }
        }
        Part::Option { opt: Some(gravest), harmless, value: None }
    }

    fn look(&mut self, program: &Program, name: &str) -> Option<Opt> {
        if self.variant.is_none() {
            self.variant =
                program.variants.iter().find(|variant| variant.as_ref() == name).map(|name| name.to_string());
        }
        self.instead |= program.instead.iter().any(|known| known == name);
        self.recursive |= program.recursive.iter().any(|known| known == name);
        program.option(name)
    }
}
