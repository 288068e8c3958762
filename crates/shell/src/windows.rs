//! Command lines for Windows: PowerShell and cmd, where both understand the same by a text.
//!
//! One program and its words, in double quotes or bare. Whatever either of the two shells would read as more than
//! words is an error: which of them will run the text is not known here.

/// How many wrappers around a command are looked through.
const MOST_WRAPPERS: usize = 5;

/// Options of PowerShell that say nothing of what runs, as they are written in full.
const FLAGS: [&str; 6] = ["noprofile", "nologo", "noninteractive", "noexit", "sta", "mta"];
/// The same, with a value.
const FLAGS_WITH_VALUE: [&str; 4] = ["executionpolicy", "windowstyle", "inputformat", "outputformat"];
/// How much of such a name must be written.
const SHORTEST: usize = 3;

/// Means more than itself to one of the shells, outside quotes.
const OUTSIDE: &str = "&|<>;^()%!`\r\n'{}@,";
/// Means more than itself to one of the shells, even in double quotes.
const INSIDE: &str = "%`\r\n";
/// Quotes and dashes that PowerShell takes for the ASCII ones.
const LOOKALIKES: &str = "\u{2018}\u{2019}\u{201A}\u{201B}\u{201C}\u{201D}\u{201E}\u{2013}\u{2014}\u{2015}";

/// The words of a line, with `powershell -Command` and `& ` before them taken away.
///
/// # Errors
/// Why the text cannot be understood, in words for a human: it is more than one plain command, or no command.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let mut text = text.trim().to_owned();
    for _ in 0..MOST_WRAPPERS {
        if let Some(rest) = text.strip_prefix("& ") {
            text = rest.trim_start().to_owned();
        } else if let Some(payload) = payload(&text)? {
            text = payload;
        } else {
            break;
        }
    }
    let words = split(&text)?;
    if words.is_empty() { Err("there is no command in it".to_owned()) } else { Ok(words) }
}

/// What `powershell -Command` would run; `None` if the text is no call of PowerShell with a command.
fn payload(text: &str) -> Result<Option<String>, String> {
    let (program, mut rest) = first_word(text);
    let program = program.to_ascii_lowercase();
    if !["powershell", "pwsh"].contains(&program.strip_suffix(".exe").unwrap_or(&program)) {
        return Ok(None);
    }
    loop {
        let (word, after) = first_word(rest);
        let Some(flag) = word.strip_prefix('-') else { return Ok(None) };
        let flag = flag.strip_prefix('-').unwrap_or(flag).to_ascii_lowercase();
        let is = |names: &[&str]| flag.len() >= SHORTEST && names.iter().any(|name| name.starts_with(&flag));
        if flag == "c" || is(&["command"]) {
            return unquoted(after).map(Some);
        } else if is(&FLAGS) {
            rest = after;
        } else if is(&FLAGS_WITH_VALUE) {
            rest = first_word(after).1;
        } else {
            return Err(format!("an option of PowerShell that may change what runs: `{word}`"));
        }
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// A payload without the quotes around all of it; quotes inside are doubled there.
fn unquoted(payload: &str) -> Result<String, String> {
    let Some(quote) = payload.chars().next().filter(|c| ['"', '\''].contains(c)) else { return Ok(payload.to_owned()) };
    let inside = payload.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let inside = inside.ok_or("a quote that does not end")?;
    let mark = quote.to_string();
    let doubled = mark.repeat(2);
    if inside.replace(&doubled, "").contains(quote) {
        return Err("quotes around a part of a command for PowerShell".to_owned());
    }
    Ok(inside.replace(&doubled, &mark).trim().to_owned())
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        if let Some(what) = special(c, next, quoted, word.is_none()) {
            return Err(format!("{what} means more than itself there"));
        }
        match c {
            '"' if quoted && next == Some('"') => {
                chars.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err("a quote that does not end".to_owned());
    }
    words.extend(word);
    Ok(words)
}

/// What one of the shells would not take for a character of a word, if this is such.
fn special(c: char, next: Option<char>, quoted: bool, starts: bool) -> Option<String> {
    let variable = c == '$' && next.is_some_and(|next| next.is_alphabetic() || "_{(?$^:".contains(next));
    let bare = !quoted && (OUTSIDE.contains(c) || (starts && c == '#'));
    if c == '\n' || c == '\r' {
        return Some("a line break".to_owned());
    }
    (variable || bare || INSIDE.contains(c) || LOOKALIKES.contains(c)).then(|| format!("`{c}`"))
}

#[cfg(test)]
mod tests {
    use super::words;

    fn of(text: &str) -> Vec<String> {
        words(text).unwrap()
    }

    #[test]
    fn quotes_and_blanks_make_words() {
        assert_eq!(of("git status"), ["git", "status"]);
        assert_eq!(of("  git\t\"a b\"c "), ["git", "a bc"]);
        assert_eq!(of(r#"echo "say ""hi""" """#), ["echo", "say \"hi\"", ""]);
        assert_eq!(of(r"C:\tools\git.exe --x=1 $5 a#b"), [r"C:\tools\git.exe", "--x=1", "$5", "a#b"]);
        assert_eq!(of("cmd /c dir"), ["cmd", "/c", "dir"]);
    }

    #[test]
    fn wrappers_are_looked_through() {
        assert_eq!(of("powershell -Command \"git status\""), ["git", "status"]);
        assert_eq!(of("PowerShell.exe -NoProfile -ExecutionPolicy Bypass -Command 'git status'"), ["git", "status"]);
        assert_eq!(of("pwsh -nop -c git status"), ["git", "status"]);
        assert_eq!(of("& git status"), ["git", "status"]);
        assert_eq!(of("& & & & & git"), ["git"]);
        assert_eq!(of("pwsh -c \"& powershell -c git\""), ["git"]);
        assert_eq!(of(r#"pwsh -c "git commit -m ""a b""""#), ["git", "commit", "-m", "a b"]);
        assert!(words("& & & & & & git").is_err(), "a sixth one is left, and means more than itself");
    }

    #[test]
    fn what_is_more_than_words_is_refused() {
        let refused = [
            "a & b",
            "a | b",
            "a > f",
            "a < f",
            "a; b",
            "a^b",
            "a (b)",
            "echo %PATH%",
            "echo !X!",
            "a `b",
            "a\nb",
            "a\rb",
            "echo $env:X",
            "echo $x",
            "echo ${x}",
            "echo $(x)",
            "a 'b c'",
            "a {b}",
            "a @b",
            "a,b",
            "a #b",
        ];
        for text in refused {
            assert!(words(text).is_err(), "{text:?}");
        }
        for text in ["echo \"%PATH%\"", "echo \"`n\"", "echo \"a\nb\"", "echo \"$x\"", "echo \u{201C}a\u{201D}"] {
            assert!(words(text).is_err(), "{text:?}");
        }
        assert_eq!(of("echo \"a & b | (c); ^ !x!\""), ["echo", "a & b | (c); ^ !x!"]);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for text in ["", "  ", "git \"unterminated", "& ", "pwsh -c", "pwsh -c \"git", "pwsh -c \"git\" \"x\""] {
            assert!(words(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn options_of_powershell_that_may_change_what_runs_are_refused() {
        for text in ["pwsh -EncodedCommand aaa -Command x", "pwsh -WorkingDirectory /x -c git", "pwsh -File x.ps1"] {
            assert!(words(text).is_err(), "{text:?}");
        }
        assert_eq!(of("pwsh script.ps1"), ["pwsh", "script.ps1"]);
    }
}
