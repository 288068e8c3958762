//! What is said in a chat: a reply to the question that is presented there, or something else. Each message counts once.

use countersign_policy::approval::{CancelReason, Event, Outcome, State};
use countersign_policy::{Timestamp, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::chats::is_of;
use super::once::KeyReused;
use super::{Chat, Human, Recheck, Record, Reply, ReplyError, Store, StoreError, Synchronous, Writing};
use crate::chat::{Again, MOST_AGAIN, Meaning, word};

/// How long a message is known as heard: 30 days.
const HEARD_MS: i64 = 2_592_000_000;

/// What a person said in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The channel's own id of it.
    pub id: String,
    /// The text.
    pub text: String,
    /// How many pictures, files and so on came with it.
    pub attachments: u32,
    /// The question to whose prompt it is a reply, where the channel tells.
    pub question: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "heard", rename_all = "snake_case")]
pub enum Heard {
    /// It answered the question.
    Answered {
        /// The question.
        question: String,
        /// Yes or no.
        outcome: Outcome,
        /// The grants that it made, by id.
        grants: Vec<String>,
        /// The other questions that were answered with it, by id.
        also: Vec<String>,
    },
    /// It did not, and the question is asked again.
    AskedAgain {
        /// The question.
        question: String,
        /// Why.
        why: Again,
    },
    /// It is a reply to a question that is over. Nothing was changed.
    Over {
        /// The question.
        question: String,
        /// What became of it, in words.
        words: String,
    },
    /// It is a reply, and the channel has not taken the prompt yet: nobody can have read it. Nothing was changed.
    NotShown {
        /// The question.
        question: String,
    },
    /// It is a new topic: what was left of the turn's questions was withdrawn.
    NewTopic {
        /// The questions that were withdrawn, by id.
        interrupted: Vec<String>,
    },
    /// Nothing was asked there.
    NothingAsked,
}

/// Why a message counts for nothing. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// The id came with another message.
    #[error("this message's id was used for another message: every message needs an id of its own")]
    Reused,
    /// Another question is presented than the one that the answer is for.
    #[error("another question was presented meanwhile")]
    Changed,
    /// The answer cannot be taken.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyReused> for HearError {
    fn from(_: KeyReused) -> HearError {
        HearError::Reused
    }
}

impl Store {
    /// Hears a message, once. `reply` is what it comes to as a reply to the question that is presented, where it is one.
    ///
    /// # Errors
    /// See [`HearError`]; nothing was written then.
    pub async fn hear(
        &mut self,
        chat: &Chat,
        message: &Message,
        reply: Option<&Reply>,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Heard, HearError> {
        let heard = self.hear_once(chat, message, Ok(reply), human, now, recheck).await;
        match heard {
            // What the answer had begun to write is gone with its transaction.
            Err(HearError::Reply(error)) => match asked_again(&error) {
                Some(why) => self.hear_once(chat, message, Err(why), human, now, recheck).await,
                None => Err(HearError::Reply(error)),
            },
            heard => heard,
        }
    }

    async fn hear_once(
        &mut self,
        chat: &Chat,
        message: &Message,
        reply: Result<Option<&Reply>, Again>,
        human: &Human,
        now: Timestamp,
        recheck: Recheck<'_>,
    ) -> Result<Heard, HearError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        if let Some(heard) = writing.heard(chat, message).await?? {
            return Ok(heard);
        }
        let heard = writing.hear(chat, message, reply, human, recheck).await?;
        writing.note_heard(chat, message, &heard).await?;
        writing.commit().await?;
        Ok(heard)
    }
}

/// Why a question is asked again whose answer policy does not take.
fn asked_again(error: &ReplyError) -> Option<Again> {
    match error {
        ReplyError::Stricter { .. } | ReplyError::Unapprovable(_) => Some(Again::Stricter),
        ReplyError::Scope { .. } | ReplyError::TooLong { .. } | ReplyError::NotOffered(_) => Some(Again::NotRemembered),
        _ => None,
    }
}

impl Writing<'_> {
    async fn hear(
        &mut self,
        chat: &Chat,
        message: &Message,
        reply: Result<Option<&Reply>, Again>,
        human: &Human,
        recheck: Recheck<'_>,
    ) -> Result<Heard, HearError> {
        let is_word = word(&message.text, message.attachments).is_some();
        let presented = self.presented(chat).await?;
        // A reply to an older prompt is none to this one.
        if let Some(question) = &message.question
            && presented.as_ref().is_none_or(|presented| presented.approval != *question)
        {
            return Ok(if is_word { self.over_there(chat, question).await? } else { Heard::NothingAsked });
        }
        let Some(mut presented) = presented else { return Ok(Heard::NothingAsked) };
        let question = presented.approval.clone();
        let Some(record) = self.open_there(chat, &question).await? else {
            self.keep_presented(chat, None).await?;
            return Ok(if is_word { self.over_there(chat, &question).await? } else { Heard::NothingAsked });
        };
        if !presented.sent {
            return Ok(if is_word { Heard::NotShown { question } } else { Heard::NothingAsked });
        }
        let why = match (presented.meaning(&message.text, message.attachments), reply) {
            (_, Err(why)) => why,
            (Meaning::None, _) => Again::NoReply,
            (Meaning::NotOffered, _) => Again::NotOffered,
            (Meaning::Answer(..), Ok(reply)) => {
                let reply = reply.filter(|reply| reply.approval == question).ok_or(HearError::Changed)?;
                let replied = self.reply(reply, human, recheck).await?;
                self.keep_presented(chat, None).await?;
                let grants = replied.grants.into_iter().map(|grant| grant.id).collect();
                return Ok(Heard::Answered { question, outcome: reply.outcome, grants, also: replied.also });
            }
        };
        if presented.again < MOST_AGAIN {
            presented.again += 1;
            self.keep_presented(chat, Some(&presented)).await?;
            return Ok(Heard::AskedAgain { question, why });
        }
        self.keep_presented(chat, None).await?;
        Ok(Heard::NewTopic { interrupted: self.interrupt(&record, human).await? })
    }

    /// Withdraws what is open of the question's turn and of the batches that it is in. What was allowed stays so.
    async fn interrupt(&mut self, record: &Record, human: &Human) -> Result<Vec<String>, StoreError> {
        let asker = &record.approval.asker;
        let ids = sqlx::query_scalar(
            "SELECT id FROM approvals WHERE user = ?1 AND session = ?2 AND state = 'open' AND (turn IS ?3 OR id IN
                (SELECT other.approval FROM members JOIN members other USING (batch) WHERE members.approval = ?4))
             ORDER BY rowid",
        );
        let ids = ids.bind(&asker.user).bind(&asker.session).bind(&asker.turn).bind(&record.approval.id);
        let ids: Vec<String> = ids.fetch_all(self.db()).await.map_err(|error| self.fault(error))?;
        let reason = CancelReason::NewMessage;
        let detail = json!({ "reason": reason, "via": human.via });
        self.all(ids, &Event::Cancel(reason), &human.user, detail).await
    }

    /// A reply came to a question that is over.
    async fn over_there(&mut self, chat: &Chat, question: &str) -> Result<Heard, StoreError> {
        let record = self.record(question).await?.filter(|record| is_of(chat, record));
        let words = match record.map(|record| record.approval.state) {
            Some(State::Open) => "another question was asked since",
            Some(State::Allowed { .. } | State::Redeemed { .. }) => "that was allowed already",
            Some(State::Denied { .. }) => "that was denied already",
            Some(State::Cancelled { .. }) => "that is no longer asked",
            Some(State::Expired { .. }) => "that was not answered in time, and did not run",
            None => "that was not asked here",
        };
        Ok(Heard::Over { question: question.to_owned(), words: words.to_owned() })
    }

    /// What became of the message, if it was heard before.
    async fn heard(&mut self, chat: &Chat, message: &Message) -> Result<Result<Option<Heard>, KeyReused>, StoreError> {
        let find =
            sqlx::query_as("SELECT fingerprint, heard FROM messages WHERE user = ? AND session = ? AND message = ?");
        let find = find.bind(&chat.user).bind(&chat.session).bind(&message.id);
        let found: Option<(String, String)> =
            find.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        let Some((fingerprint, heard)) = found else { return Ok(Ok(None)) };
        if fingerprint != message.fingerprint() {
            return Ok(Err(KeyReused));
        }
        serde_json::from_str(&heard).map(|heard| Ok(Some(heard))).map_err(|error| self.damaged("a message", error))
    }

    async fn note_heard(&mut self, chat: &Chat, message: &Message, heard: &Heard) -> Result<(), StoreError> {
        let now = self.now.0;
        let old = sqlx::query("DELETE FROM messages WHERE at < ?").bind(now.saturating_sub(HEARD_MS));
        old.execute(self.db()).await.map_err(|error| self.fault(error))?;
        let insert = sqlx::query(
            "INSERT INTO messages (user, session, message, fingerprint, heard, at) VALUES (?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(&chat.user).bind(&chat.session).bind(&message.id).bind(message.fingerprint());
        let insert = insert.bind(self.json(heard)?).bind(now);
        insert.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

impl Message {
    fn fingerprint(&self) -> String {
        sha256_hex(json!([self.text, self.attachments, self.question]).to_string().as_bytes())
    }
}
