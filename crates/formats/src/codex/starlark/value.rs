//! Values, and where those lie that hold others.
//!
//! What holds others lies in one list and is named by its place there. So a value can hold itself, and neither a cycle
//! nor a long chain makes its end a deep recursion.

use std::rc::Rc;

use super::tree::{Function, Result, Span, Stop};

#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Range {
        start: i64,
        length: i64,
        step: i64,
    },
    List(usize),
    Tuple(usize),
    Dict(usize),
    Function(usize),
    Builtin(&'static str),
    /// A function of a value: `names.append`.
    Method(Box<Value>, Rc<str>),
}

#[derive(Debug)]
pub(super) enum Object {
    /// Its items, and by how many loops it is gone through.
    List(Vec<Value>, u32),
    Tuple(Rc<[Value]>),
    /// Its entries in the order in which they came, and by how many loops it is gone through.
    Dict(Vec<(Value, Value)>, u32),
    Function(Closure),
}

/// A function with the scope that it was made in.
#[derive(Debug, Clone)]
pub(super) struct Closure {
    pub(super) function: Rc<Function>,
    pub(super) scope: usize,
    /// For each parameter its default.
    pub(super) defaults: Rc<[Option<Value>]>,
}

/// How much a file may do.
pub(super) const MAX_STEPS: u64 = 500_000;
/// How many bytes all the values that it makes may have together.
pub(super) const MAX_MEMORY: usize = 16 * 1024 * 1024;
/// What one value costs at least.
pub(super) const COST: usize = 48;
/// How deep values may be nested where they are compared or written.
pub(super) const MAX_VALUE_DEPTH: u32 = 20;

/// The values of a file that hold others, and what it may still do.
pub(super) struct Store {
    objects: Vec<Object>,
    steps: u64,
    memory: usize,
    /// How deep a comparison is.
    depth: u32,
}

impl Store {
    pub(super) fn new() -> Store {
        Store { objects: Vec::new(), steps: MAX_STEPS, memory: MAX_MEMORY, depth: 0 }
    }

    /// Does so many steps.
    pub(super) fn steps(&mut self, count: usize, span: &Span) -> Result<()> {
        match self.steps.checked_sub(count as u64) {
            Some(left) => self.steps = left,
            None => return Err(Stop::new(span, format!("the file does more than {MAX_STEPS} steps"))),
        }
        Ok(())
    }

    /// Goes through a text of so many bytes.
    pub(super) fn read(&mut self, bytes: usize, span: &Span) -> Result<()> {
        self.steps(bytes / 8, span)
    }

    /// Takes so much memory.
    pub(super) fn take(&mut self, bytes: usize, span: &Span) -> Result<()> {
        match self.memory.checked_sub(bytes) {
            Some(left) => self.memory = left,
            None => return Err(Stop::new(span, format!("the file's values take more than {MAX_MEMORY} bytes"))),
        }
        Ok(())
    }

    /// Takes the memory of so many values.
    pub(super) fn take_values(&mut self, count: usize, span: &Span) -> Result<()> {
        self.take(count.saturating_add(1).saturating_mul(COST), span)
    }

    pub(super) fn text(&mut self, text: impl Into<Rc<str>>, span: &Span) -> Result<Value> {
        let text = text.into();
        self.take(text.len() + COST, span)?;
        Ok(Value::Text(text))
    }

    fn put(&mut self, object: Object) -> usize {
        self.objects.push(object);
        self.objects.len() - 1
    }

    pub(super) fn list(&mut self, items: Vec<Value>, span: &Span) -> Result<Value> {
        self.take_values(items.len(), span)?;
        Ok(Value::List(self.put(Object::List(items, 0))))
    }

    pub(super) fn tuple(&mut self, items: Vec<Value>, span: &Span) -> Result<Value> {
        self.take_values(items.len(), span)?;
        Ok(Value::Tuple(self.put(Object::Tuple(items.into()))))
    }

    pub(super) fn dict(&mut self, entries: Vec<(Value, Value)>, span: &Span) -> Result<Value> {
        self.take_values(entries.len() * 2, span)?;
        let dict = self.put(Object::Dict(Vec::new(), 0));
        for (key, value) in entries {
            self.insert(dict, key, value, span)?;
        }
        Ok(Value::Dict(dict))
    }

    pub(super) fn function(&mut self, closure: Closure, span: &Span) -> Result<Value> {
        self.take_values(closure.defaults.len(), span)?;
        Ok(Value::Function(self.put(Object::Function(closure))))
    }

    pub(super) fn closure(&self, at: usize) -> Option<Closure> {
        match self.objects.get(at)? {
            Object::Function(closure) => Some(closure.clone()),
            _ => None,
        }
    }

    /// The items of a list or tuple, else nothing.
    pub(super) fn items(&self, value: &Value) -> &[Value] {
        let (Value::List(at) | Value::Tuple(at)) = value else { return &[] };
        match self.objects.get(*at) {
            Some(Object::List(items, _)) => items,
            Some(Object::Tuple(items)) => items,
            _ => &[],
        }
    }

    /// The entries of a dict, else nothing.
    pub(super) fn entries(&self, value: &Value) -> &[(Value, Value)] {
        let Value::Dict(at) = value else { return &[] };
        match self.objects.get(*at) {
            Some(Object::Dict(entries, _)) => entries,
            _ => &[],
        }
    }

    /// The items of a list, to change them.
    pub(super) fn list_to_change(&mut self, at: usize, span: &Span) -> Result<&mut Vec<Value>> {
        match self.objects.get_mut(at) {
            Some(Object::List(items, 0)) => Ok(items),
            _ => Err(Stop::new(span, "a list cannot be changed while a loop goes through it")),
        }
    }

    /// The entries of a dict, to change them.
    pub(super) fn dict_to_change(&mut self, at: usize, span: &Span) -> Result<&mut Vec<(Value, Value)>> {
        match self.objects.get_mut(at) {
            Some(Object::Dict(entries, 0)) => Ok(entries),
            _ => Err(Stop::new(span, "a dict cannot be changed while a loop goes through it")),
        }
    }

    /// A loop begins or ends to go through a value.
    pub(super) fn lock(&mut self, value: &Value, begins: bool) {
        let (Value::List(at) | Value::Dict(at)) = value else { return };
        if let Some(Object::List(_, loops) | Object::Dict(_, loops)) = self.objects.get_mut(*at) {
            *loops = if begins { loops.saturating_add(1) } else { loops.saturating_sub(1) };
        }
    }

    /// Where in a dict a key is.
    pub(super) fn place(&mut self, dict: &Value, key: &Value, span: &Span) -> Result<Option<usize>> {
        if !matches!(key, Value::None | Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::Tuple(_)) {
            return Err(Stop::new(span, format!("a value of type `{}` cannot be a key", key.kind())));
        }
        let keys: Vec<Value> = self.entries(dict).iter().map(|(key, _)| key.clone()).collect();
        self.steps(keys.len(), span)?;
        for (place, other) in keys.iter().enumerate() {
            if self.equal(key, other, span)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    pub(super) fn insert(&mut self, dict: usize, key: Value, value: Value, span: &Span) -> Result<()> {
        let place = self.place(&Value::Dict(dict), &key, span)?;
        self.take_values(2, span)?;
        let entries = self.dict_to_change(dict, span)?;
        match place.and_then(|place| entries.get_mut(place)) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        }
        Ok(())
    }

    /// All that a loop over the value goes through.
    pub(super) fn each(&mut self, value: &Value, span: &Span) -> Result<Vec<Value>> {
        let count = match value {
            Value::List(_) | Value::Tuple(_) => self.items(value).len(),
            Value::Dict(_) => self.entries(value).len(),
            Value::Range { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
            other => return Err(Stop::new(span, format!("a value of type `{}` cannot be gone through", other.kind()))),
        };
        self.steps(count, span)?;
        self.take_values(count, span)?;
        Ok(match value {
            Value::Dict(_) => self.entries(value).iter().map(|(key, _)| key.clone()).collect(),
            Value::Range { start, length, step } => {
                (0..*length).map(|at| Value::Int(start.saturating_add(at.saturating_mul(*step)))).collect()
            }
            value => self.items(value).to_vec(),
        })
    }

    /// Whether a condition holds.
    pub(super) fn truth(&self, value: &Value) -> bool {
        match value {
            Value::None => false,
            Value::Bool(truth) => *truth,
            Value::Int(int) => *int != 0,
            Value::Float(float) => *float != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Range { length, .. } => *length > 0,
            Value::List(_) | Value::Tuple(_) => !self.items(value).is_empty(),
            Value::Dict(_) => !self.entries(value).is_empty(),
            Value::Function(_) | Value::Builtin(_) | Value::Method(..) => true,
        }
    }

    pub(super) fn equal(&mut self, one: &Value, other: &Value, span: &Span) -> Result<bool> {
        self.steps(1, span)?;
        if self.depth > MAX_VALUE_DEPTH {
            return Err(too_deep(span));
        }
        self.depth += 1;
        let result = self.compare(one, other, span);
        self.depth -= 1;
        result
    }

    fn compare(&mut self, one: &Value, other: &Value, span: &Span) -> Result<bool> {
        Ok(match (one, other) {
            (Value::None, Value::None) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Int(one), Value::Int(other)) => one == other,
            (Value::Float(one), Value::Float(other)) => one == other,
            (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => {
                return Err(Stop::new(span, "a whole number is not compared with one that has a fraction"));
            }
            (Value::Text(one), Value::Text(other)) => {
                self.read(one.len(), span)?;
                one == other
            }
            (Value::Builtin(one), Value::Builtin(other)) => one == other,
            (Value::Function(one), Value::Function(other)) => one == other,
            (Value::Range { start, length, step }, Value::Range { start: from, length: long, step: by }) => {
                length == long && (*length == 0 || start == from) && (*length < 2 || step == by)
            }
            (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
                self.steps(self.items(one).len() + self.items(other).len(), span)?;
                let (one, other) = (self.items(one).to_vec(), self.items(other).to_vec());
                let mut same = one.len() == other.len();
                for (one, other) in one.iter().zip(&other) {
                    same = same && self.equal(one, other, span)?;
                }
                same
            }
            (Value::Dict(_), Value::Dict(_)) => {
                self.steps(self.entries(one).len(), span)?;
                let entries = self.entries(one).to_vec();
                let mut same = entries.len() == self.entries(other).len();
                for (key, value) in &entries {
                    let place = self.place(other, key, span)?;
                    let its = place.and_then(|place| self.entries(other).get(place)).map(|(_, its)| its.clone());
                    same = match its {
                        Some(its) => same && self.equal(value, &its, span)?,
                        None => false,
                    };
                }
                same
            }
            _ => false,
        })
    }
}

pub(super) fn too_deep(span: &Span) -> Stop {
    Stop::new(span, format!("these values are nested deeper than {MAX_VALUE_DEPTH}"))
}

impl Value {
    /// The name of its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "string",
            Value::Range { .. } => "range",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Function(_) | Value::Builtin(_) | Value::Method(..) => "function",
        }
    }
}
