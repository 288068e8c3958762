//! Programs that run the code which their arguments name.

/// Judged by what they are given to run, never by an entry for themselves.
const SHELLS: [&str; 16] = [
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "osh", "sh", "tcsh", "xonsh", "yash", "zsh",
    "pwsh",
];
/// The same on Windows alone.
const WINDOWS_SHELLS: [&str; 3] = ["cmd", "powershell", "wsl"];
/// What the Windows node refused to remember before it bound entries to arguments: an entry of that time which names one
/// of these without a binding is taken for one that nobody meant.
const RUN_CODE: &[&str] = &[
    "ash",
    "bash",
    "bitsadmin",
    "bun",
    "certutil",
    "cmd",
    "cmstp",
    "csc",
    "cscript",
    "csi",
    "dash",
    "deno",
    "dnx",
    "dotnet",
    "fish",
    "forfiles",
    "fsharpi",
    "fsi",
    "groovy",
    "hh",
    "ieexec",
    "installutil",
    "java",
    "javaw",
    "jruby",
    "jshell",
    "ksh",
    "lua",
    "luajit",
    "mavinject",
    "msbuild",
    "msdt",
    "mshta",
    "msiexec",
    "msxsl",
    "node",
    "nodejs",
    "odbcconf",
    "pcalua",
    "perl",
    "php",
    "powershell",
    "presentationhost",
    "pwsh",
    "py",
    "pypy",
    "python",
    "pythonw",
    "pyw",
    "qjs",
    "r",
    "rcsi",
    "regasm",
    "regsvcs",
    "regsvr32",
    "rscript",
    "ruby",
    "rundll32",
    "scriptrunner",
    "sh",
    "tclsh",
    "vbc",
    "winrs",
    "wish",
    "wmic",
    "wscript",
    "wsl",
    "xwizard",
    "zsh",
];
/// The same with any version behind the name.
const VERSIONED: &[&str] = &["pypy", "python", "pythonw"];

/// Whether a program of this name, in lower case, is a shell.
pub(super) fn is_shell(name: &str, on_windows: bool) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    SHELLS.contains(&name) || on_windows && WINDOWS_SHELLS.contains(&name)
}

/// Whether a program of this name, in lower case, runs code.
pub(super) fn runs_code(name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let version = |rest: &str| rest.chars().all(|c| c == '.' || c.is_numeric()) && rest.chars().any(char::is_numeric);
    RUN_CODE.contains(&name) || VERSIONED.iter().any(|known| name.strip_prefix(known).is_some_and(version))
}
