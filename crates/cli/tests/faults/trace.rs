//! No acknowledgement leaves before what it acknowledges is on the disk: seen from the kernel, through strace.
//!
//! A kill does not show this, because what a process has written outlives it; only a power cut would.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::house::House;
use crate::wire::{Heard, Wire};

/// How many questions are traced.
const QUESTIONS: usize = 12;
/// What is watched. The text of a page of the store has to be shown in full, to see whose it is.
const WATCH: [&str; 6] =
    ["-f", "-y", "-s", "8192", "-e", "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg"];
/// Every sync takes 20 ms longer than it would, before it begins: who does not wait for it is seen to be early.
const SLOW: [&str; 2] = ["-e", "inject=fsync,fdatasync:delay_enter=20000"];

/// Asks, answers, redeems and withdraws, one after the other, and reads what the kernel saw.
pub(crate) fn run() {
    if let Err(why) = can_trace() {
        let must = ["CI", "REQUIRE_ALL"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!must, "whether acknowledgements wait for the disk is seen through strace only: {why}");
        println!("SKIPPED: whether acknowledgements wait for the disk was not looked at: {why}");
        return;
    }
    let house = House::new(1, 1);
    let file = house.scratch("trace");
    let output = file.display().to_string();
    let wrapper: Vec<&str> = ["strace", "-o", &output].into_iter().chain(WATCH).chain(SLOW).collect();
    let server = house.serve_under(&wrapper, 0);
    let mut agent = Wire::new(server.address, &house.agents[0]);
    let mut person = Wire::new(server.address, &house.people[0]);
    let mut steps = Vec::new();
    for number in 0..QUESTIONS {
        let call = house.call(&format!("git push s{number}"));
        let asked = done(agent.call("POST", "/v1/ask", Some(&call)).unwrap(), 201);
        let id = asked.text("/approval/id").to_owned();
        steps.push(("asked", id.clone()));
        let outcome = if number % 4 == 0 { "deny" } else { "allow" };
        let answer = json!({ "outcome": outcome });
        if number % 4 < 3 {
            done(person.call("POST", &format!("/v1/approvals/{id}/reply"), Some(&answer)).unwrap(), 200);
            steps.push(("answered", id.clone()));
        }
        if number % 4 == 1 {
            done(agent.call("POST", &format!("/v1/approvals/{id}/redeem"), Some(&call)).unwrap(), 200);
            steps.push(("redeemed", id.clone()));
        }
        if number % 4 > 1 {
            done(agent.call("POST", &format!("/v1/approvals/{id}/cancel"), None).unwrap(), 200);
            steps.push(("cancelled", id));
        }
    }
    server.terminate();
    let seen = Seen::read(&file);
    let early = seen.early(&steps);
    println!("traced: {} acknowledgements, {} syncs of the log, early {}", steps.len(), seen.syncs, early.len());
    assert!(early.is_empty(), "acknowledged before it was on the disk: {early:#?}");
}

fn done(heard: Heard, status: u16) -> Heard {
    assert_eq!(heard.status, status, "{heard:?}");
    heard
}

fn can_trace() -> Result<(), String> {
    let mut command = Command::new("strace");
    let output = command.args(["-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
    // A tool that can be had is no reason to look away.
    let output =
        output.unwrap_or_else(|error| panic!("`strace` does not start ({error}): run `apt-get install strace`"));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// What the kernel saw, in its order.
struct Seen {
    events: Vec<Event>,
    syncs: usize,
}

enum Event {
    /// Bytes were handed to the store's log, as strace shows them.
    Write(String),
    /// A sync of it began, by this thread ...
    SyncBegins(u32),
    /// ... and has ended.
    SyncEnds(u32),
    /// An answer with 2xx was handed to a socket.
    Answer(String),
}

impl Seen {
    /// Reads `THREAD CALL(FD<PATH>, ...`, `THREAD CALL(FD<PATH> <unfinished ...>` and `THREAD <... CALL resumed>...`.
    fn read(file: &Path) -> Seen {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        let (mut events, mut syncing, mut syncs) = (Vec::new(), std::collections::BTreeSet::new(), 0);
        for line in text.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let (thread, call) = (thread.parse().unwrap_or_default(), call.trim_start());
            let whole = !call.contains("<unfinished ...>");
            if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
                if call.contains("-wal>") {
                    events.push(Event::SyncBegins(thread));
                    syncing.insert(thread);
                }
            } else if call.starts_with("pwrite") && call.contains("-wal>") {
                events.push(Event::Write(call.to_owned()));
            } else if call.contains("HTTP/1.1 20") && !call.starts_with("<...") {
                events.push(Event::Answer(call.to_owned()));
            }
            let ended = call.starts_with("<... fsync") || call.starts_with("<... fdatasync") || call.contains("sync(");
            if ended && whole && syncing.remove(&thread) {
                // One that failed is none.
                if call.split(" = 0").count() > 1 {
                    events.push(Event::SyncEnds(thread));
                    syncs += 1;
                }
            }
        }
        Seen { events, syncs }
    }

    /// The steps whose answer left before they were on the disk: between the answer to the step before and its own,
    /// what names the question was written to the log, and a sync that began after the last of these writes has ended.
    fn early(&self, steps: &[(&str, String)]) -> Vec<String> {
        let mut early = Vec::new();
        let mut events = self.events.iter();
        for (what, id) in steps {
            let (mut written, mut synced, mut answered) = (false, false, false);
            let mut syncing = std::collections::BTreeSet::new();
            for event in events.by_ref() {
                match event {
                    Event::Write(bytes) if bytes.contains(id.as_str()) => {
                        (written, synced) = (true, false);
                        syncing.clear();
                    }
                    Event::SyncBegins(thread) => {
                        syncing.insert(*thread);
                    }
                    Event::SyncEnds(thread) => synced |= written && syncing.contains(thread),
                    Event::Answer(bytes) if bytes.contains(id.as_str()) => {
                        answered = true;
                        break;
                    }
                    Event::Write(_) | Event::Answer(_) => {}
                }
            }
            if !(written && synced && answered) {
                early.push(format!("{id} {what}: written {written}, synced {synced}, answered {answered}"));
            }
        }
        early
    }
}
