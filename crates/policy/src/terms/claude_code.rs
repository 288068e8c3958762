//! What Claude Code calls a target, and the texts under which it looks for a command in its rules.

use super::{Said, Stands};
use crate::action::Action;
use crate::call::Call;
use crate::target::{CommandSpelling, Resource, Target, Word, WordKind};
use std::borrow::Cow;

/// Variables that it takes for harmless, so that an allow of a command holds behind them. Its documentation names
/// `NODE_ENV`, `LANG` and `NO_COLOR`; the others are assumed: they change language, colour, time zone and how much is
/// said, or which platform is built for, and nothing about what runs.
const HARMLESS_VARIABLES: [&str; 20] = [
    "CGO_ENABLED",
    "COLORTERM",
    "FORCE_COLOR",
    "GOARCH",
    "GOOS",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_TIME",
    "NODE_ENV",
    "NO_COLOR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TERM",
    "TZ",
];

/// Programs that run others and that no wildcard allows.
const NEVER_BY_WILDCARD: [&str; 4] = ["watch", "setsid", "ionice", "flock"];

/// What makes `find` one of them. Its documentation names `-exec` and `-delete`.
const ACTIONS_OF_FIND: [&str; 9] =
    ["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"];

/// What stands for words of which only their first are known.
const MORE: &str = "...";

/// The host whose tools have the names that rules speak of.
const HOST: &str = "claude-code";

/// What it says of a target: the tool's name, where the target is the call's own, and the resource.
pub(super) fn say<'a>(target: &'a Target, call: &'a Call) -> Said<'a> {
    // What a command line touches is no call of a tool; to end a conversation is nothing that rules speak of.
    let is_own = target.action == call.action || call.action != Action::Shell;
    let name = Some(name(target, call)).filter(|tool| is_own && *tool != "EndConversation");
    let resource = match (&target.action, &target.resource) {
        (Action::Shell, Resource::Words(words)) => Stands::Texts(texts(words, &target.spellings, command(call))),
        (Action::Shell, Resource::Text(text)) => Stands::Texts(vec![one(text.clone(), WordKind::Data, false)]),
        (Action::Tool(name), Resource::None) if name == "PowerShell" => {
            Stands::Text(Some(command(call)).filter(|line| !line.is_empty()).map(Cow::Borrowed))
        }
        _ => Stands::Own,
    };
    Said { name, resource }
}

/// The tool as Claude Code names it; in another host the one that does the same.
fn name<'a>(target: &'a Target, call: &'a Call) -> Cow<'a, str> {
    if call.host == HOST {
        return Cow::Borrowed(&call.tool);
    }
    Cow::Borrowed(match &target.action {
        Action::Shell => "Bash",
        Action::Read => "Read",
        Action::Edit | Action::Delete => "Edit",
        Action::Search => "Grep",
        Action::Fetch => match &target.resource {
            Resource::Url { host, .. } if host.starts_with("search:") => "WebSearch",
            _ => "WebFetch",
        },
        Action::Agent => "Agent",
        Action::Mcp { server, tool } => return Cow::Owned(format!("mcp__{server}__{tool}")),
        Action::Tool(name) => name,
    })
}

/// The line that the call gives to a shell.
fn command(call: &Call) -> &str {
    call.args.get("command").and_then(|command| command.as_str()).unwrap_or_default()
}

/// The texts of a command of this line: first as it was written.
fn texts(words: &[Word], spellings: &[CommandSpelling], line: &str) -> Vec<CommandSpelling> {
    // Ours are without wrappers that they do not know, too: the longest text is the one that has them all.
    let all = || std::iter::once(words).chain(spellings.iter().filter(|one| one.allows).map(|one| &*one.words));
    let length = |words: &[Word]| rendered(words, &[], Some('\'')).len();
    let written = all().fold(words, |longest, words| if length(words) > length(longest) { words } else { longest });
    let blanks = blanks(written, line);
    let forms = stripped(written, false);
    let innermost = forms.last().map_or(written, |(_, form)| form);
    let kind = if is_never_by_wildcard(innermost) { WordKind::Power } else { WordKind::Data };
    let mut texts = Vec::new();
    for (taken, form) in std::iter::once((0, written)).chain(forms.iter().map(|(taken, form)| (*taken, &**form))) {
        let blanks = blanks.get(taken..).unwrap_or_default();
        texts.extend(['\'', '"'].map(|quote| one(rendered(form, blanks, Some(quote)), kind, true)));
    }
    // Asks and denies hold past every variable, for every way to say it, and however words are quoted or kept apart.
    let ours = std::iter::once(words).chain(spellings.iter().map(|one| &*one.words)).map(<[Word]>::to_vec);
    let theirs = stripped(written, true).into_iter().map(|(_, form)| form);
    for form in ours.chain(theirs) {
        texts.extend([Some('\''), None].map(|quote| one(rendered(&form, &[], quote), WordKind::Data, false)));
    }
    texts.dedup();
    texts
}

/// The blanks behind each word but the last, where the line has the words with other blanks than one space; nothing
/// where it does not.
fn blanks<'l>(words: &[Word], line: &'l str) -> Vec<&'l str> {
    let Some((first, others)) = words.split_first() else { return Vec::new() };
    if !line.contains("  ") && !line.contains(|c: char| c.is_whitespace() && c != ' ') {
        return Vec::new();
    }
    // How often a line is searched for the beginning of a command is bounded.
    let starts = line.match_indices(&*first.text).take(MOST_STARTS);
    let aligned = |(at, found): (usize, &'l str)| {
        let mut rest = line.get(at + found.len()..)?;
        let mut blanks = Vec::new();
        for word in others {
            let next = rest.trim_start_matches([' ', '\t']);
            let blank = rest.get(..rest.len() - next.len()).filter(|blank| !blank.is_empty())?;
            blanks.push(blank);
            rest = [None, Some('\''), Some('"')].into_iter().find_map(|quote| {
                let quoted = quote.map_or_else(|| word.text.clone(), |quote| format!("{quote}{}{quote}", word.text));
                next.strip_prefix(&*quoted)
            })?;
        }
        Some(blanks)
    };
    starts.into_iter().find_map(aligned).unwrap_or_default()
}

/// How many beginnings of a command are looked for in a line.
const MOST_STARTS: usize = 64;

fn one(text: String, kind: WordKind, allows: bool) -> CommandSpelling {
    CommandSpelling { words: vec![Word { text, kind }], allows }
}

/// The words as a line, with these blanks behind them, else a space. With a quote, different words give different lines.
fn rendered(words: &[Word], blanks: &[&str], quote: Option<char>) -> String {
    let mut line = String::new();
    for (at, word) in words.iter().enumerate() {
        if let Some(before) = at.checked_sub(1) {
            line.push_str(blanks.get(before).unwrap_or(&" "));
        }
        let is_odd = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
        match quote {
            Some(quote) if word.kind != WordKind::Dynamic && (word.text.is_empty() || word.text.contains(is_odd)) => {
                line.push(quote);
                for c in word.text.chars() {
                    match (quote, c) {
                        ('\'', '\'') => line.push_str(r"'\''"),
                        ('"', '"' | '\\') => line.extend(['\\', c]),
                        _ => line.push(c),
                    }
                }
                line.push(quote);
            }
            _ => line.push_str(&word.text),
        }
    }
    line
}

/// The command without its wrappers, one after the other, each with how many words were taken off.
fn stripped(words: &[Word], past_any_variable: bool) -> Vec<(usize, Vec<Word>)> {
    let mut forms: Vec<(usize, Vec<Word>)> = Vec::new();
    let (mut taken, mut rest) = (0, words.to_vec());
    while let Some((count, inner)) = without_first(&rest, past_any_variable) {
        taken += count;
        forms.push((taken, inner.clone()));
        rest = inner;
    }
    forms
}

/// Without one wrapper or variable in front, if there is one that is taken off, and how many words that takes off.
fn without_first(words: &[Word], past_any_variable: bool) -> Option<(usize, Vec<Word>)> {
    let (first, rest) = words.split_first()?;
    if let Some((name, _)) = assignment(&first.text) {
        let harmless = HARMLESS_VARIABLES.contains(&name) && first.kind != WordKind::Dynamic;
        return (past_any_variable || harmless).then(|| (1, rest.to_vec())).filter(|(_, rest)| !rest.is_empty());
    }
    let text = |at: usize| rest.get(at).map_or("", |word| &*word.text);
    let is_option = |at: usize| text(at).starts_with('-');
    // Options, of which these have their value behind them.
    let behind_options = |with_value: &[&str]| {
        let mut at = 0;
        while is_option(at) {
            at += if with_value.contains(&text(at)) { 2 } else { 1 };
        }
        at
    };
    let at = match &*first.text {
        "nohup" | "builtin" | "noglob" | "command" if !is_option(0) => 0,
        "time" => usize::from(text(0) == "-p"),
        "timeout" => {
            let at = behind_options(&["-k", "-s", "--kill-after", "--signal"]);
            let is_duration = text(at).starts_with(|c: char| c.is_ascii_digit() || c == '.');
            is_duration.then_some(at + 1)?
        }
        "nice" => behind_options(&["-n", "--adjustment"]),
        "stdbuf" => behind_options(&["-i", "-o", "-e"]),
        "xargs" if !is_option(0) && !rest.is_empty() => {
            // More words follow, which no exact rule has seen.
            let more = Word { text: MORE.to_owned(), kind: WordKind::Dynamic };
            return Some((1, rest.iter().cloned().chain([more]).collect()));
        }
        _ => return None,
    };
    rest.get(at..).filter(|inner| !inner.is_empty() && !is_option(at)).map(|inner| (at + 1, inner.to_vec()))
}

/// The name and value of a word that sets a variable.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then_some((name, value))
}

fn is_never_by_wildcard(words: &[Word]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let name = program.text.rsplit('/').next().unwrap_or(&program.text);
    NEVER_BY_WILDCARD.contains(&name)
        || (name == "find" && rest.iter().any(|word| ACTIONS_OF_FIND.contains(&&*word.text)))
}

#[cfg(test)]
mod tests {
    use super::{CommandSpelling, Word, WordKind, texts};

    fn words(line: &str) -> Vec<Word> {
        line.split(' ').map(Word::data).collect()
    }

    fn allowed(own: &str, written: &str) -> Vec<String> {
        let spellings = [CommandSpelling { words: words(written), allows: true }];
        let texts = texts(&words(own), &spellings, written);
        let mut texts: Vec<_> =
            texts.into_iter().filter(|one| one.allows).map(|one| one.words[0].text.clone()).collect();
        texts.dedup();
        texts
    }

    #[test]
    fn wrappers_come_off_one_after_the_other_and_others_stay() {
        assert_eq!(
            allowed("npm test", "timeout -k 5 30 nice -n 5 npm test"),
            ["timeout -k 5 30 nice -n 5 npm test", "nice -n 5 npm test", "npm test"]
        );
        assert_eq!(allowed("npm test", "NODE_ENV=test npm test"), ["NODE_ENV=test npm test", "npm test"]);
        assert_eq!(allowed("xargs grep x", "xargs grep x"), ["xargs grep x", "grep x ..."]);
        for line in
            ["X=1 npm test", "env npm test", "command -v npm", "xargs -n1 grep x", "sudo npm test", "timeout x y"]
        {
            assert_eq!(allowed(line, line), [line]);
        }
        // What we take off and they do not.
        assert_eq!(allowed("npm test", "setsid npm test"), ["setsid npm test"]);
    }

    #[test]
    fn blanks_are_part_of_what_is_allowed() {
        let all = texts(&words("npm test"), &[], "x  && npm \t 'test'");
        let allows = |text: &str| all.iter().any(|one| one.allows && one.words[0].text == text);
        assert!(allows("npm \t test") && !allows("npm test"));
        assert!(all.iter().any(|one| !one.allows && one.words[0].text == "npm test"));
    }

    #[test]
    fn what_no_wildcard_allows_is_of_power() {
        for line in ["watch npm test", "timeout 5 flock x y", "find . -delete", "/usr/bin/find . -exec rm x"] {
            assert!(
                texts(&words(line), &[], line).iter().all(|one| !one.allows || one.words[0].kind == WordKind::Power)
            );
        }
    }

    #[test]
    fn words_that_need_quotes_are_no_other_words() {
        let texts = texts(&[Word::data("git log"), Word::data("x")], &[], "'git log' x");
        let is_plain = |one: &CommandSpelling| one.words[0].text == "git log x";
        assert!(texts.iter().any(is_plain) && !texts.iter().any(|one| one.allows && is_plain(one)));
    }
}
