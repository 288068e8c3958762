//! JSON text with the secrets in it masked, written in one go.

use std::io;

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

use crate::secrets;

/// The value as JSON text, with the secrets in each of its texts masked; the names of members stay as they are. For
/// records that others may read.
///
/// # Errors
/// The value is none that JSON has: a map with keys that are no texts.
pub fn masked_json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut out = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut out, Masking::default()))?;
    String::from_utf8(out).map_err(serde_json::Error::custom)
}

/// Holds each text back until all of it is there: a secret may have what is escaped beside it.
#[derive(Default)]
struct Masking {
    in_name: bool,
    text: String,
    has_escapes: bool,
}

impl Formatter for Masking {
    fn begin_string<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_name {
            return CompactFormatter.begin_string(writer);
        }
        self.text.clear();
        self.has_escapes = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.in_name {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        self.text.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        if self.in_name {
            return CompactFormatter.write_char_escape(writer, escape);
        }
        self.has_escapes = true;
        self.text.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_name {
            return CompactFormatter.end_string(writer);
        }
        let masked = secrets::masked(&self.text);
        if self.has_escapes {
            return serde_json::to_writer(&mut *writer, &*masked).map_err(io::Error::from);
        }
        // Nor does a mask have anything in it that is escaped.
        writer.write_all(b"\"")?;
        writer.write_all(masked.as_bytes())?;
        writer.write_all(b"\"")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.in_name = true;
        CompactFormatter.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.in_name = false;
        CompactFormatter.end_object_key(writer)
    }

    /// Text that was JSON before cannot be looked into here.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(io::Error::other("JSON text inside of a value, whose secrets would not be masked"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::masked_json;
    use crate::show::masked_value;

    /// As it was done before: a value, masked text by text.
    fn by_value(value: &impl Serialize) -> Value {
        let mut value = serde_json::to_value(value).unwrap();
        masked_value(&mut value);
        value
    }

    fn same(value: &impl Serialize) {
        let text = masked_json(value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), by_value(value), "{text}");
    }

    fn texts() -> impl Strategy<Value = String> {
        let pieces = [
            "password=",
            "token: \"",
            "ghp_abcdefghijklmnopqrstuvwxyz",
            "hunter2",
            "\"",
            "\\",
            "\n",
            "\t",
            "\u{8}",
            "\u{c}",
            "\r",
            "\u{1}",
            "\u{7f}",
            "é",
            "\u{200b}",
            "/",
            " ",
            "x",
            "https://ana:",
            "@h",
            "\\n",
            "-----BEGIN PRIVATE KEY-----",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..6).prop_map(|pieces| pieces.concat())
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            texts().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((texts(), inner), 0..5)
                    .prop_map(|members| Value::from(members.into_iter().collect::<serde_json::Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_value_masked(value in values()) {
            same(&value);
        }
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Every {
        Unit,
        New(String),
        Pair(String, u8),
        Struct { password: String, letter: char },
    }

    #[test]
    fn every_form_of_a_text() {
        let secret = || "password=hunter2 \"x\"".to_owned();
        let mut numbers = std::collections::BTreeMap::new();
        numbers.insert(7_u8, secret());
        same(&(Every::Unit, Every::New(secret()), Every::Pair(secret(), 1), 'x', Some(secret()), (), numbers));
        same(&Every::Struct { password: "token=x1".to_owned(), letter: '"' });
        same(&format_args!("password={} \n{}", "hunter2", "x"));
    }

    #[test]
    fn names_stay_and_what_follows_them_is_masked() {
        let value = json!({ "token=abc1": "token=abc1", "a\"b": ["password=\"hunter2\"\n"] });
        assert_eq!(masked_json(&value).unwrap(), r#"{"a\"b":["password=\"***\"\n"],"token=abc1":"token=***"}"#);
    }
}
