//! SurfSense at commit `b4d57e9b` (August 2026): layers of rules of which the last match decides, and what its users'
//! replies mean.
//!
//! Its rules speak of tools by name; where a call has several patterns, the strictest answer holds, and a call without
//! any is asked for by its tool's name.

mod interrupt;
mod repeated;
mod reply;

use std::sync::Arc;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{Combining, Effect, Origin, Rule, Selector, Source, SourceKind, Terms};

pub use interrupt::{Interrupt, denied, merged, rejected};
pub use repeated::{Repeated, goes_on};
pub use reply::{Reply, reply};

use crate::Text;
use crate::json::{self, Grammar, Node};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The tool.
    pub permission: String,
    /// The pattern over what it is called for.
    pub pattern: String,
    /// What it says.
    pub effect: Effect,
    /// Where it was written.
    pub origin: Origin,
}

/// Rules of one layer, as they were given a name: `surfsense_defaults`, `user_allowlist:mail`, `runtime_approved`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub origin: String,
    /// Its rules.
    pub rules: Vec<Entry>,
}

/// Reads layers, lowest first: `[{"origin": ..., "rules": [{"permission", "pattern", "action"}]}]`, or rules without
/// layers.
///
/// # Errors
/// All that is wrong with them.
pub fn read(file: &Text<'_>) -> Result<Vec<Layer>, Vec<Problem>> {
    let root = json::parse(file, Grammar::Json).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut reader = Reader { file, problems: &mut problems };
    let layers = reader.layers(&root);
    if problems.is_empty() { Ok(layers) } else { Err(problems) }
}

/// The layers as one source: the last rule that matches decides.
pub fn source<'r>(
    kind: SourceKind,
    name: impl Into<Arc<str>>,
    trusted: bool,
    rules: impl IntoIterator<Item = &'r Entry>,
) -> Source {
    let rule = |entry: &Entry| Rule {
        patterns: vec![Pattern::wildcard(Wildcard::compile(Dialect::SurfSense, &entry.pattern))],
        ..Rule::new(
            entry.effect,
            Selector::Named(Wildcard::compile(Dialect::SurfSense, &entry.permission)),
            entry.origin.clone(),
        )
    };
    let rules = rules.into_iter().map(rule).collect();
    Source::new(kind, name, trusted, rules).speaking(Terms::SurfSense, Combining::LastMatch)
}

/// Reads one file and collects what is wrong with it.
struct Reader<'a, 't> {
    file: &'a Text<'t>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_, '_> {
    fn layers(&mut self, root: &Node) -> Vec<Layer> {
        let Some(items) = root.list() else {
            self.problem(root, format!("the file is {}", root.kind()), "write a list of layers or of rules");
            return Vec::new();
        };
        let mut layers: Vec<Layer> = Vec::new();
        for item in items {
            match item.member("rules") {
                Some(rules) => {
                    let Some(rules) = rules.list() else {
                        self.problem(rules, format!("`rules` is {}", rules.kind()), "write a list of rules");
                        continue;
                    };
                    let origin = item.member("origin").and_then(Node::text).unwrap_or_default().to_owned();
                    let rules = rules.iter().filter_map(|rule| self.rule(rule)).collect();
                    layers.push(Layer { origin, rules });
                }
                None => {
                    let Some(rule) = self.rule(item) else { continue };
                    match layers.last_mut().filter(|layer| layer.origin.is_empty()) {
                        Some(layer) => layer.rules.push(rule),
                        None => layers.push(Layer { origin: String::new(), rules: vec![rule] }),
                    }
                }
            }
        }
        layers
    }

    fn rule(&mut self, node: &Node) -> Option<Entry> {
        let help = "write `{ \"permission\": \"send_email\", \"pattern\": \"*\", \"action\": \"ask\" }`";
        let text = |name: &str| node.member(name).and_then(Node::text);
        let (Some(permission), Some(action)) = (text("permission"), text("action")) else {
            self.problem(node, "a rule needs `permission` and `action`".to_owned(), help);
            return None;
        };
        let pattern = match node.member("pattern") {
            None => "*",
            Some(pattern) => match pattern.text() {
                Some(text) => text,
                None => {
                    self.problem(pattern, format!("`pattern` is {}", pattern.kind()), help);
                    return None;
                }
            },
        };
        let Some(effect) = Effect::named(action) else {
            let message = format!("{} is no action", quoted(action));
            self.problem(node, message, "write \"allow\", \"ask\" or \"deny\"");
            return None;
        };
        let origin = self.file.origin(&node.span, format!("{permission}: {pattern} = {effect}"));
        Some(Entry { permission: permission.to_owned(), pattern: pattern.to_owned(), effect, origin })
    }

    fn problem(&mut self, node: &Node, message: String, help: &str) {
        self.problems.push(self.file.problem(&node.span, message, Some(help)));
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Text;

    #[test]
    fn layers_and_lists_of_rules() {
        let text = r#"[{"origin": "surfsense_defaults", "rules": [{"permission": "*", "action": "allow"}]},
            {"permission": "send_email", "pattern": "*", "action": "ask"}]"#;
        let layers = read(&Text::new("rules.json", text)).unwrap();
        assert_eq!((&*layers[0].origin, layers[0].rules[0].pattern.as_str()), ("surfsense_defaults", "*"));
        assert_eq!((layers[1].rules[0].origin.line, layers[1].rules[0].permission.as_str()), (2, "send_email"));
    }

    #[test]
    fn how_files_break() {
        let messages: Vec<String> = [
            "{}",
            r#"[{"rules": 1}]"#,
            r#"[{"permission": "a"}]"#,
            r#"[{"permission": "a", "pattern": [], "action": "ask"}]"#,
            r#"[{"permission": "a", "action": "never"}]"#,
            r#"["#,
        ]
        .iter()
        .map(|text| {
            let problems = read(&Text::new("rules.json", text)).unwrap_err();
            problems.iter().map(|problem| problem.render(text)).collect::<String>()
        })
        .collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
