//! `find`: where it searches, what it deletes, and the commands that it runs.

use std::ops::Range;

use countersign_policy::{Action, WordKind};

use crate::Via;
use crate::dirs::Dirs;
use crate::judge::path;
use crate::walk::Walk;
use crate::word::{Shape, Token};

/// Follows the actions of a `find` command that stands at `index`; `rest` are the words after its name.
pub(crate) fn run(walk: &mut Walk<'_>, rest: &[Token], index: usize, range: Range<usize>, dirs: &Dirs) {
    let roots = rest.iter().position(|token| token.text.starts_with(['-', '(', '!', ','])).unwrap_or(rest.len());
    let roots: Vec<String> = match rest.get(..roots).unwrap_or_default() {
        [] => vec![".".to_owned()],
        roots => roots.iter().filter_map(path).collect(),
    };
    let mut at = 0;
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
                let mut inner: Vec<Token> = command.get(..end.unwrap_or(command.len())).unwrap_or_default().to_vec();
                for token in inner.iter_mut().filter(|token| token.text.contains("{}")) {
                    token.shape = Shape::Dynamic;
                }
                if end.is_none() || inner.is_empty() {
                    walk.unknown("a `find` whose command has no end", range.clone());
                }
                let length = inner.len();
                // A command in each file's own folder.
                let elsewhere = if token.text.ends_with("dir") { Dirs::unknown() } else { dirs.clone() };
                if !inner.is_empty() {
                    walk.inner(inner, index, at + 2, range.clone(), &elsewhere);
                }
                if let Some(found) = walk.out.commands.get_mut(index) {
                    let own = found.words.iter_mut().skip(at + 1).take(length + 2);
                    own.filter(|word| word.kind == WordKind::Data).for_each(|word| word.kind = WordKind::Power);
                }
                at += length;
            }
            _ => {}
        }
        at += 1;
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
