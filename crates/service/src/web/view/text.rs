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

/// Cuts at each mark of the engine's: a written-out character, `\u{202E}` behind an even number of backslashes, and a
/// count, `⟨312 spaces⟩`. What the agent wrote itself never reads so.
fn cut(text: &str, style: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.find(['\\', '⟨']).and_then(|at| rest.split_at_checked(at)) {
        plain.push_str(before);
        let backslashes = from.len() - from.trim_start_matches('\\').len();
        let (doubled, mark) = from.split_at_checked(backslashes.saturating_sub(1)).unwrap_or((from, ""));
        match mark_at(mark).filter(|_| backslashes == 0 || backslashes % 2 == 1) {
            Some((mark, after)) => {
                plain.push_str(doubled);
                push(&mut pieces, &mut plain, style);
                pieces.push(marked(mark));
                rest = after;
            }
            None => {
                let length = if backslashes == 0 { '⟨'.len_utf8() } else { backslashes };
                let (skipped, after) = from.split_at_checked(length).unwrap_or((from, ""));
                plain.push_str(skipped);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    push(&mut pieces, &mut plain, style);
    pieces
}

/// The mark that a text begins with, and what follows it.
fn mark_at(text: &str) -> Option<(&str, &str)> {
    let end = if let Some(code) = text.strip_prefix("\\u{") {
        let (code, _) = code.split_once('}')?;
        let is_code = (1..=6).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_code.then_some("\\u{}".len() + code.len())?
    } else {
        let (count, _) = text.strip_prefix('⟨')?.split_once('⟩')?;
        count.starts_with(|c: char| c.is_ascii_digit()).then_some("⟨⟩".len() + count.len())?
    };
    text.split_at_checked(end)
}

fn push(pieces: &mut Vec<Piece>, plain: &mut String, style: &'static str) {
    if !plain.is_empty() {
        pieces.push(Piece { style, title: String::new(), text: std::mem::take(plain) });
    }
}

fn marked(mark: &str) -> Piece {
    let code = mark.strip_prefix("\\u{").and_then(|code| code.strip_suffix('}'));
    let title = match code {
        Some("9") => return Piece { style: "tab", title: String::new(), text: "\t".to_owned() },
        Some(code) => format!("a character that would not be seen as it is: U+{code:0>4}"),
        None => "counted, so that it does not push what follows out of sight".to_owned(),
    };
    Piece { style: "mark", title, text: mark.to_owned() }
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
        // As the engine writes a backslash before a hidden character, and two before what only reads like one.
        assert_eq!(styles(&Shown::of("\\\\\\u{202E}")), [("", "\\\\"), ("mark", "\\u{202E}")]);
        assert_eq!(styles(&Shown::of("\\\\\\\\u{202E}")), [("", "\\\\\\\\u{202E}")]);
    }

    #[test]
    fn counts_stand_out() {
        assert_eq!(styles(&Shown::of("ls⟨312 spaces⟩; rm")), [("", "ls"), ("mark", "⟨312 spaces⟩"), ("", "; rm")]);
        assert_eq!(styles(&Shown::of("⟨ψ⟩\\⟨")), [("", "⟨ψ⟩\\⟨")]);
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
