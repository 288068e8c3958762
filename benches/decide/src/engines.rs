//! The engines: each from the same rows to something that answers for a name and a text.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{
    Action, Attendance, Call, Class, Combining, Origin, Resource, Selector, Source, SourceKind, Target, Terms,
    Timestamp, View,
};

use crate::workload::{Effect, Request, Rule, SOURCES};

/// An answer to one request.
pub type Decide = Box<dyn Fn(&Request) -> Effect>;

/// In which dialect each rule is written.
#[derive(Clone, Copy)]
pub enum Written {
    OpenCode,
    /// OpenCode, SurfSense, our own, fnmatch, in turns.
    Mixed,
}

/// One source of ours.
pub fn countersign(rules: &[Rule], written: Written) -> Decide {
    let source = source(rules.iter().enumerate(), written);
    let (target, call) = asked();
    Box::new(move |request| {
        let view = View::named(&request.name, Some(&request.text));
        source.last(&target, &view, &call, Timestamp(0)).map_or(Effect::Ask, |rule| effect(rule.effect))
    })
}

/// Four sources of ours, to which the rules are dealt; the strictest of their answers holds.
pub fn countersign_dealt(rules: &[Rule], written: Written) -> Decide {
    let part = |number| rules.iter().enumerate().filter(move |(at, _)| at % SOURCES == number);
    let sources: Vec<Source> = (0..SOURCES).map(|number| source(part(number), written)).collect();
    let (target, call) = asked();
    Box::new(move |request| {
        let view = View::named(&request.name, Some(&request.text));
        let said = sources.iter().filter_map(|source| source.last(&target, &view, &call, Timestamp(0)));
        said.map(|rule| effect(rule.effect)).max().unwrap_or(Effect::Ask)
    })
}

fn source<'r>(rules: impl Iterator<Item = (usize, &'r Rule)>, written: Written) -> Source {
    let file: Arc<str> = "workload.json".into();
    let compile = |(at, rule): (usize, &Rule)| {
        let (dialect, native) = match (written, at % SOURCES) {
            (Written::OpenCode, _) | (Written::Mixed, 0) => (Dialect::OpenCode { windows: false }, false),
            (Written::Mixed, 1) => (Dialect::SurfSense, false),
            (Written::Mixed, 2) => (Dialect::Fnmatch, true),
            (Written::Mixed, _) => (Dialect::Fnmatch, false),
        };
        let wildcard = |text: &str| match dialect {
            Dialect::SurfSense => Wildcard::compile(dialect, &text.replace("**", "*").replace('*', "**")),
            _ => Wildcard::compile(dialect, text),
        };
        let pattern = if native {
            Pattern::parse(&Action::Agent, &rule.pattern).expect("a text is a pattern")
        } else {
            Pattern::wildcard(wildcard(&rule.pattern))
        };
        let says = match rule.effect {
            Effect::Allow => countersign_policy::Effect::Allow,
            Effect::Ask => countersign_policy::Effect::Ask,
            Effect::Deny => countersign_policy::Effect::Deny,
        };
        let line = u32::try_from(at).unwrap_or(u32::MAX);
        let origin = Origin { file: file.clone(), line, text: format!("{} {}", rule.name, rule.pattern) };
        let made = countersign_policy::Rule::new(says, Selector::Named(wildcard(&rule.name)), origin);
        countersign_policy::Rule { patterns: vec![pattern], ..made }
    };
    let rules = rules.map(compile).collect();
    Source::new(SourceKind::User, file.clone(), true, rules).speaking(Terms::Tool, Combining::LastMatch)
}

fn effect(effect: countersign_policy::Effect) -> Effect {
    match effect {
        countersign_policy::Effect::Allow => Effect::Allow,
        countersign_policy::Effect::Ask => Effect::Ask,
        countersign_policy::Effect::Deny => Effect::Deny,
    }
}

/// What a rule may look at beside name and text; none of these does.
fn asked() -> (Target, Call) {
    let action = Action::Tool("any".to_owned());
    let target = Target::primary(action.clone(), Resource::None);
    let call = Call {
        host: "bench".to_owned(),
        host_version: None,
        tool: "any".to_owned(),
        action,
        class: Class::Write,
        group: None,
        args: serde_json::json!({}),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets: vec![target.clone()],
        in_a_row: 0,
        faults: Vec::new(),
    };
    (target, call)
}

/// One globset a kind, and one for the names of tools; the last that matches.
pub fn globset(rules: &[Rule]) -> Decide {
    let mut kinds: HashMap<String, (globset::GlobSetBuilder, Vec<Effect>)> = HashMap::new();
    for Rule { name, pattern, effect } in rules {
        let is_tool = pattern == "*";
        let (kind, text) = if is_tool { ("tool", name) } else { (&**name, pattern) };
        let (set, effects) =
            kinds.entry(kind.to_owned()).or_insert_with(|| (globset::GlobSetBuilder::new(), Vec::new()));
        // The same as a regular expression: `**` would mean whole folders to it, and a last ` *` may be missing.
        for text in std::iter::once(&**text).chain(text.strip_suffix(" *")) {
            set.add(globset::Glob::new(&text.replace("**", "*")).expect("the workload has no other wildcards"));
            effects.push(*effect);
        }
    }
    let build = |(kind, (set, effects)): (String, (globset::GlobSetBuilder, _))| {
        (kind, (set.build().expect("it builds"), effects))
    };
    let kinds: HashMap<String, (globset::GlobSet, Vec<Effect>)> = kinds.into_iter().map(build).collect();
    let found = std::cell::RefCell::new(Vec::new());
    Box::new(move |request| {
        let (kind, text) = if request.text == "*" { ("tool", &request.name) } else { (&*request.name, &request.text) };
        let Some((set, effects)) = kinds.get(kind) else { return Effect::Ask };
        let mut found = found.borrow_mut();
        set.matches_into(text, &mut found);
        found.last().map_or(Effect::Ask, |at: &usize| effects[*at])
    })
}

/// Cedar: allows and asks are permits, told apart by which of them applied; denies are forbids.
pub fn cedar(rules: &[Rule]) -> Decide {
    use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicyId, PolicySet, RestrictedExpression};
    let (mut text, mut asks) = (String::new(), std::collections::HashSet::new());
    for (at, Rule { name, pattern, effect }) in rules.iter().enumerate() {
        let head = if *effect == Effect::Deny { "forbid" } else { "permit" };
        let condition = format!(r#"context.name like "{name}" && context.text like "{pattern}""#);
        text += &format!("{head}(principal, action, resource) when {{ {condition} }};\n");
        if *effect == Effect::Ask {
            asks.insert(PolicyId::new(format!("policy{at}")));
        }
    }
    let set = PolicySet::from_str(&text).expect("it is Cedar");
    let (entities, authorizer) = (Entities::empty(), Authorizer::new());
    let uid = |text| EntityUid::from_str(text).expect("it is an entity");
    let (principal, action, resource) = (uid(r#"Agent::"a""#), uid(r#"Action::"call""#), uid(r#"Tool::"t""#));
    Box::new(move |request| {
        let pairs = [("name", &request.name), ("text", &request.text)];
        let pairs = pairs.map(|(key, text)| (key.to_owned(), RestrictedExpression::new_string(text.clone())));
        let context = Context::from_pairs(pairs).expect("two texts");
        let asked = cedar_policy::Request::new(principal.clone(), action.clone(), resource.clone(), context, None);
        let answer = authorizer.is_authorized(&asked.expect("no schema"), &set, &entities);
        let mut reasons = answer.diagnostics().reason();
        match answer.decision() {
            Decision::Deny if reasons.next().is_some() => Effect::Deny,
            Decision::Deny => Effect::Ask,
            Decision::Allow if reasons.any(|id| asks.contains(id)) => Effect::Ask,
            Decision::Allow => Effect::Allow,
        }
    })
}

/// Regorus: the rules as data, one Rego rule over them; its cache of globs as large as it may be.
pub fn regorus(rules: &[Rule]) -> Decide {
    regorus::cache::configure(regorus::cache::Config {
        glob: regorus::cache::Config::MAX_CAPACITY,
        ..Default::default()
    });
    let mut engine = regorus::Engine::new();
    let policy = r#"package workload
import rego.v1
said contains rule.effect if {
    some rule in data.rules
    glob.match(rule.name, null, input.name)
    glob.match(rule.pattern, null, input.text)
}"#;
    engine.add_policy("workload.rego".to_owned(), policy.to_owned()).expect("it is Rego");
    let row = |Rule { name, pattern, effect }: &Rule| serde_json::json!({ "name": name, "pattern": pattern.replace("**", "*"), "effect": format!("{effect:?}") });
    let data = serde_json::json!({ "rules": rules.iter().map(row).collect::<Vec<_>>() });
    engine.add_data_json(&data.to_string()).expect("it is data");
    let engine = std::cell::RefCell::new(engine);
    Box::new(move |request| {
        let mut engine = engine.borrow_mut();
        let input = serde_json::json!({ "name": request.name, "text": request.text });
        engine.set_input_json(&input.to_string()).expect("it is input");
        let said = engine.eval_rule("data.workload.said".to_owned()).expect("it decides");
        let said = said.as_set().expect("a set");
        let says = |effect: &str| said.contains(&regorus::Value::from(effect));
        match (says("Deny"), says("Ask"), says("Allow")) {
            (true, ..) => Effect::Deny,
            (_, true, _) | (_, _, false) => Effect::Ask,
            _ => Effect::Allow,
        }
    })
}
