//! The words of a line for PowerShell or cmd; and an argument escaped for them reads as that argument.

use countersign_shell::windows::words;

use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "windows-shell",
        compares: "the words of a line, or that there are none; a word that they escape reads as that word, and one that they cannot escape is refused in quotes",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let (text, theirs) = match case.request["value"].as_str() {
        None => (case.text("command").to_owned(), texts(&case.expect["argv"])),
        Some(value) => {
            let quoted = format!("\"{}\"", value.replace('"', "\"\""));
            (case.expect["escaped"].as_str().unwrap_or(&quoted).to_owned(), vec![value.to_owned()])
        }
    };
    match (case.expect["ok"] == true, words(&text)) {
        (true, Ok(ours)) if ours == theirs => Vec::new(),
        (false, Err(_)) => Vec::new(),
        (true, Ok(ours)) if text.contains("\"\"") => {
            vec![Difference::stricter("words", format!("{theirs:?}"), format!("{ours:?}"))]
        }
        (true, Ok(ours)) => vec![Difference::looser("words", format!("{theirs:?}"), format!("{ours:?}"))],
        (true, Err(why)) => vec![Difference::stricter("words", format!("{theirs:?}"), why)],
        (false, Ok(ours)) => vec![Difference::looser("words", "refused", format!("{ours:?}"))],
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "a line break is no part of a word",
        inputs: "an argument with a line break, escaped for the shell",
        answer: "no words",
        why: "cmd ends the command there; theirs refuses it in a line, and escapes it nevertheless",
        side: Side::Stricter,
        explains: |case, _| case.text("value").contains(['\n', '\r']),
    },
    Rule {
        name: "marks that only one of the two shells reads",
        inputs: "`'`, `{`, `}`, `@`, `,`, a `#` before a word, quotes and dashes of typography",
        answer: "no words",
        why: "which of PowerShell and cmd runs the text is not known, and they read it differently",
        side: Side::Stricter,
        explains: |case, _| {
            let text = format!("{}{}", case.text("command"), case.text("value"));
            text.contains(['\'', '{', '}', '@', ',', '#', '\u{201C}', '\u{201D}', '\u{2013}', '\u{2019}'])
        },
    },
    Rule {
        name: "options of PowerShell before its command",
        inputs: "options that are not known to leave alone what runs (`-WorkingDirectory`)",
        answer: "no words",
        why: "what follows may run elsewhere, or be something else than a command",
        side: Side::Stricter,
        explains: |case, _| {
            let text = case.text("command").to_ascii_lowercase();
            (text.starts_with("powershell") || text.starts_with("pwsh")) && text.contains(" -")
        },
    },
    Rule {
        name: "a doubled quote is a quote, and two quotes are an empty word",
        inputs: "`\"\"` in or as a word",
        answer: "the word with a quote in it, or an empty word",
        why: "theirs drops both, and judges another command than runs",
        side: Side::Stricter,
        explains: |case, _| case.text("command").contains("\"\""),
    },
];
