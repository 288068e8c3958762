//! A file's text to words.

use std::rc::Rc;

use countersign_policy::document::quoted;

use super::tree::{Result, Span, Stop};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(Rc<str>),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// An f-string, its escapes resolved.
    Format(Rc<str>),
    /// An operator, a bracket or a keyword.
    Op(&'static str),
    Newline,
    Indent,
    Dedent,
    End,
}

const KEYWORDS: &[&str] = &[
    "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not", "or", "pass",
    "return",
];

/// Words that Python has, or that may come to mean something.
const RESERVED: &[&str] = &[
    "as", "assert", "async", "await", "class", "del", "except", "finally", "from", "global", "import", "is",
    "nonlocal", "raise", "try", "while", "with", "yield",
];

/// Longer ones first.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "//=", "**", "==", "!=", "<=", ">=", "<<", ">>", "//", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
    "^=", "->", "(", ")", "[", "]", "{", "}", ",", ":", ";", ".", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|",
    "^", "~",
];

/// The words of a file, each with its place.
pub(super) fn words(text: &str) -> Result<Vec<(Token, Span)>> {
    let mut lexer = Lexer { text, at: 0, open: Vec::new(), indents: Vec::new(), tokens: Vec::new() };
    lexer.indentation()?;
    while lexer.at < text.len() {
        lexer.next()?;
    }
    if let Some(open) = lexer.open.last() {
        return Err(Stop::new(&(*open..open + 1), "this bracket is not closed"));
    }
    lexer.end_line();
    for _ in 0..lexer.indents.len() {
        lexer.push(Token::Dedent, text.len());
    }
    lexer.push(Token::End, text.len());
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Where brackets are open.
    open: Vec<usize>,
    indents: Vec<usize>,
    tokens: Vec<(Token, Span)>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self, takes: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !takes(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn push(&mut self, token: Token, from: usize) {
        self.tokens.push((token, from..self.at.max(from)));
    }

    fn stop<T>(&self, from: usize, message: impl Into<String>) -> Result<T> {
        Err(Stop::new(&(from..self.at.max(from + 1).min(self.text.len().max(from))), message))
    }

    /// The end of a logical line, unless nothing stood in it.
    fn end_line(&mut self) {
        if !matches!(self.tokens.last(), None | Some((Token::Newline | Token::Indent | Token::Dedent, _))) {
            self.push(Token::Newline, self.at);
        }
    }

    /// What stands before the first word of a line; lines without a word do not count.
    fn indentation(&mut self) -> Result<()> {
        loop {
            let from = self.at;
            let blank = self.skip(|c| c == ' ' || c == '\t');
            match self.peek() {
                None => return Ok(()),
                Some('\n') => self.at += 1,
                Some('\r') if self.rest().starts_with("\r\n") => self.at += 2,
                Some('#') => {
                    self.skip(|c| c != '\n');
                }
                Some(_) if blank.contains('\t') => return self.stop(from, "a line begins with a tab: write spaces"),
                Some(_) => return self.indent_to(blank.len()),
            }
        }
    }

    fn indent_to(&mut self, width: usize) -> Result<()> {
        if width > self.indents.last().copied().unwrap_or_default() {
            self.indents.push(width);
            self.push(Token::Indent, self.at);
            return Ok(());
        }
        while width < self.indents.last().copied().unwrap_or_default() {
            self.indents.pop();
            self.push(Token::Dedent, self.at);
        }
        if width != self.indents.last().copied().unwrap_or_default() {
            return self.stop(self.at, "this line begins at a column at which no block does");
        }
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        let from = self.at;
        let Some(c) = self.peek() else { return Ok(()) };
        let rest = self.rest();
        match c {
            ' ' | '\t' => {
                self.skip(|c| c == ' ' || c == '\t');
            }
            '#' => {
                self.skip(|c| c != '\n');
            }
            '\r' if rest.starts_with("\r\n") => self.at += 1,
            '\n' => {
                self.at += 1;
                if self.open.is_empty() {
                    self.end_line();
                    self.indentation()?;
                }
            }
            '\\' if rest.starts_with("\\\n") => self.at += 2,
            '\\' if rest.starts_with("\\\r\n") => self.at += 3,
            '0'..='9' => self.number(from)?,
            '.' if rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => self.number(from)?,
            '"' | '\'' => self.text(from, false, false)?,
            c if c.is_ascii_alphabetic() || c == '_' => self.name(from)?,
            _ => {
                let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) else {
                    self.bump();
                    return self.stop(from, format!("`{}` means nothing here", c.escape_debug()));
                };
                self.at += operator.len();
                match *operator {
                    "(" | "[" | "{" => self.open.push(from),
                    ")" | "]" | "}" => {
                        self.open.pop();
                    }
                    _ => {}
                }
                self.push(Token::Op(operator), from);
            }
        }
        Ok(())
    }

    fn name(&mut self, from: usize) -> Result<()> {
        let name = self.skip(|c| c.is_ascii_alphanumeric() || c == '_');
        if matches!(self.peek(), Some('"' | '\'')) {
            match name {
                "r" => return self.text(from, true, false),
                "f" => return self.text(from, false, true),
                "fr" | "rf" => return self.text(from, true, true),
                "b" | "rb" | "br" => return self.stop(from, "bytes cannot be written here: write a text"),
                _ => {}
            }
        }
        if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == name) {
            self.push(Token::Op(keyword), from);
            return Ok(());
        }
        if RESERVED.contains(&name) {
            return self.stop(from, format!("`{name}` is a reserved word"));
        }
        self.push(Token::Name(name.into()), from);
        Ok(())
    }

    fn number(&mut self, from: usize) -> Result<()> {
        let word = self.skip(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
        let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok();
        let int = match word.get(..2) {
            Some("0x" | "0X") => word.get(2..).and_then(|digits| radix(digits, 16)),
            Some("0o" | "0O") => word.get(2..).and_then(|digits| radix(digits, 8)),
            Some("0b" | "0B") => word.get(2..).and_then(|digits| radix(digits, 2)),
            _ if word.len() > 1 && word.starts_with('0') && !word.contains(['.', 'e', 'E']) => None,
            _ => word.parse().ok(),
        };
        let float = || word.contains(['.', 'e', 'E']).then(|| word.parse::<f64>().ok()).flatten();
        match (int, float()) {
            (Some(int), _) => self.push(Token::Int(int), from),
            (None, Some(float)) if !word.starts_with("0x") => self.push(Token::Float(float), from),
            _ => return self.stop(from, format!("{} is no number of at most 64 bits", quoted(word))),
        }
        Ok(())
    }

    /// A text, from its first quote on.
    fn text(&mut self, from: usize, raw: bool, format: bool) -> Result<()> {
        let Some(quote) = self.peek() else { return Ok(()) };
        let long: String = std::iter::repeat_n(quote, 3).collect();
        let triple = self.rest().starts_with(&long);
        let end = if triple { long.as_str() } else { long.get(..1).unwrap_or_default() };
        self.at += end.len();
        let mut text = String::new();
        loop {
            if self.rest().starts_with(end) {
                self.at += end.len();
                break;
            }
            match self.bump() {
                Some('\n') if !triple => return self.stop(from, "the text does not end in its line"),
                None => return self.stop(from, "the text does not end"),
                // As Codex's own reader: none is part of a text.
                Some('\r') => {}
                Some('\\') if raw => match self.bump() {
                    Some(c) => {
                        if c != quote {
                            text.push('\\');
                        }
                        text.push(c);
                    }
                    None => return self.stop(from, "the text does not end"),
                },
                Some('\\') => self.escape(&mut text)?,
                Some(c) => text.push(c),
            }
        }
        let text = Rc::from(text);
        self.push(if format { Token::Format(text) } else { Token::Text(text) }, from);
        Ok(())
    }

    fn escape(&mut self, text: &mut String) -> Result<()> {
        let from = self.at - 1;
        let plain = match self.bump() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some('\n') => return Ok(()),
            Some('\r') if self.peek() == Some('\n') => {
                self.bump();
                return Ok(());
            }
            Some('x') => self.code(from, 2, 2, 16)?,
            Some('u') => self.code(from, 4, 4, 16)?,
            Some('U') => self.code(from, 8, 8, 16)?,
            Some('0'..='7') => {
                self.at -= 1;
                self.code(from, 1, 3, 8)?
            }
            Some(c @ ('"' | '\'' | '\\')) => c,
            Some(c) => {
                text.push('\\');
                c
            }
            None => return self.stop(from, "the text does not end"),
        };
        text.push(plain);
        Ok(())
    }

    /// The character of a code of so many digits.
    fn code(&mut self, from: usize, least: usize, most: usize, radix: u32) -> Result<char> {
        let digits: String = self.rest().chars().take(most).take_while(|c| c.is_digit(radix)).collect();
        self.at += digits.len();
        let code = u32::from_str_radix(&digits, radix).ok().filter(|_| digits.len() >= least);
        match code.and_then(char::from_u32) {
            Some(c) => Ok(c),
            None => self.stop(from, "this escape names no character"),
        }
    }
}
