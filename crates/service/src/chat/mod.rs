//! Questions in a chat, answered in words.
//!
//! 1. One question at a time is presented. Its prompt says exactly what would run, and what each word would do.
//! 2. A reply is one of clawbolt's words. It means what the prompt said of it, and counts for the question whose prompt
//!    the channel took last; a word that the prompt does not offer is no reply.
//! 3. Anything else is asked again, at most twice, and then is a new topic.
//!
//! What is here neither keeps nor sends anything: see `store/chats.rs` and `http/api/chat.rs`.

mod prompt;

use countersign_formats::clawbolt::extract::Tool;
use countersign_formats::clawbolt::reply::Reply;
use countersign_policy::approval::Outcome;
use countersign_policy::{Action, Effect, GrantResource, Part, Question, Scope};
use serde::{Deserialize, Serialize};

pub(crate) use prompt::{Also, present};

/// How often a question is asked again.
pub const MOST_AGAIN: u8 = 2;
/// The shortest and the longest message of a channel, in bytes: a prompt that can only be denied always fits.
pub(crate) const LEAST: usize = 1_200;
pub(crate) const MOST: usize = 100_000;

/// A question as it was presented in a chat, with all that a reply to it can mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// The question.
    pub approval: String,
    /// The prompt, in plain text.
    pub text: String,
    /// What may be replied.
    pub offers: Offers,
    /// The longest message that the channel carries, in bytes.
    pub longest: usize,
    /// How often it was asked again.
    pub again: u8,
    /// Whether the channel took the prompt: before that nobody has read it, and nothing that is said is a reply to it.
    pub sent: bool,
}

/// What a prompt offers beside `no`, which it always does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// Whether `yes` allows it.
    pub yes: bool,
    /// What `always` remembers.
    pub always: Option<Remembering>,
    /// What `always all` remembers; without it that is read as `always`.
    pub always_all: Option<Remembering>,
    /// What `never` remembers.
    pub never: Option<Remembering>,
}

/// What a reply remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembering {
    /// How far it reaches.
    pub scope: Scope,
    /// For how many seconds; `None`: as long as the scope lasts.
    pub seconds: Option<i64>,
    /// Which of the question's offers.
    pub chosen: Vec<Chosen>,
}

/// One offer of a question, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The place of the part in [`Question::parts`].
    pub part: usize,
    /// The place of the offer in [`Part::offers`].
    pub offer: usize,
}

/// What a message means as a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning<'p> {
    /// It is one.
    Answer(Outcome, Option<&'p Remembering>),
    /// It would be one, but the prompt does not offer it.
    NotOffered,
    /// It is none.
    None,
}

/// Why a question is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// What was said is no reply.
    NoReply,
    /// It is one that the prompt does not offer.
    NotOffered,
    /// Policy has become stricter: it can only be denied.
    Stricter,
    /// Policy no longer lets that be remembered.
    NotRemembered,
}

/// The reply that a message is, if it is one: words of the table, and nothing that comes along with them.
pub(crate) fn word(text: &str, attachments: u32) -> Option<Reply> {
    if attachments > 0 { None } else { Reply::of(text) }
}

impl Presented {
    /// What a message means as a reply to this prompt.
    pub(crate) fn meaning(&self, text: &str, attachments: u32) -> Meaning<'_> {
        let Some(reply) = word(text, attachments) else { return Meaning::None };
        let Offers { yes, always, always_all, never } = &self.offers;
        let (outcome, remembers) = match reply {
            Reply::Denied => return Meaning::Answer(Outcome::Deny, None),
            Reply::Approved if *yes => return Meaning::Answer(Outcome::Allow, None),
            Reply::Approved => return Meaning::NotOffered,
            Reply::AlwaysAllow => (Outcome::Allow, always.as_ref()),
            Reply::AlwaysAllowAll => (Outcome::Allow, always_all.as_ref().or(always.as_ref())),
            Reply::AlwaysDeny => (Outcome::Deny, never.as_ref()),
        };
        match remembers {
            Some(_) => Meaning::Answer(outcome, remembers),
            None => Meaning::NotOffered,
        }
    }

    /// The prompt once more, behind a word of why.
    pub(crate) fn again(&self, why: Again) -> String {
        format!("{}{}", prompt::sorry(why), self.text)
    }
}

impl Offers {
    /// What a question offers. What may be remembered only of some of its parts is not offered: the next such call would
    /// be asked about all the same.
    pub(crate) fn of(question: &Question) -> Offers {
        if question.unapprovable.is_some() {
            return Offers::default();
        }
        let always = remembering(question, |part| (!part.offers.is_empty()).then_some(0));
        let everything = |part: &Part| part.offers.iter().position(|offer| offer.resource == GrantResource::Whole);
        let asked = || question.parts.iter().filter(|part| part.effect == Effect::Ask);
        let blanket = asked().all(|part| noun(&part.action).is_some());
        let always_all = if blanket { remembering(question, everything) } else { None };
        // A call that names nothing has no others like it: "always" says all that there is to say.
        let always_all = always_all.filter(|all| always.as_ref() != Some(all));
        Offers { yes: true, never: always.clone(), always, always_all }
    }
}

/// What a blanket answer to a tool's calls is about: `recipients`.
fn noun(action: &Action) -> Option<&'static str> {
    match action {
        Action::Tool(name) => Tool::named(name)?.noun,
        _ => None,
    }
}

/// The choice of one offer of each part that is asked about; `None` where a part has none, or no scope fits.
fn remembering(question: &Question, offer: impl Fn(&Part) -> Option<usize>) -> Option<Remembering> {
    let asked = || question.parts.iter().enumerate().filter(|(_, part)| part.effect == Effect::Ask);
    let chosen = asked().map(|(at, part)| Some(Chosen { part: at, offer: offer(part)? }));
    let chosen = chosen.collect::<Option<Vec<_>>>().filter(|chosen| !chosen.is_empty())?;
    let widest = asked().map(|(_, part)| widest(&part.action)).min()?;
    let scopes = question.scopes.iter().filter(|offered| offered.scope <= widest);
    let scope = scopes.max_by_key(|offered| offered.scope)?;
    Some(Remembering { scope: scope.scope, seconds: scope.max_seconds, chosen })
}

/// How far "always" reaches at most. A tool is the same in every project; what a command or a path is depends on where.
fn widest(action: &Action) -> Scope {
    match action {
        Action::Tool(_) | Action::Mcp { .. } | Action::Fetch => Scope::User,
        _ => Scope::Project,
    }
}

#[cfg(test)]
mod tests;
