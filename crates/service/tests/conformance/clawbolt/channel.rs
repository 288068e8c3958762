//! A chat behind the server: an application presents questions in it and brings back what a person says.

use serde_json::{Value, json};

use crate::world::{Agent, World};

/// What a person says who speaks of something else.
const ANOTHER_TOPIC: &str = "what's the weather?";

pub(super) struct Channel {
    path: String,
    /// The application's secret.
    secret: String,
    /// How many messages there were.
    said: u32,
    /// How many prompts the channel took.
    pub(super) sent: usize,
}

/// A prompt.
pub(super) struct Prompt {
    pub(super) question: String,
    pub(super) offers: Vec<String>,
    pub(super) again: u64,
    sent: bool,
}

impl Channel {
    pub(super) fn new(world: &World, agent: &Agent) -> Channel {
        let path = format!("/v1/chat/{}%3A{}", agent.host, agent.session);
        Channel { path, secret: world.application(), said: 0, sent: 0 }
    }

    /// The prompt that is presented there now, or is to be sent.
    pub(super) fn present(&self, world: &World) -> Option<Prompt> {
        let presented = self.post(world, "present", &json!({}));
        Prompt::of(&presented["prompt"])
    }

    /// The same, and the channel takes it.
    pub(super) fn send(&mut self, world: &World) {
        if let Some(prompt) = self.present(world) {
            self.take(world, &prompt);
        }
    }

    /// The channel takes a prompt.
    pub(super) fn take(&mut self, world: &World, prompt: &Prompt) {
        if !prompt.sent {
            self.post(world, "sent", &json!({ "question": prompt.question }));
            self.sent += 1;
        }
    }

    /// A person says something; what became of that.
    pub(super) fn say(&mut self, world: &World, text: &str) -> Value {
        self.said += 1;
        self.post(world, "message", &json!({ "text": text, "message_id": self.said.to_string() }))
    }

    /// A person speaks of something else. clawbolt's model hears that at once; here it is asked again before it counts.
    pub(super) fn change_topic(&mut self, world: &World) {
        loop {
            let heard = self.say(world, ANOTHER_TOPIC);
            match heard["outcome"].as_str() {
                Some("asked_again") => {}
                outcome => return assert_eq!(outcome, Some("new_topic"), "{heard}"),
            }
        }
    }

    fn post(&self, world: &World, what: &str, body: &Value) -> Value {
        let answer = world.send("POST", &format!("{}/{what}", self.path), &self.secret, body);
        assert!([200, 204].contains(&answer.status), "{}", answer.body);
        answer.body
    }
}

impl Prompt {
    fn of(prompt: &Value) -> Option<Prompt> {
        Some(Prompt {
            question: prompt["question"].as_str()?.to_owned(),
            offers: crate::case::texts(&prompt["offers"]),
            again: prompt["again"].as_u64()?,
            sent: prompt["sent"] == true,
        })
    }

    pub(super) fn is_offered(&self, words: &str) -> bool {
        self.offers.iter().any(|offer| offer == words)
    }
}
