//! An agent's call, judged: from the body to the verdict.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use countersign_engine::{Engine, Files, NothingKnown, Request};
use countersign_policy::approval::Asker;
use countersign_policy::{Attendance, Call, Decision, Effect};

use super::catalog::digest;
use super::wire::{ApprovalBody, CallBody, Verdict};
use crate::disk::{Disk, DiskWith};
use crate::gate::{self, Gate, HostId, Sent};
use crate::http::ahead::Seen;
use crate::http::app::App;
use crate::http::caller::{refuse_agent, secret_hash};
use crate::http::engines::InForce;
use crate::http::memo::{self, Made, Now, Policy};
use crate::http::mirror::{Standing, View};
use crate::http::watched::{self, Watched};
use crate::http::{Fault, Whole};
use crate::store::{AgentToken, LogEntry, Once, Present, Run, run_id};

/// A call with what policy says of it.
pub(super) struct Judged {
    pub(super) call: Call,
    pub(super) call_id: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) engine: Option<Arc<Engine>>,
    /// What a human would be asked, where policy leaves it to one.
    pub(super) question: Option<countersign_policy::Question>,
    /// What the verdict was made of, if nothing else has a part in it.
    pub(super) made: Option<Made>,
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
    let Apart { mut call, engine, call_id, real, roots, files } = take_apart(app, (token, view), body).await?;
    let Some(engine) = engine else {
        let decision = Decision::fault("the policy cannot be read, and there is no earlier one in force");
        app.logbook.note(LogEntry { call_id: call_id.clone(), ..LogEntry::decided(&call, &decision) }).await;
        return Ok(Judged {
            verdict: verdict(None, &call, call.digest().0, &decision),
            call,
            call_id,
            engine: None,
            question: None,
            made: None,
        });
    };
    let mut line = app.logbook.line(&call.user, &call.session_key()).await;
    let (gate, entry, view, standing) = loop {
        let seen = line.seen();
        // What is known of the session's run was looked at before: it is what the store says since then that counts.
        let view = app.view().await?;
        let standing = view.standing(app, &call.user, &call.session_key()).await?;
        let of = (app, token, view.as_ref(), &standing);
        let judged = once_judged(of, &engine, &mut call, call_id.as_deref(), once, &seen).await?;
        // An answer that was taken cannot be taken again; anything else can be judged again.
        let anew = !matches!(judged.gate, Gate::Answered { .. });
        let entry = Arc::new(judged.entry);
        match line.note(entry.clone(), judged.before, &seen, anew) {
            Some(again) => line = again,
            None => break (judged.gate, entry, view, standing),
        }
    };
    let is_made = once.is_none() && !standing.has_questions;
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
    let verdict = Verdict { approval, catalog, ..verdict(Some(&engine), &call, entry.digest.clone(), &decision) };
    let made = is_made.then(|| {
        let policy = Policy { engine: Arc::downgrade(&engine), real };
        let until = [standing.grants.next_end(standing.now()), engine.policy().next_end(standing.now())];
        Made {
            policy,
            files,
            roots,
            attendance: call.attendance,
            mode: standing.present().mode,
            in_a_row: call.in_a_row,
            grants: Arc::downgrade(&standing.grants),
            from: standing.now(),
            until: until.into_iter().flatten().min(),
            entry,
        }
    });
    Ok(Judged { call, call_id, verdict, engine: Some(engine), question, made })
}

/// Judges a call by what was seen of its session.
async fn once_judged(
    (app, token, view, standing): (&App, &AgentToken, &View, &Standing),
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
    let looked = standing.look(call);
    let existing = async |call: &Call| {
        if !standing.has_questions {
            return Ok(None);
        }
        app.read().await.find(&call.digest(), &Asker::of(call), clock).await
    };
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

/// The verdict on a call that was judged before, if all that went into it is the same now. It is in the decision log.
pub(super) async fn again(app: &App, headers: &HeaderMap, whole: &Whole) -> Result<Option<Bytes>, Fault> {
    let Some(hash) = secret_hash(headers) else { return Ok(None) };
    // By what was last seen, so that one look at the store will do: it comes once the session is held.
    let Some(token) = app.mirror.last_token(&hash) else { return Ok(None) };
    let Ok(body) = whole.json::<CallBody>() else { return Ok(None) };
    let before = app.memo.of(&token, &body);
    if before.is_empty() {
        return Ok(None);
    }
    let line = app.logbook.line(&token.user, &token.session).await;
    let seen = line.seen();
    let view = app.view().await?;
    if !view.has(app, &hash, &token) {
        return Ok(None);
    }
    let standing = view.standing(app, &token.user, &token.session).await?;
    if standing.has_questions {
        return Ok(None);
    }
    let InForce { engine: Some(engine), real, .. } = app.in_force_by(&view, &body.project).await? else {
        return Ok(None);
    };
    let attendance = attendance(app, &view, &token).await?;
    let Present { run, mode } = standing.present();
    let run = seen.run.clone().unwrap_or(run);
    let id = body.call_id.as_deref().map(|id| run_id(body.turn.as_deref(), id));
    let now = Now {
        engine: &engine,
        grants: &standing.grants,
        project: &body.project,
        real: real.as_deref(),
        attendance,
        roots: &standing.roots(),
        mode: mode.as_deref(),
        time: standing.now(),
    };
    let in_a_row = |call: &str| Run::with(run.as_ref(), call, id.as_deref());
    let Some(kept) = before.into_iter().find(|kept| kept.holds(&now, in_a_row)) else { return Ok(None) };
    let entry = match &body.call_id {
        None => kept.made.entry.clone(),
        Some(call_id) => {
            Arc::new(LogEntry { call_id: Some(call_id.clone()), run_id: id, ..LogEntry::clone(&kept.made.entry) })
        }
    };
    // Where another call of the session was noted meanwhile, this one is judged anew.
    let is_noted = line.note(entry, run, &seen, true).is_none();
    Ok(is_noted.then(|| kept.verdict.clone()))
}

/// A call taken apart.
pub(super) struct Apart {
    pub(super) call: Call,
    /// The policy in force for its project, if there is one.
    pub(super) engine: Option<Arc<Engine>>,
    pub(super) call_id: Option<String>,
    /// Where its project really is, if it is there.
    real: Option<Arc<str>>,
    /// The session's further folders.
    roots: Vec<String>,
    /// What was asked of the files.
    files: watched::Seen,
}

/// From a body to a call, with the policy in force for its project.
pub(super) async fn take_apart(app: &App, (token, view): (&AgentToken, &View), body: CallBody) -> Result<Apart, Fault> {
    let mut request = request(app, token, body, attendance(app, view, token).await?).await?;
    request.roots = view.roots(app, &token.user, &token.session).await?;
    let InForce { engine, real, .. } = app.in_force_by(view, &request.project).await?;
    // Without a policy the call is taken apart by the built-in one, so that it can at least be logged.
    let (call, files) = match &engine {
        Some(engine) => seen(&request.project, real.as_deref(), |files| engine.call(&request, files)),
        None => {
            let engine = Engine::new(countersign_policy::document::assemble(Vec::new()));
            seen(&request.project, real.as_deref(), |files| engine.call(&request, files))
        }
    };
    if token.project.as_ref().is_some_and(|project| *project != call.project) {
        return Err(wrong_token(app, token, "project").await);
    }
    Ok(Apart { call, engine, call_id: request.call_id, real, roots: request.roots, files })
}

/// What comes of it, with what it asked of the files.
fn seen<T>(project: &str, real: Option<&str>, take: impl FnOnce(&dyn Files) -> T) -> (T, watched::Seen) {
    match real {
        Some(real) => {
            let files = DiskWith { folder: project, real };
            let watched = Watched::at_most(memo::QUESTIONS, &files, &NothingKnown);
            (take(&watched), watched.seen())
        }
        None => {
            let watched = Watched::at_most(memo::QUESTIONS, &Disk, &NothingKnown);
            (take(&watched), watched.seen())
        }
    }
}

/// Whether a question of this agent's would reach anybody.
async fn attendance(app: &App, view: &View, token: &AgentToken) -> Result<Attendance, Fault> {
    let attended = view.attended(app, &token.user, &token.session).await?;
    Ok(if attended { Attendance::Somebody } else { Attendance::Nobody })
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

pub(super) fn verdict(engine: Option<&Engine>, call: &Call, digest: String, decision: &Decision) -> Verdict {
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
