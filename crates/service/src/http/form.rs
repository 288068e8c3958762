//! Forms as browsers send them, read strictly: each field once.

use std::collections::BTreeMap;

/// The fields of an `application/x-www-form-urlencoded` body.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body; `None` if a field is there twice or a byte sequence is no text.
    pub(crate) fn parse(body: &[u8]) -> Option<Form> {
        let mut fields = BTreeMap::new();
        for pair in std::str::from_utf8(body).ok()?.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if fields.insert(decode(name)?, decode(value)?).is_some() {
                return None;
            }
        }
        Some(Form { fields })
    }

    /// A field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field's value, where it is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.field(name).filter(|value| !value.is_empty())
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (hexadecimal(bytes.next()?)?, hexadecimal(bytes.next()?)?);
                high * 16 + low
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hexadecimal(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(b"answer=once&feedback=use+%C3%A9t%C3%A9%26more&part-0=").unwrap();
        assert_eq!(form.field("answer"), Some("once"));
        assert_eq!(form.field("feedback"), Some("use été&more"));
        assert_eq!((form.field("part-0"), form.filled("part-0")), (Some(""), None));
        assert_eq!(form.names().collect::<Vec<_>>(), ["answer", "feedback", "part-0"]);
    }

    #[test]
    fn a_field_twice_or_no_text_is_refused() {
        for body in [&b"a=1&a=2"[..], b"a=%zz", b"a=%4", b"a=%ff", b"\xff=1"] {
            assert!(Form::parse(body).is_none(), "{body:?}");
        }
    }
}
