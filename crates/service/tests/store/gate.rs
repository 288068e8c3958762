//! The flow that hook and server share.

use countersign_engine::Engine;
use countersign_policy::approval::{Outcome, State};
use countersign_policy::{Attendance, Call, Cause, Effect, Scope, Timestamp};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::gate::{self, Gate, HostId};
use countersign_service::store::{Ask, GrantFilter, LogFilter, Store};

use crate::support::{NOON, Place, always, once, policy, reply, rule, shell};

struct Scene {
    _place: Place,
    store: Store,
    engine: Engine,
}

impl Scene {
    fn new() -> Scene {
        let rules = vec![rule(Effect::Allow, "ls **"), rule(Effect::Deny, "rm **")];
        let place = Place::new();
        let store = place.open();
        Scene { _place: place, store, engine: Engine::new(policy(rules)) }
    }

    fn gate(&mut self, call: &Call, now: Timestamp) -> Gate {
        let (mut call, id) = (call.clone(), HostId::told(Some("call-1")));
        block_on(gate::decide(&mut self.store, &self.engine, &Disk, &mut call, id, now)).unwrap()
    }

    /// Comes to the gate, and asks as a hook would; the question's id.
    fn ask(&mut self, call: &Call) -> String {
        let Gate::Pending { question, .. } = self.gate(call, NOON) else { unreachable!("it asks") };
        let ask = Ask { call, question: &question, max_open: 3, deferred: false };
        block_on(self.store.ask(&ask, NOON)).unwrap().record.approval.id
    }

    fn answer(&mut self, id: &str, outcome: Outcome, feedback: Option<&str>) {
        let policy = self.engine.policy().clone();
        let mut answer = once(id, outcome);
        answer.feedback = feedback.map(str::to_owned);
        reply(&mut self.store, &policy, &answer, NOON).unwrap();
    }

    /// Effects in the log, the oldest first.
    fn logged(&mut self) -> Vec<Effect> {
        let entries = block_on(self.store.log_entries(&LogFilter { after: Some(0), ..Default::default() })).unwrap();
        entries.into_iter().map(|logged| logged.entry.effect).collect()
    }
}

#[test]
fn policy_alone_decides_and_each_decision_is_logged() {
    let mut scene = Scene::new();
    let Gate::Decided { decision } = scene.gate(&shell("ls -l"), NOON) else { unreachable!("a rule allows it") };
    assert_eq!(decision.effect(), Effect::Allow);
    let Gate::Decided { decision } = scene.gate(&shell("rm -rf x"), NOON) else { unreachable!("a rule denies it") };
    assert_eq!(decision.effect(), Effect::Deny);
    let Gate::Pending { existing: None, .. } = scene.gate(&shell("make"), NOON) else { unreachable!("it asks") };
    assert_eq!(scene.logged(), [Effect::Allow, Effect::Deny, Effect::Ask]);
    let logged = block_on(scene.store.log_entries(&LogFilter { id: Some(2), ..Default::default() })).unwrap().remove(0);
    assert_eq!(logged.entry.summary, "shell: rm -rf x");
    assert_eq!(logged.entry.call_id.as_deref(), Some("call-1"));
    assert_eq!(logged.entry.detail.value()["cause"]["origin"]["line"], 1);
}

#[test]
fn a_late_yes_is_redeemed_once() {
    let mut scene = Scene::new();
    let call = shell("make");
    let id = scene.ask(&call);
    let Gate::Pending { existing, .. } = scene.gate(&call, NOON) else { unreachable!("nobody answered") };
    assert_eq!(existing.unwrap().approval.id, id);
    scene.answer(&id, Outcome::Allow, None);
    let Gate::Answered { decision, approval } = scene.gate(&call, NOON) else { unreachable!("it was answered") };
    assert_eq!((decision.effect(), &approval), (Effect::Allow, &id));
    let Gate::Pending { existing: None, .. } = scene.gate(&call, NOON) else { unreachable!("it counts once") };
    assert_eq!(scene.logged(), [Effect::Ask, Effect::Ask, Effect::Allow, Effect::Ask]);
}

#[test]
fn a_late_no_is_told_once_with_its_feedback() {
    let mut scene = Scene::new();
    let call = shell("make");
    let id = scene.ask(&call);
    scene.answer(&id, Outcome::Deny, Some("use just"));
    let Gate::Answered { decision, .. } = scene.gate(&call, NOON) else { unreachable!("it was answered") };
    assert_eq!(decision.effect(), Effect::Deny);
    let Cause::Answer { feedback, .. } = decision.cause() else { unreachable!("{decision:?}") };
    assert_eq!(feedback.as_deref(), Some("use just"));
    let Gate::Pending { .. } = scene.gate(&call, NOON) else { unreachable!("it counts once") };
}

#[test]
fn with_nobody_there_a_yes_from_before_still_counts() {
    let mut scene = Scene::new();
    let id = scene.ask(&shell("make"));
    let alone = Call { attendance: Attendance::Nobody, ..shell("make") };
    let Gate::Decided { decision } = scene.gate(&alone, NOON) else { unreachable!("nobody can be asked") };
    assert!(matches!(decision.cause(), Cause::Nobody { .. }));
    scene.answer(&id, Outcome::Allow, None);
    let Gate::Answered { decision, .. } = scene.gate(&alone, NOON) else { unreachable!("it was answered") };
    assert_eq!(decision.effect(), Effect::Allow);
}

#[test]
fn a_yes_does_not_outlive_stricter_policy() {
    let mut scene = Scene::new();
    let call = shell("make");
    let id = scene.ask(&call);
    scene.answer(&id, Outcome::Allow, None);
    let lax = std::mem::replace(&mut scene.engine, Engine::new(policy(vec![rule(Effect::Deny, "make **")])));
    let Gate::Decided { decision } = scene.gate(&call, NOON) else { unreachable!("a rule denies it") };
    assert_eq!(decision.effect(), Effect::Deny);
    // The yes was not used up by that, and with the old policy it counts again, for its 10 minutes.
    scene.engine = lax;
    let Gate::Pending { existing: None, .. } = scene.gate(&call, NOON.plus_seconds(601)) else {
        unreachable!("it is too late")
    };
}

#[test]
fn grants_that_let_it_run_are_counted_and_named() {
    let mut scene = Scene::new();
    let call = shell("make");
    let policy = scene.engine.policy().clone();
    let asked = crate::support::ask(&mut scene.store, &policy, &call, NOON);
    let yes = always(&asked, Outcome::Allow, Scope::Session, 0);
    let replied = reply(&mut scene.store, &policy, &yes, NOON).unwrap();
    // The question's own yes is taken with the first call: its agent is told as of any yes, and there is no second one.
    let Gate::Answered { decision, approval } = scene.gate(&call, NOON) else { unreachable!("there is a yes to it") };
    assert_eq!((decision.effect(), &approval), (Effect::Allow, &asked.record.approval.id));
    for _ in 0..2 {
        let Gate::Decided { decision } = scene.gate(&call, NOON) else { unreachable!("it was granted") };
        assert_eq!(decision.effect(), Effect::Allow);
    }
    let kept = block_on(scene.store.grants(&GrantFilter::default(), NOON)).unwrap().remove(0);
    assert_eq!((kept.uses, &kept.grant.id), (3, &replied.grants[0].id));
    let logged = block_on(scene.store.log_entries(&LogFilter::default())).unwrap().remove(0);
    assert_eq!(logged.entry.grants, [kept.grant.id]);
    let record = block_on(scene.store.record(&asked.record.approval.id)).unwrap().unwrap();
    assert!(matches!(record.approval.state, State::Redeemed { .. }));
}

#[test]
fn a_huge_or_deceiving_command_is_logged_short_and_printable() {
    let mut scene = Scene::new();
    let call = shell(&format!("rm \u{202e}{}", "x".repeat(1_000_000)));
    let _ = scene.gate(&call, NOON);
    let logged = block_on(scene.store.log_entries(&LogFilter::default())).unwrap().remove(0);
    assert!(logged.entry.summary.chars().count() < 320, "{}", logged.entry.summary.chars().count());
    assert!(logged.entry.summary.contains("\\u{202E}"), "{}", logged.entry.summary);
}
