//! Programs on Windows, of which no file can be looked up here: where a command names one by its place, in a way that no
//! reader takes for another.

use std::collections::BTreeMap;

use countersign_policy::{Located, WordKind};
use countersign_shell::{Analysis, windows};

use crate::extract::Taken;
use crate::{hosts, located};

/// Names that stand for a device in every folder.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// The same with a digit behind them.
const PORTS: [&str; 2] = ["com", "lpt"];

/// The place of the line's only program. None where it is one of several commands, where bash and the shells of Windows
/// read other words, where the place could be said in another way, or where the line runs on this machine, on which it is
/// a file in the current folder: such a program is on no list.
pub(crate) fn programs(line: &str, analysis: &Analysis, of: &Taken<'_>) -> BTreeMap<String, Located> {
    let elsewhere = |program: &str| !hosts::runs_here(&of.call.host) && located::find(program, true, of).is_none();
    place(line, analysis).filter(|(program, _)| elsewhere(program)).into_iter().collect()
}

fn place(line: &str, analysis: &Analysis) -> Option<(String, Located)> {
    let [command] = &*analysis.commands else { return None };
    let words = windows::words(line).ok().filter(|_| analysis.unknown.is_empty())?;
    let same = words.len() == command.words.len()
        && words.iter().zip(&command.words).all(|(its, word)| *its == word.text && word.kind != WordKind::Dynamic);
    let program = command.words.first().filter(|_| same)?.text.clone();
    let at = Located { found: program.clone(), real: program.clone() };
    is_plain(&program).then_some((program, at))
}

/// Whether this is a place from a drive on, of a program that starts as it is, in the only spelling that Windows takes for
/// it beside the case of letters and the kind of slash.
fn is_plain(path: &str) -> bool {
    let mut chars = path.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && chars.next().is_some_and(|c| matches!(c, '/' | '\\'));
    let rest = chars.as_str();
    let program = rest.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    drive && program.strip_suffix(".exe").is_some_and(|name| !name.is_empty()) && rest.split(['/', '\\']).all(is_name)
}

/// Whether it is a file's name, as Windows keeps it: no device, no stream, nothing at its end that is dropped, no short
/// form of a longer one.
fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || "<>:\"|?*".contains(c) || is_lookalike(c);
    let short = || name.split('~').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !name.is_empty() && !name.ends_with(['.', ' ']) && !name.contains(odd) && !short() && !is_device(name)
}

/// Whether one reader takes a letter for one of ASCII and another does not: the sign for kelvin.
fn is_lookalike(c: char) -> bool {
    !c.is_ascii() && (c.to_lowercase().chain(c.to_uppercase())).any(|other| other.is_ascii())
}

fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    let port = |rest: &str| rest.chars().count() == 1 && rest.chars().all(|c| c.is_numeric());
    DEVICES.contains(&&*stem) || PORTS.iter().any(|name| stem.strip_prefix(name).is_some_and(port))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_place_with_one_spelling_is_one() {
        for path in [
            r"C:\Tools\git.exe",
            "c:/tools/GIT.EXE",
            r"D:\Program Files (x86)\a.b\x.exe",
            r"C:\Users\José\x.exe",
            r"C:\a~b\comx.exe",
        ] {
            assert!(is_plain(path), "{path}");
        }
    }

    /// Windows opens each of these as another file than its text says, or might.
    #[test]
    fn a_place_that_could_be_another_is_none() {
        for path in [
            r"\\?\C:\Tools\git.exe",
            r"\\.\C:\Tools\git.exe",
            r"\??\C:\Tools\git.exe",
            r"\\server\share\git.exe",
            "//server/share/git.exe",
            r"C:git.exe",
            r"\Tools\git.exe",
            "git.exe",
            r"C:\Tools\..\evil.exe",
            r"C:\Tools\.\git.exe",
            r"C:\Tools\\git.exe",
            r"C:\Tools.\git.exe",
            r"C:\Tools \git.exe",
            r"C:\Tools\git.exe.",
            "C:\\Tools\\git.exe ",
            r"C:\PROGRA~1\git.exe",
            r"C:\Tools\GIT~1.EXE",
            r"C:\Tools\git.exe:evil.exe",
            r"C:\Tools\a:b\git.exe",
            r"C:\Tools\nul.exe",
            r"C:\CON\git.exe",
            r"C:\Tools\com1.x.exe",
            "C:\\Tools\\com\u{b9}.exe",
            r"C:\Tools\g?t.exe",
            "C:\\Tools\\\u{212a}.exe",
            "C:\\Tools\\g\u{1}t.exe",
            r"C:\Tools\git",
            r"C:\Tools\git.cmd",
            r"C:\Tools\.exe",
            r"C:\Tools\git.exe\",
            r"CC:\Tools\git.exe",
            "",
        ] {
            assert!(!is_plain(path), "{path:?}");
        }
    }
}
