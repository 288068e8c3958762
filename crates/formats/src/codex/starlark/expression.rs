//! Words to expressions.

use std::collections::HashSet;
use std::rc::Rc;

use super::fstring::parts;
use super::lexer::Token;
use super::parse::{MAX_NESTING, Parser, check_target};
use super::tree::{Argument, Body, Clause, Expr, ExprKind, Function, Result, Stop};

/// How tightly operators bind, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Unary,
}

const BINARY: &[(&str, Level)] = &[
    ("or", Level::Or),
    ("and", Level::And),
    ("==", Level::Compare),
    ("!=", Level::Compare),
    ("<", Level::Compare),
    (">", Level::Compare),
    ("<=", Level::Compare),
    (">=", Level::Compare),
    ("in", Level::Compare),
    ("|", Level::BitOr),
    ("^", Level::BitXor),
    ("&", Level::BitAnd),
    ("<<", Level::Shift),
    (">>", Level::Shift),
    ("+", Level::Sum),
    ("-", Level::Sum),
    ("*", Level::Product),
    ("/", Level::Product),
    ("//", Level::Product),
    ("%", Level::Product),
];

impl Level {
    fn tighter(self) -> Level {
        match self {
            Level::Or => Level::And,
            Level::And => Level::Not,
            Level::Not => Level::Compare,
            Level::Compare => Level::BitOr,
            Level::BitOr => Level::BitXor,
            Level::BitXor => Level::BitAnd,
            Level::BitAnd => Level::Shift,
            Level::Shift => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product | Level::Unary => Level::Unary,
        }
    }
}

impl Parser {
    /// One expression, or several with commas: a tuple.
    pub(super) fn expressions(&mut self) -> Result<Expr> {
        let from = self.span().start;
        let first = self.expression()?;
        if !self.is(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if matches!(self.peek(), Token::Newline | Token::End)
                || [")", "]", "=", ";", ":"].iter().any(|end| self.is(end))
            {
                break;
            }
            items.push(self.expression()?);
        }
        self.made(from, ExprKind::Tuple(items))
    }

    /// Several expressions that bind at least so tightly: what `for` assigns to.
    pub(super) fn list_of(&mut self, level: Level) -> Result<Expr> {
        let from = self.span().start;
        let first = self.at_level(level)?;
        if !self.is(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if self.is("in") {
                break;
            }
            items.push(self.at_level(level)?);
        }
        self.made(from, ExprKind::Tuple(items))
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.deeper(|parser| {
            let from = parser.span().start;
            if parser.take("lambda") {
                let parameters = parser.parameters(":")?;
                parser.expect(":")?;
                let body = Body::Expr(parser.expression()?);
                let locals = parameters.iter().map(|parameter| Rc::clone(&parameter.name)).collect();
                let function = Function { name: "lambda".into(), parameters, body, locals };
                return parser.made(from, ExprKind::Lambda(Rc::new(function)));
            }
            let value = parser.at_level(Level::Or)?;
            if !parser.take("if") {
                return Ok(value);
            }
            let condition = parser.at_level(Level::Or)?;
            parser.expect("else")?;
            let other = parser.expression()?;
            parser.made(from, ExprKind::If(Box::new((condition, value, other))))
        })
    }

    fn at_level(&mut self, level: Level) -> Result<Expr> {
        let from = self.span().start;
        if level <= Level::Not && self.take("not") {
            let operand = self.deeper(|parser| parser.at_level(Level::Not))?;
            let operand = self.made(from, ExprKind::Unary("not", Box::new(operand)))?;
            return self.operators(from, operand, level);
        }
        let first = self.unary()?;
        self.operators(from, first, level)
    }

    /// The operators behind an operand that bind at least as tightly as `level`.
    fn operators(&mut self, from: usize, mut left: Expr, level: Level) -> Result<Expr> {
        let mut compared = false;
        while let Some((operator, its)) = self.operator().filter(|(_, its)| *its >= level) {
            if its == Level::Compare && compared {
                return Err(Stop::new(&self.span(), "comparisons cannot be chained: write `and` between them"));
            }
            compared |= its == Level::Compare;
            self.advance();
            if operator == "not in" {
                self.expect("in")?;
            }
            let right = self.deeper(|parser| parser.at_level(its.tighter()))?;
            left = self.made(from, ExprKind::Binary(operator, Box::new((left, right))))?;
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(&'static str, Level)> {
        if self.is("not") && matches!(self.peek_second(), Token::Op("in")) {
            return Some(("not in", Level::Compare));
        }
        BINARY.iter().find(|(operator, _)| self.is(operator)).copied()
    }

    fn unary(&mut self) -> Result<Expr> {
        let from = self.span().start;
        for operator in ["-", "+", "~"] {
            if self.take(operator) {
                let operand = self.deeper(Parser::unary)?;
                return self.made(from, ExprKind::Unary(operator, Box::new(operand)));
            }
        }
        let mut value = self.operand()?;
        loop {
            let kind = if self.take(".") {
                ExprKind::Dot(Box::new(value), self.name()?)
            } else if self.take("(") {
                let arguments = self.arguments()?;
                ExprKind::Call(Box::new(value), arguments)
            } else if self.take("[") {
                self.index(value)?
            } else {
                return Ok(value);
            };
            value = self.made(from, kind)?;
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>> {
        let mut arguments: Vec<Argument> = Vec::new();
        let mut names = HashSet::new();
        while !self.take(")") {
            let span = self.span();
            let argument = if self.take("*") {
                Argument::Spread(self.expression()?)
            } else if self.take("**") {
                Argument::SpreadNamed(self.expression()?)
            } else if matches!(self.peek_second(), Token::Op("=")) {
                let name = self.name()?;
                self.advance();
                Argument::Named(name, self.expression()?)
            } else {
                Argument::Plain(self.expression()?)
            };
            let place = |argument: &Argument| match argument {
                Argument::Plain(_) => 0,
                Argument::Named(..) => 1,
                Argument::Spread(_) => 2,
                Argument::SpreadNamed(_) => 3,
            };
            let repeated = matches!(&argument, Argument::Named(name, _) if !names.insert(Rc::clone(name)));
            let before = arguments.last().map_or(0, place);
            if repeated || before > place(&argument) || before > 1 && before == place(&argument) {
                return Err(Stop::new(&span, "this argument cannot stand here"));
            }
            arguments.push(argument);
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    fn index(&mut self, value: Expr) -> Result<ExprKind> {
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = 0;
        for part in &mut parts {
            if !self.is(":") && !self.is("]") {
                *part = Some(Box::new(self.expression()?));
            }
            if colons == 2 || !self.take(":") {
                break;
            }
            colons += 1;
        }
        self.expect("]")?;
        match parts {
            [Some(index), None, None] if colons == 0 => Ok(ExprKind::Index(Box::new((value, *index)))),
            [None, None, None] if colons == 0 => self.unexpected("an index"),
            parts => Ok(ExprKind::Slice(Box::new(value), parts)),
        }
    }

    fn operand(&mut self) -> Result<Expr> {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Name(name) => ExprKind::Name(name),
            Token::Int(int) => ExprKind::Int(int),
            Token::Float(float) => ExprKind::Float(float),
            Token::Text(text) => ExprKind::Text(text),
            Token::Format(text) => ExprKind::Format(parts(&text, &span)?),
            Token::Op("(") => return self.deeper(Parser::parenthesis),
            Token::Op("[") => return self.deeper(Parser::list),
            Token::Op("{") => return self.deeper(Parser::dict),
            _ => return self.unexpected("a value"),
        };
        self.advance();
        self.made(span.start, kind)
    }

    fn parenthesis(&mut self) -> Result<Expr> {
        let from = self.span().start;
        self.advance();
        if self.take(")") {
            return self.made(from, ExprKind::Tuple(Vec::new()));
        }
        let value = self.expressions()?;
        self.expect(")")?;
        Ok(value)
    }

    fn list(&mut self) -> Result<Expr> {
        let from = self.span().start;
        self.advance();
        let mut items = Vec::new();
        while !self.take("]") {
            let item = self.expression()?;
            if items.is_empty() && self.is("for") {
                let clauses = self.clauses("]")?;
                return self.made(from, ExprKind::ListOf(Box::new(item), clauses));
            }
            items.push(item);
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        self.made(from, ExprKind::List(items))
    }

    fn dict(&mut self) -> Result<Expr> {
        let from = self.span().start;
        self.advance();
        let mut entries = Vec::new();
        while !self.take("}") {
            let key = self.expression()?;
            self.expect(":")?;
            let value = self.expression()?;
            if entries.is_empty() && self.is("for") {
                let clauses = self.clauses("}")?;
                return self.made(from, ExprKind::DictOf(Box::new((key, value)), clauses));
            }
            entries.push((key, value));
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        self.made(from, ExprKind::Dict(entries))
    }

    fn clauses(&mut self, end: &str) -> Result<Vec<Clause>> {
        let mut clauses = Vec::new();
        while !self.take(end) {
            if clauses.len() >= MAX_NESTING as usize {
                return Err(Stop::new(&self.span(), format!("the nesting is deeper than {MAX_NESTING}")));
            }
            if self.take("for") {
                let target = self.list_of(Level::BitOr)?;
                check_target(&target, true)?;
                self.expect("in")?;
                clauses.push(Clause::For(target, self.at_level(Level::Or)?));
            } else if self.take("if") {
                clauses.push(Clause::If(self.at_level(Level::Or)?));
            } else {
                return self.unexpected(&format!("`{end}`"));
            }
        }
        Ok(clauses)
    }

    /// An expression that began there and ends with the last word that was taken.
    fn made(&self, from: usize, kind: ExprKind) -> Result<Expr> {
        let height = height(&kind) + 1;
        let span = from..self.end();
        if height > MAX_NESTING {
            return Err(Stop::new(&span, format!("the nesting is deeper than {MAX_NESTING}")));
        }
        Ok(Expr { span, height, kind })
    }
}

/// The greatest height of what an expression is made of.
fn height(kind: &ExprKind) -> u32 {
    let most = |exprs: &[Expr]| exprs.iter().map(|expr| expr.height).max().unwrap_or_default();
    let clauses = |clauses: &[Clause]| {
        let of = |clause: &Clause| match clause {
            Clause::For(target, over) => target.height.max(over.height),
            Clause::If(condition) => condition.height,
        };
        clauses.iter().map(of).max().unwrap_or_default() + u32::try_from(clauses.len()).unwrap_or(u32::MAX / 2)
    };
    match kind {
        ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Format(_) => 0,
        ExprKind::List(items) | ExprKind::Tuple(items) => most(items),
        ExprKind::Dict(entries) => {
            entries.iter().map(|(key, value)| key.height.max(value.height)).max().unwrap_or_default()
        }
        ExprKind::ListOf(item, of) => item.height.max(clauses(of)),
        ExprKind::DictOf(entry, of) => entry.0.height.max(entry.1.height).max(clauses(of)),
        ExprKind::Dot(value, _) | ExprKind::Unary(_, value) => value.height,
        ExprKind::Call(function, arguments) => {
            let of = |argument: &Argument| match argument {
                Argument::Plain(value) | Argument::Named(_, value) => value.height,
                Argument::Spread(value) | Argument::SpreadNamed(value) => value.height,
            };
            function.height.max(arguments.iter().map(of).max().unwrap_or_default())
        }
        ExprKind::Index(both) | ExprKind::Binary(_, both) => both.0.height.max(both.1.height),
        ExprKind::Slice(value, parts) => {
            value.height.max(parts.iter().flatten().map(|part| part.height).max().unwrap_or_default())
        }
        ExprKind::If(three) => three.0.height.max(three.1.height).max(three.2.height),
        ExprKind::Lambda(function) => match &function.body {
            Body::Expr(body) => body.height,
            Body::Block(_) => 0,
        },
    }
}
