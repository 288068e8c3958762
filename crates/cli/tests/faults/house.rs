//! A home with its policy, store and secrets, and the servers that run on it as processes of their own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{Open, Store, TokenRequest};
use serde_json::{Value, json};

use crate::world::{PROGRAM, World};

const POLICY: &str = "nobody = \"wait 10m\"\nask = [\"shell(git push *)\"]\n";
const USER: &str = "ada";
/// How long tokens and sign-ins count: longer than the clock is set forth and back.
const SECONDS: i64 = 43_200;

/// Where servers run.
pub(crate) struct House {
    world: World,
    /// What agents say who they are with; the place is the session's number.
    pub(crate) agents: Vec<String>,
    /// The same of people.
    pub(crate) people: Vec<String>,
    since: Mutex<Instant>,
    fresh: Condvar,
}

/// A server's process. Dropped, it is killed with SIGKILL, and has ended.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    said: BufReader<ChildStdout>,
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

impl House {
    /// A new store, with so many agents' tokens and so many signed-in people.
    pub(crate) fn new(agents: usize, people: usize) -> House {
        let world = World::new().with_policy(POLICY);
        let mut store = block_on(Store::open(&world.store(), Open::Cli)).unwrap();
        let agent = |number: usize| TokenRequest {
            name: "soak".to_owned(),
            user: USER.to_owned(),
            session: format!("countersign:a{number}"),
            project: None,
            seconds: Some(SECONDS),
            below: None,
        };
        let agents =
            (0..agents).map(|number| block_on(store.token_create(&agent(number), USER, now())).unwrap().secret);
        let agents = agents.collect();
        let mut person = || {
            let code = block_on(store.signin_code_create(USER, now())).unwrap();
            block_on(store.signin(&code, SECONDS, now())).unwrap().unwrap().secret
        };
        let people = (0..people).map(|_| person()).collect();
        House { world, agents, people, since: Mutex::new(Instant::now()), fresh: Condvar::new() }
    }

    /// The store, as another process sees it.
    pub(crate) fn store(&self) -> Store {
        block_on(Store::open(&self.world.store(), Open::Cli)).unwrap()
    }

    /// A file of the store: itself, or its `-wal`.
    pub(crate) fn file(&self, suffix: &str) -> PathBuf {
        let mut name = self.world.store().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// A folder for what a phase writes.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.world.home().join(name)
    }

    /// A shell command of an agent's, as its host sends it.
    pub(crate) fn call(&self, command: &str) -> Value {
        let project = self.world.project();
        let args = json!({ "resource": command });
        json!({ "host": "countersign", "tool": "shell", "args": args, "cwd": project, "project": project, "turn": "t1" })
    }

    /// Starts a server on that port, 0 for any, and waits until it listens.
    pub(crate) fn serve(&self, port: u16) -> Server {
        self.serve_under(&[], port)
    }

    /// Starts a server under another program, which runs the rest of its arguments, and waits until it listens.
    pub(crate) fn serve_under(&self, wrapper: &[&str], port: u16) -> Server {
        let mut server = self.start(wrapper, port);
        let mut line = String::new();
        server.said.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        server.address = address.unwrap_or_else(|| {
            server.end();
            panic!("the server does not listen: {line}{}", self.complaints())
        });
        self.mended();
        server
    }

    /// Starts a server that may not listen yet.
    pub(crate) fn start(&self, wrapper: &[&str], port: u16) -> Server {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let port = port.to_string();
        let mut words = wrapper.to_vec();
        words.extend([PROGRAM, "serve", "--port", &port]);
        let mut command = self.world.command(words[0]);
        let errors = File::options().create(true).append(true).open(self.scratch("stderr")).unwrap();
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut process = command.spawn().unwrap_or_else(|error| panic!("`{}` does not start: {error}", words[0]));
        let said = BufReader::new(process.stdout.take().unwrap());
        Server { address, process, said }
    }

    /// What servers wrote to their standard error, the last of it.
    pub(crate) fn complaints(&self) -> String {
        let text = std::fs::read_to_string(self.scratch("stderr")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// From now on a server can do its work again.
    pub(crate) fn mended(&self) {
        *self.since.lock().unwrap() = Instant::now();
        self.fresh.notify_all();
    }

    /// Since when.
    pub(crate) fn since(&self) -> Instant {
        *self.since.lock().unwrap()
    }

    /// Waits, after a request that failed, until a server can do its work again; shortly, as it may be so already.
    pub(crate) fn pause(&self) {
        let since = self.since.lock().unwrap();
        drop(self.fresh.wait_timeout(since, Duration::from_millis(100)).unwrap());
    }
}

impl Server {
    /// The server's own process: the child of what it was started under.
    pub(crate) fn id(&self) -> String {
        let id = self.process.id().to_string();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        children.split_whitespace().next().map_or(id, str::to_owned)
    }

    /// Ends it as a human does, and waits until it has written all it had.
    pub(crate) fn terminate(mut self) {
        assert!(Command::new("kill").arg(self.id()).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    fn end(&mut self) {
        let id = self.id();
        if id == self.process.id().to_string() {
            let _ = self.process.kill();
        } else {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
