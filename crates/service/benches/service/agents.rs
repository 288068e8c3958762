//! What agents do, measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Client, request};
use crate::figures::{Bars, median, microseconds};
use crate::server::Running;
use crate::world::World;
use crate::{CONNECTIONS, Outcome, floors};

/// What agents want, and what is to come out. The last but one is allowed by a grant.
const COMMANDS: [(&str, &str); 8] = [
    ("git status --short", "allow"),
    ("git log -5 --oneline", "allow"),
    ("cargo task-3 --all", "allow"),
    ("git push origin main", "ask"),
    ("git status && git log -1", "allow"),
    ("git rebase -i HEAD~3", "deny"),
    ("make it-so", "allow"),
    ("cargo task-10 --release", "allow"),
];

/// `decide` beside an empty handler.
pub(crate) async fn decide(world: &World, round: Duration, rounds: usize, bars: &mut Bars) -> Outcome<()> {
    let tokens = world.tokens("decide", CONNECTIONS).await?;
    let ours = start(world)?;
    let floor = Running::start(&["--floor"])?;
    let mut client = Client::new(ours.address).await?;
    for (command, effect) in COMMANDS {
        let token = tokens.first().ok_or("no token")?;
        let verdict = client.send(&decision(ours.address, token, world, command)?).await?.is(200)?;
        if verdict.get("effect").and_then(|effect| effect.as_str()) != Some(effect) {
            return Err(format!("`{command}` is not decided as {effect}: {verdict}").into());
        }
    }
    let (mut rates, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let floor = load(floor.address, &tokens, world, round, Calls::Same).await?;
        let rate = load(ours.address, &tokens, world, round, Calls::Same).await?;
        rates.push(rate);
        floors.push(floor);
        ratios.push(rate / floor);
    }
    let with_ids = load(ours.address, &tokens, world, round, Calls::WithIds).await?;
    let new = load(ours.address, &tokens, world, round, Calls::New).await?;
    println!("## Decisions\n");
    println!(
        "`POST /v1/decide` with the decision log, from {CONNECTIONS} connections: shell commands, one of eight decided by"
    );
    println!("a grant; the floor is an axum handler that reads the same JSON and answers JSON. Each agent makes eight");
    println!(
        "calls in turns, whose verdicts are kept; beside that, once: calls with ids of their own, which the log has"
    );
    println!("one by one, and calls that nobody made before, which are judged anew.\n");
    println!("| | decisions a second |\n|---|--:|\n| Countersign | {:.0} |", median(rates));
    println!("| with ids of their own | {with_ids:.0} |\n| made for the first time | {new:.0} |");
    println!("| an empty handler | {:.0} |\n", median(floors));
    bars.at_least("decisions a second, of an empty handler's", median(ratios), 0.6);
    Ok(())
}

/// Asking and replying beside the bare store.
pub(crate) async fn ask_and_reply(world: &World, round: Duration, rounds: usize, bars: &mut Bars) -> Outcome<()> {
    let tokens = world.tokens("ask", CONNECTIONS).await?;
    let ours = start(world)?;
    let token = tokens.first().ok_or("no token")?;
    let mut client = Client::new(ours.address).await?;
    let id = ask(&mut client, ours.address, token, world, "git push origin first").await?;
    answer(&mut client, ours.address, &world.human, &id).await?;
    let mut store = world.store().await?;
    let like = store.record(&id).await?.ok_or("the question is gone")?;
    let (mut rates, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..rounds {
        let floor = floors::transactions(world, &mut store, &like, round).await?;
        let rate = transactions(&ours, &tokens, world, round, turn).await?;
        rates.push(rate);
        floors.push(floor);
        ratios.push(rate / floor);
    }
    store.close().await?;
    println!("## Asking and replying\n");
    println!(
        "From {CONNECTIONS} connections, each asks over HTTP and then replies; the floor is the bare store in a process of its"
    );
    println!("own with the same transactions, {CONNECTIONS} committed together.\n");
    println!("| | transactions a second |\n|---|--:|\n| Countersign | {:.0} |", median(rates));
    println!("| the bare store | {:.0} |\n", median(floors));
    bars.at_least("asks and replies a second, of the bare store's", median(ratios), 0.35);
    Ok(())
}

/// A reply until the agent that waits has it.
pub(crate) async fn wake(world: &World, bars: &mut Bars) -> Outcome<()> {
    let tokens = world.tokens("wake", 1).await?;
    let token = tokens.first().ok_or("no token")?;
    let ours = start(world)?;
    let floor = Running::start(&["--floor"])?;
    let mut times = Vec::new();
    let mut human = Client::new(ours.address).await?;
    for turn in 0..200 {
        let mut agent = Client::new(ours.address).await?;
        let id = ask(&mut agent, ours.address, token, world, &format!("git push origin wake-{turn}")).await?;
        times.push(woken(agent, &mut human, ours.address, token, &world.human, &id).await?);
    }
    let mut client = Client::new(floor.address).await?;
    let mut round_trips = Vec::new();
    let empty = decision(floor.address, token, world, "git status")?;
    for _ in 0..200 {
        // At rest before each, as the answers that it stands beside.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let start = Instant::now();
        client.send(&empty).await?.is(200)?;
        round_trips.push(start.elapsed());
    }
    let mut store = world.store().await?;
    let commits = median(microseconds(&floors::commits(&mut store, 200).await?));
    store.close().await?;
    let (woken, round_trip) = (median(microseconds(&times)), median(microseconds(&round_trips)));
    println!("## From a reply to the agent that waits\n\n| | p50 |\n|---|--:|");
    println!("| from sending the reply until the agent has it | {woken:.0} us |");
    println!("| a bare round trip | {round_trip:.0} us |\n| a row committed by the bare store | {commits:.0} us |\n");
    bars.at_most("reply to woken agent, of a round trip and one commit", woken / (round_trip + commits), 3.0);
    Ok(())
}

/// Many agents that wait.
pub(crate) async fn wait(world: &World, many: usize, bars: &mut Bars) -> Outcome<()> {
    let tokens = world.tokens("wait", many).await?;
    let ours = start(world)?;
    let mut human = Client::new(ours.address).await?;
    // What one agent takes is there before the first is counted.
    let first = tokens.first().ok_or("no token")?;
    let mut client = Client::new(ours.address).await?;
    let id = ask(&mut client, ours.address, first, world, "git push origin warm").await?;
    answer(&mut client, ours.address, &world.human, &id).await?;
    let mut asked = Vec::with_capacity(many);
    for batch in tokens.chunks(CONNECTIONS) {
        let mut asks = JoinSet::new();
        for token in batch {
            let body = world.call("git push origin many")?.to_string();
            let (address, token) = (ours.address, token.clone());
            asks.spawn(async move {
                let mut client = Client::new(address).await?;
                let asked = client.send(&request(address, "POST", "/v1/ask", &token, &body)).await?.is(201)?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((id_of(&asked)?, token))
            });
        }
        for one in asks.join_all().await {
            asked.push(one?);
        }
    }
    let before = ours.memory()?;
    let mut waiting = JoinSet::new();
    for (id, token) in &asked {
        let mut client = Client::new(ours.address).await?;
        let request = request(ours.address, "GET", &format!("/v1/approvals/{id}/wait?seconds=60"), token, "");
        waiting.spawn(async move {
            let answer = client.send(&request).await;
            answer.map(|answer| (answer.status, Instant::now()))
        });
        // Lets it send.
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let each = (ours.memory()? - before) / many as f64;
    let idle = ours.time()?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let idle = (ours.time()? - idle).as_secs_f64() * 1000.0 / 10.0;
    let (mut times, spent) = (Vec::new(), ours.time()?);
    for (id, _) in asked.iter().take(50) {
        let start = Instant::now();
        answer(&mut human, ours.address, &world.human, id).await?;
        let woken = waiting.join_next().await.ok_or("nobody waits")???;
        if woken.0 != 200 {
            return Err(format!("a waiting agent was told {}", woken.0).into());
        }
        times.push(woken.1 - start);
    }
    let spent = (ours.time()? - spent).as_secs_f64() * 1000.0 / 50.0;
    drop(waiting);
    println!("## {many} agents that wait\n\n| | |\n|---|--:|");
    println!("| memory of each | {each:.1} KiB |\n| processor while nothing happens | {idle:.1} ms a second |");
    println!("| from sending a reply until its agent has it, p50 | {:.0} us |", median(microseconds(&times)));
    println!("| processor for a reply | {spent:.2} ms |\n");
    bars.at_most(&format!("KiB of memory for each of {many} waiting agents"), each, 30.0);
    Ok(())
}

fn start(world: &World) -> Outcome<Running> {
    let folder = world.folder.path().to_str().ok_or("a path that is no text")?;
    Running::start(&["--serve", folder])
}

fn decision(address: SocketAddr, token: &str, world: &World, command: &str) -> Outcome<Vec<u8>> {
    Ok(request(address, "POST", "/v1/decide", token, &world.call(command)?.to_string()))
}

/// What the calls of a round have in common with those before.
#[derive(Clone, Copy, PartialEq)]
enum Calls {
    /// They are the same again and again.
    Same,
    /// They are the same, but each has an id of its own.
    WithIds,
    /// Nobody made them before.
    New,
}

/// Requests a second, all connections together.
async fn load(address: SocketAddr, tokens: &[String], world: &World, round: Duration, calls: Calls) -> Outcome<f64> {
    let mut agents = JoinSet::new();
    for (agent, token) in tokens.iter().enumerate() {
        let requests: Result<Vec<_>, _> =
            COMMANDS.iter().map(|(command, _)| decision(address, token, world, command)).collect();
        let bodies: Result<Vec<_>, _> = COMMANDS.iter().map(|(command, _)| world.call(command)).collect();
        let (requests, bodies, mut client) = (requests?, bodies?, Client::new(address).await?);
        let token = token.clone();
        agents.spawn(async move {
            let (start, mut done) = (Instant::now(), 0_u64);
            for (same, body) in requests.iter().zip(&bodies).cycle() {
                if start.elapsed() >= round {
                    break;
                }
                let status = match calls {
                    Calls::Same => client.send(same).await?.status,
                    Calls::WithIds | Calls::New => {
                        let mut body = body.clone();
                        if let (Calls::WithIds, Some(members)) = (calls, body.as_object_mut()) {
                            members.insert("call_id".to_owned(), json!(format!("{agent}-{done}")));
                        } else if let Some(resource) = body.pointer_mut("/args/resource") {
                            *resource = json!(format!("{} n{agent}-{done}", resource.as_str().unwrap_or_default()));
                        }
                        let request = request(address, "POST", "/v1/decide", &token, &body.to_string());
                        client.send(&request).await?.status
                    }
                };
                if status != 200 {
                    return Err(format!("answered with {status}").into());
                }
                done += 1;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(done as f64 / start.elapsed().as_secs_f64())
        });
    }
    agents.join_all().await.into_iter().sum()
}

async fn transactions(ours: &Running, tokens: &[String], world: &World, round: Duration, turn: usize) -> Outcome<f64> {
    let mut agents = JoinSet::new();
    for (agent, token) in tokens.iter().enumerate() {
        let mut client = Client::new(ours.address).await?;
        let (address, token, human) = (ours.address, token.clone(), world.human.clone());
        let call = world.call("")?;
        agents.spawn(async move {
            let (start, mut done) = (Instant::now(), 0_u64);
            while start.elapsed() < round {
                let mut call = call.clone();
                if let Some(resource) = call.pointer_mut("/args/resource") {
                    *resource = json!(format!("git push origin branch-{turn}-{agent}-{done}"));
                }
                let asked = client.send(&request(address, "POST", "/v1/ask", &token, &call.to_string())).await?;
                answer(&mut client, address, &human, &id_of(&asked.is(201)?)?).await?;
                done += 2;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(done as f64 / start.elapsed().as_secs_f64())
        });
    }
    agents.join_all().await.into_iter().sum()
}

async fn ask(client: &mut Client, address: SocketAddr, token: &str, world: &World, command: &str) -> Outcome<String> {
    let body = world.call(command)?.to_string();
    id_of(&client.send(&request(address, "POST", "/v1/ask", token, &body)).await?.is(201)?)
}

fn id_of(asked: &serde_json::Value) -> Outcome<String> {
    let id = asked.pointer("/approval/id").and_then(|id| id.as_str());
    Ok(id.ok_or("the question has no id")?.to_owned())
}

async fn answer(client: &mut Client, address: SocketAddr, human: &str, id: &str) -> Outcome<()> {
    let path = format!("/v1/approvals/{id}/reply");
    client.send(&request(address, "POST", &path, human, r#"{"outcome":"allow"}"#)).await?.is(200)?;
    Ok(())
}

async fn woken(
    mut agent: Client,
    human: &mut Client,
    address: SocketAddr,
    token: &str,
    secret: &str,
    id: &str,
) -> Outcome<Duration> {
    let wait = request(address, "GET", &format!("/v1/approvals/{id}/wait?seconds=60"), token, "");
    let waiting = tokio::spawn(async move {
        let woken = agent.send(&wait).await?.is(200)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((woken, Instant::now()))
    });
    // Long enough that it waits.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let start = Instant::now();
    answer(human, address, secret, id).await?;
    let (woken, at) = waiting.await??;
    if woken.get("state").and_then(|state| state.as_str()) != Some("allowed") {
        return Err(format!("the agent was told {woken}").into());
    }
    Ok(at - start)
}
