//! What operators between two values do.

use std::cmp::Ordering;

use super::run::Machine;
use super::tree::{Result, Span, Stop};
use super::value::{MAX_MEMORY, Value};

impl Machine<'_> {
    pub(super) fn binary(&mut self, operator: &'static str, one: &Value, other: &Value, span: &Span) -> Result<Value> {
        match operator {
            "==" => Ok(Value::Bool(self.store.equal(one, other, span)?)),
            "!=" => Ok(Value::Bool(!self.store.equal(one, other, span)?)),
            "<" => Ok(Value::Bool(self.order(one, other, span)? == Ordering::Less)),
            ">" => Ok(Value::Bool(self.order(one, other, span)? == Ordering::Greater)),
            "<=" => Ok(Value::Bool(self.order(one, other, span)? != Ordering::Greater)),
            ">=" => Ok(Value::Bool(self.order(one, other, span)? != Ordering::Less)),
            "in" => Ok(Value::Bool(self.contains(other, one, span)?)),
            "not in" => Ok(Value::Bool(!self.contains(other, one, span)?)),
            "+" => self.add(one, other, span),
            "*" => self.multiply(one, other, span),
            "|" if matches!((one, other), (Value::Dict(_), Value::Dict(_))) => {
                let both = [self.store.entries(one), self.store.entries(other)].concat();
                self.store.dict(both, span)
            }
            "%" if matches!(one, Value::Text(_)) => self.format_percent(one, other, span),
            _ => match (one, other) {
                (Value::Int(one), Value::Int(other)) => arithmetic(operator, *one, *other)
                    .map(Value::Int)
                    .ok_or_else(|| Stop::new(span, format!("`{one} {operator} {other}` has no result of 64 bits"))),
                _ => Err(unsuited(operator, one, other, span)),
            },
        }
    }

    /// How two values stand to each other.
    pub(super) fn order(&mut self, one: &Value, other: &Value, span: &Span) -> Result<Ordering> {
        self.store.steps(1, span)?;
        match (one, other) {
            (Value::Int(one), Value::Int(other)) => Ok(one.cmp(other)),
            (Value::Text(one), Value::Text(other)) => {
                self.store.read(one.len(), span)?;
                Ok(one.cmp(other))
            }
            (Value::Bool(one), Value::Bool(other)) => Ok(one.cmp(other)),
            (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => self.deeper(span, |machine| {
                let (one, other) = (machine.store.each(one, span)?, machine.store.each(other, span)?);
                for (one, other) in one.iter().zip(&other) {
                    match machine.order(one, other, span)? {
                        Ordering::Equal => {}
                        order => return Ok(order),
                    }
                }
                Ok(one.len().cmp(&other.len()))
            }),
            _ => Err(unsuited("<", one, other, span)),
        }
    }

    fn contains(&mut self, all: &Value, item: &Value, span: &Span) -> Result<bool> {
        match (all, item) {
            (Value::Text(all), Value::Text(item)) => {
                self.store.read(all.len(), span)?;
                Ok(all.contains(&**item))
            }
            (Value::Dict(_), key) => Ok(self.store.place(all, key, span)?.is_some()),
            (Value::List(_) | Value::Tuple(_) | Value::Range { .. }, item) => {
                for other in self.store.each(all, span)? {
                    if self.store.equal(item, &other, span)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(unsuited("in", item, all, span)),
        }
    }

    fn add(&mut self, one: &Value, other: &Value, span: &Span) -> Result<Value> {
        match (one, other) {
            (Value::Int(first), Value::Int(second)) => {
                let sum = first.checked_add(*second).map(Value::Int);
                sum.ok_or_else(|| Stop::new(span, format!("`{first} + {second}` has no result of 64 bits")))
            }
            (Value::Text(one), Value::Text(other)) => self.store.text(format!("{one}{other}"), span),
            (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
                let mut items = self.store.each(one, span)?;
                items.extend(self.store.each(other, span)?);
                if matches!(one, Value::List(_)) { self.store.list(items, span) } else { self.store.tuple(items, span) }
            }
            _ => Err(unsuited("+", one, other, span)),
        }
    }

    fn multiply(&mut self, one: &Value, other: &Value, span: &Span) -> Result<Value> {
        match (one, other) {
            (Value::Int(first), Value::Int(second)) => {
                let product = first.checked_mul(*second).map(Value::Int);
                product.ok_or_else(|| Stop::new(span, format!("`{first} * {second}` has no result of 64 bits")))
            }
            (Value::Int(times), Value::Text(text)) | (Value::Text(text), Value::Int(times)) => {
                let times = usize::try_from(*times).unwrap_or_default();
                // Before it is made: it may be larger than any memory.
                self.store.take(text.len().saturating_mul(times), span)?;
                self.store.text(text.repeat(times), span)
            }
            (Value::Int(times), list @ (Value::List(_) | Value::Tuple(_)))
            | (list @ (Value::List(_) | Value::Tuple(_)), Value::Int(times)) => {
                let items = self.store.each(list, span)?;
                let times = if items.is_empty() { 0 } else { usize::try_from(*times).unwrap_or_default() };
                self.store.take_values(items.len().saturating_mul(times), span)?;
                let all = std::iter::repeat_n(items, times).flatten().collect();
                if matches!(list, Value::List(_)) { self.store.list(all, span) } else { self.store.tuple(all, span) }
            }
            _ => Err(unsuited("*", one, other, span)),
        }
    }

    /// `"%s of %d" % (one, other)`.
    fn format_percent(&mut self, format: &Value, values: &Value, span: &Span) -> Result<Value> {
        let Value::Text(format) = format else { return Err(unsuited("%", format, values, span)) };
        let values = match values {
            Value::Tuple(_) => self.store.items(values).to_vec(),
            one => vec![one.clone()],
        };
        let mut values = values.iter();
        let mut out = String::new();
        let mut rest = &**format;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            let Some(kind) = after.chars().next() else { return Err(Stop::new(span, "a `%` stands at the end")) };
            rest = after.get(kind.len_utf8()..).unwrap_or_default();
            if kind == '%' {
                out.push('%');
                continue;
            }
            let Some(value) = values.next() else {
                return Err(Stop::new(span, "there are too few values for the text"));
            };
            match (kind, value) {
                ('s', value) => out.push_str(&self.store.shown(value, false, span)?),
                ('r', value) => out.push_str(&self.store.shown(value, true, span)?),
                ('d', Value::Int(int)) => out.push_str(&int.to_string()),
                _ => {
                    return Err(Stop::new(
                        span,
                        format!("`%{kind}` is not supported for a value of type `{}`", value.kind()),
                    ));
                }
            }
            if out.len() > MAX_MEMORY {
                break;
            }
        }
        if values.next().is_some() {
            return Err(Stop::new(span, "there are too many values for the text"));
        }
        out.push_str(rest);
        self.store.text(out, span)
    }
}

/// The place of an index, which counts from the end where it is negative.
pub(super) fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index.checked_add(length)? } else { index };
    if (0..length).contains(&index) { usize::try_from(index).ok() } else { None }
}

fn arithmetic(operator: &str, one: i64, other: i64) -> Option<i64> {
    match operator {
        "-" => one.checked_sub(other),
        "//" => {
            let quotient = one.checked_div(other)?;
            let inexact = one.checked_rem(other)? != 0 && (one < 0) != (other < 0);
            Some(if inexact { quotient - 1 } else { quotient })
        }
        "%" => {
            let rest = one.checked_rem(other)?;
            Some(if rest != 0 && (rest < 0) != (other < 0) { rest + other } else { rest })
        }
        "|" => Some(one | other),
        "&" => Some(one & other),
        "^" => Some(one ^ other),
        "<<" => one.checked_mul(1_i64.checked_shl(u32::try_from(other).ok()?).filter(|_| other < 62)?),
        ">>" => Some(one >> u32::try_from(other).ok()?.min(63)),
        _ => None,
    }
}

fn unsuited(operator: &str, one: &Value, other: &Value, span: &Span) -> Stop {
    let message = format!("`{operator}` does not work between values of types `{}` and `{}`", one.kind(), other.kind());
    Stop::new(span, message)
}
