//! Evaluates expressions.

use std::rc::Rc;

use super::operators::place;
use super::run::Machine;
use super::tree::{Argument, Clause, Expr, ExprKind, Part, Result, Span, Stop, targets};
use super::value::Value;

impl Machine<'_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value> {
        self.store.steps(1, &expr.span)?;
        self.deeper(&expr.span, |machine| machine.evaluate(expr))
    }

    fn evaluate(&mut self, expr: &Expr) -> Result<Value> {
        let span = &expr.span;
        match &expr.kind {
            ExprKind::Name(name) => self.look_up(name, span),
            ExprKind::Text(text) => Ok(Value::Text(Rc::clone(text))),
            ExprKind::Int(int) => Ok(Value::Int(*int)),
            ExprKind::Float(float) => Ok(Value::Float(*float)),
            ExprKind::Format(parts) => self.format(parts, span),
            ExprKind::List(items) => self.items(items, true, span),
            ExprKind::Tuple(items) => self.items(items, false, span),
            ExprKind::Dict(entries) => self.dict(entries, span),
            ExprKind::ListOf(item, clauses) => self.list_of(item, clauses, span),
            ExprKind::DictOf(entry, clauses) => self.dict_of(entry, clauses, span),
            ExprKind::Dot(of, name) => self.dot(of, name, span),
            ExprKind::Call(callee, arguments) => self.call_expr(callee, arguments, span),
            ExprKind::Index(both) => self.index_expr(&both.0, &both.1, span),
            ExprKind::Slice(of, parts) => self.slice(of, parts, span),
            ExprKind::Unary(operator, operand) => self.unary(operator, operand, span),
            ExprKind::Binary(operator, both) => self.binary_expr(operator, &both.0, &both.1, span),
            ExprKind::If(three) => {
                let chosen = if self.holds(&three.0)? { &three.1 } else { &three.2 };
                self.value(chosen)
            }
            ExprKind::Lambda(function) => self.closure(function, span),
        }
    }

    pub(super) fn holds(&mut self, condition: &Expr) -> Result<bool> {
        let condition = self.value(condition)?;
        Ok(self.store.truth(&condition))
    }

    fn items(&mut self, exprs: &[Expr], list: bool, span: &Span) -> Result<Value> {
        let mut items = Vec::with_capacity(exprs.len());
        for expr in exprs {
            items.push(self.value(expr)?);
        }
        if list { self.store.list(items, span) } else { self.store.tuple(items, span) }
    }

    fn dict(&mut self, exprs: &[(Expr, Expr)], span: &Span) -> Result<Value> {
        let mut entries = Vec::new();
        for (key, value) in exprs {
            entries.push((self.value(key)?, self.value(value)?));
        }
        let dict = self.store.dict(entries, span)?;
        if self.store.entries(&dict).len() < exprs.len() {
            return Err(Stop::new(span, "a key stands twice"));
        }
        Ok(dict)
    }

    fn list_of(&mut self, item: &Expr, clauses: &[Clause], span: &Span) -> Result<Value> {
        let mut items = Vec::new();
        self.comprehend(clauses, span, &mut |machine| {
            machine.store.take_values(1, span)?;
            items.push(machine.value(item)?);
            Ok(())
        })?;
        self.store.list(items, span)
    }

    fn dict_of(&mut self, entry: &(Expr, Expr), clauses: &[Clause], span: &Span) -> Result<Value> {
        let mut entries = Vec::new();
        self.comprehend(clauses, span, &mut |machine| {
            machine.store.take_values(2, span)?;
            entries.push((machine.value(&entry.0)?, machine.value(&entry.1)?));
            Ok(())
        })?;
        self.store.dict(entries, span)
    }

    fn dot(&mut self, of: &Expr, name: &Rc<str>, span: &Span) -> Result<Value> {
        let of = self.value(of)?;
        if !super::methods::names(&of).contains(&&**name) {
            return Err(Stop::new(span, format!("a value of type `{}` has no `{name}`", of.kind())));
        }
        Ok(Value::Method(Box::new(of), Rc::clone(name)))
    }

    fn call_expr(&mut self, callee: &Expr, arguments: &[Argument], span: &Span) -> Result<Value> {
        let callee = self.value(callee)?;
        let given = self.given(arguments)?;
        self.call(&callee, given, span)
    }

    fn index_expr(&mut self, of: &Expr, at: &Expr, span: &Span) -> Result<Value> {
        let (of, at) = (self.value(of)?, self.value(at)?);
        self.index(&of, &at, span)
    }

    fn format(&mut self, parts: &[Part], span: &Span) -> Result<Value> {
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(name, quoted) => {
                    let value = self.value(name)?;
                    out.push_str(&self.store.shown(&value, *quoted, span)?);
                }
            }
        }
        self.store.text(out, span)
    }

    fn unary(&mut self, operator: &str, operand: &Expr, span: &Span) -> Result<Value> {
        let value = self.value(operand)?;
        let result = match (operator, &value) {
            ("not", value) => Some(Value::Bool(!self.store.truth(value))),
            ("-", Value::Int(int)) => int.checked_neg().map(Value::Int),
            ("-", Value::Float(float)) => Some(Value::Float(-float)),
            ("+", Value::Int(_) | Value::Float(_)) => Some(value.clone()),
            ("~", Value::Int(int)) => Some(Value::Int(!int)),
            _ => None,
        };
        result
            .ok_or_else(|| Stop::new(span, format!("`{operator}` does not work on a value of type `{}`", value.kind())))
    }

    fn binary_expr(&mut self, operator: &'static str, one: &Expr, other: &Expr, span: &Span) -> Result<Value> {
        let one = self.value(one)?;
        match operator {
            "and" if !self.store.truth(&one) => Ok(one),
            "or" if self.store.truth(&one) => Ok(one),
            "and" | "or" => self.value(other),
            _ => {
                let other = self.value(other)?;
                self.binary(operator, &one, &other, span)
            }
        }
    }

    /// Runs something for everything that the clauses of a comprehension come to.
    fn comprehend(
        &mut self,
        clauses: &[Clause],
        span: &Span,
        run: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut names = Vec::new();
        for clause in clauses {
            if let Clause::For(target, _) = clause {
                targets(target, &mut names);
            }
        }
        let Some((Clause::For(target, over), rest)) = clauses.split_first() else { return Ok(()) };
        // What the first loop goes through does not see the names of the loops.
        let over = self.value(over)?;
        self.scoped(names, None, span, |machine| machine.each(target, &over, rest, span, run))
    }

    fn each(
        &mut self,
        target: &Expr,
        over: &Value,
        rest: &[Clause],
        span: &Span,
        run: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let each = self.store.each(over, span)?;
        self.store.lock(over, true);
        for item in each {
            self.assign(target, item)?;
            self.clauses(rest, span, run)?;
        }
        self.store.lock(over, false);
        Ok(())
    }

    fn clauses(&mut self, clauses: &[Clause], span: &Span, run: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.deeper(span, |machine| match clauses.split_first() {
            None => run(machine),
            Some((Clause::If(condition), rest)) => {
                if machine.holds(condition)? {
                    machine.clauses(rest, span, run)
                } else {
                    Ok(())
                }
            }
            Some((Clause::For(target, over), rest)) => {
                let over = machine.value(over)?;
                machine.each(target, &over, rest, span, run)
            }
        })
    }

    pub(super) fn index(&mut self, of: &Value, at: &Value, span: &Span) -> Result<Value> {
        let found = match (of, at) {
            (Value::Dict(_), key) => {
                let place = self.store.place(of, key, span)?;
                place.and_then(|place| self.store.entries(of).get(place)).map(|(_, value)| value.clone())
            }
            (Value::Text(text), Value::Int(index)) => {
                self.store.read(text.len(), span)?;
                let at = place(*index, text.chars().count());
                at.and_then(|at| text.chars().nth(at)).map(|c| Value::Text(c.to_string().into()))
            }
            (Value::List(_) | Value::Tuple(_), Value::Int(index)) => {
                let items = self.store.items(of);
                place(*index, items.len()).and_then(|at| items.get(at)).cloned()
            }
            (Value::Range { start, length, step }, Value::Int(index)) => {
                let at = place(*index, usize::try_from(*length).unwrap_or_default());
                let at = at.and_then(|at| i64::try_from(at).ok());
                at.map(|at| Value::Int(start.saturating_add(at.saturating_mul(*step))))
            }
            _ => None,
        };
        match found {
            Some(value) => Ok(value),
            None => {
                let shown = self.store.shown(at, true, span)?;
                Err(Stop::new(span, format!("a value of type `{}` has nothing at `{shown}`", of.kind())))
            }
        }
    }

    fn slice(&mut self, of: &Expr, parts: &[Option<Box<Expr>>; 3], span: &Span) -> Result<Value> {
        let of = self.value(of)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            let Some(part) = part else { continue };
            *bound = match self.value(part)? {
                Value::Int(int) => Some(int),
                Value::None if !matches!(of, Value::Text(_)) => None,
                other => return Err(Stop::new(span, format!("a value of type `{}` is no place", other.kind()))),
            };
        }
        let [from, to, step] = bounds;
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(Stop::new(span, "the step cannot be 0"));
        }
        match &of {
            Value::Text(text) => {
                self.store.read(text.len(), span)?;
                self.store.take(text.len().saturating_mul(4), span)?;
                let chars: Vec<char> = text.chars().collect();
                let chosen: String = chosen(&chars, from, to, step).collect();
                self.store.text(chosen, span)
            }
            Value::List(_) | Value::Tuple(_) => {
                let items = self.store.each(&of, span)?;
                let chosen = chosen(&items, from, to, step).collect();
                if matches!(of, Value::List(_)) {
                    self.store.list(chosen, span)
                } else {
                    self.store.tuple(chosen, span)
                }
            }
            other => Err(Stop::new(span, format!("a value of type `{}` cannot be sliced", other.kind()))),
        }
    }
}

/// The items that a slice takes.
fn chosen<T: Clone>(items: &[T], from: Option<i64>, to: Option<i64>, step: i64) -> impl Iterator<Item = T> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let (least, most) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<i64>, default: i64| match bound {
        Some(bound) if bound < 0 => bound.saturating_add(length).clamp(least, most),
        Some(bound) => bound.clamp(least, most),
        None => default,
    };
    let (from, to) =
        if step > 0 { (bound(from, 0), bound(to, length)) } else { (bound(from, length - 1), bound(to, -1)) };
    let mut places = Vec::new();
    let mut at = from;
    while (step > 0 && at < to) || (step < 0 && at > to) {
        places.push(at);
        at = at.saturating_add(step);
    }
    let place = |at: i64| usize::try_from(at).ok().and_then(|at| items.get(at)).cloned();
    places.into_iter().filter_map(place).collect::<Vec<_>>().into_iter()
}
