//! A question as the page shows it.

use countersign_engine::editable;
use countersign_policy::approval::Approval;
use countersign_policy::{Action, Call, Effect, Offer, Part, Question, Scope, ScopeOffer, Step, Timestamp};

use super::super::typed::Typed;
use super::text::Shown;
use super::time::{When, span};

/// The lifetimes that the page offers, in seconds.
const LIFETIMES: [i64; 3] = [3_600, 28_800, 604_800];

/// One open question, ready for its template.
pub(crate) struct QuestionView {
    pub(crate) id: String,
    pub(crate) host: Shown,
    /// The project's folder by its last name, and in full.
    pub(crate) project: Shown,
    pub(crate) project_path: Shown,
    pub(crate) cwd: Option<Shown>,
    pub(crate) user: Shown,
    pub(crate) agent: Option<Shown>,
    pub(crate) asked: When,
    pub(crate) count: u32,
    pub(crate) summary: Shown,
    pub(crate) body: Shown,
    pub(crate) body_label: &'static str,
    pub(crate) claim: Option<Shown>,
    /// What would happen, in its order.
    pub(crate) steps: Vec<StepView>,
    /// All targets: what may be remembered of them.
    pub(crate) parts: Vec<PartView>,
    pub(crate) undecided: usize,
    pub(crate) unapprovable: Option<Shown>,
    /// The scopes, the one to offer first in front; empty where nothing may be remembered.
    pub(crate) scopes: Vec<ScopeView>,
    pub(crate) lifetimes: Vec<Lifetime>,
    /// Summaries of the open questions of the same turn that a remembered yes also answers.
    pub(crate) also: Vec<Shown>,
    /// The call's arguments as a text to edit; else why they cannot be edited here.
    pub(crate) args: Result<String, &'static str>,
    /// Whether they are being edited.
    pub(crate) editing: bool,
    /// What was typed before, and why that answer was not taken.
    pub(crate) feedback: String,
    pub(crate) problem: Option<String>,
}

/// One command or other thing that would happen, and what it touches.
pub(crate) struct StepView {
    pub(crate) part: PartView,
    pub(crate) touches: Vec<PartView>,
}

/// One target of the call.
pub(crate) struct PartView {
    /// Its place in the question: how a form names it.
    pub(crate) index: usize,
    pub(crate) text: Shown,
    pub(crate) asks: bool,
    /// The class of its mark and the mark's word.
    pub(crate) effect: &'static str,
    pub(crate) word: &'static str,
    pub(crate) why: Shown,
    /// What of it is not what it looks like.
    pub(crate) warnings: Vec<Shown>,
    /// What may be remembered of it, the narrowest first.
    pub(crate) offers: Vec<Shown>,
}

/// A scope's button.
pub(crate) struct ScopeView {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
}

/// A lifetime's line in the choice of lifetimes.
pub(crate) struct Lifetime {
    /// Seconds; empty for until it is revoked.
    pub(crate) value: String,
    pub(crate) words: String,
}

impl QuestionView {
    pub(crate) fn of(approval: &Approval, call: &Call, question: &Question, also: &[String], now: Timestamp) -> Self {
        let edits = question.parts.first().is_some_and(|part| part.action == Action::Edit);
        let rememberable = question.parts.iter().any(|part| part.effect == Effect::Ask && !part.offers.is_empty())
            && question.unapprovable.is_none();
        let scopes = if rememberable { question.scopes.as_slice() } else { &[] };
        QuestionView {
            id: approval.id.clone(),
            host: Shown::of_raw(&call.host),
            project: Shown::of_raw(folder_name(&call.project)),
            project_path: Shown::of_raw(&call.project),
            cwd: (call.cwd != call.project).then(|| Shown::of_raw(&call.cwd)),
            user: Shown::of_raw(&approval.asker.user),
            agent: call.agent_in_words().as_deref().map(Shown::of_raw),
            asked: When::of(approval.asked, now),
            count: approval.count,
            summary: Shown::of(&question.summary),
            body: if edits { Shown::of_diff(&question.body) } else { Shown::of(&question.body) },
            body_label: if edits { "Exactly what would change" } else { "Exactly what would run" },
            claim: question.claim.as_deref().map(Shown::of),
            steps: question.laid_out().iter().filter_map(|one| step(one, question)).collect(),
            parts: question.parts.iter().enumerate().map(part).collect(),
            undecided: question.parts.iter().filter(|part| part.effect == Effect::Ask).count(),
            unapprovable: question.unapprovable.as_deref().map(Shown::of),
            scopes: scopes.iter().filter_map(|offer| scope(offer.scope)).collect(),
            lifetimes: lifetimes(scopes),
            also: if scopes.is_empty() { Vec::new() } else { also.iter().map(|text| Shown::of(text)).collect() },
            args: editable::text(&call.args),
            editing: false,
            feedback: String::new(),
            problem: None,
        }
    }

    /// Puts back what was typed, with the reason for which it was not taken.
    pub(crate) fn refused(&mut self, typed: Typed, problem: &str) {
        self.problem = Some(problem.to_owned());
        self.feedback = typed.feedback;
        if let (Ok(args), Some(written)) = (&mut self.args, typed.args) {
            self.editing = typed.edits;
            *args = written;
        }
    }

    /// How many lines the arguments have, within reason.
    pub(crate) fn args_rows(&self) -> usize {
        self.args.as_ref().map_or(0, |args| args.lines().count()).clamp(4, 24)
    }

    pub(crate) fn approvable(&self) -> bool {
        self.unapprovable.is_none()
    }
}

impl PartView {
    pub(crate) fn rememberable(&self) -> bool {
        self.asks && !self.offers.is_empty()
    }
}

fn step(step: &Step, question: &Question) -> Option<StepView> {
    let view = |index: usize| question.parts.get(index).map(|one| part((index, one)));
    Some(StepView { part: view(step.part)?, touches: step.touches.iter().copied().filter_map(view).collect() })
}

fn part((index, part): (usize, &Part)) -> PartView {
    let (effect, word) = match part.effect {
        Effect::Allow => ("allow", "allowed"),
        Effect::Ask => ("ask", "asks"),
        Effect::Deny => ("deny", "denied"),
    };
    PartView {
        index,
        text: Shown::of(&part.text),
        asks: part.effect == Effect::Ask,
        effect,
        word,
        why: Shown::of(&part.why),
        warnings: part.warnings.iter().map(|warning| Shown::of(warning)).collect(),
        offers: part.offers.iter().map(|Offer { words, .. }| Shown::of_words(words)).collect(),
    }
}

/// The button of a scope; `None` for those that no button stands for.
fn scope(scope: Scope) -> Option<ScopeView> {
    let words = match scope {
        Scope::Turn => "For this turn",
        Scope::Session => "For this session",
        Scope::Project => "For this project",
        Scope::User => "Always, for me",
        Scope::Once | Scope::Team => return None,
    };
    Some(ScopeView { name: scope.word(), words })
}

/// What the choice of lifetimes holds: only what every offered scope admits.
fn lifetimes(scopes: &[ScopeOffer]) -> Vec<Lifetime> {
    let most = scopes.iter().filter_map(|offer| offer.max_seconds).min();
    let timed = LIFETIMES.into_iter().filter(|seconds| most.is_none_or(|most| *seconds < most));
    let lifetime = |seconds: i64| Lifetime { value: seconds.to_string(), words: format!("for {}", span(seconds)) };
    let longest = match most {
        None => Lifetime { value: String::new(), words: "until it ends or is revoked".to_owned() },
        Some(most) => lifetime(most),
    };
    std::iter::once(longest).chain(timed.map(lifetime)).collect()
}

fn folder_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}
