//! What was acknowledged, and whether the store knows of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use countersign_policy::approval::{Outcome, State};
use countersign_service::block_on::block_on;
use countersign_service::store::{AuditEntry, AuditFilter, GrantFilter, Record, Store};

use crate::house::now;
use crate::tally::{Count, Wrong};

/// How long after an answer was acknowledged, or a server could work again, a waiter may learn of it: less than one
/// request waits, so that a wake-up which was lost is one that was missed.
const SOON: Duration = Duration::from_secs(20);
/// How long something has to happen that is sure to.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an answer with 2xx said of a question.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// It is asked.
    Asked,
    /// This is its answer, and these are the grants that it made.
    Replied { allow: bool, feedback: String, remember: bool, grants: Vec<String> },
    /// It was redeemed.
    Redeemed,
    /// It is a turn, which was resumed by a request with this key; none for one that came along with another.
    Resumed { key: String },
    /// It was withdrawn.
    Cancelled,
    /// To one who waited: it has come to this.
    Came { state: String, feedback: String },
}

/// All that was acknowledged, by question.
#[derive(Default)]
pub(crate) struct Book {
    said: Mutex<BTreeMap<String, Vec<(Instant, Said)>>>,
    wrong: Mutex<Wrong>,
    pace: Mutex<Pace>,
    moved: Condvar,
}

/// How many requests were acknowledged, and how many came to no answer or to one of the server's own faults.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) done: u64,
    pub(crate) failed: u64,
}

impl Book {
    /// Writes down what was acknowledged.
    pub(crate) fn note(&self, id: &str, said: Said) {
        self.said.lock().unwrap().entry(id.to_owned()).or_default().push((Instant::now(), said));
        self.pace.lock().unwrap().done += 1;
        self.moved.notify_all();
    }

    /// Writes down what a waiter was told, and whether that was soon enough: `since` is when a server could work again.
    pub(crate) fn came(&self, id: &str, state: &str, feedback: &str, since: Instant) {
        let first = {
            let said = self.said.lock().unwrap();
            let notes = said.get(id).into_iter().flatten();
            notes.filter(|(_, said)| matches!(said, Said::Replied { .. })).map(|(at, _)| *at).min()
        };
        let late = first.map(|at| at.max(since).elapsed()).unwrap_or_default();
        if late > SOON {
            self.wrong(|wrong| &mut wrong.never_told, format!("{id}: only {late:?} after its answer"));
        }
        self.note(id, Said::Came { state: state.to_owned(), feedback: feedback.to_owned() });
    }

    /// Counts a request that came to nothing.
    pub(crate) fn fail(&self) {
        self.pace.lock().unwrap().failed += 1;
        self.moved.notify_all();
    }

    /// What there is so far.
    pub(crate) fn pace(&self) -> Pace {
        *self.pace.lock().unwrap()
    }

    /// Waits until it is so; panics where that takes too long.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(Pace) -> bool) {
        let pace = self.pace.lock().unwrap();
        let (pace, waited) = self.moved.wait_timeout_while(pace, PATIENCE, |pace| !is_so(*pace)).unwrap();
        let seen = *pace;
        // Whoever else counts must be able to go on.
        drop(pace);
        assert!(!waited.timed_out(), "{what}: not within {PATIENCE:?}, {seen:?}");
    }

    /// Writes down what must not be.
    pub(crate) fn wrong(&self, which: impl Fn(&mut Wrong) -> &mut Vec<String>, what: String) {
        which(&mut self.wrong.lock().unwrap()).push(what);
    }

    /// Compares all of it with the store.
    pub(crate) fn close(self, store: &mut Store) -> (Wrong, Count) {
        let mut wrong = self.wrong.into_inner().unwrap();
        let mut count = Count { failed: self.pace.into_inner().unwrap().failed, ..Count::default() };
        let (kept, resumed) = (grants(store), resumptions(store));
        for (id, notes) in self.said.into_inner().unwrap() {
            let keys = notes.iter().filter_map(|(_, said)| match said {
                Said::Resumed { key } => Some(key),
                _ => None,
            });
            let keys: BTreeSet<_> = keys.collect();
            if !keys.is_empty() {
                count.resumed += keys.len();
                match resumed.get(&id).copied().unwrap_or_default() {
                    0 => wrong.lost.push(format!("{id}: resumed, and the audit does not know")),
                    times if times + keys.len() > 2 => {
                        wrong.resumed_twice.push(format!("{id}: {times} times, by {keys:?}"));
                    }
                    _ => {}
                }
                continue;
            }
            let filter = AuditFilter { approval: Some(id.clone()), ..AuditFilter::default() };
            let audit = block_on(store.audit_entries(&filter)).unwrap();
            let Some(record) = block_on(store.record(&id)).unwrap() else {
                wrong.lost.push(format!("{id}: not in the store"));
                continue;
            };
            let mut page = Page { id: &id, audit: &audit, record: &record, kept: &kept, wrong: &mut wrong };
            page.twice(&notes);
            for (_, said) in &notes {
                page.holds(said);
                match said {
                    Said::Asked => count.asked += 1,
                    Said::Replied { grants, .. } => {
                        count.replied += 1;
                        count.granted += grants.len();
                    }
                    Said::Redeemed => count.redeemed += 1,
                    Said::Resumed { .. } => {}
                    Said::Cancelled => count.cancelled += 1,
                    Said::Came { .. } => count.told += 1,
                }
            }
        }
        (wrong, count)
    }
}

/// One question: what the store has of it.
struct Page<'a> {
    id: &'a str,
    audit: &'a [AuditEntry],
    record: &'a Record,
    kept: &'a BTreeSet<(String, Option<String>)>,
    wrong: &'a mut Wrong,
}

impl Page<'_> {
    /// Whether two things were acknowledged of which there can be one.
    fn twice(&mut self, notes: &[(Instant, Said)]) {
        let answers = notes.iter().filter_map(|(_, said)| match said {
            Said::Replied { allow, feedback, .. } => Some((*allow, feedback)),
            _ => None,
        });
        let answers: BTreeSet<_> = answers.collect();
        if answers.len() > 1 || self.entries("allowed") + self.entries("denied") > 1 {
            self.wrong.answered_twice.push(format!("{}: {answers:?}", self.id));
        }
        let redeemed = notes.iter().filter(|(_, said)| matches!(said, Said::Redeemed)).count();
        if redeemed > 1 || self.entries("redeemed") > 1 {
            self.wrong.redeemed_twice.push(format!("{}: {redeemed} times", self.id));
        }
    }

    /// Whether the store knows of it, and says nothing else.
    fn holds(&mut self, said: &Said) {
        let state = &self.record.approval.state;
        let holds = match said {
            Said::Asked => self.entries("asked") == 1,
            Said::Replied { allow, feedback, remember, grants } => {
                let kept = |grant: &String| self.kept.contains(&(grant.clone(), Some(self.id.to_owned())));
                self.answered(*allow, feedback) && grants.iter().all(kept) && *remember != grants.is_empty()
            }
            Said::Redeemed => matches!(state, State::Redeemed { .. }) && self.entries("redeemed") == 1,
            Said::Resumed { .. } => false,
            Said::Cancelled => matches!(state, State::Cancelled { .. }) && self.entries("cancelled") == 1,
            Said::Came { state: came, feedback } => match came.as_str() {
                "allowed" => self.answered(true, feedback),
                "denied" => self.answered(false, feedback),
                "cancelled" => matches!(state, State::Cancelled { .. }),
                "expired" => matches!(state, State::Expired { .. }),
                "redeemed" => matches!(state, State::Redeemed { .. }),
                _ => false,
            },
        };
        if !holds {
            let kinds: Vec<&str> = self.audit.iter().map(|entry| entry.kind.as_str()).collect();
            self.wrong.lost.push(format!("{}: {said:?}, but it is {state:?} and the audit has {kinds:?}", self.id));
        }
    }

    fn entries(&self, kind: &str) -> usize {
        self.audit.iter().filter(|entry| entry.kind == kind).count()
    }

    /// Whether this is its answer, in the audit and in its state.
    fn answered(&self, allow: bool, feedback: &str) -> bool {
        let kind = if allow { "allowed" } else { "denied" };
        let entry = self.audit.iter().find(|entry| entry.kind == "allowed" || entry.kind == "denied");
        let audited = entry.is_some_and(|entry| entry.kind == kind && entry.detail["feedback"] == feedback);
        audited
            && match &self.record.approval.state {
                State::Open => false,
                State::Allowed { answer, .. } | State::Redeemed { answer, .. } | State::Denied { answer, .. } => {
                    (answer.outcome == Outcome::Allow) == allow && answer.feedback.as_deref() == Some(feedback)
                }
                // A yes can be taken back, or be too old.
                State::Cancelled { .. } | State::Expired { .. } => allow,
            }
    }
}

/// All grants with their questions.
fn grants(store: &mut Store) -> BTreeSet<(String, Option<String>)> {
    let mut all = BTreeSet::new();
    let mut filter = GrantFilter { all: true, limit: 10_000, ..GrantFilter::default() };
    loop {
        let page = block_on(store.grants(&filter, now())).unwrap();
        let Some(last) = page.last() else { return all };
        filter.before = Some(last.grant.id.clone());
        all.extend(page.into_iter().map(|kept| (kept.grant.id, kept.grant.approval)));
    }
}

/// How often each turn was resumed, by the audit.
fn resumptions(store: &mut Store) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    let mut filter = AuditFilter { kind: Some("resumed".to_owned()), limit: 10_000, ..AuditFilter::default() };
    loop {
        let page = block_on(store.audit_entries(&filter)).unwrap();
        let Some(last) = page.last() else { return all };
        filter.before = Some(last.id);
        for entry in page {
            *all.entry(entry.detail["turn"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
}
