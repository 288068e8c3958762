//! The small glob program below all pattern languages: literal characters and runs of any characters.

/// Whether letters must agree in case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They must: for allows, which mean exactly what they say.
    Exact,
    /// They need not: for asks and denies, which must not be slipped past by another spelling.
    Fold,
}

/// One compiled glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Char(char),
    AnyRun,
}

impl Glob {
    /// Compiles a text in which `*` stands for any run of characters and `\` takes the next character as it is.
    /// A backslash at the very end stands for itself.
    pub fn compile(text: &str) -> Glob {
        let mut pieces = Vec::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' if pieces.last() == Some(&Piece::AnyRun) => {}
                '*' => pieces.push(Piece::AnyRun),
                '\\' => pieces.push(Piece::Char(chars.next().unwrap_or('\\'))),
                other => pieces.push(Piece::Char(other)),
            }
        }
        Glob { pieces }
    }

    /// The glob's text, if it stands for exactly one.
    pub fn literal(&self) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Char(c) => Some(*c),
                Piece::AnyRun => None,
            })
            .collect()
    }

    /// Whether the whole of `text` matches. Time is at most the product of both lengths, memory is constant.
    pub fn matches(&self, text: &str, case: Case) -> bool {
        let mut pieces = self.pieces.as_slice();
        let mut rest = text;
        // Where to go on after the last `*` if what follows does not match: the pieces behind it, the text from there.
        let mut retry: Option<(&[Piece], &str)> = None;
        loop {
            if let Some((Piece::AnyRun, after)) = pieces.split_first() {
                if after.is_empty() {
                    return true;
                }
                retry = Some((after, rest));
                pieces = after;
                continue;
            }
            let mut chars = rest.chars();
            let next = chars.next();
            match (pieces.split_first(), next) {
                (None, None) => return true,
                (Some((Piece::Char(wanted), after)), Some(found)) if same(*wanted, found, case) => {
                    pieces = after;
                    rest = chars.as_str();
                }
                _ => {
                    let Some((after, from)) = retry else { return false };
                    let mut chars = from.chars();
                    if chars.next().is_none() {
                        return false;
                    }
                    retry = Some((after, chars.as_str()));
                    pieces = after;
                    rest = chars.as_str();
                }
            }
        }
    }
}

fn same(a: char, b: char, case: Case) -> bool {
    a == b || (case == Case::Fold && a.to_lowercase().eq(b.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{Case, Glob};

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::compile(pattern).matches(text, Case::Exact)
    }

    #[test]
    fn runs_and_literals() {
        assert!(matches("", ""));
        assert!(!matches("", "a"));
        assert!(matches("*", ""));
        assert!(matches("a*c", "abbc"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*c", "abcd"));
        assert!(matches("*.rs", "x.rs"));
        assert!(!matches("*.rs", "x.rss"));
        assert!(matches("a\\*", "a*"));
        assert!(!matches("a\\*", "ab"));
        assert!(matches("trailing\\", "trailing\\"));
    }

    #[test]
    fn case() {
        assert!(Glob::compile(".ENV*").matches(".env.local", Case::Fold));
        assert!(!Glob::compile(".ENV*").matches(".env.local", Case::Exact));
    }

    #[test]
    fn many_stars_stay_polynomial() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199).replace("aa", "ab")));
    }
}
