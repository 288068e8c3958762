//! Wakes who waits: for what this server writes at once, for what other processes write within a tenth of a second.

use std::time::Duration;

use countersign_policy::sha256_hex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::app::{Shared, ended};
use crate::store::{GrantFilter, RecordFilter, Store, StoreError, TRIMMED_AT_ONCE};

/// How often the store is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often policy files are looked at for the pages' sake. A decision looks at them itself.
const POLICY: Duration = Duration::from_secs(2);
/// How often what time has ended is written down.
const EXPIRE: Duration = Duration::from_secs(30);

/// How often the decision log is cut ...
const TRIM: Duration = Duration::from_secs(3_600);
/// ... to so many entries ...
const LOG_ROWS: u32 = 200_000;
/// ... and to those younger than 90 days.
const LOG_SECONDS: i64 = 7_776_000;

/// Looks until the server ends, through a connection of its own: SQLite's version counts what others wrote.
pub(crate) async fn watch(app: Shared, mut store: Store) {
    let mut stop = app.stop.subscribe();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        let looked = tokio::select! {
            _ = looks.tick() => seen.look(&app, &mut store).await,
            () = app.poked.notified() => seen.wake(&app, &mut store).await,
            () = ended(&mut stop) => return,
        };
        if let Err(fault) = looked {
            seen.complain(fault);
        }
    }
}

#[derive(Default)]
struct Seen {
    /// The store's version of which those who wait know.
    version: Option<i64>,
    /// And the one that pages know.
    paged: Option<i64>,
    /// The newest entry of the audit.
    entry: Option<i64>,
    page: String,
    faults: Vec<String>,
    looked_at_policy: Option<Instant>,
    expired: Option<Instant>,
    trimmed: Option<Instant>,
    complained: Option<Instant>,
}

impl Seen {
    /// Wakes those whose question has changed. The audit says which: each change of a question's state is in it, in the
    /// same transaction.
    async fn wake(&mut self, app: &Shared, store: &mut Store) -> Result<(), StoreError> {
        app.written.send_modify(|count| *count += 1);
        let Some(entry) = self.entry else {
            self.entry = Some(store.newest_entry().await?);
            // Whoever has come before is to look once more.
            app.waiting.wake_all();
            return Ok(());
        };
        let changed = store.changed_since(entry).await?;
        self.entry = changed.iter().map(|(entry, _)| *entry).max().or(self.entry);
        app.waiting.wake(changed.iter().filter_map(|(_, approval)| approval.as_deref()));
        Ok(())
    }

    /// Does what is due, and looks for what other processes have written.
    async fn look(&mut self, app: &Shared, store: &mut Store) -> Result<(), StoreError> {
        if is_due(&mut self.expired, EXPIRE) {
            let clock = app.clock();
            app.write(move |store| Box::pin(async move { store.expire(clock).await })).await?;
        }
        if is_due(&mut self.trimmed, TRIM) {
            let clock = app.clock();
            let cut = || app.jot(move |store| Box::pin(store.trim_log_once(LOG_ROWS, LOG_SECONDS, clock)));
            while cut().await? >= TRIMMED_AT_ONCE {}
            app.jot(move |store| Box::pin(store.trim_keys(clock))).await?;
            app.jot(move |store| Box::pin(store.trim_outbox(clock))).await?;
        }
        let is_seen = app.shown.receiver_count() > 0;
        let policy = is_due(&mut self.looked_at_policy, POLICY) && is_seen;
        if policy {
            self.faults = app.policy_faults().await?;
        }
        let version = Some(store.version().await?);
        if self.version != version {
            self.wake(app, store).await?;
            self.version = version;
        }
        if policy || is_seen && self.paged != version {
            let page = self.page(app, store).await?;
            if page != self.page {
                self.page = page;
                app.shown.send_modify(|count| *count += 1);
            }
            self.paged = version;
        }
        Ok(())
    }

    /// What pages show, in one text that changes when they would.
    async fn page(&self, app: &Shared, store: &mut Store) -> Result<String, StoreError> {
        let open = store.open_questions(None, app.clock()).await?;
        let recent = store.records(&RecordFilter { limit: 20, ..RecordFilter::default() }).await?;
        let mut text = self.faults.join("\n");
        for record in open.iter().chain(&recent) {
            text.push_str(&format!("\n{} {} {:?}", record.approval.id, record.approval.count, record.approval.state));
        }
        for kept in store.grants(&GrantFilter::default(), app.clock()).await? {
            text.push_str(&format!("\n{}", kept.grant.id));
        }
        text.push_str(&format!("\n{}", store.all_given_up().await?));
        Ok(sha256_hex(text.as_bytes()))
    }

    /// Says what is wrong, once a minute.
    fn complain(&mut self, fault: StoreError) {
        if is_due(&mut self.complained, Duration::from_secs(60)) {
            eprintln!("countersign: {fault}");
        }
    }
}

fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

#[cfg(test)]
mod tests {
    use countersign_engine::Layout;
    use serde_json::json;

    use super::Seen;
    use crate::http::{Server, ServerConfig, writer};
    use crate::notify::Outward;
    use crate::store::{Open, Store};

    #[tokio::test]
    async fn nobody_is_woken_where_nothing_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let layout = Layout {
            home: at("home"),
            user_file: at("home/countersign.toml"),
            config_dir: at("home"),
            managed_file: at("managed.toml"),
            data_dir: at("data"),
        };
        let store = folder.path().join("data/countersign.db");
        let (user, outward) = ("ana".to_owned(), Outward::default());
        let server = Server::bind(ServerConfig { port: 0, store: store.clone(), layout, user, outward }).await.unwrap();
        let Server { app, writing, mut looking, jobs, .. } = server;
        writer::start(writing, jobs, app.poked.clone()).unwrap();
        let mut seen = Seen::default();
        // What is due at first is written by these.
        for _ in 0..2 {
            seen.look(&app, &mut looking).await.unwrap();
        }
        let woken = || *app.written.borrow();
        let before = woken();
        for _ in 0..3 {
            seen.look(&app, &mut looking).await.unwrap();
        }
        assert_eq!(woken(), before, "without a page, too");
        let _page = app.shown.subscribe();
        seen.look(&app, &mut looking).await.unwrap();
        assert_eq!((woken(), seen.paged), (before, seen.version), "who opens a page sees it as it is now");
        let mut other = Store::open(&store, Open::Cli).await.unwrap();
        other.audit("ana", "noted", &json!({}), app.clock()).await.unwrap();
        seen.look(&app, &mut looking).await.unwrap();
        assert_eq!((woken(), seen.paged), (before + 1, seen.version));
    }
}
