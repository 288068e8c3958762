//! A person's machine in a temporary folder, and the built program in it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// A home, a project, and nothing else in the environment.
pub(crate) struct World {
    folder: TempDir,
}

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The hook's decision, where it said one.
    pub(crate) fn decision(&self) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(&self.stdout).ok()?;
        let output = &value["hookSpecificOutput"];
        let decision = output["permissionDecision"].as_str().or_else(|| output["decision"]["behavior"].as_str());
        decision.map(str::to_owned)
    }
}

/// What runs in a terminal.
pub(crate) struct Running {
    folder: TempDir,
}

impl Running {
    /// Waits for its end.
    pub(crate) fn wait(self) -> Said {
        // The pipe opens when the other end is done.
        std::fs::read(self.folder.path().join("done")).unwrap();
        let code = std::fs::read_to_string(self.folder.path().join("code")).unwrap();
        let out = std::fs::read(self.folder.path().join("out")).unwrap();
        let stdout = String::from_utf8(out).unwrap().replace('\r', "");
        Said { code: code.trim().parse().ok(), stdout, stderr: String::new() }
    }
}

impl World {
    pub(crate) fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        for below in ["home/.claude", "project"] {
            std::fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        World { folder }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home().join(".local/share/countersign")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.data().join("countersign.db")
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.home().join(".config/countersign/countersign.toml")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.home().join(".claude/settings.json")
    }

    /// Writes the user's policy.
    pub(crate) fn with_policy(self, text: &str) -> World {
        write(&self.policy(), text);
        self
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("NO_COLOR", "1")
            .env("PATH", std::env::var("PATH").unwrap_or_default());
        command.current_dir(self.project());
        command
    }

    /// Runs the program without a terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(PROGRAM);
        command.args(arguments).stdin(Stdio::null());
        command.output().unwrap().into()
    }

    /// Runs the program in a terminal of its own, as a human would; `keys` is what they type.
    pub(crate) fn run_in_terminal(&self, arguments: &str, keys: &str) -> Said {
        self.in_terminal(&format!("'{PROGRAM}' {arguments}"), keys)
    }

    /// Runs a line of the shell in a terminal of its own.
    pub(crate) fn in_terminal(&self, line: &str, keys: &str) -> Said {
        self.start_in_terminal(line, keys).wait()
    }

    /// The same, without waiting for its end. The terminal is cut loose from the test's own parents: those may well be
    /// an agent's host.
    pub(crate) fn start_in_terminal(&self, line: &str, keys: &str) -> Running {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        assert!(Command::new("mkfifo").arg(at("done")).status().unwrap().success());
        let script = format!(
            "printf '%s' '{keys}' | script -qec \"{line}\" /dev/null > '{}' 2>&1; echo $? > '{}'; echo > '{}'",
            at("out"),
            at("code"),
            at("done")
        );
        let mut command = self.command("setsid");
        command.args(["--fork", "sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success());
        Running { folder }
    }

    /// Runs the hook on these bytes.
    pub(crate) fn hook_with(&self, arguments: &[&str], event: &[u8]) -> Said {
        let mut command = self.command(PROGRAM);
        command.arg("hook").args(arguments);
        feed(command, event)
    }

    /// Runs the hook for Claude Code on this event.
    pub(crate) fn hook(&self, event: &str) -> Said {
        self.hook_with(&["claude-code"], event.as_bytes())
    }

    /// An event about a command.
    pub(crate) fn event(&self, name: &str, command: &str, id: &str) -> String {
        serde_json::json!({
            "session_id": "s1", "transcript_path": "/t", "cwd": self.project(), "prompt_id": "p1",
            "permission_mode": "default", "hook_event_name": name, "tool_name": "Bash",
            "tool_input": {"command": command, "description": "d"}, "tool_use_id": id,
        })
        .to_string()
    }
}

/// Starts a command, gives it its input, and waits for it.
pub(crate) fn feed(mut command: Command, input: &[u8]) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends early closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
