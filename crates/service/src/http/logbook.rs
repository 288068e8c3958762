//! The decision log, written in batches: what a crash takes is at most the last second.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::ahead::{Ahead, Looking, Seen, keys};
use super::app::{Shared, ended};
use crate::store::{LogEntry, Run};

/// Entries that wait for a batch. When it is full, deciding waits for the disk.
const WAITING: usize = 8192;
/// A batch is written when it has so many entries ...
const BATCH: usize = 2048;
/// ... or this long after its first one.
const PATIENCE: Duration = Duration::from_millis(200);
/// So many entries that differ are one transaction: others that write wait for no more.
const ROWS: usize = 256;

/// Where decisions are noted.
#[derive(Debug, Clone)]
pub(crate) struct Logbook {
    to: mpsc::Sender<Arc<LogEntry>>,
    /// A batch is there. No single entry wakes anybody.
    full: Arc<Notify>,
    ahead: Ahead,
}

/// Room for one entry about a call. It is taken before the call is judged: what was judged is then noted at once, even if
/// whoever asked has gone.
pub(crate) struct Line<'a> {
    /// `None`: the log is closed, because the server ends. That is no fault of the decision.
    room: Option<mpsc::Permit<'a, Arc<LogEntry>>>,
    book: &'a Logbook,
    looking: Looking<'a>,
}

impl Logbook {
    pub(crate) fn new() -> (Logbook, mpsc::Receiver<Arc<LogEntry>>) {
        let (to, from) = mpsc::channel(WAITING);
        (Logbook { to, full: Arc::default(), ahead: Ahead::default() }, from)
    }

    /// Waits for room for one entry about a call of this session.
    pub(crate) async fn line(&self, user: &str, session: &str) -> Line<'_> {
        let room = self.to.reserve().await.ok();
        Line { room, book: self, looking: self.ahead.look(user, session) }
    }

    /// Looks at a session's run without judging anything.
    pub(crate) fn look(&self, user: &str, session: &str) -> Looking<'_> {
        self.ahead.look(user, session)
    }

    /// Notes what counts for nothing in its session. That the log is closed, because the server ends, is no fault of the decision.
    pub(crate) async fn note(&self, entry: LogEntry) {
        let _ = self.to.send(Arc::new(entry)).await;
        self.came();
    }

    fn came(&self) {
        if self.to.max_capacity() - self.to.capacity() >= BATCH {
            self.full.notify_one();
        }
    }
}

impl Line<'_> {
    /// What is known of the session's run now: a call is judged by it, and by the store.
    pub(crate) fn seen(&self) -> Seen {
        self.looking.seen()
    }

    /// Notes a decision that was made by what was `seen`; `before` is the session's run without it. Where that is no
    /// longer so and `anew` it can be judged again, nothing is noted, and the line comes back.
    pub(crate) fn note(self, entry: Arc<LogEntry>, before: Option<Run>, seen: &Seen, anew: bool) -> Option<Self> {
        if self.room.is_some() && !self.looking.note(&entry, before, seen, anew) {
            return Some(self);
        }
        if let Some(room) = self.room {
            room.send(entry);
            self.book.came();
        }
        None
    }
}

/// Writes batches until the server ends, and then the rest.
pub(crate) async fn write(app: Shared, mut from: mpsc::Receiver<Arc<LogEntry>>) {
    let mut stop = app.stop.subscribe();
    let mut batch = Vec::with_capacity(WAITING);
    loop {
        let first = tokio::select! {
            entry = from.recv() => entry,
            () = ended(&mut stop) => break,
        };
        let Some(first) = first else { return };
        batch.push(first);
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => {}
            () = app.logbook.full.notified() => {}
            () = ended(&mut stop) => {}
        }
        let waiting = from.len();
        from.recv_many(&mut batch, waiting).await;
        save_all(&app, &mut batch).await;
    }
    from.close();
    while let Some(entry) = from.recv().await {
        batch.push(entry);
    }
    save_all(&app, &mut batch).await;
}

/// Writes what differs in transactions that are not too large.
async fn save_all(app: &Shared, batch: &mut Vec<Arc<LogEntry>>) {
    let mut rows = HashSet::new();
    let mut part = Vec::new();
    for entry in batch.drain(..) {
        rows.insert(Arc::as_ptr(&entry).addr());
        part.push(entry);
        if rows.len() == ROWS {
            rows.clear();
            save(app, std::mem::take(&mut part)).await;
        }
    }
    save(app, part).await;
}

async fn save(app: &Shared, batch: Vec<Arc<LogEntry>>) {
    if batch.is_empty() {
        return;
    }
    let (clock, many, keys) = (app.clock(), batch.len(), keys(&batch));
    let logged = app.jot(move |store| Box::pin(async move { store.log_batch(&batch, clock).await })).await;
    match logged {
        Ok(()) => app.logbook.ahead.written(&keys),
        // What these calls count for stays known here.
        Err(fault) => eprintln!("countersign: {many} decisions are missing from the log: {fault}"),
    }
}
