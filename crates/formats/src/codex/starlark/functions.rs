//! The functions that every file has.

use countersign_policy::document::quoted;

use super::Given;
use super::run::Machine;
use super::tree::{Result, Span, Stop};
use super::value::Value;

/// Their names.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "all",
    "any",
    "bool",
    "chr",
    "dict",
    "enumerate",
    "fail",
    "int",
    "len",
    "list",
    "max",
    "min",
    "ord",
    "range",
    "repr",
    "reversed",
    "sorted",
    "str",
    "tuple",
    "type",
    "zip",
];

pub(super) fn call(machine: &mut Machine<'_>, name: &'static str, given: Given, span: &Span) -> Result<Value> {
    match name {
        "dict" => return dict(machine, given, span),
        "sorted" | "max" | "min" => return ordered(machine, name, given, span),
        "enumerate" | "range" | "zip" | "int" => {}
        _ if !given.names.is_empty() => return Err(Stop::new(span, format!("`{name}` takes no named arguments here"))),
        _ => {}
    }
    match (name, given.places.as_slice()) {
        ("fail", values) => {
            let mut words = Vec::new();
            for value in values {
                words.push(machine.store.shown(value, false, span)?);
            }
            Err(Stop::new(
                span,
                format!("the file calls `fail`: {}", words.join(" ").chars().take(500).collect::<String>()),
            ))
        }
        ("range", values) if given.names.is_empty() => range(values, span),
        ("zip", values) if given.names.is_empty() => zip(machine, values, span),
        ("enumerate", values) => enumerate(machine, values, &given, span),
        ("bool", []) => Ok(Value::Bool(false)),
        ("int", []) => Ok(Value::Int(0)),
        ("list", []) => machine.store.list(Vec::new(), span),
        ("tuple", []) => machine.store.tuple(Vec::new(), span),
        (name, [value]) if given.names.is_empty() => of_one(machine, name, value, span),
        _ => Err(Stop::new(span, format!("`{name}` does not take these arguments"))),
    }
}

fn of_one(machine: &mut Machine<'_>, name: &str, value: &Value, span: &Span) -> Result<Value> {
    let store = &mut machine.store;
    if let Value::Text(text) = value {
        store.read(text.len(), span)?;
    }
    match (name, value) {
        ("abs", Value::Int(int)) if *int != i64::MIN => Ok(Value::Int(int.abs())),
        ("all", value) => Ok(Value::Bool(store.each(value, span)?.iter().all(|item| store.truth(item)))),
        ("any", value) => Ok(Value::Bool(store.each(value, span)?.iter().any(|item| store.truth(item)))),
        ("bool", value) => Ok(Value::Bool(store.truth(value))),
        ("chr", Value::Int(int)) => match u32::try_from(*int).ok().and_then(char::from_u32) {
            Some(c) => store.text(c.to_string(), span),
            None => Err(Stop::new(span, format!("`{int}` is the code of no character"))),
        },
        ("ord", Value::Text(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(Value::Int(i64::from(u32::from(c)))),
                _ => Err(Stop::new(span, "`ord` takes a text of one character")),
            }
        }
        ("int", Value::Int(int)) => Ok(Value::Int(*int)),
        ("int", Value::Bool(truth)) => Ok(Value::Int(i64::from(*truth))),
        ("int", Value::Text(text)) => match text.parse() {
            Ok(int) => Ok(Value::Int(int)),
            Err(_) => Err(Stop::new(span, format!("{} is no number", quoted(text)))),
        },
        ("len", Value::Text(text)) => Ok(Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))),
        ("len", Value::Range { length, .. }) => Ok(Value::Int(*length)),
        ("len", Value::List(_) | Value::Tuple(_) | Value::Dict(_)) => {
            let length = store.items(value).len() + store.entries(value).len();
            Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
        }
        ("list", value) => {
            let items = store.each(value, span)?;
            store.list(items, span)
        }
        ("tuple", value) => {
            let items = store.each(value, span)?;
            store.tuple(items, span)
        }
        ("reversed", value) => {
            let mut items = store.each(value, span)?;
            items.reverse();
            store.list(items, span)
        }
        ("repr", value) => {
            let text = store.shown(value, true, span)?;
            store.text(text, span)
        }
        ("str", value) => {
            let text = store.shown(value, false, span)?;
            store.text(text, span)
        }
        ("type", value) => store.text(value.kind(), span),
        _ => Err(Stop::new(span, format!("`{name}` does not take a value of type `{}`", value.kind()))),
    }
}

fn range(values: &[Value], span: &Span) -> Result<Value> {
    let (start, end, step) = match values {
        [Value::Int(end)] => (0, *end, 1),
        [Value::Int(start), Value::Int(end)] => (*start, *end, 1),
        [Value::Int(start), Value::Int(end), Value::Int(step)] if *step != 0 => (*start, *end, *step),
        _ => return Err(Stop::new(span, "`range` takes one to three numbers, and a step that is not 0")),
    };
    let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
    let length = if step > 0 { (end - start + step - 1) / step } else { (start - end - step - 1) / -step };
    let length = i64::try_from(length.max(0)).unwrap_or(i64::MAX);
    match (i64::try_from(start), i64::try_from(step)) {
        (Ok(start), Ok(step)) => Ok(Value::Range { start, length, step }),
        _ => Err(Stop::new(span, "`range` takes numbers of 64 bits")),
    }
}

fn zip(machine: &mut Machine<'_>, values: &[Value], span: &Span) -> Result<Value> {
    let mut lists = Vec::new();
    for value in values {
        lists.push(machine.store.each(value, span)?.into_iter());
    }
    let mut rows = Vec::new();
    while !lists.is_empty() {
        let row: Vec<Value> = lists.iter_mut().filter_map(Iterator::next).collect();
        if row.len() < lists.len() {
            break;
        }
        rows.push(machine.store.tuple(row, span)?);
    }
    machine.store.list(rows, span)
}

fn enumerate(machine: &mut Machine<'_>, values: &[Value], given: &Given, span: &Span) -> Result<Value> {
    let (list, start) = match (values, given.names.as_slice()) {
        ([list], []) => (list, 0),
        ([list, Value::Int(start)], []) => (list, *start),
        ([list], [(name, Value::Int(start))]) if **name == *"start" => (list, *start),
        _ => return Err(Stop::new(span, "`enumerate` takes a list and a number to start at")),
    };
    let mut rows = Vec::new();
    for (at, item) in (start..i64::MAX).zip(machine.store.each(list, span)?) {
        rows.push(machine.store.tuple(vec![Value::Int(at), item], span)?);
    }
    machine.store.list(rows, span)
}

fn dict(machine: &mut Machine<'_>, given: Given, span: &Span) -> Result<Value> {
    let mut entries = match given.places.as_slice() {
        [] => Vec::new(),
        [value @ Value::Dict(_)] => machine.store.entries(value).to_vec(),
        [value] => {
            let mut entries = Vec::new();
            for row in machine.store.each(value, span)? {
                match machine.store.each(&row, span)?.as_slice() {
                    [key, value] => entries.push((key.clone(), value.clone())),
                    _ => return Err(Stop::new(span, "`dict` takes pairs of a key and a value")),
                }
            }
            entries
        }
        _ => return Err(Stop::new(span, "`dict` takes one list of pairs, and named values")),
    };
    entries.extend(given.names.into_iter().map(|(name, value)| (Value::Text(name), value)));
    machine.store.dict(entries, span)
}

/// `sorted`, `min` and `max`, by a key if one is given.
fn ordered(machine: &mut Machine<'_>, name: &'static str, given: Given, span: &Span) -> Result<Value> {
    let mut key = None;
    let mut reverse = false;
    for (argument, value) in &given.names {
        match (&**argument, value) {
            ("key", value) => key = Some(value.clone()),
            ("reverse", Value::Bool(truth)) if name == "sorted" => reverse = *truth,
            _ => return Err(Stop::new(span, format!("`{name}` does not take the argument `{argument}`"))),
        }
    }
    let items = match given.places.as_slice() {
        [list] => machine.store.each(list, span)?,
        several if name != "sorted" => several.to_vec(),
        _ => return Err(Stop::new(span, "`sorted` takes one list")),
    };
    let mut keyed = Vec::new();
    for item in items {
        let by = match &key {
            Some(key) => machine.call(key, Given { places: vec![item.clone()], names: Vec::new() }, span)?,
            None => item.clone(),
        };
        keyed.push((by, item));
    }
    // Sorting must not fail midway, so all keys are read before.
    let kind = keyed.first().map_or("int", |(by, _)| by.kind());
    let mut keys = Vec::new();
    for (by, item) in keyed {
        let key = match &by {
            Value::Int(int) if kind == "int" => (*int, None),
            Value::Text(text) if kind == "string" => (0, Some(std::rc::Rc::clone(text))),
            other => {
                let message =
                    format!("`{name}` compares numbers or texts, not values of types `{kind}` and `{}`", other.kind());
                return Err(Stop::new(span, message));
            }
        };
        keys.push((key, item));
    }
    machine.store.steps(keys.len().saturating_mul(8), span)?;
    if reverse || name == "max" {
        keys.sort_by(|one, other| other.0.cmp(&one.0));
    } else {
        keys.sort_by(|one, other| one.0.cmp(&other.0));
    }
    let mut items = keys.into_iter().map(|(_, item)| item);
    if name == "sorted" {
        return machine.store.list(items.collect(), span);
    }
    items.next().ok_or_else(|| Stop::new(span, format!("`{name}` of nothing is not known")))
}
