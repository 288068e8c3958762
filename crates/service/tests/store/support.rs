//! A store in a temporary folder, a policy, and calls.

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_policy::approval::Outcome;
use countersign_policy::pattern::Pattern;
use countersign_policy::{
    Action, Answer, Attendance, Call, Catalog, Class, Decision, Effect, Grant, GrantResource, Nobody, Offer, Origin,
    Part, Policy, Question, Resource, Role, Rule, Scope, ScopeOffer, Selector, Source, SourceKind, Target, Timestamp,
    Word, decide,
};
use countersign_service::block_on::block_on;
use countersign_service::store::{Ask, Asked, Human, Open, Remembered, Replied, Reply, ReplyError, Store, Via};

pub const NOON: Timestamp = Timestamp(1_800_000_000_000);
pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3600;

pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data/countersign.db")
    }

    pub fn open(&self) -> Store {
        block_on(Store::open(&self.path(), Open::Cli)).unwrap()
    }
}

pub fn words(line: &str) -> Vec<Word> {
    line.split(' ').map(Word::data).collect()
}

/// A call of `ana` in `/repo`, session `claude-code:s1`, turn `t1`.
pub fn shell(line: &str) -> Call {
    Call {
        host: "claude-code".into(),
        host_version: None,
        tool: "Bash".into(),
        action: Action::Shell,
        class: Class::Write,
        group: None,
        args: serde_json::json!({ "command": line }),
        cwd: "/repo".into(),
        project: "/repo".into(),
        home: "/home/ana".into(),
        user: "ana".into(),
        session: "s1".into(),
        turn: Some("t1".into()),
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets: vec![Target {
            action: Action::Shell,
            resource: Resource::Words(words(line)),
            role: Role::Primary,
            unclear: None,
            caution: None,
            spellings: Vec::new(),
            named: None,
            command: None,
            programs: BTreeMap::new(),
        }],
        in_a_row: 0,
        faults: Vec::new(),
    }
}

pub fn rule(effect: Effect, pattern: &str) -> Rule {
    let origin = Origin { file: "countersign.toml".into(), line: 1, text: format!("{effect} {pattern}") };
    let patterns = vec![Pattern::parse(&Action::Shell, pattern).unwrap()];
    Rule { patterns, ..Rule::new(effect, Selector::Action(Action::Shell), origin) }
}

pub fn policy(rules: Vec<Rule>) -> Policy {
    Policy {
        builtin: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
        sources: vec![Source::new(SourceKind::User, "countersign.toml", true, rules)],
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: 3,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Catalog::default(),
        programs: std::collections::BTreeMap::new(),
        project_programs: std::collections::BTreeMap::new(),
        revision: "r1".into(),
    }
}

/// What the engine would ask, with two offers for each target: itself, and its program with any arguments.
pub fn question(call: &Call, decision: &Decision) -> Question {
    let part = |(target, judgement): (&Target, &countersign_policy::Judgement)| {
        let text = target.resource.literal().unwrap_or_default();
        let mut offers = Vec::new();
        if let Some(key) = target.grant_key() {
            let literal = GrantResource::Literal { key, shown: text.clone() };
            offers.push(Offer { resource: literal, words: text.clone() });
            let pattern = format!("{} *", text.split(' ').next().unwrap());
            offers.push(Offer { resource: shell_pattern(&pattern), words: pattern });
        }
        Part {
            identity: target.identity(),
            action: target.action.clone(),
            text,
            effect: judgement.effect(),
            why: "default".into(),
            warnings: Vec::new(),
            offers,
        }
    };
    let scopes = decision.judgements().first().map(|judgement| judgement.remember().clone());
    let offer = |scope| ScopeOffer { scope, max_seconds: scopes.as_ref().and_then(|remember| remember.max_seconds) };
    Question {
        summary: "run a command".into(),
        body: call.args.to_string(),
        claim: None,
        parts: call.targets.iter().zip(decision.judgements()).map(part).collect(),
        steps: Vec::new(),
        scopes: scopes.iter().flat_map(|remember| remember.scopes.iter().copied().map(offer)).collect(),
        unapprovable: None,
    }
}

pub fn shell_pattern(text: &str) -> GrantResource {
    GrantResource::Pattern(Pattern::parse(&Action::Shell, text).unwrap())
}

/// A policy as the store rechecks with it.
pub fn judge(policy: &Policy) -> impl Fn(&Call, Option<&Answer>, &[Grant], Timestamp) -> Decision + Sync + '_ {
    |call, answer, grants, now| decide(policy, grants, answer, call, now)
}

pub fn ask(store: &mut Store, policy: &Policy, call: &Call, now: Timestamp) -> Asked {
    let grants = block_on(store.grants_for(call, now)).unwrap();
    let decision = decide(policy, &grants, None, call, now);
    assert_eq!(decision.effect(), Effect::Ask, "{call:?}");
    let question = question(call, &decision);
    block_on(store.ask(&Ask { call, question: &question, max_open: policy.max_open, deferred: false }, now)).unwrap()
}

pub fn once(id: &str, outcome: Outcome) -> Reply {
    Reply {
        approval: id.into(),
        outcome,
        remember: Vec::new(),
        scope: Scope::Once,
        expires: None,
        feedback: None,
        also: Vec::new(),
        edited: None,
        alone: false,
        cascade: false,
    }
}

/// An answer that remembers the offer of that position of every target.
pub fn always(asked: &Asked, outcome: Outcome, scope: Scope, offer: usize) -> Reply {
    let parts = asked.record.question.parts.iter();
    let chosen =
        parts.map(|part| Remembered { identity: part.identity.clone(), resource: part.offers[offer].resource.clone() });
    Reply { remember: chosen.collect(), scope, ..once(&asked.record.approval.id, outcome) }
}

pub fn ana() -> Human {
    Human { user: "ana".into(), via: Via::Page }
}

pub fn reply(store: &mut Store, policy: &Policy, reply: &Reply, now: Timestamp) -> Result<Replied, ReplyError> {
    block_on(store.reply(reply, &ana(), now, &judge(policy)))
}

/// Whether the call runs by grants alone.
pub fn runs(store: &mut Store, policy: &Policy, call: &Call, now: Timestamp) -> bool {
    let grants = block_on(store.grants_for(call, now)).unwrap();
    decide(policy, &grants, None, call, now).effect() == Effect::Allow
}
