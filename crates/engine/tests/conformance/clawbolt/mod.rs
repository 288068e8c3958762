//! clawbolt: what a permissions file says of a call, replies in words, prompts, resources.

use countersign_formats::Text;
use countersign_formats::clawbolt::{Defaults, Level, read};
use countersign_formats::json::{self, Grammar};
use countersign_policy::{Call, Effect, SourceKind};

use crate::case::Case;
use crate::imported;
use crate::rule::Difference;

pub(crate) mod extract;
pub(crate) mod owntests;
pub(crate) mod reply;
pub(crate) mod resolve;
pub(crate) mod text;

/// A case's file as its text: the order of members counts.
fn policy_of(case: &Case) -> String {
    let line = Text::new("case", &case.line);
    let root = json::parse(&line, Grammar::Json).unwrap();
    case.line[root.member("policy").unwrap().span.clone()].to_owned()
}

/// What a file says of a call of a tool on a resource; a file that is refused denies.
fn decision(file: &str, default: Level, tool: &str, resource: Option<&str>) -> Effect {
    let defaults = Defaults { other: Some(default), ..Defaults::default() };
    let Ok(source) = read(&Text::new("PERMISSIONS.json", file), SourceKind::User, true, &defaults) else {
        return Effect::Deny;
    };
    let texts: Vec<String> = resource.map(str::to_owned).into_iter().collect();
    // A call without a resource is nothing special there.
    let call = Call { faults: Vec::new(), ..imported::call(tool, &texts) };
    imported::judged(&imported::policy(vec![source], Vec::new()), &call).effect()
}

/// The difference between two effects.
fn of_effects(of: &'static str, theirs: Effect, ours: Effect) -> Option<Difference> {
    match ours.cmp(&theirs) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Difference::stricter(of, theirs.word(), ours.word())),
        std::cmp::Ordering::Less => Some(Difference::looser(of, theirs.word(), ours.word())),
    }
}

/// The difference between two texts that should be the same: none is right but theirs.
fn of_texts(of: &'static str, theirs: &str, ours: &str) -> Option<Difference> {
    (theirs != ours).then(|| Difference::looser(of, format!("{theirs:?}"), format!("{ours:?}")))
}
