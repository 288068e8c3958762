//! Runs the real Claude Code, without network or account, in a home folder of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::model::{Model, ToolResult, Turn};

const PACKAGE: &str = "@anthropic-ai/claude-code-linux-x64";
const VERSION: &str = "2.1.329";
const LIMIT: Duration = Duration::from_secs(90);

/// Where the client lies: `COUNTERSIGN_CLAUDE`, or where our instructions install it.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("COUNTERSIGN_CLAUDE") {
        return Ok(PathBuf::from(named));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).context("HOME is not set")?;
    let installed = home.join(".cache/countersign-clients/node_modules").join(PACKAGE).join("claude");
    if !installed.is_file() {
        bail!(
            "Claude Code is not there. Install it with: npm i --prefix ~/.cache/countersign-clients {PACKAGE}@{VERSION}"
        );
    }
    Ok(installed)
}

/// A machine in a folder: a home and a project, both new.
pub(crate) struct World {
    folder: PathBuf,
    client: PathBuf,
}

/// What a finished run left.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What the model read for its calls.
    pub(crate) results: Vec<ToolResult>,
    /// What the client printed.
    pub(crate) output: String,
}

impl Outcome {
    /// What the client said of the run's end.
    pub(crate) fn end(&self) -> Result<Value> {
        let mut lines = self.output.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let end = lines.find(|line| line.get("type").and_then(Value::as_str) == Some("result"));
        end.with_context(|| format!("the client said no result: {}", self.output))
    }

    /// The result of the first call.
    pub(crate) fn first(&self) -> Result<&ToolResult> {
        self.results.first().with_context(|| format!("no result reached the model; the client said: {}", self.output))
    }
}

/// A client at work.
pub(crate) struct Running {
    child: Child,
    model: Model,
    output: PathBuf,
    started: Instant,
}

impl World {
    /// Makes the folders anew; the project is a git repository with one file.
    pub(crate) fn new(client: &Path, name: &str) -> Result<Self> {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = std::env::temp_dir().join(format!("countersign-hosts-{}", std::process::id())).join(plain);
        let world = Self { folder, client: client.to_owned() };
        for folder in [world.home().join(".claude"), world.project(), world.folder.join("tmp")] {
            std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        std::fs::write(world.project().join("notes.txt"), "a line of the project\n")?;
        let git = world.clean(Path::new("git")).args(["init", "-q"]).status().context("git is not installed")?;
        if !git.success() {
            bail!("git init ended with {git}");
        }
        Ok(world)
    }

    /// The person's home folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The folder that the agent works in.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.join("project")
    }

    /// Whether the project holds a file: how we see that a command ran.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.project().join(file).exists()
    }

    /// A program in the project, with nothing of our own environment.
    pub(crate) fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TMPDIR", self.folder.join("tmp"))
            .env("TERM", "dumb")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Starts the client on a script; `Bash` is allowed by the host itself, so that whatever passes the hook runs.
    pub(crate) fn start(&self, turns: Vec<Turn>) -> Result<Running> {
        self.launch(turns, self.clean(&self.client), &["go on"])
    }

    /// As `start`, in mounts of its own, after a shell script that arranges them (`$HOME` is the person's home).
    pub(crate) fn start_with_mounts(&self, turns: Vec<Turn>, arrange: &str) -> Result<Running> {
        let mut command = self.clean(Path::new("unshare"));
        command.args(["--mount", "--map-root-user", "sh", "-ec"]);
        command.arg(format!("{arrange}\nexec \"$0\" \"$@\"")).arg(&self.client);
        self.launch(turns, command, &["go on"])
    }

    fn launch(&self, turns: Vec<Turn>, mut command: Command, prompt: &[&str]) -> Result<Running> {
        let model = Model::play(turns)?;
        let output = self.folder.join("output.jsonl");
        let written = File::create(&output)?;
        command
            .env("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{}", model.port))
            .env("ANTHROPIC_API_KEY", "of-no-account")
            .env("CLAUDE_CONFIG_DIR", self.home().join(".claude"))
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            .arg("-p")
            .args(prompt)
            .args(["--model", "mock-model", "--output-format", "stream-json", "--verbose"])
            .args(["--allowedTools", "Bash"])
            .stdout(written.try_clone()?)
            .stderr(written);
        let child = command.spawn().with_context(|| format!("could not start {}", self.client.display()))?;
        Ok(Running { child, model, output, started: Instant::now() })
    }

    /// Runs the client on a script to its end.
    pub(crate) fn run(&self, turns: Vec<Turn>) -> Result<Outcome> {
        self.start(turns)?.finish()
    }

    /// Takes a session up where it stopped, in a process of its own, and runs it to its end.
    pub(crate) fn resume(&self, session: &str, turns: Vec<Turn>) -> Result<Outcome> {
        self.launch(turns, self.clean(&self.client), &["--resume", session])?.finish()
    }

    /// Throws the folders away.
    pub(crate) fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// Where the folders are, for a person who looks into a failure.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Running {
    /// Waits for the client's end.
    pub(crate) fn finish(mut self) -> Result<Outcome> {
        while self.child.try_wait()?.is_none() {
            if self.started.elapsed() > LIMIT {
                bail!("the client did not end within {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = std::fs::read_to_string(&self.output).unwrap_or_default();
        Ok(Outcome { results: self.model.results(), output })
    }

    /// Lets the model play what it holds back.
    pub(crate) fn go_on(&self) {
        self.model.go_on();
    }

    /// Waits until the model has read the result of so many calls.
    pub(crate) fn results(&self, count: usize) -> Result<Vec<ToolResult>> {
        super::wait_for("a tool's result", || Ok(Some(self.model.results()).filter(|found| found.len() >= count)))
    }

    /// Whether the client has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    /// A client that is given up ends, so that no process stays behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
