//! Migrations, and what every opening checks.

use sqlx::{Connection as _, SqliteConnection};

use super::{Open, Store, StoreError, Synchronous};

/// The migrations, the oldest first. A store's `user_version` is how many of them it has had.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
/// `PRAGMA application_id` of our files: `CSig`.
const OURS: i64 = 0x4353_6967;

/// Checks what the file is, and brings it up to the present schema.
pub(super) async fn bring_up(store: &mut Store, how: Open) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as i64;
    let (ours, found) = what(&mut store.db).await.map_err(|error| store.fault(error))?;
    if ours && found == known {
        return Ok(());
    }
    if ours && found > known {
        return Err(StoreError::Newer { path: store.path.clone(), found, known });
    }
    if ours && how == Open::Hook {
        return Err(StoreError::Older { path: store.path.clone(), found, known });
    }
    migrate(store).await
}

/// Whether the file is ours, and its schema's version.
async fn what(db: &mut SqliteConnection) -> Result<(bool, i64), sqlx::Error> {
    let row = sqlx::query_as("SELECT application_id, user_version FROM pragma_application_id, pragma_user_version");
    let (application, version): (i64, i64) = row.fetch_one(db).await?;
    Ok((application == OURS, version))
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
    store.synchronous = None;
    sqlx::raw_sql("PRAGMA synchronous = FULL").execute(&mut store.db).await.map_err(fault)?;
    store.synchronous = Some(Synchronous::Full);

    let mut transaction = store.db.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
    // Another process may have been faster.
    if !ours_or_empty(&mut transaction).await.map_err(fault)? {
        return Err(foreign());
    }
    let (_, found) = what(&mut transaction).await.map_err(fault)?;
    sqlx::raw_sql("PRAGMA application_id = 0x43536967").execute(&mut *transaction).await.map_err(fault)?;
    let had = usize::try_from(found).unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(had) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(fault)?;
    }
    if had < MIGRATIONS.len() {
        // A pragma takes no arguments.
        let version = format!("PRAGMA user_version = {}", MIGRATIONS.len());
        sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *transaction).await.map_err(fault)?;
    }
    transaction.commit().await.map_err(fault)
}

async fn ours_or_empty(db: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (ours, version) = what(db).await?;
    if ours {
        return Ok(true);
    }
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(db).await?;
    Ok(tables == 0 && version == 0)
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
