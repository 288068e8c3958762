//! Takes what is due out of the store's outbox and sends it, until the server ends.
//!
//! Of one webhook's messages this server sends one at a time, so that a receiver that hangs holds up its own alone.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Outward;
use super::send::{Message, PATIENCE, send};
use crate::http::{Shared, ended};
use crate::store::{CLAIM_SECONDS, StoreError};

/// How long to wait after a look before the next one, whatever was written meanwhile.
const REST: Duration = Duration::from_millis(50);
/// The longest time without a look.
const LONGEST: Duration = Duration::from_secs(60);

// Whoever holds a claim has ended before it runs out.
const _: () = assert!(PATIENCE.as_secs() * 2 <= CLAIM_SECONDS as u64);

/// Sends what is due until the server ends. What is being sent then is not waited for: it is sent again.
pub(crate) async fn post(app: Shared, outward: Outward) {
    let mut written = app.written.subscribe();
    let mut stop = app.stop.subscribe();
    let mut busy = HashSet::new();
    let mut sending = JoinSet::new();
    loop {
        written.mark_unchanged();
        let looked = due(&app).await;
        let (webhooks, next) = looked.unwrap_or_else(|fault| {
            eprintln!("countersign: {fault}");
            (Vec::new(), LONGEST)
        });
        for webhook in webhooks {
            if busy.insert(webhook.clone()) {
                let (app, outward) = (app.clone(), outward.clone());
                sending.spawn(async move {
                    if let Err(fault) = all_of(&app, &outward, &webhook).await {
                        eprintln!("countersign: {fault}");
                    }
                    webhook
                });
            }
        }
        tokio::select! {
            () = sleep(REST) => {}
            () = ended(&mut stop) => return,
        }
        tokio::select! {
            _ = written.changed() => {}
            Some(done) = sending.join_next(), if !busy.is_empty() => match done {
                Ok(webhook) => { busy.remove(&webhook); }
                // It had a fault of ours: whose it was is not known, and all are begun anew.
                Err(_) => { sending.shutdown().await; busy.clear(); }
            },
            () = sleep(next) => {}
            () = ended(&mut stop) => return,
        }
    }
}

async fn due(app: &Shared) -> Result<(Vec<String>, Duration), StoreError> {
    let (webhooks, next) = app.read().await.outbox_due(app.clock()).await?;
    let next = next.and_then(|next| u64::try_from(next).ok()).map_or(LONGEST, Duration::from_millis);
    Ok((webhooks, next.min(LONGEST)))
}

/// Sends all that is due to one webhook.
async fn all_of(app: &Shared, outward: &Outward, webhook: &str) -> Result<(), StoreError> {
    loop {
        let (of, claim, clock) = (webhook.to_owned(), uuid::Uuid::now_v7().to_string(), app.clock());
        let claim = app.write(move |store| Box::pin(async move { store.outbox_claim(&of, &claim, clock).await }));
        let Some(claimed) = claim.await? else { return Ok(()) };
        let message = Message {
            id: &claimed.id,
            url: &claimed.url,
            secret: &claimed.secret,
            body: &claimed.body,
            // The receiver compares it with its own clock, so it is the clock's and not the store's.
            seconds: app.clock().0.div_euclid(1_000),
        };
        let delivery = send(message, outward).await;
        let (clock, jitter) = (app.clock(), jitter());
        let settle = app
            .write(move |store| Box::pin(async move { store.outbox_settle(&claimed, &delivery, jitter, clock).await }));
        settle.await?;
    }
}

/// Up to half a second, so that what failed together does not come back together.
fn jitter() -> i64 {
    let mut bits = [0_u8; 2];
    // Without it the messages come together, and that is all.
    let _ = getrandom::fill(&mut bits);
    i64::from(u16::from_le_bytes(bits)) % 500
}
