//! What a role may use.

use crate::action::{Action, Class};
use crate::call::Call;
use crate::source::{Ceiling, Policy};

/// Why the call is above what a ceiling lets its role use, if it is. Where roles are in use, no role and one that is
/// not known count as the lowest, and a tool of which no class is known as the gravest.
pub(super) fn beyond(policy: &Policy, call: &Call) -> Option<String> {
    policy.ceilings.iter().find_map(|ceiling| beyond_one(ceiling, policy, call))
}

fn beyond_one(ceiling: &Ceiling, policy: &Policy, call: &Call) -> Option<String> {
    let lowest = ceiling.roles.values().min()?;
    let role = call.role.as_deref();
    let most = role.and_then(|role| ceiling.roles.get(role)).unwrap_or(lowest);
    let who = || role.map_or_else(|| "no role".to_owned(), |role| format!("role `{role}`"));
    let may = || format!("{} may use tools up to class {}", who(), most.word());
    if call.class > *most {
        return Some(format!("{}, and this is one of class {}", may(), call.class.word()));
    }
    let unknown = !is_known(policy, call) && Class::Delete > *most;
    unknown.then(|| format!("{}, and the class of this one is not known", may()))
}

/// Whether the class of the call's tool is known: our own actions have theirs, other tools need the catalog.
fn is_known(policy: &Policy, call: &Call) -> bool {
    if !matches!(call.action, Action::Mcp { .. } | Action::Tool(_)) {
        return true;
    }
    policy.catalog.tools.get(&call.action.to_string()).is_some_and(|entry| entry.class.is_some())
}
