//! Countersign in a world: installed as the host's hook, with a policy, and served as a page that a person answers on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::claude_code::World;
use super::page::Page;
use super::{http, wait_for};

/// The program under test.
pub(super) struct Gate {
    /// Where it was built.
    pub(super) program: PathBuf,
}

/// How long a yes lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lasts {
    Once,
    Session,
    Project,
}

/// A running server with one person in front of its page.
pub(super) struct Server {
    process: Started,
    port: u16,
    cookie: String,
    /// Where the page of this person lies.
    inbox: String,
    /// The page's event stream: what makes the person a listener.
    _events: BufReader<TcpStream>,
}

/// A process that holds the store.
pub(super) struct Lock {
    _process: Started,
}

/// A process that ends with whoever needed it.
struct Started {
    child: Child,
}

impl Gate {
    /// Registers the hook as `countersign init` does, and writes the person's policy.
    pub(super) fn install(&self, world: &World, policy: &str) -> Result<()> {
        let file = Self::policy_file(world);
        std::fs::create_dir_all(file.parent().unwrap_or(&file))?;
        std::fs::write(&file, policy)?;
        self.register(world)
    }

    /// The same, with further words for the registered hook.
    pub(super) fn install_with(&self, world: &World, policy: &str, words: &str) -> Result<()> {
        self.install(world, policy)?;
        self.replace_command(world, &format!("{{hook}} {words}"))
    }

    /// Registers another command in the place of ours: `{program}` is the program, `{hook}` the registered command.
    pub(super) fn replace_command(&self, world: &World, line: &str) -> Result<()> {
        let file = settings_file(world);
        let mut settings: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        let program = self.program.display().to_string();
        let mut replaced = 0;
        let events = settings.get_mut("hooks").and_then(Value::as_object_mut).context("no hooks are registered")?;
        for matcher in events.values_mut().filter_map(Value::as_array_mut).flatten() {
            for handler in matcher.get_mut("hooks").and_then(Value::as_array_mut).into_iter().flatten() {
                let Some(Value::String(command)) = handler.get_mut("command") else { continue };
                *command = line.replace("{hook}", command).replace("{program}", &program);
                replaced += 1;
            }
        }
        if replaced == 0 {
            bail!("no command is registered in {}", file.display());
        }
        std::fs::write(&file, settings.to_string())?;
        Ok(())
    }

    fn register(&self, world: &World) -> Result<()> {
        let output = self.at_a_terminal(world, "init --yes")?;
        if !settings_file(world).is_file() {
            bail!("`countersign init --yes` wrote no settings: {output}");
        }
        Ok(())
    }

    /// Runs what wants a person at a terminal: `script` lends it one. Gives what it printed.
    fn at_a_terminal(&self, world: &World, words: &str) -> Result<String> {
        let mut command = self.command(world, Path::new("script"));
        let line = format!("'{}' {words}", self.program.display());
        let output = command.args(["-qec", &line, "/dev/null"]).output().context("script is not installed")?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("`countersign {words}` ended with {}: {said}", output.status);
        }
        Ok(said)
    }

    fn command(&self, world: &World, program: &Path) -> Command {
        let mut command = world.clean(program);
        command.env("CLAUDE_CONFIG_DIR", world.home().join(".claude"));
        command
    }

    /// The person's policy file.
    pub(super) fn policy_file(world: &World) -> PathBuf {
        world.home().join(".config/countersign/countersign.toml")
    }

    /// Where the store is.
    pub(super) fn data_folder(world: &World) -> PathBuf {
        world.home().join(".local/share/countersign")
    }

    /// The store itself, which must exist.
    pub(super) fn store_file(world: &World) -> Result<PathBuf> {
        let file = Self::data_folder(world).join("countersign.db");
        if !file.is_file() {
            bail!("there is no store at {}", file.display());
        }
        Ok(file)
    }

    /// Locks the store as a writer in the middle of its work would, until the lock is dropped.
    pub(super) fn lock(store: &Path) -> Result<Lock> {
        let child = Command::new("sqlite3")
            .arg(store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("sqlite3 is not installed: apt-get install sqlite3")?;
        let mut process = Started { child };
        let input = process.child.stdin.as_mut().context("sqlite3 has no input")?;
        input.write_all(b"PRAGMA locking_mode=EXCLUSIVE;\nBEGIN EXCLUSIVE;\nSELECT 'locked';\n")?;
        input.flush()?;
        let mut said = BufReader::new(process.child.stdout.take().context("sqlite3 has no output")?);
        let mut line = String::new();
        while line.trim() != "locked" {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                bail!("sqlite3 could not lock {}", store.display());
            }
        }
        Ok(Lock { _process: process })
    }

    /// Serves the page, signs a person in, and opens the page's event stream.
    pub(super) fn serve(&self, world: &World) -> Result<Server> {
        let serve = ["serve", "--port", "0"];
        let child = self.command(world, &self.program).args(serve).stdout(Stdio::null()).spawn()?;
        let mut started = Started { child };
        let address = Self::data_folder(world).join("server.json");
        let id = format!("\"process\":{}", started.child.id());
        wait_for("the server's start", || {
            if let Some(status) = started.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            let text = std::fs::read_to_string(&address).unwrap_or_default();
            Ok(text.replace(char::is_whitespace, "").contains(&id).then_some(()))
        })?;
        let output = self.at_a_terminal(world, "open")?;
        let link = output.split_whitespace().find(|word| word.starts_with("http://") && word.contains("code="));
        let link = link.with_context(|| format!("`countersign open` gave no link: {output}"))?;
        let (port, code) = parse_link(link).with_context(|| format!("`{link}` is no link to sign in with"))?;
        let origin = format!("http://127.0.0.1:{port}");
        let form = [("content-type", FORM), ("origin", origin.as_str())];
        let answer = http::request(port, "POST", "/signin", &form, &format!("code={code}"))?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let cookie = cookie.with_context(|| format!("signing in gave `{}`: {}", answer.first, answer.body))?;
        let inbox = answer.header("location").context("signing in leads nowhere")?.to_owned();
        let mut events = http::open(port, "GET", &format!("{inbox}events"), &[("cookie", &cookie)], "")?;
        let head = http::read_head(&mut events)?.context("no event stream")?;
        if head.status() != 200 {
            bail!("the event stream gave `{}`", head.first);
        }
        Ok(Server { process: started, port, cookie, inbox, _events: events })
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn settings_file(world: &World) -> PathBuf {
    world.home().join(".claude/settings.json")
}

fn parse_link(link: &str) -> Option<(u16, &str)> {
    let (host, path) = link.strip_prefix("http://")?.split_once('/')?;
    let (_, port) = host.rsplit_once(':')?;
    let (_, code) = path.split_once("code=")?;
    Some((port.parse().ok()?, code))
}

impl Server {
    /// Waits until the page shows an open question with this text; gives its id.
    pub(super) fn question(&self, text: &str) -> Result<String> {
        wait_for(&format!("a question about `{text}` on the page"), || self.shown(text, None))
    }

    /// The same, for a question that is not the one answered before.
    pub(super) fn question_after(&self, before: &str, text: &str) -> Result<String> {
        wait_for(&format!("a new question about `{text}` on the page"), || self.shown(text, Some(before)))
    }

    fn shown(&self, text: &str, before: Option<&str>) -> Result<Option<String>> {
        let page = self.page()?;
        Ok(page
            .questions()
            .find(|question| question.says(text) && Some(question.id()) != before)
            .map(|q| q.id().to_owned()))
    }

    fn page(&self) -> Result<Page> {
        let answer = http::request(self.port, "GET", &self.inbox, &[("cookie", &self.cookie)], "")?;
        if answer.status() != 200 {
            bail!("the page gave `{}`: {}", answer.first, answer.body);
        }
        Ok(Page::new(answer.body))
    }

    /// Says yes, and to remember it, what the form offers first.
    pub(super) fn allow(&self, question: &str, lasts: Lasts) -> Result<()> {
        let answer = match lasts {
            Lasts::Once => "once",
            Lasts::Session => "session",
            Lasts::Project => "project",
        };
        self.press(question, answer, "")
    }

    /// Says no, with a word to the agent.
    pub(super) fn deny(&self, question: &str, feedback: &str) -> Result<()> {
        self.press(question, "deny", feedback)
    }

    /// Says yes to other arguments, which the API takes.
    pub(super) fn allow_as(&self, question: &str, args: &Value) -> Result<()> {
        let (_, secret) = self.cookie.split_once('=').context("the cookie holds no secret")?;
        let bearer = format!("Bearer {secret}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let body = json!({ "outcome": "allow", "args": args }).to_string();
        let answer = http::request(self.port, "POST", &format!("/v1/approvals/{question}/reply"), &headers, &body)?;
        if answer.status() != 200 {
            bail!("the answer gave `{}`: {}", answer.first, answer.body);
        }
        Ok(())
    }

    /// Sends the form as a browser without script would: every field as it stands, and the button pressed.
    fn press(&self, question: &str, button: &str, feedback: &str) -> Result<()> {
        let page = self.page()?;
        let shown = page.questions().find(|shown| shown.id() == question);
        let shown = shown.with_context(|| format!("question {question} is not on the page"))?;
        let mut fields = shown.fields()?;
        if !shown.has_button(button) {
            bail!("the form has no button `{button}`");
        }
        fields.push(("answer".to_owned(), button.to_owned()));
        fields.push(("feedback".to_owned(), feedback.to_owned()));
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let origin = format!("http://127.0.0.1:{}", self.port);
        let headers = [("content-type", FORM), ("origin", origin.as_str()), ("cookie", self.cookie.as_str())];
        let answer = http::request(self.port, "POST", &format!("{}answer", self.inbox), &headers, &body.join("&"))?;
        if !(200..400).contains(&answer.status()) {
            bail!("the answer gave `{}`: {}", answer.first, answer.body);
        }
        Ok(())
    }

    /// Ends the server as a person would.
    pub(super) fn stop(mut self) -> Result<()> {
        let ended = Command::new("kill").args(["-INT", &self.process.child.id().to_string()]).status()?;
        if !ended.success() {
            bail!("could not stop the server");
        }
        wait_for("the server's end", || Ok(self.process.child.try_wait()?)).map(|_| ())
    }

    /// Ends the server as a crash would.
    pub(super) fn kill(mut self) -> Result<()> {
        self.process.child.kill()?;
        self.process.child.wait()?;
        Ok(())
    }
}

/// A form's field, percent-encoded.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded + &char::from(byte).to_string(),
        _ => format!("{encoded}%{byte:02X}"),
    })
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
