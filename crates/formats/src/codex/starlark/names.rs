//! Names that nothing binds, found before a file runs: also in functions that are never called.

use std::collections::HashSet;
use std::rc::Rc;

use countersign_policy::document::quoted;

use super::functions;
use super::tree::{
    Argument, Body, Clause, Expr, ExprKind, Function, Part, Statement, StatementKind, Stop, bound, targets,
};

/// The most names that are told.
const MAX_FOUND: usize = 50;

/// The names that are used and bound nowhere; `return`, `break` and `continue` where they mean nothing.
pub(super) fn unknown(statements: &[Statement], host: &[&'static str]) -> Vec<Stop> {
    let mut known: HashSet<Rc<str>> = bound(statements).into_iter().collect();
    let given = ["None", "True", "False"].iter().chain(functions::NAMES).chain(host);
    known.extend(given.map(|name| Rc::from(*name)));
    let functions = host.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let help = format!("the functions of these files are {functions}");
    let mut names = Names { scopes: vec![known], found: Vec::new(), help };
    names.block(statements, false, false);
    names.found
}

struct Names {
    scopes: Vec<HashSet<Rc<str>>>,
    found: Vec<Stop>,
    /// What there is.
    help: String,
}

impl Names {
    fn block(&mut self, statements: &[Statement], in_function: bool, in_loop: bool) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Expr(value) => self.expr(value),
                StatementKind::Assign(target, value) | StatementKind::Change(target, _, value) => {
                    self.expr(target);
                    self.expr(value);
                }
                StatementKind::Def(function) => self.function(function),
                StatementKind::Return(value) => {
                    if !in_function {
                        self.found.push(Stop::new(&statement.span, "`return` stands outside of a function"));
                    }
                    value.iter().for_each(|value| self.expr(value));
                }
                StatementKind::Break | StatementKind::Continue if !in_loop => {
                    self.found.push(Stop::new(&statement.span, "this word stands outside of a loop"));
                }
                StatementKind::Break | StatementKind::Continue | StatementKind::Pass => {}
                StatementKind::For(target, over, block) => {
                    self.expr(over);
                    self.expr(target);
                    self.block(block, in_function, true);
                }
                StatementKind::If(branches, last) => {
                    for (condition, block) in branches {
                        self.expr(condition);
                        self.block(block, in_function, in_loop);
                    }
                    self.block(last, in_function, in_loop);
                }
            }
        }
    }

    fn function(&mut self, function: &Function) {
        function
            .parameters
            .iter()
            .filter_map(|parameter| parameter.default.as_ref())
            .for_each(|value| self.expr(value));
        self.scopes.push(function.locals.iter().cloned().collect());
        match &function.body {
            Body::Block(block) => self.block(block, true, false),
            Body::Expr(value) => self.expr(value),
        }
        self.scopes.pop();
    }

    fn comprehension(&mut self, clauses: &[Clause], made: &[&Expr]) {
        let mut names = Vec::new();
        for clause in clauses {
            if let Clause::For(target, _) = clause {
                targets(target, &mut names);
            }
        }
        if let Some(Clause::For(_, over)) = clauses.first() {
            self.expr(over);
        }
        self.scopes.push(names.into_iter().collect());
        for (at, clause) in clauses.iter().enumerate() {
            match clause {
                Clause::For(target, over) => {
                    self.expr(target);
                    if at > 0 {
                        self.expr(over);
                    }
                }
                Clause::If(condition) => self.expr(condition),
            }
        }
        made.iter().for_each(|value| self.expr(value));
        self.scopes.pop();
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if self.found.len() < MAX_FOUND && !self.scopes.iter().any(|scope| scope.contains(name)) {
                    let stop = Stop::new(&expr.span, format!("the name {} is not known", quoted(name)));
                    self.found.push(stop.with_help(self.help.clone()));
                }
            }
            ExprKind::Text(_) | ExprKind::Int(_) | ExprKind::Float(_) => {}
            ExprKind::Format(parts) => {
                for part in parts {
                    if let Part::Name(name, _) = part {
                        self.expr(name);
                    }
                }
            }
            ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Dict(entries) => {
                for (key, value) in entries {
                    self.expr(key);
                    self.expr(value);
                }
            }
            ExprKind::ListOf(item, clauses) => self.comprehension(clauses, &[item]),
            ExprKind::DictOf(entry, clauses) => self.comprehension(clauses, &[&entry.0, &entry.1]),
            ExprKind::Dot(value, _) | ExprKind::Unary(_, value) => self.expr(value),
            ExprKind::Call(callee, arguments) => {
                self.expr(callee);
                for argument in arguments {
                    match argument {
                        Argument::Plain(value) | Argument::Named(_, value) => self.expr(value),
                        Argument::Spread(value) | Argument::SpreadNamed(value) => self.expr(value),
                    }
                }
            }
            ExprKind::Index(both) | ExprKind::Binary(_, both) => {
                self.expr(&both.0);
                self.expr(&both.1);
            }
            ExprKind::Slice(value, parts) => {
                self.expr(value);
                parts.iter().flatten().for_each(|part| self.expr(part));
            }
            ExprKind::If(three) => {
                self.expr(&three.0);
                self.expr(&three.1);
                self.expr(&three.2);
            }
            ExprKind::Lambda(function) => self.function(function),
        }
    }
}
