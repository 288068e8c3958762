//! The `[rules]` of an administrator's `requirements.toml`.

use std::ops::Range;

use countersign_policy::document::{Problem, quoted};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rules::{Decision, PrefixRule, Rules, shown};
use crate::Text;

/// Reads `rules.prefix_rules`; other tables of the file are not looked at. Compile what comes out as a source of its own.
///
/// # Errors
/// All that is wrong with it: what is no TOML, unknown keys, a rule that allows or says nothing.
pub fn requirements(file: &Text<'_>) -> Result<Rules, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(file.text);
    let mut reader = Reader { file, problems: Vec::new() };
    for error in &errors {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        reader.problem(&error.span().unwrap_or(0..0), format!("this is no TOML: {message}"));
    }
    let mut rules = Rules::default();
    if errors.is_empty()
        && let Some(section) = table.get_ref().get("rules")
    {
        rules.prefixes = reader.section(section);
    }
    if reader.problems.is_empty() { Ok(rules) } else { Err(reader.problems) }
}

struct Reader<'f> {
    file: &'f Text<'f>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.problems.push(self.file.problem(span, message, None));
    }

    fn section(&mut self, section: &Spanned<DeValue<'_>>) -> Vec<PrefixRule> {
        let DeValue::Table(section_table) = section.get_ref() else {
            self.problem(&section.span(), "`rules` is no table: write `[rules]`");
            return Vec::new();
        };
        self.keys(section_table, &["prefix_rules"]);
        let Some(list) = section_table.get("prefix_rules") else { return Vec::new() };
        match list.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                self.problem(&list.span(), "`prefix_rules` is empty: write a rule, or leave it out");
                Vec::new()
            }
            DeValue::Array(items) => items.iter().filter_map(|item| self.rule(item)).collect(),
            _ => {
                self.problem(&list.span(), "`prefix_rules` is no list");
                Vec::new()
            }
        }
    }

    fn keys(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for (key, _) in table {
            if !known.contains(&&**key.get_ref()) {
                let known = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
                self.problem(
                    &key.span(),
                    format!("the key {} is not known here: there are {known}", quoted(key.get_ref())),
                );
            }
        }
    }

    fn rule(&mut self, item: &Spanned<DeValue<'_>>) -> Option<PrefixRule> {
        let span = item.span();
        let DeValue::Table(table) = item.get_ref() else {
            self.problem(&span, "a rule is no table: write `{ pattern = [...], decision = \"prompt\" }`");
            return None;
        };
        self.keys(table, &["pattern", "decision", "justification"]);
        let decision = match table.get("decision") {
            None => {
                self.problem(&span, "the rule has no decision: write `prompt` or `forbidden`");
                None
            }
            Some(value) => self.decision(value),
        };
        let justification = match table.get("justification") {
            None => None,
            Some(value) => match value.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() => Some(text.to_string()),
                _ => {
                    self.problem(&value.span(), "a justification is a text that is not empty");
                    None
                }
            },
        };
        let pattern = match table.get("pattern") {
            None => {
                self.problem(&span, "the rule has no pattern: write at least the program");
                None
            }
            Some(value) => self.pattern(value),
        };
        let (pattern, decision) = (pattern?, decision?);
        let origin = self.file.origin(&span, shown(&pattern, decision));
        Some(PrefixRule { pattern, decision, justification, origin })
    }

    fn decision(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Decision> {
        let word = value.get_ref().as_str().unwrap_or_default();
        match word {
            // That a human is asked, and no reviewer in their place, is all that we have.
            "prompt" | "prompt-user" => return Some(Decision::Prompt),
            "forbidden" => return Some(Decision::Forbidden),
            "allow" => self.problem(&value.span(), "requirements cannot allow: write `prompt` or `forbidden`"),
            _ => self.problem(&value.span(), "this is no decision: write `prompt` or `forbidden`"),
        }
        None
    }

    fn pattern(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Vec<String>>> {
        let DeValue::Array(tokens) = value.get_ref() else {
            self.problem(&value.span(), "a pattern is a list, with `[` and `]`");
            return None;
        };
        if tokens.is_empty() {
            self.problem(&value.span(), "a pattern is empty: write at least the program");
            return None;
        }
        let pattern: Vec<Vec<String>> = tokens.iter().filter_map(|token| self.token(token)).collect();
        (pattern.len() == tokens.len()).then_some(pattern)
    }

    fn token(&mut self, token: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let DeValue::Table(table) = token.get_ref() else {
            self.problem(&token.span(), "a part of a pattern is no table: write `{ token = \"git\" }`");
            return None;
        };
        self.keys(table, &["token", "any_of"]);
        let one = table.get("token").map(|word| vec![word.get_ref().as_str().map(str::to_owned)]);
        let several = table.get("any_of").map(|words| match words.get_ref() {
            DeValue::Array(words) => words.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect(),
            _ => vec![None],
        });
        let words = match (one, several) {
            (Some(words), None) | (None, Some(words)) => words.into_iter().collect::<Option<Vec<String>>>(),
            _ => None,
        };
        let words = words.filter(|words| !words.is_empty());
        if words.is_none() {
            let message = "a part of a pattern has one of `token`, a text, and `any_of`, a list of texts";
            self.problem(&token.span(), message);
        }
        words
    }
}
