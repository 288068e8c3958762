//! Which words of a command are options, values of options, and operands.

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
    /// Whether any option is not known: which words are operands is then not certain.
    pub(crate) uncertain: bool,
}

impl Opt {
    /// Whether the option does nothing but steer what the program shows.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(
            self,
            Opt::Flag | Opt::Value | Opt::Attached | Opt::Read | Opt::Search | Opt::Pair | Opt::Script | Opt::Lines
        )
    }

    /// How many of the following words it takes when nothing is attached to it.
    fn takes(self) -> usize {
        match self {
            Opt::Flag | Opt::Attached | Opt::PowerFlag | Opt::Change => 0,
            Opt::Pair => 2,
            _ => 1,
        }
    }
}

/// Takes the words after the program's name apart. With `stop`, everything from the first operand on is an operand.
pub(crate) fn parse<'t>(program: &Program, tokens: &'t [Token], stop: bool) -> Parts<'t> {
    let mut parts = Parts { all: Vec::with_capacity(tokens.len()), instead: false, recursive: false, uncertain: false };
    let mut ended = false;
    let mut values: (usize, Option<Opt>) = (0, None);
    for token in tokens {
        if values.0 > 0 {
            values.0 -= 1;
            // What follows an option that is not known may be its value, unless it is another option.
            if values.1.is_some() || !token.may_be_option() {
                parts.all.push(Part::Value(values.1));
                continue;
            }
        }
        let text = token.text.as_str();
        let option = !ended && token.shape == Shape::Literal && text.len() > 1 && text.starts_with('-');
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
                values = opt.map_or((usize::from(!text.contains('=')), None), |opt| (opt.takes(), Some(opt)));
            }
            parts.all.push(part);
        }
    }
    parts
}

impl Parts<'_> {
    fn option<'t>(&mut self, program: &Program, text: &'t str) -> Part<'t> {
        let part = if text.starts_with("--") || program.words {
            self.long(program, text)
        } else if program.numbers && text.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
            Part::Option { opt: Some(Opt::Flag), harmless: true, value: None }
        } else {
            self.cluster(program, text)
        };
        self.uncertain |= matches!(part, Part::Option { opt: None, .. });
        part
    }

    fn long<'t>(&mut self, program: &Program, text: &'t str) -> Part<'t> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let opt = self.look(program, name).filter(|&opt| value.is_none() || !matches!(opt, Opt::Flag | Opt::Pair));
        Part::Option { opt, harmless: opt.is_some_and(Opt::is_harmless), value }
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

    fn look(&mut self, program: &Program, name: &str) -> Option<Opt> {
        self.instead |= program.instead.contains(&name);
        self.recursive |= program.recursive.contains(&name);
        program.option(name)
    }
}
