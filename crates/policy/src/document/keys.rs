//! Every key of a policy file, where it belongs, what it takes and what it means: the parser, the errors and the JSON
//! Schema are made from these tables.

use crate::effect::Effect;
use crate::source::SourceKind;

/// One key of a table of the file.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) place: Place,
    /// What it means, for the schema.
    pub(super) doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Rules(Effect),
    Examples,
    Tools,
    Ceiling,
    Agents,
    /// Whom a rule binds.
    Descendants,
    Rule,
    Text,
    Texts,
    Truth,
    Date,
    Count,
    Repeats,
    Conditions,
    Patterns,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
    Imports,
    /// One text, or a list of them.
    Places,
    Programs,
    Options,
    Nobody,
    Duration,
    Grants,
    Roles,
    /// Known, and an error until it is supported, so that nobody relies on it.
    NotYet,
}

/// Where a key belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In every file.
    Everywhere,
    /// Not in what comes with a repository.
    Above,
    /// Where nobody below crosses it.
    Administrator,
    /// In the rules that come with the program.
    Builtin,
    /// In a rule of this effect only.
    Effect(Effect),
}

pub(super) const EFFECTS: &[&str] = &["allow", "ask", "deny"];
pub(super) const CLASSES: &[&str] = &["read", "write", "delete"];
pub(super) const SCOPES: &[&str] = &["once", "turn", "session", "project", "user"];
pub(super) const GRANT_SCOPES: &[&str] = &["turn", "session", "project", "user"];

pub(super) const OPERANDS: &[&str] = &["data", "read", "search", "edit", "delete", "url", "host", "code", "maybe"];

const fn key(name: &'static str, shape: Shape, place: Place, doc: &'static str) -> Key {
    Key { name, shape, place, doc }
}

/// The keys at the top of a file.
pub(super) const TOP: &[Key] = &[
    key(
        "allow",
        Shape::Rules(Effect::Allow),
        Place::Everywhere,
        "What runs without a question. In a project's file: once it is trusted.",
    ),
    key("ask", Shape::Rules(Effect::Ask), Place::Everywhere, "What a human is asked about."),
    key("deny", Shape::Rules(Effect::Deny), Place::Everywhere, "What does not run."),
    key(
        "examples",
        Shape::Examples,
        Place::Everywhere,
        "Calls and what they must come to, such as `deny shell: cat .env`: checked whenever the file is loaded.",
    ),
    key(
        "tools",
        Shape::Tools,
        Place::Everywhere,
        "How tools are judged, by `server/tool` or `tool:NAME`. In a project's file: once it is trusted.",
    ),
    key(
        "import",
        Shape::Imports,
        Place::Everywhere,
        "Files of other systems, each a source in that system's own terms. In a project's file: their allows count once \
         this file and they are trusted.",
    ),
    key(
        "programs",
        Shape::Programs,
        Place::Everywhere,
        "What the options and operands of a program are, by `mytool` or `mytool sub`. In a project's file: once it is \
         trusted, and only what nothing else says.",
    ),
    key("profiles", Shape::NotYet, Place::Everywhere, "Permission profiles."),
    key(
        "default",
        Shape::OneOf(EFFECTS),
        Place::Above,
        "What happens to what no rule speaks of; ask unless it is given. Of several files the strictest holds.",
    ),
    key(
        "nobody",
        Shape::Nobody,
        Place::Above,
        "What a question becomes when nobody can be asked: `deny`, or `wait 10m`.",
    ),
    key(
        "on-deny",
        Shape::OneOf(&["continue", "cascade"]),
        Place::Above,
        "Whether a human's no ends the turn's other questions too.",
    ),
    key(
        "max-open",
        Shape::Count,
        Place::Above,
        "The most open questions that a session may have; 20 unless it is given.",
    ),
    key(
        "repeats",
        Shape::Repeats,
        Place::Above,
        "The same call so many times in a row in a session asks, whatever else allows it: a number from 2, or `never`; 3 \
         unless it is given. Of several files the smallest holds.",
    ),
    key("profile", Shape::NotYet, Place::Above, "The active permission profile."),
    key("hooks", Shape::NotYet, Place::Above, "What happens on events."),
    key("ceiling", Shape::Ceiling, Place::Administrator, "What nobody below crosses."),
    key(
        "agents",
        Shape::Agents,
        Place::Everywhere,
        "What kinds of sub-agents may do, by the kind as its host names it; `*` for all others. It only makes stricter what \
         the main agent may do. In a project's file: allows and defaults count once it is trusted.",
    ),
];

/// The keys of a rule that is written as a table.
pub(super) const RULE: &[Key] = &[
    key("rule", Shape::Rule, Place::Everywhere, "The rule's text: `shell(git push *)`."),
    key("why", Shape::Text, Place::Everywhere, "Why, for the human who is asked and the agent that is refused."),
    key("when", Shape::Conditions, Place::Everywhere, "Patterns that arguments of the call must match, by argument."),
    key("unless", Shape::Patterns, Place::Everywhere, "Resources of which the rule does not speak after all."),
    key("expires", Shape::Date, Place::Effect(Effect::Allow), "The day (its start, UTC) on which the allow ends."),
    key(
        "remember",
        Shape::OneOf(SCOPES),
        Place::Effect(Effect::Ask),
        "The widest scope that an answer may be remembered for; `once`: it may not.",
    ),
    key("offer", Shape::OneOf(SCOPES), Place::Effect(Effect::Ask), "The scope that a question offers first."),
    key(
        "descendants",
        Shape::Descendants,
        Place::Everywhere,
        "Whether the rule also binds sub-agents; `true` unless it is given. `false`: an allow is the main agent's alone, an \
         ask or a deny does not bind sub-agents that `[agents]` names. `only`, in an ask or a deny: sub-agents alone.",
    ),
    key(
        "implied",
        Shape::Truth,
        Place::Builtin,
        "Whether the rule also speaks of what a command that was allowed touches.",
    ),
];

/// The keys of `[tools."server/tool"]`.
pub(super) const TOOL: &[Key] = &[
    key("class", Shape::OneOf(CLASSES), Place::Everywhere, "How grave the tool is."),
    key("group", Shape::Text, Place::Everywhere, "The group that it belongs to: rules name it as `group/@class`."),
    key(
        "resource",
        Shape::Text,
        Place::Everywhere,
        "A JSON pointer to the argument that is its resource, such as `/to`; a list there gives one target each.",
    ),
    key("show", Shape::Texts, Place::Everywhere, "JSON pointers to the arguments that a human is shown first."),
    key("hidden", Shape::Truth, Place::Everywhere, "Whether it is never offered to a model."),
    key("since", Shape::Text, Place::Everywhere, "The first version of its host that has it."),
    key("until", Shape::Text, Place::Everywhere, "The first version of its host that no longer has it."),
    key("last", Shape::Text, Place::Everywhere, "The last version of its host that has it."),
    key("family", Shape::Text, Place::Everywhere, "What it has in common with its other versions."),
];

/// The keys of `[[import]]`.
pub(super) const IMPORT: &[Key] = &[
    key(
        "from",
        Shape::Places,
        Place::Everywhere,
        "The file: relative to this one, absolute, or `~/...`; a folder, or a list of files that are one, the lowest first.",
    ),
    key(
        "system",
        Shape::OneOf(super::imports::SYSTEMS),
        Place::Everywhere,
        "Whose file it is; where this is not given, its name and content tell.",
    ),
    key(
        "agent",
        Shape::Text,
        Place::Everywhere,
        "The agent of that system whose rules count, where there are several; for flowfuse the team.",
    ),
    key(
        "platform",
        Shape::OneOf(super::imports::PLATFORMS),
        Place::Everywhere,
        "Where the file holds, for openclaw and opencode, which read theirs differently there; without it on this machine.",
    ),
];

/// The keys of `[programs."mytool sub"]`.
pub(super) const PROGRAM: &[Key] = &[
    key("flags", Shape::Options, Place::Everywhere, "Harmless options without a value."),
    key("values", Shape::Options, Place::Everywhere, "Harmless options with a value."),
    key(
        "attached",
        Shape::Options,
        Place::Everywhere,
        "Harmless options whose value, if any, is attached: `--color=x`.",
    ),
    key("read", Shape::Options, Place::Everywhere, "Options with a file that is read."),
    key("search", Shape::Options, Place::Everywhere, "Options with a directory that is searched."),
    key("write", Shape::Options, Place::Everywhere, "Options with a file that is written: they ask."),
    key("power", Shape::Options, Place::Everywhere, "Options with a value that do anything else: they ask."),
    key("exec", Shape::Options, Place::Everywhere, "Options with a command line, which runs: they ask."),
    key("dir", Shape::Options, Place::Everywhere, "Options with a directory in which the program then works."),
    key(
        "operands",
        Shape::SomeOf(OPERANDS),
        Place::Everywhere,
        "What the operands are, in order; the last one goes on for all others.",
    ),
    key("subcommands", Shape::Truth, Place::Everywhere, "Whether the first operand names a subcommand."),
];

/// The keys of `[ceiling]`.
pub(super) const CEILING: &[Key] = &[
    key("ask", Shape::Rules(Effect::Ask), Place::Everywhere, "What a human is asked about, whatever anybody allows."),
    key(
        "deny",
        Shape::Rules(Effect::Deny),
        Place::Everywhere,
        "What does not run, whatever anybody allows or answers.",
    ),
    key(
        "grants",
        Shape::Grants,
        Place::Everywhere,
        "What may be remembered of answers. Where this is absent, no remembered answer lifts this ceiling's asks.",
    ),
    key(
        "roles",
        Shape::Roles,
        Place::Everywhere,
        "The gravest class that each role may use; an unknown role counts as the lowest.",
    ),
    key("profiles", Shape::NotYet, Place::Everywhere, "Requirements on permission profiles."),
    key("people", Shape::NotYet, Place::Everywhere, "Who may answer."),
];

/// The keys of `[agents.NAME]`.
pub(super) const AGENT: &[Key] = &[
    key(
        "allow",
        Shape::Rules(Effect::Allow),
        Place::Everywhere,
        "What this kind of sub-agent may do of what the main agent may; the rest then asks, unless `default` says otherwise.",
    ),
    key("ask", Shape::Rules(Effect::Ask), Place::Everywhere, "What a human is asked about."),
    key("deny", Shape::Rules(Effect::Deny), Place::Everywhere, "What it does not run."),
    key(
        "default",
        Shape::OneOf(EFFECTS),
        Place::Everywhere,
        "What happens to what no rule of this table speaks of; without it `ask` where the table has allows, else what the \
         main agent may do.",
    ),
    key("examples", Shape::Examples, Place::Everywhere, "Calls of this kind of sub-agent and what they must come to."),
];

/// The keys of `grants` in a ceiling.
pub(super) const GRANTS: &[Key] = &[
    key("max", Shape::Duration, Place::Everywhere, "The longest lifetime: `90s`, `30m`, `8h`, `7d`."),
    key(
        "scopes",
        Shape::SomeOf(GRANT_SCOPES),
        Place::Everywhere,
        "How far an answer may be remembered; empty: not at all.",
    ),
];

impl Place {
    /// Whether a key of this place may stand in a file of that kind, in a rule of that effect.
    pub(super) fn admits(self, kind: SourceKind, effect: Option<Effect>) -> bool {
        match self {
            Place::Everywhere => true,
            Place::Above => !matches!(kind, SourceKind::Project | SourceKind::Local),
            Place::Administrator => matches!(kind, SourceKind::Builtin | SourceKind::Managed | SourceKind::Team),
            Place::Builtin => kind == SourceKind::Builtin,
            Place::Effect(wanted) => effect == Some(wanted),
        }
    }

    /// Where it belongs, for the error about it elsewhere.
    pub(super) fn belongs(self) -> &'static str {
        match self {
            Place::Everywhere => "it belongs in every file",
            Place::Above => {
                "it belongs in your own file `~/.config/countersign/countersign.toml`, or the administrator's \
                 `/etc/countersign/countersign.toml`"
            }
            Place::Administrator => "it belongs in the administrator's file `/etc/countersign/countersign.toml`",
            Place::Builtin => "it belongs in the rules that come with the program, and nowhere else",
            Place::Effect(Effect::Allow) => "it belongs in an allow",
            Place::Effect(Effect::Ask) => "it belongs in an ask",
            Place::Effect(Effect::Deny) => "it belongs in a deny",
        }
    }
}

/// The key of that name.
pub(super) fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}

/// The known word that was probably meant: at most two letters off, or one is the beginning of the other.
pub(super) fn nearest<'a>(known: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    known
        .into_iter()
        .filter_map(|word| {
            let beginning = name.len() >= 3 && (word.starts_with(&name) || name.starts_with(word));
            let distance = distance(word, &name);
            (beginning || (distance <= 2 && distance < word.len())).then_some((distance, word))
        })
        .min()
        .map(|(_, word)| word)
}

/// Letters to add, drop or change to make one of the other; at least three where the lengths are that far apart.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn letters_apart() {
        assert_eq!(distance("allow", "alow"), 1);
        assert_eq!(distance("deny", "dney"), 2);
        assert_eq!(distance("max-open", "max_open"), 1);
    }

    #[test]
    fn what_was_meant() {
        assert_eq!(nearest(["allow", "ask", "deny"], "allows"), Some("allow"));
        assert_eq!(nearest(["examples", "expires"], "exam"), Some("examples"));
        assert_eq!(nearest(["ask"], "xyz"), None);
    }
}
