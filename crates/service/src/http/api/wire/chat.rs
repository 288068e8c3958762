//! Questions in a chat.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::chat::Presented;

/// What a chat's channel can do, and how long to wait for a question.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PresentBody {
    /// The longest message that the channel carries, in bytes of UTF-8; 4096 unless given. What does not fit can only be
    /// denied there.
    #[serde(default)]
    pub(crate) longest: Option<usize>,
    /// Wait at most so many seconds for a question, 60 at most; not at all unless given. Meanwhile, and for a minute
    /// after, the session counts as one whose questions reach somebody.
    #[serde(default)]
    pub(crate) seconds: Option<u64>,
}

/// What is to be sent into the chat.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PresentedBody {
    /// The prompt; none if there is nothing to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<PromptBody>,
}

/// A prompt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PromptBody {
    /// The question that it is about: name it to `/sent` once the channel has taken the prompt.
    pub(crate) question: String,
    /// Its text, to be sent as it stands, in one message and as plain text: a channel's markup could hide what would run.
    pub(crate) text: String,
    /// The replies that it offers: `yes`, `no`, `always`, `always all`, `never`.
    pub(crate) offers: Vec<&'static str>,
    /// How often it was asked again.
    pub(crate) again: u8,
    /// Whether the channel has taken it before: then it need not be sent again, unless it is asked again.
    pub(crate) sent: bool,
}

impl PromptBody {
    /// With the text as it is to be sent now.
    pub(crate) fn of(presented: &Presented, text: String) -> PromptBody {
        let offers = &presented.offers;
        let all = [
            ("yes", offers.yes),
            ("no", true),
            ("always", offers.always.is_some()),
            ("always all", offers.always_all.is_some()),
            ("never", offers.never.is_some()),
        ];
        PromptBody {
            question: presented.approval.clone(),
            text,
            offers: all.into_iter().filter(|(_, offered)| *offered).map(|(word, _)| word).collect(),
            again: presented.again,
            sent: presented.sent,
        }
    }
}

/// The prompt that a channel took.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SentBody {
    /// Its question.
    pub(crate) question: String,
}

/// What a person said in the chat.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageBody {
    /// The text, as it was written.
    pub(crate) text: String,
    /// How many pictures, files and so on came with it: such a message is no reply.
    #[serde(default)]
    pub(crate) attachments: u32,
    /// The channel's own id of the message: one that is delivered twice counts once.
    pub(crate) message_id: String,
    /// Where the channel tells to which prompt it is a reply: that prompt's question.
    #[serde(default)]
    pub(crate) question: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeardBody {
    /// Whether it was about a question. If not, it is an ordinary message, for the agent.
    pub(crate) handled: bool,
    /// `allowed`, `denied`, `asked_again`, `not_shown` (the prompt had not been sent), `over` (it is a reply to a question
    /// that is over), `new_topic` (what was left of the turn was withdrawn) or `nothing_asked`.
    pub(crate) outcome: &'static str,
    /// The question that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<String>,
    /// For `over`: what became of the question, for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// What is remembered now, by the grants' ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<String>,
    /// The other questions that were answered with it, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<String>,
    /// For `new_topic`: the questions that were withdrawn, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) interrupted: Vec<String>,
    /// What is to be sent into the chat next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<PromptBody>,
}
