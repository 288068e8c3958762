//! Git's aliases, as the configuration of the user and of the repository has them: what runs is what they stand for.
//!
//! Whoever could change them could change what an alias does; a ceiling guards these files. What cannot be told for
//! certain (configuration that includes more, a quoted alias, another folder) stays as it was written, and asks.

use countersign_policy::WordKind;
use countersign_shell::{Analysis, analyze_with};

use crate::extract::Taken;
use crate::paths::join;

/// How many aliases may stand for one another.
const MOST_STEPS: usize = 4;

/// The commands of git's own: an alias of that name counts for nothing there. One in each line, sorted.
const COMMANDS: &str = include_str!("git_commands.txt");

/// The line with the first alias in it, and those that it stands for, spelled out; none where there is no alias that is
/// known.
pub(crate) fn spelled_out(line: &str, analysis: &Analysis, of: &Taken<'_>) -> Option<String> {
    if !line.contains("git ") {
        return None;
    }
    let mut at = alias_in(line, analysis)?;
    let goes_elsewhere = |word: &str| matches!(word, "cd" | "pushd" | "popd" | "env" | "export");
    let mut words = analysis.commands.iter().filter_map(|command| command.words.first());
    if words.any(|word| goes_elsewhere(&word.text)) || of.call.environment.keys().any(|name| name.starts_with("GIT_")) {
        return None;
    }
    let aliases = Aliases::of(of)?;
    let mut spelled = line.to_owned();
    for _ in 0..MOST_STEPS {
        let name = spelled.get(at.clone())?;
        let value = aliases.value(name)?;
        let (before, after) = (spelled.get(..at.start)?, spelled.get(at.end..)?);
        let new = match value.strip_prefix('!') {
            // A shell runs it, in the repository's folder.
            Some(command) if aliases.at_top => {
                format!("{}{}{after}", before.trim_end().strip_suffix("git")?, command.trim())
            }
            Some(_) => return None,
            None if is_plain(value) => format!("{before}{}{after}", value.trim()),
            None => return None,
        };
        spelled = new;
        match alias_in(&spelled, &analyze_with(&spelled, of.programs)) {
            Some(next) => at = next,
            None => return Some(spelled),
        }
    }
    None
}

/// Where in the line the first word of a git command stands that is no command of git's.
fn alias_in(line: &str, analysis: &Analysis) -> Option<std::ops::Range<usize>> {
    analysis.commands.iter().find_map(|command| {
        let rest = line.get(command.span.clone())?.strip_prefix("git ")?;
        // What a table knows as an operation is none.
        let unknown = |word: &str| command.words.iter().any(|its| its.kind == WordKind::Power && its.text == word);
        let mut at = command.span.start + "git ".len();
        for word in rest.split(' ') {
            let end = at + word.len();
            match word {
                "" | "--no-pager" | "-P" | "-p" | "--paginate" => at = end + 1,
                word if unknown(word) && is_name(word) && COMMANDS.lines().all(|known| known != word) => {
                    return Some(at..end);
                }
                _ => return None,
            }
        }
        None
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Whether git and a shell split the value into the same words.
fn is_plain(value: &str) -> bool {
    let mut quote = None;
    for c in value.chars() {
        match quote {
            Some('\'') if c != '\'' => {}
            Some('"') if !"\"$`\\!".contains(c) => {}
            Some(open) if c == open => quote = None,
            Some(_) => return false,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_alphanumeric() || " -_./=:%,@+^".contains(c) => {}
            None => return false,
        }
    }
    quote.is_none() && !value.trim().is_empty()
}

/// The aliases in force in a folder.
struct Aliases {
    /// By name; the last that is given counts.
    all: Vec<(String, String)>,
    /// Whether the folder is the repository's own.
    at_top: bool,
}

impl Aliases {
    /// None where it cannot be told which they are.
    fn of(of: &Taken<'_>) -> Option<Aliases> {
        let home = &of.places.home;
        let mut files = vec!["/etc/gitconfig".to_owned()];
        if !home.is_empty() {
            files.extend([join(home, ".config/git/config"), join(home, ".gitconfig")]);
        }
        let mut folder = of.places.cwd.as_str();
        let at_top = loop {
            let git = join(folder, ".git");
            match of.files.meta(&git) {
                Some(meta) if meta.is_dir => {
                    // It comes behind, and may say otherwise.
                    if of.files.meta(&join(&git, "config.worktree")).is_some() {
                        return None;
                    }
                    files.push(join(&git, "config"));
                    break folder == of.places.cwd;
                }
                // A worktree, whose configuration is elsewhere.
                Some(_) => return None,
                None => folder = folder.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())?,
            }
        };
        let mut all = Vec::new();
        for file in files {
            if let Some(bytes) = of.files.read(&file).ok()? {
                all.extend(read(std::str::from_utf8(&bytes).ok()?)?);
            }
        }
        Some(Aliases { all, at_top })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.all.iter().rev().find(|(its, _)| its.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// The aliases of one file; none where it includes others, or cannot be read for certain.
fn read(text: &str) -> Option<Vec<(String, String)>> {
    let mut aliases = Vec::new();
    let mut in_aliases = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let (section, rest) = header.split_once(']')?;
            let section = section.trim().to_ascii_lowercase();
            if section.starts_with("include") || !rest.trim().is_empty() {
                return None;
            }
            in_aliases = section == "alias";
            if section.starts_with("alias") && !in_aliases {
                return None;
            }
            continue;
        }
        // What goes on in the next line is not read.
        if line.ends_with('\\') {
            return None;
        }
        if in_aliases && let Some((name, value)) = line.split_once('=') {
            aliases.push((name.trim().to_owned(), unquoted(value.trim())?));
        }
    }
    Some(aliases)
}

/// A value without its quotes and comment.
fn unquoted(value: &str) -> Option<String> {
    let (mut out, mut quoted) = (String::new(), false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => match chars.next()? {
                escaped @ ('"' | '\\') => out.push(escaped),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    if quoted { None } else { Some(out.trim_end().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, is_plain, read};

    #[test]
    fn values_as_git_reads_them() {
        let text = "[user]\n\tname = x\n[alias]\n\tst = status -sb # short\n\tlg = \"log --pretty='%h %s'\"\n\tx = \"!f() { echo \\\"a\\\"; }; f\"\n";
        let aliases = read(text).unwrap();
        let values: Vec<&str> = aliases.iter().map(|(_, value)| &**value).collect();
        assert_eq!(values, ["status -sb", "log --pretty='%h %s'", "!f() { echo \"a\"; }; f"]);
        for text in ["[include]\npath = x\n", "[alias]\nst = sta\\\n tus\n", "[alias] st = x\n", "[alias]\nst = \"x\n"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_shell_would_expand_is_not_plain() {
        assert!(is_plain("log --pretty='%h $x' \"a b\""));
        for value in ["log $x", "log *", "log; rm x", "log \"$x\"", "log 'a", "", "log a\\ b"] {
            assert!(!is_plain(value), "{value}");
        }
    }

    #[test]
    fn the_commands_are_sorted_and_single() {
        assert!(COMMANDS.lines().zip(COMMANDS.lines().skip(1)).all(|(one, other)| one < other));
        assert!(COMMANDS.lines().any(|known| known == "status"));
    }
}
