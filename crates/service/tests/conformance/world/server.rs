//! The servers of the cases: each has one case after the other.

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock};

use countersign_engine::Layout;
use countersign_formats::{Setting, System, Text};
use countersign_policy::{SourceKind, document};
use countersign_service::block_on::block_on;
use countersign_service::http::{Server, ServerConfig};
use countersign_service::notify::Outward;
use countersign_service::store::{Open, Store};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{USER, now};
use crate::client::Client;

/// A server that runs, with what is kept for it.
pub(super) struct Running {
    pub(super) client: RefCell<Client>,
    pub(super) layout: Layout,
    pub(super) project: String,
    /// The store as another process has it.
    pub(super) store: RefCell<Store>,
    /// The human's secret.
    pub(super) human: String,
    /// How many cases it has had.
    pub(super) cases: usize,
    stop: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    /// Go with the server.
    _folders: [tempfile::TempDir; 2],
}

/// The servers that no case has.
pub(super) static FREE: Mutex<Vec<Running>> = Mutex::new(Vec::new());

impl Running {
    pub(super) fn start() -> Running {
        let folder = tempfile::tempdir().unwrap();
        // In memory where there is such a place: hundreds of cases wait for a disk otherwise, and none is about it.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = |name: &str| if name == "data" { memory.path().join(name) } else { folder.path().join(name) };
        let text = |name: &str| path(name).to_str().unwrap().to_owned();
        let layout = Layout {
            home: text("home"),
            user_file: text("home/countersign.toml"),
            config_dir: text("home"),
            managed_file: text("managed/countersign.toml"),
            data_dir: text("data"),
        };
        std::fs::create_dir(path("home")).unwrap();
        std::fs::create_dir(path("project")).unwrap();
        let file = path("data").join("countersign.db");
        let mut store = block_on(Store::open(&file, Open::Cli)).unwrap();
        let human = signed_in(&mut store);
        let store = RefCell::new(store);
        let config = ServerConfig {
            port: 0,
            store: file,
            layout: layout.clone(),
            user: USER.to_owned(),
            outward: Outward::default(),
        };
        let server = runtime().block_on(Server::bind(config)).unwrap();
        let client = RefCell::new(Client::new(server.address()));
        let (stop, stopped) = oneshot::channel::<()>();
        let run = async { server.run(async { drop(stopped.await) }).await.unwrap() };
        let stop = Some((stop, runtime().spawn(run)));
        Running { client, layout, project: text("project"), store, human, cases: 0, stop, _folders: [folder, memory] }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.client.get_mut().close();
        if let Some((stop, running)) = self.stop.take() {
            drop(stop);
            let _ = runtime().block_on(running);
        }
    }
}

/// A human signs in; their secret.
fn signed_in(store: &mut Store) -> String {
    block_on(async {
        let code = store.signin_code_create(USER, now()).await.unwrap();
        store.signin(&code, 86_400, now()).await.unwrap().unwrap().secret
    })
}

/// One runtime for the servers of all cases.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// Whether a policy file and what it takes in have no mistakes.
pub(super) fn is_readable(policy: &str, files: &[(&str, &str)]) -> bool {
    let document = document::parse(SourceKind::User, "countersign.toml", policy);
    let document = document.unwrap_or_else(|problems| panic!("{problems:?} in {policy}"));
    let (kind, home, project) = (SourceKind::User, "/home/u", "/repo");
    let setting = Setting { kind, trusted: true, agent: None, platform: None, home, project };
    document.imports.iter().all(|import| {
        let taken_in: Vec<Text<'_>> = files.iter().map(|(name, text)| Text::new(*name, text)).collect();
        let system = import.system.as_deref().and_then(System::named).or_else(|| System::of_all(&taken_in));
        system.unwrap().read(&taken_in, &setting).is_ok()
    })
}
