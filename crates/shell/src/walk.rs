//! Walks the parser's tree and finds every simple command in it.
//!
//! The parser and the shell do not always agree. So nothing is taken from the tree alone: words are read again from
//! the line, and between what the tree names there may be blanks only. Whatever else is found is unknown.

use std::ops::Range;

use countersign_policy::Action;
use tree_sitter::{Node, Parser};

use crate::dirs::{Dirs, Exit};
use crate::word::{self, Shape, Token};
use crate::{Analysis, Dir, Touch, Unknown, Via, heredoc, judge, plain};

/// How deep constructs may be nested; one `if` takes about five levels.
pub(crate) const DEEPEST: usize = 40;
/// How many levels a substitution or a payload counts.
pub(crate) const SUBSTITUTION: usize = 5;

/// The most reasons that are listed; one is enough for the line to be asked about.
const MOST_UNKNOWN: usize = 50;

pub(crate) const TOO_DEEP: &str = "commands nested too deep";

/// One walk through one line, or through a payload of `sh -c` inside it.
pub(crate) struct Walk<'a> {
    pub(crate) line: &'a str,
    pub(crate) out: &'a mut Analysis,
    pub(crate) depth: usize,
    /// For a payload: the bytes of the outermost line that it came from.
    pub(crate) outer: Option<Range<usize>>,
}

/// What one simple command is made of.
#[derive(Default)]
struct Pieces<'t> {
    words: Vec<Token>,
    assignments: Vec<Node<'t>>,
    redirections: Vec<Node<'t>>,
    /// Commands that the tree hangs below a here-document's start: `cat <<EOF | sh`.
    following: Vec<Node<'t>>,
    end: Option<usize>,
}

impl<'a> Walk<'a> {
    /// The whole line.
    pub(crate) fn line(&mut self, dirs: &Dirs) {
        match plain::words(self.line) {
            Some(tokens) => {
                let trimmed = self.line.trim_matches([' ', '\t', '\n']);
                let start = self.line.find(trimmed).unwrap_or_default();
                self.simple(tokens, start..start + trimmed.len(), dirs);
            }
            None => self.parsed(dirs),
        }
    }

    /// The whole line, by the parser.
    pub(crate) fn parsed(&mut self, dirs: &Dirs) {
        let whole = 0..self.line.len();
        if self.line.contains('\0') {
            return self.unknown("a character that no shell accepts", whole);
        }
        if let Some((at, hidden)) = self.line.char_indices().find(|&(_, c)| is_hidden(c)) {
            self.unknown("a character that cannot be seen", at..at + hidden.len_utf8());
        }
        let mut parser = Parser::new();
        let language = parser.set_language(&tree_sitter_bash::LANGUAGE.into());
        let Some(tree) = language.ok().and_then(|()| parser.parse(self.line, None)) else {
            return self.unknown("a line that cannot be parsed", whole);
        };
        if tree.root_node().has_error() {
            self.unknown("a line that is no complete shell command", whole);
        }
        self.statements(tree.root_node(), dirs);
    }

    pub(crate) fn unknown(&mut self, reason: &str, range: Range<usize>) {
        let span = self.span(range);
        if self.out.unknown.len() < MOST_UNKNOWN
            && !self.out.unknown.iter().any(|unknown| unknown.reason == reason && unknown.span == span)
        {
            self.out.unknown.push(Unknown { reason: reason.to_owned(), span });
        }
    }

    pub(crate) fn span(&self, range: Range<usize>) -> Range<usize> {
        self.outer.clone().unwrap_or(range)
    }

    pub(crate) fn touch(&mut self, action: Action, path: &str, dirs: &Dirs, via: Via, command: Option<usize>) {
        for dir in dirs.iter() {
            let dir = dir.clone();
            self.out.touches.push(Touch { action: action.clone(), path: path.to_owned(), dir, via, command });
        }
    }

    /// Everything in a node that holds statements, one after the other.
    pub(crate) fn statements(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        self.gaps(node);
        let mut dirs = entry.clone();
        let mut last = Exit::same(entry);
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "comment" => self.comment(child),
                _ if !child.is_named() => {}
                "variable_name" => self.loop_variable(child),
                kind if is_word(kind) => drop(self.expansions(child, &dirs)),
                _ => {
                    last = self.statement(child, &dirs);
                    dirs = dirs.or(&last.any());
                }
            }
        }
        if node.kind() == "program" || node.kind() == "compound_statement" { last } else { Exit::same(&dirs) }
    }

    fn statement(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        if self.depth >= DEEPEST {
            self.unknown(TOO_DEEP, node.byte_range());
            return Exit::same(&Dirs::unknown());
        }
        self.depth += 1;
        let exit = self.statement_inside(node, entry);
        self.depth -= 1;
        exit
    }

    fn statement_inside(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        match node.kind() {
            "command" => self.command(node, &[], entry),
            "redirected_statement" => self.redirected(node, entry),
            "list" => self.list(node, entry).0,
            "pipeline" => {
                // zsh runs the last part in the shell itself.
                let last = self.statements(node, entry);
                Exit::same(&entry.or(&last.any()))
            }
            "negated_command" => Exit::same(&self.statements(node, entry).any()),
            "subshell" => {
                self.statements(node, entry);
                Exit::same(entry)
            }
            "compound_statement" | "if_statement" | "elif_clause" | "else_clause" | "case_statement" | "case_item" => {
                self.statements(node, entry)
            }
            "do_group" | "while_statement" | "for_statement" => self.repeated(node, entry),
            "test_command" => self.test(node, entry),
            "variable_assignment" | "variable_assignments" => {
                self.assigned(node, entry);
                Exit::same(entry)
            }
            "declaration_command" => {
                self.declared(node, entry);
                Exit::same(entry)
            }
            "function_definition" => {
                self.unknown("a function, which may stand for any program", node.byte_range());
                self.statements(node, &Dirs::unknown());
                Exit::same(&Dirs::unknown())
            }
            kind => {
                let reason = match kind {
                    "unset_command" => "`unset`, which changes what later commands see",
                    "c_style_for_statement" => "arithmetic, which can run commands",
                    _ => "a construct that is not understood",
                };
                self.unknown(reason, node.byte_range());
                self.statements(node, entry);
                Exit::same(&Dirs::unknown())
            }
        }
    }

    /// `a && b || c`: the tree leans to the left, so that a long one would be deep. Also says where its last part runs.
    fn list(&mut self, node: Node<'_>, entry: &Dirs) -> (Exit, Dirs) {
        let mut exit = Exit::same(entry);
        let mut last = entry.clone();
        for (index, (operator, part)) in self.parts(node).into_iter().enumerate() {
            exit = if index == 0 {
                self.statement(part, entry)
            } else if operator == "||" {
                last = exit.failure;
                let next = self.statement(part, &last);
                Exit { success: exit.success.or(&next.success), failure: next.failure }
            } else {
                last = exit.success;
                let next = self.statement(part, &last);
                Exit { success: next.success, failure: exit.failure.or(&next.failure) }
            };
        }
        (exit, last)
    }

    /// The parts of a list in order, each with the operator before it.
    fn parts<'t>(&mut self, node: Node<'t>) -> Vec<(&'t str, Node<'t>)> {
        let mut reversed = Vec::new();
        let mut list = node;
        loop {
            self.gaps(list);
            let (mut left, mut operator, mut right) = (None, "", None);
            let mut cursor = list.walk();
            for child in list.children(&mut cursor) {
                match child.kind() {
                    "comment" => self.comment(child),
                    "&&" | "||" => operator = child.kind(),
                    _ if operator.is_empty() && left.is_none() => left = Some(child),
                    _ if right.is_none() && child.is_named() => right = Some(child),
                    _ => self.unknown("a list that is not understood", list.byte_range()),
                }
            }
            reversed.extend(right.map(|right| (operator, right)));
            match left {
                Some(left) if left.kind() == "list" => list = left,
                Some(left) => {
                    reversed.push(("", left));
                    break;
                }
                None => break,
            }
        }
        reversed.reverse();
        reversed
    }

    /// A body that may run again, from wherever the last round ended.
    fn repeated(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        let before = self.out.touches.len();
        let after = self.statements(node, entry).any();
        if entry.covers(&after) {
            return Exit::same(entry);
        }
        for touch in self.out.touches.iter_mut().skip(before) {
            touch.dir = Dir::Unknown;
        }
        Exit::same(&Dirs::unknown())
    }

    fn redirected(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
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

    /// `$(< file)`.
    pub(crate) fn only_redirect(&mut self, node: Node<'_>, dirs: &Dirs) {
        self.simple_command(Pieces::default(), &[node], node.byte_range(), dirs);
    }

    fn follow(&mut self, following: &[Node<'_>], exit: &Exit) -> Exit {
        let mut dirs = exit.clone();
        for node in following {
            dirs = Exit::same(&dirs.any().or(&self.statement(*node, &dirs.any()).any()));
        }
        dirs
    }

    fn command(&mut self, node: Node<'_>, redirections: &[Node<'_>], entry: &Dirs) -> Exit {
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

    fn simple_command<'t>(
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
    fn word(&mut self, node: Node<'_>, pieces: &mut Pieces<'_>, entry: &Dirs) {
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

    /// Sorts a redirection's children: the tree hangs words and whole commands below it that are not part of it.
    fn redirection<'t>(&mut self, node: Node<'t>, pieces: &mut Pieces<'t>, entry: &Dirs) {
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
                        _ => pieces.following.push(child),
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
    fn redirect(&mut self, redirections: &[Node<'_>], dirs: &Dirs, command: Option<usize>) {
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

    fn redirect_to(&mut self, operator: &str, target: Node<'_>, dirs: &Dirs, command: Option<usize>) {
        let expansions = self.expansions(target, dirs);
        let mut tokens = Vec::new();
        let read = word::read(self.line, target.byte_range(), &expansions, &mut tokens);
        let [token] = tokens.as_slice() else {
            return self.unknown(read.err().unwrap_or("a redirection to several files"), target.byte_range());
        };
        let Some(path) = judge::path(token) else {
            return self.unknown("a redirection whose target is known only when it runs", target.byte_range());
        };
        let plain = self.text(target).bytes().all(word::is_plain) && !path.starts_with(['-', '+']);
        if operator.contains('&') && !plain {
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

    pub(crate) fn text(&self, node: Node<'_>) -> &'a str {
        self.line.get(node.byte_range()).unwrap_or_default()
    }

    /// Between a node's children there may be blanks only.
    fn gaps(&mut self, node: Node<'_>) {
        let whole = node.kind() == "program";
        let one_line =
            matches!(node.kind(), "command" | "file_redirect" | "herestring_redirect" | "redirected_statement");
        let mut end = if whole { 0 } else { node.start_byte() };
        let last = if whole { self.line.len() } else { node.end_byte() };
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            let gap = end..child.start_byte();
            // The parser drops a `-` before a here-document; `simple_command` puts it back.
            let dropped = child.kind() == "heredoc_redirect" && self.is_dash(gap.clone());
            // A new line ends a command, whatever the parser makes of it.
            let broken =
                one_line && self.line.get(gap.clone()).is_none_or(|gap| gap.replace("\\\n", "").contains('\n'));
            if child.is_error() || child.is_missing() || broken || !(dropped || self.is_blank(gap)) {
                self.unknown("text that is not understood", end..child.end_byte());
            }
            end = child.end_byte().max(end);
        }
        if !self.is_blank(end..last) {
            self.unknown("text that is not understood", end..last);
        }
    }

    fn is_dash(&self, range: Range<usize>) -> bool {
        self.line.get(range).is_some_and(|gap| gap.starts_with([' ', '\t']) && gap.trim_matches([' ', '\t']) == "-")
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        if range.is_empty() {
            return true;
        }
        let Some(gap) = self.line.get(range) else { return false };
        let mut bytes = gap.bytes();
        while let Some(byte) = bytes.next() {
            let blank = matches!(byte, b' ' | b'\t' | b'\n') || byte == b'\\' && bytes.next() == Some(b'\n');
            if !blank {
                return false;
            }
        }
        true
    }

    /// Whether a gap keeps two words apart: a continued line alone does not.
    fn is_apart(&self, range: Range<usize>) -> bool {
        self.line.get(range).is_some_and(|gap| gap.contains([' ', '\t']))
    }

    fn is_word_start(&self, at: usize) -> bool {
        let mut before = self.line.get(..at).unwrap_or_default();
        while let Some(joined) = before.strip_suffix("\\\n") {
            before = joined;
        }
        let before = before.as_bytes().last();
        before.is_none_or(|byte| b" \t\n;&|()<>".contains(byte))
    }

    fn ends_word(&self, at: usize) -> bool {
        self.line.as_bytes().get(at).is_none_or(|byte| b" \t\n;&|()<>".contains(byte))
    }

    fn comment(&mut self, node: Node<'_>) {
        if !self.is_word_start(node.start_byte()) || self.text(node).contains('\n') {
            self.unknown("a comment that a shell may not see as one", node.byte_range());
        }
    }
}

/// Whether a character shows nothing, or changes how others show: what a human approves must be what they see.
///
/// Joiners stay, which scripts and emoji need.
fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n')
        || matches!(c, '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2000}'..='\u{200a}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a node of this kind is a word.
pub(crate) fn is_word(kind: &str) -> bool {
    let kinds = [
        "word",
        "number",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "concatenation",
        "expansion",
        "simple_expansion",
        "command_substitution",
        "process_substitution",
        "arithmetic_expansion",
        "brace_expression",
        "array",
        "regex",
        "extglob_pattern",
    ];
    kinds.contains(&kind)
}
