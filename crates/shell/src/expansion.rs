//! What stands for something else: substitutions, parameters, arithmetic, tests.

use std::ops::Range;

use countersign_policy::{Word, WordKind};
use tree_sitter::Node;

use crate::Command;
use crate::dirs::{Dirs, Exit};
use crate::heredoc;
use crate::values::{Expansion, Value};
use crate::walk::{DEEPEST, SUBSTITUTION, TOO_DEEP, Walk};
use crate::word::{self, Shape, Token};

impl Walk<'_> {
    /// The outermost expansions in a word; walks the commands in all of them.
    pub(crate) fn expansions(&mut self, node: Node<'_>, dirs: &Dirs) -> Vec<Expansion> {
        let mut found = Vec::new();
        if matches!(node.kind(), "word" | "number" | "raw_string") && node.child_count() == 0 {
            return found;
        }
        let mut pending = vec![(node, true)];
        while let Some((node, outermost)) = pending.pop() {
            let mut value = Value::Unknown;
            let inner = match node.kind() {
                "simple_expansion" => {
                    value = self.variables.value(self.text(node).trim_start().trim_start_matches('$'));
                    Inner::Leaf
                }
                "expansion" => {
                    let text = self.text(node).trim_start();
                    let name = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).unwrap_or_default();
                    value = self.variables.piece(name);
                    if value != Value::Number {
                        self.parameter(node, outermost);
                    }
                    Inner::Children
                }
                "arithmetic_expansion" => {
                    self.arithmetic(node);
                    let plain = |byte: u8| byte.is_ascii_digit() || b"$()+-* ".contains(&byte);
                    value = match self.text(node).trim_start() {
                        text if !text.starts_with("$((") => Value::Unknown,
                        text if text.bytes().all(plain) => Value::Number,
                        _ => Value::Output,
                    };
                    Inner::Children
                }
                "command_substitution" => {
                    self.substitution(node, dirs);
                    // Unless the line makes another `cat` of it.
                    let said = heredoc::said(self.line, node).filter(|_| !self.functions.contains("cat"));
                    value = match said {
                        Some(text) => Value::Text(text),
                        None if self.is_here(node) => Value::Here(String::new()),
                        None => Value::Output,
                    };
                    Inner::Leaf
                }
                "process_substitution" => {
                    self.substitution(node, dirs);
                    value = Value::Pipe;
                    Inner::Leaf
                }
                _ => Inner::Parent,
            };
            let is_expansion = !matches!(inner, Inner::Parent);
            if is_expansion && outermost {
                // In quotes the parser takes the blanks before an expansion for a part of it.
                let text = self.text(node);
                let start = node.start_byte() + text.len() - text.trim_start().len();
                found.push(Expansion { range: start..node.end_byte(), value });
            }
            if !matches!(inner, Inner::Leaf) {
                let mut cursor = node.walk();
                pending.extend(node.children(&mut cursor).map(|child| (child, outermost && !is_expansion)));
            }
        }
        found.sort_by_key(|expansion| expansion.range.start);
        found
    }

    /// Whether this is `"$(pwd)"`; without quotes it may be several words.
    fn is_here(&self, node: Node<'_>) -> bool {
        self.text(node).trim_start() == "$(pwd)"
            && !self.functions.contains("pwd")
            && node.parent().is_some_and(|parent| parent.kind() == "string")
    }

    fn substitution(&mut self, node: Node<'_>, dirs: &Dirs) {
        // Between backticks backslashes are read twice.
        let text = self.text(node).trim_start();
        if text.starts_with('`') && text.contains('\\') {
            self.unknown("backslashes between backticks", node.byte_range());
        }
        if !text.starts_with('`') && heredoc::loses_semicolon(self.line, node) {
            self.unknown("a `;` behind a here-document, which bash loses in a substitution", node.byte_range());
        }
        self.depth += SUBSTITUTION;
        if self.depth >= DEEPEST {
            self.unknown(TOO_DEEP, node.byte_range());
        } else {
            self.scoped(|walk| walk.inside(node, dirs));
        }
        self.depth -= SUBSTITUTION;
    }

    /// `$(...)`: statements, or only a file that is read: `$(< file)`.
    fn inside(&mut self, node: Node<'_>, dirs: &Dirs) {
        let mut cursor = node.walk();
        let mut named = node.children(&mut cursor).filter(|child| child.is_named() && child.kind() != "comment");
        match (named.next(), named.next()) {
            (Some(only), None) if only.kind() == "file_redirect" => self.only_redirect(only, dirs),
            _ => drop(self.statements(node, dirs)),
        }
    }

    /// Whether a parameter expansion only reads: no assignment, indirection, operator or subscript that is evaluated.
    fn parameter(&mut self, node: Node<'_>, outermost: bool) {
        if !reads_only(self.text(node).trim_start()) || outermost && !self.is_covered(node) {
            self.unknown("an expansion that may do more than read a variable", node.byte_range());
        }
    }

    /// Whether whatever looks like a substitution in the text of a node is one in the tree.
    fn is_covered(&self, node: Node<'_>) -> bool {
        let text = self.text(node);
        let mut starts = Vec::new();
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            match node.kind() {
                "command_substitution" | "process_substitution" => {
                    let blanks = self.text(node).len() - self.text(node).trim_start().len();
                    starts.push(node.start_byte() + blanks..node.end_byte());
                    continue;
                }
                "expansion" | "arithmetic_expansion" => {
                    let blanks = self.text(node).len() - self.text(node).trim_start().len();
                    starts.push(node.start_byte() + blanks..node.start_byte() + blanks + 1);
                }
                _ => {}
            }
            let mut cursor = node.walk();
            pending.extend(node.children(&mut cursor));
        }
        starts.sort_by_key(|range| range.start);
        let bytes = text.as_bytes();
        let mut starts = starts.into_iter().peekable();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let here = node.start_byte() + at;
            while starts.next_if(|range| range.end <= here).is_some() {}
            if let Some(range) = starts.peek().filter(|range| range.start <= here) {
                at = range.end - node.start_byte();
                continue;
            }
            let next = bytes.get(at + 1);
            let opens = byte == b'`'
                || byte == b'$' && next.is_some_and(|next| b"({[\\".contains(next))
                || b"<>=".contains(&byte) && next == Some(&b'(');
            if opens {
                return false;
            }
            at += if byte == b'\\' { 2 } else { 1 };
        }
        true
    }

    /// The unquoted body of a here-document: every expansion in it must be in the tree.
    pub(crate) fn body(&mut self, node: Node<'_>, dirs: &Dirs) {
        if !self.is_covered(node) {
            self.unknown("an expansion that cannot be read for certain", node.byte_range());
        }
        self.expansions(node, dirs);
    }

    /// Arithmetic on names runs whatever their values say (`a[$(id)]`): only numbers are followed.
    fn arithmetic(&mut self, node: Node<'_>) {
        let text = self.text(node).trim_start();
        let inner = text.strip_prefix('$').unwrap_or(text);
        if !inner.bytes().all(|byte| byte.is_ascii_digit() || b" +-*/%()[]<>=!&|^~?:,".contains(&byte)) {
            self.unknown("arithmetic on variables, which can run commands", node.byte_range());
        }
    }

    /// `[ ... ]` and `[[ ... ]]`.
    pub(crate) fn test(&mut self, node: Node<'_>, dirs: &Dirs) -> Exit {
        let expansions = self.expansions(node, dirs);
        let text = self.text(node);
        let double = text.starts_with("[[");
        let (open, close) = if double { ("[[", "]]") } else { ("[", "]") };
        // `[[a ]]` and `[]` are plain words.
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        let inner = inner.filter(|inner| inner.starts_with([' ', '\t']) && inner.ends_with([' ', '\t']));
        let mut tokens = Vec::new();
        let mut at = node.start_byte() + open.len();
        let end = at + inner.map_or(0, str::len);
        while at < end {
            let stop = self.word_end(at..end, &expansions);
            let continued = self.line.get(at..stop).is_some_and(|word| word.trim_start_matches("\\\n").is_empty());
            let operator = self.line.get(at..stop).filter(|word| double && OPERATORS.contains(word));
            if let Some(operator) = operator {
                tokens.push(Token::literal(operator));
            } else if !continued && word::read(self.line, at..stop, &expansions, &mut tokens).is_err() {
                if !double {
                    // Only `[[` is syntax: what ends a command ends this one, too.
                    self.unknown("a test that can run commands", node.byte_range());
                }
                tokens = vec![Token { text: inner.unwrap_or_default().trim().to_owned(), shape: Shape::Dynamic }];
                break;
            }
            at = stop + 1;
        }
        let arithmetic = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
        let evaluates = double && arithmetic.iter().any(|operator| text.contains(operator))
            || text.contains("-v")
            || text.contains("-R");
        let plain = tokens.iter().all(|token| token.shape == Shape::Literal && !token.text.contains(['[', '$', '`']));
        if evaluates && !plain || inner.is_none() {
            self.unknown("a test that can run commands", node.byte_range());
        }
        if inner.is_some_and(|inner| inner.contains("<(") || inner.contains(">(")) {
            tokens = vec![Token { text: inner.unwrap_or_default().trim().to_owned(), shape: Shape::Dynamic }];
        }
        let mut words = vec![Word::data(open)];
        let mut before = "";
        let next = tokens.iter().skip(1).map(|token| token.text.as_str()).chain([""]);
        for (token, next) in tokens.iter().zip(next) {
            let operand = ["-n", "-z", "-e", "-f", "-d", "-r", "-w", "-x", "-s", "=", "==", "!="].contains(&before);
            let kind = match token.shape {
                Shape::Literal | Shape::Home | Shape::Here | Shape::Output(false) => WordKind::Data,
                // Two operands with this between them are compared, whatever they look like.
                Shape::Output(true) if operand || ["=", "==", "!="].contains(&next) => WordKind::Data,
                // Nothing is split, and no pattern matches files, in `[[`.
                Shape::Said if double && (operand || ["=", "==", "!="].contains(&next)) => WordKind::Data,
                Shape::Glob(_) if double => WordKind::Data,
                _ => WordKind::Dynamic,
            };
            words.push(Word { text: token.text.clone(), kind });
            before = &token.text;
        }
        words.push(Word::data(close));
        let span = self.span(node.byte_range());
        self.out.commands.push(Command { words, spellings: Vec::new(), span });
        Exit::same(dirs)
    }

    /// Where the word that starts a range ends: at a blank that neither quotes nor an expansion hold.
    fn word_end(&self, range: Range<usize>, expansions: &[Expansion]) -> usize {
        let mut at = range.start;
        let mut quote = None;
        while at < range.end {
            let next = expansions.partition_point(|expansion| expansion.range.end <= at);
            if let Some(expansion) = expansions.get(next).filter(|expansion| expansion.range.contains(&at)) {
                at = expansion.range.end;
                continue;
            }
            let byte = self.line.as_bytes().get(at).copied().unwrap_or_default();
            match (quote, byte) {
                (None, b' ' | b'\t') => return at,
                (None, b'\'' | b'"') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                (None | Some(b'"'), b'\\') => at += 1,
                _ => {}
            }
            at += 1;
        }
        range.end
    }
}

/// What joins and compares inside `[[`.
const OPERATORS: [&str; 8] = ["&&", "||", "(", ")", "!", "<", ">", "=~"];

enum Inner {
    /// No expansion; it may hold some.
    Parent,
    /// An expansion that may hold others.
    Children,
    /// An expansion whose inside is done.
    Leaf,
}

/// `${name}` and the forms that only choose, cut or replace.
fn reads_only(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) else { return false };
    let inner = match inner.strip_prefix('#') {
        Some(name) if !name.is_empty() => name,
        _ => inner,
    };
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = match inner.chars().next() {
        Some(first) if name(first) => inner.trim_start_matches(name),
        Some('?' | '#' | '@' | '*' | '$' | '!' | '-') if inner.len() == 1 => "",
        _ => return false,
    };
    match rest.as_bytes() {
        [] => true,
        [b':', b'-' | b'+' | b'?', ..] | [b'-' | b'+' | b'?' | b'#' | b'%' | b'/' | b'^' | b',', ..] => true,
        [b':', offset @ ..] => offset.iter().all(|byte| byte.is_ascii_digit() || b" :-".contains(byte)),
        _ => false,
    }
}
