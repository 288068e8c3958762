//! The functions that values have.

use std::rc::Rc;

use super::Given;
use super::run::Machine;
use super::tree::{Result, Span, Stop};
use super::value::Value;

const TEXT: &[&str] = &[
    "capitalize",
    "count",
    "elems",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isdigit",
    "islower",
    "isspace",
    "isupper",
    "join",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "upper",
];
const LIST: &[&str] = &["append", "clear", "extend", "index", "insert", "pop", "remove"];
const DICT: &[&str] = &["clear", "get", "items", "keys", "pop", "setdefault", "update", "values"];

/// The names of the functions that a value has.
pub(super) fn names(of: &Value) -> &'static [&'static str] {
    match of {
        Value::Text(_) => TEXT,
        Value::List(_) => LIST,
        Value::Dict(_) => DICT,
        _ => &[],
    }
}

pub(super) fn call(machine: &mut Machine<'_>, of: &Value, name: &Rc<str>, given: Given, span: &Span) -> Result<Value> {
    let called = Called { name, span };
    match of {
        Value::Text(text) if **name == *"format" => machine.format_braces(text, &given, span),
        _ if !given.names.is_empty() && **name != *"update" => {
            Err(Stop::new(span, format!("`{name}` takes no named arguments here")))
        }
        Value::Text(text) => {
            machine.store.read(text.len(), span)?;
            machine.text_method(text, called, &given.places)
        }
        Value::List(list) => machine.list_method(*list, called, &given.places),
        Value::Dict(dict) => machine.dict_method(*dict, called, given),
        _ => Err(called.unknown()),
    }
}

/// What was called, and where.
#[derive(Clone, Copy)]
struct Called<'a> {
    name: &'a str,
    span: &'a Span,
}

impl Called<'_> {
    fn unknown(self) -> Stop {
        Stop::new(self.span, format!("`{}` does not take these arguments", self.name))
    }
}

impl Machine<'_> {
    fn text_method(&mut self, text: &Rc<str>, called: Called<'_>, given: &[Value]) -> Result<Value> {
        let Called { name, span } = called;
        let store = &mut self.store;
        let every = |holds: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(holds));
        let cased = |holds: fn(char) -> bool, not: fn(char) -> bool| {
            Value::Bool(text.chars().any(holds) && !text.chars().any(not))
        };
        let place = |at: Option<usize>| {
            let chars = at.and_then(|at| text.get(..at)).map(|before| before.chars().count());
            chars.and_then(|chars| i64::try_from(chars).ok()).unwrap_or(-1)
        };
        let new = match (name, given) {
            ("isalnum", []) => return Ok(every(char::is_alphanumeric)),
            ("isalpha", []) => return Ok(every(char::is_alphabetic)),
            ("isdigit", []) => return Ok(every(char::is_numeric)),
            ("isspace", []) => return Ok(every(char::is_whitespace)),
            ("islower", []) => return Ok(cased(char::is_lowercase, char::is_uppercase)),
            ("isupper", []) => return Ok(cased(char::is_uppercase, char::is_lowercase)),
            ("startswith" | "endswith", [affix]) => {
                let has = |affix: &Value| match (name, affix) {
                    ("startswith", Value::Text(affix)) => Some(text.starts_with(&**affix)),
                    (_, Value::Text(affix)) => Some(text.ends_with(&**affix)),
                    _ => None,
                };
                let any = match affix {
                    Value::Tuple(_) => {
                        store.each(affix, span)?.iter().map(has).try_fold(false, |any, has| Some(any | has?))
                    }
                    one => has(one),
                };
                return any.map(Value::Bool).ok_or_else(|| called.unknown());
            }
            ("count", [Value::Text(part)]) if !part.is_empty() => {
                return Ok(Value::Int(i64::try_from(text.matches(&**part).count()).unwrap_or(i64::MAX)));
            }
            ("find", [Value::Text(part)]) => return Ok(Value::Int(place(text.find(&**part)))),
            ("rfind", [Value::Text(part)]) => return Ok(Value::Int(place(text.rfind(&**part)))),
            ("index", [Value::Text(part)]) => match place(text.find(&**part)) {
                -1 => return Err(Stop::new(span, "the text is not in it")),
                at => return Ok(Value::Int(at)),
            },
            ("elems", []) => {
                store.take_values(text.len().saturating_mul(2), span)?;
                let chars = text.chars().map(|c| Value::Text(c.to_string().into())).collect();
                return store.list(chars, span);
            }
            ("split" | "rsplit" | "splitlines" | "partition" | "rpartition", _) => {
                return self.cut(text, called, given);
            }
            ("join", [list]) => return self.join(text, list, span),
            ("replace", [Value::Text(old), Value::Text(new)]) => {
                let places = text.matches(&**old).count();
                store.take(places.saturating_mul(new.len()), span)?;
                text.replace(&**old, new)
            }
            ("lower", []) => text.to_lowercase(),
            ("upper", []) => text.to_uppercase(),
            ("capitalize", []) => {
                let mut chars = text.chars();
                let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
                first + &chars.as_str().to_lowercase()
            }
            ("title", []) => title(text),
            ("strip", []) => text.trim().to_owned(),
            ("lstrip", []) => text.trim_start().to_owned(),
            ("rstrip", []) => text.trim_end().to_owned(),
            ("strip", [Value::Text(chars)]) => text.trim_matches(|c| chars.contains(c)).to_owned(),
            ("lstrip", [Value::Text(chars)]) => text.trim_start_matches(|c| chars.contains(c)).to_owned(),
            ("rstrip", [Value::Text(chars)]) => text.trim_end_matches(|c| chars.contains(c)).to_owned(),
            ("removeprefix", [Value::Text(affix)]) => text.strip_prefix(&**affix).unwrap_or(text).to_owned(),
            ("removesuffix", [Value::Text(affix)]) => text.strip_suffix(&**affix).unwrap_or(text).to_owned(),
            _ => return Err(called.unknown()),
        };
        store.text(new, span)
    }

    /// A text in pieces.
    fn cut(&mut self, text: &Rc<str>, called: Called<'_>, given: &[Value]) -> Result<Value> {
        let Called { name, span } = called;
        let most = |most: &i64| usize::try_from(*most).map_or(usize::MAX, |most| most.saturating_add(1));
        let mut pieces: Vec<&str> = match (name, given) {
            ("partition" | "rpartition", [Value::Text(by)]) if !by.is_empty() => {
                let found = if name == "partition" { text.split_once(&**by) } else { text.rsplit_once(&**by) };
                let (before, by, after) = match found {
                    Some((before, after)) => (before, &**by, after),
                    None if name == "partition" => (&**text, "", ""),
                    None => ("", "", &**text),
                };
                let pieces = [before, by, after].map(|piece| self.store.text(piece, span));
                let pieces = pieces.into_iter().collect::<Result<Vec<_>>>()?;
                return self.store.tuple(pieces, span);
            }
            ("splitlines", []) => lines(text),
            ("split" | "rsplit", []) => text.split_whitespace().collect(),
            ("split" | "rsplit", [Value::Text(by)]) if !by.is_empty() => text.split(&**by).collect(),
            ("split", [Value::Text(by), Value::Int(times)]) if !by.is_empty() => {
                text.splitn(most(times), &**by).collect()
            }
            ("rsplit", [Value::Text(by), Value::Int(times)]) if !by.is_empty() => {
                let mut pieces: Vec<&str> = text.rsplitn(most(times), &**by).collect();
                pieces.reverse();
                pieces
            }
            _ => return Err(called.unknown()),
        };
        self.store.steps(pieces.len(), span)?;
        let texts: Result<Vec<Value>> = pieces.drain(..).map(|piece| self.store.text(piece, span)).collect();
        self.store.list(texts?, span)
    }

    fn join(&mut self, by: &Rc<str>, list: &Value, span: &Span) -> Result<Value> {
        let mut joined = String::new();
        for (at, item) in self.store.each(list, span)?.iter().enumerate() {
            let Value::Text(item) = item else {
                return Err(Stop::new(span, format!("`join` takes texts, not values of type `{}`", item.kind())));
            };
            if at > 0 {
                joined.push_str(by);
            }
            joined.push_str(item);
            self.store.take(by.len() + item.len(), span)?;
        }
        self.store.text(joined, span)
    }

    /// `"{} of {name}".format(...)`.
    fn format_braces(&mut self, text: &Rc<str>, given: &Given, span: &Span) -> Result<Value> {
        let mut out = String::new();
        let mut next = 0;
        // Whether the braces count by themselves.
        let mut counted = None;
        let mut rest = &**text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            if let Some(twice) = ["{{", "}}"].iter().find(|twice| after.starts_with(**twice)) {
                out.extend(twice.chars().take(1));
                rest = after.get(twice.len()..).unwrap_or_default();
                continue;
            }
            let Some((name, after)) = after.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
                return Err(Stop::new(span, "a brace of this text has no other: write it twice for the character"));
            };
            let (name, quoted) = match name.strip_suffix("!r") {
                Some(name) => (name, true),
                None => (name.strip_suffix("!s").unwrap_or(name), false),
            };
            let place = Some(name).filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
            if place.is_some() && *counted.get_or_insert(name.is_empty()) != name.is_empty() {
                return Err(Stop::new(span, "braces of this text count by themselves, and others have a number"));
            }
            let value = if name.is_empty() {
                next += 1;
                given.places.get(next - 1)
            } else if let Some(place) = place {
                place.parse::<usize>().ok().and_then(|place| given.places.get(place))
            } else if name.contains(['.', ',', '[', ']']) {
                return Err(Stop::new(span, "only a name or a number stands in the braces of a text"));
            } else {
                given.names.iter().find(|(its, _)| **its == *name).map(|(_, value)| value)
            };
            let Some(value) = value.cloned() else {
                return Err(Stop::new(span, "there is no value for a pair of braces of this text"));
            };
            out.push_str(&self.store.shown(&value, quoted, span)?);
            rest = after;
        }
        out.push_str(rest);
        self.store.text(out, span)
    }

    fn list_method(&mut self, list: usize, called: Called<'_>, given: &[Value]) -> Result<Value> {
        let Called { name, span } = called;
        let of = Value::List(list);
        self.store.take_values(1, span)?;
        match (name, given) {
            ("append", [item]) => self.store.list_to_change(list, span)?.push(item.clone()),
            ("clear", []) => self.store.list_to_change(list, span)?.clear(),
            ("extend", [more]) => {
                let more = self.store.each(more, span)?;
                self.store.list_to_change(list, span)?.extend(more);
            }
            ("insert", [Value::Int(at), item]) => {
                self.store.steps(self.store_length(&of), span)?;
                let items = self.store.list_to_change(list, span)?;
                let end = if *at < 0 { 0 } else { items.len() };
                let place = super::operators::place(*at, items.len()).unwrap_or(end);
                items.insert(place, item.clone());
            }
            ("pop", [] | [Value::Int(_)]) => {
                let at = if let [Value::Int(at)] = given { *at } else { -1 };
                self.store.steps(self.store_length(&of), span)?;
                let items = self.store.list_to_change(list, span)?;
                let place = super::operators::place(at, items.len());
                return place.map(|place| items.remove(place)).ok_or_else(|| Stop::new(span, "there is no such item"));
            }
            ("index" | "remove", [item]) => {
                for (at, other) in self.store.each(&of, span)?.iter().enumerate() {
                    if self.store.equal(item, other, span)? {
                        if name == "index" {
                            return Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX)));
                        }
                        self.store.list_to_change(list, span)?.remove(at);
                        return Ok(Value::None);
                    }
                }
                return Err(Stop::new(span, "there is no such item"));
            }
            _ => return Err(called.unknown()),
        }
        Ok(Value::None)
    }

    fn store_length(&self, of: &Value) -> usize {
        self.store.items(of).len()
    }

    fn dict_method(&mut self, dict: usize, called: Called<'_>, given: Given) -> Result<Value> {
        let Called { name, span } = called;
        let of = Value::Dict(dict);
        match (name, given.places.as_slice()) {
            ("keys", []) => {
                let keys = self.store.each(&of, span)?;
                self.store.list(keys, span)
            }
            ("values" | "items", []) => {
                let entries = self.store.entries(&of).to_vec();
                self.store.steps(entries.len(), span)?;
                let mut items = Vec::new();
                for (key, value) in entries {
                    items.push(if name == "values" { value } else { self.store.tuple(vec![key, value], span)? });
                }
                self.store.list(items, span)
            }
            ("clear", []) => {
                self.store.dict_to_change(dict, span)?.clear();
                Ok(Value::None)
            }
            ("get" | "pop" | "setdefault", [key] | [key, _]) => {
                let default = given.places.get(1).cloned();
                let place = self.store.place(&of, key, span)?;
                let found = place.and_then(|place| self.store.entries(&of).get(place)).map(|(_, value)| value.clone());
                match (name, found, default) {
                    ("pop", Some(value), _) => {
                        let entries = self.store.dict_to_change(dict, span)?;
                        if let Some(place) = place {
                            entries.remove(place);
                        }
                        Ok(value)
                    }
                    ("pop", None, None) => Err(Stop::new(span, "there is no such key")),
                    ("setdefault", None, default) => {
                        let value = default.unwrap_or(Value::None);
                        self.store.insert(dict, key.clone(), value.clone(), span)?;
                        Ok(value)
                    }
                    (_, found, default) => Ok(found.or(default).unwrap_or(Value::None)),
                }
            }
            ("update", _) => {
                let more = super::functions::call(self, "dict", given, span)?;
                for (key, value) in self.store.entries(&more).to_vec() {
                    self.store.insert(dict, key, value, span)?;
                }
                Ok(Value::None)
            }
            _ => Err(called.unknown()),
        }
    }
}

/// A text in which every word begins with a capital.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

/// The lines of a text: behind a line feed, a carriage return, or both.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let (line, after) = rest.split_at(at);
        lines.push(line);
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    lines.extend(Some(rest).filter(|rest| !rest.is_empty()));
    lines
}
