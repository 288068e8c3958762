//! Words: what the shell makes of them, as far as that can be known before the line runs.

use std::ops::Range;

use crate::values::{Expansion, Value};

/// One word after expansion and quote removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word as the program receives it; for [`Shape::Dynamic`] and [`Shape::Glob`] as far as it is known.
    pub(crate) text: String,
    pub(crate) shape: Shape,
}

/// How much of a word is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All of it.
    Literal,
    /// It starts with the home directory: `~` or `~/...`.
    Home,
    /// A file name pattern, whose first active character is at this byte of the text.
    Glob(usize),
    /// It starts with the directory that it runs in: `$PWD` or `$PWD/...`, and reads so.
    Here,
    /// One word with something in it that a command says. Whether it may turn out to be an option is known.
    Output(bool),
    /// Any number of words, all of what commands say.
    Said,
    /// The name of a pipe from or to a command that was judged itself: `<(sort a)`.
    Pipe,
    /// Nothing; it may even become several words or none.
    Dynamic,
}

impl Token {
    /// A word that is known.
    pub(crate) fn literal(text: impl Into<String>) -> Token {
        Token { text: text.into(), shape: Shape::Literal }
    }

    /// The text, where all of it is known.
    pub(crate) fn known(&self) -> Option<&str> {
        matches!(self.shape, Shape::Literal | Shape::Home).then_some(self.text.as_str())
    }

    /// Whether it may turn out to be an option, judged without any knowledge of the program.
    pub(crate) fn may_be_option(&self) -> bool {
        match self.shape {
            Shape::Literal => self.text.len() > 1 && self.text.starts_with('-'),
            Shape::Home | Shape::Here | Shape::Pipe => false,
            Shape::Output(may) => may,
            Shape::Glob(first) => first == 0 || self.text.starts_with('-'),
            Shape::Said | Shape::Dynamic => true,
        }
    }
}

impl Token {
    /// The name of the option that a pattern, or what a command says, gives a value to, whatever that is:
    /// `--include=*.rs`, `--since="$(date)"`.
    pub(crate) fn option(&self) -> Option<&str> {
        let known = match self.shape {
            Shape::Glob(first) => self.text.get(..first)?,
            Shape::Output(_) => self.text.as_str(),
            _ => return None,
        };
        let (name, _) = known.split_once('=')?;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (name.len() > 2 && name.starts_with("--") && plain).then_some(name)
    }
}

/// The most words that one word's braces may expand to.
const MOST_BRACES: usize = 64;

/// Whether a byte means nothing to any shell, wherever in a word it stands.
pub(crate) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_./:,@%+-".contains(&byte)
}

/// Reads the word at `range` of `line` into `out`: one token, or several where braces expand.
///
/// `expansions` are the outermost `$...`, backtick and `<(...)` expansions inside it, in order. Any such thing that is
/// not among them, and any character that would end the word, means that the parser and the shell disagree: an error.
pub(crate) fn read(
    line: &str,
    range: Range<usize>,
    expansions: &[Expansion],
    out: &mut Vec<Token>,
) -> Result<(), &'static str> {
    let Some(raw) = line.get(range.clone()) else { return Err(SPLIT) };
    if raw.bytes().all(is_plain) && !raw.is_empty() {
        out.push(Token::literal(raw));
        return Ok(());
    }
    let mut reader = Reader {
        bytes: raw.as_bytes(),
        at: 0,
        base: range.start,
        expansions,
        text: Vec::new(),
        start: None,
        glob: None,
        output: None,
        dynamic: false,
        said: false,
    };
    reader.unquoted()?;
    if let [Expansion { range: whole, value: Value::Pipe }] = expansions
        && *whole == range
    {
        out.push(Token { text: raw.to_owned(), shape: Shape::Pipe });
        return Ok(());
    }
    // zsh replaces a leading `=` by the path of the program that follows.
    let equals = raw.starts_with('=') && raw.bytes().any(|byte| byte != b'=');
    if reader.dynamic || equals {
        out.push(Token { text: raw.to_owned(), shape: Shape::Dynamic });
        return Ok(());
    }
    if reader.said {
        out.push(Token { text: raw.to_owned(), shape: Shape::Said });
        return Ok(());
    }
    if is_unc(raw) {
        out.push(Token { text: raw.to_owned(), shape: Shape::Dynamic });
        return Ok(());
    }
    if let Some((pattern, first)) = reader.glob.take() {
        let whole = reader.text.is_empty() && reader.output.is_none() && reader.start.is_none();
        if whole {
            out.push(Token { text: pattern, shape: Shape::Glob(first) });
            return Ok(());
        }
        reader.output = Some(reader.output.unwrap_or(true));
    }
    if let Some(may_be_option) = reader.output {
        let may_be_option = may_be_option && reader.start.is_none();
        out.push(Token { text: raw.to_owned(), shape: Shape::Output(may_be_option) });
        return Ok(());
    }
    if let Some(start) = reader.start {
        if !matches!(reader.text.first(), None | Some((b'/', _))) || matches!(braces(&reader.text), Braces::Words(_)) {
            out.push(Token { text: raw.to_owned(), shape: Shape::Dynamic });
            return Ok(());
        }
        let rest = finish(&reader.text)?;
        let text = format!("{}{}", start.0, rest.text);
        out.push(match rest.shape {
            Shape::Literal => Token { text, shape: start.1 },
            Shape::Glob(first) => {
                let start = if start.1 == Shape::Home { "~" } else { "." };
                Token { text: format!("{start}{}", rest.text), shape: Shape::Glob(first + start.len()) }
            }
            _ => Token { text: raw.to_owned(), shape: Shape::Dynamic },
        });
        return Ok(());
    }
    match braces(&reader.text) {
        Braces::None => out.push(finish(&reader.text)?),
        // A shell drops words of which nothing is left.
        Braces::Words(words) if words.iter().any(Vec::is_empty) => {
            out.push(Token { text: raw.to_owned(), shape: Shape::Dynamic });
        }
        Braces::Words(words) => {
            for word in words {
                out.push(finish(&word)?);
            }
        }
        Braces::TooMany => out.push(Token { text: raw.to_owned(), shape: Shape::Dynamic }),
    }
    Ok(())
}

/// Parameters whose value is a number whatever the line does: the last exit status, the count of arguments, the shell's
/// process. They stand in a word as they were written.
const NUMBERS: [&[u8]; 6] = [b"$?", b"$#", b"$$", b"${?}", b"${#}", b"${$}"];

/// The folder of a path in which a number stands as it was written; what is in its place is known only when the line
/// runs.
pub(crate) fn numbered(path: &str) -> Option<&str> {
    if !path.contains('$') {
        return None;
    }
    let starts = ["$?", "$#", "$$", "$((", "${?}", "${#}", "${$}", "${PIPESTATUS"];
    let at = starts.iter().filter_map(|start| path.find(start)).min()?;
    let (folder, _) = path.get(..at)?.rsplit_once('/').unwrap_or((".", ""));
    Some(if folder.is_empty() { "/" } else { folder })
}

const SPLIT: &str = "words that cannot be told apart for certain";
const QUOTING: &str = "quoting that cannot be read for certain";
const EXPANSION: &str = "an expansion that cannot be read for certain";

/// One byte of a word and whether quotes protect it.
type Quoted = (u8, bool);

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
    expansions: &'a [Expansion],
    text: Vec<Quoted>,
    /// What the word starts with, where that is a directory that is known by name only.
    start: Option<(&'static str, Shape)>,
    /// The pattern that all of the word is.
    glob: Option<(String, usize)>,
    /// Whether something in it is what a command says, and then whether that is at its start.
    output: Option<bool>,
    dynamic: bool,
    /// Whether it may become several words that commands say.
    said: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Jumps over an expansion that starts here.
    fn jump(&mut self, quoted: bool) -> bool {
        while let Some((expansion, rest)) = self.expansions.split_first() {
            let first = &expansion.range;
            let here = self.base + self.at;
            if first.end <= here {
                self.expansions = rest;
                continue;
            }
            if first.start > here {
                return false;
            }
            let written = self.bytes.get(self.at..first.end - self.base).unwrap_or_default();
            if NUMBERS.contains(&written) || expansion.value == Value::Number {
                self.text.extend(written.iter().map(|byte| (*byte, true)));
            } else {
                self.stand_in(&expansion.value, quoted);
            }
            self.at = first.end - self.base;
            // `$${a,b}` is no list to bash.
            self.dynamic |= self.peek(0) == Some(b'{');
            return true;
        }
        false
    }

    /// Puts a value in the place of an expansion.
    fn stand_in(&mut self, value: &Value, quoted: bool) {
        let first = self.text.is_empty() && self.start.is_none() && self.output.is_none() && self.glob.is_none();
        match value {
            Value::Text(text)
                if quoted || !text.is_empty() && text.bytes().all(is_plain) || NUMBERS.contains(&text.as_bytes()) =>
            {
                self.text.extend(text.bytes().map(|byte| (byte, true)));
            }
            Value::Home(rest) | Value::Here(rest) if first && (quoted || rest.bytes().all(is_plain)) => {
                let home = matches!(value, Value::Home(_));
                self.start = Some(if home { ("~", Shape::Home) } else { ("$PWD", Shape::Here) });
                self.text.extend(rest.bytes().map(|byte| (byte, true)));
            }
            Value::Home(_) | Value::Here(_) if quoted => self.output = Some(self.output.unwrap_or(false)),
            Value::Glob(pattern, at) if quoted => {
                if first {
                    self.glob = Some((pattern.clone(), *at));
                } else {
                    self.output = Some(self.output.unwrap_or(false));
                }
            }
            Value::Output if quoted => {
                // What stands before it decides whether it can be an option.
                let may_be_option = first || self.text.first().is_some_and(|(byte, _)| *byte == b'-');
                self.output = Some(self.output.unwrap_or(may_be_option));
            }
            Value::Output => self.said = true,
            _ => self.dynamic = true,
        }
    }

    fn unquoted(&mut self) -> Result<(), &'static str> {
        while self.at < self.bytes.len() {
            if self.jump(false) {
                continue;
            }
            let Some(byte) = self.peek(0) else { break };
            let start = self.at;
            self.at += 1;
            match byte {
                b'\\' => match self.peek(0) {
                    Some(b'\n') => self.at += 1,
                    Some(next) => {
                        self.text.push((next, true));
                        self.at += 1;
                    }
                    None => return Err(QUOTING),
                },
                b'\'' => self.single()?,
                b'"' => self.double()?,
                b'$' => match self.peek(0) {
                    Some(b'\'') => {
                        self.at += 1;
                        self.ansi_c()?;
                    }
                    Some(b'"' | b'(' | b'{' | b'[') => return Err(EXPANSION),
                    Some(b'\\') if self.peek(1) == Some(b'\n') => return Err(EXPANSION),
                    Some(next) if is_parameter(next) => {
                        self.dynamic = true;
                        self.at += 1;
                    }
                    _ => self.text.push((b'$', true)),
                },
                b'`' => return Err(EXPANSION),
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => return Err(SPLIT),
                b'#' if start == 0 => return Err(SPLIT),
                _ => self.text.push((byte, false)),
            }
        }
        Ok(())
    }

    fn single(&mut self) -> Result<(), &'static str> {
        // An empty pair of quotes still makes a word.
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'\'' {
                return Ok(());
            }
            self.text.push((byte, true));
        }
        Err(QUOTING)
    }

    fn double(&mut self) -> Result<(), &'static str> {
        loop {
            if self.jump(true) {
                continue;
            }
            let Some(byte) = self.peek(0) else { return Err(QUOTING) };
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => match self.peek(0) {
                    Some(b'\n') => self.at += 1,
                    Some(next @ (b'$' | b'`' | b'"' | b'\\')) => {
                        self.text.push((next, true));
                        self.at += 1;
                    }
                    _ => self.text.push((b'\\', true)),
                },
                b'`' => return Err(EXPANSION),
                b'$' => match self.peek(0) {
                    Some(b'(' | b'{' | b'[') => return Err(EXPANSION),
                    // `"$\<newline>(id)"`: the shell drops the line continuation first.
                    Some(b'\\') if self.peek(1) == Some(b'\n') => return Err(EXPANSION),
                    Some(next) if is_parameter(next) => self.dynamic = true,
                    _ => self.text.push((b'$', true)),
                },
                _ => self.text.push((byte, true)),
            }
        }
    }

    fn ansi_c(&mut self) -> Result<(), &'static str> {
        loop {
            let Some(byte) = self.peek(0) else { return Err(QUOTING) };
            self.at += 1;
            match byte {
                b'\'' => return Ok(()),
                b'\\' => self.escape()?,
                _ => self.text.push((byte, true)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let Some(byte) = self.peek(0) else { return Err(QUOTING) };
        self.at += 1;
        let code = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => u32::from(byte),
            b'x' => return self.byte(16, 2, 0),
            b'0'..=b'7' => return self.byte(8, 2, u32::from(byte - b'0')),
            b'u' => self.number(16, 4, 0)?,
            b'U' => self.number(16, 8, 0)?,
            _ => return Err(QUOTING),
        };
        let code = char::from_u32(code).filter(|&code| code != '\0').ok_or(QUOTING)?;
        let mut buffer = [0; 4];
        self.text.extend(code.encode_utf8(&mut buffer).bytes().map(|byte| (byte, true)));
        Ok(())
    }

    fn byte(&mut self, radix: u32, digits: usize, start: u32) -> Result<(), &'static str> {
        let code = self.number(radix, digits, start)?;
        let code = u8::try_from(code).ok().filter(|&code| code != 0).ok_or(QUOTING)?;
        self.text.push((code, true));
        Ok(())
    }

    /// Up to so many digits; at least one unless some were read before.
    fn number(&mut self, radix: u32, digits: usize, start: u32) -> Result<u32, &'static str> {
        let mut value = start;
        let mut read = usize::from(radix == 8);
        let mut left = digits;
        while left > 0
            && let Some(digit) = self.peek(0).and_then(|byte| char::from(byte).to_digit(radix))
        {
            value = value.checked_mul(radix).and_then(|value| value.checked_add(digit)).ok_or(QUOTING)?;
            self.at += 1;
            left -= 1;
            read += 1;
        }
        if read == 0 { Err(QUOTING) } else { Ok(value) }
    }
}

/// `\\\\host\\share`, unquoted: a shell drops the backslashes, the shells of Windows do not.
fn is_unc(raw: &str) -> bool {
    let host = raw.strip_prefix("\\\\").and_then(|rest| rest.split_once('\\'));
    host.is_some_and(|(host, _)| !host.is_empty() && host.bytes().all(is_plain))
}

/// `{name}>file`: bash sets the variable to the file's descriptor and drops the word, sh passes it on. `2\<newline>>file`:
/// a descriptor to both, a word to the parser.
pub(crate) fn is_descriptor(raw: &str, after: &str) -> bool {
    let named = raw.starts_with('{') && raw.ends_with('}');
    let number = || !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
    after.starts_with(['<', '>', '\\'])
        && (named || number())
        && after.trim_start_matches("\\\n").starts_with(['<', '>'])
}

fn is_parameter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_?#$!@*-".contains(&byte)
}

enum Braces {
    None,
    Words(Vec<Vec<Quoted>>),
    TooMany,
}

/// Expands `{a,b}`; whatever is more than that (nested, `{1..3}`) is left as too much to know.
fn braces(text: &[Quoted]) -> Braces {
    let mut words: Vec<Vec<Quoted>> = vec![Vec::new()];
    let mut expanded = false;
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let close = if first == (b'{', false) { after.iter().position(|&byte| byte == (b'}', false)) } else { None };
        let Some((inside, after_close)) = close.and_then(|close| Some((after.get(..close)?, after.get(close + 1..)?)))
        else {
            words.iter_mut().for_each(|word| word.push(first));
            rest = after;
            continue;
        };
        if inside.contains(&(b'{', false)) {
            return Braces::TooMany;
        }
        if inside.windows(2).any(|pair| pair == [(b'.', false); 2]) {
            let Some(numbers) = counted(inside).filter(|numbers| words.len() * numbers.len() <= MOST_BRACES) else {
                return Braces::TooMany;
            };
            expanded = true;
            words = words
                .iter()
                .flat_map(|word| numbers.iter().map(move |number| [word.as_slice(), number].concat()))
                .collect();
            rest = after_close;
            continue;
        }
        if !inside.contains(&(b',', false)) {
            // `{}` and `HEAD^{commit}` stay as they are.
            words.iter_mut().for_each(|word| word.push(first));
            rest = after;
            continue;
        }
        expanded = true;
        let parts: Vec<&[Quoted]> = inside.split(|&byte| byte == (b',', false)).collect();
        if words.len() * parts.len() > MOST_BRACES {
            return Braces::TooMany;
        }
        words = words.iter().flat_map(|word| parts.iter().map(move |part| [word.as_slice(), part].concat())).collect();
        rest = after_close;
    }
    if expanded { Braces::Words(words) } else { Braces::None }
}

/// What `1..5` counts, up or down.
fn counted(inside: &[Quoted]) -> Option<Vec<Vec<Quoted>>> {
    let text: Vec<u8> = inside.iter().map(|&(byte, _)| byte).collect();
    let (first, last) = std::str::from_utf8(&text).ok()?.split_once("..")?;
    let number = |text: &str| {
        let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        // A leading zero says how wide all of them are.
        (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse::<usize>().ok()).flatten()
    };
    let (first, last) = (number(first)?, number(last)?);
    if inside.iter().any(|&(_, quoted)| quoted) || first.abs_diff(last) >= MOST_BRACES {
        return None;
    }
    let numbers: Vec<usize> = if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() };
    Some(numbers.iter().map(|number| number.to_string().bytes().map(|byte| (byte, false)).collect()).collect())
}

/// The word that remains when its quotes are gone.
fn finish(text: &[Quoted]) -> Result<Token, &'static str> {
    let bytes = text.iter().map(|&(byte, _)| byte).collect();
    let string = String::from_utf8(bytes).map_err(|_| "a word that is no text")?;
    let glob = text.iter().enumerate().position(|(at, &byte)| match byte {
        (b'*' | b'?', false) => true,
        (b'[', false) => text.iter().skip(at).any(|&byte| byte == (b']', false)),
        _ => false,
    });
    let home = match (text.first(), text.get(1)) {
        (Some((b'~', false)), None | Some((b'/', false))) => true,
        (Some((b'~', false)), _) => return Err("another user's home directory"),
        _ => false,
    };
    let shape = match glob {
        Some(first) => Shape::Glob(first),
        None if home => Shape::Home,
        None => Shape::Literal,
    };
    Ok(Token { text: string, shape })
}

#[cfg(test)]
mod tests {
    use super::{Shape, Token, read};

    fn words(raw: &str) -> Result<Vec<Token>, &'static str> {
        let mut out = Vec::new();
        read(raw, 0..raw.len(), &[], &mut out)?;
        Ok(out)
    }

    fn text(raw: &str) -> String {
        let words = words(raw).unwrap();
        assert!(words.iter().all(|word| word.shape == Shape::Literal), "{words:?}");
        words.into_iter().map(|word| word.text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn quotes_are_removed_as_bash_removes_them() {
        assert_eq!(text(r#"a'b c'"d e"\ f"#), "ab cd e f");
        assert_eq!(text("c\\\nurl"), "curl");
        assert_eq!(text(r#""a\$b\x""#), r"a$b\x");
        assert_eq!(text(r"$'\x72\155\u00e9\n'"), "rm\u{e9}\n");
        assert_eq!(text("''"), "");
        assert_eq!(text("HEAD^{commit}"), "HEAD^{commit}");
        assert_eq!(text("stash@{0}"), "stash@{0}");
        assert_eq!(text("src/{a,b}.{x,y}"), "src/a.x|src/a.y|src/b.x|src/b.y");
        assert_eq!(text(r"\*'?'"), "*?");
    }

    #[test]
    fn what_is_not_known_says_so() {
        assert_eq!(words("a$X").unwrap()[0].shape, Shape::Dynamic);
        assert_eq!(words("$!").unwrap()[0].shape, Shape::Dynamic);
        assert_eq!(words("$@").unwrap()[0].shape, Shape::Dynamic);
        assert_eq!(text("a{1..3} {2..1}".split(' ').next().unwrap()), "a1|a2|a3");
        assert_eq!(text("{2..1}"), "2|1");
        for raw in ["{01..3}", "{1..3..2}", "{a..c}", "{1..999}", "{1..'3'}"] {
            assert_eq!(words(raw).unwrap()[0].shape, Shape::Dynamic, "{raw}");
        }
        assert_eq!(words("=ls").unwrap()[0].shape, Shape::Dynamic);
        assert_eq!(words("src/*.rs").unwrap()[0].shape, Shape::Glob(4));
        assert_eq!(words("~/x").unwrap()[0].shape, Shape::Home);
        assert_eq!(words("'~/x'").unwrap()[0].shape, Shape::Literal);
    }

    #[test]
    fn what_the_parser_must_not_have_given_is_an_error() {
        for raw in [
            "a b",
            "a;b",
            "$(id)",
            "`id`",
            "\"$(id)\"",
            "\"`id`\"",
            "\"$\\\n(id)\"",
            "'a",
            "\"a",
            "~root",
            "#a",
            r"$'\x00'",
        ] {
            assert!(words(raw).is_err(), "{raw:?}");
        }
    }
}
