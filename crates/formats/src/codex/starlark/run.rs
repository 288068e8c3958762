//! Runs a file's statements: names and scopes, blocks, calls.

use std::collections::HashMap;
use std::rc::Rc;

use countersign_policy::document::quoted;

use super::tree::{
    Argument, Body, Expr, ExprKind, Function, ParameterKind, Result, Span, Statement, StatementKind, Stop, bound,
};
use super::value::{Closure, Store, Value};
use super::{Given, HostCall, Plain, functions, methods};

/// How many calls may be open at once.
const MAX_CALLS: u32 = 50;
/// How deep evaluation may go: calls, blocks and expressions together.
const MAX_DEPTH: u32 = 200;

pub(super) struct Machine<'h> {
    pub(super) store: Store,
    scopes: Vec<Scope>,
    /// The scope that names are looked up in.
    scope: usize,
    calls: u32,
    depth: u32,
    /// The functions of whoever runs the file.
    host: &'h [&'static str],
    /// What was called of them.
    pub(super) said: Vec<HostCall>,
}

struct Scope {
    /// What is bound here; nothing for what has no value yet.
    names: HashMap<Rc<str>, Option<Value>>,
    around: Option<usize>,
}

/// How a block ended.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

impl<'h> Machine<'h> {
    pub(super) fn new(statements: &[Statement], host: &'h [&'static str]) -> Machine<'h> {
        let names = bound(statements).into_iter().map(|name| (name, None)).collect();
        let scopes = vec![Scope { names, around: None }];
        Machine { store: Store::new(), scopes, scope: 0, calls: 0, depth: 0, host, said: Vec::new() }
    }

    pub(super) fn deeper<T>(&mut self, span: &Span, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::new(span, format!("calls, blocks and values are nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Runs in a scope of its own that has these names.
    pub(super) fn scoped<T>(
        &mut self,
        names: Vec<Rc<str>>,
        around: Option<usize>,
        span: &Span,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.store.take_values(names.len() * 2, span)?;
        let names = names.into_iter().map(|name| (name, None)).collect();
        let outer = self.scope;
        self.scopes.push(Scope { names, around: around.or(Some(outer)) });
        self.scope = self.scopes.len() - 1;
        let result = run(self);
        self.scope = outer;
        result
    }

    pub(super) fn look_up(&self, name: &Rc<str>, span: &Span) -> Result<Value> {
        let mut scope = Some(self.scope);
        while let Some(here) = scope.and_then(|at| self.scopes.get(at)) {
            match here.names.get(name) {
                Some(Some(value)) => return Ok(value.clone()),
                Some(None) => return Err(Stop::new(span, format!("{} has no value yet", quoted(name)))),
                None => scope = here.around,
            }
        }
        match &**name {
            "None" => Ok(Value::None),
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            name => match self.host.iter().chain(functions::NAMES).find(|known| **known == name) {
                Some(known) => Ok(Value::Builtin(known)),
                None => Err(Stop::new(span, format!("the name {} is not known", quoted(name)))),
            },
        }
    }

    pub(super) fn block(&mut self, statements: &[Statement]) -> Result<Flow> {
        for statement in statements {
            self.store.steps(1, &statement.span)?;
            match self.deeper(&statement.span, |machine| machine.statement(statement))? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow> {
        let span = &statement.span;
        match &statement.kind {
            StatementKind::Expr(value) => drop(self.value(value)?),
            StatementKind::Assign(target, value) => {
                let value = self.value(value)?;
                self.assign(target, value)?;
            }
            StatementKind::Change(target, operator, value) => self.change(target, operator, value)?,
            StatementKind::Def(function) => {
                let value = self.closure(function, span)?;
                self.bind(&function.name, value);
            }
            StatementKind::Return(value) => {
                let value = value.as_ref().map_or(Ok(Value::None), |value| self.value(value))?;
                return Ok(Flow::Return(value));
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Pass => {}
            StatementKind::For(target, over, block) => return self.for_loop(target, over, block, span),
            StatementKind::If(branches, last) => {
                let mut chosen = last;
                for (condition, block) in branches {
                    if self.holds(condition)? {
                        chosen = block;
                        break;
                    }
                }
                return self.block(chosen);
            }
        }
        Ok(Flow::Next)
    }

    fn for_loop(&mut self, target: &Expr, over: &Expr, block: &[Statement], span: &Span) -> Result<Flow> {
        let over = self.value(over)?;
        let each = self.store.each(&over, span)?;
        self.store.lock(&over, true);
        let mut end = Flow::Next;
        for item in each {
            self.assign(target, item)?;
            match self.block(block)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return(value) => {
                    end = Flow::Return(value);
                    break;
                }
            }
        }
        self.store.lock(&over, false);
        Ok(end)
    }

    fn bind(&mut self, name: &Rc<str>, value: Value) {
        if let Some(scope) = self.scopes.get_mut(self.scope) {
            scope.names.insert(Rc::clone(name), Some(value));
        }
    }

    pub(super) fn assign(&mut self, target: &Expr, value: Value) -> Result<()> {
        match &target.kind {
            ExprKind::Name(name) => self.bind(name, value),
            ExprKind::List(targets) | ExprKind::Tuple(targets) => {
                let values = self.store.each(&value, &target.span)?;
                if values.len() != targets.len() {
                    let message = format!("{} values do not fit into {} names", values.len(), targets.len());
                    return Err(Stop::new(&target.span, message));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
            }
            ExprKind::Index(both) => {
                let (of, at) = (self.value(&both.0)?, self.value(&both.1)?);
                self.set(&of, at, value, &target.span)?;
            }
            _ => return Err(Stop::new(&target.span, "nothing can be assigned to this")),
        }
        Ok(())
    }

    fn set(&mut self, of: &Value, at: Value, value: Value, span: &Span) -> Result<()> {
        match (of, &at) {
            (Value::Dict(dict), _) => self.store.insert(*dict, at, value, span),
            (Value::List(list), Value::Int(index)) => {
                let items = self.store.list_to_change(*list, span)?;
                let place = super::operators::place(*index, items.len()).and_then(|place| items.get_mut(place));
                *place.ok_or_else(|| Stop::new(span, format!("there is no item {index}")))? = value;
                Ok(())
            }
            _ => Err(Stop::new(span, format!("an item of a value of type `{}` cannot be set", of.kind()))),
        }
    }

    /// `target operator= value`; a list is changed in place.
    fn change(&mut self, target: &Expr, operator: &'static str, value: &Expr) -> Result<()> {
        let span = target.span.start..value.span.end;
        if let ExprKind::Index(both) = &target.kind {
            let (of, at) = (self.value(&both.0)?, self.value(&both.1)?);
            let before = self.index(&of, &at, &span)?;
            let value = self.value(value)?;
            let after = self.changed(before, operator, &value, &span)?;
            return self.set(&of, at, after, &span);
        }
        let before = self.value(target)?;
        let value = self.value(value)?;
        let after = self.changed(before, operator, &value, &span)?;
        self.assign(target, after)
    }

    fn changed(&mut self, before: Value, operator: &'static str, value: &Value, span: &Span) -> Result<Value> {
        match (&before, operator, value) {
            (Value::List(list), "+", _) => {
                let more = self.store.each(value, span)?;
                self.store.list_to_change(*list, span)?.extend(more);
                Ok(before)
            }
            (Value::Dict(dict), "|", Value::Dict(_)) => {
                for (key, value) in self.store.entries(value).to_vec() {
                    self.store.insert(*dict, key, value, span)?;
                }
                Ok(before)
            }
            _ => self.binary(operator, &before, value, span),
        }
    }

    pub(super) fn closure(&mut self, function: &Rc<Function>, span: &Span) -> Result<Value> {
        let mut defaults = Vec::new();
        for parameter in &function.parameters {
            defaults.push(parameter.default.as_ref().map(|default| self.value(default)).transpose()?);
        }
        let closure = Closure { function: Rc::clone(function), scope: self.scope, defaults: defaults.into() };
        self.store.function(closure, span)
    }

    /// The arguments of a call.
    pub(super) fn given(&mut self, arguments: &[Argument]) -> Result<Given> {
        let mut given = Given::default();
        for argument in arguments {
            match argument {
                Argument::Plain(value) => given.places.push(self.value(value)?),
                Argument::Named(name, value) => given.names.push((Rc::clone(name), self.value(value)?)),
                Argument::Spread(list) => {
                    let value = self.value(list)?;
                    given.places.extend(self.store.each(&value, &list.span)?);
                }
                Argument::SpreadNamed(dict) => {
                    let value = self.value(dict)?;
                    if !matches!(value, Value::Dict(_)) {
                        return Err(Stop::new(&dict.span, "only a dict can stand behind `**`"));
                    }
                    for (name, value) in self.store.entries(&value).to_vec() {
                        let Value::Text(name) = name else {
                            return Err(Stop::new(&dict.span, "a dict behind `**` has texts as keys"));
                        };
                        if given.names.iter().any(|(other, _)| *other == name) {
                            return Err(Stop::new(&dict.span, format!("the argument `{name}` stands twice")));
                        }
                        given.names.push((name, value));
                    }
                }
            }
        }
        Ok(given)
    }

    pub(super) fn call(&mut self, callee: &Value, given: Given, span: &Span) -> Result<Value> {
        self.store.steps(1, span)?;
        match callee {
            Value::Function(at) => match self.store.closure(*at) {
                Some(closure) => self.call_function(&closure, given, span),
                None => Err(Stop::new(span, "this is no function")),
            },
            Value::Builtin(name) if self.host.contains(name) => self.call_host(name, given, span),
            Value::Builtin(name) => functions::call(self, name, given, span),
            Value::Method(of, name) => methods::call(self, of, name, given, span),
            other => Err(Stop::new(span, format!("a value of type `{}` cannot be called", other.kind()))),
        }
    }

    /// Keeps what a function of whoever runs the file was called with.
    fn call_host(&mut self, name: &'static str, given: Given, span: &Span) -> Result<Value> {
        let mut arguments = Vec::new();
        for value in &given.places {
            arguments.push((None, self.plain(value, span, 0)?));
        }
        for (argument, value) in &given.names {
            arguments.push((Some(argument.to_string()), self.plain(value, span, 0)?));
        }
        self.store.take_values(4, span)?;
        self.said.push(HostCall { function: name, arguments, span: span.clone() });
        Ok(Value::None)
    }

    /// A value as it is now; of lists in lists in lists only the type.
    fn plain(&mut self, value: &Value, span: &Span, depth: u32) -> Result<Plain> {
        Ok(match value {
            Value::Text(text) => {
                self.store.take(text.len(), span)?;
                Plain::Text(text.to_string())
            }
            Value::List(_) if depth < 3 => {
                let items = self.store.each(value, span)?;
                Plain::List(items.iter().map(|item| self.plain(item, span, depth + 1)).collect::<Result<_>>()?)
            }
            other => Plain::Other(other.kind()),
        })
    }

    fn call_function(&mut self, closure: &Closure, given: Given, span: &Span) -> Result<Value> {
        if self.calls >= MAX_CALLS {
            return Err(Stop::new(span, format!("more than {MAX_CALLS} calls are open at once")));
        }
        let values = self.parameters(closure, given, span)?;
        let function = Rc::clone(&closure.function);
        self.calls += 1;
        let result = self.scoped(function.locals.clone(), Some(closure.scope), span, |machine| {
            for (parameter, value) in function.parameters.iter().zip(values) {
                machine.bind(&parameter.name, value);
            }
            machine.deeper(span, |machine| match &function.body {
                Body::Expr(value) => machine.value(value),
                Body::Block(block) => match machine.block(block)? {
                    Flow::Return(value) => Ok(value),
                    Flow::Next | Flow::Break | Flow::Continue => Ok(Value::None),
                },
            })
        });
        self.calls -= 1;
        result
    }

    /// A value for each parameter.
    fn parameters(&mut self, closure: &Closure, given: Given, span: &Span) -> Result<Vec<Value>> {
        let function = &closure.function;
        let mut places = given.places.into_iter();
        let mut names = given.names;
        let mut values = Vec::new();
        for (parameter, default) in function.parameters.iter().zip(closure.defaults.iter()) {
            self.store.steps(names.len(), span)?;
            let named = names.iter().position(|(name, _)| *name == parameter.name);
            let value = match parameter.kind {
                ParameterKind::Rest => self.store.tuple(places.by_ref().collect(), span)?,
                ParameterKind::RestNamed => {
                    let rest = std::mem::take(&mut names);
                    self.store.dict(rest.into_iter().map(|(name, value)| (Value::Text(name), value)).collect(), span)?
                }
                kind => {
                    let placed = if kind == ParameterKind::Plain { places.next() } else { None };
                    match (placed, named.map(|at| names.remove(at).1), default) {
                        (Some(_), Some(_), _) => {
                            return Err(Stop::new(span, format!("the argument `{}` stands twice", parameter.name)));
                        }
                        (Some(value), None, _) | (None, Some(value), _) => value,
                        (None, None, Some(default)) => default.clone(),
                        (None, None, None) => {
                            let message = format!("`{}` needs the argument `{}`", function.name, parameter.name);
                            return Err(Stop::new(span, message));
                        }
                    }
                }
            };
            values.push(value);
        }
        if places.next().is_some() {
            return Err(Stop::new(span, format!("`{}` does not take so many arguments", function.name)));
        }
        if let Some((name, _)) = names.first() {
            return Err(Stop::new(span, format!("`{}` does not know the argument `{name}`", function.name)));
        }
        Ok(values)
    }
}
