//! Lines of nothing but plain words: they mean the same to every shell and need no parser.
//!
//! The parser's first use in a process costs more than everything else that a hook does.

use crate::word::{Token, is_plain};

/// Words that are syntax, or that the parser treats in its own way, in the place of a program.
const SPECIAL: [&str; 23] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
    "time", "coproc", "in", "export", "declare", "typeset", "readonly", "local", "unset",
];

/// The words of a line, if it is one plain command.
pub(crate) fn words(line: &str) -> Option<Vec<Token>> {
    let line = line.trim_matches([' ', '\t', '\n']);
    let plain = |byte: u8| is_plain(byte) || matches!(byte, b' ' | b'\t' | b'=');
    if line.is_empty() || !line.bytes().all(plain) {
        return None;
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty()).peekable();
    let first = words.peek()?;
    if !first.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/')) {
        return None;
    }
    if SPECIAL.contains(first)
        || first.contains(['%', '@', '+', ','])
        || *first == "unsetenv"
        || *first == "nameref"
        || first.contains('=')
    {
        return None;
    }
    let mut tokens = Vec::new();
    for word in words {
        if word.starts_with('=') {
            return None;
        }
        tokens.push(Token::literal(word));
    }
    Some(tokens)
}
