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
        let mut value = serde_json::json!({
            "version": VERSION, "host": self.host, "tool": self.tool, "action": self.action.to_string(),
            "args": self.args, "cwd": self.cwd, "project": self.project, "session": self.session,
            "agent": self.agent, "environment": self.environment,
        });
        if let Some(members) = value.as_object_mut().filter(|_| !self.agent_kinds.is_empty()) {
            members.insert("agent_kinds".to_owned(), serde_json::json!(self.agent_kinds));
        }
        Digest(hex(&Sha256::digest(canonical(&value))))
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
        let args: Value = match &self.args {
            Value::Object(members) => {
                let said = members.iter().filter(|(name, value)| says(name, value));
                said.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
            }
            other => other.clone(),
        };
        let value = serde_json::json!({
            "version": VERSION, "host": self.host, "tool": self.tool, "action": self.action.to_string(),
            "args": args, "cwd": self.cwd, "project": self.project, "session": self.session,
            "environment": self.environment,
        });
        Digest(hex(&Sha256::digest(canonical(&value))))
    }
}

/// SHA-256 of these bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
        // serde_json escapes exactly what RFC 8785 asks for, in the same form.
        Value::String(text) => out.push_str(&Value::String(text.clone()).to_string()),
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
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (position, name) in names.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                if let Some(member) = members.get(name) {
                    write(member, out);
                }
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use crate::action::Action;
    use crate::call::Call;

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
