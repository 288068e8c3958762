//! The store, opened on a thread of its own while the policy files are read: neither needs the other until a policy
//! file asks whether it is trusted.

use std::cell::{OnceCell, RefCell};
use std::thread::JoinHandle;

use countersign_engine::Known;
use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{self, Open, Store, StoreError};

use super::Fault;
use crate::here;
use crate::place::Place;

/// The open store, its time, and what it knows of policy files.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) now: Timestamp,
    known: store::Known,
}

/// A store that is being opened. Asked what it knows, it waits until it is open; one that could not be opened knows
/// nothing, and [`Opening::finish`] says why.
pub(super) struct Opening {
    thread: RefCell<Option<JoinHandle<Result<Opened, StoreError>>>>,
    opened: OnceCell<Result<Opened, Fault>>,
}

impl Opening {
    /// Begins to open the store.
    pub(super) fn start(place: &Place, user: &str) -> Result<Opening, Fault> {
        let (path, user) = (place.store(), user.to_owned());
        let open = move || {
            block_on(async {
                let mut store = Store::open(&path, Open::Hook).await?;
                let now = store.clock(here::clock()).await?;
                let known = store.known(&user).await?;
                Ok(Opened { store, now, known })
            })
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(open);
        let thread = thread.map_err(|error| Fault(format!("no thread could be started: {error}")))?;
        Ok(Opening { thread: RefCell::new(Some(thread)), opened: OnceCell::new() })
    }

    /// Waits for the store.
    pub(super) fn finish(self) -> Result<Opened, Fault> {
        self.wait();
        self.opened.into_inner().unwrap_or_else(|| Err(Fault("the store was not opened".to_owned())))
    }

    fn wait(&self) -> &Result<Opened, Fault> {
        self.opened.get_or_init(|| match self.thread.borrow_mut().take().map(JoinHandle::join) {
            Some(Ok(opened)) => opened.map_err(Fault::from),
            Some(Err(_)) | None => Err(Fault("it has a bug in opening the store, please report it".to_owned())),
        })
    }
}

impl Known for Opening {
    fn trusted(&self, path: &str, content: &str) -> bool {
        self.wait().as_ref().is_ok_and(|opened| opened.known.trusted(path, content))
    }

    fn checked(&self, key: &str) -> bool {
        self.wait().as_ref().is_ok_and(|opened| opened.known.checked(key))
    }
}
