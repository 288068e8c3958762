//! Small languages that programs take as an operand: whether a script in one does nothing but transform its input.
//!
//! Each answer is `false` unless the whole script was understood.

mod awk;
mod jq;
mod sed;

use crate::gaps::is_hidden;
use crate::program::Operand;

/// Whether what stands in the place of such an operand is harmless.
pub(crate) fn is_harmless(operand: Operand, text: &str) -> bool {
    match operand {
        Operand::Code | Operand::Opened => false,
        Operand::Text => is_shown(text),
        Operand::Mode => is_plain_mode(text),
        Operand::Format => text.starts_with('+'),
        Operand::Output => false,
        Operand::Binary => !text.starts_with('@'),
        Operand::Process => !text.starts_with('-') && !["0", "1"].contains(&text),
        Operand::Name => !text.contains('\\'),
        Operand::Numbers => text.bytes().all(|byte| byte.is_ascii_digit() || byte == b','),
        Operand::Endpoint => !text.contains("://"),
        Operand::Sed => sed::only_edits(text),
        Operand::Awk => awk::only_prints(text),
        Operand::Jq => jq::only_looks(text),
        // A transport of its own (`ext::sh -c id`), a forced or a deleting refspec.
        Operand::Remote => !text.contains("::") && !text.starts_with(['+', ':']),
        Operand::RemoteName => !text.contains(':') && !text.starts_with('+'),
        Operand::Refspec => !text.starts_with(['+', ':']) && !text.contains('*'),
        // `(FILE)NODE` of info.
        Operand::Page => !(text.starts_with('(') && text.contains(['/', '~'])),
        Operand::ProcessName => is_some_process(text),
        Operand::Repo => is_repository(text),
        Operand::Target => is_goal(text),
        Operand::Local | Operand::Product => {
            !text.contains([':', '@', '|', '\\'])
                && !text.starts_with(['-', '&'])
                && !["true", "false", "null"].contains(&text)
        }
        Operand::Test => !text.starts_with('@'),
        Operand::Url | Operand::Download => is_plain_url(text),
        Operand::Place | Operand::Destination => is_local(text),
        Operand::Host => is_host(text.strip_prefix('@').unwrap_or(text)),
        Operand::Package => is_package(text),
        Operand::Kind => !text.split([',', '/']).any(|kind| kind.to_ascii_lowercase().starts_with("secret")),
        _ => true,
    }
}

/// Whether a format or a key of git's checks a signature.
pub(crate) fn shows_signature(text: &str) -> bool {
    let after = |rest: &str| rest.strip_prefix(['+', '-', ' ']).unwrap_or(rest).starts_with('G');
    text.contains("signature") || text.split('%').skip(1).any(after)
}

/// Whether this is `OWNER/NAME`, or an address at the services' own hosts, or no repository at all.
fn is_repository(text: &str) -> bool {
    if let Some((_, rest)) = text.split_once("://") {
        return ["https://github.com/", "https://gitlab.com/"].iter().any(|start| text.starts_with(start))
            && !rest.contains('@');
    }
    let parts: Vec<&str> = text.split('/').collect();
    let elsewhere = parts.len() > 2 && parts.first().is_some_and(|host| host.contains(['.', ':']));
    !elsewhere && !text.starts_with("git@")
}

/// Where this program may be, and what it is called: a pattern that is found in it ends the guard itself.
const GUARD: &str = "/usr/local/bin/.cargo/bin/countersign";

/// Whether a pattern of names of processes is known not to match all of them or this program.
fn is_some_process(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_/.:@= ".contains(c);
    text.to_ascii_lowercase().split('|').all(|one| {
        let one = one.strip_prefix('^').unwrap_or(one);
        let one = one.strip_suffix('$').unwrap_or(one);
        // `[v]ite` is how one does not find oneself.
        let one = match one.strip_prefix('[').map(|rest| rest.split_at_checked(1)) {
            Some(Some((letter, rest))) if rest.starts_with(']') => format!("{letter}{}", rest.replacen(']', "", 1)),
            _ => one.to_owned(),
        };
        let one = one.replace("\\.", ".");
        let told = |part: &str| {
            part.chars().filter(|c| c.is_alphanumeric()).count() > 1 && !part.contains("countersign") && {
                let part: Vec<char> = part.chars().collect();
                let guard: Vec<char> = GUARD.chars().collect();
                !guard.windows(part.len()).any(|at| at.iter().zip(&part).all(|(a, b)| a == b || *b == '.'))
            }
        };
        one.replace(".*", "").chars().all(plain) && !one.contains("countersign") && one.split(".*").any(told)
    })
}

/// Whether a file is named by a host and a path on it.
pub(crate) fn is_elsewhere(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, _)| !host.contains('/'))
}

/// Whether a mode leaves out what lends a file's owner's rights to whoever runs it.
fn is_plain_mode(text: &str) -> bool {
    if text.contains(',') {
        return text.split(',').all(is_plain_mode);
    }
    // Of folders or files only, for rsync.
    let digits = text.trim_start_matches(['D', 'F', '+', '-', '=']);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.trim_start_matches('0').len() <= 3;
    }
    !text.contains('s')
}

/// Whether a text, printed with its escapes, is seen as it is: nothing in it drives the terminal or hides the rest.
fn is_shown(text: &str) -> bool {
    let Some(bytes) = printed(text.as_bytes()) else { return false };
    let plain = |c: char| matches!(c, '\0' | '\x07' | '\x0b' | '\x0c' | '\r') || !is_hidden(c);
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.chars().all(plain),
        // Terminals of eight bits take some of these bytes for the start of a command.
        Err(_) => bytes.iter().all(|&byte| plain(char::from(byte))),
    }
}

/// What `printf` and `echo -e` print for a text; nothing where an escape names no character.
fn printed(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&letter, after))) = (byte, after.split_first()) else {
            out.push(byte);
            continue;
        };
        rest = after;
        let (radix, most) = match letter {
            b'x' => (16, 2),
            b'u' => (16, 4),
            b'U' => (16, 8),
            // `echo` wants a zero before three digits, `printf` does not.
            b'0' => (8, 3),
            b'1'..=b'7' => {
                rest = text.get(text.len() - after.len() - 1..).unwrap_or_default();
                (8, 3)
            }
            b'e' | b'E' => {
                out.push(27);
                continue;
            }
            b'b' => {
                out.push(8);
                continue;
            }
            b'a' | b'c' | b'f' | b'n' | b'r' | b't' | b'v' => {
                out.push(b' ');
                continue;
            }
            _ => {
                out.extend([b'\\', letter]);
                continue;
            }
        };
        let digits = rest.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let (number, after) = rest.split_at_checked(digits)?;
        rest = after;
        let number = std::str::from_utf8(number).ok()?;
        match letter {
            _ if number.is_empty() && letter != b'0' => out.extend([b'\\', letter]),
            b'u' | b'U' => {
                let c = char::from_u32(u32::from_str_radix(number, radix).ok()?)?;
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
            _ => {
                // `printf` counts the zero as one of its three digits.
                if letter == b'0' && number.len() == 3 {
                    let fewer = number.get(..2).and_then(|number| u32::from_str_radix(number, radix).ok());
                    out.extend(fewer.unwrap_or_default().to_le_bytes().first());
                }
                // Three octal digits may be more than a byte holds, of which the lower bits count.
                let value = u32::from_str_radix(number, radix).unwrap_or_default();
                out.extend(value.to_le_bytes().first());
            }
        }
    }
    Some(out)
}

/// Whether a text names only what is to be made: it sets nothing, and is plain when a recipe takes it up. Behind `--`
/// some pass options on to another builder: of those, the ones about how many jobs run and what is shown.
fn is_goal(text: &str) -> bool {
    let option = text.strip_prefix('-');
    let known = option.is_none_or(|rest| rest.trim_start_matches(['j', 'k', 'v']).bytes().all(|b| b.is_ascii_digit()));
    known && !text.contains(['=', '$', '`', ';', '|', '&', '<', '>', '(', ')', '"', '\'', '\\', '\n'])
}

/// Whether a text names a package of a registry, perhaps with a version: no URL, no path, no file, no other registry.
fn is_package(text: &str) -> bool {
    // The project itself.
    let text =
        if text == "." { "x".to_owned() } else { text.replacen(".[", "x[", usize::from(text.starts_with(".["))) };
    let text = text.as_str();
    let name = text.strip_prefix('@').unwrap_or(text);
    let slashes = name.matches('/').count();
    let scoped = usize::from(text.starts_with('@'));
    let bytes = |c: char| c.is_ascii_alphanumeric() || "@/._-+[],=<>!~^* ".contains(c);
    !name.is_empty()
        && slashes == scoped
        && !name.starts_with(['.', '/', '~', '-'])
        && name.chars().all(bytes)
        && ![".whl", ".tgz", ".tar", ".zip", ".gz", ".gem", ".crate"].iter().any(|end| name.ends_with(end))
}

/// Whether a text names a file: one whose content would be sent in its place, or one that `curl -w` would write.
pub(crate) fn names_file(text: &str) -> bool {
    text.starts_with('@')
        || text.contains("%output{")
        || ["file:", "fileb:"].iter().any(|start| text.to_ascii_lowercase().starts_with(start))
}

/// Whether every program reads the same host in a web address, and its path leads where it seems to.
fn is_plain_url(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let end = before.find(['/', '#']).unwrap_or(before.len());
    let (host, tail) = before.split_at_checked(end).unwrap_or_default();
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let up = |name: &str| name.to_ascii_lowercase().replace("%2e", ".") == "..";
    ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
        && is_host(host)
        // Some take what follows an `@` for the host, wherever it stands.
        && !before.contains('@')
        && (tail.starts_with('/') || !query.contains('@'))
        && !text.contains(odd)
        && !tail.split('/').any(up)
}

/// Whether a text is a name or an address, perhaps with a port, in letters that are what they look like.
fn is_host(text: &str) -> bool {
    let address =
        |text: &str| text.contains(':') && text.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    if address(text) && text.matches(':').count() > 1 {
        return true;
    }
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, port)) if address(inside) => ("", port.strip_prefix(':').unwrap_or(port)),
        Some(_) => return false,
        None if text.is_empty() || text.starts_with(['-', ':']) => return false,
        None => text.split_once(':').unwrap_or((text, "")),
    };
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && port.bytes().all(|byte| byte.is_ascii_digit())
        // `file:`, `file:/etc/passwd`
        && !text.ends_with(':')
}

/// Whether a place is on this machine: no `HOST:PATH`, no URL, not the input, and not what docker
/// takes for a repository.
fn is_local(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    text != "-" && !first.contains(':') && !text.starts_with("github.com/")
}

fn skip(bytes: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&byte| !what(byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{is_plain_mode, is_plain_url, is_shown};

    #[test]
    fn texts_that_leave_the_terminal_alone() {
        for text in [
            "%s\\n",
            "a\\tb",
            "100%\\r\\n",
            "\\x41\\102",
            "a\\0b\\0",
            "\\u00e9",
            "caf\u{e9}",
            "\\\\033[0m",
            "C:\\xyz",
            "\\",
        ] {
            assert!(is_shown(text), "{text}");
        }
        for text in [
            "\\e[2K",
            "\\033]52;c;eA==\\a",
            "\\33[0m",
            "\\0033[0m",
            "\\x1b[0m",
            "\\x1B",
            "\\u001b",
            "\\U0000001b",
            "\u{1b}[0m",
            "\\b\\b",
            "\\u202e",
            "\\xe2\\x80\\xae",
            "\\342\\200\\256",
            "\\x9b2K",
            "\\177",
            "\\433[0m",
            "\\0333",
            "\\U00110000",
            "a\u{202e}b",
        ] {
            assert!(!is_shown(text), "{text}");
        }
    }

    #[test]
    fn modes_that_lend_no_rights() {
        for mode in ["+x", "u+rwX,go-w", "755", "0644", "a=r", "-x"] {
            assert!(is_plain_mode(mode), "{mode}");
        }
        for mode in ["u+s", "4755", "02755", "g=rxs", "+4000", "u+x,g+s"] {
            assert!(!is_plain_mode(mode), "{mode}");
        }
    }

    #[test]
    fn addresses_that_every_program_reads_alike() {
        for text in [
            "https://github.com/a/b?x=@y#z",
            "http://localhost:3000/health",
            "example.com",
            "localhost:8080/x",
            "HTTPS://example.com",
            "http://[::1]:80/",
            "https://example.com/{a,b}/[1-3]?limit=10",
            "https://example.com/\u{fc}",
        ] {
            assert!(is_plain_url(text), "{text}");
        }
        for text in [
            "https://github.com/@evil.example/",
            "https://github.com@evil.example/",
            "https://github.com#@evil.example/",
            "https://github.com?@evil.example/",
            "https://github.com\\@evil.example/",
            "https://github.com:x@evil.example",
            "https://g\u{456}thub.com/x",
            "https://github.com%2eevil.example/",
            "https://{github.com,evil.example}/",
            "https://evil.example\t.github.com/",
            "file:///etc/passwd",
            "FILE:///etc/passwd",
            "file:/etc/passwd",
            "gopher://x/1",
            "dict://x:11211/stat",
            "https:///evil.example/",
            "http:/evil.example/",
            "https://example.com/v1/%2e%2E/admin",
            "https://example.com/v1/../admin",
            "",
        ] {
            assert!(!is_plain_url(text), "{text}");
        }
    }
}
