//! Whole turns: all calls judged at once, those that ask are one batch, and its agent is resumed once.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use countersign_policy::approval::CancelReason;
use countersign_policy::batch::BatchState;
use countersign_policy::{Call, Effect, Question};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

use super::agent::{LONGEST_WAIT, Patience, once};
use super::judge::{Judged, judge};
use super::wire::{
    ApprovalBody, BatchBody, CallBody, CallVerdict, GiveUp, GiveUpBody, GivenUpBody, OnAsk, OutcomeBody, TurnBody,
    TurnVerdict,
};
use crate::http::app::{App, ended};
use crate::http::caller::{agent, agent_seen, refuse_agent};
use crate::http::fault::Problem;
use crate::http::{Fault, Id, Shared, Whole};
use crate::store::{AgentToken, Ask, AskTurn, BatchRecord, LogEntry, LogEvent, Once, Owner, TakeError, Withdraw};

/// The most calls of one turn.
const MOST_CALLS: usize = 200;
/// The longest id of a call or turn, in bytes.
const LONGEST_ID: usize = 200;

type Patiently = Result<Query<Patience>, axum::extract::rejection::QueryRejection>;

/// Says what policy says of each call of a turn, and asks a human about those that it leaves to one: as one batch,
/// on the disk before the answer comes. With `seconds` it waits so long for the answers.
///
/// What is open beyond the session's most is denied. Earlier turns whose questions are all over come with the answer.
#[utoipa::path(post, path = "/v1/turns", tag = "agents", security(("agent" = [])), request_body = TurnBody,
    params(("seconds" = Option<u64>, Query, description = "wait at most so long for the answers; not at all unless given")),
    responses((status = 200, body = TurnVerdict), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn turn(
    State(app): State<Shared>,
    headers: HeaderMap,
    query: Patiently,
    whole: Whole,
) -> Result<Json<TurnVerdict>, Fault> {
    let (token, view) = agent_seen(&app, &headers).await?;
    let Query(patience) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let once = once(&token, &headers, "turn", &whole)?;
    let body: TurnBody = whole.json()?;
    check(&body)?;
    let mut judged = Vec::with_capacity(body.calls.len());
    for (id, call) in calls(&body) {
        // A late yes that one of the calls takes is taken once for each key, too; no key that an agent sends has a blank.
        let each = once.as_ref().map(|once| Once { key: format!("{} {id}", once.key), ..once.clone() });
        judged.push((id, judge(&app, (&token, &view), call, each.as_ref()).await?));
    }

    let deferred = body.on_ask == OnAsk::Defer;
    let asks: Vec<Asks> = judged.iter().filter_map(|(id, judged)| Asks::of(id, judged)).collect();
    let mut batch = None;
    if !asks.is_empty() {
        let clock = app.clock();
        let ask = app.write(move |store| {
            Box::pin(async move {
                let turn = AskTurn { asks: asks.iter().map(|asks| asks.ask(deferred)).collect() };
                store.ask_turn(&turn, once.as_ref(), clock).await
            })
        });
        let asked = ask.await?;
        batch = asked.batch.map(|batch| batch.id);
        let open = judged.iter_mut().filter(|(_, judged)| judged.question.is_some());
        for ((id, judged), asked) in open.zip(asked.asked) {
            match asked {
                Ok(asked) => judged.verdict.approval = Some(ApprovalBody::of(&asked.record.approval)),
                Err(too_many) => {
                    let reason = format!("Countersign did not let this run: {too_many}");
                    refuse(&app, judged, id, &reason).await;
                }
            }
        }
    }

    let batch = match batch {
        Some(id) => {
            let due = Instant::now() + Duration::from_secs(patience.seconds.unwrap_or(0).min(LONGEST_WAIT));
            Some(BatchBody::of(&over(&app, &token, &id, due).await?))
        }
        None => None,
    };
    let known = batch.as_ref().map(|batch| batch.id.clone());
    let resumed = take_ready(&app, &token, "request", known.as_deref()).await?;
    let catalog = judged.first().map(|(_, judged)| judged.verdict.catalog.clone()).unwrap_or_default();
    let calls = judged.into_iter().map(|(id, judged)| CallVerdict { id, verdict: judged.verdict }).collect();
    Ok(Json(TurnVerdict { calls, catalog, batch, resumed }))
}

/// A turn's questions and what became of them. Waits until all are over, or the time is up; nobody is resumed by it.
#[utoipa::path(get, path = "/v1/batches/{id}", tag = "agents", security(("agent" = [])),
    params(("id" = String, Path, description = "the batch"), ("seconds" = Option<u64>, Query, description = "wait at most so long; not at all unless given")),
    responses((status = 200, body = BatchBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn batch(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    query: Patiently,
) -> Result<Json<BatchBody>, Fault> {
    let token = agent(&app, &headers).await?;
    let Query(patience) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let due = Instant::now() + Duration::from_secs(patience.seconds.unwrap_or(0).min(LONGEST_WAIT));
    Ok(Json(BatchBody::of(&over(&app, &token, &id, due).await?)))
}

/// Resumes a turn with what became of its questions: once, and again with the same idempotency key. Waits until all
/// are over, or the time is up.
#[utoipa::path(post, path = "/v1/batches/{id}/resume", tag = "agents", security(("agent" = [])),
    params(("id" = String, Path, description = "the batch"), ("seconds" = Option<u64>, Query, description = "wait at most so long; not at all unless given")),
    responses((status = 200, body = BatchBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, description = "not over yet, on its way to a webhook, resumed before, or given up", body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn resume(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    query: Patiently,
    whole: Whole,
) -> Result<Json<BatchBody>, Fault> {
    let token = agent(&app, &headers).await?;
    let Query(patience) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let once = once(&token, &headers, &format!("resume {id}"), &whole)?;
    let owner = owner(&token);
    let due = Instant::now() + Duration::from_secs(patience.seconds.unwrap_or(0).min(LONGEST_WAIT));
    resumable(&app, &token, &id, due).await?;
    let clock = app.clock();
    let take = app
        .write(move |store| Box::pin(async move { store.take_batch(&id, &owner, "poll", once.as_ref(), clock).await }));
    Ok(Json(BatchBody::of(&take.await?)))
}

/// Resumes the session's turns as they become ready: an event `resume` with each batch, once.
#[utoipa::path(get, path = "/v1/resumes", tag = "agents", security(("agent" = [])),
    responses((status = 200, description = "server-sent events named `resume`, each with a batch as its data", content_type = "text/event-stream"),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn resumes(State(app): State<Shared>, headers: HeaderMap) -> Result<impl IntoResponse, Fault> {
    agent(&app, &headers).await?;
    let (to, from) = mpsc::channel(1);
    tokio::spawn(stream(app, headers, to));
    Ok(Sse::new(ReceiverStream::new(from)).keep_alive(KeepAlive::new().interval(Duration::from_secs(3))))
}

/// Gives up a turn, or all of the session: its questions are withdrawn, its yeses too, and nobody is resumed with it.
#[utoipa::path(post, path = "/v1/turns/cancel", tag = "agents", security(("agent" = [])), request_body = GiveUpBody,
    responses((status = 200, body = GivenUpBody), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<GivenUpBody>, Fault> {
    let token = agent(&app, &headers).await?;
    let body: GiveUpBody = whole.json()?;
    let Owner { user, session } = owner(&token);
    let which = match body.turn {
        Some(turn) => Withdraw::Turn { user, session, turn },
        None => Withdraw::Session { user, session },
    };
    let (owner, clock) = (owner(&token), app.clock());
    let give_up = app.write(move |store| {
        Box::pin(async move {
            match body.reason {
                GiveUp::Stop => store.cancel(&which, "agent", CancelReason::Stop, clock).await,
                GiveUp::NewMessage => store.cancel(&which, "agent", CancelReason::NewMessage, clock).await,
                GiveUp::StartOver => store.start_over(&owner, "agent", clock).await,
            }
        })
    });
    let cancelled = give_up.await.map_err(Fault::from)?;
    Ok(Json(GivenUpBody { cancelled }))
}

/// Takes the batches that are ready and within the token's reach, but for one.
async fn take_ready(
    app: &App,
    token: &AgentToken,
    by: &'static str,
    but: Option<&str>,
) -> Result<Vec<BatchBody>, Fault> {
    let owner = owner(token);
    let ready = {
        let mut store = app.read().await;
        let now = store.clock(app.clock()).await?;
        store.batches_ready(&owner, now).await?
    };
    let mut taken = Vec::new();
    for id in ready {
        if but == Some(id.as_str()) {
            continue;
        }
        let found = app.read().await.batch(&id).await?;
        if !found.is_some_and(|found| is_own(token, &found)) {
            continue;
        }
        let (owner, clock) = (owner.clone(), app.clock());
        let take =
            app.write(move |store| Box::pin(async move { store.take_batch(&id, &owner, by, None, clock).await }));
        match take.await {
            Ok(batch) => taken.push(BatchBody::of(&batch)),
            Err(TakeError::Refused(_) | TakeError::Unknown(_) | TakeError::KeyReused(_)) => {}
            Err(TakeError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(taken)
}

/// The batch once it is no longer open, or as it is when the time is up.
async fn over(app: &App, token: &AgentToken, id: &str, due: Instant) -> Result<BatchRecord, Fault> {
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    loop {
        written.mark_unchanged();
        let found = app.read().await.batch(id).await?;
        let Some(found) = found.filter(|found| is_own(token, found)) else {
            refuse_agent(app, token, "reach a turn that is not its own").await?;
            return Err(Fault::not_found("turn"));
        };
        if found.batch.state != BatchState::Open || Instant::now() >= due {
            return Ok(found);
        }
        tokio::select! {
            waited = timeout_at(due, written.changed()) => {
                if matches!(waited, Ok(Err(_))) {
                    return Ok(found);
                }
            }
            () = ended(&mut stop) => return Ok(found),
        }
    }
}

/// Waits while some question is open, and while the batch is on its way to a webhook, which may fail; or until the time is
/// up.
async fn resumable(app: &App, token: &AgentToken, id: &str, due: Instant) -> Result<(), Fault> {
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    loop {
        written.mark_unchanged();
        let found = over(app, token, id, due).await?;
        let BatchState::Sending { until, .. } = found.batch.state else { return Ok(()) };
        let now = app.read().await.clock(app.clock()).await?;
        // Should its sender never come back, nobody writes that down: it is over by itself.
        let left = u64::try_from(until.0.saturating_sub(now.0)).unwrap_or_default();
        if left == 0 || Instant::now() >= due {
            return Ok(());
        }
        tokio::select! {
            _ = timeout_at(due.min(Instant::now() + Duration::from_millis(left)), written.changed()) => {}
            () = ended(&mut stop) => return Ok(()),
        }
    }
}

async fn stream(app: Shared, headers: HeaderMap, to: mpsc::Sender<Result<Event, Infallible>>) {
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    loop {
        written.mark_unchanged();
        // Nothing is taken for a stream that nobody reads.
        let room = tokio::select! {
            room = to.reserve() => room,
            () = ended(&mut stop) => return,
        };
        let Ok(room) = room else { return };
        drop(room);
        // A token that was revoked or has ended meanwhile takes nothing more.
        let Ok(token) = agent(&app, &headers).await else { return };
        match take_ready(&app, &token, "stream", None).await {
            Ok(taken) => {
                for batch in taken {
                    let event = Event::default().event("resume").json_data(&batch);
                    if let Ok(event) = event
                        && to.send(Ok(event)).await.is_err()
                    {
                        return;
                    }
                }
            }
            Err(_) => return,
        }
        tokio::select! {
            changed = written.changed() => if changed.is_err() { return },
            () = to.closed() => return,
            () = ended(&mut stop) => return,
        }
    }
}

/// Whether a batch is within the token's reach: of its session, and of its project where it has one.
pub(super) fn is_own(token: &AgentToken, found: &BatchRecord) -> bool {
    let is_of = |project: &String| found.records.iter().all(|record| record.approval.asker.project == *project);
    found.batch.user == token.user && found.batch.session == token.session && token.project.as_ref().is_none_or(is_of)
}

pub(super) fn owner(token: &AgentToken) -> Owner {
    Owner { user: token.user.clone(), session: token.session.clone() }
}

fn check(body: &TurnBody) -> Result<(), Fault> {
    if body.calls.is_empty() || body.calls.len() > MOST_CALLS {
        return Err(Fault::invalid(format!("`calls` has from 1 to {MOST_CALLS} calls")));
    }
    let mut ids = BTreeSet::new();
    for (name, id) in body.calls.iter().map(|call| ("id", &call.id)).chain([("turn", &body.turn)]) {
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(Fault::invalid(format!("`{name}` has from 1 to {LONGEST_ID} bytes")));
        }
    }
    match body.calls.iter().find(|call| !ids.insert(&call.id)) {
        Some(twice) => Err(Fault::invalid(format!("two calls have the id `{}`", twice.id))),
        None => Ok(()),
    }
}

fn calls(body: &TurnBody) -> impl Iterator<Item = (String, CallBody)> {
    body.calls.iter().map(|call| {
        let one = CallBody {
            host: body.host.clone(),
            host_version: body.host_version.clone(),
            tool: call.tool.clone(),
            mcp_server: call.mcp_server.clone(),
            args: call.args.clone(),
            cwd: body.cwd.clone(),
            project: body.project.clone(),
            turn: Some(body.turn.clone()),
            agent: body.agent.clone(),
            mode: body.mode.clone(),
            environment: body.environment.clone(),
            call_id: Some(call.id.clone()),
        };
        (call.id.clone(), one)
    })
}

/// A call about which policy asks.
struct Asks {
    id: String,
    call: Call,
    question: Question,
    max_open: u32,
}

impl Asks {
    fn of(id: &str, judged: &Judged) -> Option<Asks> {
        let (engine, question) = (judged.engine.as_ref()?, judged.question.clone()?);
        Some(Asks { id: id.to_owned(), call: judged.call.clone(), question, max_open: engine.policy().max_open })
    }

    fn ask(&self, deferred: bool) -> (&str, Ask<'_>) {
        (&self.id, Ask { call: &self.call, question: &self.question, max_open: self.max_open, deferred })
    }
}

/// Denies a call that policy would have asked about, and logs that.
async fn refuse(app: &App, judged: &mut Judged, id: &str, reason: &str) {
    judged.verdict.effect = Effect::Deny;
    judged.verdict.message = Some(reason.to_owned());
    let entry = LogEntry {
        call_id: Some(id.to_owned()),
        revision: judged.verdict.revision.clone(),
        detail: json!({ "told": reason }).into(),
        ..LogEntry::about(&judged.call, LogEvent::Decided, Effect::Deny)
    };
    app.logbook.note(entry).await;
}

impl BatchBody {
    pub(crate) fn of(found: &BatchRecord) -> BatchBody {
        let (state, reason) = match &found.batch.state {
            BatchState::Open => ("open", None),
            BatchState::Ready { .. } | BatchState::Sending { .. } => ("ready", None),
            BatchState::Resumed { .. } => ("resumed", None),
            BatchState::Cancelled { reason, .. } => ("cancelled", Some(*reason)),
        };
        let at = match &found.batch.state {
            BatchState::Resumed { at, .. } => Some(at.0),
            _ => None,
        };
        let members = found.outcomes().map(|(member, outcome, record)| OutcomeBody {
            call: member.call.clone(),
            outcome,
            approval: ApprovalBody::of(&record.approval),
        });
        BatchBody {
            outcomes: members.collect(),
            id: found.batch.id.clone(),
            turn: found.batch.turn.clone(),
            state,
            reason,
            at,
        }
    }
}
