//! Text from an agent, cut up for the page: what cannot be seen stands out.

/// A text as the page shows it: pieces that the template escapes and styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The class of its style; empty for ordinary text.
    pub(crate) style: &'static str,
    /// What it stands for, where the style alone does not say it.
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Shown {
    /// A text whose hidden characters the engine has written out as `\u{202E}`.
    pub(crate) fn of(printable: &str) -> Shown {
        Shown { pieces: cut(printable, "") }
    }

    /// The same for a change to a file: added and removed lines have their own styles.
    pub(crate) fn of_diff(printable: &str) -> Shown {
        let style = |line: &str| match line.chars().next() {
            Some('+') => "added",
            Some('-') => "removed",
            _ => "",
        };
        Shown { pieces: printable.split_inclusive('\n').flat_map(|line| cut(line, style(line))).collect() }
    }

    /// The text without styles, for attributes.
    pub(crate) fn plain(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// Text from outside the engine (a feedback, a session's name): written out first.
    pub(crate) fn of_raw(raw: &str) -> Shown {
        Shown::of(&countersign_engine::show::printable(raw))
    }

    /// The same for a text of several lines.
    pub(crate) fn of_lines(raw: &str) -> Shown {
        Shown::of(&countersign_engine::show::printable_lines(raw))
    }

    /// Words of ours in which the engine has put commands and files between backticks: these become code.
    pub(crate) fn of_words(printable: &str) -> Shown {
        let quoted: Vec<&str> = printable.split('`').collect();
        // Commands may have backticks of their own: then they all stay as they are.
        if quoted.len() != 3 {
            return Shown::of(printable);
        }
        let styles = ["", "code", ""];
        Shown { pieces: quoted.into_iter().zip(styles).flat_map(|(text, style)| cut(text, style)).collect() }
    }
}

/// Cuts at each written-out character. `\\u{` is how the engine writes a `\u{` that the agent wrote itself.
fn cut(text: &str, style: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.find("\\u{").and_then(|at| rest.split_at_checked(at)) {
        plain.push_str(before);
        let escape = from.find('}').and_then(|end| from.split_at_checked(end + 1));
        let code = escape.and_then(|(escape, _)| escape.strip_prefix("\\u{")?.strip_suffix('}'));
        let hexadecimal =
            code.is_some_and(|code| (1..=6).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match escape {
            Some((escape, after)) if hexadecimal && !plain.ends_with('\\') => {
                push(&mut pieces, &mut plain, style);
                pieces.push(marked(escape, code.unwrap_or_default()));
                rest = after;
            }
            _ => {
                plain.push_str("\\u{");
                rest = from.strip_prefix("\\u{").unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    push(&mut pieces, &mut plain, style);
    pieces
}

fn push(pieces: &mut Vec<Piece>, plain: &mut String, style: &'static str) {
    if !plain.is_empty() {
        pieces.push(Piece { style, title: String::new(), text: std::mem::take(plain) });
    }
}

fn marked(escape: &str, code: &str) -> Piece {
    if code == "9" {
        return Piece { style: "tab", title: String::new(), text: "\t".to_owned() };
    }
    let title = format!("a character that would not be seen as it is: U+{code:0>4}");
    Piece { style: "mark", title, text: escape.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    fn styles(shown: &Shown) -> Vec<(&str, &str)> {
        shown.pieces.iter().map(|piece| (piece.style, piece.text.as_str())).collect()
    }

    #[test]
    fn what_was_written_out_stands_out() {
        assert_eq!(
            styles(&Shown::of("ls \\u{202E}x\\u{9}y")),
            [("", "ls "), ("mark", "\\u{202E}"), ("", "x"), ("tab", "\t"), ("", "y")]
        );
    }

    #[test]
    fn what_the_agent_wrote_itself_does_not() {
        assert_eq!(styles(&Shown::of("echo \\\\u{202E}")), [("", "echo \\\\u{202E}")]);
        assert_eq!(styles(&Shown::of("\\u{zz} \\u{")), [("", "\\u{zz} \\u{")]);
        assert_eq!(styles(&Shown::of("\\u{\\u{202E}")), [("", "\\u{"), ("mark", "\\u{202E}")]);
    }

    #[test]
    fn text_from_elsewhere_is_written_out_first() {
        assert_eq!(styles(&Shown::of_raw("a\u{202E}b")), [("", "a"), ("mark", "\\u{202E}"), ("", "b")]);
    }

    #[test]
    fn a_diff_has_its_lines_told_apart() {
        assert_eq!(styles(&Shown::of_diff("+a\n-b\n c")), [("added", "+a\n"), ("removed", "-b\n"), ("", " c")]);
    }
}
