//! Verdicts that were made before.
//!
//! An agent makes the same calls again and again. What was said of one is kept with all that went into it: who asked, the
//! call but for its id, the policy, what taking it apart asked of the files, whether anybody would see a question, the
//! session's folders and mode, how often the call came in a row, the grants, and from when to when none of those ends. It
//! is said again where all of that is the same, and counted and logged as the first time. Whatever else could have a part
//! in a verdict, a human's answer above all, keeps it from being kept.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::{mem, ptr};

use axum::body::Bytes;
use countersign_engine::{Engine, NothingKnown};
use countersign_policy::{Attendance, Timestamp};

use super::api::wire::CallBody;
use super::watched::Seen;
use crate::disk::{Disk, DiskWith};
use crate::store::{AgentToken, LiveGrants, LogEntry};

/// The largest body of a call whose verdict is kept, in bytes.
pub(crate) const LARGEST: usize = 2048;
/// The longest that is said of one, in the verdict and the log, in bytes.
const LONGEST: usize = 4096;
/// The most questions about files that one may depend on.
pub(crate) const QUESTIONS: usize = 16;
/// So many calls at most; twice as many while older ones are still of use.
const MOST: usize = 512;
/// So many verdicts of one call, the newest first: for the first time, the second in a row, and beyond.
const OF_ONE: usize = 3;

/// See the module's text.
#[derive(Default)]
pub(crate) struct Memo {
    hasher: RandomState,
    kept: Mutex<Generations>,
}

type Verdicts = HashMap<u64, Vec<Arc<Kept>>>;

/// What was of no use since the last generation is forgotten with it.
#[derive(Default)]
struct Generations {
    young: Verdicts,
    old: Verdicts,
}

impl Generations {
    /// The place of a call in the young generation, which becomes the old one where it is full.
    fn place(&mut self, key: u64) -> &mut Vec<Arc<Kept>> {
        if self.young.len() >= MOST && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.entry(key).or_default()
    }
}

/// What a verdict was made of, but for the call and who asked.
pub(crate) struct Made {
    pub(crate) policy: Policy,
    /// What was asked of the files.
    pub(crate) files: Seen,
    pub(crate) attendance: Attendance,
    pub(crate) roots: Vec<String>,
    pub(crate) mode: Option<String>,
    pub(crate) in_a_row: u32,
    pub(crate) grants: Weak<LiveGrants>,
    /// When it was made.
    pub(crate) from: Timestamp,
    /// When time alone may change it.
    pub(crate) until: Option<Timestamp>,
    /// What the log says of it; of the call's id it depends what more that is.
    pub(crate) entry: Arc<LogEntry>,
}

/// A policy, and where the project for which it is in force really is.
pub(crate) struct Policy {
    /// It is kept from being taken for another, and not from being forgotten.
    pub(crate) engine: Weak<Engine>,
    pub(crate) real: Option<Arc<str>>,
}

/// A verdict with all that went into it.
pub(crate) struct Kept {
    token: AgentToken,
    body: CallBody,
    pub(crate) made: Made,
    pub(crate) verdict: Bytes,
}

/// How things are now, of all that goes into a verdict but the call and who asks.
pub(crate) struct Now<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) grants: &'a Arc<LiveGrants>,
    /// The project as the call names it, and where it really is.
    pub(crate) project: &'a str,
    pub(crate) real: Option<&'a str>,
    pub(crate) attendance: Attendance,
    pub(crate) roots: &'a [String],
    pub(crate) mode: Option<&'a str>,
    pub(crate) time: Timestamp,
}

impl Memo {
    /// What was said of this very call of this agent's.
    pub(crate) fn of(&self, token: &AgentToken, body: &CallBody) -> Vec<Arc<Kept>> {
        let key = self.key(token, body);
        let mut kept = self.lock();
        if let Some(again) = kept.old.remove(&key) {
            kept.place(key).extend(again);
        }
        let all = kept.young.get(&key).into_iter().flatten();
        all.filter(|kept| kept.token == *token && kept.body.but_for_its_id() == body.but_for_its_id())
            .cloned()
            .collect()
    }

    /// Keeps what was said of a call.
    pub(crate) fn keep(&self, token: &AgentToken, body: CallBody, made: Made, verdict: Bytes) {
        let entry = &made.entry;
        let said = verdict.len() + entry.detail.text().len() + entry.summary.len();
        if said > LONGEST || !made.files.is_whole() {
            return;
        }
        let key = self.key(token, &body);
        // The next one has an id of its own, or none.
        let made = match entry.call_id {
            Some(_) => {
                Made { entry: Arc::new(LogEntry { call_id: None, run_id: None, ..LogEntry::clone(entry) }), ..made }
            }
            None => made,
        };
        let kept_now = Arc::new(Kept { token: token.clone(), body: CallBody { call_id: None, ..body }, made, verdict });
        let mut kept = self.lock();
        let all = kept.place(key);
        all.insert(0, kept_now);
        all.truncate(OF_ONE);
    }

    fn key(&self, token: &AgentToken, body: &CallBody) -> u64 {
        self.hasher.hash_one((&token.id, body.but_for_its_id()))
    }

    /// Nobody panics while they hold it; and what is in it is looked at before it is used.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether it would be said again: all that went into it is the same now. `in_a_row` says how often this call will
    /// have come in a row.
    pub(crate) fn holds(&self, now: &Now<'_>, in_a_row: impl Fn(&str) -> u32) -> bool {
        let made = &self.made;
        ptr::eq(made.policy.engine.as_ptr(), Arc::as_ptr(now.engine))
            && ptr::eq(made.grants.as_ptr(), Arc::as_ptr(now.grants))
            && made.entry.run.as_deref().is_some_and(|call| in_a_row(call) == made.in_a_row)
            && (made.from <= now.time && made.until.is_none_or(|until| now.time < until))
            && made.attendance == now.attendance
            && made.policy.real.as_deref() == now.real
            && made.mode.as_deref() == now.mode
            && made.roots == now.roots
            && match now.real {
                Some(real) => made.files.holds(&DiskWith { folder: now.project, real }, &NothingKnown),
                None => made.files.holds(&Disk, &NothingKnown),
            }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Weak};

    use countersign_engine::{Engine, Files as _, NothingKnown};
    use countersign_policy::{Attendance, Timestamp, document};
    use serde_json::json;

    use super::{Kept, LONGEST, MOST, Made, Memo, Now, OF_ONE, Policy, QUESTIONS};
    use crate::disk::Disk;
    use crate::http::api::wire::CallBody;
    use crate::http::watched::Watched;
    use crate::store::{AgentToken, LiveGrants, LogEntry};

    fn engine() -> Arc<Engine> {
        Arc::new(Engine::new(document::assemble(Vec::new())))
    }

    fn token(id: &str) -> AgentToken {
        AgentToken {
            id: id.to_owned(),
            name: "bot".to_owned(),
            user: "ana".to_owned(),
            session: "h:s".to_owned(),
            project: None,
            above: Vec::new(),
            parent: None,
            kinds: Vec::new(),
            created: Timestamp(0),
            expires: Timestamp(i64::MAX),
            revoked: None,
        }
    }

    fn body(command: &str) -> CallBody {
        let body =
            json!({ "host": "h", "tool": "shell", "args": { "resource": command }, "cwd": "/p", "project": "/p" });
        serde_json::from_value(body).unwrap()
    }

    fn made(engine: &Arc<Engine>, grants: &Arc<LiveGrants>, entry: LogEntry) -> Made {
        Made {
            policy: Policy { engine: Arc::downgrade(engine), real: Some("/p".into()) },
            files: Watched::new(&Disk, &NothingKnown).seen(),
            attendance: Attendance::Somebody,
            roots: vec!["/r".to_owned()],
            mode: Some("plan".to_owned()),
            in_a_row: 2,
            grants: Arc::downgrade(grants),
            from: Timestamp(10),
            until: Some(Timestamp(20)),
            entry: Arc::new(entry),
        }
    }

    fn entry() -> LogEntry {
        LogEntry { run: Some("a".repeat(64)), ..LogEntry::blank() }
    }

    fn kept(made: Made) -> Kept {
        Kept { token: token("t"), body: body("ls"), made, verdict: "{}".into() }
    }

    #[test]
    fn it_holds_while_all_that_went_into_it_is_the_same() {
        let (engine, grants) = (engine(), Arc::new(LiveGrants::default()));
        let (other_engine, other_grants) = (self::engine(), Arc::new(LiveGrants::default()));
        let roots = ["/r".to_owned()];
        let now = || Now {
            engine: &engine,
            grants: &grants,
            project: "/p",
            real: Some("/p"),
            attendance: Attendance::Somebody,
            roots: &roots,
            mode: Some("plan"),
            time: Timestamp(10),
        };
        let kept = kept(made(&engine, &grants, entry()));
        let twice = |call: &str| if call == "a".repeat(64) { 2 } else { 0 };
        assert!(kept.holds(&now(), twice) && kept.holds(&Now { time: Timestamp(19), ..now() }, twice));
        for (what, other) in [
            ("policy", Now { engine: &other_engine, ..now() }),
            ("grants", Now { grants: &other_grants, ..now() }),
            ("project", Now { real: Some("/q"), ..now() }),
            ("no project", Now { real: None, ..now() }),
            ("attendance", Now { attendance: Attendance::Nobody, ..now() }),
            ("roots", Now { roots: &[], ..now() }),
            ("mode", Now { mode: None, ..now() }),
            ("before", Now { time: Timestamp(9), ..now() }),
            ("after", Now { time: Timestamp(20), ..now() }),
        ] {
            assert!(!kept.holds(&other, twice), "{what}");
        }
        assert!(!kept.holds(&now(), |_| 1) && !kept.holds(&now(), |_| 3));
        let no_call = self::kept(made(&engine, &grants, LogEntry { run: None, ..entry() }));
        assert!(!no_call.holds(&now(), |_| 2));
        // Both are gone: what comes in their place is never taken for them.
        let gone = self::kept(Made { grants: Weak::new(), ..made(&engine, &grants, entry()) });
        assert!(!gone.holds(&now(), twice));
    }

    #[test]
    fn what_was_asked_of_the_files_is_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().canonicalize().unwrap().join(name).to_str().unwrap().to_owned();
        std::fs::write(at("file"), "x").unwrap();
        let (engine, grants) = (engine(), Arc::new(LiveGrants::default()));
        let watched = Watched::new(&Disk, &NothingKnown);
        watched.real_path(&at("file"));
        let kept = kept(Made { files: watched.seen(), ..made(&engine, &grants, entry()) });
        let (real, roots) = (Some("/p"), ["/r".to_owned()]);
        let (attendance, mode) = (Attendance::Somebody, Some("plan"));
        let (engine, grants, project, roots, time) = (&engine, &grants, "/p", roots.as_slice(), Timestamp(10));
        let holds = || kept.holds(&Now { engine, grants, project, real, attendance, roots, mode, time }, |_| 2);
        assert!(holds());
        std::fs::remove_file(at("file")).unwrap();
        symlink("/etc", at("file")).unwrap();
        assert!(!holds());
    }

    /// A call that asks for much is never said to be as it was, and takes no more room.
    #[test]
    fn of_too_many_files_nothing_is_known() {
        let (engine, grants, memo) = (engine(), Arc::new(LiveGrants::default()), Memo::default());
        let asked = |many: usize| {
            let watched = Watched::at_most(QUESTIONS, &Disk, &NothingKnown);
            for number in 0..many {
                watched.real_path(&format!("/none/{number}"));
            }
            watched.seen()
        };
        assert!(asked(QUESTIONS).holds(&Disk, &NothingKnown) && !asked(QUESTIONS + 1).holds(&Disk, &NothingKnown));
        assert_eq!(asked(100 * QUESTIONS).files().count(), QUESTIONS);
        for (command, many) in [("few", QUESTIONS), ("many", QUESTIONS + 1)] {
            let made = Made { files: asked(many), ..made(&engine, &grants, entry()) };
            memo.keep(&token("t"), body(command), made, "{}".into());
            assert_eq!(memo.of(&token("t"), &body(command)).is_empty(), command == "many");
        }
    }

    #[test]
    fn the_very_call_of_the_very_token_is_found_whatever_its_id() {
        let (engine, grants, memo) = (engine(), Arc::new(LiveGrants::default()), Memo::default());
        let entry = LogEntry { call_id: Some("c1".to_owned()), run_id: Some("t c1".to_owned()), ..entry() };
        memo.keep(&token("t"), body("ls"), made(&engine, &grants, entry), "{}".into());
        let found = memo.of(&token("t"), &CallBody { call_id: Some("c2".to_owned()), ..body("ls") });
        let [found] = found.as_slice() else { panic!("{}", found.len()) };
        assert_eq!((&found.made.entry.call_id, &found.made.entry.run_id), (&None, &None), "the next has its own");
        for (token, body) in [
            (token("other"), body("ls")),
            (AgentToken { kinds: vec!["k".to_owned()], ..token("t") }, body("ls")),
            (token("t"), body("ls -l")),
            (token("t"), CallBody { turn: Some("2".to_owned()), ..body("ls") }),
            (token("t"), CallBody { cwd: "/p/x".to_owned(), ..body("ls") }),
            (token("t"), CallBody { environment: [("A".to_owned(), "1".to_owned())].into(), ..body("ls") }),
        ] {
            assert!(memo.of(&token, &body).is_empty(), "{body:?}");
        }
    }

    /// However many calls an agent thinks of, and however long they are.
    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (engine, grants, memo) = (engine(), Arc::new(LiveGrants::default()), Memo::default());
        let keep = |command: &str, entry: LogEntry| {
            memo.keep(&token("t"), body(command), made(&engine, &grants, entry), "{}".into());
        };
        keep("in use", entry());
        for number in 0..5 * MOST {
            keep(&format!("make {number}"), entry());
            if number % (MOST / 2) == 0 {
                assert!(!memo.of(&token("t"), &body("in use")).is_empty(), "{number}");
            }
        }
        for _ in 0..9 {
            keep("in use", entry());
        }
        // Nor if it makes all of them again, time after time.
        for number in 0..4 * MOST {
            keep(&format!("again {number}"), entry());
            if number % 100 == 0 {
                (0..number).for_each(|number| drop(memo.of(&token("t"), &body(&format!("again {number}")))));
            }
        }
        let kept = memo.lock();
        assert!(kept.young.len() <= MOST && kept.old.len() <= MOST, "{} {}", kept.young.len(), kept.old.len());
        assert!(kept.young.values().chain(kept.old.values()).all(|all| all.len() <= OF_ONE));
        drop(kept);
        keep("long", LogEntry { detail: json!("x".repeat(LONGEST)).into(), ..entry() });
        assert!(memo.of(&token("t"), &body("long")).is_empty());
    }
}
