//! `countersign serve` and `countersign open`.

use std::io::IsTerminal;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use countersign_service::block_on::block_on;
use countersign_service::http::{ServerConfig, serve};
use countersign_service::notify::{Desktop, Outward, Reach};
use countersign_service::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

use crate::ancestry;
use crate::args::{Open, Serve};
use crate::file::{self, Mode};
use crate::here::{self, Here};
use crate::terminal::Terminal;

/// Where the server runs that this user started.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Running {
    address: SocketAddr,
    process: u32,
}

pub(crate) fn run(arguments: &Serve, here: &Here) -> Result<()> {
    if let Some(database) = &arguments.database {
        let kind = database.split_once(':').map_or("", |(kind, _)| kind);
        bail!("a database server ({kind}) is not supported yet: leave `--database` out, and state is kept in a file");
    }
    // A file that would grow beyond its limit is no end: the write fails, its request is refused, and others are served.
    let passed_over = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    passed_over.context("signals cannot be passed over")?;
    let host = ancestry::host_above();
    let config = ServerConfig {
        port: arguments.port,
        store: here.place.store(),
        layout: here::layout(&here.place)?,
        user: here.user.clone(),
        outward: outward(arguments)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.context("the server's threads could not be started")?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("signals cannot be waited for")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be waited for")?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let mut greeted = Ok(());
        let served = serve(config, |address| greeted = greet(here, address, host.as_deref()), stop).await;
        greeted.and(served.map_err(anyhow::Error::from))
    });
    // Best effort: a file that is left behind names an address at which nobody answers.
    let ours = running(here).ok().flatten().is_some_and(|running| running.process == std::process::id());
    if ours {
        let _ = std::fs::remove_file(here.place.server_file());
    }
    served
}

fn outward(arguments: &Serve) -> Result<Outward> {
    let desktop = arguments.notify.as_ref().map(|_| Desktop::find()).transpose()?;
    let (private, plain) = (arguments.webhook_private.clone(), arguments.webhook_http.clone());
    Ok(Outward { reach: Reach { private, plain }, roots: arguments.webhook_roots.clone(), desktop })
}

/// Says where it listens. The link to sign in goes to a human's terminal alone: not to a file, and not to an agent.
fn greet(here: &Here, address: SocketAddr, host: Option<&str>) -> Result<()> {
    here.screen.value(&json!({"address": address, "url": format!("http://{address}/")}))?;
    here.screen.line(format!("Countersign listens on http://{address}/ (Ctrl-C ends it)"))?;
    if let Some(host) = host {
        return here.screen.line(format!("It was started by {host}, so it gives no link to sign in with."));
    }
    let text = serde_json::to_string(&Running { address, process: std::process::id() });
    let text = text.context("the address could not be written as JSON")?;
    file::replace(&here.place.server_file(), &format!("{text}\n"), Mode::Private)?;
    if std::io::stdout().is_terminal() {
        let mut store = here.store()?;
        let link = link(here, &mut store, address)?;
        here.screen.line(format!("Sign in within 5 minutes: {}", link))
    } else {
        here.screen.line("For a link to sign in with, run `countersign open` in a terminal.")
    }
}

fn link(here: &Here, store: &mut Store, address: SocketAddr) -> Result<String> {
    let now = block_on(store.clock(here::clock()))?;
    let code = block_on(store.signin_code_create(&here.user, now))?;
    Ok(format!("http://{address}/signin?code={code}"))
}

fn running(here: &Here) -> Result<Option<Running>> {
    let path = here.place.server_file();
    let Some(text) = file::read(&path)? else { return Ok(None) };
    let running = serde_json::from_str(&text);
    running.map(Some).with_context(|| format!("`{}` cannot be read: remove it", path.display()))
}

pub(crate) fn open(arguments: &Open, here: &Here) -> Result<()> {
    let _terminal = Terminal::of_a_human("signing in")?;
    let Some(running) = running(here)? else { bail!("no server runs: start one with `countersign serve`") };
    let address = running.address;
    if !address.ip().is_loopback() || TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_err() {
        bail!("the server at {address} does not answer: start it with `countersign serve`");
    }
    let link = link(here, &mut here.store()?, address)?;
    here.screen.value(&json!({"url": link}))?;
    here.screen.line(&link)?;
    here.screen.line("It works once, for 5 minutes.")?;
    if arguments.browser {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let mut command = Command::new(program);
        command.arg(&link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
            .spawn()
            .with_context(|| format!("no browser could be opened with `{program}`: open the link yourself"))?;
    }
    Ok(())
}
