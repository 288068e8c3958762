//! Values as a file would write them.
//!
//! What is written otherwise than by Codex would be another word of a pattern: what cannot be said for certain is an error.

use super::tree::{Result, Span, Stop};
use super::value::{MAX_MEMORY, MAX_VALUE_DEPTH, Store, Value, too_deep};

impl Store {
    /// The value as a file would write it, or a text as it is.
    pub(super) fn shown(&mut self, value: &Value, quoted: bool, span: &Span) -> Result<String> {
        let mut out = String::new();
        match value {
            Value::Text(text) if !quoted => out.push_str(text),
            value => self.write(value, &mut out, span, 0)?,
        }
        self.take(out.len(), span)?;
        Ok(out)
    }

    fn write(&mut self, value: &Value, out: &mut String, span: &Span, depth: u32) -> Result<()> {
        self.steps(1, span)?;
        if depth > MAX_VALUE_DEPTH || out.len() > MAX_MEMORY {
            return Err(too_deep(span));
        }
        match value {
            Value::None => out.push_str("None"),
            Value::Bool(true) => out.push_str("True"),
            Value::Bool(false) => out.push_str("False"),
            Value::Int(int) => out.push_str(&int.to_string()),
            // Beyond these it is written with an exponent, and cut.
            Value::Float(float) if *float == 0.0 || (1e-4..1e6).contains(&float.abs()) => {
                out.push_str(&format!("{float:?}"));
            }
            Value::Float(_) => return Err(Stop::new(span, "a number of this size with a fraction is not written")),
            Value::Text(text) => {
                self.take(text.len().saturating_mul(4), span)?;
                quote(text, out);
            }
            // Where another one was to end is no longer known.
            Value::Range { start: 0, length: length @ 1.., step: 1 } => out.push_str(&format!("range({length})")),
            Value::Range { start, length: length @ 1.., step: 1 } => {
                out.push_str(&format!("range({start}, {})", start.saturating_add(*length)));
            }
            Value::Range { .. } => return Err(Stop::new(span, "this range is not written: write `list(...)` of it")),
            Value::List(_) | Value::Tuple(_) => {
                let items = self.items(value).to_vec();
                let (open, close) = if matches!(value, Value::List(_)) { ("[", "]") } else { ("(", ")") };
                out.push_str(open);
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    self.write(item, out, span, depth + 1)?;
                }
                if open == "(" && items.len() == 1 {
                    out.push(',');
                }
                out.push_str(close);
            }
            Value::Dict(_) => {
                out.push('{');
                for (at, (key, value)) in self.entries(value).to_vec().iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    self.write(key, out, span, depth + 1)?;
                    out.push_str(": ");
                    self.write(value, out, span, depth + 1)?;
                }
                out.push('}');
            }
            Value::Function(_) | Value::Builtin(_) | Value::Method(..) => {
                return Err(Stop::new(span, "a function is not written: write its name as a text"));
            }
        }
        Ok(())
    }
}

/// A text with its quotes: as its code what is no letter of ASCII and none beyond Latin-1, which is how Codex has it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match (c, u32::from(c)) {
            ('"', _) => out.push_str("\\\""),
            ('\\', _) => out.push_str("\\\\"),
            ('\n', _) => out.push_str("\\n"),
            ('\r', _) => out.push_str("\\r"),
            ('\t', _) => out.push_str("\\t"),
            (c, 0x20..0x7f) => out.push(c),
            (c, 0x100..) if c.is_alphanumeric() => out.push(c),
            (_, code @ ..0x100) => out.push_str(&format!("\\x{code:02x}")),
            (_, code @ ..0x10000) => out.push_str(&format!("\\u{code:04x}")),
            (_, code) => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out.push('"');
}
