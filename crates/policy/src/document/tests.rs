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

/// What may not be read may not be searched, changed or removed either: the four lists say the same.
#[test]
fn built_in_secrets_are_denied_to_all_four_actions() {
    let policy = assemble(Vec::new());
    let of = |action: &str| -> Vec<(&str, Vec<&str>)> {
        let rules = policy.builtin.rules().iter().filter(|rule| rule.effect == crate::Effect::Deny);
        rules
            .filter_map(|rule| {
                let list = rule.origin.text.strip_prefix(action)?.strip_prefix('(')?;
                Some((list, rule.unless.iter().map(crate::pattern::Pattern::as_str).collect()))
            })
            .collect()
    };
    assert!(of("read").len() > 5);
    for action in ["search", "edit", "delete"] {
        assert_eq!(of("read"), of(action), "{action}");
    }
}

/// An allow that a command's operands follow must not let them be changed: what is listed only looks.
#[test]
fn built_in_allows_name_no_program_that_changes_its_operands() {
    let policy = assemble(Vec::new());
    for rule in policy.builtin.rules().iter().filter(|rule| rule.effect == crate::Effect::Allow) {
        for program in
            ["tee", "cp", "mv", "ln", "uniq", "sed", "awk", "xxd", "dd", "touch", "mkdir", "env", "xargs", "jq"]
        {
            let listed = |text: &str| text == program || text.starts_with(&format!("{program} "));
            assert!(!rule.patterns.iter().any(|pattern| listed(pattern.as_str())), "{program}");
        }
    }
}
