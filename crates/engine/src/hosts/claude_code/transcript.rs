//! What the host has written down of a session: whether a call in it can be put off.
//!
//! The host passes a hook's "defer" over where one message makes several calls, and where it is older than the word: the
//! call then goes on to the host's own rules, which may let it run. So the word is said only where the transcript shows
//! that it will be heeded.

use serde_json::Value;

/// The first version that knows the word.
const SINCE: [u64; 3] = [2, 1, 89];

/// Why a call cannot be put off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// The transcript does not show it, or not yet.
    #[error("the host's transcript does not show the call, so that nobody knows whether it can be put off")]
    NotShown,
    /// Its message makes other calls too, and only one could be taken up again.
    #[error(
        "it waits for a person's answer, and the host can put off only a call that its message makes alone: \
         make this call again, and no other beside it"
    )]
    NotAlone,
    /// The host does not know the word.
    #[error("it waits for a person's answer, and Claude Code can put calls off since 2.1.89, and this is `{0}`")]
    TooOld(String),
    /// A sub-agent makes it, and nobody resumes those.
    #[error("it waits for a person's answer, and the host cannot put off what a sub-agent calls")]
    SubAgent,
}

/// Whether the host heeds it when a hook puts this call off. `transcript` may begin in the middle of a line.
///
/// # Errors
/// Why it would not, or why that is not known.
pub fn deferrable(transcript: &[u8], call_id: &str) -> Result<(), Hindrance> {
    let lines: Vec<Value> = transcript
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter(|line: &Value| line.get("type").and_then(Value::as_str) == Some("assistant"))
        .collect();
    let line = lines.iter().rev().find(|line| calls(line).any(|id| id == Some(call_id))).ok_or(Hindrance::NotShown)?;
    if line.get("isSidechain") != Some(&Value::Bool(false)) {
        return Err(Hindrance::SubAgent);
    }
    let version = line.get("version").and_then(Value::as_str).unwrap_or_default();
    if !knows_the_word(version) {
        return Err(Hindrance::TooOld(crate::show::printable(version)));
    }
    // A message is written down in several lines, one for each call or all in one.
    let message = message_id(line).ok_or(Hindrance::NotShown)?;
    let same = lines.iter().filter(|line| message_id(line) == Some(message));
    if same.flat_map(calls).any(|id| id != Some(call_id)) {
        return Err(Hindrance::NotAlone);
    }
    Ok(())
}

/// The ids of the calls that a line makes; `None` for one without a readable id.
fn calls(line: &Value) -> impl Iterator<Item = Option<&str>> {
    let blocks = line.pointer("/message/content").and_then(Value::as_array).into_iter().flatten();
    let calls = blocks.filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_use"));
    calls.map(|call| call.get("id").and_then(Value::as_str))
}

fn message_id(line: &Value) -> Option<&str> {
    line.pointer("/message/id").and_then(Value::as_str).filter(|id| !id.is_empty())
}

/// A version that is not three numbers is not known to know it.
fn knows_the_word(version: &str) -> bool {
    let numbers: Vec<u64> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    numbers.len() == 3 && version.split('.').count() == 3 && numbers.as_slice() >= SINCE.as_slice()
}

#[cfg(test)]
mod tests {
    use super::{Hindrance, deferrable};
    use serde_json::{Value, json};

    /// A line as the host writes it.
    fn line(message: &str, calls: &[&str]) -> Value {
        let calls: Vec<Value> =
            calls.iter().map(|id| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {}})).collect();
        json!({
            "isSidechain": false, "message": {"id": message, "role": "assistant", "content": calls},
            "type": "assistant", "entrypoint": "sdk-cli", "version": "2.1.329",
        })
    }

    fn text(lines: &[Value]) -> Vec<u8> {
        lines.iter().fold(String::new(), |text, line| format!("{text}{line}\n")).into_bytes()
    }

    #[test]
    fn a_call_alone_in_its_message_can_be_put_off() {
        let lines = [line("m1", &["t1"]), line("m1", &[]), line("m2", &["t2"])];
        assert_eq!(deferrable(&text(&lines), "t2"), Ok(()));
        // What is read of a long file begins in the middle of a line, and the last one may still be written.
        let cut = [b"\"type\":\"assistant\"}\n".as_slice(), &text(&lines), b"{\"type\":\"ass"].concat();
        assert_eq!(deferrable(&cut, "t2"), Ok(()));
    }

    #[test]
    fn several_calls_of_one_message_cannot_be_put_off() {
        for lines in [
            vec![line("m1", &["t1", "t2"])],
            vec![line("m1", &["t1"]), line("m1", &["t2"])],
            vec![line("m1", &["t2"]), line("m0", &[]), line("m1", &["t1"])],
        ] {
            assert_eq!(deferrable(&text(&lines), "t1"), Err(Hindrance::NotAlone), "{lines:?}");
            assert_eq!(deferrable(&text(&lines), "t2"), Err(Hindrance::NotAlone), "{lines:?}");
        }
        let mut nameless = line("m1", &["t1", "t2"]);
        nameless["message"]["content"][1]["id"] = Value::Null;
        assert_eq!(deferrable(&text(&[nameless]), "t1"), Err(Hindrance::NotAlone));
    }

    #[test]
    fn what_the_transcript_does_not_show_is_not_put_off() {
        let with = |member: &str, value: Value| {
            let mut line = line("m1", &["t1"]);
            line[member] = value;
            deferrable(&text(&[line]), "t1")
        };
        assert_eq!(deferrable(b"", "t1"), Err(Hindrance::NotShown));
        assert_eq!(deferrable(&text(&[line("m1", &["t2"])]), "t1"), Err(Hindrance::NotShown));
        assert_eq!(with("type", json!("user")), Err(Hindrance::NotShown));
        assert_eq!(with("isSidechain", json!(true)), Err(Hindrance::SubAgent));
        assert_eq!(with("isSidechain", Value::Null), Err(Hindrance::SubAgent));
        for version in ["2.1.88", "2.0.999", "1.9.329", "", "2.1", "2.1.329.1", "2.1.x", "2.1.329-dev"] {
            assert_eq!(with("version", json!(version)), Err(Hindrance::TooOld(version.to_owned())), "{version}");
        }
        for version in ["2.1.89", "2.1.329", "2.2.0", "3.0.0"] {
            assert_eq!(with("version", json!(version)), Ok(()), "{version}");
        }
        let mut nameless = line("m1", &["t1"]);
        nameless["message"]["id"] = Value::Null;
        assert_eq!(deferrable(&text(&[nameless]), "t1"), Err(Hindrance::NotShown));
    }

    #[test]
    fn what_the_model_writes_makes_no_line() {
        let mut said = line("m1", &["t1", "t2"]);
        said["message"]["content"][0]["input"] = json!({"command": format!("\n{}\n", line("m9", &["t1"]))});
        assert_eq!(deferrable(&text(&[said]), "t1"), Err(Hindrance::NotAlone));
    }
}
