//! All that the server writes, through one connection: what has come together is committed together.
//!
//! A *job* is a piece of work on the store. The writer takes the jobs that wait, runs them one after the other in one
//! transaction, commits once, and only then lets any of their answers out; if the commit fails, that is the answer of
//! all of them. While the disk is waited for, the next ones come together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::block_on::block_on;
use crate::store::{Store, StoreError, Synchronous};

/// Jobs that wait; whoever brings one more waits with it.
const WAITING: usize = 1024;
/// The most jobs in one transaction.
const TOGETHER: usize = 64;

/// What a job does, and what it will say.
pub(crate) type Work<'s, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 's>>;

/// Takes jobs.
#[derive(Clone)]
pub(crate) struct Writer {
    to: mpsc::Sender<Job>,
}

/// A job that waits for its turn.
pub(crate) struct Job {
    synchronous: Synchronous,
    run: Run,
}

/// Does it on the store; or does nothing, if the transaction could not begin.
type Run = Box<dyn for<'s> FnOnce(Option<&'s mut Store>) -> Running<'s> + Send>;
type Running<'s> = Pin<Box<dyn Future<Output = Ended> + Send + 's>>;
/// Lets the job's answer out, once it is known what became of the commit.
type Ended = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl Writer {
    pub(crate) fn new() -> (Writer, mpsc::Receiver<Job>) {
        let (to, from) = mpsc::channel(WAITING);
        (Writer { to }, from)
    }

    /// Does a job and returns once it is committed. A job that nobody waits for any more when its turn comes is left
    /// out; one that has begun is done.
    pub(crate) async fn write<T, E>(
        &self,
        synchronous: Synchronous,
        work: impl for<'s> FnOnce(&'s mut Store) -> Work<'s, T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (to, answer) = oneshot::channel();
        let job = Job { synchronous, run: Box::new(move |store| job(store, to, work)) };
        if self.to.send(job).await.is_err() {
            return Err(ended().into());
        }
        answer.await.unwrap_or_else(|_| Err(ended().into()))
    }
}

fn job<'s, T: Send + 'static, E: From<StoreError> + Send + 'static>(
    store: Option<&'s mut Store>,
    to: oneshot::Sender<Result<T, E>>,
    work: impl for<'w> FnOnce(&'w mut Store) -> Work<'w, T, E> + Send + 'static,
) -> Running<'s> {
    Box::pin(async move {
        let answer = match store {
            Some(store) if !to.is_closed() => work(store).await,
            _ => Err(ended().into()),
        };
        Box::new(move |committed: Result<(), StoreError>| {
            let _ = to.send(committed.map_err(E::from).and(answer));
        }) as Ended
    })
}

fn ended() -> StoreError {
    let detail = "this was not done: the server ends, or had a fault".to_owned();
    StoreError::Other { path: PathBuf::new(), detail }
}

/// Begins to run jobs, on a thread of its own: each statement is done by a thread of SQLite's, and to wait for that
/// beside requests would wake other threads of theirs each time.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(store: Store, jobs: mpsc::Receiver<Job>, wrote: Arc<Notify>) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("countersign-writer".to_owned());
    thread.spawn(move || block_on(run(store, jobs, wrote))).map(drop)
}

/// Runs jobs until nobody can bring any. `wrote` is told after each transaction.
async fn run(mut store: Store, mut from: mpsc::Receiver<Job>, wrote: Arc<Notify>) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    while from.recv_many(&mut jobs, TOGETHER).await > 0 {
        together(&mut store, &mut jobs).await;
        wrote.notify_one();
    }
}

/// One transaction.
async fn together(store: &mut Store, jobs: &mut Vec<Job>) {
    let synchronous = jobs.iter().map(|job| job.synchronous).max().unwrap_or(Synchronous::Full);
    let opened = store.open_group(synchronous).await;
    let mut done = Vec::with_capacity(jobs.len());
    for job in jobs.drain(..) {
        let store = opened.is_ok().then_some(&mut *store);
        done.extend(caught((job.run)(store)).await);
    }
    let committed = match opened {
        Ok(()) => store.commit_group().await,
        Err(error) => Err(error),
    };
    for ended in done {
        ended(committed.clone());
    }
}

/// What a job comes to; nothing if it panics, of which whoever waits for it learns because its channel is gone. What it
/// had begun is undone as that of any job that fails.
async fn caught(mut running: Running<'_>) -> Option<Ended> {
    std::future::poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

#[cfg(test)]
mod tests {
    use countersign_policy::Timestamp;
    use serde_json::json;
    use tokio::sync::Notify;

    use super::{Job, Writer, run, together};
    use crate::store::{AuditFilter, Open, Store, StoreError, Synchronous, fail_commit, panic_half_way};

    const NOON: Timestamp = Timestamp(1_800_000_000_000);

    struct World {
        _folder: tempfile::TempDir,
        store: Store,
        reader: Store,
        writer: Writer,
        jobs: tokio::sync::mpsc::Receiver<Job>,
    }

    impl World {
        async fn new() -> World {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("data/countersign.db");
            let store = Store::open(&path, Open::Serve).await.unwrap();
            let reader = Store::open_reader(&path).await.unwrap();
            let (writer, jobs) = Writer::new();
            World { _folder: folder, store, reader, writer, jobs }
        }

        /// Brings a job that notes something.
        fn note(&self, kind: &'static str) -> tokio::task::JoinHandle<Result<(), StoreError>> {
            let writer = self.writer.clone();
            tokio::spawn(async move {
                let work = writer.write(Synchronous::Full, move |store| {
                    Box::pin(async move { store.audit("ana", kind, &json!({}), NOON).await })
                });
                work.await
            })
        }

        /// Waits until so many jobs have come.
        async fn come(&mut self, many: usize) -> Vec<Job> {
            let mut jobs = Vec::new();
            while jobs.len() < many {
                self.jobs.recv_many(&mut jobs, many).await;
            }
            jobs
        }

        async fn kinds(&mut self) -> Vec<String> {
            let entries = self.reader.audit_entries(&AuditFilter::default()).await.unwrap();
            let mut kinds: Vec<String> = entries.into_iter().map(|entry| entry.kind).collect();
            kinds.sort();
            kinds
        }
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_told_to_all() {
        let mut world = World::new().await;
        let (one, two) = (world.note("one"), world.note("two"));
        let spoil = world.writer.clone();
        let spoil =
            tokio::spawn(async move { spoil.write(Synchronous::Full, |store| Box::pin(fail_commit(store))).await });
        let mut jobs = world.come(3).await;
        together(&mut world.store, &mut jobs).await;
        for told in [one.await, two.await, spoil.await] {
            assert!(told.unwrap().is_err());
        }
        assert_eq!(world.kinds().await, [""; 0]);
        // And it goes on.
        let three = world.note("three");
        let mut jobs = world.come(1).await;
        together(&mut world.store, &mut jobs).await;
        three.await.unwrap().unwrap();
        assert_eq!(world.kinds().await, ["three"]);
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_nobody_with_it() {
        let mut world = World::new().await;
        let one = world.note("one");
        let writer = world.writer.clone();
        let panics = tokio::spawn(async move {
            writer.write(Synchronous::Full, |store| Box::pin(panic_half_way(store, NOON))).await
        });
        let mut jobs = world.come(2).await;
        together(&mut world.store, &mut jobs).await;
        one.await.unwrap().unwrap();
        assert!(panics.await.unwrap().is_err());
        assert_eq!(world.kinds().await, ["one"]);
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_is_left_out() {
        let mut world = World::new().await;
        let (gone, stays) = (world.note("gone"), world.note("stays"));
        let mut jobs = world.come(2).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        together(&mut world.store, &mut jobs).await;
        stays.await.unwrap().unwrap();
        assert_eq!(world.kinds().await, ["stays"]);
    }

    #[tokio::test]
    async fn no_answer_before_the_commit() {
        let mut world = World::new().await;
        let note = world.note("one");
        let mut jobs = world.come(1).await;
        world.store.open_group(Synchronous::Full).await.unwrap();
        let job = jobs.remove(0);
        let ended = (job.run)(Some(&mut world.store)).await;
        assert_eq!(world.kinds().await, [""; 0]);
        assert!(!note.is_finished());
        world.store.commit_group().await.unwrap();
        ended(Ok(()));
        note.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn runs_until_nobody_can_bring_a_job() {
        let world = World::new().await;
        let World { store, writer, jobs, .. } = world;
        let wrote = std::sync::Arc::new(Notify::new());
        let running = tokio::spawn(run(store, jobs, wrote.clone()));
        writer
            .write(Synchronous::Full, |store| {
                Box::pin(async move { store.audit("ana", "one", &json!({}), NOON).await })
            })
            .await
            .unwrap();
        wrote.notified().await;
        drop(writer);
        running.await.unwrap();
    }
}
