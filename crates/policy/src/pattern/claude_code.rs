//! Claude Code's patterns over commands and hosts.

use super::glob::{Case, Glob, folded};
use super::wildcard::{Dialect, Wildcard};
use crate::call::Call;
use crate::target::{Word, WordKind};

/// A pattern over the text of one command: `npm run build`, `git diff *`, `git diff:*`, `* --version`.
///
/// A command is given as one word: its text. What only exact patterns allow has a first word of power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePattern {
    exact: Stars,
    folded: Stars,
    /// Whether it has a `*` that stands for anything.
    open: bool,
    /// Whether it speaks of several commands at once.
    compound: bool,
}

impl LinePattern {
    /// Compiles it; every text is one.
    pub fn compile(text: &str) -> LinePattern {
        let text = text.trim();
        let text = match text.strip_suffix(":*") {
            Some(prefix) => format!("{prefix} *"),
            None => text.to_owned(),
        };
        LinePattern {
            exact: Stars::compile(&text),
            folded: Stars::compile(&folded(&text)),
            open: text.contains('*'),
            compound: text.contains(['&', '|', ';', '\n']),
        }
    }

    /// What every text begins with that it matches, up to a blank or the text's end: pieces of it between blanks, folded.
    pub(super) fn pieces(&self) -> Option<std::str::Split<'_, char>> {
        let Stars { first, others, shorter } = &self.folded;
        let whole = match shorter {
            Some(shorter) if shorter.others.is_empty() => Some(&*shorter.first),
            Some(_) => None,
            None => Some(&**first).filter(|_| others.is_empty()),
        };
        let known = whole.or_else(|| first.rsplit_once(' ').map(|(known, _)| known));
        known.filter(|_| !self.compound).map(|known| known.split(' '))
    }

    pub(super) fn matches(&self, words: &[Word], call: &Call, case: Case) -> bool {
        let [word] = words else { return false };
        match case {
            Case::Exact => !(self.open && word.kind == WordKind::Power) && self.exact.matches(&word.text),
            // A line of several commands is no command of its own: only one who denies it whole speaks of it.
            Case::Fold => self.folded.matches(&folded(&word.text)) || self.compound && self.is_whole(call),
        }
    }

    fn is_whole(&self, call: &Call) -> bool {
        let line = call.args.get("command").and_then(|command| command.as_str());
        line.is_some_and(|line| self.folded.matches(&folded(line.trim())))
    }
}

/// Literals with any run between them. A line is searched for each literal once, from left to right: time is the sum of
/// both lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stars {
    first: String,
    others: Vec<String>,
    /// The same without a ` *` at its end.
    shorter: Option<Box<Stars>>,
}

impl Stars {
    /// `*` is any run, `\` before `*` or `\` takes it as it is, a ` *` at the end may be missing.
    fn compile(text: &str) -> Stars {
        let mut literals = vec![String::new()];
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = chars.next_if(|next| c == '\\' && matches!(next, '*' | '\\'));
            match (c, escaped, literals.last_mut()) {
                ('*', None, _) => literals.push(String::new()),
                (c, escaped, Some(last)) => last.push(escaped.unwrap_or(c)),
                (_, _, None) => {}
            }
        }
        let shorter = match literals.as_slice() {
            [before @ .., last, end] if end.is_empty() => last
                .strip_suffix(' ')
                .map(|last| Box::new(Stars::of(before.iter().cloned().chain([last.to_owned()]).collect(), None))),
            _ => None,
        };
        Stars::of(literals, shorter)
    }

    fn of(literals: Vec<String>, shorter: Option<Box<Stars>>) -> Stars {
        let mut literals = literals.into_iter();
        Stars { first: literals.next().unwrap_or_default(), others: literals.collect(), shorter }
    }

    fn matches(&self, line: &str) -> bool {
        self.matches_whole(line).is_some() || self.shorter.as_ref().is_some_and(|shorter| shorter.matches(line))
    }

    fn matches_whole(&self, line: &str) -> Option<()> {
        let mut rest = line.strip_prefix(&*self.first)?;
        let Some((end, between)) = self.others.split_last() else { return rest.is_empty().then_some(()) };
        for literal in between {
            let at = rest.find(&**literal)?;
            rest = rest.get(at + literal.len()..)?;
        }
        rest.ends_with(&**end).then_some(())
    }
}

/// A pattern over hosts: `docs.rs`, `*.rust-lang.org`, `example.*`.
///
/// A `*` is a run within one label; a leading `*.` any sub-domain, at any depth; `*` alone every host. Case and a dot
/// at the very end count for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainPattern {
    /// Whether more labels stand before the others.
    below: bool,
    labels: Vec<Wildcard>,
}

impl DomainPattern {
    /// Compiles it; every text is one.
    pub fn compile(text: &str) -> DomainPattern {
        let text = text.trim().to_lowercase();
        let text = text.strip_suffix('.').unwrap_or(&text);
        if text == "*" {
            return DomainPattern { below: true, labels: Vec::new() };
        }
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        DomainPattern {
            below,
            labels: rest.split('.').map(|label| Wildcard::compile(Dialect::ClaudeCode, label)).collect(),
        }
    }

    pub(super) fn matches(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(&host).split('.').collect();
        let Some(more) = labels.len().checked_sub(self.labels.len()) else { return false };
        let fits = if self.below { more > 0 } else { more == 0 };
        fits && self.labels.iter().zip(labels.iter().skip(more)).all(|(pattern, label)| pattern.matches(label))
    }

    /// Whether it matches every host that a glob of ours matches, in which `*` is a run of any labels.
    pub(super) fn includes(&self, glob: &Glob) -> bool {
        let text: String = glob.characters().into_iter().map(|c| c.unwrap_or('*')).collect();
        if glob.is_literal() {
            return self.matches(&text);
        }
        // Behind its last `*` the glob spells its labels out, and before it there is any number of them.
        let behind = text.rsplit('*').next().and_then(|rest| rest.split_once('.')).map_or("", |(_, rest)| rest);
        let labels: Vec<&str> = behind.split('.').filter(|_| !behind.is_empty()).collect();
        let Some(more) = labels.len().checked_sub(self.labels.len()) else { return false };
        let last = labels.into_iter().skip(more);
        self.below && self.labels.iter().zip(last).all(|(pattern, label)| pattern.matches(&label.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, DomainPattern, LinePattern};
    use crate::target::{Word, WordKind};

    fn matches(pattern: &str, line: &str, case: Case) -> bool {
        let call = crate::pattern::tests::call("Bash", &serde_json::json!({ "command": line }));
        LinePattern::compile(pattern).matches(&[Word::data(line)], &call, case)
    }

    #[test]
    fn lines() {
        for (pattern, line) in [
            ("npm run build", "npm run build"),
            ("ls *", "ls -la"),
            ("ls *", "ls"),
            ("ls:*", "ls -la"),
            ("ls:*", "ls"),
            ("ls*", "lsof"),
            ("git * main", "git push origin main"),
            ("* install", "npm install"),
            ("* --help *", "npm --help"),
            (r"echo \*", "echo *"),
            ("*", "a\nb"),
        ] {
            assert!(matches(pattern, line, Case::Exact), "{pattern} {line}");
        }
        for (pattern, line) in [
            ("npm run build", "npm run build --watch"),
            ("ls *", "lsof"),
            ("ls:*", "lsof"),
            ("git:* push", "git remote push"),
            ("* install", "npm install left-pad"),
            (r"echo \*", "echo x"),
            ("LS *", "ls -la"),
        ] {
            assert!(!matches(pattern, line, Case::Exact), "{pattern} {line}");
        }
        assert!(matches("LS *", "ls -la", Case::Fold) && matches("curl * | sh", "curl x | sh", Case::Fold));
    }

    #[test]
    fn time_is_linear() {
        let (pattern, line) = ("*ab".repeat(2000), "a".repeat(1_000_000));
        assert!(!matches(&pattern, &line, Case::Exact));
        assert!(matches(&pattern, &"ab".repeat(500_000), Case::Exact));
    }

    #[test]
    fn no_wildcard_allows_a_command_of_power() {
        let call = crate::pattern::tests::call("Bash", &serde_json::json!({}));
        let words = [Word { text: "watch npm test".to_owned(), kind: WordKind::Power }];
        let allows = |pattern| LinePattern::compile(pattern).matches(&words, &call, Case::Exact);
        assert!(allows("watch npm test") && !allows("watch *") && !allows("watch:*"));
    }

    #[test]
    fn hosts() {
        let matches = |pattern: &str, host: &str| DomainPattern::compile(pattern).matches(host);
        for (pattern, host) in [
            ("example.com", "EXAMPLE.com."),
            ("Example.COM.", "example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*", "x"),
            ("example.*", "example.org"),
            ("api-*.example.com", "api-1.example.com"),
            ("*.example.*", "a.example.org"),
        ] {
            assert!(matches(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("example.com", "api.example.com"),
            ("*.example.com", "example.com"),
            ("example.*", "example.evil.com"),
            ("example.com", "example.com.evil"),
            ("*example.com", "a.example.com"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, host), "{pattern} {host}");
        }
    }
}
