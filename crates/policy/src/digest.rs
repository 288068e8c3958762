//! The digest that binds a question, its answer and what runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::action::Action;
use crate::call::Call;

/// The version of what goes into a digest.
const VERSION: u32 = 1;

/// SHA-256 over the canonical form of a call, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Call {
    /// The host and its session id: what session grants and questions belong to.
    pub fn session_key(&self) -> String {
        format!("{}:{}", self.host, self.session)
    }

    /// The digest of version, host, tool, action, args, cwd, project, session, agent with its kinds, and environment.
    pub fn digest(&self) -> Digest {
        self.digest_of(|_, _| true, true)
    }

    /// What makes two calls of a session the same where repetition is counted: the digest without the agent, so that a
    /// loop cannot be spread over sub-agents, and without arguments that say nothing: a blank name, a null or blank
    /// value, and the words in which an agent describes a command.
    pub fn repeated_as(&self) -> Digest {
        let blank = |text: &str| text.trim().is_empty();
        let says = |name: &str, value: &Value| {
            let is_empty = value.is_null() || value.as_str().is_some_and(blank);
            let is_claim = self.action == Action::Shell && name == "description";
            !(is_empty || is_claim || blank(name))
        };
        self.digest_of(says, false)
    }

    /// The digest of the object's canonical form: its members stand here in the order that it has them. Of the arguments
    /// those count that `says` names.
    fn digest_of(&self, says: impl Fn(&str, &Value) -> bool, with_agent: bool) -> Digest {
        let mut out = String::with_capacity(512);
        let text = |name: &str, text: &str, out: &mut String| {
            out.push_str(name);
            write_text(text, out);
        };
        text("{\"action\":", &self.action.to_string(), &mut out);
        if with_agent {
            match &self.agent {
                Some(agent) => text(",\"agent\":", agent, &mut out),
                None => out.push_str(",\"agent\":null"),
            }
            if !self.agent_kinds.is_empty() {
                out.push_str(",\"agent_kinds\":");
                write(&Value::from(self.agent_kinds.as_slice()), &mut out);
            }
        }
        out.push_str(",\"args\":");
        match &self.args {
            Value::Object(members) => write_object(members.iter().filter(|(name, value)| says(name, value)), &mut out),
            other => write(other, &mut out),
        }
        text(",\"cwd\":", &self.cwd, &mut out);
        out.push_str(",\"environment\":");
        write_members(self.environment.iter(), |value, out| write_text(value, out), &mut out);
        text(",\"host\":", &self.host, &mut out);
        text(",\"project\":", &self.project, &mut out);
        text(",\"session\":", &self.session, &mut out);
        text(",\"tool\":", &self.tool, &mut out);
        out.push_str(&format!(",\"version\":{VERSION}}}"));
        Digest(sha256_hex(out.as_bytes()))
    }
}

/// SHA-256 of these bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out
}

/// The canonical JSON form of RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64() {
            Some(double) => out.push_str(ryu_js::Buffer::new().format_finite(double)),
            None => out.push_str("null"),
        },
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members.iter(), out),
    }
}

fn write_object<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, out: &mut String) {
    write_members(members, write, out);
}

fn write_members<'a, T: 'a>(
    members: impl Iterator<Item = (&'a String, &'a T)>,
    write: impl Fn(&T, &mut String),
    out: &mut String,
) {
    let mut members: Vec<(&String, &T)> = members.collect();
    members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    out.push('{');
    for (position, (name, member)) in members.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(member, out);
    }
    out.push('}');
}

fn write_text(text: &str, out: &mut String) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // serde_json escapes exactly what RFC 8785 asks for, in the same form.
        out.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, sha256_hex};
    use crate::action::Action;
    use crate::call::Call;

    fn call(args: serde_json::Value) -> Call {
        crate::pattern::tests::call("Bash", &args)
    }

    #[test]
    fn a_digest_is_that_of_the_canonical_form() {
        let plain = call(serde_json::json!({"command": "a \"b\" \\\u{7}é", "z": [1, null]}));
        let agent = Call {
            agent: Some("a\n".to_owned()),
            agent_kinds: vec!["x".to_owned(), "y\"".to_owned()],
            environment: [("B".to_owned(), "1".to_owned()), ("A\u{7f}".to_owned(), "\t".to_owned())].into(),
            ..plain.clone()
        };
        for call in [plain, agent] {
            let mut value = serde_json::json!({
                "version": super::VERSION, "host": call.host, "tool": call.tool, "action": call.action.to_string(),
                "args": call.args, "cwd": call.cwd, "project": call.project, "session": call.session,
                "environment": call.environment,
            });
            assert_eq!(call.repeated_as().0, sha256_hex(canonical(&value).as_bytes()));
            value["agent"] = serde_json::json!(call.agent);
            if !call.agent_kinds.is_empty() {
                value["agent_kinds"] = serde_json::json!(call.agent_kinds);
            }
            assert_eq!(call.digest().0, sha256_hex(canonical(&value).as_bytes()));
        }
    }

    /// The same call again, or another: what an agent may vary to make a loop look like progress.
    #[test]
    fn what_says_nothing_makes_no_other_call() {
        let call = |action: Action, args: &str| Call {
            action,
            ..crate::pattern::tests::call("Bash", &serde_json::from_str(args).unwrap_or_default())
        };
        let shell = |args: &str| call(Action::Shell, args).repeated_as();
        let plain = shell(r#"{"command":"make"}"#);
        for same in [
            r#"{"command":"make","description":"build it"}"#,
            r#"{"command":"make","":"1"}"#,
            r#"{"command":"make"," \t":"2"}"#,
            r#"{"command":"make","timeout":null}"#,
            r#"{"command":"make","note":"  "}"#,
        ] {
            assert_eq!(shell(same), plain, "{same}");
        }
        for other in [r#"{"command":"make "}"#, r#"{"command":"make","timeout":1}"#, r#"{"command":"make","x":"y"}"#] {
            assert_ne!(shell(other), plain, "{other}");
        }
        let described = |text: &str| call(Action::Tool("todo".to_owned()), &format!(r#"{{"description":"{text}"}}"#));
        assert_ne!(described("a").repeated_as(), described("b").repeated_as(), "of other tools it is what they do");

        let first = call(Action::Shell, r#"{"command":"make"}"#);
        let spread = Call { agent: Some("helper".to_owned()), turn: Some("t2".to_owned()), ..first.clone() };
        assert_eq!(spread.repeated_as(), first.repeated_as(), "it is not spread over sub-agents");
        assert_ne!(Call { cwd: "/tmp".to_owned(), ..first.clone() }.repeated_as(), first.repeated_as());
    }

    #[test]
    #[expect(clippy::excessive_precision, reason = "the numbers are written as in the RFC")]
    fn the_example_of_rfc_8785() {
        let value = serde_json::json!({
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"/",
            "literals": [null, true, false]
        });
        assert_eq!(
            canonical(&value),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }
}
