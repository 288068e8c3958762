//! The agent, or whoever forges a form, against the store.

use countersign_policy::approval::{Outcome, Refusal, State};
use countersign_policy::{Effect, GrantResource, PathResource, Resource, Scope, Target};
use countersign_service::block_on::block_on;
use countersign_service::store::{Ask, GrantFilter, Human, RedeemError, Remembered, Reply, ReplyError, Store, Via};

use crate::support::{NOON, Place, always, ask, judge, once, policy, question, reply, runs, shell, shell_pattern};

/// The reply is refused with this line, and nothing was written.
fn refused(store: &mut Store, forged: &Reply) -> String {
    let policy = policy(Vec::new());
    let before = block_on(store.version()).unwrap();
    let error = reply(store, &policy, forged, NOON).unwrap_err();
    assert!(block_on(store.grants(&GrantFilter::default(), NOON)).unwrap().is_empty());
    let record = block_on(store.record(&forged.approval)).unwrap().unwrap();
    assert_eq!(record.approval.state, State::Open);
    assert_eq!(block_on(store.version()).unwrap(), before);
    error.to_string()
}

#[test]
fn nothing_is_remembered_that_was_not_offered() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let honest = always(&asked, Outcome::Allow, Scope::Session, 0);
    let with = |resource: GrantResource| {
        let identity = honest.remember[0].identity.clone();
        Reply { remember: vec![Remembered { identity, resource }], ..honest.clone() }
    };
    let not_offered = "the question does not offer to remember this: git push";
    assert_eq!(refused(&mut store, &with(GrantResource::Whole)), not_offered);
    assert_eq!(refused(&mut store, &with(shell_pattern("**"))), not_offered);
    assert_eq!(refused(&mut store, &with(shell_pattern("git **"))), not_offered);
    let key = shell("rm -rf /").targets[0].grant_key().unwrap();
    let other = GrantResource::Literal { key: key.clone(), shown: "git push".into() };
    assert_eq!(refused(&mut store, &with(other)), not_offered);
    // The right key under another text is as wrong: the text is what a human would read later.
    let key = shell("git push").targets[0].grant_key().unwrap();
    assert_eq!(refused(&mut store, &with(GrantResource::Literal { key, shown: "harmless".into() })), not_offered);

    let mut foreign = honest.clone();
    foreign.remember[0].identity = shell("rm -rf /").targets[0].identity();
    insta::assert_snapshot!(
        refused(&mut store, &foreign),
        @"the question does not offer to remember this: it names no target of the question"
    );
    // One forged among honest ones spoils all.
    let mut mixed = honest.clone();
    mixed.remember.extend(with(GrantResource::Whole).remember);
    assert_eq!(refused(&mut store, &mixed), not_offered);
}

#[test]
fn scopes_are_held_to_what_was_offered() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let team = always(&asked, Outcome::Allow, Scope::Team, 0);
    insta::assert_snapshot!(
        refused(&mut store, &team),
        @"policy does not let this be remembered for scope `team`: git push"
    );
    insta::assert_snapshot!(
        refused(&mut store, &Reply { scope: Scope::Once, ..team.clone() }),
        @"to remember something takes a scope: turn, session, project or user"
    );
    insta::assert_snapshot!(
        refused(&mut store, &Reply { remember: Vec::new(), scope: Scope::User, ..team }),
        @"`user` says how long to remember, and nothing was chosen to be remembered: choose what, or answer only this once"
    );
}

#[test]
fn a_star_in_a_literal_is_a_star() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let asked = ask(&mut store, &policy, &shell("git *"), NOON);
    reply(&mut store, &policy, &always(&asked, Outcome::Allow, Scope::User, 0), NOON).unwrap();
    assert!(runs(&mut store, &policy, &shell("git *"), NOON));
    assert!(!runs(&mut store, &policy, &shell("git push"), NOON));
    assert!(!runs(&mut store, &policy, &shell("git"), NOON));
}

#[test]
fn only_the_agent_that_asked_redeems_only_what_was_approved() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let call = shell("git push");
    let id = ask(&mut store, &policy, &call, NOON).record.approval.id;
    reply(&mut store, &policy, &once(&id, Outcome::Allow), NOON).unwrap();
    let mut redeem = |call| block_on(store.redeem(&id, &call, NOON, &judge(&policy))).unwrap_err();

    let mut thief = shell("git push");
    thief.session = "s2".into();
    assert!(matches!(redeem(thief), RedeemError::Refused(Refusal::OtherAsker)));
    let mut thief = shell("git push");
    thief.user = "ben".into();
    assert!(matches!(redeem(thief), RedeemError::Refused(Refusal::OtherAsker)));
    let mut thief = shell("git push");
    thief.agent = Some("helper".into());
    assert!(matches!(redeem(thief), RedeemError::Refused(Refusal::OtherCall)));
    assert!(matches!(redeem(shell("git push --force")), RedeemError::Refused(Refusal::OtherCall)));
    let mut swapped = shell("git push");
    swapped.cwd = "/elsewhere".into();
    assert!(matches!(redeem(swapped), RedeemError::Refused(Refusal::OtherCall)));
    // Whoever asked still can.
    block_on(store.redeem(&id, &call, NOON, &judge(&policy))).unwrap();
}

#[test]
fn a_link_swapped_after_the_yes_is_not_followed() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let edit = |real: &str| {
        let mut call = shell("x");
        call.action = "edit".parse().unwrap();
        call.args = serde_json::json!({ "file_path": "/repo/notes" });
        let path = PathResource { written: "notes".into(), lexical: "/repo/notes".into(), real: Some(real.into()) };
        call.targets = vec![Target::primary(call.action.clone(), Resource::Path(path))];
        call
    };
    let shown = edit("/repo/notes");
    let decision = judge(&policy)(&shown, None, &[], NOON);
    let mut asked = question(&shown, &decision);
    asked.parts[0].offers.clear();
    let asked =
        block_on(store.ask(&Ask { call: &shown, question: &asked, max_open: 3, deferred: false }, NOON)).unwrap();
    let id = asked.record.approval.id;
    reply(&mut store, &policy, &once(&id, Outcome::Allow), NOON).unwrap();
    let swapped = edit("/home/ana/.bashrc");
    assert_eq!(swapped.digest(), shown.digest());
    let refused = block_on(store.redeem(&id, &swapped, NOON, &judge(&policy))).unwrap_err();
    let RedeemError::Stricter { decision } = &refused else { unreachable!("{refused:?}") };
    assert_eq!(decision.effect(), Effect::Ask);
    insta::assert_snapshot!(
        refused,
        @"a human allowed this, but policy has become stricter since: the approval was withdrawn"
    );
}

#[test]
fn nobody_answers_another_users_question_or_guesses_one() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let id = ask(&mut store, &policy, &shell("git push"), NOON).record.approval.id;
    let ben = Human { user: "ben".into(), via: Via::Page };
    let foreign = block_on(store.reply(&once(&id, Outcome::Allow), &ben, NOON, &judge(&policy))).unwrap_err();
    assert_eq!(foreign.to_string(), format!("there is no question `{id}`"));
    for guess in ["", "1", "%", "' OR 1 = 1 --", &id[..id.len() - 1], &id.to_uppercase()] {
        let error = reply(&mut store, &policy, &once(guess, Outcome::Allow), NOON).unwrap_err();
        assert!(matches!(error, ReplyError::Unknown(_)), "{guess}: {error}");
        let error = block_on(store.redeem(guess, &shell("git push"), NOON, &judge(&policy))).unwrap_err();
        assert!(matches!(error, RedeemError::Unknown(_)), "{guess}: {error}");
        assert!(block_on(store.record(guess)).unwrap().is_none());
    }
}

#[test]
fn ids_share_no_more_than_their_time() {
    let place = Place::new();
    let mut store = place.open();
    let mut policy = policy(Vec::new());
    policy.max_open = 100;
    let ids: Vec<String> =
        (0..50).map(|n| ask(&mut store, &policy, &shell(&format!("x {n}")), NOON).record.approval.id).collect();
    let mut tails: Vec<&str> = ids.iter().map(|id| &id[19..]).collect();
    tails.sort_unstable();
    tails.dedup();
    assert_eq!(tails.len(), 50);
    let numbers: Vec<u128> = ids.iter().map(|id| u128::from_str_radix(&id.replace('-', ""), 16).unwrap()).collect();
    let near = numbers.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1 << 32).count();
    assert_eq!(near, 0, "{ids:?}");
}

#[test]
fn another_users_question_is_not_answered_besides() {
    let place = Place::new();
    let mut store = place.open();
    let policy = policy(Vec::new());
    let mut bens = shell("git fetch");
    bens.user = "ben".into();
    let bens = ask(&mut store, &policy, &bens, NOON).record.approval.id;
    let asked = ask(&mut store, &policy, &shell("git push"), NOON);
    let mut yes = always(&asked, Outcome::Allow, Scope::User, 1);
    yes.also = vec![bens.clone(), "no such".into(), asked.record.approval.id.clone()];
    assert!(reply(&mut store, &policy, &yes, NOON).unwrap().also.is_empty());
    assert_eq!(block_on(store.record(&bens)).unwrap().unwrap().approval.state, State::Open);
}
