//! The server: the API under `/v1`, and the page. On this machine's loopback address only.
//!
//! Two kinds of callers come with two kinds of secrets. An agent's token is bound to a user and a session and reaches
//! its own questions only; a human signs in with a one-time code. The page's cookie is good for the page alone, the API
//! takes bearer tokens alone: no page of another site can make a browser use the API.

mod ahead;
mod api;
mod app;
mod body;
mod caller;
mod engines;
mod events;
mod fault;
mod form;
mod guard;
mod guesses;
mod logbook;
mod memo;
mod mirror;
mod notices;
mod openapi;
mod presence;
mod waiting;
mod wake;
mod watched;
mod writer;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::ServiceExt as _;
use countersign_engine::Layout;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

pub(crate) use api::human::{question_of, take_back, widen, widened};
pub(crate) use api::replies::{Given, answer};
pub(crate) use api::wire::Choice;
pub(crate) use app::{App, Shared, ended};
pub(crate) use body::{Id, Whole};
pub(crate) use events::{listens, stream};
pub(crate) use fault::Fault;
pub(crate) use form::Form;
use guard::Guarded;
pub(crate) use guard::only;
pub use openapi::openapi_json;

use crate::notify::{self, Outward};
use crate::store::{Open, Store, StoreError, WalIndex};

/// The port that the page has unless another is asked for.
pub const PORT: u16 = 7878;

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The port; 0: any that is free.
    pub port: u16,
    /// The store's file.
    pub store: PathBuf,
    /// Where the policy files are.
    pub layout: Layout,
    /// Whose server this is.
    pub user: String,
    /// What it may tell whom outside.
    pub outward: Outward,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken.
    #[error("port {port} of 127.0.0.1 cannot be listened on: {fault}; take another with `--port`")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        fault: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Serving ended with a fault.
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
}

/// A server that listens already and answers once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Shared,
    outward: Outward,
    writing: Store,
    looking: Store,
    jobs: tokio::sync::mpsc::Receiver<writer::Job>,
    entries: tokio::sync::mpsc::Receiver<Arc<crate::store::LogEntry>>,
}

impl Server {
    /// Opens the store and listens.
    ///
    /// # Errors
    /// The port is taken; the store cannot be opened.
    pub async fn bind(config: ServerConfig) -> Result<Server, ServeError> {
        let port = config.port;
        let listen = |fault| ServeError::Listen { port, fault };
        let writing = Store::open(&config.store, Open::Serve).await?;
        let looking = Store::open_reader(&config.store).await?;
        let readers =
            app::Readers::new(Store::open_reader(&config.store).await?, Store::open_reader(&config.store).await?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (logbook, entries) = logbook::Logbook::new();
        let (writer, jobs) = writer::Writer::new();
        let app = Arc::new(App {
            home: config.layout.home.clone(),
            own: own_files(&config),
            engines: engines::Engines::new(config.layout),
            writer,
            readers,
            mirror: mirror::Mirror::new(WalIndex::of(&config.store)),
            guesses: Default::default(),
            refused: Default::default(),
            logbook,
            memo: Default::default(),
            names: guard::Names::new(address.port()),
            user: config.user,
            reach: config.outward.reach.clone(),
            written: watch::Sender::new(0),
            waiting: waiting::Waiting::default(),
            shown: watch::Sender::new(0),
            poked: Arc::new(Notify::new()),
            stop: watch::Sender::new(false),
        });
        Ok(Server { listener, address, app, outward: config.outward, writing, looking, jobs, entries })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is ready; then ends streams and waits, writes the decision log, and returns.
    ///
    /// # Errors
    /// The system refuses to go on.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Server { listener, app, outward, writing, looking, jobs, entries, .. } = self;
        // Ends with the last who could bring a job.
        writer::start(writing, jobs, app.poked.clone()).map_err(ServeError::Serve)?;
        let watching = tokio::spawn(wake::watch(app.clone(), looking));
        let logging = tokio::spawn(logbook::write(app.clone(), entries));
        let present = tokio::spawn(presence::keep(app.clone()));
        if let Some(desktop) = outward.desktop.clone() {
            tokio::spawn(notify::show(app.clone(), desktop));
        }
        let posting = tokio::spawn(notify::post(app.clone(), outward));
        let ending = app.clone();
        let stopped = async move {
            stop.await;
            ending.stop.send_replace(true);
        };
        // As a service it is shared by all connections; as a router each would have a copy of all routes.
        let service = Guarded::new(app.names.clone(), router(app.clone())).into_make_service();
        let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
        app.stop.send_replace(true);
        let _ = logging.await;
        let _ = watching.await;
        let _ = posting.await;
        let _ = present.await;
        served.map_err(ServeError::Serve)
    }
}

/// Countersign's own files and folders.
fn own_files(config: &ServerConfig) -> Vec<String> {
    let Layout { user_file, config_dir, managed_file, data_dir, .. } = &config.layout;
    let named = [user_file, config_dir, managed_file, data_dir].map(Clone::clone);
    named.into_iter().chain(config.store.to_str().map(str::to_owned)).filter(|path| !path.is_empty()).collect()
}

/// Serves until `stop` is ready; `ready` is told the address first.
///
/// # Errors
/// The port is taken, or the store cannot be opened.
pub async fn serve(
    config: ServerConfig,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let server = Server::bind(config).await?;
    ready(server.address());
    server.run(stop).await
}

fn router(app: Shared) -> axum::Router {
    let (api, _) = openapi::described().split_for_parts();
    api.merge(crate::web::routes())
        .fallback(async || Fault::not_found("page"))
        .method_not_allowed_fallback(async || {
            Fault::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method", "this address does not take that method")
        })
        .with_state(app)
}
