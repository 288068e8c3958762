//! Walks the parser's tree and finds every simple command in it.
//!
//! The parser and the shell do not always agree. So nothing is taken from the tree alone: words are read again from
//! the line, and between what the tree names there may be blanks only. Whatever else is found is unknown.

use std::collections::BTreeSet;
use std::ops::Range;

use countersign_policy::Action;
use tree_sitter::Node;

use crate::dirs::{Dirs, Exit};
use crate::gaps::{is_hidden, is_selector_of_nothing};
use crate::plain::{self, Part};
use crate::program::Programs;
use crate::values::Variables;
use crate::{Analysis, Dir, Touch, Unknown, Via, budget};

/// How deep constructs may be nested; one `if` takes about five levels.
pub(crate) const DEEPEST: usize = 40;
/// How many levels a substitution or a payload counts.
pub(crate) const SUBSTITUTION: usize = 5;

/// Names that a function may not take: later commands of that name would mean something else than they are judged by.
const SHELL_OWN: [&str; 14] = [
    "cd", "pushd", "popd", "chdir", "command", "builtin", "eval", "exec", "source", "test", "export", "set", "unset",
    "trap",
];

/// The most reasons that are listed; one is enough for the line to be asked about.
const MOST_UNKNOWN: usize = 50;

pub(crate) const TOO_DEEP: &str = "commands nested too deep";

/// One walk through one line, or through a payload of `sh -c` inside it.
pub(crate) struct Walk<'a> {
    pub(crate) line: &'a str,
    pub(crate) programs: &'a Programs,
    pub(crate) out: &'a mut Analysis,
    pub(crate) depth: usize,
    /// For a payload: the bytes of the outermost line that it came from.
    pub(crate) outer: Option<Range<usize>>,
    /// Functions that the line defines anywhere: where the shell is after a call of one is not known.
    pub(crate) functions: BTreeSet<String>,
    pub(crate) variables: Variables,
    /// How many rounds of loops were followed one by one.
    pub(crate) rounds: usize,
    /// Whether what it looks at may be no command at all.
    pub(crate) guesses: bool,
    /// What the parser may still spend.
    pub(crate) operations: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(line: &'a str, programs: &'a Programs, out: &'a mut Analysis) -> Walk<'a> {
        Walk {
            line,
            programs,
            out,
            depth: 0,
            outer: None,
            functions: BTreeSet::new(),
            variables: Variables::default(),
            rounds: 0,
            guesses: false,
            operations: budget::MOST_OPERATIONS,
        }
    }

    /// The whole line.
    pub(crate) fn line(&mut self, dirs: &Dirs) -> Exit {
        match plain::parts(self.line) {
            Some(parts) => self.plain(&parts, dirs),
            None => self.parsed(dirs),
        }
    }

    /// The commands of a plain line, as [`Walk::statements`] goes through those of the tree.
    fn plain(&mut self, parts: &[Part], entry: &Dirs) -> Exit {
        let mut dirs = entry.clone();
        let mut last = Exit::same(entry);
        for statement in split(parts, |operator| operator == ";") {
            let pipelines = split(statement, |operator| operator != "|");
            let pipelines = pipelines.map(|pipeline| (pipeline.first().map_or("", |first| first.operator), pipeline));
            last = self.in_list(pipelines, &dirs, Walk::pipeline).0;
            dirs = dirs.or(&last.any());
        }
        last
    }

    fn pipeline(&mut self, parts: &[Part], entry: &Dirs) -> Exit {
        if let [part] = parts {
            return self.simple(&part.words, part.range.clone(), entry).exit;
        }
        let mut dirs = entry.clone();
        self.scoped(|walk| {
            for part in parts {
                let exit = walk.simple(&part.words, part.range.clone(), &dirs).exit;
                dirs = dirs.or(&exit.any());
            }
        });
        Exit::same(&entry.or(&dirs))
    }

    /// The whole line, by the parser.
    pub(crate) fn parsed(&mut self, dirs: &Dirs) -> Exit {
        let whole = 0..self.line.len();
        let lost = Exit::same(&Dirs::unknown());
        if self.line.contains('\0') {
            self.unknown("a character that no shell accepts", whole);
            return lost;
        }
        let mut before = ' ';
        let mut after = self.line.chars().skip(1);
        let hidden = |&(_, c): &(usize, char)| {
            let before = std::mem::replace(&mut before, c);
            is_hidden(c) | is_selector_of_nothing(before, c, after.next())
        };
        let plain = self.line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n'));
        if !plain && let Some((at, hidden)) = self.line.char_indices().find(hidden) {
            self.unknown("a character that cannot be seen", at..at + hidden.len_utf8());
        }
        // Nothing follows that the last line could be continued with.
        let text = self.line.strip_suffix("\\\n").filter(|text| !text.ends_with('\\')).unwrap_or(self.line);
        let Some(tree) = budget::parse(text, &mut self.operations) else {
            self.unknown("a line with more in it than is taken apart", whole);
            return lost;
        };
        if self.line.contains('$') {
            self.variables.count(tree.root_node(), self.line);
        }
        if self.line.contains('(') || self.line.contains("function") {
            self.find_functions(tree.root_node());
        }
        if tree.root_node().has_error() {
            self.unknown("a line that is no complete shell command", whole);
        }
        self.statements(tree.root_node(), dirs)
    }

    fn find_functions(&mut self, root: Node<'_>) {
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            if node.kind() == "function_definition"
                && let Some(name) = node.child_by_field_name("name")
            {
                self.functions.insert(self.text(name).to_owned());
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
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
        let mut children = node.children(&mut cursor).peekable();
        while let Some(child) = children.next() {
            match child.kind() {
                "comment" => self.comment(child),
                _ if !child.is_named() => {}
                "variable_name" => self.loop_variable(child),
                kind if is_word(kind) => drop(self.expansions(child, &dirs)),
                _ => {
                    let background = children.peek().is_some_and(|next| next.kind() == "&");
                    last = if background {
                        self.scoped(|walk| walk.statement(child, &dirs))
                    } else {
                        self.statement(child, &dirs)
                    };
                    dirs = dirs.or(&last.any());
                }
            }
        }
        if node.kind() == "program" || node.kind() == "compound_statement" { last } else { Exit::same(&dirs) }
    }

    pub(crate) fn statement(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
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
                let last = self.scoped(|walk| walk.statements(node, entry));
                Exit::same(&entry.or(&last.any()))
            }
            "negated_command" => Exit::same(&self.scoped(|walk| walk.statements(node, entry)).any()),
            "subshell" => {
                self.scoped(|walk| walk.statements(node, entry));
                Exit::same(entry)
            }
            "compound_statement" => self.statements(node, entry),
            "elif_clause" | "else_clause" => {
                // What stands before it, and sets variables, has not run.
                self.variables.keep(&[]);
                self.scoped(|walk| walk.statements(node, entry))
            }
            "if_statement" | "case_statement" | "case_item" => self.scoped(|walk| walk.statements(node, entry)),
            "do_group" => self.statements(node, entry),
            "while_statement" => self.scoped(|walk| walk.repeated(node, entry)),
            "for_statement" => self.scoped(|walk| walk.for_loop(node, entry)),
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
                self.function(node);
                Exit::same(entry)
            }
            kind => {
                let reason = match kind {
                    "unset_command" => "`unset`, which changes what later commands see",
                    "c_style_for_statement" => "arithmetic, which can run commands",
                    _ => "a construct that is not understood",
                };
                self.unknown(reason, node.byte_range());
                self.scoped(|walk| walk.statements(node, entry));
                Exit::same(&Dirs::unknown())
            }
        }
    }

    /// `a && b || c`: the tree leans to the left, so that a long one would be deep. Also says where its last part runs.
    pub(crate) fn list(&mut self, node: Node<'_>, entry: &Dirs) -> (Exit, Dirs) {
        let parts = self.parts(node);
        self.in_list(parts.into_iter(), entry, Walk::statement)
    }

    /// The parts of a list, each with the operator before it. Also says where the last of them runs.
    fn in_list<T>(
        &mut self,
        parts: impl Iterator<Item = (&'static str, T)>,
        entry: &Dirs,
        walk: impl Fn(&mut Self, T, &Dirs) -> Exit,
    ) -> (Exit, Dirs) {
        let mut exit = Exit::same(entry);
        let mut last = entry.clone();
        let mut before = self.variables.known();
        for (index, (operator, part)) in parts.enumerate() {
            exit = if index == 0 {
                let exit = walk(self, part, entry);
                before = self.variables.known();
                exit
            } else if operator == "||" {
                // What stands before may not have run to its end, nor may this.
                self.variables.keep(&before);
                last = exit.failure;
                let next = walk(self, part, &last);
                self.variables.keep(&before);
                Exit { success: exit.success.or(&next.success), failure: next.failure }
            } else {
                last = exit.success;
                let next = walk(self, part, &last);
                Exit { success: next.success, failure: exit.failure.or(&next.failure) }
            };
        }
        self.variables.keep(&before);
        (exit, last)
    }

    /// `name() { ...; }`: what it would run is judged here, whoever calls it.
    fn function(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map(|name| self.text(name)).unwrap_or_default();
        let plain =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        // One that stands for what the shell itself does, or that calls itself, is not followed.
        let calls = self.text(node).match_indices(name).count() > 1;
        if !plain || calls || SHELL_OWN.contains(&name) {
            self.unknown("a function, which may stand for any program", node.byte_range());
        }
        self.scoped(|walk| {
            let mut cursor = node.walk();
            for child in node.children(&mut cursor).filter(|child| child.kind() != "word" && child.is_named()) {
                walk.statement(child, &Dirs::unknown());
            }
        });
    }

    /// The parts of a list in order, each with the operator before it.
    fn parts<'t>(&mut self, node: Node<'t>) -> Vec<(&'static str, Node<'t>)> {
        let mut reversed = Vec::new();
        let mut list = node;
        loop {
            self.gaps(list);
            let (mut left, mut operator, mut right) = (None, "", None);
            let mut cursor = list.walk();
            for child in list.children(&mut cursor) {
                match child.kind() {
                    "comment" => self.comment(child),
                    "&&" => operator = "&&",
                    "||" => operator = "||",
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
    pub(crate) fn repeated(&mut self, node: Node<'_>, entry: &Dirs) -> Exit {
        let before = self.out.touches.len();
        let losses = self.losses();
        let after = self.statements(node, entry).any();
        if self.losses() > losses {
            self.unknown("a loop that sets variables in a way that cannot be followed", node.byte_range());
        }
        if entry.covers(&after) {
            return Exit::same(entry);
        }
        for touch in self.out.touches.iter_mut().skip(before) {
            touch.dir = Dir::Unknown;
        }
        Exit::same(&Dirs::unknown())
    }

    pub(crate) fn text(&self, node: Node<'_>) -> &'a str {
        self.line.get(node.byte_range()).unwrap_or_default()
    }
}

/// Splits commands before those operators.
fn split(parts: &[Part], before: impl Fn(&str) -> bool) -> impl Iterator<Item = &[Part]> {
    parts.chunk_by(move |_, next| !before(next.operator))
}

/// Whether a node of this kind is a word.
pub(crate) fn is_word(kind: &str) -> bool {
    matches!(
        kind,
        "word"
            | "number"
            | "string"
            | "raw_string"
            | "ansi_c_string"
            | "translated_string"
            | "concatenation"
            | "expansion"
            | "simple_expansion"
            | "command_substitution"
            | "process_substitution"
            | "arithmetic_expansion"
            | "brace_expression"
            | "array"
            | "regex"
            | "extglob_pattern"
    )
}
