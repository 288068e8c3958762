//! Commands that the Windows node never remembers, as far as their words say so.

/// Programs that run what they are handed.
const SHELLS: [&str; 11] = ["ash", "bash", "dash", "fish", "ksh", "mksh", "powershell", "pwsh", "sh", "yash", "zsh"];
/// What `cmd` does itself.
const BUILTINS: [&str; 47] = [
    "assoc", "break", "call", "cd", "chdir", "cls", "color", "copy", "date", "del", "dir", "echo", "endlocal", "env",
    "erase", "exit", "for", "ftype", "goto", "if", "md", "mkdir", "mklink", "move", "path", "pause", "popd", "prompt",
    "pushd", "rd", "rem", "ren", "rename", "rmdir", "set", "setlocal", "shift", "start", "time", "title", "type",
    "ver", "verify", "vol", "dpath", "keys", "lh",
];

/// Why the Windows node would remember no answer about this command; `None` where its words do not say. Which files
/// there are is not looked at.
pub fn unbindable(words: &[&str]) -> Option<&'static str> {
    let (program, args) = words.split_first().map_or(("", &[][..]), |(program, args)| (*program, args));
    if words.is_empty() {
        return Some("empty-command");
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Some("argument-contains-nul");
    }
    let place = program.trim().replace('\\', "/").to_lowercase();
    let name = place.rsplit('/').next().unwrap_or_default();
    match name.strip_suffix(".exe").unwrap_or(name) {
        "cmd" => carried(&place, args),
        "env" if args.iter().any(|word| word.starts_with('-') || word.contains('=')) => {
            Some("env-wrapper-has-modifiers")
        }
        "env" if args.is_empty() => Some("executable-not-resolved"),
        "env" => unbindable(args),
        "" => Some("executable-not-resolved"),
        bare if SHELLS.contains(&bare) => Some("shell-wrapper"),
        _ if place.starts_with("//") => Some("executable-on-network-path"),
        _ if name.contains('.') && !name.ends_with(".exe") => Some("executable-not-bindable"),
        _ => None,
    }
}

/// The same of what `cmd` is handed: in one form only, and then the program in it.
fn carried(place: &str, args: &[&str]) -> Option<&'static str> {
    let is_form = args.len() > 3 && args.iter().zip(["/d", "/s", "/c"]).all(|(word, of)| word.eq_ignore_ascii_case(of));
    if !is_form {
        return Some("non-canonical-cmd-carrier");
    }
    if place.contains('/') && !place.contains("/system32/") {
        return Some("untrusted-cmd-carrier-image");
    }
    let line = args.get(3..).unwrap_or_default().join(" ");
    if line.contains(['&', '|', '<', '>', '^', '(', ')', '%', '!', '\'', '\n', '\r']) || line.trim().is_empty() {
        return Some("carrier-payload-not-static");
    }
    let first = line.split_whitespace().next().unwrap_or_default().trim_matches('"');
    let name = first.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    if BUILTINS.contains(&name.strip_suffix(".exe").unwrap_or(&name)) {
        return Some("carrier-payload-is-shell-builtin");
    }
    unbindable(&[first])
}
