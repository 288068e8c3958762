//! The decision log, written in batches: what a crash takes is at most the last second.

use std::time::Duration;

use tokio::sync::mpsc;

use super::app::{Shared, ended};
use crate::store::LogEntry;

/// Entries that wait for a batch. When it is full, deciding waits for the disk.
const WAITING: usize = 4096;
/// A batch is written when it has so many entries ...
const BATCH: usize = 256;
/// ... or this long after its first one.
const PATIENCE: Duration = Duration::from_millis(200);

/// Where decisions are noted.
#[derive(Debug, Clone)]
pub(crate) struct Logbook {
    to: mpsc::Sender<LogEntry>,
}

impl Logbook {
    pub(crate) fn new() -> (Logbook, mpsc::Receiver<LogEntry>) {
        let (to, from) = mpsc::channel(WAITING);
        (Logbook { to }, from)
    }

    /// Notes a decision. That the log is closed, because the server ends, is no fault of the decision.
    pub(crate) async fn note(&self, entry: LogEntry) {
        let _ = self.to.send(entry).await;
    }
}

/// Writes batches until the server ends, and then the rest.
pub(crate) async fn write(app: Shared, mut from: mpsc::Receiver<LogEntry>) {
    let mut stop = app.stop.subscribe();
    loop {
        let first = tokio::select! {
            entry = from.recv() => entry,
            () = ended(&mut stop) => break,
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let due = tokio::time::sleep(PATIENCE);
        tokio::pin!(due);
        while batch.len() < BATCH {
            tokio::select! {
                entry = from.recv() => match entry {
                    Some(entry) => batch.push(entry),
                    None => break,
                },
                () = &mut due => break,
                () = ended(&mut stop) => break,
            }
        }
        save(&app, batch).await;
    }
    from.close();
    let mut rest = Vec::new();
    while let Some(entry) = from.recv().await {
        rest.push(entry);
    }
    save(&app, rest).await;
}

async fn save(app: &Shared, batch: Vec<LogEntry>) {
    if batch.is_empty() {
        return;
    }
    let (clock, many) = (app.clock(), batch.len());
    let logged = app.jot(move |store| Box::pin(async move { store.log(&batch, false, clock).await })).await;
    if let Err(fault) = logged {
        eprintln!("countersign: {many} decisions are missing from the log: {fault}");
    }
}
