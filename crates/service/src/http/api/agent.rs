//! What an agent may do: decide, ask, wait, redeem and cancel its own, and learn which tools it has.
//!
//! Whose agent it is and in which session it speaks comes from its token alone.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_engine::Files;
use countersign_policy::approval::{Approval, Asker, CancelReason, Refusal, State as Life};
use countersign_policy::{Attendance, Call, Effect, Grant, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::catalog::{DENIED, digest};
use super::human::question_of;
use super::judge::{Apart, again, judge, request, take_apart, verdict, wrong_token};
use super::wire::{ApprovalBody, CallBody, ToolVerdict, ToolsBody, Verdict};
use crate::disk::Disk;
use crate::gate::{Count, HostId, Sent};
use crate::http::app::{App, ended};
use crate::http::caller::{Caller, agent, agent_seen, caller, refuse_agent};
use crate::http::fault::Problem;
use crate::http::memo;
use crate::http::{Fault, Id, Shared, Whole, only};
use crate::store::{AgentToken, Ask, AskError, LogEntry, LogEvent, Once, Record, RedeemError, Withdraw};

/// The longest that one request waits; the agent then asks again.
pub(super) const LONGEST_WAIT: u64 = 60;
/// With which an agent says that a request is the same as before.
const KEY: &str = "idempotency-key";
/// The longest of these, in bytes.
const LONGEST_KEY: usize = 200;

/// Says what policy says of a call. A human's yes to this very call is taken with it, once.
#[utoipa::path(post, path = "/v1/decide", tag = "agents", security(("agent" = [])), request_body = CallBody,
    responses((status = 200, body = Verdict), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn decide(State(app): State<Shared>, headers: HeaderMap, whole: Whole) -> Result<Said, Fault> {
    let is_kept = whole.0.len() <= memo::LARGEST && !headers.contains_key(KEY);
    if is_kept && let Some(verdict) = again(&app, &headers, &whole).await? {
        return Ok(Said(verdict));
    }
    let (token, view) = agent_seen(&app, &headers).await?;
    let once = once(&token, &headers, "decide", &whole)?;
    let body: CallBody = whole.json()?;
    let kept = is_kept.then(|| body.clone());
    let judged = judge(&app, (&token, &view), body, once.as_ref()).await?;
    let said = Said::of(&judged.verdict)?;
    if let (Some(body), Some(made)) = (kept, judged.made) {
        app.memo.keep(&token, body, made, said.0.clone());
    }
    Ok(said)
}

/// A verdict, written down.
pub(crate) struct Said(Bytes);

impl Said {
    fn of(verdict: &Verdict) -> Result<Said, Fault> {
        let written = serde_json::to_vec(verdict).map_err(|_| Fault::internal("the verdict cannot be written down"))?;
        Ok(Said(written.into()))
    }
}

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0).into_response()
    }
}

/// Asks a human about a call, if policy leaves it to one. The question is on the disk before the answer comes.
#[utoipa::path(post, path = "/v1/ask", tag = "agents", security(("agent" = [])), request_body = CallBody,
    responses((status = 200, description = "policy has decided: there is nothing to ask", body = Verdict),
        (status = 201, description = "asked, or joined the same question", body = Verdict),
        (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "too many open questions", body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<impl IntoResponse, Fault> {
    let (token, view) = agent_seen(&app, &headers).await?;
    let once = once(&token, &headers, "ask", &whole)?;
    let mut judged = judge(&app, (&token, &view), whole.json()?, once.as_ref()).await?;
    let (Some(engine), Some(question)) = (judged.engine, judged.question) else {
        return Ok((StatusCode::OK, Json(judged.verdict)));
    };
    let (call, max_open, clock) = (Arc::new(judged.call), engine.policy().max_open, app.clock());
    let of = call.clone();
    let ask = app.write(move |store| {
        Box::pin(async move {
            let ask = Ask { call: &of, question: &question, max_open, deferred: false };
            store.ask_once(&ask, once.as_ref(), clock).await
        })
    });
    let asked = ask.await;
    if let Err(AskError::TooMany(flood)) = &asked {
        let refused = LogEntry::about(&call, LogEvent::Decided, Effect::Deny);
        let (revision, detail) = (judged.verdict.revision, json!({ "told": flood.to_string() }).into());
        app.logbook.note(LogEntry { call_id: judged.call_id, revision, detail, ..refused }).await;
        return Err(AskError::from(*flood).into());
    }
    let asked = asked?;
    judged.verdict.approval = Some(ApprovalBody::of(&asked.record.approval));
    Ok((StatusCode::CREATED, Json(judged.verdict)))
}

/// How long to wait.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Patience {
    /// At most so many seconds; 30 unless given, 60 at most.
    pub(super) seconds: Option<u64>,
}

/// Waits until the question is answered or over, or the time is up: then it is still `open`.
#[utoipa::path(get, path = "/v1/approvals/{id}/wait", tag = "agents",
    security(("agent" = []), ("application" = []), ("human" = [])),
    params(("id" = String, Path, description = "the question"), Patience),
    responses((status = 200, body = ApprovalBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "no such question of this session, or of this user", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn wait(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    query: Result<Query<Patience>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<ApprovalBody>, Fault> {
    // A waiter is one of many: it keeps no more than it needs, neither the bytes of its request nor room for what it does
    // before and after.
    let caller = Box::pin(caller(&app, &headers)).await?;
    drop(headers);
    let Query(patience) = query.map_err(|error| Fault::invalid(error.body_text()))?;
    let due = Instant::now() + Duration::from_secs(patience.seconds.unwrap_or(30).min(LONGEST_WAIT));
    let answered = app.waiting.register(&id);
    let mut stop = app.stop.subscribe();
    let mut is_its_own = false;
    loop {
        // Whatever happens from here on wakes it, so that nothing falls between the look and the wait.
        let changed = answered.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let approval = match answered.became().filter(|_| is_its_own) {
            Some(approval) => approval,
            None => Arc::new(Box::pin(waited_for(&app, &caller, &id)).await?),
        };
        is_its_own = true;
        if approval.state != Life::Open || Instant::now() >= due {
            if matches!(caller, Caller::Agent(_)) && matches!(approval.state, Life::Denied { told: false, .. }) {
                Box::pin(note_told(&app, id)).await;
            }
            return Ok(Json(ApprovalBody::of(&approval)));
        }
        let as_it_is = ApprovalBody::of(&approval);
        drop(approval);
        tokio::select! {
            _ = timeout_at(due, changed) => {}
            () = ended(&mut stop) => return Ok(Json(as_it_is)),
        }
    }
}

/// Notes that the agent was told of a no. A no needs nothing written to hold: where that fails, it is told again.
async fn note_told(app: &App, id: String) {
    let clock = app.clock();
    let tell = app.write(move |store| Box::pin(async move { store.tell(&id, clock).await }));
    if let Err(error) = tell.await {
        eprintln!("countersign: {error}");
    }
}

/// A question that the caller may wait for.
async fn waited_for(app: &App, caller: &Caller, id: &str) -> Result<Approval, Fault> {
    let record = match caller {
        Caller::Agent(token) => own(app, token, id).await?,
        Caller::Application(application) => question_of(app, id, &application.user).await?,
        Caller::Human(human) => question_of(app, id, &human.user).await?,
    };
    Ok(record.approval)
}

/// Takes a human's yes, once, for the call that it was given for.
#[utoipa::path(post, path = "/v1/approvals/{id}/redeem", tag = "agents", security(("agent" = [])),
    params(("id" = String, Path, description = "the question")), request_body = CallBody,
    responses((status = 200, description = "run it", body = Verdict), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "not answered, answered with no, taken before, or another call", body = Problem),
        (status = 410, description = "expired", body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn redeem(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<Verdict>, Fault> {
    let (token, view) = agent_seen(&app, &headers).await?;
    own(&app, &token, &id).await?;
    let once = once(&token, &headers, &format!("redeem {id}"), &whole)?;
    let Apart { mut call, engine, call_id, .. } = take_apart(&app, (&token, &view), whole.json()?).await?;
    let Some(engine) = engine else {
        return Err(Fault::conflict("the policy cannot be read, and there is no earlier one: a human has to mend it"));
    };
    let line = app.logbook.line(&call.user, &call.session_key()).await;
    let seen = line.seen();
    let present = app.read().await.present(&call.user, &call.session_key(), app.clock()).await?;
    let ahead = seen.run.as_ref().map(Option::as_ref);
    let view = app.view().await?;
    let above = view.denied_above(&app, &call, &token.above).await?;
    let sent = Sent { id: HostId::told(call_id.as_deref()), once: once.as_ref(), ahead, above: &above };
    let count = Count::of(&mut call, present, sent);
    let (of, by, clock) = (call.clone(), engine.clone(), app.clock());
    let redeem = app.write(move |store| {
        Box::pin(async move {
            let recheck = |call: &Call, answer: Option<&_>, grants: &[Grant], now: Timestamp| {
                by.decide(&[grants, &above].concat(), answer, call, now)
            };
            store.redeem_once(&id, &of, once.as_ref(), clock, &recheck).await
        })
    });
    let redeemed = match redeem.await {
        Err(RedeemError::Refused(refusal @ (Refusal::OtherCall | Refusal::Redeemed | Refusal::OtherAsker))) => {
            refuse_agent(&app, &token, &format!("redeem a yes ({refusal})")).await?;
            return Err(refusal.into());
        }
        redeemed => redeemed?,
    };
    let entry = LogEntry {
        approval: Some(redeemed.record.approval.id.clone()),
        ..count.entry(&call, &redeemed.decision, call_id.as_deref())
    };
    let _ = line.note(Arc::new(entry), count.before, &seen, false);
    let mut verdict = verdict(Some(&engine), &call, call.digest().0, &redeemed.decision);
    verdict.catalog = digest(&engine, &view.denied_whole(&app, &call, &token.above).await?);
    verdict.approval = Some(ApprovalBody::of(&redeemed.record.approval));
    Ok(Json(verdict))
}

/// Withdraws a question of this session, or a yes that was not taken.
#[utoipa::path(post, path = "/v1/approvals/{id}/cancel", tag = "agents", security(("agent" = [])),
    params(("id" = String, Path, description = "the question")),
    responses((status = 200, description = "as it is now", body = ApprovalBody), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<Shared>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Json<ApprovalBody>, Fault> {
    let token = agent(&app, &headers).await?;
    let record = own(&app, &token, &id).await?;
    let which = Withdraw::Own { id: id.clone(), asker: record.approval.asker };
    let clock = app.clock();
    let cancel = app
        .write(move |store| Box::pin(async move { store.cancel(&which, "agent", CancelReason::Agent, clock).await }));
    cancel.await?;
    let record = own(&app, &token, &id).await?;
    Ok(Json(ApprovalBody::of(&record.approval)))
}

/// Says which of these tools a host should offer to its model, and why not the others.
#[utoipa::path(post, path = "/v1/tools", tag = "agents", security(("agent" = [])), request_body = ToolsBody,
    responses((status = 200, body = Vec<ToolVerdict>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn tools(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<Vec<ToolVerdict>>, Fault> {
    let token = agent(&app, &headers).await?;
    let body: ToolsBody = whole.json()?;
    let real = Disk.real_path(&body.project);
    if token.project.as_ref().is_some_and(|project| real.as_ref() != Some(project)) {
        return Err(wrong_token(&app, &token, "project").await);
    }
    let in_force = app.in_force(&body.project).await?;
    let mut verdicts = Vec::with_capacity(body.tools.len());
    for tool in body.tools {
        let call = CallBody {
            host: body.host.clone(),
            host_version: body.host_version.clone(),
            tool: tool.name.clone(),
            mcp_server: tool.mcp_server,
            args: serde_json::Map::new(),
            cwd: body.project.clone(),
            project: body.project.clone(),
            turn: None,
            agent: None,
            mode: None,
            environment: Default::default(),
            call_id: None,
        };
        let request = request(&app, &token, call, Attendance::Somebody).await?;
        let why = match &in_force.engine {
            Some(engine) => match engine.hidden(&request) {
                Some(why) => Some(why),
                None => {
                    let call = engine.call(&request, &Disk);
                    let denied = app.view().await?.denied_whole(&app, &call, &token.above).await?;
                    denied.contains(&call.action).then(|| DENIED.to_owned())
                }
            },
            None => Some("the policy cannot be read".to_owned()),
        };
        verdicts.push(ToolVerdict { name: tool.name, visible: why.is_none(), why });
    }
    Ok(Json(verdicts))
}

/// The idempotency key that came with a request, if one did.
pub(super) fn once(token: &AgentToken, headers: &HeaderMap, what: &str, whole: &Whole) -> Result<Option<Once>, Fault> {
    if !headers.contains_key(KEY) {
        return Ok(None);
    }
    let key = only(headers, HeaderName::from_static(KEY));
    let key =
        key.filter(|key| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let key = key.ok_or_else(|| {
        Fault::invalid(format!("`Idempotency-Key` is there once, with 1 to {LONGEST_KEY} visible ASCII characters"))
    })?;
    let mut request = format!("{what}\n").into_bytes();
    request.extend_from_slice(&whole.0);
    let fingerprint = countersign_policy::sha256_hex(&request);
    Ok(Some(Once { user: token.user.clone(), session: token.session.clone(), key: key.to_owned(), fingerprint }))
}

/// A question of this agent's session; others' read as if they were not there.
async fn own(app: &App, token: &AgentToken, id: &str) -> Result<Record, Fault> {
    let record = app.read().await.record(id).await?;
    let is_own = |asker: &Asker| {
        asker.user == token.user
            && asker.session == token.session
            && token.project.as_ref().is_none_or(|project| *project == asker.project)
    };
    match record.filter(|record| is_own(&record.approval.asker)) {
        Some(record) => Ok(record),
        None => {
            refuse_agent(app, token, "reach a question that is not its own").await?;
            Err(Fault::not_found("approval"))
        }
    }
}
