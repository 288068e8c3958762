//! The pieces of one simple command, wherever the tree hangs them.

use std::ops::Range;

use tree_sitter::Node;

use crate::dirs::{Dirs, Exit};
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
}

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
        let command = (!pieces.words.is_empty()).then_some(self.out.commands.len());
        for assignment in &pieces.assignments {
            if command.is_some() {
                self.leading(*assignment, entry);
            } else {
                self.assigned(*assignment, entry);
            }
        }
        let exit = match command {
            Some(_) => self.simple(pieces.words, range, entry),
            None => Exit::same(entry),
        };
        self.redirect(&pieces.redirections, entry, command);
        self.follow(&pieces.following, &exit)
    }

    /// One word of a command.
    pub(crate) fn word(&mut self, node: Node<'_>, pieces: &mut Pieces<'_>, entry: &Dirs) {
        if let Some(end) = pieces.end
            && !self.is_apart(end..node.start_byte())
        {
            self.unknown("words that cannot be told apart for certain", end..node.end_byte());
        }
        pieces.end = Some(node.end_byte());
        let expansions = self.expansions(node, entry);
        if let Err(reason) = word::read(self.line, node.byte_range(), &expansions, &mut pieces.words) {
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
            dirs = Exit::same(&dirs.any().or(&self.statement(*node, &dirs.any()).any()));
        }
        dirs
    }
}
