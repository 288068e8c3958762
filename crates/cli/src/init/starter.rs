//! The first policy of a user: what they had allowed and denied in Claude Code already.

use std::fmt::Write as _;

use countersign_formats::claude_code::import;
use countersign_formats::import::{Became, Native};
use countersign_policy::{Effect, SourceKind, document};

use super::settings::Permissions;

/// A policy file and what could not be brought into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Starter {
    /// The file's text.
    pub(crate) text: String,
    /// Rules that have no counterpart, with the reason.
    pub(crate) left_out: Vec<String>,
    /// Rules that never apply in Claude Code either, with the reason.
    pub(crate) dropped: Vec<String>,
}

/// The head of a user's file.
pub(crate) const HEAD: &str = "\
# What agents may do, for all your projects. The strictest rule that matches holds, whatever the order; where no rule
# speaks, the built-in ones do (`countersign policy show builtin`). `countersign check 'shell: git push'` tells what
# would happen, and why.
";

/// A user's first file.
pub(crate) fn starter(permissions: &Permissions) -> Starter {
    let lists =
        [(Effect::Allow, &permissions.allow), (Effect::Ask, &permissions.ask), (Effect::Deny, &permissions.deny)];
    let mut text = HEAD.to_owned();
    let (mut left_out, mut dropped) = (Vec::new(), Vec::new());
    for (effect, rules) in lists {
        let mut ours: Vec<(String, &str)> = Vec::new();
        for rule in rules {
            match import(effect, rule) {
                Became::Native { rules, .. } if !is_understood(effect, &rules) => {
                    left_out.push(format!("{effect} {rule}: it has no counterpart"));
                }
                Became::Native { rules, .. } => {
                    for one in rules.into_iter().map(|native| native.rule) {
                        if !ours.iter().any(|(its, _)| *its == one) {
                            ours.push((one, rule));
                        }
                    }
                }
                Became::Kept { why } => left_out.push(format!("{effect} {rule}: {why}")),
                Became::Dropped { why } | Became::Never { why } => dropped.push(format!("{effect} {rule}: {why}")),
            }
        }
        if ours.is_empty() {
            continue;
        }
        let _ = write!(text, "\n# from the permissions in Claude Code's settings\n{effect} = [\n");
        for (rule, _) in ours {
            let _ = writeln!(text, "  {},", toml_edit::Value::from(rule));
        }
        text.push_str("]\n");
    }
    Starter { text, left_out, dropped }
}

/// Whether each of the rules is one that our own parser reads.
fn is_understood(effect: Effect, rules: &[Native]) -> bool {
    rules.iter().all(|rule| {
        let text = format!("{effect} = [{}]\n", toml_edit::Value::from(rule.rule.as_str()));
        document::parse(SourceKind::User, "starter", &text).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_policy() {
        let list = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
        let starter = starter(&Permissions {
            allow: list(&[
                "Bash(git diff:*)",
                "Bash(git diff *)",
                "WebFetch(domain:docs.rs)",
                "Bash(a && b)",
                "mcp__gh__get_*",
                "mcp__*",
            ]),
            ask: list(&["Bash(git push:*)"]),
            deny: list(&["Read(.env)", "Read(./secrets/**)", "Skill(x)"]),
        });
        document::parse(SourceKind::User, "user", &starter.text).unwrap();
        let (left_out, dropped) = (starter.left_out.join("\n"), starter.dropped.join("\n"));
        insta::assert_snapshot!(format!("{}\n--- left out\n{left_out}\n--- dropped\n{dropped}", starter.text));
    }

    #[test]
    fn without_permissions_there_is_only_the_head() {
        assert_eq!(starter(&Permissions::default()).text, HEAD);
    }
}
