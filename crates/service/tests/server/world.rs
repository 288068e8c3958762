//! A server with a store and policy files of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_engine::Layout;
use countersign_policy::Timestamp;
use countersign_service::http::{Server, ServerConfig};
use countersign_service::notify::Outward;
use countersign_service::store::{Open, Store, TokenRequest};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Answer, Ask};

const USER_POLICY: &str = r#"
nobody = "wait 10m"
allow = ["shell(git status)"]
ask = ["shell(git push *)", "shell(git tag *)"]
deny = ["shell(git rebase *)"]
"#;

/// A running server. Tests run on a runtime of several threads, so that they may block.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    /// What the servers that are started here may tell whom.
    pub(crate) outward: Outward,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    others: Vec<oneshot::Sender<()>>,
}

/// A human who has signed in on the page.
pub(crate) struct SignedIn {
    pub(crate) secret: String,
    pub(crate) page: String,
    pub(crate) cookie: String,
    pub(crate) form: String,
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

impl World {
    pub(crate) async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "project"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("home/countersign.toml"), USER_POLICY).unwrap();
        let (address, outward) = (SocketAddr::from(([127, 0, 0, 1], 0)), Outward::default());
        let mut world = World { address, folder, outward, stop: None, running: None, others: Vec::new() };
        world.start().await;
        world
    }

    /// Starts a server on this folder.
    pub(crate) async fn start(&mut self) {
        let server = Server::bind(self.config()).await.unwrap();
        self.address = server.address();
        let (stop, stopped) = oneshot::channel();
        self.running = Some(tokio::spawn(async move {
            server.run(async { drop(stopped.await) }).await.unwrap();
        }));
        self.stop = Some(stop);
    }

    /// Starts one more server beside it, and says where it listens.
    pub(crate) async fn join(&mut self) -> SocketAddr {
        let server = Server::bind(self.config()).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move { server.run(async { drop(stopped.await) }).await.unwrap() });
        self.others.push(stop);
        address
    }

    /// Starts a server that can be killed: all of it ends with its runtime, wherever it is.
    pub(crate) async fn start_apart(&mut self) -> Runtime {
        let runtime = Runtime::new().unwrap();
        let server = runtime.spawn(Server::bind(self.config())).await.unwrap().unwrap();
        self.address = server.address();
        runtime.spawn(async { server.run(std::future::pending()).await.unwrap() });
        runtime
    }

    fn config(&self) -> ServerConfig {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let layout = Layout {
            home: path("home"),
            user_file: path("home/countersign.toml"),
            config_dir: path("home"),
            managed_file: path("managed.toml"),
            data_dir: path("data"),
        };
        let (store, user, outward) = (store_file(&self.folder), "ada".to_owned(), self.outward.clone());
        ServerConfig { port: 0, store, layout, user, outward }
    }

    /// Ends the server and starts another one over the same store and files.
    pub(crate) async fn restart(&mut self) {
        self.end().await;
        self.start().await;
    }

    /// Ends the server and waits until it has.
    pub(crate) async fn end(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap();
    }

    /// Another process's view of the store.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&store_file(&self.folder), Open::Cli).await.unwrap()
    }

    /// Makes a question one that cannot be read.
    pub(crate) async fn spoil(&self, id: &str) {
        let options = SqliteConnectOptions::new().filename(store_file(&self.folder));
        let mut db = SqliteConnection::connect_with(&options).await.unwrap();
        let spoil = sqlx::query("UPDATE approvals SET question = '{}' WHERE id = ?").bind(id);
        assert_eq!(spoil.execute(&mut db).await.unwrap().rows_affected(), 1);
        db.close().await.unwrap();
    }

    pub(crate) fn project(&self) -> String {
        self.folder.path().join("project").canonicalize().unwrap().to_str().unwrap().to_owned()
    }

    pub(crate) fn user_policy(&self) -> PathBuf {
        self.folder.path().join("home/countersign.toml")
    }

    /// An agent's token for a session of the host `countersign`.
    pub(crate) async fn token(&self, session: &str) -> String {
        self.token_of("ada", session).await
    }

    pub(crate) async fn token_of(&self, user: &str, session: &str) -> String {
        self.token_for(user, &format!("countersign:{session}"), None).await
    }

    /// A token for a session of any host, and for one project only where it is named.
    pub(crate) async fn token_for(&self, user: &str, session: &str, project: Option<&str>) -> String {
        let request = TokenRequest {
            name: "test".to_owned(),
            user: user.to_owned(),
            session: session.to_owned(),
            project: project.map(str::to_owned),
            seconds: Some(3_600),
            below: None,
        };
        self.store().await.token_create(&request, "ada", now()).await.unwrap().secret
    }

    /// An application's token.
    pub(crate) async fn application(&self, user: &str) -> String {
        self.store().await.application_create("chat", user, 3_600, now()).await.unwrap().secret
    }

    pub(crate) async fn code(&self) -> String {
        self.store().await.signin_code_create("ada", now()).await.unwrap()
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Signs in on the page.
    pub(crate) async fn sign_in(&self) -> SignedIn {
        let code = self.code().await;
        let answer =
            self.ask("POST", "/signin").header("Origin", &self.origin()).form(&[("code", &code)]).send().is(303);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let page = answer.header("location").unwrap().to_owned();
        let secret = cookie.strip_prefix("countersign=").unwrap().to_owned();
        let shown = self.ask("GET", &page).header("Cookie", &cookie).send().is(200);
        let form = shown.body.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        SignedIn { secret, page, cookie, form }
    }

    /// A form of the page, with all that it needs to be taken.
    pub(crate) fn submit(&self, human: &SignedIn, name: &str, fields: &[(&str, &str)]) -> Ask {
        let mut fields = fields.to_vec();
        fields.push(("form", &human.form));
        let ask = self.ask("POST", &format!("{}{name}", human.page)).header("Cookie", &human.cookie);
        ask.header("Origin", &self.origin()).form(&fields)
    }

    pub(crate) fn see(&self, human: &SignedIn) -> Answer {
        self.ask("GET", &human.page).header("Cookie", &human.cookie).send()
    }

    /// A shell command of the agent's, as its host sends it.
    pub(crate) fn call(&self, command: &str) -> Value {
        let project = self.project();
        json!({
            "host": "countersign", "tool": "shell", "args": { "resource": command }, "cwd": project, "project": project,
            "turn": "t1",
        })
    }

    /// Asks, and returns the question's id.
    pub(crate) fn asked(&self, token: &str, command: &str) -> String {
        let answer = self.ask("POST", "/v1/ask").bearer(token).json(&self.call(command)).send().is(201);
        answer.json()["approval"]["id"].as_str().unwrap().to_owned()
    }
}

fn store_file(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("data/countersign.db")
}
