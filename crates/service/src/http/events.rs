//! The event stream: says that something changed, never what. Whoever keeps it open is a listener.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;

use super::app::{App, Shared, ended};
use crate::store::StoreError;

/// How often a listener's row is renewed ...
const BEAT: Duration = Duration::from_secs(5);
/// ... and for how long each time.
pub(crate) const BEAT_VALID_SECONDS: i64 = 15;

/// A stream of `changed` events for a human; while it is open that human counts as listening.
pub(crate) fn stream(app: Shared, kind: &'static str, user: String) -> impl IntoResponse {
    let (to, from) = mpsc::channel(1);
    tokio::spawn(keep(app, kind, user, to));
    Sse::new(ReceiverStream::new(from)).keep_alive(KeepAlive::new().interval(Duration::from_secs(3)))
}

async fn keep(app: Shared, kind: &'static str, user: String, to: mpsc::Sender<Result<Event, Infallible>>) {
    let id = uuid::Uuid::now_v7().to_string();
    let mut shown = app.shown.subscribe();
    let mut stop = app.stop.subscribe();
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Whatever changed between the page and this stream is caught by an event at its start.
    let mut changed = true;
    loop {
        if changed {
            let sent = tokio::select! {
                sent = to.send(Ok(Event::default().event("changed").data(""))) => sent.is_ok(),
                () = ended(&mut stop) => false,
            };
            if !sent {
                break;
            }
            changed = false;
        }
        tokio::select! {
            _ = beats.tick() => beat(&app, kind, &id, &user).await,
            result = shown.changed() => {
                changed = result.is_ok();
                if !changed { break }
            }
            () = to.closed() => break,
            () = ended(&mut stop) => break,
        }
    }
    let clock = app.clock();
    let gone = app.jot(move |store| Box::pin(async move { store.listener_gone(&id, clock).await }));
    if let Err(fault) = gone.await {
        eprintln!("countersign: {fault}");
    }
}

async fn beat(app: &App, kind: &'static str, id: &str, user: &str) {
    if let Err(fault) = listens(app, kind, id.to_owned(), user.to_owned(), BEAT_VALID_SECONDS).await {
        eprintln!("countersign: {fault}");
    }
}

/// Says that a listener of this user lives for so many seconds.
pub(crate) async fn listens(
    app: &App,
    kind: &'static str,
    id: String,
    user: String,
    seconds: i64,
) -> Result<(), StoreError> {
    let now = app.clock();
    let until = now.plus_seconds(seconds);
    app.jot(move |store| Box::pin(async move { store.listener_beat(&id, kind, &user, now, until).await })).await
}
