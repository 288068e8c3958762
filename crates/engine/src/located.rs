//! Where the programs of a command are.

use std::collections::BTreeMap;

use countersign_policy::{Located, WordKind};
use countersign_shell::Command;

use crate::extract::{Taken, expand_home};
use crate::paths::join;

/// The places of the programs that the command's spellings begin with, as the shell would find them. `alone`: no other
/// command of the line could have changed the folder. What is not found, or not for certain, is not among them.
pub(crate) fn programs(command: &Command, alone: bool, of: &Taken<'_>) -> BTreeMap<String, Located> {
    let others = command.spellings.iter().map(|spelling| &spelling.words);
    let first = std::iter::once(&command.words).chain(others).filter_map(|words| words.first());
    let known: Vec<&str> = first.filter(|word| word.kind != WordKind::Dynamic).map(|word| word.text.as_str()).collect();
    // A program that was written with its folder was not looked up by its name, though it may be spelled so.
    let has_folder =
        |name: &str| known.iter().any(|other| other.rsplit_once('/').is_some_and(|(_, last)| last == name));
    let looked_up = known.iter().filter(|name| !has_folder(name));
    looked_up.filter_map(|name| Some(((*name).to_owned(), find(name, alone, of)?))).collect()
}

/// Where this machine would find a program.
pub(crate) fn find(program: &str, alone: bool, of: &Taken<'_>) -> Option<Located> {
    if program.contains('/') {
        let path = expand_home(program, &of.places.home)?;
        return if alone || path.starts_with('/') { at(&join(&of.places.cwd, &path), of) } else { None };
    }
    // A folder that depends on the current one could be any.
    let folders = of.call.environment.get("PATH")?.split(':').take_while(|folder| folder.starts_with('/'));
    folders.map(|folder| join(folder, program)).find_map(|path| at(&path, of))
}

/// The program at a path, if one is there that can be run.
fn at(path: &str, of: &Taken<'_>) -> Option<Located> {
    let real = of.files.real_path(path)?;
    let meta = of.files.meta(&real)?;
    (!meta.is_dir && meta.mode & 0o111 != 0).then(|| Located { found: path.to_owned(), real })
}
