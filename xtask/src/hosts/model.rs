//! A model that plays a script: the Messages API of Anthropic, on this machine, streamed and not.
//!
//! It holds no state between requests. Which turn it plays is the number of messages of the assistant that already hold
//! tool calls, so that a retry, a resumed session and a sub-agent see the same answer as before.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::http;

/// What the model does in one turn.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Calls these tools, with these arguments, at once.
    Calls(Vec<(&'static str, Value)>),
    /// Says this and ends.
    Text(&'static str),
    /// Thinks until it is told to go on, then plays this.
    Hold(Box<Turn>),
}

impl Turn {
    /// One command line for `Bash`.
    pub(crate) fn bash(command: &str) -> Self {
        Self::Calls(vec![("Bash", json!({ "command": command, "description": "a step of the scenario" }))])
    }
}

/// What came back to the model for one of its calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolResult {
    /// The call, as `toolu_TURN_INDEX`.
    pub(crate) id: String,
    /// Whether the host calls it an error.
    pub(crate) is_error: bool,
    /// What the model reads.
    pub(crate) text: String,
}

/// A server that plays one script until it is dropped.
pub(crate) struct Model {
    /// Where it listens.
    pub(crate) port: u16,
    played: Arc<Played>,
}

struct Played {
    turns: Vec<Turn>,
    is_over: AtomicBool,
    may_go_on: Mutex<bool>,
    went_on: Condvar,
    results: Mutex<Vec<ToolResult>>,
}

impl Model {
    /// Starts to listen on a free port of this machine.
    pub(crate) fn play(turns: Vec<Turn>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen for the model")?;
        let port = listener.local_addr()?.port();
        let played = Arc::new(Played {
            turns,
            is_over: AtomicBool::new(false),
            may_go_on: Mutex::new(false),
            went_on: Condvar::new(),
            results: Mutex::default(),
        });
        let listening = Arc::clone(&played);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if listening.is_over.load(Ordering::SeqCst) {
                    break;
                }
                let played = Arc::clone(&listening);
                std::thread::spawn(move || played.serve(&stream));
            }
        });
        Ok(Self { port, played })
    }

    /// Lets the model play what it holds back.
    pub(crate) fn go_on(&self) {
        *self.played.may_go_on.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.played.went_on.notify_all();
    }

    /// What the model has read so far, each call's result once, in the order of arrival.
    pub(crate) fn results(&self) -> Vec<ToolResult> {
        self.played.results.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Model {
    /// Wakes the listener to tell it that the play is over.
    fn drop(&mut self) {
        self.played.is_over.store(true, Ordering::SeqCst);
        self.go_on();
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Played {
    /// Answers until the client closes. An error of the connection is the client's to report.
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Ok(Some(request)) = http::read(&mut reader) {
            let path = request.path().split('?').next().unwrap_or_default().to_owned();
            let body: Value = serde_json::from_str(&request.body).unwrap_or(Value::Null);
            let (kind, answer) = if path.ends_with("/messages") {
                let message = self.answer(&body);
                if body.get("stream") == Some(&Value::Bool(true)) {
                    ("text/event-stream", events(&message))
                } else {
                    ("application/json", message.to_string())
                }
            } else {
                ("application/json", json!({ "input_tokens": 10 }).to_string())
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", answer.len());
            let mut stream = stream;
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).is_err() {
                return;
            }
        }
    }

    fn answer(&self, body: &Value) -> Value {
        let messages = || body.get("messages").and_then(Value::as_array).into_iter().flatten();
        let parts = |role: &'static str, kind: &'static str| {
            messages().filter(move |message| is(message, "role", role)).map(move |message| {
                let parts = message.get("content").and_then(Value::as_array).into_iter().flatten();
                parts.filter(move |part| is(part, "type", kind))
            })
        };
        self.remember(parts("user", "tool_result").flatten());
        let done = parts("assistant", "tool_use").filter_map(|mut calls| calls.next()).count();
        let has_tools = body.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty());
        let (content, stop) = match self.turn(done) {
            _ if !has_tools => (json!([{ "type": "text", "text": "ok" }]), "end_turn"),
            Some(Turn::Calls(calls)) => {
                let calls = calls.iter().enumerate().map(|(index, (name, input))| {
                    json!({ "type": "tool_use", "id": format!("toolu_{done}_{index}"), "name": name, "input": input })
                });
                (Value::Array(calls.collect()), "tool_use")
            }
            Some(Turn::Text(text)) => (json!([{ "type": "text", "text": text }]), "end_turn"),
            Some(Turn::Hold(_)) | None => (json!([{ "type": "text", "text": "done" }]), "end_turn"),
        };
        json!({
            "id": format!("msg_{done}"), "type": "message", "role": "assistant", "model": "mock-model",
            "content": content, "stop_reason": stop, "stop_sequence": null,
            "usage": { "input_tokens": 10, "output_tokens": 10 },
        })
    }

    fn turn(&self, number: usize) -> Option<&Turn> {
        let turn = self.turns.get(number)?;
        let Turn::Hold(held) = turn else { return Some(turn) };
        let waiting = self.may_go_on.lock().unwrap_or_else(PoisonError::into_inner);
        let _told = self.went_on.wait_while(waiting, |may_go_on| !*may_go_on);
        Some(held)
    }

    fn remember<'a>(&self, parts: impl Iterator<Item = &'a Value>) {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        for part in parts {
            let id = part.get("tool_use_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            if results.iter().any(|known| known.id == id) {
                continue;
            }
            let is_error = part.get("is_error") == Some(&Value::Bool(true));
            results.push(ToolResult { id, is_error, text: text(part.get("content")) });
        }
    }
}

/// A content as text: a string, or the texts of its parts.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn is(value: &Value, key: &str, wanted: &str) -> bool {
    value.get(key).and_then(Value::as_str) == Some(wanted)
}

/// A message as the events of a stream.
fn events(message: &Value) -> String {
    let mut start = message.clone();
    if let Some(fields) = start.as_object_mut() {
        fields.insert("content".to_owned(), json!([]));
        fields.insert("stop_reason".to_owned(), Value::Null);
    }
    let mut events = vec![json!({ "type": "message_start", "message": start })];
    let blocks = message.get("content").and_then(Value::as_array).into_iter().flatten();
    for (index, block) in blocks.enumerate() {
        let (empty, delta) = if is(block, "type", "tool_use") {
            let mut empty = block.clone();
            let input = empty.as_object_mut().and_then(|fields| fields.insert("input".to_owned(), json!({})));
            let input = input.unwrap_or_default().to_string();
            (empty, json!({ "type": "input_json_delta", "partial_json": input }))
        } else {
            let said = block.get("text").cloned().unwrap_or_default();
            (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": said }))
        };
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": empty }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let stop = json!({ "stop_reason": message.get("stop_reason"), "stop_sequence": null });
    events.push(json!({ "type": "message_delta", "delta": stop, "usage": message.get("usage") }));
    events.push(json!({ "type": "message_stop" }));
    let named = events.iter().map(|event| {
        let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(model: &Model, body: &Value) -> http::Message {
        http::request(model.port, "POST", "/v1/messages?beta=true", &[], &body.to_string()).unwrap()
    }

    #[test]
    fn the_turn_is_the_number_of_calls_made_before() {
        let model = Model::play(vec![Turn::bash("ls"), Turn::Text("finished")]).unwrap();
        let tools = json!([{ "name": "Bash" }]);
        let first = ask(&model, &json!({ "tools": tools, "messages": [{ "role": "user", "content": "go" }] }));
        assert!(first.body.contains(r#""command":"ls""#) && first.body.contains(r#""id":"toolu_0_0""#), "{first:?}");
        let body = json!({ "stream": true, "tools": tools, "messages": [
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "toolu_0_0" }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_0_0", "is_error": true,
                "content": [{ "type": "text", "text": "no" }] }] },
        ] });
        let second = ask(&model, &body);
        assert_eq!(second.header("content-type"), Some("text/event-stream"));
        assert!(
            second.body.contains("finished") && second.body.ends_with("\"type\":\"message_stop\"}\n\n"),
            "{second:?}"
        );
        let result = ToolResult { id: "toolu_0_0".to_owned(), is_error: true, text: "no".to_owned() };
        assert_eq!(model.results(), [result]);
    }

    #[test]
    fn a_request_without_tools_is_a_side_question() {
        let model = Model::play(vec![Turn::bash("ls")]).unwrap();
        assert!(!ask(&model, &json!({ "messages": [] })).body.contains("tool_use"));
    }
}
