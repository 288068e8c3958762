use super::{Loaded, assemble, builtin_text, parse};
use crate::source::SourceKind;

#[test]
fn the_built_in_rules_are_read() {
    let problems = parse(SourceKind::Builtin, "builtin", builtin_text()).err().unwrap_or_default();
    let reports: Vec<String> = problems.iter().map(|problem| problem.render(builtin_text())).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

#[test]
fn a_policy_of_no_files_has_the_built_in_rules() {
    let policy = assemble(Vec::<Loaded>::new());
    assert!(!policy.builtin.rules().is_empty());
    assert!(policy.ceilings.iter().all(|ceiling| ceiling.source.rules().iter().all(|rule| rule.poisoned.is_none())));
}
