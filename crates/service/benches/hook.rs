//! What the store costs a hook: open, look up grants among ten thousand, log the decision, exit.
//!
//! Each round is a process of its own, as each hook is. Run with `cargo bench -p countersign-service`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_policy::{
    Action, Attendance, Call, Class, Decision, Effect, GrantResource, Reach, Resource, Scope, Target, Timestamp, Word,
};
use countersign_service::block_on::block_on;
use countersign_service::store::{LogEntry, NewGrant, Open, Store, StoreError};

const GRANTS: usize = 10_000;
const ROUNDS: usize = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path] = arguments.as_slice()
        && word == "hook"
    {
        return hook(Path::new(path)).map_err(Into::into);
    }
    let folder = tempfile::tempdir()?;
    for grants in [0, GRANTS] {
        let path = folder.path().join(format!("with-{grants}/countersign.db"));
        seed(&path, grants)?;
        measure(&format!("{grants:>6} grants, nobody else has the store open"), &path)?;
        let server = block_on(Store::open(&path, Open::Serve))?;
        measure(&format!("{grants:>6} grants, a server has it open          "), &path)?;
        block_on(server.close())?;
    }
    Ok(())
}

/// One hook; prints the microseconds that the store took.
fn hook(path: &Path) -> Result<(), StoreError> {
    let call = call("git push origin main");
    let start = Instant::now();
    let mut at = Vec::new();
    let store = block_on(async {
        let mut store = Store::open(path, Open::Hook).await?;
        at.push(start.elapsed());
        let now = store.clock(clock()).await?;
        let grants = store.grants_for(&call, now).await?;
        at.push(start.elapsed());
        assert_eq!(grants.len(), 0);
        let decision = Decision::fault("benchmark");
        store.log(&[LogEntry::decided(&call, &decision)], false, clock()).await?;
        at.push(start.elapsed());
        Ok::<Store, StoreError>(store)
    })?;
    if std::env::var_os("CLOSE").is_some() {
        block_on(store.close())?;
        at.push(start.elapsed());
    } else {
        store.leave();
    }
    println!("{}", at.iter().map(|time| time.as_nanos().to_string()).collect::<Vec<_>>().join(" "));
    Ok(())
}

fn measure(name: &str, path: &PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let mut rows: Vec<Vec<Duration>> = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let output = Command::new(std::env::current_exe()?).arg("hook").arg(path).output()?;
        let whole = start.elapsed();
        let printed = String::from_utf8(output.stdout)?;
        let mut row: Vec<Duration> = Vec::new();
        for time in printed.split_whitespace() {
            row.push(Duration::from_nanos(time.parse()?));
        }
        row.push(whole);
        rows.push(row);
    }
    let columns = rows.first().map_or(0, Vec::len);
    let mut line = String::new();
    for column in 0..columns {
        let mut times: Vec<Duration> = rows.iter().filter_map(|row| row.get(column)).copied().collect();
        times.sort_unstable();
        let of = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_micros();
        line += &format!("  {:>5} {:>5} ({:>5})", of(0), of(50), of(99));
    }
    println!("{name}: min p50 (p99) us until opened, looked up, logged, whole process: {line}");
    Ok(())
}

fn seed(path: &Path, grants: usize) -> Result<(), StoreError> {
    block_on(async {
        let mut store = Store::open(path, Open::Cli).await?;
        for number in 0..grants {
            let made = call(&format!("git push remote-{number}"));
            let key = made.targets.first().and_then(Target::grant_key).unwrap_or_default();
            let resource = GrantResource::Literal { key, shown: String::new() };
            let scope = if number % 2 == 0 { Scope::Project } else { Scope::User };
            let Some(reach) = Reach::of(&made, scope) else { continue };
            let grant = NewGrant { effect: Effect::Allow, action: Action::Shell, resource, reach, expires: None };
            store.grant(grant, "ana", clock()).await?;
        }
        store.close().await
    })
}

fn call(line: &str) -> Call {
    let words = line.split(' ').map(Word::data).collect();
    Call {
        host: "claude-code".to_owned(),
        host_version: None,
        tool: "Bash".to_owned(),
        action: Action::Shell,
        class: Class::Write,
        group: None,
        args: serde_json::json!({ "command": line }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/ana".to_owned(),
        user: "ana".to_owned(),
        session: "s1".to_owned(),
        turn: Some("t1".to_owned()),
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(Action::Shell, Resource::Words(words))],
        in_a_row: 0,
        faults: Vec::new(),
    }
}

fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or_default())
}
