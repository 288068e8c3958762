//! Drives one future on the thread that calls: the hook has no runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the future on this thread. The store's work is done by a thread of its own, so nothing else has to run.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

/// Waits for the future on this thread until the deadline; `None` if it has passed. What the future had begun and not
/// committed is rolled back.
pub fn block_on_until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
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
