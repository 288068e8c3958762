//! Ask, reply, redeem, and what else becomes of a question.

use std::collections::BTreeSet;

use countersign_policy::approval::{Asker, CancelReason, Outcome, Refusal, State};
use countersign_policy::{Effect, Policy, Scope};
use countersign_service::block_on::block_on;
use countersign_service::store::{
    Ask, AskError, AuditFilter, RecordFilter, RedeemError, ReplyError, Store, TooMany, Withdraw,
};

use crate::support::{HOUR, MINUTE, NOON, Place, always, ask, judge, once, policy, question, reply, rule, runs, shell};

fn kinds(store: &mut Store) -> Vec<String> {
    let entries = block_on(store.audit_entries(&AuditFilter::default())).unwrap();
    entries.into_iter().rev().map(|entry| entry.kind).collect()
}

fn state(store: &mut Store, id: &str) -> State {
    block_on(store.record(id)).unwrap().unwrap().approval.state
}

#[test]
fn asked_allowed_redeemed_once() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let asked = ask(&mut store, &policy, &call, NOON);
    assert!(!asked.joined);
    let id = asked.record.approval.id.clone();
    let early = block_on(store.redeem(&id, &call, NOON, &judge(&policy)));
    assert!(matches!(early, Err(RedeemError::Refused(Refusal::NotAnswered))), "{early:?}");

    let replied = reply(&mut store, &policy, &once(&id, Outcome::Allow), NOON.plus_seconds(1)).unwrap();
    assert!(replied.grants.is_empty() && !replied.repeated);
    let redeemed = block_on(store.redeem(&id, &call, NOON.plus_seconds(2), &judge(&policy))).unwrap();
    assert_eq!(redeemed.answer.approval, id);
    assert_eq!(redeemed.decision.effect(), Effect::Allow);
    let again = block_on(store.redeem(&id, &call, NOON.plus_seconds(3), &judge(&policy)));
    assert!(matches!(again, Err(RedeemError::Refused(Refusal::Redeemed))), "{again:?}");
    assert_eq!(kinds(&mut store), ["asked", "allowed", "redeemed"]);
}

#[test]
fn the_same_call_joins_and_another_does_not() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let first = ask(&mut store, &policy, &shell("git push"), NOON);
    let second = ask(&mut store, &policy, &shell("git push"), NOON.plus_seconds(1));
    assert!(second.joined);
    assert_eq!(second.record.approval.id, first.record.approval.id);
    assert_eq!(second.record.approval.count, 2);
    let other = ask(&mut store, &policy, &shell("git pull"), NOON.plus_seconds(2));
    assert_ne!(other.record.approval.id, first.record.approval.id);
    let mut elsewhere = shell("git push");
    elsewhere.session = "s2".into();
    assert!(!ask(&mut store, &policy, &elsewhere, NOON).joined);
    assert_eq!(block_on(store.open_questions(Some("ana"), NOON)).unwrap().len(), 3);
    assert_eq!(block_on(store.open_questions(Some("ben"), NOON)).unwrap().len(), 0);
}

#[test]
fn asking_for_what_was_answered_brings_the_answer() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    reply(&mut store, &policy, &once(&asked.record.approval.id, Outcome::Allow), NOON).unwrap();
    let again = ask(&mut store, &policy, &shell("git push"), NOON);
    assert!(again.joined && matches!(again.record.approval.state, State::Allowed { .. }), "{again:?}");
}

#[test]
fn a_session_has_only_so_many_open_questions() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    for number in 0..3 {
        ask(&mut store, &policy, &shell(&format!("make {number}")), NOON);
    }
    let call = shell("make more");
    let question = question(&call, &judge(&policy)(&call, None, &[], NOON));
    let refused = block_on(store.ask(&Ask { call: &call, question: &question, max_open: 3, deferred: false }, NOON));
    insta::assert_snapshot!(
        refused.unwrap_err(),
        @"3 questions of this session wait for an answer, and no more are taken: wait for a human to answer them"
    );
    // What has expired makes room.
    let tomorrow = NOON.plus_seconds(25 * HOUR);
    let asked = block_on(store.ask(&Ask { call: &call, question: &question, max_open: 3, deferred: false }, tomorrow));
    assert!(!asked.unwrap().joined);
    let another =
        block_on(store.ask(&Ask { call: &shell("x"), question: &question, max_open: 1, deferred: false }, tomorrow));
    assert!(matches!(another, Err(AskError::TooMany(TooMany { open: 1 }))), "{another:?}");
}

#[test]
fn a_no_is_told_once() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let asked = ask(&mut store, &policy, &call, NOON);
    let mut no = once(&asked.record.approval.id, Outcome::Deny);
    no.feedback = Some("use a branch".into());
    reply(&mut store, &policy, &no, NOON).unwrap();
    let refused = block_on(store.redeem(&no.approval, &call, NOON, &judge(&policy)));
    assert!(matches!(refused, Err(RedeemError::Refused(Refusal::Answered(_)))), "{refused:?}");

    let found = block_on(store.find(&call.digest(), &Asker::of(&call), NOON)).unwrap().unwrap();
    assert!(matches!(found.approval.state, State::Denied { told: false, .. }));
    block_on(store.tell(&no.approval, NOON)).unwrap();
    assert!(block_on(store.find(&call.digest(), &Asker::of(&call), NOON)).unwrap().is_none());
    assert!(!ask(&mut store, &policy, &call, NOON).joined);
}

#[test]
fn the_loser_is_told_who_answered_what() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let id = asked.record.approval.id.clone();
    reply(&mut store, &policy, &once(&id, Outcome::Deny), NOON).unwrap();
    let late = reply(&mut store, &policy, &always(&asked, Outcome::Allow, Scope::User, 0), NOON).unwrap_err();
    insta::assert_snapshot!(late, @"already answered: denied by ana — nothing was changed");
    assert!(!runs(&mut store, &policy, &shell("git push"), NOON));

    // The same answer again is no error, and changes nothing.
    let repeated = reply(&mut store, &policy, &once(&id, Outcome::Deny), NOON).unwrap();
    assert!(repeated.repeated && repeated.grants.is_empty());
    assert_eq!(kinds(&mut store), ["asked", "denied"]);
}

#[test]
fn an_answer_that_would_be_remembered_otherwise_is_another() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let id = asked.record.approval.id.clone();
    let never = always(&asked, Outcome::Deny, Scope::User, 0);
    let first = reply(&mut store, &policy, &never, NOON).unwrap();
    assert_eq!(first.grants.len(), 1);
    // Sent again by one who never heard the answer: it was acknowledged without what it had made.
    let again = reply(&mut store, &policy, &never, NOON).unwrap();
    assert!(again.repeated && again.grants == first.grants);
    // A second "never" was acknowledged and not kept, where the first was for this once.
    for other in [
        once(&id, Outcome::Deny),
        always(&asked, Outcome::Deny, Scope::Session, 0),
        always(&asked, Outcome::Deny, Scope::User, 1),
    ] {
        let refused = reply(&mut store, &policy, &other, NOON).unwrap_err();
        assert_eq!(refused.to_string(), "already answered: denied by ana — nothing was changed");
    }
    let asked = ask(&mut store, &policy, &shell("git pull"), NOON);
    reply(&mut store, &policy, &once(&asked.record.approval.id, Outcome::Deny), NOON).unwrap();
    reply(&mut store, &policy, &always(&asked, Outcome::Deny, Scope::User, 0), NOON).unwrap_err();
    assert_eq!(kinds(&mut store), ["asked", "denied", "granted", "asked", "denied"]);
}

#[test]
fn time_ends_questions_and_yeses() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let open = ask(&mut store, &policy, &shell("git pull"), NOON).record.approval.id;
    let allowed = ask(&mut store, &policy, &call, NOON).record.approval.id;
    reply(&mut store, &policy, &once(&allowed, Outcome::Allow), NOON).unwrap();

    let late = block_on(store.redeem(&allowed, &call, NOON.plus_seconds(10 * MINUTE), &judge(&policy)));
    assert!(matches!(late, Err(RedeemError::Refused(Refusal::Expired))), "{late:?}");
    assert!(matches!(state(&mut store, &allowed), State::Expired { .. }));
    assert_eq!(state(&mut store, &open), State::Open);

    let tomorrow = NOON.plus_seconds(24 * HOUR);
    let late = reply(&mut store, &policy, &once(&open, Outcome::Allow), tomorrow).unwrap_err();
    insta::assert_snapshot!(late, @"the question has expired: the agent can ask again");
    assert!(matches!(state(&mut store, &open), State::Expired { .. }));
    assert!(block_on(store.expire(tomorrow)).unwrap().is_empty());
}

/// clawbolt takes a question that nobody answered for a no, for the rest of the turn.
#[test]
fn a_question_that_nobody_answered_is_asked_anew() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git pull");
    let first = ask(&mut store, &policy, &call, NOON).record.approval.id;
    let tomorrow = NOON.plus_seconds(24 * HOUR);
    let second = ask(&mut store, &policy, &call, tomorrow).record.approval.id;
    assert_ne!(first, second);
    assert!(matches!(state(&mut store, &first), State::Expired { .. }));
    assert_eq!(state(&mut store, &second), State::Open);
}

#[test]
fn expiring_names_what_it_ended() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let id = ask(&mut store, &policy, &shell("git pull"), NOON).record.approval.id;
    assert!(block_on(store.expire(NOON.plus_seconds(HOUR))).unwrap().is_empty());
    let tomorrow = NOON.plus_seconds(24 * HOUR);
    assert!(block_on(store.open_questions(None, tomorrow)).unwrap().is_empty());
    assert_eq!(block_on(store.expire(tomorrow)).unwrap(), [id]);
}

#[test]
fn withdrawn_by_its_agent_its_turn_or_its_session() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let mine = ask(&mut store, &policy, &call, NOON).record.approval;
    let mut later = shell("make");
    later.turn = Some("t2".into());
    let later = ask(&mut store, &policy, &later, NOON).record.approval;
    let mut foreign = shell("ls");
    foreign.session = "s2".into();
    let foreign = ask(&mut store, &policy, &foreign, NOON).record.approval;

    let own = |id: &str| Withdraw::Own { id: id.into(), asker: mine.asker.clone() };
    assert!(block_on(store.cancel(&own(&foreign.id), "agent", CancelReason::Agent, NOON)).unwrap().is_empty());
    // A sub-agent of the same session did not ask it either.
    let helper = Asker { agent: Some("helper".into()), ..mine.asker.clone() };
    let helpers = Withdraw::Own { id: mine.id.clone(), asker: helper };
    assert!(block_on(store.cancel(&helpers, "agent", CancelReason::Agent, NOON)).unwrap().is_empty());
    let turn = Withdraw::Turn { user: "ana".into(), session: mine.asker.session.clone(), turn: "t1".into() };
    assert_eq!(block_on(store.cancel(&turn, "ana", CancelReason::Stop, NOON)).unwrap(), [&*mine.id]);
    let refused = reply(&mut store, &policy, &once(&mine.id, Outcome::Allow), NOON).unwrap_err();
    insta::assert_snapshot!(refused, @"the question was withdrawn (the agent was stopped) and can no longer be answered");
    let ended = block_on(store.end_session("ana", &mine.asker.session, "host", NOON)).unwrap();
    assert_eq!(ended, [later.id]);
    assert_eq!(state(&mut store, &foreign.id), State::Open);
}

#[test]
fn a_session_that_ends_with_a_deferred_question_keeps_that_one_alone() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let open = |store: &mut Store, command: &str, deferred| {
        let call = shell(command);
        let question = question(&call, &judge(&policy)(&call, None, &[], NOON));
        let ask = Ask { call: &call, question: &question, max_open: 9, deferred };
        block_on(store.ask(&ask, NOON)).unwrap().record.approval
    };
    let kept = open(&mut store, "git push", true);
    let other = open(&mut store, "git fetch", true);
    let waiting = open(&mut store, "git pull", false);
    let session = kept.asker.session.clone();
    let end = |store: &mut Store, but: &str| {
        let ended = block_on(store.end_session_but("ana", &session, but, "host", NOON)).unwrap();
        ended.into_iter().collect::<BTreeSet<String>>()
    };
    assert_eq!(end(&mut store, &kept.id), BTreeSet::from([other.id, waiting.id]));
    assert_eq!(state(&mut store, &kept.id), State::Open);
    // One whose agent waits for it goes with its agent, whoever names it.
    let waiting = open(&mut store, "git pull", false);
    assert_eq!(end(&mut store, &waiting.id), BTreeSet::from([kept.id, waiting.id.clone()]));
}

#[test]
fn what_cannot_be_shown_cannot_be_allowed() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let mut question = question(&call, &judge(&policy)(&call, None, &[], NOON));
    question.unapprovable = Some("it is 4 MB long".into());
    let asked =
        block_on(store.ask(&Ask { call: &call, question: &question, max_open: 3, deferred: false }, NOON)).unwrap();
    let id = asked.record.approval.id;
    let refused = reply(&mut store, &policy, &once(&id, Outcome::Allow), NOON).unwrap_err();
    insta::assert_snapshot!(refused, @"this cannot be allowed: it is 4 MB long");
    assert_eq!(state(&mut store, &id), State::Open);
    reply(&mut store, &policy, &once(&id, Outcome::Deny), NOON).unwrap();
}

#[test]
fn stricter_policy_in_between_wins() {
    let place = Place::new();
    let mut store = place.open();
    let lax = policy(Vec::new());
    let strict = policy(vec![rule(Effect::Deny, "git push **")]);
    let call = shell("git push");
    let id = ask(&mut store, &lax, &call, NOON).record.approval.id;
    let refused = reply(&mut store, &strict, &once(&id, Outcome::Allow), NOON).unwrap_err();
    assert!(matches!(refused, ReplyError::Stricter { .. }));
    assert_eq!(state(&mut store, &id), State::Open);

    reply(&mut store, &lax, &once(&id, Outcome::Allow), NOON).unwrap();
    let refused = block_on(store.redeem(&id, &call, NOON, &judge(&strict)));
    assert!(matches!(refused, Err(RedeemError::Stricter { .. })), "{refused:?}");
    assert!(matches!(state(&mut store, &id), State::Cancelled { reason: CancelReason::Policy, .. }));
    // It does not come back with the old policy.
    let refused = block_on(store.redeem(&id, &call, NOON, &judge(&lax)));
    assert!(matches!(refused, Err(RedeemError::Refused(Refusal::Cancelled(CancelReason::Policy)))), "{refused:?}");
}

#[test]
fn a_question_whose_targets_changed_is_asked_anew() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let decision = judge(&policy)(&call, None, &[], NOON);
    let old = question(&call, &decision);
    let first = block_on(store.ask(&Ask { call: &call, question: &old, max_open: 3, deferred: false }, NOON)).unwrap();
    let mut new = old.clone();
    new.parts[0].identity = "somewhere else".into();
    let second = block_on(store.ask(&Ask { call: &call, question: &new, max_open: 3, deferred: false }, NOON)).unwrap();
    assert!(!second.joined);
    let withdrawn = state(&mut store, &first.record.approval.id);
    assert!(matches!(withdrawn, State::Cancelled { reason: CancelReason::Policy, .. }), "{withdrawn:?}");
}

#[test]
fn a_remembered_yes_answers_what_else_it_covers_in_the_turn() {
    let place = Place::new();
    let mut store = place.open();
    let policy = Policy { max_open: 9, ..policy(Vec::new()) };
    let first = ask(&mut store, &policy, &shell("git push"), NOON);
    let covered = ask(&mut store, &policy, &shell("git fetch"), NOON).record.approval.id;
    let other = ask(&mut store, &policy, &shell("make"), NOON).record.approval.id;
    let mut later = shell("git log");
    later.turn = Some("t2".into());
    let mut listed = shell("git diff");
    listed.session = "s2".into();
    let later_id = ask(&mut store, &policy, &later, NOON).record.approval.id;
    let listed_id = ask(&mut store, &policy, &listed, NOON).record.approval.id;

    let mut yes = always(&first, Outcome::Allow, Scope::Project, 1);
    yes.also = vec![listed_id.clone(), other.clone()];
    let replied = reply(&mut store, &policy, &yes, NOON).unwrap();
    assert_eq!(replied.also, [covered.clone(), listed_id]);
    assert_eq!(state(&mut store, &other), State::Open);
    assert_eq!(state(&mut store, &later_id), State::Open);
    let State::Allowed { answer, .. } = state(&mut store, &covered) else { unreachable!("it was answered") };
    assert!(answer.shown.is_empty() && answer.by == "ana");
    block_on(store.redeem(&covered, &shell("git fetch"), NOON, &judge(&policy))).unwrap();
    let all = block_on(store.records(&RecordFilter { open: true, ..Default::default() })).unwrap();
    assert_eq!(all.len(), 2);
}

#[test]
fn what_a_yes_answered_besides_ends_with_its_grant() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let first = ask(&mut store, &policy, &shell("git push"), NOON);
    let covered = ask(&mut store, &policy, &shell("git fetch"), NOON).record.approval.id;
    let replied = reply(&mut store, &policy, &always(&first, Outcome::Allow, Scope::Project, 1), NOON).unwrap();
    assert!(block_on(store.revoke(&replied.grants[0].id, "ana", "ana", NOON)).unwrap());
    let refused = block_on(store.redeem(&covered, &shell("git fetch"), NOON, &judge(&policy)));
    assert!(matches!(refused, Err(RedeemError::Stricter { .. })), "{refused:?}");
}

#[test]
fn a_remembered_no_answers_alike() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let first = ask(&mut store, &policy, &shell("git push"), NOON);
    let covered = ask(&mut store, &policy, &shell("git fetch"), NOON).record.approval.id;
    let replied = reply(&mut store, &policy, &always(&first, Outcome::Deny, Scope::Session, 1), NOON).unwrap();
    assert_eq!(replied.also, [&*covered]);
    assert!(matches!(state(&mut store, &covered), State::Denied { .. }));
}
