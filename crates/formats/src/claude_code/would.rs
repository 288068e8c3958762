//! What Claude Code itself would do, its mode included.
//!
//! 1. Its settings decide, and where no rule speaks what it does by itself: reading in the working directories and
//!    read-only commands run, the rest asks. What a command touches only tightens, but for files outside the working
//!    directories that a command of files names.
//! 2. What no rule can allow asks: writes to protected files, removals of critical folders, commands that are too long,
//!    `cd` with git.
//! 3. The mode: edits are accepted, or nothing is edited, or what no rule asks about runs, or what would ask is denied.

use std::collections::BTreeMap;

use countersign_policy::pattern::{Anchor, GitignorePattern, Pattern, TextPattern};
use countersign_policy::{
    Action, Attendance, Call, Catalog, Cause, Effect, Nobody, Origin, Policy, Resource, Role, Rule, Selector, Source,
    SourceKind, Target, Timestamp, Word, WordKind, decide, hidden,
};

use super::known::{LONGEST_COMMAND, OF_FILES, READ_ONLY, UNASKED, WITH_EDITS};
use super::paths::{is_critical, is_inside, is_protected, working};
use super::{Mode, Settings};

/// What Claude Code would do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it would run, ask or refuse.
    pub effect: Effect,
    /// Whether a rule of its settings said so.
    pub by_rule: bool,
}

/// What Claude Code would do with this call under the call's mode, else the settings' own.
pub fn would(settings: &Settings, call: &Call) -> Verdict {
    let mode = mode(settings, call);
    let seen = as_it_sees(call);
    let folders = working(&settings.additional, call);
    let decision = decide(&policy(settings, &folders), &[], None, &seen, Timestamp::default());
    let mut verdict = Verdict { effect: Effect::Allow, by_rule: false };
    for (target, judgement) in seen.targets.iter().zip(decision.judgements()) {
        let by_rule = matches!(judgement.cause(), Cause::Rule(rule) if rule.source != SourceKind::Builtin);
        let mut effect = judgement.effect();
        if effect == Effect::Allow && !by_rule && is_git_elsewhere(target) {
            effect = Effect::Ask;
        }
        if effect == Effect::Ask && !by_rule {
            let accepted = mode == Mode::AcceptEdits && is_accepted(target, &folders);
            if accepted || mode == Mode::BypassPermissions {
                effect = Effect::Allow;
            }
        }
        effect = effect.max(floor(target, &seen, mode, settings, &folders));
        if effect > verdict.effect || (effect == verdict.effect && by_rule) {
            verdict = Verdict { effect, by_rule };
        }
    }
    if mode != Mode::BypassPermissions && is_for_a_human(&seen) {
        verdict.effect = verdict.effect.max(Effect::Ask);
    }
    match mode {
        Mode::DontAsk if verdict.effect == Effect::Ask => verdict.effect = Effect::Deny,
        Mode::Plan if call.action == Action::Edit => verdict.effect = Effect::Deny,
        _ => {}
    }
    verdict
}

/// Whether Claude Code offers the tool of this call to its model.
pub fn offers(settings: &Settings, call: &Call) -> bool {
    hidden(&policy(settings, &[]), call).is_none()
}

fn mode(settings: &Settings, call: &Call) -> Mode {
    let told = call.mode.as_deref().and_then(Mode::named).unwrap_or(settings.mode);
    match told {
        Mode::BypassPermissions if settings.no_bypass => Mode::Default,
        Mode::Auto if settings.no_auto => Mode::Default,
        mode => mode,
    }
}

/// The call as Claude Code sees it: operands of commands that it does not know to be files say nothing by themselves.
fn as_it_sees(call: &Call) -> Call {
    let mut seen = Call { attendance: Attendance::Somebody, ..call.clone() };
    if call.action != Action::Shell {
        return seen;
    }
    for target in &mut seen.targets {
        let reads = matches!(target.action, Action::Read | Action::Search | Action::Fetch);
        // What a redirection writes is no word of the command.
        let is_operand = reads || target.named.is_some();
        let of_files = target
            .command
            .and_then(|at| call.targets.get(at))
            .is_some_and(|command| program(command).is_some_and(|program| OF_FILES.contains(&program)));
        if is_operand && !of_files && target.command.is_some() {
            target.role = Role::Implied;
        }
    }
    seen
}

/// The settings' rules, and below them what it does by itself.
fn policy(settings: &Settings, folders: &[String]) -> Policy {
    Policy {
        builtin: by_itself(folders),
        sources: vec![settings.source.clone()],
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: 1,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Catalog::default(),
        programs: BTreeMap::new(),
        project_programs: BTreeMap::new(),
        revision: String::new(),
    }
}

/// What it does where no rule speaks.
fn by_itself(folders: &[String]) -> Source {
    let origin = |text: &str| Origin { file: "Claude Code".into(), line: 0, text: text.to_owned() };
    let allow = |about, patterns, text: &str| Rule { patterns, ..Rule::new(Effect::Allow, about, origin(text)) };
    let inside: Vec<Pattern> = folders
        .iter()
        .map(|folder| Pattern::gitignore(GitignorePattern::compile(Anchor::Folder(folder.clone()), "/**", false)))
        .collect();
    let mut rules = vec![allow(Selector::Action(Action::Agent), Vec::new(), "sub-agents")];
    if !inside.is_empty() {
        for action in [Action::Read, Action::Search] {
            rules.push(allow(Selector::Action(action), inside.clone(), "reading in the working directories"));
        }
    }
    let unasked = UNASKED.iter().map(|tool| Selector::Tool(TextPattern::new(tool)));
    rules.extend(unasked.map(|about| allow(about, Vec::new(), "tools of the session")));
    let commands = READ_ONLY.iter().filter_map(|text| Pattern::parse(&Action::Shell, text).ok()).collect();
    rules.push(allow(Selector::Action(Action::Shell), commands, "read-only commands"));
    Source::new(SourceKind::Builtin, "Claude Code", true, rules)
}

/// Whether it runs where edits are accepted.
fn is_accepted(target: &Target, folders: &[String]) -> bool {
    match &target.resource {
        Resource::Path(path) => matches!(target.action, Action::Edit | Action::Delete) && is_inside(path, folders),
        Resource::Words(words) => {
            let is_known = words.iter().all(|word| word.kind != WordKind::Dynamic);
            target.unclear.is_none() && is_known && program(target).is_some_and(|name| WITH_EDITS.contains(&name))
        }
        _ => false,
    }
}

/// What no rule can allow.
fn floor(target: &Target, call: &Call, mode: Mode, settings: &Settings, folders: &[String]) -> Effect {
    match (&target.action, &target.resource) {
        (Action::Edit | Action::Delete, Resource::Path(path)) => {
            let by = target.command.and_then(|at| call.targets.get(at)).and_then(program);
            let removed = matches!(by, Some("rm" | "rmdir"))
                && target.action == Action::Delete
                && [Some(&path.lexical), path.real.as_ref()].into_iter().flatten().any(|path| is_critical(path, call));
            let protected = mode != Mode::BypassPermissions && is_protected(path);
            if removed || protected { Effect::Ask } else { Effect::Allow }
        }
        (Action::Read | Action::Search, Resource::Path(path))
            if settings.reads_stay_inside && !is_inside(path, folders) =>
        {
            if call.action == Action::Shell {
                Effect::Ask
            } else {
                Effect::Deny
            }
        }
        (Action::Shell, Resource::Words(words)) => match words.split_first() {
            Some((program, operands)) if matches!(&*program.text, "rm" | "rmdir") => {
                let is = |word: &Word| {
                    let unguarded = word.text.contains('$') && word.text.ends_with(['/', '*']);
                    let guarded = word.text.contains(":?");
                    (unguarded && !guarded) || (word.text.starts_with('/') && is_critical(&word.text, call))
                };
                if operands.iter().any(is) { Effect::Ask } else { Effect::Allow }
            }
            _ => Effect::Allow,
        },
        _ => Effect::Allow,
    }
}

/// Whether the line is one that no rule allows: too long to be read, or git in a folder that the line goes to.
fn is_for_a_human(call: &Call) -> bool {
    if call.action != Action::Shell {
        return false;
    }
    let line = call.args.get("command").and_then(|command| command.as_str()).unwrap_or_default();
    let goes = |target: &Target| match &target.resource {
        Resource::Words(words) => {
            program(target) == Some("cd")
                && words.get(1).is_none_or(|word| !matches!(&*word.text, "." | "./") && word.text != call.cwd)
        }
        _ => false,
    };
    let has_git = call.targets.iter().any(|target| program(target) == Some("git"));
    line.chars().nth(LONGEST_COMMAND).is_some() || (has_git && call.targets.iter().any(goes))
}

/// Whether it is git in a folder that it is told: that folder's hooks would run.
fn is_git_elsewhere(target: &Target) -> bool {
    let Resource::Words(words) = &target.resource else { return false };
    let is = |word: &Word| {
        word.text.starts_with("-C") || word.text.starts_with("--git-dir") || word.text.starts_with("--work-tree")
    };
    program(target) == Some("git") && words.iter().any(is)
}

/// The program of a command, without its folder.
fn program(target: &Target) -> Option<&str> {
    let Resource::Words(words) = &target.resource else { return None };
    let text = &*words.first()?.text;
    Some(text.rsplit('/').next().unwrap_or(text))
}
