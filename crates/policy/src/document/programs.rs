//! What a file says of programs: `[programs."mytool sub"]`.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{self, Shape};
use super::problem::quoted;
use super::reader::{Reader, Value};
use crate::program::{OperandKind, OptionKind, ProgramEntry};

impl<'i> Reader<'i> {
    /// `[programs."mytool sub"]`.
    pub(super) fn programs(&mut self, value: &Value<'i>) -> BTreeMap<String, ProgramEntry> {
        let mut programs = BTreeMap::new();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("programs", "a table for each program", value, "[programs.mytool]");
            return programs;
        };
        for (name, value) in table {
            let word: &str = name.get_ref();
            let entry = self.program(word, value);
            match name_fault(word) {
                None => _ = programs.insert(word.to_owned(), entry),
                Some((message, help)) => self.problem(name.span(), format!("{} {message}", quoted(word)), Some(help)),
            }
        }
        programs
    }

    fn program(&mut self, program: &str, value: &Value<'i>) -> ProgramEntry {
        let mut entry = ProgramEntry::default();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("a program", "a table", value, "[programs.mytool]");
            return entry;
        };
        let mut twice = BTreeSet::new();
        for (name, value) in table {
            let Some(key) = self.key(keys::PROGRAM, "a program", name, None) else { continue };
            match key.shape {
                Shape::Options => self.options(key.name, value, &mut entry, &mut twice),
                Shape::SomeOf(words) => {
                    for item in self.list(key.name, value, "operands = [\"read\"]") {
                        entry.operands.extend(self.word(key.name, words, item).and_then(OperandKind::named));
                    }
                }
                Shape::Truth => entry.subcommands = self.truth(key.name, value).unwrap_or(false),
                _ => self.not_yet(key.name, name.span()),
            }
        }
        if !twice.is_empty() {
            // Which of both was meant cannot be told.
            tell_twice(self, program, &twice);
        }
        entry
    }

    /// `flags = ["-v", "--verbose"]`.
    fn options(
        &mut self,
        list: &'static str,
        value: &Value<'i>,
        entry: &mut ProgramEntry,
        twice: &mut BTreeSet<(usize, usize, String)>,
    ) {
        let Some(kind) = OptionKind::named(list) else { return };
        let sample = format!("{list} = [\"--option\"]");
        for item in self.list(list, value, &sample) {
            let Some(option) = self.text_of(list, item, &sample) else { continue };
            if let Some((message, help)) = option_fault(option) {
                self.problem(item.span(), format!("{} {message}", quoted(option)), Some(help));
            } else if entry.options.insert(option.to_owned(), kind).is_some() {
                twice.insert((item.span().start, item.span().end, option.to_owned()));
            }
        }
    }
}

fn tell_twice(reader: &mut Reader<'_>, program: &str, twice: &BTreeSet<(usize, usize, String)>) {
    for (start, end, option) in twice {
        let message = format!("{} is listed twice for {}", quoted(option), quoted(program));
        reader.problem(*start..*end, message, Some("an option does one thing: list it once".to_owned()));
    }
}

/// What is wrong with the name of a program and its subcommands, and what to write.
fn name_fault(name: &str) -> Option<(&'static str, String)> {
    let sample = || "write `[programs.mytool]`, or `[programs.\"mytool sub\"]` for a subcommand".to_owned();
    if name.contains(['/', '\\']) {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let last = if name_fault(last).is_none() { last } else { "mytool" };
        return Some(("is a path, and a program is described by its name", format!("write `[programs.\"{last}\"]`")));
    }
    let mut words = name.split(' ');
    let program = words.next().unwrap_or_default();
    if program.is_empty()
        || words.clone().any(str::is_empty)
        || name.contains(char::is_whitespace) != name.contains(' ')
    {
        return Some(("is no program: its words are separated by one blank each", sample()));
    }
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.+@:".contains(c);
    if !name.split(' ').all(|word| word.chars().all(known)) {
        return Some((
            "is no program: a name is of letters, digits and `-_.+@:`, and says nothing of others like it",
            sample(),
        ));
    }
    if name.split(' ').any(|word| word.starts_with(['-', '+', ':'])) {
        return Some(("names an option where a program or a subcommand belongs", sample()));
    }
    if program.chars().any(|c| c.is_ascii_uppercase()) || program.ends_with(".exe") {
        let lower = program.to_ascii_lowercase();
        let lower = lower.strip_suffix(".exe").unwrap_or(&lower);
        return Some((
            "is not how a program is described: it is the same however its name is spelled",
            format!("write `[programs.\"{lower}\"]`, in small letters and without `.exe`"),
        ));
    }
    None
}

/// What is wrong with an option, and what to write.
fn option_fault(option: &str) -> Option<(&'static str, String)> {
    if option == "+" {
        return None;
    }
    if option.starts_with('+') {
        return Some((
            "cannot be listed by itself",
            "write `+`, which speaks of every word like `+nightly`".to_owned(),
        ));
    }
    if !option.starts_with('-') {
        let help = "an option begins with `-`; what it does not begin with is an operand: see `operands`";
        return Some(("is no option", help.to_owned()));
    }
    if let Some((name, _)) = option.split_once('=') {
        let shown = if option_fault(name).is_none() { name } else { "--option" };
        return Some(("has a value in it", format!("write `{shown}` into `values` or `attached`")));
    }
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.:@+?#%,".contains(c);
    if option.trim_start_matches('-').is_empty() || option.starts_with("---") || !option.chars().all(known) {
        return Some(("is no option", "spell it out as `-v` or `--verbose`, one for each text".to_owned()));
    }
    None
}
