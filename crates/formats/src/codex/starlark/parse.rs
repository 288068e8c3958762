//! Words to statements.

use std::collections::HashSet;
use std::rc::Rc;

use super::expression::Level;
use super::lexer::{Token, words};
use super::tree::{
    Body, ExprKind, Function, Parameter, ParameterKind, Result, Span, Statement, StatementKind, Stop, bound,
};

/// How deep expressions may be nested.
pub(super) const MAX_NESTING: u32 = 60;
/// How deep the reading of blocks and expressions may go; a bracket takes two levels of it.
const MAX_DEPTH: u32 = 120;

/// Reads a file.
///
/// # Errors
/// The first thing that is not in the grammar; `load`, and nesting that is too deep.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>> {
    let mut parser = Parser { tokens: words(text)?, at: 0, depth: 0 };
    let mut statements = Vec::new();
    while *parser.peek() != Token::End {
        if !parser.take_token(&Token::Newline) {
            parser.statement(&mut statements)?;
        }
    }
    Ok(statements)
}

pub(super) struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: u32,
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn peek_second(&self) -> &Token {
        self.tokens.get(self.at + 1).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn span(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0..0, |(_, span)| span.clone())
    }

    /// The end of the last word that was taken.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |(_, span)| span.end)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn is(&self, operator: &str) -> bool {
        matches!(self.peek(), Token::Op(op) if *op == operator)
    }

    pub(super) fn take(&mut self, operator: &str) -> bool {
        let is = self.is(operator);
        if is {
            self.advance();
        }
        is
    }

    fn take_token(&mut self, token: &Token) -> bool {
        let is = self.peek() == token;
        if is {
            self.advance();
        }
        is
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<()> {
        if self.take(operator) { Ok(()) } else { self.unexpected(&format!("`{operator}`")) }
    }

    pub(super) fn name(&mut self) -> Result<Rc<str>> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.advance();
                Ok(name)
            }
            _ => self.unexpected("a name"),
        }
    }

    pub(super) fn unexpected<T>(&self, wanted: &str) -> Result<T> {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Op(operator) => format!("`{operator}`"),
            Token::Int(_) | Token::Float(_) => "a number".to_owned(),
            Token::Text(_) | Token::Format(_) => "a text".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            Token::Indent => "a line further to the right".to_owned(),
            Token::Dedent => "the end of the block".to_owned(),
            Token::End => "the end of the file".to_owned(),
        };
        Err(Stop::new(&self.span(), format!("here is {found} where {wanted} is expected")))
    }

    /// Reads something one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::new(&self.span(), "blocks and expressions are nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self, into: &mut Vec<Statement>) -> Result<()> {
        let from = self.span().start;
        let kind = if self.take("def") {
            self.deeper(Parser::def)?
        } else if self.take("if") {
            self.deeper(Parser::branches)?
        } else if self.take("for") {
            self.deeper(Parser::for_loop)?
        } else {
            return self.line(into);
        };
        into.push(Statement { span: from..self.end(), kind });
        Ok(())
    }

    /// Small statements up to the end of the line.
    fn line(&mut self, into: &mut Vec<Statement>) -> Result<()> {
        loop {
            let from = self.span().start;
            let kind = self.small()?;
            into.push(Statement { span: from..self.end(), kind });
            let more = self.take(";");
            if self.take_token(&Token::Newline) {
                return Ok(());
            }
            if !more {
                return self.unexpected("the end of the line");
            }
        }
    }

    fn small(&mut self) -> Result<StatementKind> {
        if self.is("load") {
            let stop = Stop::new(&self.span(), "`load` is not known in these files");
            return Err(stop.with_help("write what it would bring in into this file"));
        }
        if self.take("pass") {
            return Ok(StatementKind::Pass);
        }
        if self.take("break") {
            return Ok(StatementKind::Break);
        }
        if self.take("continue") {
            return Ok(StatementKind::Continue);
        }
        if self.take("return") {
            let nothing = matches!(self.peek(), Token::Newline) || self.is(";");
            return Ok(StatementKind::Return(if nothing { None } else { Some(self.expressions()?) }));
        }
        let target = self.expressions()?;
        if self.is(":") {
            return Err(self.annotation());
        }
        if self.take("=") {
            check_target(&target, true)?;
            return Ok(StatementKind::Assign(target, self.expressions()?));
        }
        let changes = [
            ("+=", "+"),
            ("-=", "-"),
            ("*=", "*"),
            ("/=", "/"),
            ("//=", "//"),
            ("%=", "%"),
            ("&=", "&"),
            ("|=", "|"),
            ("^=", "^"),
            ("<<=", "<<"),
            (">>=", ">>"),
        ];
        for (written, operator) in changes {
            if self.take(written) {
                check_target(&target, false)?;
                return Ok(StatementKind::Change(target, operator, self.expressions()?));
            }
        }
        Ok(StatementKind::Expr(target))
    }

    fn block(&mut self) -> Result<Vec<Statement>> {
        self.expect(":")?;
        let mut statements = Vec::new();
        if !self.take_token(&Token::Newline) {
            self.line(&mut statements)?;
            return Ok(statements);
        }
        if !self.take_token(&Token::Indent) {
            return self.unexpected("a block that stands further to the right");
        }
        while !self.take_token(&Token::Dedent) {
            if !self.take_token(&Token::Newline) {
                self.statement(&mut statements)?;
            }
        }
        Ok(statements)
    }

    fn branches(&mut self) -> Result<StatementKind> {
        let mut branches = vec![(self.expression()?, self.block()?)];
        while self.take("elif") {
            branches.push((self.expression()?, self.block()?));
        }
        let last = if self.take("else") { self.block()? } else { Vec::new() };
        Ok(StatementKind::If(branches, last))
    }

    fn for_loop(&mut self) -> Result<StatementKind> {
        let target = self.list_of(Level::BitOr)?;
        check_target(&target, true)?;
        self.expect("in")?;
        let over = self.expression()?;
        Ok(StatementKind::For(target, over, self.block()?))
    }

    fn def(&mut self) -> Result<StatementKind> {
        let name = self.name()?;
        self.expect("(")?;
        let parameters = self.parameters(")")?;
        self.expect(")")?;
        if self.is("->") {
            return Err(self.annotation());
        }
        let block = self.block()?;
        let locals = parameters.iter().map(|parameter| Rc::clone(&parameter.name)).chain(bound(&block)).collect();
        Ok(StatementKind::Def(Rc::new(Function { name, parameters, body: Body::Block(block), locals })))
    }

    /// Types would have to be checked.
    fn annotation(&self) -> Stop {
        Stop::new(&self.span(), "types are not supported here").with_help("leave the type out: it changes nothing")
    }

    /// Parameters up to a closing word, which is left.
    pub(super) fn parameters(&mut self, end: &str) -> Result<Vec<Parameter>> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut names = HashSet::new();
        let mut by_name_only = false;
        while !self.is(end) {
            let span = self.span();
            let starred = self.take("*");
            if starred && (self.is(",") || self.is(end)) {
                by_name_only = true;
            } else if self.is("/") {
                return Err(Stop::new(&span, "parameters that have no name (`/`) are not supported"));
            } else {
                let kind = match starred {
                    true => ParameterKind::Rest,
                    false if self.take("**") => ParameterKind::RestNamed,
                    false if by_name_only => ParameterKind::Named,
                    false => ParameterKind::Plain,
                };
                let name = self.name()?;
                by_name_only |= starred;
                if self.is(":") && end != ":" {
                    return Err(self.annotation());
                }
                let may_have_one = matches!(kind, ParameterKind::Plain | ParameterKind::Named);
                let default = if may_have_one && self.take("=") { Some(self.expression()?) } else { None };
                let last = parameters.last();
                let follows = last.is_some_and(|last| last.kind == ParameterKind::RestNamed)
                    || kind == ParameterKind::Rest && parameters.iter().any(|other| other.kind != ParameterKind::Plain)
                    || kind == ParameterKind::Plain
                        && default.is_none()
                        && last.is_some_and(|last| last.default.is_some());
                if follows || !names.insert(Rc::clone(&name)) {
                    return Err(Stop::new(&span, format!("the parameter `{name}` cannot stand here")));
                }
                parameters.push(Parameter { name, default, kind });
            }
            if !self.take(",") {
                break;
            }
        }
        Ok(parameters)
    }
}

/// Whether something can be assigned to.
pub(super) fn check_target(target: &super::tree::Expr, lists: bool) -> Result<()> {
    match &target.kind {
        ExprKind::Name(_) | ExprKind::Index(_) => Ok(()),
        ExprKind::List(items) | ExprKind::Tuple(items) if lists => {
            items.iter().try_for_each(|item| check_target(item, true))
        }
        _ => Err(Stop::new(&target.span, "nothing can be assigned to this")),
    }
}
