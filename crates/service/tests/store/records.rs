//! Audit, decision log, tokens, sign-in, trust, listeners, edits.

use countersign_engine::Known as _;
use countersign_policy::{Decision, Effect};
use countersign_service::block_on::block_on;
use countersign_service::store::{
    Ask, AuditFilter, LogEntry, LogEvent, LogFilter, NewToken, Once, Store, TokenRequest,
};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{HOUR, MINUTE, NOON, Place, ask, judge, policy, question, shell};

#[test]
fn the_audit_is_never_changed_or_cut() {
    let place = Place::new();
    let mut store = place.open();
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    for (sql, says) in [
        ("UPDATE audit SET actor = 'nobody'", "the audit is never changed"),
        ("DELETE FROM audit", "the audit is never cut"),
        (
            "INSERT OR REPLACE INTO audit (id, at, actor, kind, detail) VALUES (1, 0, 'x', 'y', '{}')",
            "the audit is never cut",
        ),
    ] {
        let said = block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
            let mut db = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("PRAGMA recursive_triggers = ON").execute(&mut db).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut db).await.unwrap_err().to_string()
        });
        assert!(said.contains(says), "{said}");
    }
    let entries = block_on(store.audit_entries(&AuditFilter::default())).unwrap();
    assert!(entries.len() == 1 && entries[0].kind == "asked" && entries[0].actor == "agent", "{entries:?}");
}

#[test]
fn the_audit_turns_pages() {
    let place = Place::new();
    let mut store = place.open();
    for number in 0..5 {
        block_on(store.audit("ana", "off", &serde_json::json!({ "number": number }), NOON)).unwrap();
    }
    let page = |store: &mut Store, before| {
        let filter = AuditFilter { kind: Some("off".into()), before, limit: 2, ..Default::default() };
        block_on(store.audit_entries(&filter)).unwrap().iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(page(&mut store, None), [5, 4]);
    assert_eq!(page(&mut store, Some(4)), [3, 2]);
    assert_eq!(page(&mut store, Some(2)), [1]);
}

fn entry(line: &str) -> LogEntry {
    LogEntry::decided(&shell(line), &Decision::fault("no policy"))
}

#[test]
fn the_log_holds_no_secret_that_stands_in_a_call() {
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let long = format!("deploy {} --token {secret}", "x".repeat(270));
    let decision = Decision::fault(format!("`--token {secret}` was not understood"));
    for line in [format!("deploy --token {secret} --password hunter2"), long] {
        let entry = LogEntry::decided(&shell(&line), &decision);
        let written = serde_json::to_string(&entry).unwrap();
        assert!(
            written.contains("deploy") && !written.contains("ghp_abc") && !written.contains("hunter2"),
            "{written}"
        );
    }
}

#[test]
fn the_log_is_filtered_and_followed() {
    let place = Place::new();
    let mut store = place.open();
    let ran = LogEntry { event: LogEvent::Ran, effect: Effect::Allow, ..entry("ls") };
    block_on(store.log(&[entry("git push"), ran.clone()], false, NOON)).unwrap();
    block_on(store.log(&[entry("make")], true, NOON.plus_seconds(1))).unwrap();
    let mut list = |filter: LogFilter| {
        let entries = block_on(store.log_entries(&filter)).unwrap();
        entries.into_iter().map(|logged| logged.entry.summary).collect::<Vec<_>>()
    };
    assert_eq!(list(LogFilter::default()), ["shell: make", "shell: ls", "shell: git push"]);
    assert_eq!(list(LogFilter { after: Some(1), ..Default::default() }), ["shell: ls", "shell: make"]);
    assert_eq!(list(LogFilter { event: Some(LogEvent::Ran), ..Default::default() }), ["shell: ls"]);
    assert_eq!(list(LogFilter { effect: Some(Effect::Deny), limit: 1, ..Default::default() }), ["shell: make"]);
    assert!(list(LogFilter { user: Some("ben".into()), ..Default::default() }).is_empty());
    let one = block_on(store.log_entries(&LogFilter { id: Some(2), ..Default::default() })).unwrap().remove(0);
    assert_eq!((one.at, one.entry), (NOON, ran));
}

#[test]
fn the_log_is_cut_by_number_and_age_and_numbers_go_on() {
    let place = Place::new();
    let mut store = place.open();
    let old: Vec<LogEntry> = (0..2500).map(|number| entry(&format!("old {number}"))).collect();
    block_on(store.log(&old, false, NOON)).unwrap();
    let new: Vec<LogEntry> = (0..10).map(|number| entry(&format!("new {number}"))).collect();
    let later = NOON.plus_seconds(HOUR);
    block_on(store.log(&new, false, later)).unwrap();
    assert_eq!(block_on(store.trim_log(10_000, 2 * HOUR, later)).unwrap(), 0);
    assert_eq!(block_on(store.trim_log(2000, 2 * HOUR, later)).unwrap(), 510);
    assert_eq!(block_on(store.trim_log(2000, MINUTE, later)).unwrap(), 1990);
    assert_eq!(block_on(store.trim_log(0, 0, later.plus_seconds(1))).unwrap(), 9);
    block_on(store.log(&[entry("next")], false, later)).unwrap();
    let left = block_on(store.log_entries(&LogFilter::default())).unwrap();
    assert_eq!(left.iter().map(|logged| logged.id).collect::<Vec<_>>(), [2511, 2510]);
}

fn token(store: &mut Store) -> NewToken {
    let request = TokenRequest {
        name: "bot".into(),
        user: "ana".into(),
        session: "langchain:s1".into(),
        project: None,
        seconds: Some(HOUR),
        below: None,
    };
    block_on(store.token_create(&request, "ana", NOON)).unwrap()
}

#[test]
fn tokens_count_until_they_expire_or_are_revoked() {
    let place = Place::new();
    let mut store = place.open();
    let (one, two) = (token(&mut store), token(&mut store));
    assert_ne!(one.secret, two.secret);
    let find = |store: &mut Store, secret: &str, now| block_on(store.token_find(secret, now)).unwrap();
    assert_eq!(find(&mut store, &one.secret, NOON).unwrap(), one.token);
    assert!(find(&mut store, &one.secret, NOON.plus_seconds(HOUR)).is_none());
    for wrong in ["", "csa_", &one.secret[..one.secret.len() - 1], &one.secret.to_uppercase(), &one.token.id] {
        assert!(find(&mut store, wrong, NOON).is_none(), "{wrong}");
    }
    assert!(!block_on(store.token_revoke(&one.token.id, "ben", "ben", NOON)).unwrap());
    assert!(block_on(store.token_revoke(&one.token.id, "ana", "ana", NOON)).unwrap());
    assert!(find(&mut store, &one.secret, NOON).is_none());
    assert!(find(&mut store, &two.secret, NOON).is_some());
    assert_eq!(block_on(store.tokens("ana")).unwrap().len(), 2);
}

#[test]
fn secrets_are_not_in_the_file() {
    let place = Place::new();
    let mut store = place.open();
    let made = token(&mut store);
    let code = block_on(store.signin_code_create("ana", NOON)).unwrap();
    let unused = block_on(store.signin_code_create("ana", NOON)).unwrap();
    let human = block_on(store.signin(&code, HOUR, NOON)).unwrap().unwrap();
    block_on(store.close()).unwrap();
    let bytes = std::fs::read(place.path()).unwrap();
    for secret in [&made.secret, &code, &unused, &human.secret] {
        let secret = secret.as_bytes();
        assert_eq!(secret.len(), 68);
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn a_code_signs_in_once_within_5_minutes() {
    let place = Place::new();
    let mut store = place.open();
    let code = block_on(store.signin_code_create("ana", NOON)).unwrap();
    let human = block_on(store.signin(&code, HOUR, NOON)).unwrap().unwrap();
    assert_eq!(human.session.user, "ana");
    assert!(block_on(store.signin(&code, HOUR, NOON)).unwrap().is_none());
    let found = block_on(store.human_session_find(&human.secret, NOON)).unwrap().unwrap();
    assert!(found == human.session && found.csrf != human.secret);
    assert!(block_on(store.human_session_find(&human.secret, NOON.plus_seconds(HOUR))).unwrap().is_none());
    block_on(store.human_session_end(&human.secret, NOON)).unwrap();
    assert!(block_on(store.human_session_find(&human.secret, NOON)).unwrap().is_none());

    let late = block_on(store.signin_code_create("ana", NOON)).unwrap();
    assert!(block_on(store.signin(&late, HOUR, NOON.plus_seconds(5 * MINUTE))).unwrap().is_none());
    assert!(block_on(store.signin("csc_", HOUR, NOON)).unwrap().is_none());
}

#[test]
fn what_had_expired_stays_so_when_the_clock_is_set_back() {
    let place = Place::new();
    let mut store = place.open();
    let made = token(&mut store);
    let code = block_on(store.signin_code_create("ana", NOON)).unwrap();
    let human = block_on(store.signin(&code, HOUR, NOON)).unwrap().unwrap();
    let code = block_on(store.signin_code_create("ana", NOON)).unwrap();
    block_on(store.listener_beat("p1", "page", "ana", NOON, NOON.plus_seconds(MINUTE))).unwrap();
    block_on(store.log(&[], true, NOON.plus_seconds(2 * HOUR))).unwrap();
    assert!(block_on(store.token_find(&made.secret, NOON)).unwrap().is_none());
    assert!(block_on(store.human_session_find(&human.secret, NOON)).unwrap().is_none());
    assert!(block_on(store.signin(&code, HOUR, NOON)).unwrap().is_none());
    assert!(!block_on(store.listening("ana", NOON)).unwrap());
}

#[test]
fn trust_is_for_one_user_one_file_one_content() {
    let place = Place::new();
    let mut store = place.open();
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    block_on(store.trust("/repo/countersign.toml", &a, "ana", NOON)).unwrap();
    block_on(store.note_checked(&["key".into()], NOON)).unwrap();
    let known = block_on(store.known("ana")).unwrap();
    assert!(known.trusted("/repo/countersign.toml", &a));
    assert!(!known.trusted("/repo/countersign.toml", &b));
    assert!(!known.trusted("/elsewhere/countersign.toml", &a));
    assert!(known.checked("key") && !known.checked("other"));
    assert!(!block_on(store.known("ben")).unwrap().trusted("/repo/countersign.toml", &a));
    // New content takes the place of the old.
    block_on(store.trust("/repo/countersign.toml", &b, "ana", NOON)).unwrap();
    let known = block_on(store.known("ana")).unwrap();
    assert!(known.trusted("/repo/countersign.toml", &b) && !known.trusted("/repo/countersign.toml", &a));
    assert!(block_on(store.untrust("/repo/countersign.toml", "ana", NOON)).unwrap());
    assert!(!block_on(store.untrust("/repo/countersign.toml", "ana", NOON)).unwrap());
}

#[test]
fn listeners_live_as_long_as_they_beat() {
    let place = Place::new();
    let mut store = place.open();
    assert!(!block_on(store.listening("ana", NOON)).unwrap());
    block_on(store.listener_beat("p1", "page", "ana", NOON, NOON.plus_seconds(15))).unwrap();
    block_on(store.listener_beat("p1", "page", "ana", NOON.plus_seconds(10), NOON.plus_seconds(25))).unwrap();
    assert!(block_on(store.listening("ana", NOON.plus_seconds(24))).unwrap());
    assert!(!block_on(store.listening("ben", NOON)).unwrap());
    assert!(!block_on(store.listening("ana", NOON.plus_seconds(25))).unwrap());
    block_on(store.listener_gone("p1", NOON)).unwrap();
    assert!(!block_on(store.listening("ana", NOON)).unwrap());
}

#[test]
fn edits_can_be_found_and_undone() {
    let place = Place::new();
    let mut store = place.open();
    let first = block_on(store.edit("ana", "/f", None, Some("a"), NOON)).unwrap();
    let second = block_on(store.edit("ana", "/f", Some("a"), Some("b"), NOON)).unwrap();
    block_on(store.edit_undone(second, NOON.plus_seconds(1))).unwrap();
    let edits = block_on(store.edits("ana", 0)).unwrap();
    assert_eq!(edits.iter().map(|edit| edit.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!((edits[0].undone, edits[1].undone), (Some(NOON.plus_seconds(1)), None));
    assert_eq!((edits[1].before.as_deref(), edits[1].after.as_deref()), (None, Some("a")));
}

#[test]
fn an_idempotency_key_is_kept_for_a_day() {
    let place = Place::new();
    let mut store = place.open();
    let (policy, call) = (policy(Vec::new()), shell("git push"));
    let question = question(&call, &judge(&policy)(&call, None, &[], NOON));
    let ask = Ask { call: &call, question: &question, max_open: 3, deferred: false };
    let once = Once { user: "ana".into(), session: call.session_key(), key: "k1".into(), fingerprint: "0".repeat(64) };
    let id = block_on(store.ask_once(&ask, Some(&once), NOON)).unwrap().record.approval.id;
    block_on(store.trim_keys(NOON.plus_seconds(24 * HOUR))).unwrap();
    assert_eq!(block_on(store.once(&once)).unwrap(), Ok(Some(id)));
    block_on(store.trim_keys(NOON.plus_seconds(24 * HOUR + 1))).unwrap();
    assert_eq!(block_on(store.once(&once)).unwrap(), Ok(None));
}
