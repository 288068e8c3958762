//! What a person counts on: allowed runs, denied does not, asked waits, what was answered is remembered as far as it was
//! meant, and a late answer is not lost.

use anyhow::{Context, Result};
use serde_json::json;

use super::claude_code::{Outcome, World};
use super::gate::Lasts;
use super::model::Turn;
use super::{Scenario, Setup, expect};

/// Asks about `touch`, so that each scenario says by itself what must be answered.
pub(super) const ASKS: &str = r#"
allow = ["shell(git status *, ls *)"]
ask = ["shell(touch *)"]
deny = [{ rule = "shell(touch forbidden *)", why = "this file is not for you" }]
"#;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "allowed runs", play: allowed_runs },
    Scenario { name: "denied does not run and the model reads the reason", play: denied },
    Scenario { name: "asked with nobody there does not run and the model reads how to answer", play: nobody_there },
    Scenario { name: "asked waits and runs after a yes on the page", play: yes_on_the_page },
    Scenario { name: "asked waits and does not run after a no on the page", play: no_on_the_page },
    Scenario { name: "a yes counts once", play: once },
    Scenario { name: "for this session is not asked again", play: for_this_session },
    Scenario { name: "for this project survives a restart and a new session", play: for_this_project },
    Scenario { name: "an answer after the deadline takes effect on the next try", play: late_answer },
    Scenario { name: "a project's settings do not move the policy", play: moved_policy },
    Scenario { name: "a project's policy file does not loosen", play: project_allows },
];

fn touch(files: &[&str]) -> Vec<Turn> {
    let calls = files.iter().map(|file| Turn::bash(&format!("touch {file}")));
    calls.chain([Turn::Text("finished")]).collect()
}

fn allowed_runs(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let outcome = world.run(vec![Turn::bash("git status --short"), Turn::bash("ls"), Turn::Text("finished")])?;
    let [status, listing] = outcome.results.as_slice() else {
        anyhow::bail!("not both calls came back: {:?}", outcome.results);
    };
    expect(!status.is_error && status.text.contains("notes.txt"), || format!("git status gave {status:?}"))?;
    expect(!listing.is_error && listing.text.contains("notes.txt"), || format!("ls gave {listing:?}"))
}

fn denied(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let outcome = world.run(touch(&["forbidden"]))?;
    refused(world, "forbidden", &outcome, "this file is not for you")
}

fn nobody_there(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let outcome = world.run(touch(&["made-by-agent"]))?;
    refused(world, "made-by-agent", &outcome, "countersign")
}

fn yes_on_the_page(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let mut client = world.start(touch(&["made-by-agent"]))?;
    let question = server.question("touch made-by-agent")?;
    expect(!world.has("made-by-agent"), || "the command ran before anyone answered".to_owned())?;
    expect(!client.has_ended(), || "the client did not wait for the answer".to_owned())?;
    server.allow(&question, Lasts::Once)?;
    let outcome = client.finish()?;
    expect(world.has("made-by-agent"), || format!("the command did not run after the yes: {:?}", outcome.results))
}

fn no_on_the_page(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch(&["made-by-agent"]))?;
    server.deny(&server.question("touch made-by-agent")?, "use another name")?;
    refused(world, "made-by-agent", &client.finish()?, "use another name")
}

fn once(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let client = world.start(vec![
        Turn::bash("touch made-by-agent"),
        Turn::bash("rm -f made-by-agent; touch made-by-agent"),
        Turn::bash("touch made-by-agent"),
        Turn::Text("finished"),
    ])?;
    let first = server.question("touch made-by-agent")?;
    server.allow(&first, Lasts::Once)?;
    let second = server.question_after(&first, "touch made-by-agent")?;
    server.deny(&second, "not this")?;
    let third = server.question_after(&second, "touch made-by-agent")?;
    server.deny(&third, "not again")?;
    let outcome = client.finish()?;
    let last = outcome.results.last().context("no result reached the model")?;
    expect(last.is_error && last.text.contains("not again"), || format!("the third try gave {last:?}"))
}

fn for_this_session(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch(&["made-by-agent", "made-by-agent"]))?;
    server.allow(&server.question("touch made-by-agent")?, Lasts::Session)?;
    let outcome = client.finish()?;
    let [first, second] = outcome.results.as_slice() else {
        anyhow::bail!("not both calls came back: {:?}", outcome.results);
    };
    expect(!first.is_error && !second.is_error, || format!("asked again: {:?}", outcome.results))?;
    std::fs::remove_file(world.project().join("made-by-agent"))?;
    let client = world.start(touch(&["made-by-agent"]))?;
    server.deny(&server.question("touch made-by-agent")?, "another session")?;
    refused(world, "made-by-agent", &client.finish()?, "another session")
}

fn for_this_project(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let server = setup.gate.serve(world)?;
    let client = world.start(touch(&["made-by-agent"]))?;
    server.allow(&server.question("touch made-by-agent")?, Lasts::Project)?;
    client.finish()?;
    expect(world.has("made-by-agent"), || "the command did not run after the yes".to_owned())?;
    server.stop()?;
    let again = |when: &str| {
        std::fs::remove_file(world.project().join("made-by-agent"))?;
        let outcome = world.run(touch(&["made-by-agent"]))?;
        expect(world.has("made-by-agent"), || format!("not remembered {when}: {:?}", outcome.results))
    };
    again("without the server")?;
    let _server = setup.gate.serve(world)?;
    again("after the restart")
}

fn late_answer(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install_with(world, ASKS, "--timeout 3")?;
    let server = setup.gate.serve(world)?;
    let again = Turn::Hold(Box::new(Turn::bash("touch made-by-agent")));
    let client = world.start(vec![Turn::bash("touch made-by-agent"), again, Turn::Text("finished")])?;
    let question = server.question("touch made-by-agent")?;
    let refusal = client.results(1)?;
    expect(!world.has("made-by-agent"), || format!("the command ran after the deadline: {refusal:?}"))?;
    server.allow(&question, Lasts::Once)?;
    client.go_on();
    let outcome = client.finish()?;
    expect(world.has("made-by-agent"), || format!("the late yes was lost: {:?}", outcome.results))
}

/// The host gives hooks the environment that a repository's settings name.
fn moved_policy(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    let elsewhere = world.project().join("elsewhere");
    for folder in ["countersign", ".config/countersign"] {
        std::fs::create_dir_all(elsewhere.join(folder))?;
        std::fs::write(elsewhere.join(folder).join("countersign.toml"), "allow = [\"shell(**)\"]\n")?;
    }
    std::fs::create_dir_all(world.project().join(".claude"))?;
    let environment = json!({ "HOME": elsewhere, "XDG_CONFIG_HOME": elsewhere, "XDG_DATA_HOME": elsewhere });
    std::fs::write(world.project().join(".claude/settings.json"), json!({ "env": environment }).to_string())?;
    let outcome = world.run(touch(&["forbidden"]))?;
    refused(world, "forbidden", &outcome, "this file is not for you")
}

fn project_allows(setup: &Setup, world: &World) -> Result<()> {
    setup.gate.install(world, ASKS)?;
    std::fs::write(world.project().join("countersign.toml"), "allow = [\"shell(**)\", \"edit(**)\"]\n")?;
    let outcome = world.run(touch(&["made-by-agent"]))?;
    refused(world, "made-by-agent", &outcome, "countersign")
}

/// The command did not run, and the model can read why.
pub(super) fn refused(world: &World, file: &str, outcome: &Outcome, reason: &str) -> Result<()> {
    expect(!world.has(file), || format!("the command ran: {:?}", outcome.results))?;
    let result = outcome.results.last().with_context(|| format!("no result; the client said: {}", outcome.output))?;
    expect(result.is_error && result.text.contains(reason), || format!("the model read `{}`", result.text))
}
