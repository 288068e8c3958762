//! Small languages that programs take as an operand: whether a script in one does nothing but transform its input.
//!
//! Each answer is `false` unless the whole script was understood.

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
        Operand::Sed => sed(text),
        Operand::Awk => awk(text),
        Operand::Jq => jq(text),
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

/// Addresses, and the commands that only edit the stream: no `e`, `r`, `w`, nor the flags `e` and `w` of `s`.
fn sed(script: &str) -> bool {
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

/// No commands, no files but the operands, no environment.
fn awk(script: &str) -> bool {
    Awk::default().reads(script.as_bytes()).is_some() || awk_at_a_glance(script)
}

/// Names of what an awk program reaches the outside with.
const AWK_POWER: [&str; 10] =
    ["system", "getline", "ENVIRON", "PROCINFO", "ARGV", "ARGC", "fflush", "close", "SYMTAB", "FUNCTAB"];

/// Words that are no values, or values only with what follows them: a slash behind one is not understood.
const AWK_WORDS: [&str; 51] = [
    "BEGIN", "END", "function", "func", "else", "do", "in", "case", "default", "break", "continue", "next", "nextfile",
    "exit", "delete", "length", "substr", "index", "split", "sub", "gsub", "gensub", "match", "sprintf", "sin", "cos",
    "atan2", "exp", "log", "sqrt", "int", "rand", "srand", "tolower", "toupper", "systime", "strftime", "mktime",
    "and", "or", "xor", "compl", "lshift", "rshift", "strtonum", "patsplit", "asort", "asorti", "isarray", "typeof",
    "mkbool",
];

/// What stands before a place in an awk program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Before {
    /// Nothing of a statement, or an operator that a regular expression may follow: a slash begins one.
    #[default]
    Open,
    /// `print` or `printf`, which it may follow, too.
    Print,
    /// A name, a number, a text or what ends like one: a slash divides.
    Value,
    /// A regular expression, or the condition of a statement.
    Regex,
    /// A word after which a parenthesis is the head of a statement.
    Head,
    /// Any other word.
    Word,
    /// An operator that none follows.
    Operator,
}

/// What is open in an awk program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Brace,
    Square,
    Round,
    /// The parentheses of `if`, `while` and their kin.
    Head,
}

/// An awk program that is read word by word.
#[derive(Debug, Default)]
struct Awk {
    before: Before,
    open: Vec<Bracket>,
    /// How much was open where the `print` of this statement stands.
    print: Option<usize>,
}

impl Awk {
    /// Nothing where the program is not harmless, or where programs may differ on how it reads.
    fn reads(mut self, script: &[u8]) -> Option<()> {
        let mut rest = script;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match byte {
                b' ' | b'\t' => after,
                b'#' => {
                    let end = after.iter().position(|&byte| byte == b'\n').unwrap_or(after.len());
                    let (comment, after) = after.split_at_checked(end)?;
                    (!comment.ends_with(b"\\")).then_some(after)?
                }
                b'"' => {
                    self.before = Before::Value;
                    awk_text(after)?
                }
                b'/' => self.slash(after)?,
                b'0'..=b'9' | b'.' => {
                    self.before = Before::Value;
                    let after = skip(after, |byte| byte.is_ascii_digit() || byte == b'.');
                    // `1e5`, `0x1F`: where such a number ends, programs differ.
                    let ends = after.first().is_none_or(|&byte| !byte.is_ascii_alphabetic() && byte != b'_');
                    ends.then_some(after)?
                }
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                    let after = skip(after, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    self.word(rest.get(..rest.len() - after.len())?)?;
                    after
                }
                b'\n' => {
                    self.line()?;
                    after
                }
                b'(' | b'[' | b'{' | b')' | b']' | b'}' | b';' => {
                    self.bracket(byte)?;
                    after
                }
                b'>' => self.greater(after)?,
                _ => self.operator(byte, after)?,
            };
        }
        self.open.is_empty().then_some(())
    }

    /// A regular expression, or a division.
    fn slash<'s>(&mut self, after: &'s [u8]) -> Option<&'s [u8]> {
        match self.before {
            // `/=/` is an operator to some.
            Before::Open | Before::Print if !after.starts_with(b"=") => {
                self.before = Before::Regex;
                awk_regex(after)
            }
            // `x /= /y/`: a value is to follow it.
            Before::Value => {
                self.before = Before::Operator;
                Some(after.strip_prefix(b"=").unwrap_or(after))
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let word = std::str::from_utf8(word).ok()?;
        if AWK_POWER.contains(&word) {
            return None;
        }
        self.before = match word {
            "print" | "printf" => {
                // Only a statement begins with it.
                self.print.is_none().then_some(())?;
                self.print = Some(self.open.len());
                Before::Print
            }
            "return" => Before::Open,
            "if" | "while" | "for" | "switch" => Before::Head,
            word if AWK_WORDS.contains(&word) => Before::Word,
            _ => Before::Value,
        };
        Some(())
    }

    /// The end of a line, which ends a statement unless that goes on.
    fn line(&mut self) -> Option<()> {
        (self.before != Before::Head).then_some(())?;
        let ends = !matches!(self.before, Before::Open | Before::Operator);
        if self.open.last().is_some_and(|open| *open != Bracket::Brace) {
            return (!ends).then_some(());
        }
        if ends {
            self.print = None;
            self.before = Before::Open;
        }
        Some(())
    }

    fn bracket(&mut self, byte: u8) -> Option<()> {
        let inside = self.open.last().copied();
        self.before = match byte {
            b'(' => {
                let head = self.before == Before::Head;
                self.open.push(if head { Bracket::Head } else { Bracket::Round });
                Before::Open
            }
            b'[' => {
                self.open.push(Bracket::Square);
                Before::Open
            }
            b'{' => {
                // No block begins within a statement.
                (self.print.is_none() && inside.is_none_or(|open| open == Bracket::Brace)).then_some(())?;
                self.open.push(Bracket::Brace);
                Before::Open
            }
            b')' => match self.open.pop()? {
                Bracket::Round => Before::Value,
                Bracket::Head => Before::Regex,
                _ => return None,
            },
            b']' => (self.open.pop()? == Bracket::Square).then_some(Before::Value)?,
            b'}' => {
                (self.open.pop()? == Bracket::Brace).then_some(())?;
                self.print = None;
                Before::Open
            }
            // `;`, also between the parts of `for (;;)`.
            _ => {
                inside.is_none_or(|open| matches!(open, Bracket::Brace | Bracket::Head)).then_some(())?;
                self.print = None;
                Before::Open
            }
        };
        Some(())
    }

    /// `>` compares values; but of what is printed, outside of parentheses, it names a file. The terminal is none.
    fn greater<'s>(&mut self, after: &'s [u8]) -> Option<&'s [u8]> {
        if let Some(after) = after.strip_prefix(b"=") {
            self.before = Before::Operator;
            return Some(after);
        }
        if let Some(from) = self.print {
            let between = self.open.get(from..)?;
            if !between.contains(&Bracket::Round) {
                let after = skip(after, |byte| byte == b' ' || byte == b'\t');
                let sink =
                    [b"\"/dev/stderr\"", b"\"/dev/stdout\""].into_iter().find_map(|name| after.strip_prefix(name))?;
                let next = skip(sink, |byte| byte == b' ' || byte == b'\t').first();
                (between.is_empty() && matches!(next, None | Some(b';' | b'}' | b'\n'))).then_some(())?;
                self.before = Before::Value;
                return Some(sink);
            }
        }
        let compares = matches!(self.before, Before::Value | Before::Regex) && !after.starts_with(b">");
        self.before = Before::Operator;
        compares.then_some(after)
    }

    fn operator<'s>(&mut self, byte: u8, after: &'s [u8]) -> Option<&'s [u8]> {
        let twice = after.first() == Some(&byte);
        let equal = after.first() == Some(&b'=');
        let (before, length) = match byte {
            // A single one names a command.
            b'|' | b'&' => (twice.then_some(Before::Open)?, 1),
            b'=' if twice => (Before::Operator, 1),
            b'!' if equal => (Before::Operator, 1),
            b'!' | b'~' | b',' | b'?' | b':' | b'=' => (Before::Open, 0),
            b'+' | b'-' if twice => (Before::Operator, 1),
            b'+' | b'-' | b'*' | b'%' | b'^' | b'<' | b'$' => (Before::Operator, 0),
            _ => return None,
        };
        self.before = before;
        after.get(length..)
    }
}

/// What follows a text of awk.
fn awk_text(script: &[u8]) -> Option<&[u8]> {
    let mut rest = script;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'"' => return Some(after),
            b'\\' => after.split_first().filter(|(next, _)| **next != b'\n')?.1,
            b'\n' => return None,
            _ => after,
        };
    }
}

/// What follows a regular expression of awk that every implementation ends at the same place.
fn awk_regex(script: &[u8]) -> Option<&[u8]> {
    let mut rest = script;
    let mut inside = false;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'\n' => return None,
            b'\\' => {
                let (&next, after) = after.split_first()?;
                (next != b'\n' && !(inside && b"[]".contains(&next))).then_some(after)?
            }
            b'/' => return (!inside).then_some(after),
            b'[' if inside => {
                let name = skip(after.strip_prefix(b":")?, |byte| byte.is_ascii_lowercase());
                name.strip_prefix(b":]")?
            }
            b'[' => {
                inside = true;
                let first = after.strip_prefix(b"^").unwrap_or(after);
                (first.first() != Some(&b']')).then_some(first)?
            }
            b']' => {
                inside.then_some(())?;
                inside = false;
                after
            }
            _ => after,
        };
    }
}

/// The same without a look at how its words stand together. `>` only compares, outside of all braces.
fn awk_at_a_glance(script: &str) -> bool {
    // Without a slash there is no regular expression, so that quotes are strings for certain.
    let bare = if script.contains('/') { Some(script.to_owned()) } else { without_strings(script) };
    let Some(bare) = bare else { return false };
    if bare.contains('@') || bare.replace("||", "").contains('|') || AWK_POWER.iter().any(|word| bare.contains(word)) {
        return false;
    }
    // Between parentheses it only compares, too; and `>=` always does, as does what stands before any `print`. With a
    // slash a brace may be part of a regular expression, so that nothing is outside or between for certain.
    let slash = script.contains('/');
    let (mut depth, mut inner) = (0_i32, 0_i32);
    let mut at = 0_usize;
    let mut bytes = bare.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'(' => inner += 1,
            b')' => inner -= 1,
            b'>' if slash && bare.get(..at).is_some_and(|before| !before.contains("print")) => {}
            b'>' if bytes.next_if_eq(&b'=').is_some() => at += 1,
            b'>' if !slash && (depth == 0 || inner > 0) => {}
            b'>' => return false,
            _ => {}
        }
        at += 1;
    }
    true
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

/// No environment, no modules, no files.
fn jq(filter: &str) -> bool {
    // Without a comment or an interpolation, quotes are strings for certain.
    let bare = if filter.contains('#') || filter.contains("\\(") { None } else { without_strings_of_jq(filter) };
    let filter = bare.as_deref().unwrap_or(filter);
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut before = ' ';
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !name(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, after) = rest.split_at(end);
        let words = [
            "env",
            "ENV",
            "import",
            "include",
            "modulemeta",
            "get_search_list",
            "strenv",
            "envsubst",
            "eval",
            "system",
            "exec",
        ];
        if before != '.' && (words.contains(&word) || word.starts_with("load")) {
            return false;
        }
        before = word.chars().last().unwrap_or(' ');
        rest = after;
    }
    true
}

/// The filter with its strings emptied.
fn without_strings_of_jq(filter: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = filter.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '"' {
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => drop(chars.next()?),
                    _ => {}
                }
            }
            out.push(c);
        }
    }
    Some(out)
}

fn skip(bytes: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&byte| !what(byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{awk, is_plain_mode, is_plain_url, is_shown, jq, sed};

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
            assert!(!sed(script), "{script}");
        }
    }

    #[test]
    fn awk_programs_that_only_print() {
        for script in [
            "{print $1}",
            "$3 > 1000 {print $1}",
            "{print \"system is ok\"}",
            "/a/ {print}",
            "a || b",
            "{if ($1 > 5) print}",
            "{if ($1 >= 5) print}",
            "NR>1 {s+=$3} END {print s/NR}",
            "/error|warn/",
            "$1 ~ /x|y/",
            "$1 !~ /a|b/ && !/c|d/ {print $2 / 2}",
            "/a|b/,/c|d/",
            "{x = $1 > 5; print x}",
            "{a = $1 > $2 ? $1 : $2; s += a}",
            "function max(a, b) { return a > b ? a : b } { m = max(m, $1) }",
            "{print > \"/dev/stderr\"}",
            "{print \"a|b\", $1 > \"/dev/stdout\"; n++} END {print n}",
            "{if (/a|b/) print; else if ($1 > 5) print $2}",
            "{print \"a\\\"|b\"}",
            "{gsub(/[|>]/, \"|\"); print} # a | b > c",
            "/^[^|]+\\|[[:alpha:]]/ {print $1\nx = $2 > 3}",
            "{for (i = 1; i <= NF; i++) if ($i > m) m = $i} END {print m}",
            "{print ($1 > 5 ? \"a|b\" : \"b\")}",
            "function system2(a) { return a } {print /a|b/ ? 1 : 2}",
        ] {
            assert!(awk(script), "{script}");
        }
        for script in [
            "BEGIN{system(\"id\")}",
            "BEGIN{\"id\" | getline x}",
            "{print > \"f\"}",
            "{print(1) > \"f\"}",
            "NR>1 {print s/NR > \"f\"}",
            "/)/ {print (1) > \"f\"}",
            "/(/ {print > \"f\"}",
            "{print (1)>\"f\"}",
            "{print >> \"f\"}",
            "{if (1) print \")(\" > \"(\"}",
            "/\"/ {system(\"id\")} /\"/",
            "{print |& s}",
            "@load \"x\"",
            "/}/ > 1 {print > \"f\"}",
            "/{/{print > \"f\"}",
            "{print | \"cmd\"}",
            "{\"cmd\" | getline}",
            "{print >> f}",
            "{getline < \"file\"}",
            "{print a, b > \"file\"}",
            "{print a,\n b > \"file\"}",
            "{printf(\"%s\", x) > \"f\"}",
            "{a / b | \"cmd\" | getline x / c}",
            "{x = (a) / b | \"cmd\" / c}",
            "{x = a[1] / b | \"cmd\" / c}",
            "{x = 1 / b | \"cmd\" / c}",
            "{x = \"1\" / b | \"cmd\" / c}",
            "{x = a++ / b | \"cmd\" / c}",
            "{x = length / b | \"cmd\" / c}",
            "{if (x) / b | \"cmd\" / c}",
            "{if (x) /\"/; print | \"cmd\" # \"\n}",
            "{x = length /\"/; print | \"cmd\" # \"\n}",
            "{x = y in /\"/; print | \"cmd\" # \"\n}",
            "{x = a++ /\"/; print | \"cmd\" # \"\n}",
            "a\n/\"/ {print | \"cmd\"} # \"",
            "{if (/a|b/) print | \"cmd\"}",
            "/[/]/ | \"cmd\" /",
            "/[/]|/ {print > \"f\"}",
            "/[]/] | \"cmd\" | /",
            "/a]/[/ | \"cmd\" | /",
            "/[\\]/ | \"cmd\" ]/",
            "{print x > y ? a : b}",
            "{print x, (y) ? a > b : c}",
            "{x = a > b; print x > \"f\"}",
            "{x = a > b\nprint x > \"f\"}",
            "{print \"\\\\\" | \"cmd\"}",
            "{print \"\\\"\" | \"cmd\"}",
            "{x = 1 # \"\nprint | \"cmd\" # \"\n}",
            "{print > \"/dev/stderr\" \"x\"}",
            "{print > \"/dev/stderr\" > \"f\"}",
            "{print > \"/dev/stderr/../x\"}",
            "{print > \"/dev/std\\145rr\"}",
            "{print a[x > y] | \"cmd\"}",
            "{print (a)[1] > \"f\"}",
            "{x = 1e5system(\"id\") > 5}",
            "{x = 1 > 0; awk::system(\"id\")}",
            "{f = \"system\"; x = 1 > 0; @f(\"id\")}",
            "{x = 1 > 0; sys\\\ntem(\"id\") | y}",
            "{x /= 1; y = /=/ | \"cmd\" /=/}",
            "{print | & \"cmd\"}",
            "{x = 1 > 0; print ENVIRON[\"K\"]}",
        ] {
            assert!(!awk(script), "{script}");
        }
    }

    #[test]
    fn jq_filters_without_the_environment() {
        assert!(jq(".env.production") && jq(".x[] | .y") && jq(".environment"));
        assert!(jq(".tags[\"env\"]") && jq("select(.k == \"env\\\"\")") && jq(".load"));
        assert!(!jq("\"\\\"\", env") && !jq("# \"\nenv # \"") && !jq("load(\"/etc/passwd\")") && !jq("strenv(X)"));
        assert!(!jq("env") && !jq("$ENV.KEY") && !jq("\"\\(env)\"") && !jq("import \"a\" as a; .") && !jq(". | env"));
    }
}
