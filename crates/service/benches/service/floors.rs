//! What there is nothing to be saved of.

use std::time::{Duration, Instant};

use countersign_engine::load;
use countersign_policy::approval::Outcome as Word;
use countersign_policy::{Answer, Call, Grant, Scope, Timestamp};
use countersign_service::disk::Disk;
use countersign_service::store::{Ask, Human, Record, Reply, Store, Synchronous, Via};

use crate::world::{World, config, now};
use crate::{CONNECTIONS, Outcome};

/// How many asks and replies a second the store takes by itself, so many in one transaction as there are agents.
pub(crate) async fn transactions(world: &World, store: &mut Store, like: &Record, round: Duration) -> Outcome<f64> {
    let config = config(world.folder.path())?;
    let known = store.known(&config.user).await?;
    let engine = load(&Disk, &config.layout, &like.call.project, &known)?.engine;
    let recheck = |call: &Call, answer: Option<&Answer>, grants: &[Grant], now: Timestamp| {
        engine.decide(grants, answer, call, now)
    };
    let human = Human { user: config.user, via: Via::Api };
    let start = Instant::now();
    let mut done = 0_u64;
    while start.elapsed() < round {
        let mut asked = Vec::with_capacity(CONNECTIONS);
        store.open_group(Synchronous::Full).await?;
        for agent in 0..CONNECTIONS {
            let mut call = like.call.clone();
            call.session = format!("floor-{agent}");
            call.args = serde_json::json!({ "resource": format!("git push origin floor-{done}-{agent}") });
            let question = &like.question;
            asked.push(
                store
                    .ask(&Ask { call: &call, question, max_open: 9, deferred: false }, now())
                    .await?
                    .record
                    .approval
                    .id,
            );
        }
        store.commit_group().await?;
        store.open_group(Synchronous::Full).await?;
        for approval in asked {
            let reply = Reply {
                approval,
                outcome: Word::Allow,
                remember: Vec::new(),
                scope: Scope::Once,
                expires: None,
                feedback: None,
                also: Vec::new(),
                edited: None,
                alone: false,
                cascade: false,
            };
            store.reply(&reply, &human, now(), &recheck).await?;
            done += 2;
        }
        store.commit_group().await?;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

/// What one commit takes: a row, written by the bare store and on the disk.
pub(crate) async fn commits(store: &mut Store, many: usize) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(many);
    for _ in 0..many {
        // As an answer does, after a while in which nobody asked.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let start = Instant::now();
        store.audit("bench", "floor", &serde_json::json!({}), now()).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}
