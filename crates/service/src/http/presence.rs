//! Says that this server is there, and tells again of what is open once another one is gone without a word.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::app::{App, Shared, ended};
use crate::store::StoreError;

/// How often it is said ...
const BEAT: Duration = Duration::from_secs(10);
/// ... and for how long each time.
const BEAT_VALID_SECONDS: i64 = 30;

/// Keeps saying so until the server ends.
pub(crate) async fn keep(app: Shared) {
    let id = uuid::Uuid::now_v7().to_string();
    let mut stop = app.stop.subscribe();
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => {
                if let Err(fault) = beat(&app, &id).await {
                    eprintln!("countersign: {fault}");
                }
            }
            () = ended(&mut stop) => break,
        }
    }
    let clock = app.clock();
    let gone = app.jot(move |store| Box::pin(async move { store.server_gone(&id, clock).await }));
    if let Err(fault) = gone.await {
        eprintln!("countersign: {fault}");
    }
}

async fn beat(app: &App, id: &str) -> Result<(), StoreError> {
    let (id, clock) = (id.to_owned(), app.clock());
    let beat = app.jot(move |store| Box::pin(async move { store.server_beat(&id, BEAT_VALID_SECONDS, clock).await }));
    if beat.await? {
        app.write(move |store| Box::pin(store.tell_again(clock))).await?;
    }
    Ok(())
}
