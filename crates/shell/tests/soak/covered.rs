//! Whether the analysis named what ran.

use countersign_policy::{Action, Word, WordKind};
use countersign_shell::{Analysis, Dir, analyze};

use crate::world::Ran;

const HOME: &str = "/home/u";
const CWD: &str = "/repo";

/// What the analysis of a line says, as far as it is compared.
pub(crate) struct Named {
    /// The words of every command, as they may be read.
    commands: Vec<Vec<Word>>,
    /// The files that may be written: absolute, or the end of a path whose start is not known.
    files: Vec<String>,
    /// Why a human must look at it.
    pub(crate) unknown: Vec<String>,
}

impl Named {
    pub(crate) fn of(line: &str) -> Named {
        let analysis: Analysis = analyze(line);
        let edits = analysis.touches.iter().filter(|touch| touch.action == Action::Edit);
        Named {
            files: edits.map(|touch| place(&touch.dir, &touch.path)).collect(),
            unknown: analysis.unknown.into_iter().map(|unknown| unknown.reason).collect(),
            commands: analysis
                .commands
                .into_iter()
                .flat_map(|command| command.spellings.into_iter().map(|spelling| spelling.words).chain([command.words]))
                .map(said_by_echo)
                .collect(),
        }
    }

    /// What ran and was not named.
    pub(crate) fn missed(&self, ran: &Ran) -> Vec<String> {
        let commands = ran.commands.iter().filter(|ran| !self.commands.iter().any(|words| stands_for(words, ran)));
        let files = ran.files.iter().filter(|file| !self.files.iter().any(|named| names(named, file)));
        commands.map(|words| format!("ran {words:?}")).chain(files.map(|file| format!("wrote {file:?}"))).collect()
    }
}

/// What commands say, without quotes, for `echo`: it is data there, and any number of words.
fn said_by_echo(mut words: Vec<Word>) -> Vec<Word> {
    let echo = words.iter().position(|word| word.text == "echo" || word.text.ends_with("/echo"));
    for word in words.iter_mut().skip(echo.map_or(usize::MAX, |at| at + 1)) {
        if !word.text.starts_with('"') && word.text.contains(['`', '$']) {
            word.kind = WordKind::Dynamic;
        }
    }
    words
}

/// Whether these words may be what a program received.
fn stands_for(words: &[Word], ran: &[String]) -> bool {
    let Some((word, later)) = words.split_first() else { return ran.is_empty() };
    if word.kind == WordKind::Dynamic {
        return (0..=ran.len()).any(|taken| ran.get(taken..).is_some_and(|rest| stands_for(later, rest)));
    }
    let Some((first, rest)) = ran.split_first() else { return false };
    let home = word.text.strip_prefix('~').filter(|after| after.is_empty() || after.starts_with('/'));
    if word.text == *first || home.is_some_and(|after| format!("{HOME}{after}") == *first) {
        return stands_for(later, rest);
    }
    if (is_numbered(&word.text, first) || is_single(&word.text, first)) && stands_for(later, rest) {
        return true;
    }
    // What `find` puts there: one name, or all of them.
    if word.text.contains("{}") {
        return (1..=ran.len()).any(|taken| ran.get(taken..).is_some_and(|rest| stands_for(later, rest)));
    }
    // A pattern stands for one or more names.
    word.text.contains(['*', '?', '[']) && {
        let names = ran.iter().take_while(|name| matches(word.text.as_bytes(), name.as_bytes())).count();
        (1..=names).any(|taken| ran.get(taken..).is_some_and(|rest| stands_for(later, rest)))
    }
}

/// Whether a word is another but for parameters that are numbers, which stand in it as they were written.
fn is_numbered(word: &str, ran: &str) -> bool {
    let parameter =
        ["$?", "$#", "$$"].iter().filter_map(|name| word.split_once(name)).min_by_key(|(before, _)| before.len());
    let Some((before, after)) = parameter else { return word == ran };
    let Some(rest) = ran.strip_prefix(before) else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (1..=digits).any(|taken| rest.get(taken..).is_some_and(|rest| is_numbered(after, rest)))
}

/// Whether a word that stands as it was written may be this one: a pipe's name, or a quoted word with something in it
/// that is known only when it runs.
fn is_single(word: &str, ran: &str) -> bool {
    if word.starts_with("<(") { ran.starts_with("/dev/fd/") } else { word.contains(['$', '`']) }
}

/// Whether a file name pattern may stand for a name. Generous about brackets, which stand for any one character.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        // bash makes one of them where a pattern stands before.
        ([b'/', less @ ..], _) if less.starts_with(b"/") && matches(less, name) => true,
        ([b'*', pattern @ ..], _) => {
            (0..=name.len()).any(|taken| name.get(taken..).is_some_and(|name| matches(pattern, name)))
        }
        ([b'[', after @ ..], [_, rest @ ..])
            if after
                .iter()
                .position(|&byte| byte == b']')
                .is_some_and(|end| after.get(end + 1..).is_some_and(|pattern| matches(pattern, rest))) =>
        {
            true
        }
        ([b'?', pattern @ ..], [_, name @ ..]) => matches(pattern, name),
        ([a, pattern @ ..], [b, name @ ..]) => a == b && matches(pattern, name),
        _ => false,
    }
}

fn place(dir: &Dir, path: &str) -> String {
    let absolute = |path: &str, base: &str| match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{HOME}{rest}"),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("{base}/{path}"),
    };
    match dir {
        Dir::Cwd(dir) => lexical(&absolute(path, &absolute(dir, CWD))),
        Dir::Unknown if path.starts_with(['/', '~']) => lexical(&absolute(path, "")),
        Dir::Unknown => path.rsplit("../").next().unwrap_or_default().trim_start_matches("./").to_owned(),
    }
}

fn lexical(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn names(named: &str, file: &str) -> bool {
    if named.starts_with('/') {
        is_numbered(named, file) || matches(named.as_bytes(), file.as_bytes())
    } else {
        file.ends_with(&format!("/{named}"))
    }
}
