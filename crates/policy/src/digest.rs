//! The digest that binds a question, its answer and what runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

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
