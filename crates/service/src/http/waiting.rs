//! Who waits for which answer, so that a change wakes those whom it concerns and nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Who waits, by question.
#[derive(Default)]
pub(crate) struct Waiting {
    by_question: Arc<Mutex<Questions>>,
}

type Questions = HashMap<Arc<str>, (usize, Arc<Notify>)>;

/// One who waits, until it is dropped.
pub(crate) struct Waiter {
    by_question: Arc<Mutex<Questions>>,
    id: Arc<str>,
    notify: Arc<Notify>,
}

impl Waiting {
    /// Registers one who waits for a question to change.
    pub(crate) fn register(&self, id: &str) -> Waiter {
        let mut by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (id, notify) = match by_question.get_key_value(id) {
            Some((id, (_, notify))) => (id.clone(), notify.clone()),
            None => (Arc::from(id), Arc::default()),
        };
        by_question.entry(id.clone()).or_insert_with(|| (0, notify.clone())).0 += 1;
        drop(by_question);
        Waiter { by_question: self.by_question.clone(), id, notify }
    }

    /// Wakes all who wait for one of these.
    pub(crate) fn wake<'a>(&self, changed: impl IntoIterator<Item = &'a str>) {
        let by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for id in changed {
            if let Some((_, notify)) = by_question.get(id) {
                notify.notify_waiters();
            }
        }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&self) {
        let by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        by_question.values().for_each(|(_, notify)| notify.notify_waiters());
    }
}

impl Waiter {
    /// Is ready once the question has changed, counted from when it is enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((many, _)) = by_question.get_mut(&self.id) {
            *many -= 1;
            if *many == 0 {
                by_question.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;

    #[tokio::test]
    async fn only_those_whom_it_concerns_are_woken() {
        let waiting = Waiting::default();
        let (one, same, other) = (waiting.register("a"), waiting.register("a"), waiting.register("b"));
        let (first, second, third) = (one.changed(), same.changed(), other.changed());
        tokio::pin!(first, second, third);
        for waiter in [first.as_mut(), second.as_mut(), third.as_mut()] {
            assert!(!waiter.enable());
        }
        waiting.wake(["a", "c"]);
        first.await;
        second.await;
        assert!(!third.enable());
    }

    #[tokio::test]
    async fn who_is_gone_leaves_nothing() {
        let waiting = Waiting::default();
        let (one, same) = (waiting.register("a"), waiting.register("a"));
        drop(one);
        assert_eq!(waiting.by_question.lock().unwrap().len(), 1);
        drop(same);
        assert!(waiting.by_question.lock().unwrap().is_empty());
    }
}
