//! JSON as it may enter: what two readers could understand differently is refused.
//!
//! Refused: a member that stands twice, a half of a surrogate pair, a number that a double does not keep, and nesting
//! deeper than [`MAX_DEPTH`]. Without this, what was judged and what runs could be two things with one digest.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of lists and objects.
pub const MAX_DEPTH: usize = 127;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A number changes when it is read as a double.
    #[error("the number `{number}` at byte {offset} is not kept by a double: write it as a text")]
    Number {
        /// The number, shortened.
        number: String,
        /// Its first byte.
        offset: usize,
    },
    /// Lists and objects are nested too deeply.
    #[error("at byte {offset} the nesting is deeper than {MAX_DEPTH}")]
    Depth {
        /// The byte of the bracket that is too much.
        offset: usize,
    },
    /// It is no JSON, or a member stands twice.
    #[error("line {line}, column {column}: {message}")]
    Form {
        /// What is wrong.
        message: String,
        /// The line, from 1.
        line: usize,
        /// The byte of the line, from 1.
        column: usize,
    },
    /// It is of another form than was expected.
    #[error("{message}")]
    Other {
        /// In what.
        message: String,
    },
}

/// Reads one JSON value that every reader understands alike.
///
/// # Errors
/// Whatever is no JSON, and what readers differ about; see the module's text.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonError> {
    scan(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // The scan has bounded the depth, so the parser's own bound, which counts otherwise, is never the first.
    Strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let whole = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = whole.strip_suffix(&place).unwrap_or(&whole).to_owned();
        JsonError::Form { message, line: error.line(), column: error.column() }
    })
}

/// Reads one JSON value of a form that is expected; what is refused is the same.
///
/// # Errors
/// As [`parse_strict`], and what is of another form.
pub fn parse_strict_as<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    // Most texts are read at once; where that goes wrong, the slow way says why.
    // What a reader skips it does not read as a text: of text that only a reader finds fault with, nothing may be skipped.
    let is_plain = std::str::from_utf8(bytes).is_ok() && !bytes.windows(2).any(|two| two == b"\\u");
    if scan(bytes)? == Members::Differ
        && is_plain
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Ok(value);
    }
    serde_json::from_value(parse_strict(bytes)?).map_err(|error| JsonError::Other { message: error.to_string() })
}

/// What a look at a text says of the members of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Members {
    /// No two of an object have the same name.
    Differ,
    /// That takes a closer look.
    Unknown,
}

/// The most members that are compared with each other at a first look.
const COMPARED: usize = 32;

/// Looks at numbers and nesting, which the parser below no longer sees as they were written; and at names.
fn scan(bytes: &[u8]) -> Result<Members, JsonError> {
    let mut members = Members::Differ;
    // Of the objects that are open: each name, with how deep it stands.
    let mut names: Vec<(usize, &[u8])> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        at += match byte {
            b'"' => {
                let length = text_length(rest);
                let after = rest.get(length..).unwrap_or_default();
                if after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
                    let name = rest.get(..length).unwrap_or_default();
                    let before = names.iter().rev().take_while(|(deep, _)| *deep == depth).take(COMPARED);
                    let (many, is_known) =
                        before.fold((0, false), |(many, known), (_, other)| (many + 1, known | (*other == name)));
                    if is_known || many == COMPARED || name.contains(&b'\\') {
                        members = Members::Unknown;
                    }
                    names.push((depth, name));
                }
                length
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(JsonError::Depth { offset: at });
                }
                1
            }
            b']' | b'}' => {
                while names.pop_if(|(deep, _)| *deep >= depth).is_some() {}
                depth = depth.saturating_sub(1);
                1
            }
            b'-' | b'0'..=b'9' => {
                let in_number = |byte: &&u8| matches!(**byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = rest.iter().take_while(in_number).count();
                let number = rest.get(..length).and_then(|token| std::str::from_utf8(token).ok()).unwrap_or_default();
                if !survives(number) {
                    let shown = number.chars().take(40).collect();
                    return Err(JsonError::Number { number: shown, offset: at });
                }
                length
            }
            _ => 1,
        };
    }
    Ok(members)
}

/// The length of a text with its quotes; all that is left where it does not end.
fn text_length(rest: &[u8]) -> usize {
    let mut escaped = false;
    let end = rest.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |end| end + 2)
}

/// The significant digits that name a double at most; printing programs write so many.
const DIGITS: usize = 17;

/// Whether a double keeps a number: its shortest text has the same value. A fraction of no more digits than doubles are
/// printed with is taken too, for it comes from a double. What is no number is left to the parser.
fn survives(token: &str) -> bool {
    let Ok(double) = token.parse::<f64>() else { return true };
    if !double.is_finite() {
        return false;
    }
    match (Decimal::of(token), Decimal::of(ryu_js::Buffer::new().format_finite(double))) {
        (Some(written), Some(kept)) => {
            let fraction = written.exponent < 0 && written.digits.len() <= DIGITS && double.is_normal();
            fraction || written == kept
        }
        _ => true,
    }
}

/// A decimal number as sign, digits without zeros at either end, and the power of ten of the last digit.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Decimal> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let digits = digits.get(..digits.len() - zeros)?.to_vec();
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        // An exponent of more digits than this never gives a finite double other than zero, which then differs.
        let exponent = exponent.parse::<i64>().unwrap_or(i64::MIN / 4);
        let exponent =
            exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(i64::try_from(zeros).ok()?)?;
        Some(Decimal { negative, digits, exponent })
    }
}

/// Reads a value and refuses a member that stands twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number is beyond a double"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if object.contains_key(&name) {
                let shown: String = name.escape_debug().take(60).collect();
                return Err(A::Error::custom(format_args!("the member `{shown}` stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, parse_strict, parse_strict_as};

    #[test]
    fn what_all_readers_agree_about_is_read() {
        let text =
            r#" {"a": [1, -0, 0.1, 1.50, 1e2, 9007199254740992, "\ud83d\ude00 12345678901234567891 [["], "b": null} "#;
        let value = parse_strict(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn numbers_that_a_double_does_not_keep() {
        for number in [
            "9007199254740993",
            "12345678901234567890",
            "1e400",
            "-1e400",
            "1e-400",
            "0.1000000000000000055511151231257827",
            "1e99999999999999999999",
            "1e-99999999999999999999",
        ] {
            let error = parse_strict(format!("[{number}]").as_bytes()).unwrap_err();
            assert!(matches!(error, JsonError::Number { offset: 1, .. }), "{number}: {error}");
        }
        for number in [
            "9007199254740992",
            "1e23",
            "5e-324",
            "1.7976931348623157e308",
            "100000000000000000000000",
            "0e99999999999999999999",
            "0.30000000000000004",
            "0.10000000000000001",
            "333333333.33333329",
        ] {
            parse_strict(number.as_bytes()).unwrap();
        }
    }

    #[test]
    fn a_number_is_the_nearest_double() {
        for text in ["0.1", "2.2250738585072014e-308", "1.7976931348623157e308", "9.5"] {
            assert_eq!(parse_strict(text.as_bytes()).unwrap().as_f64(), Some(text.parse::<f64>().unwrap()));
        }
    }

    #[test]
    fn members_that_stand_twice() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":1}"#, r#"[{"x":{"a":1,"b":2,"a":3}}]"#] {
            let error = parse_strict(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("the member `a` stands twice"), "{error}");
        }
    }

    /// Also where nobody asks for it.
    #[test]
    fn what_is_skipped_is_refused_like_the_rest() {
        #[derive(Debug, serde::Deserialize)]
        struct Some {
            a: u8,
        }
        let refused = |text: &[u8]| parse_strict_as::<Some>(text).unwrap_err() == parse_strict(text).unwrap_err();
        assert_eq!(parse_strict_as::<Some>(br#"{"a":1,"b":"x\ny"}"#).unwrap().a, 1);
        assert!(refused(br#"{"a":1,"b":"\ud800"}"#) && refused(b"{\"a\":1,\"b\":\"\xff\"}"));
        assert!(refused(br#"{"a":1,"b":{"c":1,"c":2}}"#) && refused(br#"{"a":1,"b":9007199254740993}"#));
    }

    /// Whatever the shape: read at once or the slow way, the same is refused, and the same comes of it.
    #[test]
    fn at_once_as_by_the_way_of_a_value() {
        let many = |last: &str| {
            let names: Vec<String> = (0..100).map(|number| format!("\"n{number}\":1")).collect();
            format!("{{{},\"{last}\":2}}", names.join(","))
        };
        let texts = [
            r#"{"a":{"x":1},"b":{"x":2}}"#,
            r#"{"a":[{"x":1},{"x":1}],"x":3}"#,
            r#"{"a":{"x":1,"y":{"x":1}}, "x" : {"y":0}}"#,
            r#"{"a":"a","b":"a:"}"#,
            r#"{"\u0061":1,"b":2}"#,
            r#"{"\u0061":1,"a":2}"#,
            r#"{"a" :1,"a"
                :2}"#,
            r#"{"a":1,"b":[{"c":{"d":1,"e":2,"d":3}}]}"#,
            r#"{"a":1}}"#,
            r#"{"a":1,"b":{"x":1},"a":2}"#,
            "{\"a\":1,\"b\":9007199254740993}",
            "[1]",
            "",
        ];
        for text in texts.map(str::to_owned).into_iter().chain([many("n0"), many("n99"), many("n100")]) {
            type Object = serde_json::Map<String, serde_json::Value>;
            let (at_once, slow) = (parse_strict_as::<Object>(text.as_bytes()), parse_strict(text.as_bytes()));
            match (at_once, slow) {
                (Ok(object), Ok(value)) => assert_eq!(serde_json::Value::Object(object), value, "{text}"),
                (Err(_), Ok(value)) => assert!(!value.is_object(), "{text}"),
                (Err(error), Err(slow)) => assert_eq!(error, slow, "{text}"),
                (Ok(_), Err(error)) => panic!("{text} is not refused: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_json() {
        for text in [
            "",
            "{",
            "[1,]",
            "01",
            "+1",
            "1.",
            ".5",
            "NaN",
            "'a'",
            "{} {}",
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            "\u{feff}1",
            "--1",
            "1e",
            "\"a\nb\"",
        ] {
            assert!(matches!(parse_strict(text.as_bytes()), Err(JsonError::Form { .. })), "{text:?}");
        }
        assert!(matches!(parse_strict(b"\"\xff\""), Err(JsonError::Form { .. })));
    }

    #[test]
    fn nesting() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        parse_strict(nested(127).as_bytes()).unwrap();
        parse_strict(nested(126).as_bytes()).unwrap();
        assert_eq!(parse_strict(nested(128).as_bytes()), Err(JsonError::Depth { offset: 127 }));
        assert_eq!(parse_strict("[".repeat(1_000_000).as_bytes()), Err(JsonError::Depth { offset: 127 }));
    }
}
