//! Small languages that programs take as an operand: whether a script in one does nothing but transform its input.
//!
//! Each answer is `false` unless the whole script was understood.

use crate::program::Operand;

/// Whether what stands in the place of such an operand is harmless.
pub(crate) fn is_harmless(operand: Operand, text: &str) -> bool {
    match operand {
        Operand::Code => false,
        Operand::Sed => sed(text),
        Operand::Awk => awk(text),
        Operand::Jq => jq(text),
        // A transport of its own (`ext::sh -c id`), a forced or a deleting refspec.
        Operand::Remote => !text.contains("::") && !text.starts_with(['+', ':']),
        Operand::Tar => text.bytes().all(|byte| b"tvzjJaf".contains(&byte)),
        Operand::Target => !text.contains('='),
        _ => true,
    }
}

/// Addresses, and the commands that only edit the stream: no `e`, `r`, `w`, nor the flags `e` and `w` of `s`.
fn sed(script: &str) -> bool {
    let mut rest = script.as_bytes();
    loop {
        rest = skip(rest, |byte| byte.is_ascii_whitespace() || byte == b';' || byte == b'}');
        if rest.is_empty() {
            return true;
        }
        let Some(after) = sed_command(rest) else { return false };
        rest = after;
    }
}

fn sed_command(script: &[u8]) -> Option<&[u8]> {
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
        b's' | b'y' => {
            let (&delimiter, after) = after.split_first()?;
            rest = sed_section(sed_section(after, delimiter)?, delimiter)?;
            if command == b's' {
                rest = skip(rest, |byte| b"gpiIMm0123456789".contains(&byte));
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
        b'\\' => return None,
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

/// No commands, no files but the operands, no environment. `>` only compares, outside of all braces.
fn awk(script: &str) -> bool {
    // Without a slash there is no regular expression, so that quotes are strings for certain.
    let bare = if script.contains('/') { Some(script.to_owned()) } else { without_strings(script) };
    let Some(bare) = bare else { return false };
    let words = ["system", "getline", "ENVIRON", "PROCINFO", "ARGV", "ARGC", "fflush", "close", "SYMTAB", "FUNCTAB"];
    if bare.contains('@') || bare.replace("||", "").contains('|') || words.iter().any(|word| bare.contains(word)) {
        return false;
    }
    let mut depth = 0_i32;
    for byte in bare.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'>' if depth != 0 => return false,
            _ => {}
        }
    }
    // With a slash a brace may be part of a regular expression, so that nothing is outside for certain.
    !(script.contains('/') && bare.contains('>'))
}

fn without_strings(script: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        if c == '#' || c == '\\' {
            return None;
        }
        out.push(c);
        if c == '"' {
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => drop(chars.next()?),
                    _ => {}
                }
            }
        }
    }
    Some(out)
}

/// No environment, no modules.
fn jq(filter: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut before = ' ';
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !name(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, after) = rest.split_at(end);
        let field = before == '.' && word == "env";
        if !field && ["env", "ENV", "import", "include", "modulemeta", "get_search_list"].contains(&word) {
            return false;
        }
        before = word.chars().last().unwrap_or(' ');
        rest = after;
    }
    true
}

fn skip(bytes: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&byte| !what(byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{awk, jq, sed};

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
            "2q",
        ] {
            assert!(sed(script), "{script}");
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
        ] {
            assert!(!sed(script), "{script}");
        }
    }

    #[test]
    fn awk_programs_that_only_print() {
        for script in ["{print $1}", "$3 > 1000 {print $1}", "{print \"system is ok\"}", "/a/ {print}", "a || b"] {
            assert!(awk(script), "{script}");
        }
        for script in [
            "BEGIN{system(\"id\")}",
            "BEGIN{\"id\" | getline x}",
            "{print > \"f\"}",
            "/\"/ {system(\"id\")} /\"/",
            "{print |& s}",
            "@load \"x\"",
            "/}/ > 1 {print > \"f\"}",
            "/{/{print > \"f\"}",
        ] {
            assert!(!awk(script), "{script}");
        }
    }

    #[test]
    fn jq_filters_without_the_environment() {
        assert!(jq(".env.production") && jq(".x[] | .y") && jq(".environment"));
        assert!(!jq("env") && !jq("$ENV.KEY") && !jq("\"\\(env)\"") && !jq("import \"a\" as a; .") && !jq(". | env"));
    }
}
