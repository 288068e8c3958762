//! Drives one future on the thread that calls: the hook has no runtime, and the server's writer needs none.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// For so long a thread only lets others go first before it sleeps: a statement takes less, and a sleeping processor takes
/// longer to wake.
const LET_OTHERS: Duration = Duration::from_micros(100);

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Unpark {
    fn new() -> Arc<Unpark> {
        Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) })
    }

    /// Waits for a moment; false if nobody has woken it.
    fn soon(&self) -> bool {
        let began = Instant::now();
        loop {
            if self.woken.swap(false, Ordering::Acquire) {
                return true;
            }
            if began.elapsed() >= LET_OTHERS {
                return false;
            }
            thread::yield_now();
        }
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Waits for the future on this thread. The store's work is done by a thread of its own, so nothing else has to run.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let unpark = Unpark::new();
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        if !unpark.soon() {
            thread::park();
        }
    }
}

/// Waits for the future on this thread until the deadline; `None` if it has passed. What the future had begun and not
/// committed is rolled back.
pub fn block_on_until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let unpark = Unpark::new();
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if unpark.soon() {
            continue;
        }
        thread::park_timeout(deadline.checked_duration_since(Instant::now())?);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::task::Poll;
    use std::time::{Duration, Instant};

    use super::{block_on, block_on_until};

    #[test]
    fn woken_from_another_thread() {
        let mut started = false;
        let answer = block_on(poll_fn(|context| {
            if started {
                return Poll::Ready(7);
            }
            started = true;
            let waker = context.waker().clone();
            std::thread::spawn(move || waker.wake());
            Poll::Pending
        }));
        assert_eq!(answer, 7);
    }

    #[test]
    fn the_deadline_ends_the_wait() {
        assert_eq!(block_on_until(Instant::now() + Duration::from_millis(1), pending::<()>()), None);
        assert_eq!(block_on_until(Instant::now(), async { 7 }), Some(7));
    }
}
