//! The store, opened on a thread of its own while the policy files are read: neither needs the other until a policy
//! file asks whether it is trusted.

use std::cell::OnceCell;
use std::sync::mpsc::{Receiver, channel};

use countersign_engine::{Known, Request};
use countersign_policy::Timestamp;
use countersign_service::block_on::block_on;
use countersign_service::store::{self, Open, Store, StoreError};

use super::Fault;
use crate::here;
use crate::place::Place;

/// The open store, its time, and what it knows of policy files and of the session.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) now: Timestamp,
    /// The further folders that the session works in.
    pub(super) roots: Vec<String>,
    known: store::Known,
}

/// A store that is being opened. Asked what it knows, it waits until it is open; one that could not be opened knows
/// nothing, and [`Opening::finish`] says why.
pub(super) struct Opening {
    coming: Receiver<Result<Opened, StoreError>>,
    opened: OnceCell<Result<Opened, Fault>>,
}

impl Opening {
    /// Begins to open the store. Once it is open, its thread goes on with what the policy is put together from beside
    /// its files.
    pub(super) fn start(place: &Place, request: &Request) -> Result<Opening, Fault> {
        let (path, user, session) = (place.store(), request.user.clone(), session_key(request));
        let open = move || {
            block_on(async {
                let mut store = Store::open(&path, Open::Hook).await?;
                let now = store.clock(here::clock()).await?;
                let known = store.known(&user).await?;
                let roots = store.roots(&user, &session, now).await?;
                Ok(Opened { store, now, roots, known })
            })
        };
        let (tell, coming) = channel();
        let work = move || {
            if tell.send(open()).is_ok() {
                countersign_engine::prepare();
            }
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(work);
        thread.map_err(|error| Fault(format!("no thread could be started: {error}")))?;
        Ok(Opening { coming, opened: OnceCell::new() })
    }

    /// Waits for the store.
    pub(super) fn finish(self) -> Result<Opened, Fault> {
        self.wait();
        self.opened.into_inner().unwrap_or_else(|| Err(Fault("the store was not opened".to_owned())))
    }

    fn wait(&self) -> &Result<Opened, Fault> {
        self.opened.get_or_init(|| match self.coming.recv() {
            Ok(opened) => opened.map_err(Fault::from),
            Err(_) => Err(Fault("it has a bug in opening the store, please report it".to_owned())),
        })
    }
}

/// The session as the store names it.
pub(super) fn session_key(request: &Request) -> String {
    format!("{}:{}", request.host, request.session)
}

impl Known for Opening {
    fn trusted(&self, path: &str, content: &str) -> bool {
        self.wait().as_ref().is_ok_and(|opened| opened.known.trusted(path, content))
    }

    fn checked(&self, key: &str) -> bool {
        self.wait().as_ref().is_ok_and(|opened| opened.known.checked(key))
    }
}
