//! A call's arguments as a text that a person edits: all of them are there, and all of it can be seen.

use serde_json::Value;
use unicode_normalization::char::is_combining_mark;

use crate::secrets;
use crate::show::hidden;

/// The longest text that is given to be edited, in bytes.
const LONGEST: usize = 32 * 1024;
/// The longest run of spaces in a value that stands as it is.
const SPACES: usize = 32;

/// The arguments as JSON in several lines. What could not be seen in it, or not as what it is, stands as the escape that
/// JSON has for it.
///
/// # Errors
/// Why they cannot be edited as a text, to follow a colon.
pub fn text(args: &Value) -> Result<String, &'static str> {
    if !args.is_object() {
        return Err("they are no JSON object");
    }
    let written = serde_json::to_string_pretty(args).map_err(|_| "they cannot be written as JSON")?;
    // As one text, too: by what stands before it, a value may be a secret.
    if !secrets::find(&written).is_empty() || has_secret(args) {
        return Err("what is masked as a secret would be shown");
    }
    let text = escaped(&written);
    if text.len() > LONGEST { Err("they are too long") } else { Ok(text) }
}

/// The first character of a text that a person wrote which they cannot have seen as what it is, if there is one.
pub fn unseen(text: &str) -> Option<char> {
    text.chars().find(|c| hidden(*c) && !matches!(c, '\n' | '\r' | '\t'))
}

fn has_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => !secrets::find(text).is_empty(),
        Value::Array(items) => items.iter().any(has_secret),
        Value::Object(members) => {
            members.iter().any(|(name, value)| !secrets::find(name).is_empty() || has_secret(value))
        }
        _ => false,
    }
}

/// JSON with its strings' characters escaped where they would not be seen. Outside strings there are none.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut backslash, mut bears) = (false, false, false);
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if !in_string {
            in_string = c == '"';
            bears = false;
            out.push(c);
            continue;
        }
        let mut spaces = usize::from(c == ' ');
        while c == ' ' && rest.next_if_eq(&' ').is_some() {
            spaces += 1;
        }
        if spaces > 0 {
            let space = if spaces > SPACES { "\\u0020" } else { " " };
            out.push_str(&space.repeat(spaces));
        } else if hidden(c) || (is_combining_mark(c) && !bears) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
        in_string = c != '"' || backslash;
        backslash = c == '\\' && !backslash;
        // One accent on a letter is seen; a second one may hide the first, or stand anywhere.
        bears = c.is_alphabetic() && !is_combining_mark(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{text, unseen};

    #[test]
    fn all_of_it_is_there() {
        let args = json!({
            "command": "echo \"a\\\\\" 'é' \u{1F600}\n\t x", "n": [1, 2.5, null, true], "o": { "k \" y": "" },
        });
        let shown = text(&args).unwrap();
        assert!(shown.contains("é") && shown.contains('\u{1F600}'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), args);
    }

    #[test]
    fn nothing_is_hidden_and_nothing_changes() {
        let hostile = "a\u{202E}b\u{200B}\u{FEFF}\u{7f}\u{85}\u{a0}\u{E0041}\\\u{202D}\\\\\" \u{301}o\u{301}\u{301}";
        for value in [hostile.to_owned(), " ".repeat(400), format!("x{}y", " ".repeat(33)), "e\u{301}".to_owned()] {
            let args = json!({ "command": value, "\u{202E}key": 1 });
            let shown = text(&args).unwrap();
            assert_eq!(unseen(&shown), None, "{shown:?}");
            assert!(!shown.contains(&" ".repeat(33)), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), args, "{shown:?}");
        }
        assert!(
            text(&json!({ "c": hostile }))
                .unwrap()
                .contains("a\\u202eb\\u200b\\ufeff\\u007f\\u0085\\u00a0\\udb40\\udc41")
        );
    }

    #[test]
    fn what_is_masked_is_not_given_to_be_edited() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let masked = [
            json!({ "command": format!("curl -H 'Authorization: Bearer {token}' x") }),
            json!({ "password": "hunter2secret" }),
            json!({ "list": [{ "deep": token }] }),
            json!({ token: 1 }),
        ];
        for args in masked {
            assert_eq!(text(&args).unwrap_err(), "what is masked as a secret would be shown", "{args}");
        }
        assert_eq!(text(&json!([1])).unwrap_err(), "they are no JSON object");
        assert_eq!(text(&json!({ "content": "x".repeat(40_000) })).unwrap_err(), "they are too long");
    }
}
