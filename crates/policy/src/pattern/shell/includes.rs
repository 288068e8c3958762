//! Which patterns over commands match everything that another one matches.

use super::{Case, Glob, ShellPattern, Token, skip_empty};

impl ShellPattern {
    /// Whether it matches every command that `other` does.
    ///
    /// Each token of the other stands for all words that it takes. In an allow a `*` takes ordinary data alone, and a
    /// word that is spelled out may be an option or a subcommand of power: `git *` does not include `git push`.
    pub(in crate::pattern) fn includes(&self, other: &ShellPattern, case: Case, theirs: Case) -> bool {
        if case == Case::Exact && theirs == Case::Fold {
            // What asks and denies hold for more words than they name.
            return matches!(*self.tokens, [Token::Anything]);
        }
        // reachable[i]: whatever words the other's tokens so far have taken, ours take them with the first i.
        let mut reachable = vec![false; self.tokens.len() + 1];
        if let Some(none) = reachable.first_mut() {
            *none = true;
        }
        skip_empty(&self.tokens, &mut reachable);
        for (position, token) in other.tokens.iter().enumerate() {
            let mut next = vec![false; self.tokens.len() + 1];
            for (i, ours) in self.tokens.iter().enumerate() {
                if !reachable.get(i).copied().unwrap_or(false) {
                    continue;
                }
                let (stays, goes) = ours.takes_all_of(token, i == 0 && position == 0, case);
                if let Some(here) = next.get_mut(i) {
                    *here |= stays;
                }
                if let Some(there) = next.get_mut(i + 1) {
                    *there |= goes;
                }
            }
            // Further words change nothing of an ask or a deny.
            if let (Case::Fold, Some(done), Some(true)) = (case, next.last_mut(), reachable.last()) {
                *done = true;
            }
            skip_empty(&self.tokens, &mut next);
            reachable = next;
        }
        reachable.last().copied().unwrap_or(false)
    }

    /// The words behind the program that may spell out a file or a host, and so allow it: see [`ShellPattern::names`].
    pub(in crate::pattern) fn spelled_out(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().skip(1).filter_map(|token| match token {
            Token::Word { glob, literal, .. } => {
                let text = glob.as_str();
                let names = if *literal { !is_bare_option(text) } else { text.contains('/') };
                names.then_some(text)
            }
            Token::AnyData | Token::Anything => None,
        })
    }

    /// Whether it has a `**`, alone or in a word.
    pub(in crate::pattern) fn grants_power(&self) -> bool {
        self.tokens.iter().any(|token| match token {
            Token::Anything => true,
            Token::AnyData => false,
            Token::Word { any_kind, .. } => *any_kind,
        })
    }
}

/// An option without a value: it names nothing.
fn is_bare_option(text: &str) -> bool {
    text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Token {
    /// Whether this token takes all words of the other and could take more, and whether it takes them and is done.
    fn takes_all_of(&self, other: &Token, first: bool, case: Case) -> (bool, bool) {
        match (self, other) {
            (Token::Anything, _) | (Token::AnyData, Token::AnyData) => (true, false),
            (Token::AnyData, Token::Anything) => (case == Case::Fold, false),
            (Token::AnyData, Token::Word { literal, any_kind, .. }) => {
                (case == Case::Fold || !literal && !any_kind, false)
            }
            (Token::Word { .. }, Token::AnyData | Token::Anything) => (false, false),
            (
                Token::Word { glob, literal, any_kind },
                Token::Word { glob: its, literal: its_literal, any_kind: its_any_kind },
            ) => {
                let takes_power = *literal || *any_kind || case == Case::Fold;
                let kind = takes_power || !its_literal && !its_any_kind;
                let named = first && case == Case::Fold && matches_name(glob, its);
                (false, kind && (glob.includes(its, case, case) || named))
            }
        }
    }
}

/// Whether a program that is written out matches by its name without folder.
fn matches_name(glob: &Glob, program: &Glob) -> bool {
    program
        .literal()
        .is_some_and(|program| program.rsplit('/').next().is_some_and(|name| glob.matches(name, Case::Fold)))
}
