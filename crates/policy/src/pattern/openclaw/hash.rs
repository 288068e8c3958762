//! Arguments as hashes.

use super::{CWD_HASH, HASH, Machine};
use crate::digest::sha256_hex;

/// What binds an entry to these arguments, and to the folder that they are used in.
pub fn cwd_bound_hash(args: &[&str], cwd: &str, on: Machine) -> String {
    let cwd = normal(cwd, on);
    let subject = format!("{}\0{cwd}\0{}", cwd.len(), each(args));
    format!("{CWD_HASH}{}", sha256_hex(subject.as_bytes()))
}

/// The Windows node's first form: the arguments alone.
pub(super) fn plain(args: &[&str]) -> String {
    format!("{HASH}{}", sha256_hex(each(args).as_bytes()))
}

/// Each argument behind its length, so that no two lists read alike.
fn each(args: &[&str]) -> String {
    let args_each: String = args.iter().map(|arg| format!("{}\0{arg}\0", arg.len())).collect();
    format!("{}\0{args_each}", args.len())
}

/// A folder as the hash takes it, by text alone: a last slash stays.
fn normal(cwd: &str, on: Machine) -> String {
    if on == Machine::Windows {
        return windows(&cwd.replace('\\', "/"));
    }
    let normal = if cwd.is_empty() { ".".to_owned() } else { without_dots(cwd) };
    normal.replace('\\', "/")
}

/// The same on Windows: what stands before the first folder is no folder.
fn windows(path: &str) -> String {
    let mut chars = path.chars();
    let has_drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    let root = if has_drive { 2 } else { share(path) };
    let (root, rest) = path.split_at_checked(root).unwrap_or(("", path));
    match (root, rest) {
        ("", "") => ".".to_owned(),
        (root, "") if has_drive => format!("{root}."),
        (root, "") => format!("{root}/"),
        (root, rest) => format!("{root}{}", without_dots(rest)),
    }
}

/// The length of `//server/share`, if the path starts with one.
fn share(path: &str) -> usize {
    let Some(rest) = path.strip_prefix("//").filter(|rest| !rest.starts_with('/')) else { return 0 };
    let mut names = rest.splitn(3, '/');
    match (names.next(), names.next()) {
        (Some(server), Some(share)) if !server.is_empty() && !share.is_empty() => 3 + server.len() + share.len(),
        _ => 0,
    }
}

/// A path without `.`, `..` and empty names, as far as its text says; a last slash stays.
pub(super) fn without_dots(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if absolute => {}
            name => names.push(name),
        }
    }
    let last = if path.ends_with('/') && !names.is_empty() { "/" } else { "" };
    match (absolute, names.is_empty()) {
        (true, _) => format!("/{}{last}", names.join("/")),
        (false, true) if path.ends_with('/') => "./".to_owned(),
        (false, true) => ".".to_owned(),
        (false, false) => format!("{}{last}", names.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, normal, without_dots};

    #[test]
    fn folders_as_texts() {
        for (path, expected) in [
            ("/ws/./", "/ws/"),
            ("/ws/../ws", "/ws"),
            ("/", "/"),
            ("/..", "/"),
            ("a/..", "."),
            ("../a//b", "../a/b"),
            ("./", "./"),
        ] {
            assert_eq!(without_dots(path), expected, "{path}");
        }
        for (path, expected) in [
            (r"C:\ws", "C:/ws"),
            (r"C:\ws\..\x\", "C:/x/"),
            ("C:", "C:."),
            (r"\\server\share\a\..", "//server/share/"),
            (r"\\server\share", "//server/share/"),
            ("", "."),
        ] {
            assert_eq!(normal(path, Machine::Windows), expected, "{path}");
        }
        assert_eq!(normal(r"C:\ws\..", Machine::Linux), "C:/ws/..");
    }
}
