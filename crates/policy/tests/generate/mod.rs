//! Random policies, calls, grants and answers over a small world, so that rules really meet resources.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "only tests use it")]

use std::collections::BTreeMap;

use countersign_policy::approval::Outcome;
use countersign_policy::pattern::{Pattern, TextPattern};
use countersign_policy::{
    Action, AgentDefault, AgentTable, Agents, Answer, Attendance, Binds, Call, Catalog, Ceiling, Class,
    CommandSpelling, Condition, Effect, Grant, GrantLimit, GrantResource, Nobody, Origin, PathResource, Policy, Reach,
    Resource, Role, Rule, Scope, Selector, Source, SourceKind, Target, Timestamp, ToolEntry, Word, WordKind,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// The time at which everything is decided.
pub(crate) const NOW: Timestamp = Timestamp(1_000_000);

pub(crate) fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![Just(Effect::Allow), Just(Effect::Ask), Just(Effect::Deny)]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Shell),
        3 => Just(Action::Read),
        2 => Just(Action::Edit),
        1 => Just(Action::Delete),
        1 => Just(Action::Fetch),
        1 => Just(Action::Mcp { server: "hub".to_owned(), tool: "send".to_owned() }),
        1 => Just(Action::Tool("Plan".to_owned())),
    ]
}

fn pattern_text(action: &Action) -> Vec<&'static str> {
    match action {
        Action::Shell => vec!["git *", "git diff *", "git **", "GIT push *", "**", "rm -rf *", "*"],
        Action::Read | Action::Edit | Action::Delete | Action::Search => {
            vec!["**", "src/**", ".env*", "/etc/**", "~/**", "src/a.rs", "SRC/", "/lib/**", "/**/.env*"]
        }
        Action::Fetch => vec!["docs.rs", "*.rs", "https://docs.rs/a*", "*"],
        _ => vec!["me/*", "*", "you"],
    }
}

fn pattern(action: &Action) -> impl Strategy<Value = Pattern> + use<> {
    let action = action.clone();
    prop::sample::select(pattern_text(&action)).prop_map(move |text| Pattern::parse(&action, text).unwrap())
}

fn resource(action: &Action) -> BoxedStrategy<Resource> {
    match action {
        Action::Shell => vec(word(), 1..4).prop_map(Resource::Words).boxed(),
        Action::Read | Action::Edit | Action::Delete | Action::Search => {
            let path = || {
                prop::sample::select(vec![
                    "/repo/src/a.rs",
                    "/repo/.env",
                    "/repo",
                    "/etc/passwd",
                    "/home/u/x",
                    "/repo/Src/b",
                    "/lib/src/a.rs",
                    "/lib/.env",
                ])
            };
            (path(), option::weighted(0.8, path()), any::<bool>())
                .prop_map(|(lexical, real, same)| {
                    let real = if same { Some(lexical) } else { real };
                    Resource::Path(PathResource {
                        written: lexical.to_owned(),
                        lexical: lexical.to_owned(),
                        real: real.map(str::to_owned),
                    })
                })
                .boxed()
        }
        Action::Fetch => {
            prop::sample::select(vec![("docs.rs", "https://docs.rs/a/b"), ("evil.rs", ""), ("x.docs.rs", "")])
                .prop_map(|(host, url)| Resource::Url { host: host.to_owned(), url: url.to_owned() })
                .boxed()
        }
        _ => prop_oneof![
            Just(Resource::None),
            prop::sample::select(vec!["me/x", "you"]).prop_map(|text| Resource::Text(text.to_owned()))
        ]
        .boxed(),
    }
}

fn word() -> impl Strategy<Value = Word> {
    let kind = prop_oneof![6 => Just(WordKind::Data), 1 => Just(WordKind::Power), 1 => Just(WordKind::Dynamic)];
    (prop::sample::select(vec!["git", "diff", "push", "rm", "-rf", "/usr/bin/git"]), kind)
        .prop_map(|(text, kind)| Word { text: text.to_owned(), kind })
}

fn spelling() -> impl Strategy<Value = CommandSpelling> {
    (vec(word(), 1..4), any::<bool>()).prop_map(|(words, allows)| CommandSpelling { words, allows })
}

pub(crate) fn target() -> impl Strategy<Value = Target> {
    action().prop_flat_map(|action| {
        let role = prop_oneof![2 => Just(Role::Primary), 1 => Just(Role::Implied)];
        let doubt = || option::weighted(0.1, Just("odd".to_owned()));
        let spellings = if action == Action::Shell { vec(spelling(), 0..3).boxed() } else { Just(Vec::new()).boxed() };
        (resource(&action), role, doubt(), doubt(), spellings).prop_map(
            move |(resource, role, unclear, caution, spellings)| Target {
                action: action.clone(),
                resource,
                role,
                unclear,
                caution,
                spellings,
                named: None,
                command: None,
                programs: BTreeMap::new(),
            },
        )
    })
}

pub(crate) fn call() -> impl Strategy<Value = Call> {
    (
        vec(target(), 1..4),
        prop::sample::select(vec![Class::Read, Class::Write, Class::Delete]),
        option::of(Just("platform".to_owned())),
        prop::sample::select(vec![r#"{"repo":"me/x"}"#, r#"{"repo":["me/x"]}"#, "{}"]),
        option::of(prop::sample::select(vec!["lead", "guest"])),
        any::<bool>(),
        vec(Just("a fault".to_owned()), 0..2),
        option::of(Just("turn-1".to_owned())),
        (
            option::of(Just("agent-1".to_owned())),
            vec(kind(), 0..3),
            prop_oneof![4 => Just(0_u32), 1 => 1_u32..5],
            prop_oneof![2 => Just(Vec::new()), 1 => Just(vec!["/lib".to_owned()])],
        ),
    )
        .prop_map(
            |(targets, class, group, args, role, nobody, faults, turn, (agent, agent_kinds, in_a_row, roots))| Call {
                host: "claude-code".to_owned(),
                host_version: Some("2.1.0".to_owned()),
                tool: "Tool".to_owned(),
                action: targets[0].action.clone(),
                class,
                group,
                args: serde_json::from_str(args).unwrap(),
                cwd: "/repo".to_owned(),
                project: "/repo".to_owned(),
                roots,
                home: "/home/u".to_owned(),
                user: "u".to_owned(),
                session: "s".to_owned(),
                turn,
                agent,
                agent_kinds,
                role: role.map(str::to_owned),
                mode: None,
                environment: BTreeMap::new(),
                attendance: if nobody { Attendance::Nobody } else { Attendance::Somebody },
                targets,
                in_a_row,
                faults: if faults.len() > 1 { faults } else { Vec::new() },
            },
        )
}

/// A kind of sub-agent, as a host could name it.
fn kind() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["Explore", "Plan", "explore", "*", ""]).prop_map(str::to_owned)
}

fn binds() -> impl Strategy<Value = Binds> {
    prop_oneof![6 => Just(Binds::All), 1 => Just(Binds::Itself), 1 => Just(Binds::Descendants)]
}

fn scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(vec![Scope::Once, Scope::Turn, Scope::Session, Scope::Project, Scope::User])
}

pub(crate) fn rule(effect: impl Strategy<Value = Effect> + 'static) -> impl Strategy<Value = Rule> {
    let selected = action().prop_flat_map(|action| {
        let selector = prop_oneof![
            6 => Just(Selector::Action(action.clone())),
            1 => Just(Selector::Every),
            1 => Just(Selector::Mcp { server: TextPattern::new("hub"), tool: TextPattern::new("s*") }),
            1 => Just(Selector::Tool(TextPattern::new("P*"))),
            1 => prop::sample::select(vec![Class::Read, Class::Write, Class::Delete]).prop_map(|class| {
                Selector::Class { group: None, class }
            }),
            1 => Just(Selector::Class { group: Some(TextPattern::new("plat*")), class: Class::Write }),
        ];
        (selector, vec(pattern(&action), 0..3), vec(pattern(&action), 0..2))
    });
    let when = option::weighted(
        0.2,
        Just(Condition { argument: "repo".to_owned(), pattern: TextPattern::new("me/*"), only_present: false }),
    );
    let expires = option::weighted(0.2, prop::sample::select(vec![Timestamp(1), Timestamp(2_000_000)]));
    (
        effect,
        selected,
        when,
        expires,
        (any::<bool>(), proptest::bool::weighted(0.15), binds()),
        option::weighted(0.2, scope()),
        option::weighted(0.05, Just("odd".to_owned())),
        1_u32..100,
    )
        .prop_map(
            |(
                effect,
                (selector, patterns, unless),
                when,
                expires,
                (implied, fallback, binds),
                remember,
                poisoned,
                line,
            )| {
                Rule {
                    effect,
                    selector,
                    patterns,
                    unless,
                    when: when.into_iter().collect(),
                    expires,
                    implied,
                    fallback,
                    binds,
                    why: None,
                    remember,
                    offer: None,
                    poisoned,
                    origin: Origin { file: "x.toml".into(), line, text: "rule".to_owned() },
                }
            },
        )
}

pub(crate) fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(rule(effect()), 0..6)
}

pub(crate) fn source(kind: SourceKind, trusted: bool) -> impl Strategy<Value = Source> {
    rules().prop_map(move |rules| Source::new(kind, "x.toml", trusted, rules))
}

/// What a file says of sub-agents.
pub(crate) fn agents(kind: SourceKind, trusted: bool) -> impl Strategy<Value = Agents> {
    let default = option::weighted(0.4, effect()).prop_map(|effect| {
        let origin = Origin { file: "x.toml".into(), line: 1, text: "default".to_owned() };
        effect.map(|effect| AgentDefault { effect, origin, why: None })
    });
    let table = (source(kind, trusted), default).prop_map(|(source, default)| AgentTable { source, default });
    prop::collection::btree_map(prop::sample::select(vec!["Explore", "Plan", "*"]), table, 0..3).prop_map(
        move |tables| {
            let tables = tables.into_iter().map(|(kind, table)| (kind.to_owned(), table)).collect();
            Agents { trusted, tables }
        },
    )
}

pub(crate) fn ceiling() -> impl Strategy<Value = Ceiling> {
    let limit = (option::of(prop::sample::select(vec![60_i64, 100_000])), vec(scope(), 0..4))
        .prop_map(|(max_seconds, scopes)| GrantLimit { max_seconds, scopes });
    (
        source(SourceKind::Managed, true),
        prop_oneof![4 => Just(Effect::Allow), 1 => Just(Effect::Ask), 1 => Just(Effect::Deny)],
        option::of(limit),
        any::<bool>(),
    )
        .prop_map(|(source, default, grants, roles)| Ceiling {
            source,
            default,
            grants,
            roles: if roles {
                BTreeMap::from([("lead".to_owned(), Class::Delete), ("helper".to_owned(), Class::Write)])
            } else {
                BTreeMap::new()
            },
        })
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let trusted = || vec(source(SourceKind::User, true), 0..3);
    (
        source(SourceKind::Builtin, true),
        trusted(),
        vec(source(SourceKind::Project, false), 0..2),
        vec(ceiling(), 0..2),
        effect(),
        any::<bool>(),
        any::<bool>(),
        (vec(agents(SourceKind::User, true), 0..2), vec(agents(SourceKind::Project, false), 0..2)),
    )
        .prop_map(|(builtin, mut sources, untrusted, ceilings, default, deny, window, (mut agents, more))| {
            sources.extend(untrusted);
            agents.extend(more);
            let mut catalog = Catalog::default();
            if window {
                let entry = ToolEntry { since: Some("3.0".to_owned()), ..ToolEntry::default() };
                catalog.tools.insert("hub/send".to_owned(), entry);
            }
            Policy {
                builtin,
                sources,
                agents,
                ceilings,
                default,
                nobody: if deny { Nobody::Deny } else { Nobody::Wait(60) },
                remembered: Vec::new(),
                max_open: 20,
                cascade: false,
                repeats: countersign_policy::Repeats::Ask(3),
                catalog,
                programs: std::collections::BTreeMap::new(),
                project_programs: std::collections::BTreeMap::new(),
                revision: "r".to_owned(),
            }
        })
}

/// The same policy, its rules binding whom `binds` says.
pub(crate) fn rebound(policy: &Policy, binds: impl Fn(&Rule) -> Binds) -> Policy {
    let mut policy = policy.clone();
    let tables = policy.agents.iter_mut().flat_map(|file| file.tables.values_mut()).map(|table| &mut table.source);
    for source in policy.sources.iter_mut().chain([&mut policy.builtin]).chain(tables) {
        let rules = source.rules().iter().map(|rule| Rule { binds: binds(rule), ..rule.clone() }).collect();
        *source = Source::new(source.kind, source.name.clone(), source.trusted, rules);
    }
    policy
}

pub(crate) fn grant(effect: impl Strategy<Value = Effect> + 'static) -> impl Strategy<Value = Grant> {
    let covered = target().prop_flat_map(|target| {
        let literal = target.grant_key().map(|key| GrantResource::Literal { key, shown: String::new() });
        let action = target.action.clone();
        let resource = prop_oneof![
            2 => Just(literal.unwrap_or(GrantResource::Whole)),
            2 => pattern(&action).prop_map(GrantResource::Pattern),
            1 => Just(GrantResource::Whole),
        ];
        (Just(action), resource)
    });
    let expires = option::of(prop::sample::select(vec![Timestamp(1), Timestamp(1_030_000), Timestamp(50_000_000)]));
    (effect, covered, scope(), expires, any::<bool>(), 0_u32..1000).prop_map(
        |(effect, (action, resource), scope, expires, ours, id)| Grant {
            id: id.to_string(),
            effect,
            action,
            resource,
            reach: Reach {
                scope,
                user: "u".to_owned(),
                project: Some("/repo".to_owned()),
                session: Some(if ours { "claude-code:s" } else { "claude-code:other" }.to_owned()),
                turn: Some("turn-1".to_owned()),
            },
            created: Timestamp(990_000),
            expires,
            approval: None,
        },
    )
}

pub(crate) fn grants() -> impl Strategy<Value = Vec<Grant>> {
    vec(grant(effect()), 0..5)
}

/// An answer to this call that was shown some of its targets.
pub(crate) fn answer(call: &Call) -> impl Strategy<Value = Answer> + use<> {
    let identities: Vec<String> = call.targets.iter().map(Target::identity).collect();
    let digest = call.digest();
    let most = identities.len();
    (prop::sample::subsequence(identities, 0..=most), any::<bool>()).prop_map(move |(shown, yes)| Answer {
        approval: "a".to_owned(),
        digest: digest.clone(),
        outcome: if yes { Outcome::Allow } else { Outcome::Deny },
        shown,
        feedback: None,
    })
}

/// A call and perhaps an answer to it.
pub(crate) fn answered_call() -> impl Strategy<Value = (Call, Option<Answer>)> {
    call().prop_flat_map(|call| {
        let answers = option::of(answer(&call));
        (Just(call), answers)
    })
}
