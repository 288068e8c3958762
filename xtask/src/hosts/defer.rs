//! Calls that the host puts off until somebody answers, and arguments that somebody changed.

use anyhow::{Context, Result};
use serde_json::json;

use super::claude_code::{Outcome, World};
use super::gate::{Lasts, Server};
use super::model::Turn;
use super::scenarios::{ASKS, refused};
use super::{Scenario, Setup, expect};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "deferred: runs after a yes when the session is resumed", play: resumed_after_a_yes },
    Scenario { name: "deferred: does not run after a no when the session is resumed", play: resumed_after_a_no },
    Scenario { name: "deferred: is put off again while nobody has answered", play: resumed_too_early },
    Scenario { name: "deferred: one of several calls of a message is not, and does not run", play: several },
    Scenario { name: "deferred: runs as a person changed it when the session is resumed", play: resumed_and_changed },
    Scenario { name: "asked waits and runs as a person changed it", play: changed },
];

fn touch() -> Vec<Turn> {
    vec![Turn::bash("touch made-by-agent"), Turn::Text("finished")]
}

/// Runs the client until it puts its call off; gives the session.
fn until_put_off(world: &World) -> Result<String> {
    put_off(world, &world.run(touch())?)
}

fn put_off(world: &World, outcome: &Outcome) -> Result<String> {
    let end = outcome.end()?;
    let said = || format!("the client did not put the call off: {}", outcome.output);
    expect(end.get("stop_reason").and_then(|reason| reason.as_str()) == Some("tool_deferred"), said)?;
    expect(!world.has("made-by-agent"), || "the command ran before anyone answered".to_owned())?;
    end.get("session_id").and_then(|id| id.as_str()).map(str::to_owned).context("the client named no session")
}

/// The gate puts off; a person answers only later.
fn install(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install_with(world, ASKS, "--on-ask defer")
}

/// A person comes to the page when the client has long ended.
fn come(setup: &Setup, world: &World) -> Result<(Server, String)> {
    let server = setup.gate.serve(world)?;
    let question = server.question("touch made-by-agent")?;
    Ok((server, question))
}

fn resumed_after_a_yes(setup: &Setup, world: &World) -> Result<()> {
    install(setup, world)?;
    let session = until_put_off(world)?;
    let (server, question) = come(setup, world)?;
    server.allow(&question, Lasts::Once)?;
    server.stop()?;
    let outcome = world.resume(&session, touch())?;
    expect(world.has("made-by-agent"), || format!("the command did not run after the yes: {:?}", outcome.output))?;
    expect(!outcome.first()?.is_error, || format!("the model read {:?}", outcome.results))
}

fn resumed_after_a_no(setup: &Setup, world: &World) -> Result<()> {
    install(setup, world)?;
    let session = until_put_off(world)?;
    let (server, question) = come(setup, world)?;
    server.deny(&question, "use another name")?;
    server.stop()?;
    refused(world, "made-by-agent", &world.resume(&session, touch())?, "use another name")
}

fn resumed_too_early(setup: &Setup, world: &World) -> Result<()> {
    install(setup, world)?;
    let session = until_put_off(world)?;
    let again = put_off(world, &world.resume(&session, touch())?)?;
    expect(again == session, || format!("it went on as another session: {again}"))?;
    let (server, question) = come(setup, world)?;
    server.allow(&question, Lasts::Once)?;
    let outcome = world.resume(&session, touch())?;
    expect(world.has("made-by-agent"), || format!("the command did not run after the yes: {:?}", outcome.output))
}

fn several(setup: &Setup, world: &World) -> Result<()> {
    install(setup, world)?;
    let call = |command: &str| ("Bash", json!({ "command": command, "description": "one of two" }));
    let both = Turn::Calls(vec![call("touch made-by-agent"), call("touch made-by-agent too")]);
    let outcome = world.run(vec![both, Turn::Text("finished")])?;
    expect(outcome.results.len() == 2, || format!("not both calls came back: {:?}", outcome.results))?;
    expect(!world.has("too"), || "the second command ran".to_owned())?;
    refused(world, "made-by-agent", &outcome, "no other beside it")
}

fn resumed_and_changed(setup: &Setup, world: &World) -> Result<()> {
    install(setup, world)?;
    let session = until_put_off(world)?;
    let (server, question) = come(setup, world)?;
    server.allow_as(&question, &json!({ "command": "touch made-by-a-person", "description": "changed" }))?;
    as_changed(world, &world.resume(&session, touch())?)
}

fn changed(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch())?;
    let question = server.question("touch made-by-agent")?;
    server.allow_as(&question, &json!({ "command": "touch made-by-a-person", "description": "changed" }))?;
    as_changed(world, &client.finish()?)
}

fn as_changed(world: &World, outcome: &Outcome) -> Result<()> {
    expect(world.has("made-by-a-person"), || format!("what the person wrote did not run: {}", outcome.output))?;
    expect(!world.has("made-by-agent"), || "what the agent wrote ran".to_owned())?;
    let said = outcome.output.contains("than the one that it had judged");
    expect(!said, || format!("a false alarm: {}", outcome.output))
}
