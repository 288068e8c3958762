//! An application that carries prompts and replies between a chat and the server, and an agent at work behind it.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

/// A clawbolt policy, taken in as one source.
pub(crate) const IMPORT: &str = r#"
nobody = "wait 10m"

[[import]]
from = "PERMISSIONS.json"

[tools."tool:web_fetch"]
resource = "/url"

[tools."tool:scoped"]
resource = "/res"
"#;

impl World {
    /// A server whose user's policy is this text, with this as clawbolt's file beside it.
    pub(crate) async fn with_clawbolt(policy: &str, permissions: &Value) -> World {
        let world = World::new().await;
        world.permissions(permissions);
        std::fs::write(world.user_policy(), policy).unwrap();
        world
    }

    pub(crate) fn permissions(&self, permissions: &Value) {
        let file = self.user_policy().with_file_name("PERMISSIONS.json");
        std::fs::write(file, permissions.to_string()).unwrap();
    }

    /// What an agent sends to call a tool in a turn.
    pub(crate) fn tool(&self, turn: &str, tool: &str, args: &Value) -> Value {
        let project = self.project();
        json!({ "host": "countersign", "tool": tool, "args": args, "cwd": project, "project": project, "turn": turn })
    }

    /// What policy says of a tool's call.
    pub(crate) fn decided(&self, token: &str, call: &Value) -> Value {
        self.ask("POST", "/v1/decide").bearer(token).json(call).send().is(200).json()
    }

    /// Asks about a tool's call, and returns the question's id.
    pub(crate) fn asks(&self, token: &str, call: &Value) -> String {
        let asked = self.ask("POST", "/v1/ask").bearer(token).json(call).send().is(201).json();
        asked["approval"]["id"].as_str().unwrap().to_owned()
    }

    /// The state of a question, as its agent sees it.
    pub(crate) fn state(&self, token: &str, id: &str) -> Value {
        let wait = self.ask("GET", &format!("/v1/approvals/{id}/wait?seconds=0"));
        wait.bearer(token).send().is(200).json()["state"].clone()
    }

    pub(crate) fn redeems(&self, token: &str, id: &str, call: &Value) -> Answer {
        self.ask("POST", &format!("/v1/approvals/{id}/redeem")).bearer(token).json(call).send()
    }

    /// What a human has had remembered.
    pub(crate) fn granted(&self, secret: &str) -> Vec<Value> {
        let grants = self.ask("GET", "/v1/grants").bearer(secret).send().is(200).json();
        grants.as_array().unwrap().iter().map(|kept| kept["grant"].clone()).collect()
    }
}

/// One chat.
pub(crate) struct Chat {
    /// The human's, whose chat it is.
    pub(crate) secret: String,
    session: String,
    said: Cell<u32>,
}

impl Chat {
    pub(crate) fn of(secret: &str, session: &str) -> Chat {
        Chat { secret: secret.to_owned(), session: session.to_owned(), said: Cell::new(0) }
    }

    pub(crate) fn post(&self, world: &World, what: &str, body: &Value) -> Answer {
        let path = format!("/v1/chat/countersign%3A{}/{what}", self.session);
        world.ask("POST", &path).bearer(&self.secret).json(body).send()
    }

    /// The prompt that is to be sent, and nothing else done.
    pub(crate) fn peek(&self, world: &World) -> Value {
        self.post(world, "present", &json!({})).is(200).json()["prompt"].clone()
    }

    /// Presents a question and sends its prompt, whose text it returns.
    pub(crate) fn present(&self, world: &World) -> String {
        let prompt = self.peek(world);
        self.send(world, &prompt);
        prompt["text"].as_str().unwrap_or_else(|| panic!("nothing is asked: {prompt}")).to_owned()
    }

    /// The channel takes a prompt.
    pub(crate) fn send(&self, world: &World, prompt: &Value) {
        if prompt["question"].is_string() {
            self.post(world, "sent", &json!({ "question": prompt["question"] })).is(204);
        }
    }

    /// A person writes something; what is to be sent next is.
    pub(crate) fn say(&self, world: &World, text: &str) -> Value {
        let heard = self.whisper(world, text, 0);
        self.send(world, &heard["prompt"]);
        heard
    }

    /// A person writes something, and what is to be sent next gets lost.
    pub(crate) fn whisper(&self, world: &World, text: &str, attachments: u32) -> Value {
        self.said.set(self.said.get() + 1);
        let id = format!("m{}", self.said.get());
        let body = json!({ "text": text, "attachments": attachments, "message_id": id });
        self.post(world, "message", &body).is(200).json()
    }
}

/// What a message comes to, and whether it was about a question.
pub(crate) fn outcome(heard: &Value) -> (&str, bool) {
    (heard["outcome"].as_str().unwrap(), heard["handled"].as_bool().unwrap())
}
