//! How far a remembered answer reaches, and when it ends.

use countersign_policy::approval::Outcome;
use countersign_policy::{Call, Effect, Grant, GrantLimit, Reach, Scope, Source, SourceKind, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::store::{GrantFilter, LogEntry, NewGrant, Store};

use crate::support::{HOUR, NOON, Place, always, ask, judge, policy, reply, runs, shell, shell_pattern};

fn variants() -> Vec<(&'static str, Call)> {
    let same = shell("git push");
    let with = |change: fn(&mut Call)| {
        let mut call = shell("git push");
        change(&mut call);
        call
    };
    vec![
        ("same", same),
        ("other turn", with(|call| call.turn = Some("t2".into()))),
        ("no turn", with(|call| call.turn = None)),
        ("other session", with(|call| call.session = "s2".into())),
        ("other host", with(|call| call.host = "codex".into())),
        ("other project", with(|call| call.project = "/elsewhere".into())),
        ("other user", with(|call| call.user = "ben".into())),
    ]
}

fn reached(store: &mut Store, now: Timestamp) -> Vec<&'static str> {
    let policy = policy(Vec::new());
    let mut reached = Vec::new();
    for (name, call) in variants() {
        if runs(store, &policy, &call, now) {
            reached.push(name);
        }
    }
    reached
}

#[test]
fn each_scope_reaches_so_far_also_after_a_restart() {
    for (scope, expected) in [
        (Scope::Turn, &["same"][..]),
        (Scope::Session, &["same", "other turn", "no turn"]),
        (Scope::Project, &["same", "other turn", "no turn", "other session", "other host"]),
        (Scope::User, &["same", "other turn", "no turn", "other session", "other host", "other project"]),
    ] {
        let place = Place::new();
        let mut store = place.open();
        let policy = policy(Vec::new());
        let asked = ask(&mut store, &policy, &shell("git push"), NOON);
        reply(&mut store, &policy, &always(&asked, Outcome::Allow, scope, 0), NOON).unwrap();
        assert_eq!(reached(&mut store, NOON), expected, "{scope}");
        block_on(store.close()).unwrap();
        assert_eq!(reached(&mut place.open(), NOON), expected, "{scope} after a restart");
    }
}

#[test]
fn a_literal_is_found_and_a_pattern_by_its_program() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    reply(&mut store, &policy, &always(&asked, Outcome::Allow, Scope::Session, 1), NOON).unwrap();
    assert!(runs(&mut store, &policy, &shell("git fetch"), NOON));
    assert!(!runs(&mut store, &policy, &shell("gits fetch"), NOON));
    assert!(!runs(&mut store, &policy, &shell("make"), NOON));
}

#[test]
fn a_denial_is_found_under_another_spelling() {
    let place = Place::new();
    let mut store = place.open();
    let rules = policy(vec![crate::support::rule(Effect::Allow, "**")]);
    let reach = Reach::of(&shell("git push"), Scope::User).unwrap();
    let resource = shell_pattern("git push *");
    let deny = NewGrant { effect: Effect::Deny, action: "shell".parse().unwrap(), resource, reach, expires: None };
    block_on(store.grant(deny, "ana", NOON)).unwrap();
    assert!(!runs(&mut store, &rules, &shell("/usr/bin/GIT push"), NOON));
    assert!(runs(&mut store, &rules, &shell("git pull"), NOON));
}

fn granted_for_an_hour() -> (Place, Store) {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let mut yes = always(&asked, Outcome::Allow, Scope::User, 0);
    yes.expires = Some(NOON.plus_seconds(HOUR));
    reply(&mut store, &policy, &yes, NOON).unwrap();
    (place, store)
}

#[test]
fn a_grant_ends_at_its_time() {
    let (_place, mut store) = granted_for_an_hour();
    let policy = policy(Vec::new());
    assert!(runs(&mut store, &policy, &shell("git push"), NOON.plus_seconds(HOUR - 1)));
    assert!(!runs(&mut store, &policy, &shell("git push"), NOON.plus_seconds(HOUR)));
}

#[test]
fn setting_the_clock_back_brings_nothing_back() {
    let (place, mut store) = granted_for_an_hour();
    let policy = policy(Vec::new());
    let call = shell("git push");
    // The store sees that two hours have passed, then the clock is set back by as much.
    let entry = LogEntry::decided(&call, &judge(&policy)(&call, None, &[], NOON));
    block_on(store.log(&[entry], false, NOON.plus_seconds(2 * HOUR))).unwrap();
    block_on(store.close()).unwrap();
    let mut store = place.open();
    assert_eq!(block_on(store.clock(NOON)).unwrap(), NOON.plus_seconds(2 * HOUR));
    assert!(block_on(store.grants_for(&call, NOON)).unwrap().is_empty());
}

#[test]
fn a_set_back_clock_does_not_stop_time() {
    let (_place, mut store) = granted_for_an_hour();
    let call = shell("git push");
    let log = |store: &mut Store, clock: Timestamp| {
        let entry = LogEntry::decided(&call, &judge(&policy(Vec::new()))(&call, None, &[], NOON));
        block_on(store.log(&[entry], false, clock)).unwrap();
    };
    let yesterday = NOON.plus_seconds(-24 * HOUR);
    log(&mut store, yesterday);
    assert_eq!(block_on(store.clock(yesterday)).unwrap(), NOON);
    assert_eq!(block_on(store.grants_for(&call, yesterday.plus_seconds(HOUR - 1))).unwrap().len(), 1);
    log(&mut store, yesterday.plus_seconds(HOUR));
    assert_eq!(block_on(store.clock(yesterday)).unwrap(), NOON.plus_seconds(HOUR));
    assert!(block_on(store.grants_for(&call, yesterday)).unwrap().is_empty());
}

#[test]
fn time_goes_on_also_for_those_who_hand_in_what_they_were_told() {
    let (place, store) = granted_for_an_hour();
    block_on(store.close()).unwrap();
    let call = shell("git push");
    let yesterday = NOON.plus_seconds(-24 * HOUR);
    for minute in 0..=60 {
        // As a hook does, a new one each minute.
        let mut store = place.open();
        let told = block_on(store.clock(yesterday.plus_seconds(60 * minute))).unwrap();
        assert_eq!(told, NOON.plus_seconds(60 * minute));
        assert_eq!(block_on(store.grants_for(&call, told)).unwrap().len(), usize::from(minute < 60));
        let entry = LogEntry::decided(&call, &judge(&policy(Vec::new()))(&call, None, &[], told));
        block_on(store.log(&[entry], false, told)).unwrap();
        block_on(store.used(&["none".into()], told)).unwrap();
    }
    // The clock is right again.
    let mut store = place.open();
    for clock in [NOON.plus_seconds(2 * HOUR), NOON.plus_seconds(2 * HOUR + 5)] {
        assert_eq!(block_on(store.clock(clock)).unwrap(), clock);
        block_on(store.log(&[], true, clock)).unwrap();
    }
}

#[test]
fn a_session_ends_with_its_grants() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let asked = ask(&mut store, &policy, &call, NOON);
    reply(&mut store, &policy, &always(&asked, Outcome::Allow, Scope::Session, 0), NOON).unwrap();
    assert!(runs(&mut store, &policy, &call, NOON));
    block_on(store.end_session("ben", &call.session_key(), "host", NOON)).unwrap();
    assert!(runs(&mut store, &policy, &call, NOON));
    block_on(store.end_session("ana", &call.session_key(), "host", NOON)).unwrap();
    assert!(!runs(&mut store, &policy, &call, NOON));
    // A session of the same name begins anew.
    ask(&mut store, &policy, &call, NOON);
    assert!(!runs(&mut store, &policy, &call, NOON));
}

#[test]
fn a_session_ends_12_hours_after_its_last_use() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let asked = ask(&mut store, &policy, &call, NOON);
    reply(&mut store, &policy, &always(&asked, Outcome::Allow, Scope::Session, 0), NOON).unwrap();
    let entry = LogEntry::decided(&call, &judge(&policy)(&call, None, &[], NOON));
    let used = NOON.plus_seconds(11 * HOUR);
    block_on(store.log(std::slice::from_ref(&entry), false, used)).unwrap();
    assert!(runs(&mut store, &policy, &call, used.plus_seconds(12 * HOUR - 1)));
    let idle = used.plus_seconds(12 * HOUR);
    assert!(!runs(&mut store, &policy, &call, idle));
    // Its next use does not bring the grant back.
    block_on(store.log(&[entry], false, idle)).unwrap();
    assert!(!runs(&mut store, &policy, &call, idle.plus_seconds(1)));
    let listed = block_on(store.grants(&GrantFilter::default(), idle)).unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    let all = block_on(store.grants(&GrantFilter { all: true, ..Default::default() }, idle)).unwrap();
    assert!(all.len() == 1 && all[0].ended.is_some(), "{all:?}");
}

#[test]
fn revoked_by_its_user_only_and_once() {
    let (_place, mut store) = granted_for_an_hour();
    let policy = policy(Vec::new());
    let grant: Grant = block_on(store.grants(&GrantFilter::default(), NOON)).unwrap().remove(0).grant;
    assert!(!block_on(store.revoke(&grant.id, "ben", "ben", NOON)).unwrap());
    assert!(block_on(store.revoke(&grant.id, "ana", "ana", NOON)).unwrap());
    assert!(!block_on(store.revoke(&grant.id, "ana", "ana", NOON)).unwrap());
    assert!(!runs(&mut store, &policy, &shell("git push"), NOON));
}

#[test]
fn uses_are_counted() {
    let (_place, mut store) = granted_for_an_hour();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let grants = block_on(store.grants_for(&call, NOON)).unwrap();
    let decision = judge(&policy)(&call, None, &grants, NOON);
    let at = NOON.plus_seconds(5);
    block_on(store.log(&[LogEntry::decided(&call, &decision)], false, at)).unwrap();
    block_on(store.used(&[grants[0].id.clone()], at.plus_seconds(1))).unwrap();
    let kept = block_on(store.grants(&GrantFilter::default(), at)).unwrap().remove(0);
    assert_eq!((kept.uses, kept.used), (2, Some(at.plus_seconds(1))));
}

#[test]
fn a_ceiling_limits_scope_and_lifetime() {
    let place = Place::new();
    let mut store = place.open();
    let open = policy(Vec::new());
    let mut capped = policy(Vec::new());
    capped.ceilings.push(countersign_policy::Ceiling {
        source: Source::new(SourceKind::Managed, "managed", true, Vec::new()),
        default: Effect::Allow,
        grants: Some(GrantLimit { max_seconds: Some(HOUR), scopes: vec![Scope::Session] }),
        roles: Default::default(),
    });
    // Asked under the open policy, answered under the capped one: the page's offers no longer hold.
    let asked = ask(&mut store, &open, &shell("git push"), NOON);
    let mut yes = always(&asked, Outcome::Allow, Scope::User, 0);
    insta::assert_snapshot!(
        reply(&mut store, &capped, &yes, NOON).unwrap_err(),
        @"policy does not let this be remembered for scope `user`: git push"
    );
    yes.scope = Scope::Session;
    insta::assert_snapshot!(
        reply(&mut store, &capped, &yes, NOON).unwrap_err(),
        @"policy lets this be remembered for at most 3600 seconds: git push"
    );
    yes.expires = Some(NOON.plus_seconds(HOUR + 1));
    reply(&mut store, &capped, &yes, NOON).unwrap_err();
    yes.expires = Some(NOON);
    insta::assert_snapshot!(
        reply(&mut store, &capped, &yes, NOON).unwrap_err(),
        @"the time until which to remember has passed"
    );
    yes.expires = Some(NOON.plus_seconds(HOUR));
    let replied = reply(&mut store, &capped, &yes, NOON).unwrap();
    assert_eq!(replied.grants.len(), 1);
    assert!(runs(&mut store, &capped, &shell("git push"), NOON));
}
