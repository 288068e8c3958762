//! Calls that Claude Code puts off until somebody answers, and calls whose arguments somebody has changed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod world;

use countersign_engine::Engine;
use countersign_policy::approval::{CancelReason, Outcome, State};
use countersign_policy::{Call, Scope, document};
use countersign_service::block_on::block_on;
use countersign_service::disk::Disk;
use countersign_service::store::{EditedCall, Human, LogFilter, Open, Record, RecordFilter, Reply, Store, Via};
use serde_json::{Value, json};
use world::{PROGRAM, Said, World, feed, write};

const DEFER: [&str; 3] = ["claude-code", "--on-ask", "defer"];
const SHIPPED: &str = "2.1.329";

/// A session of Claude Code with `-p`, in a world.
struct Headless {
    world: World,
    environment: Vec<(&'static str, &'static str)>,
}

impl Headless {
    fn new() -> Headless {
        let environment = vec![("CLAUDE_CODE_SESSION_ATTENDED", "0"), ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")];
        Headless { world: World::new(), environment }
    }

    /// The host writes down a message with these calls, as it does before it asks its hooks.
    fn message(&self, version: &str, ids: &[&str]) {
        let calls: Vec<Value> = ids.iter().map(|id| json!({"type": "tool_use", "id": id})).collect();
        let line = json!({
            "type": "assistant", "version": version, "isSidechain": false,
            "message": {"id": format!("m-{}", ids.join("-")), "content": calls},
        });
        let file = self.world.home().join("session.jsonl");
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        write(&file, &format!("{before}{line}\n"));
    }

    fn event(&self, name: &str, command: &str, id: &str) -> Value {
        let mut event: Value = serde_json::from_str(&self.world.event(name, command, id)).unwrap();
        event["transcript_path"] = json!(self.world.home().join("session.jsonl"));
        event
    }

    fn hook(&self, event: &Value) -> Said {
        let mut command = self.world.command(PROGRAM);
        command.arg("hook").args(DEFER).envs(self.environment.iter().copied());
        feed(command, event.to_string().as_bytes())
    }

    /// The model makes this call alone.
    fn call(&self, command: &str, id: &str) -> Said {
        self.message(SHIPPED, &[id]);
        self.comes(command, id)
    }

    /// The host comes with this call; when a session is resumed, without a turn.
    fn comes(&self, command: &str, id: &str) -> Said {
        self.hook(&self.event("PreToolUse", command, id))
    }

    /// The host ends, and says why.
    fn ends(&self, reason: &str) {
        let said = self.hook(&json!({"hook_event_name": "SessionEnd", "session_id": "s1", "reason": reason}));
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    }

    fn store(&self) -> Store {
        block_on(Store::open(&self.world.store(), Open::Cli)).unwrap()
    }

    /// All questions, the oldest first.
    fn questions(&self) -> Vec<Record> {
        let mut records = block_on(self.store().records(&RecordFilter::default())).unwrap();
        records.reverse();
        records
    }

    fn question(&self) -> Record {
        let mut questions = self.questions();
        assert_eq!(questions.len(), 1, "{questions:?}");
        questions.remove(0)
    }

    /// A person answers, in a process of their own.
    fn answer(&self, words: &str) {
        let id = self.questions().pop().unwrap().approval.id;
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let said = self.world.run_in_terminal(&format!("approvals {verb} {id} {rest}"), "y\n");
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// A person allows it with another command, as the page does.
    fn allow_as(&self, command: &str) {
        let record = self.questions().pop().unwrap();
        let engine = Engine::new(document::assemble(Vec::new()));
        let call = engine.with_args(&record.call, json!({"command": command, "description": "d"}), &Disk);
        let now = record.approval.asked;
        let question = engine.question(&call, &engine.decide(&[], None, &call, now), &Disk);
        let reply = Reply {
            approval: record.approval.id,
            outcome: Outcome::Allow,
            remember: Vec::new(),
            scope: Scope::Once,
            expires: None,
            feedback: None,
            also: Vec::new(),
            edited: Some(EditedCall { call, question }),
            alone: false,
            cascade: false,
        };
        let human = Human { user: record.call.user, via: Via::Page };
        let recheck = |call: &Call, answer: Option<&_>, grants: &[_], now| engine.decide(grants, answer, call, now);
        block_on(self.store().reply(&reply, &human, now, &recheck)).unwrap();
    }
}

fn deferred(said: &Said) {
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("defer")), "{said:?}");
}

fn allowed(said: &Said) {
    assert_eq!((said.code, said.decision().as_deref()), (Some(0), Some("allow")), "{said:?}");
}

fn denied(said: &Said, reason: &str) {
    assert_eq!((said.code, said.decision().as_deref()), (Some(2), Some("deny")), "{said:?}");
    assert!(said.stderr.contains(reason), "`{reason}` is not in {said:?}");
}

#[test]
fn an_approval_outlives_the_process_that_asked() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("other");
    let record = host.question();
    assert!(record.approval.deferred && record.approval.state == State::Open, "{record:?}");
    // Resumed too early, it is put off again, and nobody is asked twice.
    let mut resumed = host.event("PreToolUse", "git push", "t1");
    resumed.as_object_mut().unwrap().remove("prompt_id");
    deferred(&host.hook(&resumed));
    host.ends("other");
    assert_eq!(host.question().approval.count, 1);

    host.answer("allow");
    allowed(&host.hook(&resumed));
    assert!(matches!(host.question().approval.state, State::Redeemed { .. }));
    let said = host.hook(&host.event("PostToolUse", "git push", "t1"));
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    // It counted once.
    deferred(&host.call("git push", "t2"));
    assert_eq!(host.questions().len(), 2);
}

#[test]
fn a_no_to_a_call_that_was_put_off_is_told_when_it_comes_again() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("other");
    host.answer("deny --message 'not on a Friday'");
    denied(&host.comes("git push", "t1"), "not on a Friday");
    // The client died before the model read it.
    denied(&host.comes("git push", "t1"), "not on a Friday");
    assert_eq!(host.questions().len(), 1);
}

#[test]
fn a_call_whose_question_has_expired_or_was_withdrawn_is_denied() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("other");
    let record = host.question();
    let days = (record.approval.expires.0 - record.approval.asked.0) / 86_400_000;
    assert_eq!(days, 30);
    block_on(host.store().expire(record.approval.expires)).unwrap();
    denied(&host.comes("git push", "t1"), "make the call again");
    deferred(&host.call("git push", "t2"));

    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("prompt_input_exit");
    let state = host.question().approval.state;
    assert!(matches!(state, State::Cancelled { reason: CancelReason::SessionEnd, .. }), "{state:?}");
    denied(&host.comes("git push", "t1"), "was withdrawn");
    assert_eq!(host.questions().len(), 1);
}

#[test]
fn the_end_of_a_session_withdraws_all_but_what_it_stopped_with() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    // The host did something else since: it did not stop with that question.
    allowed(&host.call("ls", "t2"));
    host.ends("other");
    assert!(matches!(host.question().approval.state, State::Cancelled { .. }));

    // What was allowed for the session ends, and what another session asked stays as it is.
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.answer("allow --scope session");
    allowed(&host.comes("git push", "t1"));
    deferred(&host.call("git fetch", "t2"));
    host.ends("other");
    deferred(&host.call("git push", "t3"));
    let open: Vec<_> = host.questions().into_iter().filter(|record| record.approval.state == State::Open).collect();
    assert_eq!(open.len(), 2, "{open:?}");
    host.ends("other");
    let open: Vec<_> = host.questions().into_iter().filter(|record| record.approval.state == State::Open).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].question.summary.contains("git push"), "{open:?}");
}

/// The host passes the word over there and lets its own rules decide.
#[test]
fn a_call_is_never_put_off_where_the_host_would_pass_it_over() {
    let host = Headless::new();
    let push = |id: &str| host.comes("git push", id);
    host.message(SHIPPED, &["t1", "t2"]);
    denied(&push("t1"), "no other beside it");
    denied(&push("t2"), "no other beside it");
    host.message("2.1.88", &["t3"]);
    denied(&push("t3"), "2.1.88");
    denied(&push("t4"), "transcript");
    let mut event = host.event("PreToolUse", "git push", "t5");
    for path in [Value::Null, json!("/dev/null"), json!("/nowhere"), json!(host.world.home())] {
        event["transcript_path"] = path;
        denied(&host.hook(&event), "transcript");
    }
    let fifo = host.world.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    event["transcript_path"] = json!(fifo);
    denied(&host.hook(&event), "transcript");
    assert_eq!(host.questions(), []);

    // A sub-agent, which nobody resumes, and the host's own prompt: as without the option, where nobody listens.
    host.message(SHIPPED, &["t6"]);
    let mut event = host.event("PreToolUse", "git push", "t6");
    event["agent_id"] = json!("a1");
    denied(&host.hook(&event), "Countersign");
    denied(&host.hook(&host.event("PermissionRequest", "git push", "t6")), "Countersign");
    // A session with a person in front of it, and one that is neither.
    for (attended, entrypoint, answer) in [("1", "cli", "ask"), ("1", "sdk-cli", "deny"), ("0", "sdk-ts", "deny")] {
        let mut host = Headless::new();
        host.environment = vec![("CLAUDE_CODE_SESSION_ATTENDED", attended), ("CLAUDE_CODE_ENTRYPOINT", entrypoint)];
        assert_eq!(host.call("git push", "t1").decision().as_deref(), Some(answer), "{attended} {entrypoint}");
    }
    let mut host = Headless::new();
    host.environment.clear();
    denied(&host.call("git push", "t1"), "Countersign");
}

#[test]
fn a_call_that_runs_while_it_is_put_off_is_an_alarm() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    let said = host.hook(&host.event("PostToolUse", "git push", "t1"));
    assert!(said.stdout.contains("was put off"), "{said:?}");
}

#[test]
fn a_yes_to_a_call_that_was_put_off_is_for_that_call_of_that_session() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("other");
    host.answer("allow");
    deferred(&host.call("git push --force", "t2"));
    let mut other = host.event("PreToolUse", "git push", "t1");
    other["session_id"] = json!("s2");
    deferred(&host.hook(&other));
    let mut sub_agent = host.event("PreToolUse", "git push", "t1");
    sub_agent["agent_id"] = json!("a1");
    denied(&host.hook(&sub_agent), "Countersign");
    let of_t1 = || host.questions().remove(0).approval.state;
    assert!(matches!(of_t1(), State::Allowed { .. }), "{:?}", of_t1());
    // Other programs than those that the person was asked about: the yes is of no use any more.
    let mut command = host.world.command(PROGRAM);
    command.arg("hook").args(DEFER).envs(host.environment.iter().copied()).env("PATH", "/tmp/elsewhere:/usr/bin:/bin");
    deferred(&feed(command, host.event("PreToolUse", "git push", "t1").to_string().as_bytes()));
    assert!(matches!(of_t1(), State::Cancelled { reason: CancelReason::Policy, .. }), "{:?}", of_t1());
    deferred(&host.comes("git push", "t1"));
}

#[test]
fn a_yes_to_a_call_that_was_put_off_gives_way_to_stricter_policy() {
    let host = Headless::new();
    deferred(&host.call("git push", "t1"));
    host.ends("other");
    host.answer("allow");
    write(&host.world.policy(), "deny = [\"shell(git push **)\"]\n");
    denied(&host.comes("git push", "t1"), "git push");
}

#[test]
fn a_call_runs_with_the_arguments_that_a_person_made_of_it() {
    let host = Headless::new();
    deferred(&host.call("git push --force", "t1"));
    host.ends("other");
    host.allow_as("git push origin main");
    let said = host.comes("git push --force", "t1");
    allowed(&said);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    let updated = &value["hookSpecificOutput"]["updatedInput"];
    assert_eq!(*updated, json!({"command": "git push origin main", "description": "d"}));
    // Both are in the log, and what runs is what was judged.
    let entries = block_on(host.store().log_entries(&LogFilter::default())).unwrap();
    let logged: Vec<_> =
        entries.iter().map(|entry| (entry.entry.effect.word(), entry.entry.summary.as_str())).collect();
    assert_eq!(logged[..2], [("allow", "shell: git push origin main"), ("ask", "shell: git push --force")]);
    let said = host.hook(&host.event("PostToolUse", "git push origin main", "t1"));
    assert_eq!(said.stdout, "", "{said:?}");
    let said = host.hook(&host.event("PostToolUse", "git push --force", "t1"));
    assert!(said.stdout.contains("another call"), "{said:?}");
}

#[test]
fn an_edit_is_for_one_call_and_counts_once() {
    let host = Headless::new();
    deferred(&host.call("git push --force", "t1"));
    host.allow_as("git push origin main");
    // The edited call itself, another one, and another session's get nothing of it.
    deferred(&host.call("git push origin main", "t2"));
    deferred(&host.call("git push --force origin", "t3"));
    let mut other = host.event("PreToolUse", "git push --force", "t1");
    other["session_id"] = json!("s2");
    deferred(&host.hook(&other));
    let said = host.comes("git push --force", "t1");
    allowed(&said);
    assert!(said.stdout.contains("git push origin main"), "{said:?}");
    // Once.
    deferred(&host.call("git push --force", "t4"));
}

#[test]
fn edited_arguments_that_policy_denies_never_run() {
    let host = Headless::new();
    deferred(&host.call("git push --force", "t1"));
    host.allow_as("git push origin main");
    write(&host.world.policy(), "deny = [{ rule = \"shell(git push origin **)\", why = \"frozen\" }]\n");
    let said = host.comes("git push --force", "t1");
    denied(&said, "frozen");
    assert!(!said.stdout.contains("updatedInput"), "{said:?}");
    let state = host.question().approval.state;
    assert!(matches!(state, State::Cancelled { reason: CancelReason::Policy, .. }), "{state:?}");
}

#[test]
fn a_waiting_call_runs_with_the_arguments_that_a_person_made_of_it() {
    let host = Headless::new();
    let mut command = host.world.command(PROGRAM);
    command.args(["hook", "claude-code", "--on-ask", "wait", "--timeout", "60"]);
    let event = host.event("PreToolUse", "git push --force", "t1").to_string();
    let hook = std::thread::spawn(move || feed(command, event.as_bytes()));
    while !host.world.store().exists() || host.questions().is_empty() {
        std::thread::yield_now();
    }
    host.allow_as("git push origin main");
    let said = hook.join().unwrap();
    allowed(&said);
    assert!(said.stdout.contains("\"updatedInput\":{\"command\":\"git push origin main\""), "{said:?}");
}

#[test]
fn init_registers_it_and_keeps_it() {
    let world = World::new();
    write(&world.settings(), "{}\n");
    assert_eq!(world.run_in_terminal("init --yes --on-ask defer", "").code, Some(0));
    let with = std::fs::read_to_string(world.settings()).unwrap();
    assert!(with.contains(" --on-ask defer --timeout 3600"), "{with}");
    assert!(world.run_in_terminal("init --yes", "").stdout.contains("nothing to change"));
    assert_eq!(world.run_in_terminal("init --yes --on-ask wait", "").code, Some(0));
    let with = std::fs::read_to_string(world.settings()).unwrap();
    assert!(with.contains("--on-ask wait") && !with.contains("defer"), "{with}");
    assert_eq!(world.run(&["init", "--plan", "--on-ask", "allow"]).code, Some(2));
}
