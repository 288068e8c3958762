//! Where we let pass what others ask about. At most ten of these may be, over all kinds; adapters say for which of their
//! cases each holds.

use super::case::Case;
use super::rule::{Difference, Rule, Side};

fn never(_: &Case, _: &Difference) -> bool {
    false
}

pub(crate) const PATTERNS: Rule = Rule {
    name: "patterns and braces are data",
    inputs: "words with `*`, `?`, `[...]`, `{a,b}`, or a home directory's `~`",
    answer: "the words as far as they are known; a pattern that could become an option, or that is deleted or written by, asks",
    why: "the shell puts file names there, and what may be read is judged by the folder that they are in",
    side: Side::Looser,
    explains: never,
};

pub(crate) const HARMLESS_REDIRECTIONS: Rule = Rule {
    name: "redirections that write no file",
    inputs: "`> /dev/null`, `2>&1`, a here-document, a here-string, `< file`",
    answer: "the command is judged as if it were not there; a file that is read is judged as one that the command names",
    why: "it changes nothing of what the command does; that it asked was users' complaint (Codex issue 10321)",
    side: Side::Looser,
    explains: never,
};

pub(crate) const SYNTAX: Rule = Rule {
    name: "the shell's own syntax is taken apart",
    inputs: "`&`, groups, subshells, `for`, `while`, `case`, `!`, functions, substitutions, a line that goes on in the next one, variables that are known to be harmless (`LC_ALL=C`) or whose value the line itself gives (`$HOME`)",
    answer: "every command in it is judged",
    why: "what runs is known just as in a list with `;`",
    side: Side::Looser,
    explains: never,
};

pub(crate) const INSIDE: Rule = Rule {
    name: "what a wrapper or a shell runs is judged itself",
    inputs: "wrappers that change nothing of what they run (`command -p`, `setsid`, `ionice`, `watch`, `env -u X`, `busybox`, however many), `eval` and a shell's `-c` with a text that is known",
    answer: "the command inside is judged",
    why: "it is that command which runs; wrappers that give it other rights, another place or other words keep their own name",
    side: Side::Looser,
    explains: never,
};

pub(crate) const READERS: Rule = Rule {
    name: "programs that only read and print",
    inputs: "filters, programs like `date`, `sed` and `awk` programs that only edit what is printed, with options that our tables know as harmless",
    answer: "allowed",
    why: "we know more programs and options than their lists; what is not in our tables asks",
    side: Side::Looser,
    explains: never,
};

pub(crate) const OWN_SETTINGS: Rule = Rule {
    name: "settings of OpenClaw itself",
    inputs: "words that speak of `security.audit.suppressions`, under an entry that allows everything",
    answer: "allowed, as the entry says",
    why: "a guard by words guards one spelling; ours are ceilings around the files that hold such settings",
    side: Side::Looser,
    explains: never,
};

pub(crate) const OPERATIONS: Rule = Rule {
    name: "an operation is offered with any data",
    inputs: "operations whose next word is data (`cargo add X`), and programs that no table of ours knows (`az vm list`)",
    answer: "beside exactly these words also the program and its first operation (`cargo add *`)",
    why: "a human chooses among the offers and reads each; `*` covers ordinary data alone, theirs any option",
    side: Side::Looser,
    explains: never,
};

pub(crate) const LETTERS: Rule = Rule {
    name: "letters that look like no others",
    inputs: "Greek or Cyrillic letters among Latin ones that nobody takes for these, in arguments: `Δt`, `μs`",
    answer: "no warning",
    why: "a warning before what cannot deceive teaches people to read none",
    side: Side::Looser,
    explains: never,
};
