//! Who waits for which answer, so that a change wakes those whom it concerns and nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use countersign_policy::approval::Approval;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Who waits, by question.
#[derive(Default)]
pub(crate) struct Waiting {
    by_question: Arc<Mutex<Questions>>,
}

type Questions = HashMap<Arc<str>, (usize, Arc<Place>)>;

/// Where those who wait for one question meet.
#[derive(Default)]
struct Place {
    notify: Notify,
    /// What became of it, if whoever woke them knew: nobody has to read it then.
    became: Mutex<Option<Arc<Approval>>>,
}

/// One who waits, until it is dropped.
pub(crate) struct Waiter {
    by_question: Arc<Mutex<Questions>>,
    id: Arc<str>,
    place: Arc<Place>,
}

impl Waiting {
    /// Registers one who waits for a question to change.
    pub(crate) fn register(&self, id: &str) -> Waiter {
        let mut by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (id, place) = match by_question.get_key_value(id) {
            Some((id, (_, place))) => (id.clone(), place.clone()),
            None => (Arc::from(id), Arc::default()),
        };
        by_question.entry(id.clone()).or_insert_with(|| (0, place.clone())).0 += 1;
        drop(by_question);
        Waiter { by_question: self.by_question.clone(), id, place }
    }

    /// Wakes all who wait for this question with what became of it, once that is kept.
    pub(crate) fn tell(&self, approval: &Approval) {
        let by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, place)) = by_question.get(approval.id.as_str()) {
            *place.became() = Some(Arc::new(approval.clone()));
            place.notify.notify_waiters();
        }
    }

    /// Wakes all who wait for one of these.
    pub(crate) fn wake<'a>(&self, changed: impl IntoIterator<Item = &'a str>) {
        let by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for id in changed {
            if let Some((_, place)) = by_question.get(id) {
                // There may be more to it by now.
                *place.became() = None;
                place.notify.notify_waiters();
            }
        }
    }

    /// Wakes all.
    pub(crate) fn wake_all(&self) {
        let by_question = self.by_question.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (_, place) in by_question.values() {
            *place.became() = None;
            place.notify.notify_waiters();
        }
    }
}

impl Waiter {
    /// Is ready once the question has changed, counted from when it is enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.place.notify.notified()
    }

    /// What became of the question, if whoever woke this one said so.
    pub(crate) fn became(&self) -> Option<Arc<Approval>> {
        self.place.became().clone()
    }
}

impl Place {
    fn became(&self) -> MutexGuard<'_, Option<Arc<Approval>>> {
        self.became.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
    use countersign_policy::approval::{self, Asker, Asking};
    use countersign_policy::{Digest, Timestamp};

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
    async fn who_is_told_what_became_of_it_need_not_read_it_unless_there_is_more() {
        let (user, session, project) = ("ana".to_owned(), "claude-code:1".to_owned(), "/p".to_owned());
        let asker = Asker { user, session, turn: None, project, agent: None };
        let asking = Asking { id: "a".to_owned(), digest: Digest(String::new()), asker, deferred: false };
        let (approval, _) = approval::open(asking, Timestamp(0));
        let waiting = Waiting::default();
        let waiter = waiting.register("a");
        assert!(waiter.became().is_none());
        waiting.tell(&approval);
        assert_eq!(waiter.became().as_deref(), Some(&approval));
        waiting.wake(["a"]);
        assert!(waiter.became().is_none());
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
