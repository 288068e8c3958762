//! Everything of a file that is no list of rules: examples, tools, the ceiling and single settings.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::keys::{self, Shape};
use super::problem::quoted;
use super::reader::{Reader, Value};
use super::{Example, Limits};
use crate::action::{Action, Class};
use crate::catalog::{ToolEntry, Version};
use crate::effect::Effect;
use crate::grant::GrantLimit;
use crate::scope::Scope;
use crate::source::{Nobody, Repeats};

impl<'i> Reader<'i> {
    /// `examples = ["allow shell: git diff --stat"]`.
    pub(super) fn examples(&mut self, value: &Value<'i>) -> Vec<Example> {
        let sample = "\"deny shell: cat .env\"";
        let mut examples = Vec::new();
        for item in self.list("examples", value, &format!("examples = [{sample}]")) {
            let Some(text) = self.text_of("examples", item, sample) else { continue };
            match example(text) {
                Ok((effect, action, about)) => examples.push(Example {
                    effect,
                    action: action.to_string(),
                    text: about.to_owned(),
                    agent: None,
                    file: std::sync::Arc::clone(&self.name),
                    line: self.line(item.span().start),
                    column: self.column(item.span().start),
                    span: item.span(),
                }),
                Err((message, help)) => self.problem(item.span(), message, Some(help)),
            }
        }
        examples
    }

    /// `[tools."crm/send_mail"]`.
    pub(super) fn tools(&mut self, value: &Value<'i>) -> BTreeMap<String, ToolEntry> {
        let sample = "[tools.\"server/tool\"]";
        let mut tools = BTreeMap::new();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("tools", "a table for each tool", value, sample);
            return tools;
        };
        for (name, value) in table {
            let word = name.get_ref();
            let action = word.parse::<Action>().ok();
            if !matches!(action, Some(Action::Mcp { .. } | Action::Tool(_))) || word.contains('*') {
                let help = format!("write `{sample}` or `[tools.\"tool:NAME\"]`, for one tool each");
                self.problem(name.span(), format!("{} names no tool that can be described", quoted(word)), Some(help));
                continue;
            }
            let entry = self.tool(word, value);
            tools.insert(word.to_string(), entry);
        }
        tools
    }

    fn tool(&mut self, tool: &str, value: &Value<'i>) -> ToolEntry {
        let mut entry = ToolEntry::default();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(tool, "a table", value, &format!("[tools.\"{tool}\"]"));
            return entry;
        };
        for (name, value) in table {
            let Some(key) = self.key(keys::TOOL, "a tool", name, None) else { continue };
            match key.name {
                "class" => entry.class = self.word(key.name, keys::CLASSES, value).and_then(Class::named),
                "group" => entry.group = self.text_of(key.name, value, "group = \"crm\"").map(str::to_owned),
                "resource" => entry.resource = self.pointer(key.name, value),
                "show" => {
                    for item in self.list(key.name, value, "show = [\"/to\"]") {
                        entry.show.extend(self.pointer(key.name, item));
                    }
                }
                "hidden" => entry.hidden = self.truth(key.name, value).unwrap_or(true),
                "since" => entry.since = self.version(key.name, value),
                "until" => entry.until = self.version(key.name, value),
                "last" => entry.last = self.version(key.name, value),
                "family" => entry.family = self.text_of(key.name, value, "family = \"mail\"").map(str::to_owned),
                _ => self.not_yet(key.name, name.span()),
            }
        }
        entry
    }

    fn pointer(&mut self, name: &str, value: &Value<'i>) -> Option<String> {
        let text = self.text_of(name, value, "/to")?;
        if text.starts_with('/') {
            return Some(text.to_owned());
        }
        let help = format!("write `/{}`", text.replace('.', "/"));
        self.problem(value.span(), format!("`{name}` takes a JSON pointer, which begins with `/`"), Some(help));
        None
    }

    fn version(&mut self, name: &str, value: &Value<'i>) -> Option<String> {
        let text = self.text_of(name, value, &format!("{name} = \"2.1.0\""))?;
        if Version::read(text).is_some() {
            return Some(text.to_owned());
        }
        let message = format!("`{name}` takes a version of numbers and dots, and {} is none", quoted(text));
        self.problem(value.span(), message, Some(format!("write `{name} = \"2.1.0\"`")));
        None
    }

    /// `[ceiling]`.
    pub(super) fn ceiling(&mut self, value: &Value<'i>) -> Option<Limits> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("ceiling", "a table", value, "[ceiling]");
            return None;
        };
        let mut limits = Limits::default();
        for (name, value) in table {
            let Some(key) = self.key(keys::CEILING, "a ceiling", name, None) else { continue };
            match key.shape {
                Shape::Rules(effect) => {
                    self.rules(effect, key.name, value, &mut limits.rules, &mut limits.places);
                    self.refuse_descendants(value);
                }
                Shape::Grants => limits.grants = self.grants(value),
                Shape::Roles => limits.roles = self.roles(value),
                _ => self.not_yet(key.name, name.span()),
            }
        }
        Some(limits)
    }

    /// Nobody below crosses a ceiling, so no rule of one says whom it binds.
    fn refuse_descendants(&mut self, rules: &Value<'i>) {
        for table in rules.get_ref().as_array().into_iter().flatten().filter_map(|item| item.get_ref().as_table()) {
            if let Some((name, _)) = table.get_key_value("descendants") {
                let help = "a ceiling binds every agent: take it out, or write the rule outside of the ceiling";
                self.problem(name.span(), "`descendants` is no key of a rule of a ceiling", Some(help.to_owned()));
            }
        }
    }

    fn grants(&mut self, value: &Value<'i>) -> Option<GrantLimit> {
        let sample = "grants = { max = \"8h\", scopes = [\"session\"] }";
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("grants", "a table", value, sample);
            return None;
        };
        // Absent, `scopes` admits all of them; present, only what it lists.
        let mut limit =
            GrantLimit { max_seconds: None, scopes: vec![Scope::Turn, Scope::Session, Scope::Project, Scope::User] };
        for (name, value) in table {
            let Some(key) = self.key(keys::GRANTS, "`grants`", name, None) else { continue };
            match key.shape {
                Shape::Duration => limit.max_seconds = self.duration(key.name, value),
                Shape::SomeOf(words) => {
                    limit.scopes.clear();
                    for item in self.list(key.name, value, "scopes = [\"session\"]") {
                        limit.scopes.extend(self.word(key.name, words, item).and_then(Scope::named));
                    }
                }
                _ => self.not_yet(key.name, name.span()),
            }
        }
        Some(limit)
    }

    fn roles(&mut self, value: &Value<'i>) -> BTreeMap<String, Class> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("roles", "a table", value, "roles = { viewer = \"read\" }");
            return BTreeMap::new();
        };
        let mut roles = BTreeMap::new();
        for (name, value) in table {
            if let Some(class) = self.word(name.get_ref(), keys::CLASSES, value).and_then(Class::named) {
                roles.insert(name.get_ref().to_string(), class);
            }
        }
        roles
    }

    fn duration(&mut self, name: &str, value: &Value<'i>) -> Option<i64> {
        let text = self.text_of(name, value, &format!("{name} = \"8h\""))?;
        let seconds = seconds(text);
        if seconds.is_none() {
            let help = "write `90s`, `30m`, `8h` or `7d`".to_owned();
            self.problem(value.span(), format!("{} is no length of time", quoted(text)), Some(help));
        }
        seconds
    }

    /// `nobody = "deny"` or `nobody = "wait 10m"`.
    pub(super) fn nobody(&mut self, value: &Value<'i>) -> Option<Nobody> {
        let text = self.text_of("nobody", value, "nobody = \"deny\"")?;
        if text == "deny" {
            return Some(Nobody::Deny);
        }
        let waits = text.strip_prefix("wait ").and_then(|rest| seconds(rest.trim()));
        match waits.and_then(|seconds| u32::try_from(seconds).ok()) {
            Some(seconds) => Some(Nobody::Wait(seconds)),
            None => {
                let help = "write `deny`, or `wait 10m`".to_owned();
                self.problem(value.span(), format!("`nobody` cannot be {}", quoted(text)), Some(help));
                None
            }
        }
    }

    pub(super) fn count(&mut self, name: &str, value: &Value<'i>) -> Option<u32> {
        let count = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => {
                self.wrong(name, "a number", value, &format!("{name} = 20"));
                return None;
            }
        };
        if count.is_none_or(|count| count == 0 || count > 10_000) {
            self.problem(value.span(), format!("`{name}` takes a number from 1 to 10000"), None);
            return None;
        }
        count
    }

    /// `repeats = 3` or `repeats = "never"`.
    pub(super) fn repeats(&mut self, name: &str, value: &Value<'i>) -> Option<Repeats> {
        let read = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|most| (2..=10_000).contains(most))
                .map(Repeats::Ask),
            DeValue::String(word) => (&**word == "never").then_some(Repeats::Never),
            _ => None,
        };
        if read.is_none() {
            let message = format!("`{name}` takes a number from 2 to 10000, or `never`");
            let help = format!("write `{name} = 3`, or `{name} = \"never\"` to let the same call run again and again");
            self.problem(value.span(), message, Some(help));
        }
        read
    }

    pub(super) fn effect(&mut self, name: &str, value: &Value<'i>) -> Option<Effect> {
        self.word(name, keys::EFFECTS, value).and_then(Effect::named)
    }

    /// `on-deny`: whether a no goes on to the turn's other questions.
    pub(super) fn on_deny(&mut self, name: &str, words: &'static [&'static str], value: &Value<'i>) -> Option<bool> {
        self.word(name, words, value).map(|word| word == "cascade")
    }
}

/// Effect, action and what the call is about, or what is wrong and what to write.
fn example(text: &str) -> Result<(Effect, Action, &str), (String, String)> {
    let sample = || "write `deny shell: cat .env`: the effect, the action, a colon and what it is about".to_owned();
    let (word, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let Some(effect) = Effect::named(word) else {
        let message = format!("an example begins with allow, ask or deny, and not with {}", quoted(word));
        return Err((message, sample()));
    };
    let rest = rest.trim();
    // The colon of `tool:NAME` has no space behind it.
    let colon = rest
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| rest.get(at + 1..).is_none_or(|after| after.is_empty() || after.starts_with(char::is_whitespace)));
    let (action, about) = match colon {
        Some(at) => (rest.get(..at).unwrap_or(rest), rest.get(at + 1..).unwrap_or("").trim()),
        None => (rest, ""),
    };
    match action.trim().parse::<Action>() {
        Ok(action) if about.is_empty() && action == Action::Shell => {
            Err(("the command is missing".to_owned(), sample()))
        }
        Ok(action) => Ok((effect, action, about)),
        Err(_) => Err((format!("{} is no action", quoted(action)), sample())),
    }
}

/// `90s`, `30m`, `8h`, `7d` in seconds.
fn seconds(text: &str) -> Option<i64> {
    let (unit, factor) =
        [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)].into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(factor).filter(|seconds| (1..=3650 * 86_400).contains(seconds))
}
