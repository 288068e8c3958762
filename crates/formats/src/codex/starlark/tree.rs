//! What a file says, as a tree.

use std::ops::Range;
use std::rc::Rc;

/// The bytes of the file that something stands in.
pub(super) type Span = Range<usize>;

/// Why a file cannot be read further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::codex) struct Stop {
    /// Where.
    pub(in crate::codex) span: Span,
    /// What is wrong.
    pub(in crate::codex) message: String,
    /// What to do about it.
    pub(in crate::codex) help: Option<String>,
}

impl Stop {
    pub(super) fn new(span: &Span, message: impl Into<String>) -> Stop {
        Stop { span: span.clone(), message: message.into(), help: None }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Stop {
        Stop { help: Some(help.into()), ..self }
    }
}

pub(super) type Result<T> = std::result::Result<T, Stop>;

#[derive(Debug)]
pub(super) struct Expr {
    pub(super) span: Span,
    /// How many expressions are nested in it at most. Bounded, so that nothing that walks the tree is deep.
    pub(super) height: u32,
    pub(super) kind: ExprKind,
}

#[derive(Debug)]
pub(super) enum ExprKind {
    Name(Rc<str>),
    Text(Rc<str>),
    Int(i64),
    Float(f64),
    Format(Vec<Part>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    ListOf(Box<Expr>, Vec<Clause>),
    DictOf(Box<(Expr, Expr)>, Vec<Clause>),
    Dot(Box<Expr>, Rc<str>),
    Call(Box<Expr>, Vec<Argument>),
    Index(Box<(Expr, Expr)>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<(Expr, Expr)>),
    /// Condition, what it is if so, what else.
    If(Box<(Expr, Expr, Expr)>),
    Lambda(Rc<Function>),
}

/// A part of an f-string.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    /// A name, and whether it is shown as it would be written in a file.
    Name(Expr, bool),
}

/// A part of a comprehension.
#[derive(Debug)]
pub(super) enum Clause {
    For(Expr, Expr),
    If(Expr),
}

#[derive(Debug)]
pub(super) enum Argument {
    Plain(Expr),
    Named(Rc<str>, Expr),
    /// `*list`.
    Spread(Expr),
    /// `**dict`.
    SpreadNamed(Expr),
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: Rc<str>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Body,
    /// All names that it binds.
    pub(super) locals: Vec<Rc<str>>,
}

#[derive(Debug)]
pub(super) enum Body {
    Block(Vec<Statement>),
    Expr(Expr),
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: Rc<str>,
    pub(super) default: Option<Expr>,
    pub(super) kind: ParameterKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// By place or by name.
    Plain,
    /// By name only.
    Named,
    /// `*rest`.
    Rest,
    /// `**rest`.
    RestNamed,
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) span: Span,
    pub(super) kind: StatementKind,
}

#[derive(Debug)]
pub(super) enum StatementKind {
    Expr(Expr),
    Assign(Expr, Expr),
    /// `target operator= value`.
    Change(Expr, &'static str, Expr),
    Def(Rc<Function>),
    Return(Option<Expr>),
    Break,
    Continue,
    Pass,
    For(Expr, Expr, Vec<Statement>),
    /// Each condition with its block, and the last block.
    If(Vec<(Expr, Vec<Statement>)>, Vec<Statement>),
}

/// The names that statements bind, in the scope that they stand in.
pub(super) fn bound(statements: &[Statement]) -> Vec<Rc<str>> {
    let mut names = Vec::new();
    for statement in statements {
        match &statement.kind {
            StatementKind::Assign(target, _) | StatementKind::Change(target, ..) => targets(target, &mut names),
            StatementKind::Def(function) => names.push(Rc::clone(&function.name)),
            StatementKind::For(target, _, block) => {
                targets(target, &mut names);
                names.extend(bound(block));
            }
            StatementKind::If(branches, last) => {
                branches.iter().for_each(|(_, block)| names.extend(bound(block)));
                names.extend(bound(last));
            }
            _ => {}
        }
    }
    names
}

/// The names that an assignment to this binds.
pub(super) fn targets(target: &Expr, names: &mut Vec<Rc<str>>) {
    match &target.kind {
        ExprKind::Name(name) => names.push(Rc::clone(name)),
        ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(|item| targets(item, names)),
        _ => {}
    }
}
