//! Questions in a chat: presented one at a time, and answered in words.
//!
//! An application carries prompts and replies between a chat and us; an agent can do neither. A prompt counts as read
//! once the application has said that the channel took it: a reply that comes earlier was meant for another one.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use countersign_policy::Scope;
use countersign_policy::approval::Outcome;
use tokio::time::{Instant, timeout_at};

use super::agent::LONGEST_WAIT;
use super::replies::{Given, Taking};
use super::wire::{Choice, HeardBody, MessageBody, PresentBody, PresentedBody, PromptBody, SentBody};
use crate::chat::{self, Also, Meaning, Offers, Presented, Remembering};
use crate::http::app::{App, ended};
use crate::http::caller::on_behalf;
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::store::{Chat, HearError, Heard, Human, Message, Record, ReplyError, StoreError, Via, Waiting};

/// The longest message of a channel unless it is said, in bytes.
const LONGEST: usize = 4_096;
/// How long a session whose application came for a question counts as attended.
const ATTENDED_SECONDS: u64 = 60;
/// The longest session or id of a message, in bytes.
const LONGEST_ID: usize = 500;
/// How often we try again where somebody else was faster.
const TRIES: usize = 5;

/// Presents the session's next question, or the one that was presented and is still open. Waits for one if told to.
#[utoipa::path(post, path = "/v1/chat/{session}/present", tag = "chats", security(("application" = []), ("human" = [])), request_body = PresentBody,
    params(("session" = String, Path, description = "host and session: `HOST:SESSION`")),
    responses((status = 200, body = PresentedBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn present(
    State(app): State<Shared>,
    Id(session): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<PresentedBody>, Fault> {
    let (human, chat) = speaker(&app, &headers, session).await?;
    let body: PresentBody = whole.json()?;
    let longest = body.longest.unwrap_or(LONGEST);
    if !(chat::LEAST..=chat::MOST).contains(&longest) {
        let message = format!("`longest` is from {} to {} bytes", chat::LEAST, chat::MOST);
        return Err(Fault::invalid(message));
    }
    let seconds = body.seconds.unwrap_or(0).min(LONGEST_WAIT);
    let due = Instant::now() + Duration::from_secs(seconds);
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    let now = app.clock();
    let until = now.plus_seconds(i64::try_from(seconds + ATTENDED_SECONDS).unwrap_or_default());
    let attended = chat.clone();
    app.jot(move |store| Box::pin(async move { store.chat_attend(&attended, now, until).await })).await?;
    loop {
        written.mark_unchanged();
        let presented = next(&app, &human, &chat, longest).await?;
        if presented.is_some() || Instant::now() >= due {
            let prompt = presented.map(|presented| PromptBody::of(&presented, presented.text.clone()));
            return Ok(Json(PresentedBody { prompt }));
        }
        tokio::select! {
            waited = timeout_at(due, written.changed()) => {
                if matches!(waited, Ok(Err(_))) {
                    return Ok(Json(PresentedBody { prompt: None }));
                }
            }
            () = ended(&mut stop) => return Ok(Json(PresentedBody { prompt: None })),
        }
    }
}

/// Says that the channel took the prompt of that question. From then on replies count for it.
#[utoipa::path(post, path = "/v1/chat/{session}/sent", tag = "chats", security(("application" = []), ("human" = [])), request_body = SentBody,
    params(("session" = String, Path, description = "host and session: `HOST:SESSION`")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "another question is presented there", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn sent(
    State(app): State<Shared>,
    Id(session): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<StatusCode, Fault> {
    let (_, chat) = speaker(&app, &headers, session).await?;
    let body: SentBody = whole.json()?;
    let clock = app.clock();
    let sent = app.write(move |store| Box::pin(async move { store.chat_sent(&chat, &body.question, clock).await }));
    let sent: Result<bool, StoreError> = sent.await;
    match sent? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Fault::conflict("that question is not the one that is presented there: present it again")),
    }
}

/// Hears what a person said in the chat: as a reply to the question whose prompt was sent last, or as an ordinary message.
#[utoipa::path(post, path = "/v1/chat/{session}/message", tag = "chats", security(("application" = []), ("human" = [])), request_body = MessageBody,
    params(("session" = String, Path, description = "host and session: `HOST:SESSION`")),
    responses((status = 200, body = HeardBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "the policy cannot be read, or another question was presented meanwhile", body = Problem),
        (status = 422, description = "among others: the message's id was used for another message", body = Problem)))]
pub(crate) async fn message(
    State(app): State<Shared>,
    Id(session): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<HeardBody>, Fault> {
    let (human, chat) = speaker(&app, &headers, session).await?;
    let body: MessageBody = whole.json()?;
    if body.message_id.is_empty() || body.message_id.len() > LONGEST_ID {
        return Err(Fault::invalid(format!("`message_id` has from 1 to {LONGEST_ID} bytes")));
    }
    let MessageBody { text, attachments, message_id: id, question } = body;
    let message = Message { id, text, attachments, question };
    let before = app.read().await.chat_presented(&chat).await?;
    let heard = hear(&app, &human, &chat, &message).await?;
    let prompt = match &heard {
        Heard::NewTopic { .. } | Heard::NothingAsked => None,
        _ => next(&app, &human, &chat, before.map_or(LONGEST, |before| before.longest)).await?,
    };
    let prompt = prompt.map(|presented| {
        let text = match &heard {
            Heard::AskedAgain { question, why } if *question == presented.approval => presented.again(*why),
            _ => presented.text.clone(),
        };
        PromptBody::of(&presented, text)
    });
    Ok(Json(HeardBody { prompt, ..HeardBody::of(heard) }))
}

/// Whose chat it is. Questions of others read as if they were not there.
async fn speaker(app: &App, headers: &HeaderMap, session: String) -> Result<(Human, Chat), Fault> {
    let Human { user, via } = on_behalf(app, headers, "speak in a chat").await?;
    if session.is_empty() || session.len() > LONGEST_ID {
        return Err(Fault::invalid(format!("the session has from 1 to {LONGEST_ID} bytes")));
    }
    let chat = Chat { user: user.clone(), session };
    Ok((Human { user, via: Via::Chat(Box::new(via)) }, chat))
}

/// The question that is presented there, or the next one, which then is.
async fn next(app: &App, human: &Human, chat: &Chat, longest: usize) -> Result<Option<Presented>, Fault> {
    for _ in 0..TRIES {
        let waits = app.read().await.chat_waits(chat, app.clock()).await?;
        let record = match waits {
            Waiting::Presented(presented) => return Ok(Some(*presented)),
            Waiting::Nothing => return Ok(None),
            Waiting::Next(record) => record,
        };
        let (offers, also) = offers(app, human, &record).await?;
        let presented = chat::present(&record, offers, also, longest);
        let (chat, human, clock) = (chat.clone(), human.clone(), app.clock());
        let kept =
            app.write(move |store| Box::pin(async move { store.chat_present(&chat, &presented, &human, clock).await }));
        let kept: Result<Option<Presented>, StoreError> = kept.await;
        if let Some(presented) = kept? {
            return Ok(Some(presented));
        }
    }
    Ok(None)
}

/// What the question offers that would be taken at this moment, and what else each reply would answer.
async fn offers(app: &App, human: &Human, record: &Record) -> Result<(Offers, Also), Fault> {
    let mut offers = Offers::of(&record.question);
    let also = Also {
        no: would(app, human, record, Outcome::Deny, None).await?.unwrap_or(0),
        always: remembers(app, human, record, Outcome::Allow, &mut offers.always).await?,
        always_all: remembers(app, human, record, Outcome::Allow, &mut offers.always_all).await?,
        never: remembers(app, human, record, Outcome::Deny, &mut offers.never).await?,
    };
    Ok((offers, also))
}

/// How many other questions that would answer; it is not offered where it would not be taken.
async fn remembers(
    app: &App,
    human: &Human,
    record: &Record,
    outcome: Outcome,
    offered: &mut Option<Remembering>,
) -> Result<usize, Fault> {
    let also = match &*offered {
        Some(remembering) => would(app, human, record, outcome, Some(remembering)).await?,
        None => None,
    };
    if also.is_none() {
        *offered = None;
    }
    Ok(also.unwrap_or(0))
}

/// How many other questions an answer would answer; `None` where it would not be taken.
async fn would(
    app: &App,
    human: &Human,
    record: &Record,
    outcome: Outcome,
    remembering: Option<&Remembering>,
) -> Result<Option<usize>, Fault> {
    let mut taking = Taking::of(app, human, vec![(record.approval.id.clone(), given(outcome, remembering))]).await?;
    let Some(reply) = taking.replies.pop() else { return Ok(None) };
    let (human, clock) = (human.clone(), app.clock());
    let preview =
        app.write(move |store| Box::pin(async move { store.preview(&reply, &human, clock, &taking.recheck()).await }));
    match preview.await {
        Ok(replied) => Ok(Some(replied.also.len())),
        Err(ReplyError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Takes a message. What it means is looked up before, and held to what is presented when it is taken.
async fn hear(app: &App, human: &Human, chat: &Chat, message: &Message) -> Result<Heard, Fault> {
    for _ in 0..TRIES {
        let presented = app.read().await.chat_presented(chat).await?;
        let answer =
            presented.as_ref().and_then(|presented| match presented.meaning(&message.text, message.attachments) {
                Meaning::Answer(outcome, what) => Some((presented.approval.clone(), given(outcome, what))),
                Meaning::NotOffered | Meaning::None => None,
            });
        let taking = Taking::of(app, human, answer.into_iter().collect()).await?;
        let (chat, message, human, clock) = (chat.clone(), message.clone(), human.clone(), app.clock());
        let heard = app.write(move |store| {
            let reply = taking.replies.first().cloned();
            Box::pin(async move { store.hear(&chat, &message, reply.as_ref(), &human, clock, &taking.recheck()).await })
        });
        match heard.await {
            Err(HearError::Changed) => {}
            heard => return Ok(heard?),
        }
    }
    Err(HearError::Changed.into())
}

fn given(outcome: Outcome, remembering: Option<&Remembering>) -> Given {
    let choices = remembering.map(|what| what.chosen.as_slice()).unwrap_or_default();
    Given {
        outcome,
        scope: remembering.map_or(Scope::Once, |what| what.scope),
        choices: choices.iter().map(|chosen| Choice { part: chosen.part, offer: chosen.offer }).collect(),
        seconds: remembering.and_then(|what| what.seconds),
        feedback: None,
        also: Vec::new(),
        alone: false,
        args: None,
    }
}

impl HeardBody {
    fn of(heard: Heard) -> HeardBody {
        let nothing = HeardBody {
            handled: true,
            outcome: "nothing_asked",
            question: None,
            message: None,
            grants: Vec::new(),
            also: Vec::new(),
            interrupted: Vec::new(),
            prompt: None,
        };
        match heard {
            Heard::Answered { question, outcome, grants, also } => {
                let outcome = if outcome == Outcome::Allow { "allowed" } else { "denied" };
                HeardBody { outcome, question: Some(question), grants, also, ..nothing }
            }
            Heard::AskedAgain { question, .. } => {
                HeardBody { outcome: "asked_again", question: Some(question), ..nothing }
            }
            Heard::Over { question, words } => {
                HeardBody { outcome: "over", question: Some(question), message: Some(words), ..nothing }
            }
            Heard::NotShown { question } => HeardBody { outcome: "not_shown", question: Some(question), ..nothing },
            Heard::NewTopic { interrupted } => {
                HeardBody { handled: false, outcome: "new_topic", interrupted, ..nothing }
            }
            Heard::NothingAsked => HeardBody { handled: false, ..nothing },
        }
    }
}
