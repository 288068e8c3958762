//! What the sources of `policy` may not name: files, network, environment, clock, threads, async, `unsafe`, printing,
//! and the ways to panic.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Modules of `std` that reach outside the process or depend on when and where it runs.
const MODULES: &[&str] = &["env", "fs", "io", "net", "os", "process", "thread", "time"];

/// Words that have no place anywhere in the code.
const WORDS: &[&str] = &["SystemTime", "Instant", "async", "await", "unsafe", "extern", "thread_local", "OnceLock"];

/// Macros that print or panic.
const MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "eprint",
    "eprintln",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
];

/// Lints that may not be switched off, even with a reason.
const LINTS: &[&str] =
    &["expect_used", "indexing_slicing", "panic", "string_slice", "unsafe_code", "unwrap_in_result", "unwrap_used"];

/// Every place below a source folder that names what it may not, as `file:line: what`. Tests may.
pub fn violations(sources: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in rust_files(sources)? {
        let text = std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        let shown = file.strip_prefix(crate::root()).unwrap_or(&file).display();
        found.extend(impurities(&text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
    }
    Ok(found)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A word or a single mark of the code, with its line.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    line: usize,
    text: String,
}

fn impurities(source: &str) -> Vec<(usize, String)> {
    let tokens = without_tests(tokens(source));
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = |n: usize| texts.get(at + n).copied().unwrap_or_default();
        let word = token.text.as_str();
        if word == "std" && next(1) == ":" && next(2) == ":" {
            let named = imported(texts.get(at + 3..).unwrap_or_default());
            for module in named.iter().filter(|name| MODULES.contains(name)) {
                found.push((token.line, format!("std::{module}")));
            }
        }
        if word == "std" && (next(1) == ";" || next(1) == "as") {
            found.push((token.line, "std under another name".to_owned()));
        }
        if WORDS.contains(&word) || (LINTS.contains(&word) && next(1) != "!") {
            found.push((token.line, word.to_owned()));
        }
        if MACROS.contains(&word) && next(1) == "!" && next(2) != "=" {
            found.push((token.line, format!("{word}!")));
        }
    }
    found
}

/// The modules that follow `std::`: one, or those in braces (of any depth).
fn imported<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    if rest.first() != Some(&"{") {
        return rest.first().copied().into_iter().collect();
    }
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for text in rest {
        match *text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            name => names.push(name),
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Leaves out what stands under `#[cfg(test)]`: up to the end of the block or the semicolon.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        let is_test = rest.len() >= MARK.len() && rest.iter().zip(MARK).all(|(token, mark)| token.text == mark);
        if is_test {
            rest = after_item(rest.get(MARK.len()..).unwrap_or_default());
        } else {
            kept.push(token.clone());
            rest = after;
        }
    }
    kept
}

fn after_item(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            ";" => {}
            _ => continue,
        }
        if depth == 0 {
            return tokens.get(at + 1..).unwrap_or_default();
        }
    }
    &[]
}

/// Words and marks, without comments, texts and characters.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = comment(rest).or_else(|| text_literal(rest)).or_else(|| character(rest));
        let (taken, after) = if let Some(length) = length {
            rest.split_at_checked(length).unwrap_or((rest, ""))
        } else {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let end = if end == 0 { first.len_utf8() } else { end };
            let (taken, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if !first.is_whitespace() {
                tokens.push(Token { line, text: taken.to_owned() });
            }
            (taken, after)
        };
        line += taken.matches('\n').count();
        rest = after;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    None
}

/// The length of a text literal, raw and byte texts included.
fn text_literal(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').or_else(|| rest.strip_prefix('c')).unwrap_or(rest);
    let prefix = rest.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.chars().take_while(|c| *c == '#').count();
        let inside = raw.get(hashes..)?.strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = inside.find(&close).map_or(inside.len(), |end| end + close.len());
        return Some(prefix + 1 + hashes + 1 + end);
    }
    let inside = body.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// The length of a character literal; `'a` of a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        let end = inside.char_indices().skip(2).find(|(_, c)| *c == '\'')?;
        return Some(1 + end.0 + 1);
    }
    let c = inside.chars().next()?;
    inside.get(c.len_utf8()..)?.starts_with('\'').then_some(1 + c.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        impurities(source).into_iter().map(|(line, what)| format!("{line} {what}")).collect()
    }

    #[test]
    fn each_way_out_is_found_with_its_line() {
        assert_eq!(names("fn f() {\n    std::fs::read(p);\n}"), ["2 std::fs"]);
        assert_eq!(names("use std::{collections::BTreeMap, net::{IpAddr, TcpStream}};"), ["1 std::net"]);
        assert_eq!(names("use std as s;"), ["1 std under another name"]);
        assert_eq!(names("pub async fn f() { g().await }"), ["1 async", "1 await"]);
        assert_eq!(names("let t = Instant::now();"), ["1 Instant"]);
        assert_eq!(names("/* a\n*/ unreachable!()"), ["2 unreachable!"]);
        assert_eq!(names("#[expect(clippy::indexing_slicing, reason = \"fits\")]"), ["1 indexing_slicing"]);
    }

    #[test]
    fn comments_texts_and_tests_are_left_alone() {
        assert_eq!(names("// std::fs\n/* unsafe */ let s = \"async \\\" panic!\"; let r = r#\"std::env\"#;"), [""; 0]);
        assert_eq!(names("let q = '\"'; let n = '\\n'; fn f<'a>(s: &'a str) { \"unsafe\" }"), [""; 0]);
        assert_eq!(
            names("#[cfg(test)]\nmod tests { use std::fs; fn f() { panic!() } }\nstd::env::var(x)"),
            ["3 std::env"]
        );
        assert_eq!(names("#[cfg(test)]\nmod tests;\nuse std::process;"), ["3 std::process"]);
    }
}
