//! sed: addresses, and the commands that only edit the stream.

use super::skip;

/// Addresses, and the commands that only edit the stream: no `e`, `r`, `w`, nor the flags `e` and `w` of `s`.
pub(super) fn only_edits(script: &str) -> bool {
    let mut rest = script.as_bytes();
    let mut behind = None;
    loop {
        rest = skip(rest, |byte| byte.is_ascii_whitespace() || byte == b';' || byte == b'}');
        if rest.is_empty() {
            let Some(lines) = behind.take() else { return true };
            rest = lines;
            continue;
        }
        let Some(after) = sed_command(rest, &mut behind) else { return false };
        rest = after;
    }
}

/// What follows a command. Behind a label only the rest of its line does, and `behind` has the lines after it: some
/// programs take that rest for a part of the label, so that no command in it may go on in the next line.
fn sed_command<'s>(script: &'s [u8], behind: &mut Option<&'s [u8]>) -> Option<&'s [u8]> {
    let mut rest = script;
    if let Some(after) = sed_address(rest)? {
        rest = skip(after, |byte| byte == b' ');
        if let [b',', after @ ..] = rest {
            rest = sed_address(skip(after, |byte| byte == b' '))??;
        }
    }
    rest = skip(rest, |byte| byte == b' ' || byte == b'!');
    let (&command, after) = rest.split_first()?;
    match command {
        b'{' => return Some(after),
        b'p' | b'd' | b'D' | b'g' | b'G' | b'h' | b'H' | b'x' | b'n' | b'N' | b'P' | b'=' => rest = after,
        b'q' | b'Q' | b'l' => rest = skip(skip(after, |byte| byte == b' '), |byte| byte.is_ascii_digit()),
        // A text up to the end of its line, unless a backslash there goes on with the next.
        b'a' | b'i' | b'c' => {
            let text = skip(after, |byte| byte == b' ');
            let text = text.strip_prefix(b"\\").unwrap_or(text);
            let text = text.strip_prefix(b"\n").unwrap_or(text);
            let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
            let (text, after) = text.split_at_checked(end)?;
            let written = text.iter().any(|byte| !byte.is_ascii_whitespace());
            return (written && !text.ends_with(b"\\")).then_some(after);
        }
        b's' | b'y' => {
            let (&delimiter, after) = after.split_first()?;
            rest = sed_section(sed_section(after, delimiter)?, delimiter)?;
            if command == b's' {
                rest = skip(rest, |byte| b"gpiIMm0123456789".contains(&byte));
            }
        }
        b':' | b'b' | b't' | b'T' => {
            let name = skip(after, |byte| byte == b' ');
            rest = skip(name, |byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
            // To some a brace is part of the label, and what is written behind it.
            rest = skip(rest, |byte| byte == b'}');
            if !matches!(rest.first(), None | Some(b' ' | b';' | b'\n')) {
                return None;
            }
            if behind.is_none() {
                let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                let (line, lines) = rest.split_at_checked(end)?;
                rest = line;
                *behind = Some(lines);
            }
        }
        _ => return None,
    }
    rest = skip(rest, |byte| byte == b' ');
    matches!(rest.first(), None | Some(b';' | b'\n' | b'}')).then_some(rest)
}

/// What follows an address; `Some(None)` where there is none, `None` where it cannot be read.
#[expect(clippy::option_option, reason = "no address and an unreadable one are two things")]
fn sed_address(script: &[u8]) -> Option<Option<&[u8]>> {
    let (&first, after) = script.split_first()?;
    Some(match first {
        b'0'..=b'9' | b'+' | b'~' => Some(skip(after, |byte| byte.is_ascii_digit() || byte == b'~')),
        b'$' => Some(after),
        b'/' => Some(skip(sed_section(after, b'/')?, |byte| byte == b'I' || byte == b'M')),
        b'\\' => {
            let (&delimiter, after) = after.split_first()?;
            Some(skip(sed_section(after, delimiter)?, |byte| byte == b'I' || byte == b'M'))
        }
        _ => None,
    })
}

/// What follows the next delimiter. Implementations differ on a delimiter between brackets: such a script is refused.
fn sed_section(script: &[u8], delimiter: u8) -> Option<&[u8]> {
    if delimiter.is_ascii_alphanumeric() || b"\\\n[]".contains(&delimiter) || !delimiter.is_ascii() {
        return None;
    }
    let mut rest = script;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'\n' => return None,
            b'\\' => after.split_first()?.1,
            b'[' => sed_brackets(after, delimiter)?,
            _ if byte == delimiter => return Some(after),
            _ => after,
        };
    }
}

/// What follows a bracket expression that every implementation ends at the same place.
fn sed_brackets(script: &[u8], delimiter: u8) -> Option<&[u8]> {
    let mut rest = script.strip_prefix(b"^").unwrap_or(script);
    if rest.first() == Some(&b']') {
        return None;
    }
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b']' => return Some(after),
            b'\\' => {
                let (&next, after) = after.split_first()?;
                if !next.is_ascii_alphanumeric() && !b".-+*/$^|(){}?".contains(&next) || next == delimiter {
                    return None;
                }
                after
            }
            b'[' => {
                let name = skip(after.strip_prefix(b":")?, |byte| byte.is_ascii_lowercase());
                name.strip_prefix(b":]")?
            }
            b'\n' => return None,
            _ if byte == delimiter => return None,
            _ => after,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::only_edits;

    #[test]
    fn sed_scripts_that_only_edit_the_stream() {
        for script in [
            "1,120p",
            "10p",
            "/^fn main/,/^}/p",
            "s/foo/bar/g",
            "s#(a|b)/(c)#\\2-\\1#g",
            "/pattern/d",
            "$d",
            "s/w/W/g; s/r/R/",
            "s/e/E/",
            "/^$/d",
            "5p;7,9p",
            "/a/{p;d}",
            "1!d",
            "1i\\header; w f",
            "3a\\    foo",
            "$a foo",
            "2c\\\nfoo\np",
            "2q",
            ":a",
            "ta",
            "$!ba",
            ":a;N;$!ba;s/\\n/ /g",
            ":a; s/^x/y/; ta",
            "$!N;s/\\n//;ta",
            "s/a/b/;t;s/c/d/",
            "/x/{s/a/b/;T;b};p",
            ":a;$!{N;ba};p",
            ":a\ns/a/b/\nta\np",
            "\\|^/usr|p",
            "\\,x,d",
            "\\,x,I,\\#y#p",
        ] {
            assert!(only_edits(script), "{script}");
        }
        for script in [
            "1e id",
            "s/a/b/e",
            "s/a/b/w f",
            "/x/r /etc/shadow",
            "1p;1e id",
            "w f",
            "e",
            "s/[/]/w f/",
            "a\\",
            "a",
            "a foo\\\nw f",
            "a foo\nw f",
            "i\\\nfoo\nw f",
            "1a\\\n\\",
            "s/a/b/gew",
            "W f",
            "R f",
            "s/a\n/b/",
            "\\xaxe",
            "s/a/b/;w f",
            "1,e",
            "s,a,b,\nw f",
            "s/[^]/];s/g;s/w f/x/",
            "s/[[:alpha:]/];s/g;s/w f/x/",
            "s/[a\\]/];s/g;s/w f/x/",
            ":a;w f",
            "b;e id",
            ":a;N;r f",
            "ta;s/a/b/w f",
            ":a\nw f",
            "b x;p\nw f",
            ":a w f",
            ":a;s/x\\\nw f/y/",
            "b;/x\\\nw f/p",
            ":a;a\\\nw f",
            "b\\;w f",
            ":x}aw f",
            "b }a}w f",
            "/x/{b}s/x/y/",
            "\\|x|w f",
            "\\|x\\|w f",
            "\\,x,e",
            "\\[x[p",
        ] {
            assert!(!only_edits(script), "{script}");
        }
    }
}
