//! Redirections: what they touch, and what the tree hangs below them that is not part of them.

use countersign_policy::Action;
use tree_sitter::Node;

use crate::command::Pieces;
use crate::dirs::{Dirs, Exit};
use crate::walk::{Walk, is_word};
use crate::word::Shape;
use crate::{Via, heredoc, judge, word};

impl Walk<'_> {
    pub(crate) fn redirected(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        self.gaps(node);
        let mut cursor = node.walk();
        let (mut body, mut redirections) = (None, Vec::new());
        for child in node.children(&mut cursor) {
            match child.kind() {
                "comment" => self.comment(child),
                "file_redirect" | "herestring_redirect" | "heredoc_redirect" => redirections.push(child),
                _ if body.is_none() => body = Some(child),
                _ => self.unknown("a redirection that is not understood", child.byte_range()),
            }
        }
        match body {
            Some(body) if body.kind() != "command" => {
                if redirections.iter().any(|redirection| self.is_dash(body.end_byte()..redirection.start_byte())) {
                    self.unknown("a here-document that is not understood", node.byte_range());
                }
                // In a list the redirection belongs to the last part, which may run after a `cd`.
                let (exit, dirs) = match body.kind() {
                    "list" => self.list(body, entry),
                    _ => (self.statement(body, entry), entry.clone()),
                };
                let mut pieces = Pieces { end: Some(body.end_byte()), ..Pieces::default() };
                for redirection in redirections {
                    self.redirection(redirection, &mut pieces, &dirs);
                }
                if !pieces.words.is_empty() {
                    self.unknown("words after a redirection that is not understood", node.byte_range());
                }
                self.redirect(&pieces.redirections, &dirs, None);
                self.follow(&pieces.following, &exit)
            }
            Some(command) => self.command(command, &redirections, entry),
            None => self.simple_command(Pieces::default(), &redirections, node.byte_range(), entry),
        }
    }

    /// Sorts a redirection's children: the tree hangs words and whole commands below it that are not part of it.
    pub(crate) fn redirection<'t>(&mut self, node: Node<'t>, pieces: &mut Pieces<'t>, entry: &Dirs) {
        self.gaps(node);
        pieces.redirections.push(node);
        let mut cursor = node.walk();
        match node.kind() {
            "heredoc_redirect" => {
                if let Some(reason) = heredoc::fault(self.line, node) {
                    self.unknown(reason, node.byte_range());
                }
                for child in node.children(&mut cursor) {
                    match child.kind() {
                        "heredoc_start" | "heredoc_end" => {}
                        "heredoc_body" if heredoc::expands(self.line, node) => self.body(child, entry),
                        "heredoc_body" => {}
                        "comment" => self.comment(child),
                        _ if !child.is_named() => {}
                        "file_redirect" | "herestring_redirect" => self.redirection(child, pieces, entry),
                        "heredoc_redirect" => {
                            self.unknown("a here-document that is not understood", child.byte_range())
                        }
                        kind if is_word(kind) => self.word(child, pieces, entry),
                        _ => {
                            // `cat <<A |`: the parser takes the body for what it goes on with.
                            if self.text(child).contains('\n') {
                                self.unknown("a here-document that is not understood", child.byte_range());
                            }
                            pieces.following.push(child);
                        }
                    }
                }
            }
            "file_redirect" => {
                let mut target = None;
                for child in node.children(&mut cursor) {
                    match child.kind() {
                        // The parser takes `-rm2` for one, too.
                        "file_descriptor"
                            if !self.is_word_start(child.start_byte())
                                || !self.text(child).bytes().all(|byte| byte.is_ascii_digit()) =>
                        {
                            self.unknown("a redirection that is not understood", node.byte_range());
                        }
                        "comment" => self.comment(child),
                        kind if is_word(kind) => {
                            if target.is_some() {
                                self.word(child, pieces, entry);
                            }
                            target = Some(child);
                        }
                        _ => {}
                    }
                    pieces.end = Some(child.end_byte());
                }
            }
            _ => {
                for child in node.children(&mut cursor).filter(Node::is_named) {
                    let expansions = self.expansions(child, entry);
                    if let Err(reason) = word::read(self.line, child.byte_range(), &expansions, &mut Vec::new()) {
                        self.unknown(reason, child.byte_range());
                    }
                    pieces.end = Some(child.end_byte());
                }
            }
        }
    }

    /// What the redirections of one command touch.
    pub(crate) fn redirect(&mut self, redirections: &[Node<'_>], dirs: &Dirs, command: Option<usize>) {
        for node in redirections.iter().filter(|node| node.kind() == "file_redirect") {
            let mut cursor = node.walk();
            let (mut operator, mut target) = ("", None);
            for child in node.children(&mut cursor) {
                match child.kind() {
                    "file_descriptor" | "comment" => {}
                    kind if !child.is_named() && operator.is_empty() => operator = kind,
                    _ if target.is_none() => target = Some(child),
                    _ => {}
                }
            }
            match target {
                // `>&-a`: shells differ on where the operator ends.
                None if operator.ends_with('-') && self.ends_word(node.end_byte()) => {}
                None => self.unknown("a redirection that is not understood", node.byte_range()),
                Some(target) => self.redirect_to(operator, target, dirs, command),
            }
        }
    }

    pub(crate) fn redirect_to(&mut self, operator: &str, target: Node<'_>, dirs: &Dirs, command: Option<usize>) {
        let expansions = self.expansions(target, dirs);
        let mut tokens = Vec::new();
        let read = word::read(self.line, target.byte_range(), &expansions, &mut tokens);
        let [token] = tokens.as_slice() else {
            return self.unknown(read.err().unwrap_or("a redirection to several files"), target.byte_range());
        };
        if operator == "<" && token.shape == Shape::Pipe {
            return;
        }
        if let (Shape::Glob(_), "<") = (token.shape, operator)
            && let Some(folder) = judge::folder_of(token)
        {
            // One of the files that the pattern names.
            return self.touch(Action::Search, &folder, dirs, Via::Operand, command);
        }
        let Some(path) = judge::path(token) else {
            return self.unknown("a redirection whose target is known only when it runs", target.byte_range());
        };
        if let Some(folder) = word::numbered(&path) {
            return match operator {
                "<" => self.touch(Action::Search, folder, dirs, Via::Operand, command),
                _ => self.unknown("a redirection whose target is known only when it runs", target.byte_range()),
            };
        }
        let plain = self.text(target).bytes().all(word::is_plain) && !path.starts_with(['-', '+']);
        if [">&", "<&"].contains(&operator) && !plain {
            // bash expands the word behind `>&` twice.
            return self.unknown("a redirection that is not understood", target.byte_range());
        }
        let copies = path.strip_suffix('-').unwrap_or(&path).bytes().all(|byte| byte.is_ascii_digit());
        match operator {
            ">&" | "<&" if copies => {}
            _ if path.starts_with("/dev/tcp") || path.starts_with("/dev/udp") || path.starts_with("/dev/fd") => {
                self.unknown("a redirection to a connection or an open file", target.byte_range());
            }
            _ if ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin"].contains(&path.as_str()) => {}
            "<" => self.touch(Action::Read, &path, dirs, Via::Operand, command),
            ">" | ">>" | ">|" | "&>" | "&>>" | ">&" => self.touch(Action::Edit, &path, dirs, Via::Redirection, command),
            _ => self.unknown("a redirection that is not understood", target.byte_range()),
        }
    }
}
