//! Tables of sub-agents: rules that the main agent's denials make needless, since those hold for sub-agents as well. What
//! the main agent is asked about is another matter: a table that allows it does not ask or deny it by its default.

use super::{Budget, Set, Warning, dead, dialect, ended};
use crate::decide::verdict;
use crate::document::{AgentRules, Document};
use crate::effect::Effect;
use crate::rule::{Binds, Rule};
use crate::source::Combining;
use crate::time::Timestamp;

/// The warnings about each table, by the positions of its rules.
pub(super) fn warnings<'d>(
    document: &'d Document,
    now: Timestamp,
    budget: &mut Budget,
) -> Vec<(&'d AgentRules, Vec<Warning>)> {
    let limits = document.ceiling.iter().flat_map(|limits| &limits.rules);
    // What is for the main agent alone does not bind a kind that has a table.
    let main = document.rules.iter().filter(|rule| rule.binds != Binds::Itself);
    let above: Vec<&Rule> = main.chain(limits).filter(|rule| verdict(rule) == Effect::Deny).collect();
    document.agents.values().map(|agent| (agent, of_table(agent, &above, now, budget))).collect()
}

fn of_table(agent: &AgentRules, above: &[&Rule], now: Timestamp, budget: &mut Budget) -> Vec<Warning> {
    // Whoever a rule binds of those above the table, it binds all whom the table does.
    let bound = above.iter().map(|rule| Rule { binds: Binds::All, ..(*rule).clone() });
    let rules: Vec<Rule> = bound.chain(agent.rules.iter().cloned()).collect();
    let set = Set { rules: &rules, combining: Combining::Strictest, native: true, several: true, now };
    let mut warnings = dead::warnings(set, budget);
    for (position, rule) in rules.iter().enumerate().skip(above.len()).filter(|(_, rule)| rule.poisoned.is_none()) {
        warnings.extend(ended(set, position, rule));
        warnings.extend(dialect::warnings(position, rule));
    }
    let own = |warning: Warning| Some(Warning { rule: warning.rule.checked_sub(above.len())?, ..warning });
    let mut warnings: Vec<Warning> = warnings.into_iter().filter_map(own).collect();
    warnings.sort_by_key(|warning| (warning.rule, warning.part));
    warnings
}
