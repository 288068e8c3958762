//! What we make of a command line, in the form that the adapters compare: the one place that reads an [`Analysis`].

use std::ops::Range;

use countersign_policy::{CommandSpelling, Word, WordKind};
use countersign_shell::{Analysis, Touch};

/// A command line, taken apart.
pub(crate) struct Line {
    pub(crate) commands: Vec<Seen>,
    pub(crate) touches: Vec<Touch>,
    /// Why some of it was not understood.
    pub(crate) unknown: Vec<String>,
}

/// One command, with every way to say it.
pub(crate) struct Seen {
    pub(crate) words: Vec<Word>,
    /// With the wrappers that it was called through, and without them.
    pub(crate) others: Vec<CommandSpelling>,
    pub(crate) span: Range<usize>,
    at: usize,
}

/// Takes a line apart.
pub(crate) fn read(line: &str) -> Line {
    let Analysis { commands, touches, unknown } = countersign_shell::analyze(line);
    let seen = commands.into_iter().enumerate();
    let seen =
        seen.map(|(at, command)| Seen { words: command.words, others: command.spellings, span: command.span, at });
    let unknown = unknown.into_iter().map(|unknown| unknown.reason).collect();
    Line { commands: seen.collect(), touches, unknown }
}

impl Line {
    /// What a command names: its operands and redirections.
    pub(crate) fn touches_of(&self, command: &Seen) -> impl Iterator<Item = &Touch> {
        self.touches.iter().filter(|touch| touch.command == Some(command.at))
    }

    /// Whether these words, as far as they are known, may be one of the commands, in some way to say it.
    pub(crate) fn may_have(&self, words: &[Word]) -> bool {
        self.commands.iter().any(|command| command.forms().any(|form| may_be(words, form)))
    }

    /// Whether these words are one of the commands, in some way to say it.
    pub(crate) fn has(&self, words: &[String]) -> bool {
        self.commands.iter().any(|command| command.forms().any(|form| texts(form) == words))
    }
}

impl Seen {
    /// Every way to say it.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &[Word]> {
        std::iter::once(self.words.as_slice()).chain(self.others.iter().map(|other| other.words.as_slice()))
    }

    /// Whether it is a wrapper that runs another program in its own way (`sudo`, `xargs`).
    pub(crate) fn runs_another(&self) -> bool {
        self.others.iter().any(|other| !other.allows)
    }

    pub(crate) fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.text.as_str())
    }

    /// The strictest kind of its words after the program.
    pub(crate) fn has(&self, kind: WordKind) -> bool {
        self.words.iter().any(|word| word.kind == kind)
    }

    /// Whether a rule for the program, whatever the ordinary data, would cover it.
    pub(crate) fn is_data(&self) -> bool {
        self.words.iter().all(|word| word.kind == WordKind::Data)
    }

    /// The words before the `*` of each general offer.
    pub(crate) fn prefixes(&self) -> Vec<Vec<String>> {
        let Seen { words, others, span, .. } = self;
        let command =
            countersign_shell::Command { words: words.clone(), spellings: others.clone(), span: span.clone() };
        let patterns = countersign_shell::offers(&command).into_iter().filter_map(|offer| offer.pattern);
        patterns
            .map(|pattern| pattern.strip_suffix(" *").unwrap_or(&pattern).split(' ').map(str::to_owned).collect())
            .collect()
    }
}

pub(crate) fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

/// Whether words are these words, where some are known only when they run: such a word stands for any words at all.
pub(crate) fn may_be(form: &[Word], words: &[Word]) -> bool {
    match (form.split_first(), words.split_first()) {
        (None, None) => true,
        (Some((first, form)), _) if first.kind == WordKind::Dynamic => {
            may_be(form, words) || words.split_first().is_some_and(|(_, words)| may_be_after(form, words))
        }
        (Some((first, form)), Some((word, words))) => first.text == word.text && may_be(form, words),
        _ => false,
    }
}

/// The same behind a word that stands for any words.
fn may_be_after(form: &[Word], words: &[Word]) -> bool {
    (0..=words.len()).any(|at| may_be(form, &words[at..]))
}

/// Whether the line says what this name stands for: then what it stands for is judged in its place.
pub(crate) fn defines(line: &str, name: &str) -> bool {
    let spaceless: String = line.chars().filter(|c| *c != ' ').collect();
    spaceless.contains(&format!("{name}()")) || line.contains(&format!("function {name}"))
}

/// Words as a line that a shell takes for just these words.
pub(crate) fn line_of(argv: &[String]) -> String {
    let quote = |word: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    argv.iter().map(quote).collect::<Vec<_>>().join(" ")
}
