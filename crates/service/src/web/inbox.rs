//! The inbox page and its list.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use countersign_policy::{Effect, Grant, Part, Reach, Timestamp};

use super::door::render;
use super::further;
use super::page::{InboxPage, List, ListPage, Notice};
use super::session::{Closed, Visitor};
use super::typed::Typed;
use super::view::{AnsweredView, Further, GivenUpView, GrantView, QuestionView, Shown};
use crate::http::{App, Fault, Shared, listens, stream};
use crate::store::{GrantFilter, Record, RecordFilter};

/// How often a page without script comes again ...
const PLAIN_SECONDS: u32 = 20;
/// ... and for how long each time makes its human a listener.
const PLAIN_VALID_SECONDS: i64 = 60;
/// How soon it comes the first time: a page with script never does.
const FIRST_SECONDS: u32 = 2;
/// How many questions that are over are shown.
const RECENT: usize = 10;

/// The whole page.
pub(crate) async fn page(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, Closed> {
    let query = query.unwrap_or_default();
    let edited = query.strip_prefix("edit=").unwrap_or_default();
    let is_plain = query == "plain" || !edited.is_empty();
    if is_plain {
        let id = format!("plain-{}", super::session::page_key(&visitor.secret));
        let beat = listens(&app, "page", id, visitor.session.user.clone(), PLAIN_VALID_SECONDS).await;
        beat.map_err(Fault::from)?;
    }
    let notice = query.strip_prefix("done=").and_then(done);
    let mut list = gather(&app, &visitor, further_of(&query)).await?;
    // A page on which somebody writes does not come again by itself.
    let refresh = match list.edit(edited) {
        true => None,
        false => Some(if is_plain { PLAIN_SECONDS } else { FIRST_SECONDS }),
    };
    Ok(whole(&visitor, list, notice, refresh)?)
}

/// The page with a notice about what did not work, and with what was typed.
pub(crate) async fn with_problem(
    app: &App,
    visitor: &Visitor,
    fault: Fault,
    typed: Option<Typed>,
) -> Result<Response, Fault> {
    let mut list = gather(app, visitor, None).await?;
    let mut notice = Notice::new("bad", fault.problem.message.clone());
    let mut refresh = Some(PLAIN_SECONDS);
    if let Some(typed) = typed {
        if typed.edits || !typed.feedback.is_empty() {
            refresh = None;
        }
        let question = list.open.iter_mut().find(|question| question.id == typed.approval);
        match question {
            Some(question) => {
                notice.question = Some(question.id.clone());
                question.refused(typed, &notice.text);
            }
            None if typed.edits => notice.typed = typed.args,
            None => {}
        }
    }
    let page = whole(visitor, list, Some(notice), refresh)?;
    Ok((fault.status, page).into_response())
}

/// Only what changes, for the live page.
pub(crate) async fn list(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, Closed> {
    let list = gather(&app, &visitor, further_of(&query.unwrap_or_default())).await?;
    Ok(render(&ListPage { list })?.into_response())
}

/// Says when there is something new.
pub(crate) async fn events(State(app): State<Shared>, visitor: Visitor) -> impl IntoResponse {
    stream(app, "page", visitor.session.user)
}

/// The grant of which is asked how far it can be made to reach.
fn further_of(query: &str) -> Option<&str> {
    query.strip_prefix("further=")
}

/// What became of the last form: only words of ours.
fn done(word: &str) -> Option<Notice> {
    let text = match word {
        "once" => "Allowed once.",
        "edited" => "Allowed once, with your arguments.",
        "turn" => "Allowed, and remembered for this turn.",
        "session" => "Allowed, and remembered for this session.",
        "project" => "Allowed, and remembered for this project.",
        "user" => "Allowed, and remembered for you everywhere.",
        "deny" => "Denied.",
        "deny-turn" => "Denied, and remembered for this turn.",
        "deny-session" => "Denied, and remembered for this session.",
        "deny-project" => "Denied, and remembered for this project.",
        "deny-user" => "Denied, and remembered for you everywhere.",
        "further" => "Remembered: it reaches further from now on.",
        "revoked" => "Revoked: it will be asked again.",
        _ => return None,
    };
    Some(Notice::new("good", text.to_owned()))
}

fn whole(visitor: &Visitor, list: List, notice: Option<Notice>, refresh: Option<u32>) -> Result<Response, Fault> {
    let page = InboxPage {
        user: visitor.session.user.clone(),
        notice,
        refresh_seconds: refresh,
        plain_seconds: PLAIN_SECONDS,
        list,
    };
    Ok(render(&page)?.into_response())
}

/// All that the inbox lists.
async fn gather(app: &App, visitor: &Visitor, further: Option<&str>) -> Result<List, Fault> {
    let user = &visitor.session.user;
    let faults = app.policy_faults().await?;
    let (now, open, recent, grants, given_up) = {
        let mut store = app.read().await;
        let now = store.clock(app.clock()).await?;
        let open = store.open_questions(Some(user), now).await?;
        let filter = RecordFilter { user: Some(user.clone()), limit: 200, ..RecordFilter::default() };
        let recent = store.records(&filter).await?;
        let filter = GrantFilter { user: Some(user.clone()), limit: 1000, ..GrantFilter::default() };
        let grants = store.grants(&filter, now).await?;
        (now, open, recent, grants, store.webhooks_given_up(user, now).await?)
    };
    let mut views = Vec::with_capacity(open.len());
    for record in &open {
        let also = also(app, record, &open, now).await?;
        views.push(QuestionView::of(&record.approval, &record.call, &record.question, &also, now));
    }
    let mut remembered: Vec<GrantView> = grants.iter().map(|kept| GrantView::of(&kept.grant, kept.uses, now)).collect();
    let asked = remembered.iter_mut().zip(&grants).find(|(view, _)| further == Some(view.id.as_str()));
    let further = asked.as_ref().map(|(view, _)| view.id.clone());
    if let Some((view, kept)) = asked
        && matches!(view.further, Further::Perhaps)
    {
        view.further = further::of(app, visitor, &kept.grant, now).await?;
    }
    let over = recent.iter().filter_map(|record| AnsweredView::of(&record.approval, &record.question, now));
    Ok(List {
        form: visitor.session.csrf.clone(),
        faults: faults.iter().map(|fault| Shown::of_lines(fault)).collect(),
        open: views,
        answered: over.take(RECENT).collect(),
        grants: remembered,
        given_up: given_up.iter().map(|one| GivenUpView::of(one, now)).collect(),
        further,
        unused: recent.is_empty(),
    })
}

/// The other open questions of the same turn that this one's narrowest rules would also answer, in words.
async fn also(app: &App, record: &Record, open: &[Record], now: Timestamp) -> Result<Vec<String>, Fault> {
    let asker = &record.approval.asker;
    let same_turn = |other: &&Record| {
        other.approval.id != record.approval.id
            && other.approval.asker.session == asker.session
            && asker.turn.is_some()
            && other.approval.asker.turn == asker.turn
            && other.question.unapprovable.is_none()
    };
    let others: Vec<&Record> = open.iter().filter(same_turn).collect();
    let would_be = would_be_granted(record, now);
    if others.is_empty() || would_be.is_empty() {
        return Ok(Vec::new());
    }
    let Some(engine) = app.in_force(&record.call.project).await?.engine else { return Ok(Vec::new()) };
    let mut also = Vec::new();
    for other in others {
        let mut grants = app.read().await.grants_for(&other.call, app.clock()).await?;
        grants.extend(would_be.iter().cloned());
        if engine.decide(&grants, None, &other.call, now).effect() == Effect::Allow {
            also.push(other.question.summary.clone());
        }
    }
    Ok(also)
}

/// The grants that the preselected rules would make.
fn would_be_granted(record: &Record, now: Timestamp) -> Vec<Grant> {
    let Some(scope) = record.question.scopes.first() else { return Vec::new() };
    let Some(reach) = Reach::of(&record.call, scope.scope) else { return Vec::new() };
    let asked = record.question.parts.iter().filter(|part| part.effect == Effect::Ask);
    let grant = |part: &Part| {
        let offer = part.offers.first()?;
        Some(Grant {
            id: String::new(),
            effect: Effect::Allow,
            action: part.action.clone(),
            resource: offer.resource.clone(),
            reach: reach.clone(),
            created: now,
            expires: scope.max_seconds.map(|seconds| now.plus_seconds(seconds)),
            approval: None,
        })
    };
    asked.filter_map(grant).collect()
}
