//! Which tools a model is offered at all.

use crate::agents::{Standing, layers};
use crate::call::Call;
use crate::digest::sha256_hex;
use crate::effect::Effect;
use crate::pattern::Case;
use crate::rule::Rule;
use crate::source::{Policy, Source};
use crate::target::{Resource, Target};
use crate::terms::{Terms, View};
use crate::time::Timestamp;

/// Why the tool of this call is not offered to the model, or `None` if it is.
///
/// Not offered are tools that the catalog hides, that are outside their version window or above the role's class, and
/// those that a rule without patterns, exceptions and conditions denies, here or in the table of the sub-agent that calls:
/// nothing that a call could say would make them run. A source in another system's terms hides what that system hides.
/// Arguments and targets of the call do not count, so that the answer is stable within a session.
pub fn hidden(policy: &Policy, call: &Call) -> Option<String> {
    if policy.catalog.tools.get(&call.action.to_string()).is_some_and(|entry| entry.hidden) {
        return Some("the catalog hides it".to_owned());
    }
    if let Some(reason) = crate::catalog::unavailable(policy, call) {
        return Some(reason);
    }
    let target = Target::primary(call.action.clone(), Resource::None);
    let standing = Standing::of(policy, call);
    let sources = policy.sources.iter().chain([&policy.builtin]).map(|source| (source, standing));
    let ceilings = policy.ceilings.iter().map(|ceiling| (&ceiling.source, Standing::Unknown));
    let agents = layers(policy, call)
        .flat_map(|layer| layer.sources().map(|source| (source, layer.standing)).collect::<Vec<_>>());
    for (source, standing) in sources.chain(ceilings).chain(agents) {
        if let Some(rule) = denial(source, standing, &target, call) {
            return Some(format!("{}:{} denies it: {}", rule.origin.file, rule.origin.line, rule.origin.text));
        }
    }
    None
}

/// A digest of all that the catalog says and all that may hide a tool: while it stays the same, so do the tools that a
/// model is offered.
pub fn catalog_digest(policy: &Policy) -> String {
    let mut text = serde_json::to_string(&policy.catalog.tools).unwrap_or_default();
    let ceilings = policy.ceilings.iter().map(|ceiling| (&ceiling.source, Some(&ceiling.roles)));
    let sources = policy.sources.iter().chain([&policy.builtin]).map(|source| (source, None));
    let agents = policy.agents.iter().flat_map(|file| file.tables.values()).map(|table| (&table.source, None));
    for (source, roles) in sources.chain(ceilings).chain(agents) {
        let native = matches!(source.terms(), Terms::Native | Terms::ClaudeCode);
        let rules =
            source.rules().iter().filter(|rule| !native || rule.effect == Effect::Deny && rule.patterns.is_empty());
        text.push_str(&format!("\n{:?} {} {:?} {roles:?}", source.kind, source.name, source.agent));
        for rule in rules {
            text.push_str(&format!("\n{} {:?} {}", rule.effect, rule.binds, rule.origin.text));
        }
    }
    sha256_hex(text.as_bytes())
}

/// The rule of a source that denies the tool whatever it is called for.
fn denial<'s>(source: &'s Source, standing: Standing, target: &Target, call: &Call) -> Option<&'s Rule> {
    let said = source.terms().say(target, call);
    let name = said.as_ref().and_then(|said| said.name());
    let is_whole = |rule: &&Rule| rule.patterns.is_empty() && rule.unless.is_empty() && rule.when.is_empty();
    let covers = |rule: &&Rule| rule.selector.covers(target, name, call, Case::Fold);
    let last = |which: &dyn Fn(&&Rule) -> bool| source.rules().iter().rev().find(|rule| which(rule));
    let rule = match source.terms() {
        // A bare denial of Claude Code takes its tool away.
        Terms::Native | Terms::ClaudeCode => {
            let denies =
                |rule: &&Rule| rule.effect == Effect::Deny && standing.counts(rule) && is_whole(rule) && covers(rule);
            let view = name.map_or_else(|| View::native(None), |name| View::named(name, None));
            return source.candidates(target, &view).find(denies);
        }
        // The last rule about the tool, whatever its resources.
        Terms::Tool => last(&|rule| is_whole(rule) && covers(rule)),
        // The last rule about the permission, whatever its pattern, if that is `*`.
        Terms::OpenCode => last(&covers).filter(|rule| rule.patterns.iter().all(|pattern| pattern.as_str() == "*")),
        // What it says of the text `*`.
        Terms::SurfSense => {
            let view = View::named(name?, Some("*"));
            last(&|rule| rule.speaks_of(target, &view, call, Timestamp(0)))
        }
    };
    rule.filter(|rule| rule.effect == Effect::Deny)
}
