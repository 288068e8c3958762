//! Questions in a chat: which one was presented there, and who looks after it. What is said there: see `hear.rs`.
//!
//! All of it is on the disk before anybody is told, so that a restart forgets nothing: neither to which question a reply
//! belongs, nor how often it was asked again, nor which messages were heard.

use countersign_policy::Timestamp;
use countersign_policy::approval::State;
use serde_json::json;

use super::{Human, Record, Store, StoreError, Synchronous, Writing};
use crate::chat::Presented;

/// A chat in which the questions of a session are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// The user.
    pub user: String,
    /// See [`countersign_policy::Call::session_key`].
    pub session: String,
}

/// What a chat waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Waiting {
    /// For a reply to the question that is presented there.
    Presented(Box<Presented>),
    /// For this question to be presented: the oldest that is open.
    Next(Box<Record>),
    /// For nothing.
    Nothing,
}

impl Store {
    /// Says that somebody looks after the questions of this session until then.
    ///
    /// # Errors
    /// The store failed.
    pub async fn chat_attend(&mut self, chat: &Chat, now: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.begin(now, Synchronous::Normal).await?;
        let attend = sqlx::query(
            "INSERT INTO chats (user, session, until) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        );
        let attend = attend.bind(&chat.user).bind(&chat.session).bind(until.0);
        attend.execute(writing.db()).await.map_err(|error| writing.fault(error))?;
        writing.commit().await
    }

    /// Whether a question of this session would reach anybody: a page or terminal of its user, somebody who looks after
    /// its chat, or a person who has an open question of it before them there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn attended(&mut self, chat: &Chat, now: Timestamp) -> Result<bool, StoreError> {
        let attended = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM listeners WHERE user = ?1 AND until > t.now)
                 OR EXISTS (SELECT 1 FROM chats LEFT JOIN approvals ON approvals.id = chats.approval
                            WHERE chats.user = ?1 AND chats.session = ?2 AND (chats.until > t.now
                              OR (chats.body ->> '$.sent' AND approvals.state = 'open' AND approvals.due > t.now)))
             FROM (SELECT max(newest, ?3) AS now FROM clock) t",
        );
        let attended = attended.bind(&chat.user).bind(&chat.session).bind(now.0);
        attended.fetch_one(&mut self.db).await.map_err(|error| self.fault(error))
    }

    /// What the chat waits for.
    ///
    /// # Errors
    /// The store failed.
    pub async fn chat_waits(&mut self, chat: &Chat, now: Timestamp) -> Result<Waiting, StoreError> {
        if let Some(presented) = self.chat_presented(chat).await?
            && let Some(record) = self.record(&presented.approval).await?
            && record.approval.state == State::Open
            && record.approval.expires > self.clock(now).await?
        {
            return Ok(Waiting::Presented(Box::new(presented)));
        }
        // Of two that were asked at the same moment, the one that was asked first.
        let next = sqlx::query_scalar(
            "SELECT id FROM approvals WHERE user = ? AND session = ? AND state = 'open'
               AND due > (SELECT max(newest, ?) FROM clock) ORDER BY rowid LIMIT 1",
        );
        let next = next.bind(&chat.user).bind(&chat.session).bind(now.0);
        let next: Option<String> = next.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        let record = match next {
            Some(id) => self.record(&id).await?,
            None => None,
        };
        Ok(record.map_or(Waiting::Nothing, |record| Waiting::Next(Box::new(record))))
    }

    /// The question that was presented there last, whatever became of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn chat_presented(&mut self, chat: &Chat) -> Result<Option<Presented>, StoreError> {
        let find = sqlx::query_scalar("SELECT body FROM chats WHERE user = ? AND session = ?");
        let find = find.bind(&chat.user).bind(&chat.session);
        let body: Option<Option<String>> =
            find.fetch_optional(&mut self.db).await.map_err(|error| self.fault(error))?;
        body.flatten().map(|body| serde_json::from_str(&body)).transpose().map_err(|error| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("a chat cannot be read: {error}"),
        })
    }

    /// Presents a question, unless another is presented that is still open: that one is returned. `None`: it is over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn chat_present(
        &mut self,
        chat: &Chat,
        presented: &Presented,
        human: &Human,
        now: Timestamp,
    ) -> Result<Option<Presented>, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        writing.expire().await?;
        if let Some(faster) = writing.presented(chat).await?
            && writing.open_there(chat, &faster.approval).await?.is_some()
        {
            return Ok(Some(faster));
        }
        if writing.open_there(chat, &presented.approval).await?.is_none() {
            return Ok(None);
        }
        writing.keep_presented(chat, Some(presented)).await?;
        let detail = json!({ "via": human.via, "offers": presented.offers });
        writing.audit(&human.user, "presented", Some(&presented.approval), None, &detail).await?;
        writing.commit().await?;
        Ok(Some(presented.clone()))
    }

    /// Says that the channel took the prompt of that question; false if another is presented there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn chat_sent(&mut self, chat: &Chat, question: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut writing = self.begin(now, Synchronous::Full).await?;
        let Some(mut presented) = writing.presented(chat).await?.filter(|one| one.approval == question) else {
            return Ok(false);
        };
        if !presented.sent {
            presented.sent = true;
            writing.keep_presented(chat, Some(&presented)).await?;
            writing.commit().await?;
        }
        Ok(true)
    }
}

impl Writing<'_> {
    /// The question, if it is one of the chat's and open.
    pub(super) async fn open_there(&mut self, chat: &Chat, question: &str) -> Result<Option<Record>, StoreError> {
        let record = self.record(question).await?;
        Ok(record.filter(|record| is_of(chat, record) && record.approval.state == State::Open))
    }

    pub(super) async fn presented(&mut self, chat: &Chat) -> Result<Option<Presented>, StoreError> {
        let find = sqlx::query_scalar("SELECT body FROM chats WHERE user = ? AND session = ?");
        let find = find.bind(&chat.user).bind(&chat.session);
        let body: Option<Option<String>> = find.fetch_optional(self.db()).await.map_err(|error| self.fault(error))?;
        let read = |body: String| serde_json::from_str(&body).map_err(|error| self.damaged("a chat", error));
        body.flatten().map(read).transpose()
    }

    pub(super) async fn keep_presented(
        &mut self,
        chat: &Chat,
        presented: Option<&Presented>,
    ) -> Result<(), StoreError> {
        let body = presented.map(|presented| self.json(presented)).transpose()?;
        let keep = sqlx::query(
            "INSERT INTO chats (user, session, until, approval, body) VALUES (?, ?, 0, ?, ?)
             ON CONFLICT DO UPDATE SET approval = excluded.approval, body = excluded.body",
        );
        let keep = keep.bind(&chat.user).bind(&chat.session);
        let keep = keep.bind(presented.map(|presented| &presented.approval)).bind(body);
        keep.execute(self.db()).await.map_err(|error| self.fault(error))?;
        Ok(())
    }
}

pub(super) fn is_of(chat: &Chat, record: &Record) -> bool {
    let asker = &record.approval.asker;
    asker.user == chat.user && asker.session == chat.session
}
