//! Programs that stand in front of the system's own of the same name.

use crate::Files;
use crate::paths::{Places, below, join};

/// Folders whose programs only the system's administrator puts there.
const SYSTEM: [&str; 5] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"];
/// Folders that everybody writes to.
const OPEN: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Where a program would be found that takes the place of the system's: in the workspace or in a folder that everybody
/// writes to, which `PATH` names first. None where the name is a path, or where there is no such folder.
pub(crate) fn by(program: &str, path: Option<&String>, places: &Places, files: &dyn Files) -> Option<String> {
    let path = path.filter(|_| !program.is_empty() && !program.contains('/'))?;
    let open: Vec<String> = path
        .split(':')
        .take_while(|folder| !SYSTEM.contains(folder))
        .map(|folder| join(&places.cwd, folder))
        .filter(|folder| is_open(folder, places))
        .collect();
    let is_file = |folder: &str| files.meta(&join(folder, program)).is_some_and(|meta| !meta.is_dir);
    let found = open.into_iter().find(|folder| is_file(folder))?;
    SYSTEM.iter().any(|folder| is_file(folder)).then(|| join(&found, program))
}

fn is_open(folder: &str, places: &Places) -> bool {
    std::iter::once(places.project.as_str())
        .chain(places.workspace())
        .chain(OPEN)
        .any(|open| below(folder, open).is_some())
}
