//! Commands that the Windows node never remembers, as far as their words say so.

/// What a shell of Windows does itself, beside starting programs.
const SHELLS: [&str; 11] = ["ash", "bash", "dash", "fish", "ksh", "powershell", "pwsh", "sh", "zsh", "mksh", "yash"];

/// Why the Windows node would remember no answer about this command; `None` where its words do not say. Which files
/// there are is not looked at.
pub fn unbindable(words: &[&str]) -> Option<&'static str> {
    let Some(program) = words.first() else { return Some("empty-command") };
    if words.iter().any(|word| word.contains('\0')) {
        return Some("argument-contains-nul");
    }
    let place = program.trim().replace('\\', "/");
    let name = place.rsplit('/').next().unwrap_or_default().to_lowercase();
    let bare = name.strip_suffix(".exe").unwrap_or(&name);
    match bare {
        "cmd" => {
            let switches = ["/d", "/s", "/c"];
            let is_form = words.len() > 4
                && words.iter().skip(1).zip(switches).all(|(word, switch)| word.eq_ignore_ascii_case(switch));
            (!is_form).then_some("non-canonical-cmd-carrier")
        }
        "env" if words.iter().skip(1).any(|word| word.starts_with('-') || word.contains('=')) => {
            Some("env-wrapper-has-modifiers")
        }
        "env" => words.get(1..).filter(|inner| !inner.is_empty()).map_or(Some("executable-not-resolved"), unbindable),
        _ if SHELLS.contains(&bare) => Some("shell-wrapper"),
        "" => Some("executable-not-resolved"),
        _ if place.starts_with("//") => Some("executable-on-network-path"),
        _ if name.contains('.') && !name.ends_with(".exe") => Some("executable-not-bindable"),
        _ => None,
    }
}
