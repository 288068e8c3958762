//! Each way to break us ends with the command not run.
//!
//! The policy allows the command and the host does too: only the fault stands in its way. The first scenario plays the
//! same without a fault, so that the others mean something.

use std::path::PathBuf;

use anyhow::Result;

use super::claude_code::World;
use super::gate::Gate;
use super::model::Turn;
use super::scenarios::refused;
use super::{Scenario, Setup, expect};

const ALLOWS: &str = "allow = [\"shell(touch *)\"]\n";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "fault: none, and the command runs", play: none },
    Scenario { name: "fault: policy file cut short", play: |setup, world| policy(setup, world, b"allow = [\"shell(") },
    Scenario { name: "fault: policy file of random bytes", play: |setup, world| policy(setup, world, &GARBAGE) },
    Scenario {
        name: "fault: policy with an unknown key",
        play: |setup, world| policy(setup, world, b"alow = [\"shell(touch *)\"]\n"),
    },
    Scenario { name: "fault: policy file is a folder", play: policy_is_a_folder },
    Scenario { name: "fault: the project's policy file cut short", play: project_policy },
    Scenario { name: "fault: managed policy file cut short", play: managed_policy },
    Scenario { name: "fault: store of random bytes", play: store_garbage },
    Scenario { name: "fault: store and its journal of random bytes", play: journal_garbage },
    Scenario { name: "fault: store locked by another process", play: store_locked },
    Scenario { name: "fault: store folder is a file", play: store_is_a_file },
    Scenario { name: "fault: store on a read-only disk", play: store_read_only },
    Scenario { name: "fault: store on a full disk", play: store_full },
    Scenario { name: "fault: stdout closed", play: |setup, world| command(setup, world, "{hook} >&-") },
    Scenario { name: "fault: stdout on a full disk", play: |setup, world| command(setup, world, "{hook} >/dev/full") },
    Scenario { name: "fault: stdout and stderr closed", play: |setup, world| command(setup, world, "{hook} >&- 2>&-") },
    Scenario { name: "fault: stdout a broken pipe", play: |setup, world| command(setup, world, BROKEN_PIPE) },
    Scenario { name: "fault: event is not JSON", play: |setup, world| command(setup, world, "echo hello | {hook}") },
    Scenario { name: "fault: event is empty", play: |setup, world| command(setup, world, "{hook} </dev/null") },
    Scenario { name: "fault: event cut short", play: |setup, world| command(setup, world, "head -c 100 | {hook}") },
    Scenario { name: "fault: wrong arguments", play: |setup, world| command(setup, world, "{hook} --no-such-option") },
    Scenario { name: "fault: no host named", play: |setup, world| command(setup, world, "{program} hook") },
    Scenario { name: "fault: unknown host named", play: |setup, world| command(setup, world, "{program} hook emacs") },
    Scenario {
        name: "fault: no home",
        play: |setup, world| command(setup, world, "unset HOME; {program} hook claude-code"),
    },
    Scenario { name: "fault: no open files left", play: |setup, world| command(setup, world, "ulimit -n 3; {hook}") },
    Scenario { name: "fault: file size limit", play: |setup, world| command(setup, world, "ulimit -f 0; {hook}") },
    Scenario { name: "fault: own deadline", play: deadline },
    Scenario { name: "fault: server killed while the hook waits", play: server_killed },
];

/// Runs the hook into a pipe that nobody reads, and ends with the hook's own status.
const BROKEN_PIPE: &str = "( {hook}; echo $? > \"$TMPDIR/status\" ) | true; exit \"$(cat \"$TMPDIR/status\")\"";

const GARBAGE: [u8; 4096] = {
    let mut bytes = [0; 4096];
    let mut at = 0;
    let mut state: u32 = 1;
    while at < bytes.len() {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        #[expect(clippy::indexing_slicing, reason = "the loop ends at the array's length, and the compiler runs it")]
        {
            bytes[at] = state.to_be_bytes()[0];
        }
        at += 1;
    }
    bytes
};

fn touch() -> Vec<Turn> {
    vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")]
}

fn none(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    let outcome = world.run(touch())?;
    expect(world.has("made-by-agent"), || format!("the command did not run: {:?}", outcome.results))
}

/// The command must not have run, and what the model reads must be ours.
fn stopped(world: &World) -> Result<()> {
    refused(world, "made-by-agent", &world.run(touch())?, "ountersign")
}

fn policy(setup: &Setup, world: &World, content: &[u8]) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    std::fs::write(Gate::policy_file(world), content)?;
    stopped(world)
}

fn policy_is_a_folder(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    std::fs::remove_file(Gate::policy_file(world))?;
    std::fs::create_dir(Gate::policy_file(world))?;
    stopped(world)
}

fn project_policy(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    std::fs::write(world.project().join("countersign.toml"), "deny = [\"shell(rm")?;
    stopped(world)
}

fn managed_policy(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    let arrange = "\
        mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work; \
        mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc; \
        mkdir -p /etc/countersign; printf 'deny = [' > /etc/countersign/countersign.toml";
    let outcome = world.start_with_mounts(touch(), arrange)?.finish()?;
    refused(world, "made-by-agent", &outcome, "ountersign")
}

/// Installs, lets one call through so that the store exists, and gives the store's file.
fn with_store(setup: &Setup, world: &World) -> Result<PathBuf> {
    none(setup, world)?;
    std::fs::remove_file(world.project().join("made-by-agent"))?;
    Gate::store_file(world)
}

fn store_garbage(setup: &Setup, world: &World) -> Result<()> {
    std::fs::write(with_store(setup, world)?, GARBAGE)?;
    stopped(world)
}

/// SQLite keeps what was written last in a file beside the store.
fn journal_garbage(setup: &Setup, world: &World) -> Result<()> {
    let store = with_store(setup, world)?;
    for end in ["", "-wal", "-shm"] {
        std::fs::write(format!("{}{end}", store.display()), GARBAGE)?;
    }
    stopped(world)
}

fn store_locked(setup: &Setup, world: &World) -> Result<()> {
    let store = with_store(setup, world)?;
    let _lock = Gate::lock(&store)?;
    stopped(world)
}

fn store_is_a_file(setup: &Setup, world: &World) -> Result<()> {
    with_store(setup, world)?;
    std::fs::remove_dir_all(Gate::data_folder(world))?;
    std::fs::write(Gate::data_folder(world), "not a folder")?;
    stopped(world)
}

/// A policy that asks, so that the store must be written.
fn asking(setup: &Setup, world: &World) -> Result<()> {
    with_store(setup, world)?;
    std::fs::write(Gate::policy_file(world), "ask = [\"shell(touch *)\"]\n")?;
    Ok(())
}

fn store_read_only(setup: &Setup, world: &World) -> Result<()> {
    asking(setup, world)?;
    let arrange = "d=$HOME/.local/share/countersign; mount --bind $d $d; mount -o remount,ro,bind $d";
    let outcome = world.start_with_mounts(touch(), arrange)?.finish()?;
    refused(world, "made-by-agent", &outcome, "ountersign")
}

fn store_full(setup: &Setup, world: &World) -> Result<()> {
    asking(setup, world)?;
    let arrange = "\
        d=$HOME/.local/share/countersign; cp -a $d $TMPDIR/store; mount -t tmpfs -o size=1m tmpfs $d; \
        cp -a $TMPDIR/store/. $d; dd if=/dev/zero of=$d/rest bs=4k 2>/dev/null || true";
    let outcome = world.start_with_mounts(touch(), arrange)?.finish()?;
    refused(world, "made-by-agent", &outcome, "ountersign")
}

/// The registered command is another: `{program}` is ours, `{hook}` how it is registered.
fn command(setup: &Setup, world: &World, line: &str) -> Result<()> {
    setup.gate.install(world, ALLOWS)?;
    setup.gate.replace_command(world, line)?;
    let outcome = world.run(touch())?;
    let told = if line.contains("2>&-") { "" } else { "ountersign" };
    refused(world, "made-by-agent", &outcome, told)
}

fn deadline(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install_with(world, "ask = [\"shell(touch *)\"]\n", "--timeout 3")?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch())?;
    server.question("touch made-by-agent")?;
    refused(world, "made-by-agent", &client.finish()?, "ountersign")
}

fn server_killed(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install_with(world, "ask = [\"shell(touch *)\"]\n", "--timeout 8")?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch())?;
    server.question("touch made-by-agent")?;
    server.kill()?;
    refused(world, "made-by-agent", &client.finish()?, "ountersign")
}
