//! Text as a human can trust it: what cannot be seen is written out.

/// The text in one line, with invisible, direction-changing and control characters as `\u{202E}`.
pub fn printable(text: &str) -> String {
    escape(text, false)
}

/// The same for a text of several lines, which keep their line breaks.
pub fn printable_lines(text: &str) -> String {
    escape(text, true)
}

fn escape(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '\n' && lines {
            out.push(c);
        } else if hidden(c) {
            out.push_str(&format!("\\u{{{:X}}}", u32::from(c)));
        } else if c == '\\' && escapes(text.get(at + 1..).unwrap_or_default(), lines) {
            // What was written as an escape must not read like one of ours.
            out.push_str("\\\\");
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a backslash before this text could be taken for a part of one of our escapes.
fn escapes(rest: &str, lines: bool) -> bool {
    rest.starts_with("u{") || rest.chars().next().is_some_and(|c| hidden(c) && !(lines && c == '\n'))
}

/// Whether a reader would not see the character, or see something else: Unicode's Cc, Cf, Zl and Zp, the spaces that
/// are not U+0020, the fillers that draw nothing, variation selectors and tags.
pub(crate) fn hidden(c: char) -> bool {
    if c.is_control() || (c.is_whitespace() && c != ' ') {
        return true;
    }
    matches!(
        u32::from(c),
        0xAD | 0x34F
            | 0x600..=0x605
            | 0x61C
            | 0x6DD
            | 0x70F
            | 0x890..=0x891
            | 0x8E2
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x206F
            | 0x2800
            | 0x3164
            | 0xFE00..=0xFE0F
            | 0xFEFF
            | 0xFFA0
            | 0xFFF0..=0xFFFB
            | 0x110BD
            | 0x110CD
            | 0x13430..=0x1343F
            | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A
            | 0xE0000..=0xE0FFF
    )
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_lines};

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(printable("ls\u{202E}x\u{200B}"), "ls\\u{202E}x\\u{200B}");
        assert_eq!(printable("a\rb\nc\u{a0}"), "a\\u{D}b\\u{A}c\\u{A0}");
        assert_eq!(printable_lines("a\nb\tc"), "a\nb\\u{9}c");
    }

    #[test]
    fn an_escape_in_the_text_does_not_read_like_ours() {
        assert_eq!(printable("\\u{202E}"), "\\\\u{202E}");
        assert_eq!(printable("\\n"), "\\n");
        assert_eq!(printable("\\\u{202E}"), "\\\\\\u{202E}");
    }
}
