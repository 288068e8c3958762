//! The same call again and again, as an agent would make it that is stuck, or wants to wear something down.

use countersign_engine::Engine;
use countersign_policy::approval::Outcome;
use countersign_policy::{Attendance, Call, Cause, Decision, Effect, Repeats, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::{self, Gate, HostId};
use countersign_service::store::{Ask, Human, NewGrant, Setting, Store, Via};

use crate::support::{HOUR, NOON, Place, judge, once, policy, rule, shell, shell_pattern};

struct Scene {
    place: Place,
    store: Store,
    engine: Engine,
    calls: u32,
}

impl Scene {
    fn new() -> Scene {
        let rules = vec![rule(Effect::Allow, "ls **"), rule(Effect::Allow, "pwd"), rule(Effect::Deny, "rm **")];
        let place = Place::new();
        let store = place.open();
        Scene { place, store, engine: Engine::new(policy(rules)), calls: 0 }
    }

    fn judge(&mut self, call: &Call, id: HostId<'_>, now: Timestamp) -> (Gate, Call) {
        let mut call = call.clone();
        let gate = block_on(gate::decide(&mut self.store, &self.engine, &Disk, &mut call, id, now)).unwrap();
        (gate, call)
    }

    /// Judges a call under an id of its own.
    fn come(&mut self, call: &Call) -> Gate {
        self.calls += 1;
        let id = format!("call-{}", self.calls);
        self.judge(call, HostId::told(Some(&id)), NOON).0
    }

    fn decided(&mut self, call: &Call) -> Decision {
        match self.come(call) {
            Gate::Decided { decision }
            | Gate::Answered { decision, .. }
            | Gate::Edited { decision, .. }
            | Gate::Pending { decision, .. } => decision,
        }
    }

    fn effects(&mut self, lines: &[&str]) -> Vec<Effect> {
        lines.iter().map(|line| self.decided(&shell(line)).effect()).collect()
    }
}

use Effect::{Allow, Deny};
/// As imports of both names would be unclear.
const ASK: Effect = Effect::Ask;

#[test]
fn the_third_in_a_row_asks_and_another_call_ends_the_row() {
    let mut scene = Scene::new();
    assert_eq!(scene.effects(&["ls a", "ls a", "ls b", "ls a", "ls a"]), [Allow; 5]);
    let decision = scene.decided(&shell("ls a"));
    assert_eq!((decision.effect(), decision.cause()), (ASK, &Cause::Repeated { times: 3 }));
    // It was not allowed, so it does not count; and trying again is no way through.
    assert_eq!(scene.decided(&shell("ls a")).cause(), &Cause::Repeated { times: 3 });
    assert_eq!(scene.effects(&["pwd", "ls a"]), [Allow, Allow]);
}

#[test]
fn what_was_denied_or_asked_in_between_hides_no_loop() {
    let mut scene = Scene::new();
    assert_eq!(scene.effects(&["ls a", "rm x", "ls a", "make", "rm y", "ls a"]), [Allow, Deny, Allow, ASK, Deny, ASK]);
}

#[test]
fn another_id_another_turn_and_another_agent_make_no_other_call() {
    let mut scene = Scene::new();
    let first = Call { agent: Some("one".into()), turn: Some("t1".into()), ..shell("ls a") };
    let second = Call { agent: Some("two".into()), turn: Some("t2".into()), ..shell("ls a") };
    let mut third = Call { agent: None, turn: None, ..shell("ls a") };
    third.args["description"] = "something else".into();
    third.args[""] = "x".into();
    assert_eq!(scene.decided(&first).effect(), Allow);
    assert_eq!(scene.decided(&second).effect(), Allow);
    assert_eq!(scene.decided(&third).cause(), &Cause::Repeated { times: 3 });
    // Another session is another row.
    assert_eq!(scene.decided(&Call { session: "s2".into(), ..shell("ls a") }).effect(), Allow);
}

#[test]
fn without_ids_each_is_a_call() {
    let mut scene = Scene::new();
    let of = |scene: &mut Scene| match scene.judge(&shell("ls a"), HostId::default(), NOON).0 {
        Gate::Decided { decision } => decision.effect(),
        _ => ASK,
    };
    assert_eq!([of(&mut scene), of(&mut scene), of(&mut scene)], [Allow, Allow, ASK]);
}

#[test]
fn the_same_call_judged_again_is_one() {
    let mut scene = Scene::new();
    let of = |scene: &mut Scene, id: HostId<'_>| match scene.judge(&shell("ls a"), id, NOON).0 {
        Gate::Decided { decision } => decision.effect(),
        _ => ASK,
    };
    for _ in 0..9 {
        assert_eq!(of(&mut scene, HostId::told(Some("one"))), Allow);
    }
    // A host's prompt does not say which call it is about: it is the one that was judged last.
    assert_eq!(of(&mut scene, HostId::told(Some("two"))), Allow);
    let again = block_on(scene.store.judged_before(&shell("ls a"))).unwrap();
    assert_eq!(again.as_deref(), Some("t1 two"));
    assert_eq!(of(&mut scene, HostId { told: None, again: again.as_deref() }), Allow);
    // The third asks, and asks at the prompt, too.
    assert_eq!(of(&mut scene, HostId::told(Some("three"))), ASK);
    let again = block_on(scene.store.judged_before(&shell("ls a"))).unwrap();
    assert_eq!(of(&mut scene, HostId { told: None, again: again.as_deref() }), ASK);
}

#[test]
fn no_grant_lifts_it_and_a_yes_begins_the_row_anew() {
    let mut scene = Scene::new();
    let call = shell("ls a");
    let reach = countersign_policy::Reach::of(&call, Scope::User).unwrap();
    let (action, resource) = (countersign_policy::Action::Shell, shell_pattern("ls **"));
    let grant = NewGrant { effect: Allow, action, resource, reach, expires: None };
    block_on(scene.store.grant(grant, "ana", NOON)).unwrap();
    assert_eq!(scene.effects(&["ls a", "ls a", "ls a"]), [Allow, Allow, ASK]);

    let (gate, asked) = scene.judge(&call, HostId::told(Some("four")), NOON);
    let Gate::Pending { question, .. } = gate else { unreachable!("it asks") };
    assert!(question.scopes.is_empty() && question.parts.iter().all(|part| part.offers.is_empty()), "{question:?}");
    let ask = Ask { call: &asked, question: &question, max_open: 3, deferred: false };
    let id = block_on(scene.store.ask(&ask, NOON)).unwrap().record.approval.id;
    let human = Human { user: "ana".into(), via: Via::Page };
    let policy = scene.engine.policy().clone();
    block_on(scene.store.reply(&once(&id, Outcome::Allow), &human, NOON, &judge(&policy))).unwrap();

    // The answered call runs, and is the first of a new row.
    let (gate, _) = scene.judge(&call, HostId::told(Some("four")), NOON);
    assert!(matches!(&gate, Gate::Answered { decision, .. } if decision.effect() == Allow), "{gate:?}");
    assert_eq!(scene.effects(&["ls a", "ls a"]), [Allow, ASK]);
}

#[test]
fn a_yes_to_another_call_lifts_nothing() {
    let mut scene = Scene::new();
    assert_eq!(scene.effects(&["ls a", "ls a"]), [Allow, Allow]);
    let (gate, asked) = scene.judge(&shell("ls a"), HostId::told(Some("x")), NOON);
    let Gate::Pending { question, .. } = gate else { unreachable!("it asks") };
    block_on(scene.store.ask(&Ask { call: &asked, question: &question, max_open: 3, deferred: false }, NOON)).unwrap();
    // A person who remembers `ls` for ever, asked about something else, does not answer this along.
    let other = Call { session: "s1".into(), ..shell("make ls") };
    let (gate, other) = scene.judge(&other, HostId::told(Some("y")), NOON);
    let Gate::Pending { question, .. } = gate else { unreachable!("it asks") };
    let asked =
        block_on(scene.store.ask(&Ask { call: &other, question: &question, max_open: 3, deferred: false }, NOON))
            .unwrap();
    let reply = crate::support::always(&asked, Outcome::Allow, Scope::User, 0);
    let human = Human { user: "ana".into(), via: Via::Page };
    let policy = scene.engine.policy().clone();
    let replied = block_on(scene.store.reply(&reply, &human, NOON, &judge(&policy))).unwrap();
    assert!(replied.also.is_empty(), "{replied:?}");
    assert_eq!(scene.decided(&shell("ls a")).cause(), &Cause::Repeated { times: 3 });
}

#[test]
fn where_nobody_can_be_asked_it_is_denied_with_the_reason() {
    let mut scene = Scene::new();
    let alone = Call { attendance: Attendance::Nobody, ..shell("ls a") };
    scene.decided(&alone);
    scene.decided(&alone);
    let decision = scene.decided(&alone);
    assert_eq!(decision.effect(), Deny);
    insta::assert_snapshot!(
        scene.engine.denial(&alone, &decision),
        @"Countersign did not let this run: `ls a`: it would be the same call 3 times in a row (`repeats`), which needs the user's approval, and nobody can be asked now. Do not repeat it: look at what it said before, and do something else."
    );
}

#[test]
fn a_new_process_knows_the_row_and_a_new_session_does_not() {
    let mut scene = Scene::new();
    assert_eq!(scene.effects(&["ls a", "ls a"]), [Allow, Allow]);
    scene.store = scene.place.open();
    assert_eq!(scene.decided(&shell("ls a")).cause(), &Cause::Repeated { times: 3 });
    // Idle for 12 hours, or ended, a session begins anew.
    let later = NOON.plus_seconds(13 * HOUR);
    let (gate, call) = scene.judge(&shell("ls a"), HostId::told(Some("later")), later);
    assert!(matches!(gate, Gate::Decided { .. }), "{gate:?}");
    assert_eq!(call.in_a_row, 1);
    let _ = scene.judge(&shell("ls a"), HostId::told(Some("later still")), later);
    block_on(scene.store.end_session("ana", "claude-code:s1", "ana", later)).unwrap();
    let (_, call) = scene.judge(&shell("ls a"), HostId::told(Some("anew")), later);
    assert_eq!(call.in_a_row, 1);
}

#[test]
fn policy_says_how_often() {
    let mut scene = Scene::new();
    let mut policy = scene.engine.policy().clone();
    policy.repeats = Repeats::Ask(2);
    scene.engine = Engine::new(policy.clone());
    assert_eq!(scene.effects(&["ls a", "ls a"]), [Allow, ASK]);
    policy.repeats = Repeats::Never;
    scene.engine = Engine::new(policy);
    assert_eq!(scene.effects(&["ls a"; 20]), [Allow; 20]);
}

#[test]
fn a_mode_that_was_set_is_the_calls_until_the_session_ends() {
    let mut scene = Scene::new();
    let human = Human { user: "ana".into(), via: Via::Page };
    let mode = |mode: Option<&str>| Setting { mode: Some(mode.map(str::to_owned)), roots: None };
    block_on(scene.store.set_session("claude-code:s1", &mode(Some("plan")), &human, NOON)).unwrap();
    let bold = Call { mode: Some("bypassPermissions".into()), ..shell("pwd") };
    assert_eq!(scene.judge(&bold, HostId::default(), NOON).1.mode.as_deref(), Some("plan"));
    let elsewhere = Call { session: "s2".into(), ..bold.clone() };
    assert_eq!(scene.judge(&elsewhere, HostId::default(), NOON).1.mode.as_deref(), Some("bypassPermissions"));
    let later = NOON.plus_seconds(13 * HOUR);
    assert_eq!(scene.judge(&bold, HostId::default(), later).1.mode.as_deref(), Some("bypassPermissions"));
    block_on(scene.store.set_session("claude-code:s1", &mode(Some("plan")), &human, later)).unwrap();
    block_on(scene.store.set_session("claude-code:s1", &mode(None), &human, later)).unwrap();
    assert_eq!(scene.judge(&bold, HostId::default(), later).1.mode.as_deref(), Some("bypassPermissions"));
}

#[test]
fn a_flood_is_one_sessions_whatever_it_varies() {
    let mut scene = Scene::new();
    let ask = |scene: &mut Scene, call: &Call| {
        let (gate, call) = scene.judge(call, HostId::default(), NOON);
        let Gate::Pending { question, .. } = gate else { unreachable!("it asks") };
        block_on(scene.store.ask(&Ask { call: &call, question: &question, max_open: 3, deferred: false }, NOON))
    };
    let same = shell("make");
    ask(&mut scene, &same).unwrap();
    let joined = ask(&mut scene, &Call { turn: Some("t2".into()), ..same.clone() }).unwrap();
    assert_eq!((joined.joined, joined.record.approval.count), (true, 2), "another turn is the same question");
    for agent in ["one", "two"] {
        let asked = ask(&mut scene, &Call { agent: Some(agent.into()), ..same.clone() }).unwrap();
        assert!(!asked.joined, "another agent redeems its own");
    }
    for (agent, turn) in [(Some("three"), "t1"), (Some("four"), "t9"), (None, "t3")] {
        let more = Call { agent: agent.map(Into::into), turn: Some(turn.into()), ..shell("make more") };
        let refused = ask(&mut scene, &more).unwrap_err().to_string();
        assert!(refused.starts_with("3 questions of this session wait for an answer"), "{refused}");
    }
}
