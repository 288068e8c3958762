//! What all requests share.

use std::sync::{Arc, Mutex as SyncMutex};
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_policy::Timestamp;
use tokio::sync::{Mutex, Notify, watch};

use super::engines::{Engines, InForce};
use super::fault::Fault;
use super::guard::Names;
use super::guesses::{Guesses, Refused};
use super::logbook::Logbook;
use crate::store::{Store, StoreError};

/// What all requests share.
pub(crate) type Shared = Arc<App>;

/// See [`Shared`]. Whoever needs both `engines` and `store` locks them in this order.
pub(crate) struct App {
    pub(crate) engines: Mutex<Engines>,
    pub(crate) store: Mutex<Store>,
    pub(crate) guesses: SyncMutex<Guesses>,
    pub(crate) refused: SyncMutex<Refused>,
    pub(crate) logbook: Logbook,
    pub(crate) names: Names,
    /// Whose server this is.
    pub(crate) user: String,
    /// That user's home directory.
    pub(crate) home: String,
    /// Grows when anything was written, by us or another process.
    pub(crate) written: watch::Sender<u64>,
    /// Grows when a page would show something else.
    pub(crate) shown: watch::Sender<u64>,
    /// We have written ourselves: there is no need to wait for the next look.
    pub(crate) poked: Notify,
    /// Becomes true once, when the server ends.
    pub(crate) stop: watch::Sender<bool>,
}

impl App {
    /// Milliseconds since 1970, as this machine's clock has it. The store's own time never goes back.
    pub(crate) fn clock(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The policy in force for a project.
    pub(crate) async fn in_force(&self, project: &str) -> Result<InForce, Fault> {
        let mut engines = self.engines.lock().await;
        let mut store = self.store.lock().await;
        Ok(engines.of(project, &mut store, self.clock()).await?)
    }

    /// What is wrong with the policies in use.
    pub(crate) async fn policy_faults(&self) -> Result<Vec<String>, StoreError> {
        let mut engines = self.engines.lock().await;
        let mut store = self.store.lock().await;
        engines.faults(&mut store, self.clock()).await
    }
}

/// Is ready when the server ends.
pub(crate) async fn ended(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        eprintln!("countersign: {error}");
        Fault::internal("the store failed: the server's own output says how")
    }
}
