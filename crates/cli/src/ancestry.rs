//! Whether an agent's host is among the processes above this one.
//!
//! An agent runs as its human's user. What only a human may do is therefore refused to whatever a host has started,
//! however many shells lie between. It is one fence of several: a process that cuts itself loose from its parents is
//! met by the terminal that it then lacks, and by the rules that keep agents from calling this program at all.

/// What names an agent's host.
const PROGRAMS: &[&str] = &[
    "claude",
    "codex",
    "gemini",
    "opencode",
    "cursor-agent",
    "copilot",
    "aider",
    "amp",
    "crush",
    "droid",
    "goose",
    "kimi",
    "qwen",
];

/// Parts of a path that name a host whose program is a script.
const PATHS: &[&str] = &[
    "@anthropic-ai/claude-",
    "@github/copilot",
    "@google/gemini-cli",
    "@openai/codex",
    "@qwen-code/qwen-code",
    "claude/versions/",
    "opencode-ai",
];

/// Variables that hosts set for what they start.
pub(crate) const VARIABLES: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "OPENCODE",
    "QWEN_CODE",
];

/// How far up is looked: no terminal is deeper, and a chain that is longer is itself a reason to refuse.
const DEEPEST: usize = 64;

/// What is known of one process.
#[derive(Debug, Default, Clone)]
struct Process {
    parent: u32,
    name: String,
    /// Its program and the first of its arguments.
    words: Vec<String>,
    /// The names of the variables that it was started with.
    variables: Vec<String>,
}

/// The host above this process, in words for a human; `None` if there is none.
///
/// A process of its own that cannot be looked at counts as a host; a parent that is hidden belongs to another user.
pub(crate) fn host_above() -> Option<String> {
    if let Some(name) = VARIABLES.iter().find(|name| std::env::var_os(name).is_some()) {
        return Some(format!("an agent's host (it set {name})"));
    }
    let Some(this) = look(std::process::id()) else {
        return Some("a process that cannot be looked at".to_owned());
    };
    host_among(this.parent, look)
}

fn host_among(first: u32, look: impl Fn(u32) -> Option<Process>) -> Option<String> {
    let mut id = first;
    for _ in 0..DEEPEST {
        if id <= 1 {
            return None;
        }
        // A parent that belongs to another user may be hidden; a host runs as this one.
        let process = look(id)?;
        if let Some(why) = names_a_host(&process) {
            return Some(format!("{why} (process {id})"));
        }
        id = process.parent;
    }
    Some("more processes than a terminal ever lies under".to_owned())
}

fn names_a_host(process: &Process) -> Option<String> {
    let is_host = |name: &str| PROGRAMS.contains(&name.trim_end_matches(".js").to_ascii_lowercase().as_str());
    if is_host(&process.name) {
        return Some(format!("`{}`", process.name));
    }
    // A script's interpreter comes first, then its own options, then the script.
    for word in process.words.iter().take(6) {
        let path = word.replace('\\', "/");
        let base = path.rsplit('/').next().unwrap_or_default();
        let named_by_path = PATHS.iter().any(|part| path.contains(part));
        if named_by_path || (is_host(base) && (path.contains('/') || process.words.first() == Some(word))) {
            return Some(format!("`{base}`"));
        }
    }
    let variable = VARIABLES.iter().find(|name| process.variables.iter().any(|its| its == *name))?;
    Some(format!("`{}`, started by an agent's host (it has {variable})", process.name))
}

#[cfg(target_os = "linux")]
fn look(id: u32) -> Option<Process> {
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let stat = lossy(std::fs::read(format!("/proc/{id}/stat")).ok()?);
    // The name is in parentheses and may hold any character, parentheses too.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
    let parent = tail.split_whitespace().nth(1)?.parse().ok()?;
    let list = |file: &str| -> Vec<String> {
        let bytes = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    };
    let mut words: Vec<String> = list("cmdline").into_iter().take(5).collect();
    if let Ok(program) = std::fs::read_link(format!("/proc/{id}/exe")) {
        words.insert(0, program.to_string_lossy().into_owned());
    }
    let variables = list("environ");
    let variables = variables.iter().filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect();
    Some(Process { parent, name, words, variables })
}

#[cfg(not(target_os = "linux"))]
fn look(id: u32) -> Option<Process> {
    let ps = |column: &str| -> Option<String> {
        let mut command = std::process::Command::new("/bin/ps");
        let output = command.args(["-o", column, "-p", &id.to_string()]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let parent = ps("ppid=")?.parse().ok()?;
    let program = ps("comm=")?;
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let words = std::iter::once(program);
    let words = words.chain(ps("args=").unwrap_or_default().split_whitespace().take(5).map(str::to_owned)).collect();
    Some(Process { parent, name, words, variables: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(parent: u32, name: &str, words: &[&str]) -> Process {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Process { parent, name: name.to_owned(), words, variables: Vec::new() }
    }

    fn above(chain: &[Process]) -> Option<String> {
        host_among(100, |id| chain.get((id - 100) as usize).cloned())
    }

    #[test]
    fn a_terminal_has_no_host_above_it() {
        let chain = [process(101, "bash", &["/usr/bin/bash", "-bash"]), process(1, "tmux: server", &["tmux"])];
        assert_eq!(above(&chain), None);
        // Somebody's name, an editor with a host's file open, a folder called like a host: none of them is one.
        let chain = [process(101, "bash", &["/bin/bash"]), process(1, "vim", &["/usr/bin/vim", "claude"])];
        assert_eq!(above(&chain), None);
    }

    #[test]
    fn hosts_are_found_through_shells_and_interpreters() {
        let bash = || process(101, "bash", &["/usr/bin/bash", "-c", "countersign off 15m"]);
        for host in [
            process(1, "claude", &["/home/a/.local/bin/claude"]),
            process(1, "2.1.329", &["/home/a/.local/share/claude/versions/2.1.329"]),
            process(1, "node", &["/usr/bin/node", "/usr/lib/node_modules/@google/gemini-cli/dist/index.js"]),
            process(1, "node", &["/usr/bin/node", "--no-warnings", "/home/a/.npm/bin/gemini"]),
            process(1, "MainThread", &["/usr/bin/node", "node", "/usr/local/bin/codex"]),
            process(1, "codex", &["codex", "exec"]),
        ] {
            assert!(above(&[bash(), host.clone()]).is_some(), "{host:?}");
        }
    }

    #[test]
    fn a_variable_that_was_unset_on_the_way_is_still_seen_above() {
        let mut shell = process(1, "bash", &["/bin/bash"]);
        shell.variables = vec!["PATH".to_owned(), "CLAUDECODE".to_owned()];
        assert!(above(&[process(101, "env", &["env"]), shell]).unwrap().contains("CLAUDECODE"));
    }

    #[test]
    fn a_chain_without_end_counts_as_a_host() {
        assert!(host_among(2, |_| Some(process(2, "loop", &[]))).is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_looked_at() {
        let this = look(std::process::id()).unwrap();
        assert!(this.parent > 0 && !this.words.is_empty());
    }
}
