//! The pieces of one simple command, wherever the tree hangs them.

use std::ops::Range;

use countersign_policy::Word;
use tree_sitter::Node;

use crate::Dir;
use crate::dirs::{Dirs, Exit};
use crate::values::Expansion;
use crate::walk::Walk;
use crate::word::{self, Shape, Token};

/// What one simple command is made of.
#[derive(Default)]
pub(crate) struct Pieces<'t> {
    pub(crate) words: Vec<Token>,
    pub(crate) assignments: Vec<Node<'t>>,
    pub(crate) redirections: Vec<Node<'t>>,
    /// Commands that the tree hangs below a here-document's start: `cat <<EOF | sh`.
    pub(crate) following: Vec<Node<'t>>,
    pub(crate) end: Option<usize>,
    /// The bytes of the last word, how many words stand before it, and what is expanded in it.
    pub(crate) last: Option<(Range<usize>, usize, Vec<Expansion>)>,
    /// How many nodes of the tree were joined to the words before them.
    pub(crate) joined: usize,
}

/// The most nodes that are joined: each reads the word anew.
const MOST_JOINED: usize = 256;

impl Walk<'_> {
    pub(crate) fn command(&mut self, node: Node<'_>, redirections: &[Node<'_>], entry: &Dirs) -> Exit {
        self.gaps(node);
        let mut pieces = Pieces::default();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "comment" => self.comment(child),
                "variable_assignment" => {
                    if !pieces.words.is_empty() {
                        self.unknown("an assignment that is not understood", child.byte_range());
                    }
                    pieces.assignments.push(child);
                    pieces.end = Some(child.end_byte());
                }
                "file_redirect" | "herestring_redirect" | "heredoc_redirect" => {
                    self.redirection(child, &mut pieces, entry);
                }
                "subshell" => {
                    self.unknown("a command that is not understood", child.byte_range());
                    self.statement(child, entry);
                }
                _ => self.word(child, &mut pieces, entry),
            }
        }
        self.simple_command(pieces, redirections, node.byte_range(), entry)
    }

    pub(crate) fn simple_command<'t>(
        &mut self,
        mut pieces: Pieces<'t>,
        redirections: &[Node<'t>],
        range: Range<usize>,
        entry: &Dirs,
    ) -> Exit {
        for redirection in redirections {
            if pieces.end.is_some_and(|end| self.is_dash(end..redirection.start_byte())) {
                pieces.words.push(Token::literal("-"));
            }
            self.redirection(*redirection, &mut pieces, entry);
        }
        if pieces.words.is_empty() {
            for assignment in &pieces.assignments {
                self.assigned(*assignment, entry);
            }
            self.redirect(&pieces.redirections, entry, None);
            return self.follow(&pieces.following, &Exit::same(entry));
        }
        let set: Vec<Word> = pieces.assignments.iter().map(|assignment| self.leading(*assignment, entry)).collect();
        let command = self.out.commands.len();
        let ran = self.simple(&pieces.words, range.clone(), entry);
        self.set_for(set, command, &ran.written, range);
        self.redirect(&pieces.redirections, entry, Some(command).filter(|command| *command < self.out.commands.len()));
        self.follow(&pieces.following, &ran.exit)
    }

    /// One word of a command.
    pub(crate) fn word(&mut self, node: Node<'_>, pieces: &mut Pieces<'_>, entry: &Dirs) {
        // The parser breaks some words in two (`'a'\b`), and all that are continued on the next line; a shell does not.
        let joined = pieces.last.take().filter(|(range, ..)| self.is_continued(range.end..node.start_byte()));
        if joined.is_none()
            && let Some(end) = pieces.end
            && !self.is_apart(end..node.start_byte())
        {
            self.unknown("words that cannot be told apart for certain", end..node.end_byte());
        }
        pieces.end = Some(node.end_byte());
        if word::is_descriptor(self.text(node), self.line.get(node.end_byte()..).unwrap_or_default()) {
            self.unknown("a word that a shell may take for the number of an open file", node.byte_range());
        }
        let mut expansions = self.expansions(node, entry);
        let mut start = node.start_byte();
        if let Some((from, count, mut before)) = joined {
            pieces.joined += 1;
            if pieces.joined > MOST_JOINED {
                return self.unknown("a word in too many pieces", node.byte_range());
            }
            start = from.start;
            pieces.words.truncate(count);
            before.append(&mut expansions);
            expansions = before;
        }
        let count = pieces.words.len();
        let read = word::read(self.line, start..node.end_byte(), &expansions, &mut pieces.words);
        pieces.last = Some((start..node.end_byte(), count, expansions));
        if let Err(reason) = read {
            self.unknown(reason, node.byte_range());
            pieces.words.push(Token { text: self.text(node).to_owned(), shape: Shape::Dynamic });
        }
    }

    /// `$(< file)`.
    pub(crate) fn only_redirect(&mut self, node: Node<'_>, dirs: &Dirs) {
        self.simple_command(Pieces::default(), &[node], node.byte_range(), dirs);
    }

    pub(crate) fn follow(&mut self, following: &[Node<'_>], exit: &Exit) -> Exit {
        let mut dirs = exit.clone();
        for node in following {
            let entry = dirs.any();
            let before = self.out.touches.len();
            let after = self.statement(*node, &entry).any();
            if !entry.covers(&after) {
                // To a shell `cat <<A | cd x && y` is no pipe into all of the rest.
                for touch in self.out.touches.iter_mut().skip(before) {
                    touch.dir = Dir::Unknown;
                }
            }
            dirs = Exit::same(&entry.or(&after));
        }
        dirs
    }
}
