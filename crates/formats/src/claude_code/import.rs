//! Claude Code's permission rules in our own grammar, one by one.
//!
//! What comes out never allows what the original does not: where the two languages differ, an allow becomes narrower,
//! and an ask or a deny wider. What our grammar cannot say stays a rule of a source in Claude Code's own terms.

use std::sync::Arc;

use countersign_policy::document::Problem;
use countersign_policy::{Effect, Origin};

use super::rule::{self, Item};
use super::{File, Layer, file};
use crate::Text;
use crate::import::{Became, Fate};

/// Why a rule has no counterpart.
type Reason = &'static str;

/// What each rule of the files becomes in ours.
///
/// # Errors
/// All that is wrong with any of them.
pub fn report(files: &[File<'_>]) -> Result<Vec<Fate>, Vec<Problem>> {
    let (mut fates, mut problems) = (Vec::new(), Vec::new());
    let fate = |(effect, origin): (Effect, Origin)| Fate::new(origin.clone(), import(effect, &origin.text));
    for file in files {
        match file::read(file) {
            Ok(read) => fates.extend(read.written.into_iter().map(fate)),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() { Ok(fates) } else { Err(problems) }
}

/// What becomes of one rule.
pub fn import(effect: Effect, rule: &str) -> Became {
    let file = File { layer: Layer::User, text: Text::new("settings.json", rule), folder: None };
    let origin = Origin { file: Arc::clone(&file.text.name), line: 1, text: rule.to_owned() };
    match rule::read(effect, rule, &file, origin) {
        Err(wrong) => Became::Dropped { why: wrong.message },
        Ok(read) if read.items.is_empty() => Became::Never { why: read.notes.join("; ") },
        Ok(read) if read.items.iter().any(Item::has_condition) => {
            let why = "our rules with `when` also hold where the parameter is missing";
            Became::Kept { why: why.to_owned() }
        }
        Ok(_) => match translate(effect, rule) {
            Ok(rules) => Became::native(effect, rules),
            Err(reason) => Became::Kept { why: reason.to_owned() },
        },
    }
}

/// The rules of ours that one rule becomes.
fn translate(effect: Effect, rule: &str) -> Result<Vec<String>, Reason> {
    let rule = rule.trim();
    let (tool, argument) = match rule.split_once('(') {
        None => (rule, None),
        Some((tool, rest)) => (tool, Some(rest.strip_suffix(')').ok_or("it has no closing parenthesis")?)),
    };
    if let Some(name) = tool.strip_prefix("mcp__") {
        return if argument.is_some() { Err("rules about an MCP tool take no argument") } else { mcp(effect, name) };
    }
    // `Tool(*)` is `Tool`.
    match (tool, argument.filter(|argument| *argument != "*")) {
        ("Bash", None) => Ok(vec!["shell(**)".to_owned()]),
        ("Bash", Some(command)) => Ok(vec![format!("shell({})", shell(command)?)]),
        ("Read", None) if effect == Effect::Allow => Ok(vec!["read(/**)".to_owned()]),
        ("Read", None) => Ok(vec!["read".to_owned(), "search".to_owned()]),
        // What may not be read may not be written either.
        ("Read", Some(path)) if effect == Effect::Deny => path_rules(effect, &["read", "edit"], path),
        ("Read", Some(path)) => path_rules(effect, &["read"], path),
        ("Edit" | "Write" | "MultiEdit" | "NotebookEdit", None) if effect == Effect::Allow => {
            Ok(vec!["edit(/**)".to_owned()])
        }
        ("Edit" | "Write" | "MultiEdit" | "NotebookEdit", None) => Ok(vec!["edit".to_owned()]),
        ("Edit" | "Write" | "MultiEdit" | "NotebookEdit", Some(path)) => path_rules(effect, &["edit"], path),
        ("Grep" | "Glob" | "LS", None) if effect == Effect::Allow => Ok(vec!["search(/**)".to_owned()]),
        ("Grep" | "Glob" | "LS", None) => Ok(vec!["search".to_owned()]),
        ("WebFetch", None) if effect == Effect::Allow => Ok(vec!["fetch(*)".to_owned()]),
        ("WebFetch", None) => Ok(vec!["fetch".to_owned()]),
        ("WebFetch", Some(argument)) => {
            let host = argument.strip_prefix("domain:").ok_or("only `domain:` has a counterpart")?;
            Ok(vec![format!("fetch({})", domain(host)?)])
        }
        ("WebSearch", _) => {
            Err("searching the web is `fetch(search:PROVIDER)` here: write the providers that you mean")
        }
        ("Agent" | "Task", None) => Ok(vec!["agent".to_owned()]),
        ("Agent" | "Task", Some(kind)) if is_name(kind) => Ok(vec![format!("agent({kind})")]),
        (tool, None) if is_name(tool) => Ok(vec![format!("tool:{tool}")]),
        (_, Some(_)) => Err("its argument has no counterpart"),
        _ => Err("its tool's name has no counterpart"),
    }
}

/// `github__create_issue`, `github`, `github__*`.
fn mcp(effect: Effect, name: &str) -> Result<Vec<String>, Reason> {
    let parts: Vec<&str> = name.split("__").collect();
    if !parts
        .iter()
        .all(|part| !part.is_empty() && (is_name(part) || part.replace('*', "").is_empty() || is_glob(part)))
    {
        return Err("its name has no counterpart");
    }
    match parts.as_slice() {
        [server] if !server.contains('*') => Ok(vec![format!("{server}/*")]),
        [server, tool] if !server.contains('*') => Ok(vec![format!("{server}/{tool}")]),
        [_, _, ..] if effect == Effect::Allow => Err("where its server's name ends cannot be told"),
        // Each way to split it: stricter than the original at worst.
        [first, rest @ ..] => {
            let mut rules = Vec::new();
            let mut server = (*first).to_owned();
            for at in 0..rest.len() {
                let (before, after) = rest.split_at(at);
                if let Some(last) = before.last() {
                    server = format!("{server}__{last}");
                }
                rules.push(format!("{server}/{}", after.join("__")));
            }
            if rules.is_empty() { Err("every MCP server at once has no counterpart") } else { Ok(rules) }
        }
        [] => Err("its name has no counterpart"),
    }
}

/// `git diff:*`, `git diff *`, `npm run build`, `ls*`.
fn shell(command: &str) -> Result<String, Reason> {
    let (command, rest) = match command.strip_suffix(":*").or_else(|| command.strip_suffix(" *")) {
        Some(prefix) => (prefix, " *"),
        // `ls*` takes any end of the word, and then any words.
        None if command.ends_with('*') && !command.ends_with("**") => (command, " *"),
        None => (command, ""),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+= *".contains(c);
    if command.contains(['&', '|', ';', '<', '>', '`', '$', '\n']) {
        return Err("it speaks of several commands, redirections or variables; each command is judged by itself here");
    }
    if !command.chars().all(plain) {
        return Err("it has quotes or other characters of the shell");
    }
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
    match words.first() {
        None => return Err("it names no command"),
        Some(first) if first.contains('=') => return Err("it begins with a variable"),
        Some(first) if first.starts_with('*') => return Err("it speaks of every program with some words in it"),
        Some(_) => {}
    }
    // `**` is a word of ours that takes anything.
    if words.iter().any(|word| word.contains("**")) {
        return Err("it has `**` in it");
    }
    Ok(format!("{}{rest}", words.join(" ")))
}

fn path_rules(effect: Effect, actions: &[&str], path: &str) -> Result<Vec<String>, Reason> {
    let path = path_pattern(effect, path)?;
    Ok(actions.iter().map(|action| format!("{action}({path})")).collect())
}

/// A gitignore pattern as Claude Code anchors it, from a user's settings.
fn path_pattern(effect: Effect, path: &str) -> Result<String, Reason> {
    if path.is_empty() || path.contains(['!', '[', ']', '{', '}', '?', '(', ')', ',', '\\', '"', '\'']) {
        return Err("its path has characters that mean something else here");
    }
    if path.split('/').any(|part| part == "..") {
        return Err("its path goes up with `..`");
    }
    let path = if let Some(absolute) = path.strip_prefix("//") {
        format!("/{absolute}")
    } else if path.starts_with("~/") {
        path.to_owned()
    } else if path.starts_with('/') {
        return Err("what a path with one `/` in front is relative to differs between versions of Claude Code");
    } else {
        let relative = path.strip_prefix("./").unwrap_or(path);
        let anchored = path.starts_with("./") && !relative.contains('/');
        if effect == Effect::Allow && anchored {
            return Err("a name at the top of the workspace alone has no counterpart");
        }
        match relative.strip_suffix("/**") {
            // A denied folder is denied at any depth.
            Some(folder) if effect != Effect::Allow && !folder.contains('/') => format!("**/{relative}"),
            _ => relative.to_owned(),
        }
    };
    let inside = path.trim_start_matches('/');
    if inside.is_empty() || inside.split('/').any(|part| part == "." || (part.is_empty() && !path.ends_with('/'))) {
        return Err("its path has empty parts");
    }
    Ok(path)
}

fn domain(host: &str) -> Result<&str, Reason> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let tail = host.strip_prefix("*.").unwrap_or(host);
    if host == "*" || (!tail.is_empty() && tail.chars().all(plain)) {
        Ok(host)
    } else {
        Err("its host has no counterpart")
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn is_glob(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "_-*".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_have_a_counterpart() {
        for (rule, ours) in [
            ("Bash(git diff:*)", "shell(git diff *)"),
            ("Bash(git diff *)", "shell(git diff *)"),
            ("Bash(npm run build)", "shell(npm run build)"),
            ("Bash(ls*)", "shell(ls* *)"),
            ("Bash(git * main)", "shell(git * main)"),
            ("Bash", "shell(**)"),
            ("Bash(*)", "shell(**)"),
            ("Read(~/notes/**)", "read(~/notes/**)"),
            ("Read(//etc/hosts)", "read(/etc/hosts)"),
            ("Read(src/**)", "read(src/**)"),
            ("Read(.env)", "read(.env)"),
            ("Edit(./docs/**)", "edit(docs/**)"),
            ("WebFetch(domain:docs.rs)", "fetch(docs.rs)"),
            ("WebFetch(domain:*.github.com)", "fetch(*.github.com)"),
            ("mcp__github__create_issue", "github/create_issue"),
            ("mcp__github", "github/*"),
            ("mcp__github__*", "github/*"),
            ("mcp__github__get_*", "github/get_*"),
            ("Task(Explore)", "agent(Explore)"),
            ("TodoWrite", "tool:TodoWrite"),
        ] {
            let native = Became::native(Effect::Allow, vec![ours.to_owned()]);
            assert_eq!(import(Effect::Allow, rule), native, "{rule}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_left_out() {
        for rule in [
            "Bash(a && b)",
            "Bash(FOO=1 make:*)",
            "Bash(* --version)",
            "Bash(echo 'x')",
            "Bash(cat $HOME)",
            "Bash(",
            "Bash()",
            "Bash(a **)",
            "Bash(:*)",
            "Read(/src/**)",
            "Read(../x)",
            "Read(a,b)",
            "Read()",
            "Read(//)",
            "WebFetch(url:x)",
            "WebFetch(domain:a/b)",
            "WebSearch",
            "mcp__a__b__c",
            "mcp__*",
            "mcp__",
            "mcp__a__b(x)",
            "Skill(x)",
            "",
            "*",
            "Bash(rm\n-rf)",
            "Read(./x)",
        ] {
            assert!(!matches!(import(Effect::Allow, rule), Became::Native { .. }), "{rule}");
        }
    }

    #[test]
    fn what_stays_in_its_own_dialect_and_what_never_applies() {
        let mut lines = Vec::new();
        for (effect, rules) in [
            (
                Effect::Allow,
                &[
                    "Bash(echo 'x')",
                    "Bash(a && b)",
                    "Bash()",
                    "mcp__*",
                    "B*",
                    "mcp__a__b(x)",
                    "Agent(model:opus)",
                    "Bash(run_in_background:true)",
                    "Write(docs/**)",
                    "WebSearch(x)",
                    "Cd(~/code/**)",
                    "Bash(",
                    "Skill(x)",
                ][..],
            ),
            (
                Effect::Deny,
                &[
                    "Agent(model:opus)",
                    "Bash(run_in_background:true)",
                    "Bash(command:rm *)",
                    "Read(file_path:/x)",
                    "mcp__a__b(x)",
                    "*",
                    "Bash(* --force)",
                ],
            ),
        ] {
            for rule in rules {
                lines.push(format!("{effect} {rule}: {:?}", import(effect, rule)));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_denial_becomes_wider_where_it_must() {
        let deny = |rule| match import(Effect::Deny, rule) {
            Became::Native { rules, .. } => rules.into_iter().map(|native| native.rule).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(deny("mcp__a__b__c"), ["a/b__c", "a__b/c"]);
        assert_eq!(deny("Read"), ["read", "search"]);
        assert_eq!(deny("Read(./x)"), ["read(x)", "edit(x)"]);
        assert_eq!(deny("Edit(secrets/**)"), ["edit(**/secrets/**)"]);
    }
}
