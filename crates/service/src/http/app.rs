//! What all requests share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_policy::Timestamp;
use tokio::sync::{Mutex, MutexGuard, Notify, watch};

use super::api::roots::KeptOut;
use super::engines::{Engines, InForce};
use super::fault::Fault;
use super::guard::Names;
use super::guesses::{Guesses, Refused};
use super::logbook::Logbook;
use super::memo::Memo;
use super::mirror::{Mirror, View};
use super::waiting::Waiting;
use super::writer::{Work, Writer};
use crate::notify::Reach;
use crate::store::{Store, StoreError, Synchronous};

/// What all requests share.
pub(crate) type Shared = Arc<App>;

/// See [`Shared`].
pub(crate) struct App {
    pub(crate) engines: Engines,
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) mirror: Mirror,
    pub(crate) guesses: SyncMutex<Guesses>,
    pub(crate) refused: SyncMutex<Refused>,
    pub(crate) logbook: Logbook,
    pub(crate) memo: Memo,
    pub(crate) names: Names,
    /// Whose server this is.
    pub(crate) user: String,
    /// Where webhooks may lead.
    pub(crate) reach: Reach,
    /// That user's home directory.
    pub(crate) home: String,
    /// Countersign's own files and folders.
    pub(crate) own: Vec<String>,
    /// Grows when anything was written, by us or another process.
    pub(crate) written: watch::Sender<u64>,
    /// Who waits for one question.
    pub(crate) waiting: Waiting,
    /// Grows when a page would show something else.
    pub(crate) shown: watch::Sender<u64>,
    /// We have written ourselves: there is no need to wait for the next look.
    pub(crate) poked: Arc<Notify>,
    /// Becomes true once, when the server ends.
    pub(crate) stop: watch::Sender<bool>,
}

impl App {
    /// Milliseconds since 1970, as this machine's clock has it. The store's own time never goes back.
    pub(crate) fn clock(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// A connection that reads what is committed, this request's own writes included, and never waits for a commit.
    /// It has a time of its own: what it said the time is, is not for the writer, which is given [`App::clock`].
    pub(crate) async fn read(&self) -> MutexGuard<'_, Store> {
        self.readers.one().await
    }

    /// Writes, and returns once it is on the disk. What `work` needs it owns; it sees what the jobs before it wrote.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl for<'s> FnOnce(&'s mut Store) -> Work<'s, T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(Synchronous::Full, work).await
    }

    /// Writes what a power cut may take back.
    pub(crate) async fn jot<T: Send + 'static>(
        &self,
        work: impl for<'s> FnOnce(&'s mut Store) -> Work<'s, T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(Synchronous::Normal, work).await
    }

    /// The policy in force for a project.
    pub(crate) async fn in_force(&self, project: &str) -> Result<InForce, Fault> {
        let view = self.view().await?;
        self.in_force_by(&view, project).await
    }

    /// The same by what the store said a moment ago of the files that are trusted.
    pub(crate) async fn in_force_by(&self, view: &View, project: &str) -> Result<InForce, Fault> {
        let known = view.known(self).await?;
        let (in_force, checked) = self.engines.of(project, &known);
        self.note_checked(checked).await?;
        Ok(in_force)
    }

    /// What is wrong with the policies in use.
    pub(crate) async fn policy_faults(&self) -> Result<Vec<String>, StoreError> {
        let known = self.view().await?.known(self).await?;
        let (faults, checked) = self.engines.faults(&known);
        self.note_checked(checked).await?;
        Ok(faults)
    }

    /// What no further root of a session may be or hold.
    pub(crate) fn kept_out(&self) -> KeptOut {
        KeptOut { home: self.home.clone(), own: self.own.clone() }
    }

    /// Remembers which files' examples hold.
    async fn note_checked(&self, checked: Vec<String>) -> Result<(), StoreError> {
        if checked.is_empty() {
            return Ok(());
        }
        let clock = self.clock();
        self.jot(move |store| Box::pin(async move { store.note_checked(&checked, clock).await })).await
    }
}

/// Connections that only read. Each is a thread of SQLite's, whose statements take some microseconds.
pub(crate) struct Readers {
    stores: [Mutex<Store>; 2],
    turn: AtomicUsize,
}

impl Readers {
    pub(crate) fn new(one: Store, other: Store) -> Readers {
        Readers { stores: [Mutex::new(one), Mutex::new(other)], turn: AtomicUsize::new(0) }
    }

    /// One that is free, else the next one that will be.
    async fn one(&self) -> MutexGuard<'_, Store> {
        if let Some(free) = self.stores.iter().find_map(|store| store.try_lock().ok()) {
            return free;
        }
        let [one, other] = &self.stores;
        let is_even = self.turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        if is_even { one.lock().await } else { other.lock().await }
    }
}

/// Is ready when the server ends.
pub(crate) async fn ended(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        eprintln!("countersign: {error}");
        if matches!(error, StoreError::Full { .. }) {
            let message = "the store's disk is full, and nothing can be asked or answered: its user has to make room; \
                           then send this again";
            return Fault::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "no-room", message);
        }
        Fault::internal("the store failed: the server's own output says how")
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, StoreError};

    #[test]
    fn a_full_disk_is_said_with_what_to_do() {
        let fault = Fault::from(StoreError::Full { path: "/data/countersign.db".into() });
        assert_eq!((fault.status.as_u16(), fault.problem.code), (503, "no-room"));
        assert!(fault.problem.message.contains("has to make room"), "{}", fault.problem.message);
        assert!(!fault.problem.message.contains("/data"), "agents are told of no files");
    }
}
