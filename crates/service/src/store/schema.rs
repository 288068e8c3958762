//! Migrations, and what every opening checks.

use sqlx::{Connection as _, SqliteConnection};

use super::{Open, Store, StoreError, Synchronous};

/// The migrations, the oldest first.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
];
/// A store's `user_version` is this, `CS` in the upper half, and how many of the migrations it has had: one number to
/// read tells a hook whether the file is ours and up to date.
const OURS: i64 = 0x4353_0000;

/// Checks what the file is, and brings it up to the present schema.
pub(super) async fn bring_up(store: &mut Store, how: Open) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as i64;
    let found = version(&mut store.db).await.map_err(|error| store.fault(error))?;
    match found {
        Some(found) if found == known => Ok(()),
        Some(found) if found > known => Err(StoreError::Newer { path: store.path.clone(), found, known }),
        Some(found) if how == Open::Hook => Err(StoreError::Older { path: store.path.clone(), found, known }),
        _ => migrate(store).await,
    }
}

/// The schema's version; `None` if the file is not ours (yet).
async fn version(db: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(db).await?;
    Ok(schema(found))
}

fn schema(user_version: i64) -> Option<i64> {
    (user_version & 0xffff_0000 == OURS).then_some(user_version & 0xffff)
}

async fn migrate(store: &mut Store) -> Result<(), StoreError> {
    let path = store.path.clone();
    let fault = |error| StoreError::of(&path, error);
    let foreign = || {
        let problem = "is the database of another program: move it away, and a new store is made".to_owned();
        StoreError::File { path: path.clone(), problem }
    };
    if !ours_or_empty(&mut store.db).await.map_err(fault)? {
        return Err(foreign());
    }
    into_wal(store).await?;
    // What a migration does is on the disk before anything relies on it.
    store.set(Synchronous::Full).await?;
    let mut transaction = store.db.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    // Another process may have been faster.
    if !ours_or_empty(&mut transaction).await.map_err(fault)? {
        return Err(foreign());
    }
    let had = version(&mut transaction).await.map_err(fault)?.and_then(|had| usize::try_from(had).ok()).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(had) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(fault)?;
    }
    if had < MIGRATIONS.len() {
        // A pragma takes no arguments.
        let version = format!("PRAGMA user_version = {}", OURS + MIGRATIONS.len() as i64);
        sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *transaction).await.map_err(fault)?;
    }
    transaction.commit().await.map_err(fault)
}

/// Both questions in one statement, so that no other process makes the store between them.
async fn ours_or_empty(db: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let both = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";
    let (version, tables): (i64, i64) = sqlx::query_as(both).fetch_one(db).await?;
    Ok(schema(version).is_some() || (version == 0 && tables == 0))
}

/// Sets the journal mode, which stays in the file. SQLite does not wait for the lock that this needs, so we do: two
/// processes that make the store at the same moment both come through.
async fn into_wal(store: &mut Store) -> Result<(), StoreError> {
    let mut attempts = 200;
    loop {
        match sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut store.db).await {
            Ok(_) => return Ok(()),
            Err(error) => match store.fault(error) {
                StoreError::Locked { .. } if attempts > 0 => attempts -= 1,
                fault => return Err(fault),
            },
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
