//! Claude Code's patterns over commands of PowerShell.

use std::borrow::Cow;

use super::glob::{Case, folded};
use super::wildcard::{Dialect, Wildcard};

/// Short names of commands and what they stand for, in lower case. Which of them Claude Code knows is not public; these
/// are PowerShell's own for what reads, writes, runs and fetches.
const ALIASES: [(&str, &str); 48] = [
    ("cat", "get-content"),
    ("cd", "set-location"),
    ("chdir", "set-location"),
    ("clc", "clear-content"),
    ("clear", "clear-host"),
    ("cls", "clear-host"),
    ("copy", "copy-item"),
    ("cp", "copy-item"),
    ("cpi", "copy-item"),
    ("curl", "invoke-webrequest"),
    ("del", "remove-item"),
    ("dir", "get-childitem"),
    ("echo", "write-output"),
    ("erase", "remove-item"),
    ("foreach", "foreach-object"),
    ("gc", "get-content"),
    ("gci", "get-childitem"),
    ("gi", "get-item"),
    ("gl", "get-location"),
    ("gps", "get-process"),
    ("gsv", "get-service"),
    ("icm", "invoke-command"),
    ("iex", "invoke-expression"),
    ("ii", "invoke-item"),
    ("irm", "invoke-restmethod"),
    ("iwr", "invoke-webrequest"),
    ("kill", "stop-process"),
    ("ls", "get-childitem"),
    ("md", "mkdir"),
    ("mi", "move-item"),
    ("move", "move-item"),
    ("mv", "move-item"),
    ("ni", "new-item"),
    ("ps", "get-process"),
    ("pwd", "get-location"),
    ("rd", "remove-item"),
    ("ren", "rename-item"),
    ("ri", "remove-item"),
    ("rm", "remove-item"),
    ("rmdir", "remove-item"),
    ("rni", "rename-item"),
    ("saps", "start-process"),
    ("sc", "set-content"),
    ("sl", "set-location"),
    ("spps", "stop-process"),
    ("start", "start-process"),
    ("type", "get-content"),
    ("wget", "invoke-webrequest"),
];

/// A pattern over commands of PowerShell: `Get-ChildItem *`. Case counts for nothing, short names stand for the long ones.
///
/// A line is not parsed: an ask or a deny holds for any piece of it, an allow for a line of one plain command alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerShellPattern {
    wildcard: Wildcard,
}

impl PowerShellPattern {
    /// Compiles it; every text is one.
    pub fn compile(text: &str) -> PowerShellPattern {
        let text = text.trim();
        let text = text.strip_suffix(":*").map_or(Cow::Borrowed(text), |prefix| format!("{prefix} *").into());
        PowerShellPattern { wildcard: Wildcard::compile(Dialect::ClaudeCode, &canonical(&text)) }
    }

    pub(super) fn matches(&self, line: &str, case: Case) -> bool {
        match case {
            Case::Exact => {
                let is_plain = |c: char| c.is_alphanumeric() || " -_./:\\,=+%~*?'".contains(c);
                line.trim().chars().all(is_plain) && self.wildcard.matches(&canonical(line.trim()))
            }
            Case::Fold => {
                let pieces = line.split(['|', ';', '&', '\n', '(', ')', '{', '}']);
                pieces.chain([line]).any(|piece| self.wildcard.matches(&canonical(piece.trim())))
            }
        }
    }
}

/// In lower case, with the long name of the command.
fn canonical(command: &str) -> String {
    let command = folded(command).into_owned();
    let (name, rest) = match command.split_once(' ') {
        Some((name, rest)) => (name, Some(rest)),
        None => (&*command, None),
    };
    let bare = name.strip_suffix(".exe").unwrap_or(name);
    let long = ALIASES.iter().find(|(short, _)| *short == bare).map_or(name, |(_, long)| long);
    match rest {
        Some(rest) => format!("{long} {rest}"),
        None => long.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, PowerShellPattern};

    #[test]
    fn short_names_and_pieces() {
        let is = |pattern: &str, line: &str, case| PowerShellPattern::compile(pattern).matches(line, case);
        assert!(is("Get-ChildItem *", "gci C:\\x", Case::Exact) && is("get-childitem:*", "LS", Case::Exact));
        assert!(is("Remove-Item *", "Get-Item x | rm -Recurse", Case::Fold));
        assert!(!is("Get-ChildItem *", "gci; rm x", Case::Exact) && !is("Get-ChildItem *", "gci $(rm x)", Case::Exact));
        assert!(!is("Get-ChildItem *", "gcix", Case::Exact) && !is("Get-Item *", "& rm x", Case::Fold));
    }
}
