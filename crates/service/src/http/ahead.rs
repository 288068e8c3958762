//! The runs of sessions about which the decision log is not written yet.
//!
//! Calls may come faster than the log is written. While entries about a session wait, what is known here counts, and the
//! store follows; once they are written, the store counts. Two calls of one session may be judged at the same moment: the
//! second to be noted learns that it was judged by a run that is no longer the session's, and is judged again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_policy::Effect;

use crate::store::{LogEntry, Run};

/// See the module's text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    sessions: Arc<Mutex<HashMap<Key, Waiting>>>,
}

/// User and session.
type Key = (String, String);

#[derive(Debug, Default)]
struct Waiting {
    /// `None`: the store knows.
    run: Option<Option<Run>>,
    /// How many entries wait to be written.
    entries: usize,
    /// How many calls are being judged: what they read may not be forgotten meanwhile.
    looking: usize,
    /// Grows with each entry.
    turn: u64,
}

/// A call of a session that is being judged.
pub(crate) struct Looking<'a> {
    ahead: &'a Ahead,
    key: Key,
}

/// What was known when a call was judged.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The session's run, unless the store knows.
    pub(crate) run: Option<Option<Run>>,
    turn: u64,
}

impl Ahead {
    /// Begins to judge a call. What is read from the store has to be read after this.
    pub(crate) fn look(&self, user: &str, session: &str) -> Looking<'_> {
        let key = (user.to_owned(), session.to_owned());
        let mut sessions = self.lock();
        match sessions.get_mut(&key) {
            Some(waiting) => waiting.looking += 1,
            None => {
                sessions.insert(key.clone(), Waiting { looking: 1, ..Waiting::default() });
            }
        }
        drop(sessions);
        Looking { ahead: self, key }
    }

    /// These entries are written.
    pub(crate) fn written(&self, keys: &HashMap<Key, usize>) {
        let mut sessions = self.lock();
        for (key, many) in keys {
            if let Some(waiting) = sessions.get_mut(key) {
                waiting.entries = waiting.entries.saturating_sub(*many);
                if waiting.entries == 0 {
                    waiting.run = None;
                }
            }
            forget(&mut sessions, key);
        }
    }

    /// Nobody panics while they hold it, and a count is better than none.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Waiting>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looking<'_> {
    /// What is known now.
    pub(crate) fn seen(&self) -> Seen {
        let sessions = self.ahead.lock();
        sessions
            .get(&self.key)
            .map_or(Seen { run: None, turn: 0 }, |waiting| Seen { run: waiting.run.clone(), turn: waiting.turn })
    }

    /// An entry waits to be written from now on, which was judged by what was `seen`; `before` is the session's run
    /// without it. False, and nothing has happened, if that is no longer so and `anew` it could be judged again.
    pub(crate) fn note(&self, entry: &LogEntry, before: Option<Run>, seen: &Seen, anew: bool) -> bool {
        let mut sessions = self.ahead.lock();
        let waiting = sessions.entry(self.key.clone()).or_default();
        if anew && waiting.turn != seen.turn {
            return false;
        }
        if counts(entry) {
            let before = waiting.run.take().unwrap_or(before);
            waiting.run = Some(Run::after(before, entry));
            waiting.entries += 1;
            waiting.turn = waiting.turn.wrapping_add(1);
        }
        true
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut sessions = self.ahead.lock();
        if let Some(waiting) = sessions.get_mut(&self.key) {
            waiting.looking = waiting.looking.saturating_sub(1);
        }
        forget(&mut sessions, &self.key);
    }
}

/// The sessions of these entries, with how many of each change its run.
pub(crate) fn keys(batch: &[Arc<LogEntry>]) -> HashMap<Key, usize> {
    let mut many: HashMap<(&str, &str), usize> = HashMap::new();
    for entry in batch.iter().filter(|entry| counts(entry)) {
        *many.entry((&entry.user, &entry.session)).or_default() += 1;
    }
    many.into_iter().map(|((user, session), many)| ((user.to_owned(), session.to_owned()), many)).collect()
}

fn counts(entry: &LogEntry) -> bool {
    entry.effect == Effect::Allow && entry.run.is_some()
}

/// Forgets what nobody needs.
fn forget(sessions: &mut HashMap<Key, Waiting>, key: &Key) {
    if sessions.get(key).is_some_and(|waiting| waiting.entries == 0 && waiting.looking == 0) {
        sessions.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use countersign_policy::{Effect, document};

    use super::{Ahead, keys};
    use crate::store::{LogEntry, LogEvent};

    fn entry(call: &str) -> LogEntry {
        let request = countersign_engine::Request::of("shell", "ls");
        let call_of =
            countersign_engine::Engine::new(document::assemble(Vec::new())).call(&request, &crate::disk::Disk);
        let run = Some(call.to_owned());
        LogEntry { run, ..LogEntry::about(&call_of, LogEvent::Decided, Effect::Allow) }
    }

    #[test]
    fn of_two_that_saw_the_same_the_second_is_judged_again() {
        let (ahead, entry) = (Ahead::default(), entry("a"));
        let (one, two) = (ahead.look(&entry.user, &entry.session), ahead.look(&entry.user, &entry.session));
        let (first, second) = (one.seen(), two.seen());
        assert!(one.note(&entry, None, &first, true));
        // Even once that is written: what the second read from the store was older.
        let one_entry = [Arc::new(entry.clone())];
        ahead.written(&keys(&one_entry));
        assert!(!two.note(&entry, None, &second, true));
        let again = two.seen();
        assert!(again.run.is_none(), "the store knows");
        assert!(two.note(&entry, None, &again, true));
        drop((one, two));
        ahead.written(&keys(&one_entry));
        assert!(ahead.lock().is_empty(), "nothing is kept that nobody needs");
    }

    #[test]
    fn what_waits_counts_until_all_of_it_is_written() {
        let (ahead, entry) = (Ahead::default(), entry("a"));
        for times in 1..=2 {
            let looking = ahead.look(&entry.user, &entry.session);
            assert!(looking.note(&entry, None, &looking.seen(), true));
            assert_eq!(looking.seen().run.flatten().map(|run| run.times()), Some(times));
        }
        let one = keys(&[Arc::new(entry.clone())]);
        ahead.written(&one);
        assert!(ahead.look(&entry.user, &entry.session).seen().run.is_some());
        ahead.written(&one);
        assert!(ahead.look(&entry.user, &entry.session).seen().run.is_none());
    }
}
