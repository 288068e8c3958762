//! What an agent may do: decide, ask, wait, redeem and cancel its own, and learn which tools it has.
//!
//! Whose agent it is and in which session it speaks comes from its token alone.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::IntoResponse;
use countersign_engine::{Engine, Files, Request};
use countersign_policy::approval::{Approval, Asker, CancelReason, Refusal, State as Life};
use countersign_policy::{Attendance, Call, Decision, Effect, Grant, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::catalog::{DENIED, digest};
use super::human::question_of;
use super::wire::{ApprovalBody, CallBody, ToolVerdict, ToolsBody, Verdict};
use crate::disk::{Disk, DiskWith};
use crate::gate::{self, Count, Gate, HostId, Sent};
use crate::http::ahead::Seen;
use crate::http::app::{App, ended};
use crate::http::caller::{Caller, agent, agent_seen, caller, refuse_agent};
use crate::http::fault::Problem;
use crate::http::mirror::View;
use crate::http::{Fault, Id, Shared, Whole, only};
use crate::store::{AgentToken, Ask, AskError, Chat, LogEntry, LogEvent, Once, Record, RedeemError, Withdraw};

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
pub(crate) async fn decide(
    State(app): State<Shared>,
    headers: HeaderMap,
    whole: Whole,
) -> Result<Json<Verdict>, Fault> {
    let (token, view) = agent_seen(&app, &headers).await?;
    let once = once(&token, &headers, "decide", &whole)?;
    let judged = judge(&app, (&token, &view), whole.json()?, once.as_ref()).await?;
    Ok(Json(judged.verdict))
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
    let (mut call, engine, call_id) = take_apart(&app, (&token, &view), whole.json()?).await?;
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
    let _ = line.note(entry, count.before, &seen, false);
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

/// A call with what policy says of it.
pub(super) struct Judged {
    pub(super) call: Call,
    pub(super) call_id: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) engine: Option<Arc<Engine>>,
    /// What a human would be asked, where policy leaves it to one.
    pub(super) question: Option<countersign_policy::Question>,
}

/// Judges a call of an agent's. `view` is what the store said when it was found out who asks.
pub(super) async fn judge(
    app: &App,
    (token, view): (&AgentToken, &View),
    body: CallBody,
    once: Option<&Once>,
) -> Result<Judged, Fault> {
    if let Some(once) = once {
        app.read().await.once(once).await??;
    }
    let (mut call, engine, call_id) = take_apart(app, (token, view), body).await?;
    let Some(engine) = engine else {
        let decision = Decision::fault("the policy cannot be read, and there is no earlier one in force");
        app.logbook.note(LogEntry { call_id: call_id.clone(), ..LogEntry::decided(&call, &decision) }).await;
        return Ok(Judged {
            verdict: verdict(None, &call, call.digest().0, &decision),
            call,
            call_id,
            engine: None,
            question: None,
        });
    };
    let mut line = app.logbook.line(&call.user, &call.session_key()).await;
    let (gate, call_digest, view) = loop {
        let seen = line.seen();
        // What is known of the session's run was looked at before: it is what the store says since then that counts.
        let view = app.view().await?;
        let judged = once_judged((app, token, &view), &engine, &mut call, call_id.as_deref(), once, &seen).await?;
        // An answer that was taken cannot be taken again; anything else can be judged again.
        let anew = !matches!(judged.gate, Gate::Answered { .. });
        let call_digest = judged.entry.digest.clone();
        match line.note(judged.entry, judged.before, &seen, anew) {
            Some(again) => line = again,
            None => break (judged.gate, call_digest, view),
        }
    };
    let (decision, question, approval) = match gate {
        Gate::Decided { decision } => (decision, None, None),
        Gate::Answered { decision, approval } => {
            let record = app.read().await.record(&approval).await?;
            (decision, None, record.map(|record| ApprovalBody::of(&record.approval)))
        }
        Gate::Edited { decision, record } => (decision, None, Some(ApprovalBody::of(&record.approval))),
        Gate::Pending { decision, question, existing } => {
            (decision, Some(*question), existing.map(|record| ApprovalBody::of(&record.approval)))
        }
    };
    let catalog = digest(&engine, &view.denied_whole(app, &call, &token.above).await?);
    let verdict = Verdict { approval, catalog, ..verdict(Some(&engine), &call, call_digest, &decision) };
    Ok(Judged { call, call_id, verdict, engine: Some(engine), question })
}

/// Judges a call by what was seen of its session.
async fn once_judged(
    (app, token, view): (&App, &AgentToken, &View),
    engine: &Arc<Engine>,
    call: &mut Call,
    call_id: Option<&str>,
    once: Option<&Once>,
    seen: &Seen,
) -> Result<gate::Judged, Fault> {
    let clock = app.clock();
    let above = view.denied_above(app, call, &token.above).await?;
    let ahead = seen.run.as_ref().map(Option::as_ref);
    let sent = Sent { id: HostId::told(call_id), once, ahead, above: &above };
    let looked = view.look(app, call, clock).await?;
    let existing = async |call: &Call| app.read().await.find(&call.digest(), &Asker::of(call), clock).await;
    if let Some(judged) = gate::look(engine, &Disk, call, sent, looked, existing).await? {
        return Ok(judged);
    }
    // A human's answer is to be taken: that is written, and seen anew where nobody else writes.
    let (engine, mut of, once) = (engine.clone(), call.clone(), once.cloned());
    let (call_id, ahead) = (call_id.map(str::to_owned), seen.run.clone());
    let judge = app.write(move |store| {
        Box::pin(async move {
            let ahead = ahead.as_ref().map(Option::as_ref);
            let sent = Sent { id: HostId::told(call_id.as_deref()), once: once.as_ref(), ahead, above: &above };
            gate::judge(store, &engine, &Disk, &mut of, sent, clock).await
        })
    });
    Ok(judge.await?)
}

/// From a body to a call, with the policy in force for its project.
async fn take_apart(
    app: &App,
    (token, view): (&AgentToken, &View),
    body: CallBody,
) -> Result<(Call, Option<Arc<Engine>>, Option<String>), Fault> {
    let attendance = {
        let chat = Chat { user: token.user.clone(), session: token.session.clone() };
        if view.attended(app, chat).await? { Attendance::Somebody } else { Attendance::Nobody }
    };
    let mut request = request(app, token, body, attendance).await?;
    request.roots = view.roots(app, &token.user, &token.session).await?;
    let in_force = app.in_force_by(view, &request.project).await?;
    // Without a policy the call is taken apart by the built-in one, so that it can at least be logged.
    let engine = in_force.engine;
    let call = match (&engine, &in_force.real) {
        (Some(engine), Some(real)) => engine.call(&request, &DiskWith { folder: &request.project, real }),
        (Some(engine), None) => engine.call(&request, &Disk),
        (None, _) => Engine::new(countersign_policy::document::assemble(Vec::new())).call(&request, &Disk),
    };
    if token.project.as_ref().is_some_and(|project| *project != call.project) {
        return Err(wrong_token(app, token, "project").await);
    }
    Ok((call, engine, request.call_id))
}

/// The request for the engine. The token says who and in which session; a body that contradicts it is refused.
pub(super) async fn request(
    app: &App,
    token: &AgentToken,
    body: CallBody,
    attendance: Attendance,
) -> Result<Request, Fault> {
    // A session's name may have colons, a host's has none: else `host:a` would be taken for one, with other tools.
    let session = token.session.split_once(':').filter(|(host, _)| *host == body.host);
    let Some((_, session)) = session else { return Err(wrong_token(app, token, "host").await) };
    let session = session.to_owned();
    if !body.project.starts_with('/') || !body.cwd.starts_with('/') {
        return Err(Fault::invalid("`project` and `cwd` are absolute paths"));
    }
    let home = if token.user == app.user { app.home.clone() } else { String::new() };
    Ok(Request {
        host: body.host,
        host_version: body.host_version,
        tool: body.tool,
        mcp_server: body.mcp_server,
        args: serde_json::Value::Object(body.args),
        cwd: body.cwd,
        project: body.project,
        roots: Vec::new(),
        session,
        turn: body.turn,
        // Whoever holds the token is the agent itself. Its kind is what the token says; what a call says of a sub-agent
        // makes it one of an unknown kind.
        agent: if token.kinds.is_empty() { body.agent } else { Some(token.name.clone()) },
        agent_kinds: token.kinds.clone(),
        mode: body.mode,
        user: token.user.clone(),
        home,
        role: None,
        environment: body.environment,
        attendance,
        call_id: body.call_id,
    })
}

/// The refusal of a token that speaks for another host or project than its own, which is put on record.
pub(super) async fn wrong_token(app: &App, token: &AgentToken, what: &str) -> Fault {
    match refuse_agent(app, token, &format!("speak for another {what}")).await {
        Ok(()) => Fault::new(StatusCode::FORBIDDEN, "wrong-token", format!("this token belongs to another {what}")),
        Err(fault) => fault,
    }
}

fn verdict(engine: Option<&Engine>, call: &Call, digest: String, decision: &Decision) -> Verdict {
    let message = match (decision.effect(), engine) {
        (Effect::Allow, _) => None,
        (_, Some(engine)) => Some(engine.denial(call, decision)),
        (_, None) => Some("Countersign did not let this run: its policy cannot be read. Tell the user.".to_owned()),
    };
    Verdict {
        effect: decision.effect(),
        message,
        digest,
        revision: decision.revision().to_owned(),
        catalog: String::new(),
        approval: None,
    }
}
