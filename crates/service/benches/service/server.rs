//! The two servers, each a process of its own: ours, and the floor.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use countersign_service::http;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::world::config;

/// A server that runs until this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn start(words: &[&str]) -> Outcome<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().ok_or("the server says nothing")?;
        BufReader::new(said).read_line(&mut line)?;
        Ok(Running { child, address: line.trim().parse()? })
    }

    /// The memory that it uses, in KiB.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no memory in its status")?.parse()?)
    }

    /// The processor time that it has used.
    pub(crate) fn time(&self) -> Outcome<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks: Vec<u64> = after.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        // A tick is a hundredth of a second on every Linux: `getconf CLK_TCK`.
        Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Ours, as `countersign serve` runs it.
pub(crate) fn serve(folder: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let config = config(folder)?;
    Ok(runtime.block_on(http::serve(config, |address| println!("{address}"), input_ends()))?)
}

/// A handler that reads JSON and answers JSON.
pub(crate) fn floor() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let empty =
        |Json(_): Json<Map<String, Value>>| async { Json(json!({"effect": "allow", "digest": "", "revision": ""})) };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let app = Router::new().route("/v1/decide", post(empty));
        Ok(axum::serve(listener, app).with_graceful_shutdown(input_ends()).await?)
    })
}

async fn input_ends() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        let _ = ended.send(());
    });
    let _ = end.await;
}
