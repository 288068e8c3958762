//! `find`: where it searches, what it deletes, and the commands that it runs.

use std::ops::Range;

use countersign_policy::{Action, CommandSpelling, WordKind};

use crate::Via;
use crate::dirs::Dirs;
use crate::judge::path;
use crate::program::Runs;
use crate::run::MOST_WRAPPED;
use crate::walk::Walk;
use crate::word::{Shape, Token};

/// The most commands of one `find` that are followed.
const MOST_COMMANDS: usize = 16;

/// Follows the actions of a `find` command that stands at `index`; `rest` are the words after its name.
pub(crate) fn run(walk: &mut Walk<'_>, rest: &[Token], index: usize, range: Range<usize>, dirs: &Dirs) {
    let roots = rest.iter().position(|token| token.text.starts_with(['-', '(', '!', ','])).unwrap_or(rest.len());
    let roots: Vec<String> = match rest.get(..roots).unwrap_or_default() {
        [] => vec![".".to_owned()],
        roots => roots.iter().filter_map(path).collect(),
    };
    let mut at = 0;
    let mut commands = 0;
    while let Some(token) = rest.get(at) {
        match token.text.as_str() {
            "-delete" => {
                for root in &roots {
                    walk.touch(Action::Delete, root, dirs, Via::Operand, Some(index));
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let command = rest.get(at + 1..).unwrap_or_default();
                let end = end(command);
                let inner = command.get(..end.unwrap_or(command.len())).unwrap_or_default();
                if end.is_none() || inner.is_empty() {
                    walk.unknown("a `find` whose command has no end", range.clone());
                }
                // A command in each file's own folder.
                let elsewhere = token.text.ends_with("dir");
                commands += 1;
                if commands > MOST_COMMANDS {
                    return walk.unknown("a `find` with too many commands", range);
                }
                if !inner.is_empty() {
                    exec(walk, inner, Exec { roots: &roots, index, at: at + 2, elsewhere }, range.clone(), dirs);
                }
                at += inner.len();
            }
            _ => {}
        }
        at += 1;
    }
}

/// One command of a `find`.
struct Exec<'a> {
    roots: &'a [String],
    /// The `find` among the commands.
    index: usize,
    /// Where the command begins among its words.
    at: usize,
    /// Whether it runs in each file's own folder.
    elsewhere: bool,
}

/// The command is judged by itself, with the tree in the place of `{}`.
fn exec(walk: &mut Walk<'_>, inner: &[Token], of: Exec<'_>, range: Range<usize>, dirs: &Dirs) {
    // Only where it stands for a file: a wrapper would run it.
    let table = inner.first().and_then(Token::known).map(|word| walk.programs.named(word).name);
    let table = table.and_then(|name| walk.programs.lookup(&name));
    let runs = table.is_some_and(|table| table.runs != Runs::Nothing || table.subcommands);
    let single = of.roots.len() == 1 && !of.elsewhere && !runs;
    let root = of.roots.first().filter(|root| single && !root.starts_with('-'));
    let mut tokens = inner.to_vec();
    for (place, token) in tokens.iter_mut().enumerate().filter(|(_, token)| token.text.contains("{}")) {
        match root {
            Some(root) if token.text == "{}" && place > 0 => root.clone_into(&mut token.text),
            _ => token.shape = Shape::Dynamic,
        }
    }
    let dirs = if of.elsewhere { Dirs::unknown() } else { dirs.clone() };
    let before = walk.out.commands.len();
    let touches = walk.out.touches.len();
    let mut written = walk.inner(&tokens, range.clone(), &dirs).written;
    let placed = root.is_some() && inner.iter().any(|token| token.text == "{}");
    let changes = |touch: &crate::Touch| matches!(touch.action, Action::Edit | Action::Delete);
    if placed && walk.out.touches.iter().skip(touches).any(changes) {
        // The tree stands for any file in it, what may not be changed included.
        walk.unknown("which files a `find` changes is known only when it runs", range);
    }
    for (word, token) in written.iter_mut().zip(inner) {
        token.text.clone_into(&mut word.text);
    }
    if let Some(program) = written.first_mut().filter(|word| word.kind == WordKind::Data) {
        program.kind = WordKind::Power;
    }
    let Some(find) = walk.out.commands.get_mut(of.index) else { return };
    // What it runs is judged for itself.
    let own = find.words.iter_mut().skip(of.at - 1).take(inner.len() + 2);
    own.filter(|word| word.kind == WordKind::Power).for_each(|word| word.kind = WordKind::Data);
    let mut whole = find.words.clone();
    for (word, known) in whole.iter_mut().skip(of.at).zip(written) {
        *word = known;
    }
    for command in walk.out.commands.iter_mut().skip(before).take(MOST_WRAPPED) {
        for (word, token) in command.words.iter_mut().zip(inner).filter(|(_, token)| token.text == "{}") {
            token.text.clone_into(&mut word.text);
        }
        command.spellings.push(CommandSpelling { words: whole.clone(), allows: true });
    }
}

/// Where a command ends: at `;`, or at `+` after `{}`.
fn end(command: &[Token]) -> Option<usize> {
    let mut before = "";
    for (at, token) in command.iter().enumerate() {
        if token.known() == Some(";") || token.known() == Some("+") && before == "{}" {
            return Some(at);
        }
        before = &token.text;
    }
    None
}
