//! Claude Code's settings file: our hooks in it, put there and taken away without touching the rest.

use anyhow::{Context, Result, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;

/// One event that we register for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Registration {
    /// The event's name.
    pub(crate) event: &'static str,
    /// Whether it is about tools and takes a matcher.
    pub(crate) about_tools: bool,
    /// After how many seconds the host gives the hook up.
    pub(crate) timeout: u64,
}

/// What we register for. A question may wait for its human for an hour; what only records is short.
pub(crate) const EVENTS: [Registration; 5] = [
    Registration { event: "PreToolUse", about_tools: true, timeout: 3600 },
    Registration { event: "PermissionRequest", about_tools: true, timeout: 3600 },
    Registration { event: "PostToolUse", about_tools: true, timeout: 30 },
    Registration { event: "PostToolUseFailure", about_tools: true, timeout: 30 },
    Registration { event: "SessionEnd", about_tools: false, timeout: 30 },
];

/// A hook of ours as it stands in a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) event: String,
    pub(crate) matcher: Option<String>,
    pub(crate) command: String,
    pub(crate) timeout: Option<u64>,
}

impl Registered {
    /// Whether it runs whatever the tool is.
    pub(crate) fn covers_all(&self) -> bool {
        matches!(self.matcher.as_deref(), None | Some("" | "*" | ".*"))
    }
}

/// The permission rules of a settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permissions {
    pub(crate) allow: Vec<String>,
    pub(crate) ask: Vec<String>,
    pub(crate) deny: Vec<String>,
}

/// The text with our hooks in it, each with the command that `command` gives for its time limit. Hooks of ours that
/// were there are replaced.
pub(crate) fn with_hooks(text: &str, command: impl Fn(u64) -> String) -> Result<String> {
    if text.trim().is_empty() {
        return with_hooks("{}", command);
    }
    let mut there = registered(text)?;
    there.sort_by_key(|hook| EVENTS.iter().position(|registration| registration.event == hook.event));
    let wanted = EVENTS.iter().map(|registration| Registered {
        event: registration.event.to_owned(),
        matcher: registration.about_tools.then(|| "*".to_owned()),
        command: command(registration.timeout),
        timeout: Some(registration.timeout),
    });
    if wanted.eq(there) {
        return Ok(text.to_owned());
    }
    let text = without_hooks(text)?;
    let root = parse(&text)?;
    let Some(top) = root.object_value_or_create() else { bail!("it is no JSON object") };
    let Some(hooks) = top.object_value_or_create("hooks") else { bail!("its `hooks` is no object") };
    for registration in EVENTS {
        let Some(list) = hooks.array_value_or_create(registration.event) else {
            bail!("its `hooks.{}` is no list", registration.event)
        };
        list.append(entry(registration, command(registration.timeout)));
    }
    let text = root.to_string();
    Ok(if text.ends_with('\n') { text } else { format!("{text}\n") })
}

fn entry(registration: Registration, command: String) -> CstInputValue {
    let text = |text: &str| CstInputValue::String(text.to_owned());
    let hook = CstInputValue::Object(vec![
        ("type".to_owned(), text("command")),
        ("command".to_owned(), CstInputValue::String(command)),
        ("timeout".to_owned(), CstInputValue::Number(registration.timeout.to_string())),
    ]);
    let mut members = Vec::new();
    if registration.about_tools {
        members.push(("matcher".to_owned(), text("*")));
    }
    members.push(("hooks".to_owned(), CstInputValue::Array(vec![hook])));
    CstInputValue::Object(members)
}

/// The text without our hooks; what becomes empty with them goes too.
pub(crate) fn without_hooks(text: &str) -> Result<String> {
    let root = parse(text)?;
    let Some(hooks) = root.object_value().and_then(|top| top.object_value("hooks")) else { return Ok(text.to_owned()) };
    let mut touched = false;
    for event in hooks.properties() {
        let Some(groups) = event.array_value() else { continue };
        for group in groups.elements() {
            let Some(list) = group.as_object().and_then(|group| group.array_value("hooks")) else { continue };
            let ours: Vec<_> = list
                .elements()
                .into_iter()
                .filter(|hook| hook.as_object().is_some_and(|hook| is_ours(&hook)))
                .collect();
            if ours.is_empty() {
                continue;
            }
            touched = true;
            ours.into_iter().for_each(jsonc_parser::cst::CstNode::remove);
            if list.elements().is_empty() {
                group.remove();
            }
        }
        if touched && groups.elements().is_empty() {
            event.remove();
        }
    }
    if !touched {
        return Ok(text.to_owned());
    }
    if hooks.properties().is_empty()
        && let Some(property) = root.object_value().and_then(|top| top.get("hooks"))
    {
        property.remove();
    }
    Ok(root.to_string())
}

fn is_ours(hook: &CstObject) -> bool {
    let command = hook.get("command").and_then(|command| command.value()).and_then(|value| value.to_serde_value());
    command.as_ref().and_then(Value::as_str).is_some_and(is_our_command)
}

/// Whether a command runs our hook: `'/usr/bin/countersign' hook claude-code --timeout 3600`.
pub(crate) fn is_our_command(command: &str) -> bool {
    let Some((program, _)) = command.split_once(" hook claude-code") else { return false };
    let program = program.trim().trim_matches(['\'', '"']);
    program.rsplit('/').next() == Some("countersign")
}

/// What our registered hook does where policy asks, where that was chosen.
pub(crate) fn on_ask(text: &str) -> Result<Option<String>> {
    let hooks = registered(text)?;
    let hook = hooks.iter().find(|hook| hook.event == "PreToolUse");
    let told = hook.and_then(|hook| hook.command.split_once(" --on-ask ")).and_then(|(_, rest)| rest.split(' ').next());
    // A word that is not one is not carried on: the command line would be wrong.
    Ok(told.filter(|how| ["wait", "host", "deny", "defer"].contains(how)).map(str::to_owned))
}

/// Our hooks in a settings file.
pub(crate) fn registered(text: &str) -> Result<Vec<Registered>> {
    let value = value(text)?;
    let mut found = Vec::new();
    for (event, groups) in value.get("hooks").and_then(Value::as_object).into_iter().flatten() {
        for group in groups.as_array().into_iter().flatten() {
            for hook in group.get("hooks").and_then(Value::as_array).into_iter().flatten() {
                let Some(command) = hook.get("command").and_then(Value::as_str).filter(|text| is_our_command(text))
                else {
                    continue;
                };
                found.push(Registered {
                    event: event.clone(),
                    matcher: group.get("matcher").and_then(Value::as_str).map(str::to_owned),
                    command: command.to_owned(),
                    timeout: hook.get("timeout").and_then(Value::as_u64),
                });
            }
        }
    }
    Ok(found)
}

/// Whether the settings switch all hooks off.
pub(crate) fn hooks_are_off(text: &str) -> Result<bool> {
    Ok(value(text)?.get("disableAllHooks").and_then(Value::as_bool) == Some(true))
}

/// The permission rules in a settings file.
pub(crate) fn permissions(text: &str) -> Result<Permissions> {
    let value = value(text)?;
    let list = |key: &str| -> Vec<String> {
        let list = value.get("permissions").and_then(|permissions| permissions.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Ok(Permissions { allow: list("allow"), ask: list("ask"), deny: list("deny") })
}

fn value(text: &str) -> Result<Value> {
    Ok(parse(text)?.to_serde_value().unwrap_or(Value::Null))
}

fn parse(text: &str) -> Result<CstRootNode> {
    let options = ParseOptions {
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
        ..ParseOptions::default()
    };
    CstRootNode::parse(text, &options).map_err(|error| anyhow::anyhow!("{error}")).context("it is not valid JSON")
}

/// The path as one word for `sh -c`.
pub(crate) fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: &str = r#"{
  // mine
  "model": "opus",
  "permissions": { "allow": ["Bash(git diff:*)"], "deny": ["Read(.env)"] },
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash", "hooks": [{ "type": "command", "command": "./lint.sh" }] }
    ]
  }
}
"#;

    fn ours(timeout: u64) -> String {
        format!("'/usr/bin/countersign' hook claude-code --timeout {timeout}")
    }

    #[test]
    fn hooks_are_put_beside_theirs() {
        insta::assert_snapshot!(with_hooks(THEIRS, ours).unwrap());
    }

    #[test]
    fn hooks_come_and_go() {
        for text in [THEIRS, "{}\n", "", "{\"hooks\":{\"SessionEnd\":[]}}\n", "{\n  \"a\": 1\n}\n"] {
            let with = with_hooks(text, ours).unwrap();
            assert_eq!(registered(&with).unwrap().len(), EVENTS.len(), "{with}");
            assert_eq!(with_hooks(&with, ours).unwrap(), with, "registering twice changes nothing");
            let without = without_hooks(&with).unwrap();
            assert_eq!(registered(&without).unwrap(), []);
            let meaning = |text: &str| if text.is_empty() { serde_json::json!({}) } else { value(text).unwrap() };
            if !text.contains("\"SessionEnd\"") {
                assert_eq!(meaning(&without), meaning(text));
            }
        }
        assert!(without_hooks(&with_hooks(THEIRS, ours).unwrap()).unwrap().contains("// mine"));
    }

    #[test]
    fn settings_that_cannot_be_understood_are_left_alone() {
        for text in ["[]", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}", "{", "{'a': 1}", "nonsense"] {
            assert!(with_hooks(text, ours).is_err(), "{text}");
        }
    }

    #[test]
    fn only_our_own_command_is_ours() {
        assert!(is_our_command("'/home/a b/countersign' hook claude-code --timeout 3"));
        assert!(is_our_command("countersign hook claude-code"));
        assert!(!is_our_command("echo countersign hook claude-codes"));
        assert!(!is_our_command("/usr/bin/other hook claude-code"));
    }

    #[test]
    fn permissions_are_read() {
        let permissions = permissions(THEIRS).unwrap();
        assert_eq!(permissions.allow, ["Bash(git diff:*)"]);
        assert_eq!(permissions.deny, ["Read(.env)"]);
    }

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
