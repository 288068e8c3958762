//! `allow`, `ask` and `deny`: lists of rules, each a text or a table.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset};

use super::Place;
use super::keys::{self, Shape};
use super::problem::quoted;
use super::reader::{Reader, Value};
use super::rule_text::{self, Fault, Speech};
use crate::effect::Effect;
use crate::pattern::{Pattern, TextPattern};
use crate::rule::{Binds, Condition, Origin, Rule};
use crate::scope::Scope;
use crate::time::Timestamp;

impl<'i> Reader<'i> {
    /// Reads a list of rules.
    pub(super) fn rules(
        &mut self,
        effect: Effect,
        name: &str,
        value: &Value<'i>,
        rules: &mut Vec<Rule>,
        places: &mut Vec<Place>,
    ) {
        let items = self.list(name, value, &format!("{name} = [\"shell(git status)\"]"));
        rules.reserve(items.len());
        for item in items {
            let rule = match item.get_ref() {
                DeValue::String(text) => {
                    let speech = self.speech(effect, text, item);
                    speech.map(|speech| (self.rule(effect, text, speech, item), Reader::place(item)))
                }
                DeValue::Table(table) => self.rule_table(effect, table, item),
                _ => {
                    self.wrong(name, "rules", item, "\"shell(git status)\"");
                    None
                }
            };
            if let Some((rule, place)) = rule {
                rules.push(rule);
                places.push(place);
            }
        }
    }

    fn place(value: &Value<'i>) -> Place {
        let length = value.get_ref().as_str().map_or(0, str::len);
        let text = Reader::inside(value, 0..length);
        Place { plain: text.len() == length, text, unless: Vec::new() }
    }

    fn speech(&mut self, effect: Effect, text: &str, value: &Value<'i>) -> Option<Speech> {
        let mut faults = Vec::new();
        let speech = rule_text::compile(text, effect, &mut faults);
        self.faults(faults, value);
        speech
    }

    fn faults(&mut self, faults: Vec<Fault>, value: &Value<'i>) {
        for fault in faults {
            self.problem(Reader::inside(value, fault.range), fault.message, fault.help);
        }
    }

    fn rule(&self, effect: Effect, text: &str, speech: Speech, value: &Value<'i>) -> Rule {
        let line = self.line(value.span().start);
        let origin = Origin { file: Arc::clone(&self.name), line, text: text.to_owned() };
        Rule { patterns: speech.patterns, ..Rule::new(effect, speech.selector, origin) }
    }

    /// `{ rule = "shell(git push *)", why = "..." }`.
    fn rule_table(&mut self, effect: Effect, table: &DeTable<'i>, whole: &Value<'i>) -> Option<(Rule, Place)> {
        let Some(written) = table.get("rule") else {
            for name in table.keys() {
                self.key(keys::RULE, "a rule", name, Some(effect));
            }
            let help = "write `{ rule = \"shell(git push *)\", why = \"...\" }`".to_owned();
            self.problem(whole.span(), "the rule's text is missing", Some(help));
            return None;
        };
        let text = self.text_of("rule", written, "rule = \"shell(git push *)\"").unwrap_or_default();
        let speech = if text.is_empty() && written.get_ref().as_str().is_none() {
            None
        } else {
            self.speech(effect, text, written)
        };
        let readable = speech.is_some();
        let speech = speech.unwrap_or(Speech { selector: crate::rule::Selector::Every, patterns: Vec::new() });
        let mut rule = self.rule(effect, text, speech, written);
        let mut place = Reader::place(written);
        for (name, value) in table {
            let Some(key) = self.key(keys::RULE, "a rule", name, Some(effect)) else { continue };
            match (key.shape, key.name) {
                (Shape::Text, _) => rule.why = self.text_of(key.name, value, "why = \"...\"").map(str::to_owned),
                (Shape::Conditions, _) => rule.when = self.conditions(key.name, value),
                (Shape::Patterns, _) if readable => {
                    rule.unless = self.unless(&rule, key.name, value);
                    let items = value.get_ref().as_array().into_iter().flat_map(|items| items.iter());
                    place.unless = items.map(|item| Reader::place(item).text).collect();
                }
                (Shape::Date, _) => rule.expires = self.date(key.name, value),
                (Shape::OneOf(words), "remember") => rule.remember = self.scope(key.name, words, value),
                (Shape::OneOf(words), _) => rule.offer = self.scope(key.name, words, value),
                (Shape::Descendants, _) => rule.binds = self.descendants(effect, value),
                (Shape::Truth, _) => rule.implied = self.truth(key.name, value).unwrap_or(true),
                _ => {}
            }
        }
        readable.then_some((rule, place))
    }

    fn conditions(&mut self, name: &str, value: &Value<'i>) -> Vec<Condition> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(name, "a table", value, "when = { repo = \"me/*\" }");
            return Vec::new();
        };
        let mut conditions = Vec::new();
        for (argument, wanted) in table {
            let pattern = match wanted.get_ref() {
                DeValue::String(text) => TextPattern::new(text),
                DeValue::Boolean(truth) => TextPattern::new(if *truth { "true" } else { "false" }),
                DeValue::Integer(number) if number.radix() == 10 => TextPattern::new(number.as_str()),
                _ => {
                    self.wrong(argument.get_ref(), "a text", wanted, "when = { repo = \"me/*\" }");
                    continue;
                }
            };
            conditions.push(Condition { argument: argument.get_ref().to_string(), pattern, only_present: false });
        }
        if table.is_empty() {
            let help = "name an argument, `when = { repo = \"me/*\" }`, or leave it out".to_owned();
            self.problem(value.span(), format!("`{name}` says nothing"), Some(help));
        }
        conditions
    }

    fn unless(&mut self, rule: &Rule, name: &str, value: &Value<'i>) -> Vec<Pattern> {
        let items = self.list(name, value, "unless = [\".env.example\"]");
        let Some(language) = rule_text::language(&rule.selector) else {
            let message = format!("{} speaks of no resources, so `{name}` has no place", quoted(&rule.origin.text));
            self.problem(value.span(), message, Some("write a rule for each action that it is about".to_owned()));
            return Vec::new();
        };
        let selector = rule.origin.text.split('(').next().unwrap_or("");
        let mut patterns = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = self.text_of(name, item, "\".env.example\"") else { continue };
            let mut faults = Vec::new();
            patterns.extend(rule_text::pattern(&language, text.trim(), 0, selector, &mut faults));
            self.faults(faults, item);
        }
        patterns
    }

    fn date(&mut self, name: &str, value: &Value<'i>) -> Option<Timestamp> {
        let DeValue::Datetime(date) = value.get_ref() else {
            self.wrong(name, "a date", value, "expires = 2027-01-01");
            return None;
        };
        let at = moment(date);
        if at.is_none() {
            let help = "write a day, `expires = 2027-01-01` (it ends as that day begins, UTC), or a time with its zone"
                .to_owned();
            self.problem(value.span(), format!("`{name}` takes a day, or a time with its zone"), Some(help));
        }
        at
    }

    /// `descendants = false`, `"only"`.
    fn descendants(&mut self, effect: Effect, value: &Value<'i>) -> Binds {
        match value.get_ref() {
            DeValue::Boolean(true) => Binds::All,
            DeValue::Boolean(false) => Binds::Itself,
            DeValue::String(word) if *word == "only" && effect != Effect::Allow => Binds::Descendants,
            DeValue::String(word) if *word == "only" => {
                let help = "a sub-agent never gets more than the agent above it: take it out, and say in `[agents]` what \
                            sub-agents may do";
                let message = "an allow cannot be for sub-agents alone";
                self.problem(value.span(), message, Some(help.to_owned()));
                Binds::Descendants
            }
            _ => {
                let wanted =
                    if effect == Effect::Allow { "`true` or `false`" } else { "`true`, `false` or `\"only\"`" };
                let help = "write `descendants = false`".to_owned();
                self.problem(value.span(), format!("`descendants` takes {wanted}"), Some(help));
                Binds::All
            }
        }
    }

    fn scope(&mut self, name: &str, words: &'static [&'static str], value: &Value<'i>) -> Option<Scope> {
        self.word(name, words, value).and_then(Scope::named)
    }

    pub(super) fn truth(&mut self, name: &str, value: &Value<'i>) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.wrong(name, "`true` or `false`", value, &format!("{name} = true"));
        }
        truth
    }
}

/// A day's beginning in UTC, or a moment of a day with its zone.
fn moment(date: &Datetime) -> Option<Timestamp> {
    let day = date.date.as_ref()?;
    let midnight = Timestamp::from_date(i64::from(day.year), day.month, day.day)?;
    let (time, offset) = match (&date.time, &date.offset) {
        (None, None) => return Some(midnight),
        (Some(time), Some(offset)) => (time, offset),
        _ => return None,
    };
    let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0));
    let east = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(*minutes) * 60,
    };
    Some(midnight.plus_seconds(seconds - east))
}
