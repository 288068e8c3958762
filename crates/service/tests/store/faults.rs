//! Each way in which the store's file can be wrong, and what a human reads of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use countersign_service::block_on::block_on;
use countersign_service::store::{AuditFilter, Open, Store, StoreError};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{NOON, Place, ask, policy, shell};

/// Opens it in each way; all must say the same, with the folder's name left out.
fn fault(place: &Place, path: &Path) -> String {
    let mut said: Vec<String> = [Open::Hook, Open::Cli, Open::Serve]
        .into_iter()
        .map(|how| said(place, block_on(Store::open(path, how)).unwrap_err()))
        .collect();
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

fn said(place: &Place, error: StoreError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text.replace(place.folder.path().to_str().unwrap(), "DIR")
}

/// A store with something in it, closed.
fn made() -> (Place, PathBuf) {
    let place = Place::new();
    let mut store = place.open();
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    block_on(store.close()).unwrap();
    let path = place.path();
    (place, path)
}

fn raw(path: &Path, sql: &'static str) {
    block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut db = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    });
}

#[test]
fn made_for_its_owner_alone() {
    let (_place, path) = made();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn side_files_are_for_their_owner_alone() {
    let place = Place::new();
    let _store = place.open();
    let mut seen = 0;
    for entry in fs::read_dir(place.path().parent().unwrap()).unwrap() {
        seen += 1;
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    assert_eq!(seen, 3);
}

#[test]
fn open_to_others() {
    let (place, path) = made();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` is open to others (mode 0640): run `chmod 0600` on it"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store's folder `DIR/data` is open to others (mode 0755): run `chmod 0700` on it"
    );
}

#[test]
fn another_owner() {
    let (place, path) = made();
    let given_away = std::process::Command::new("chown").arg("12345").arg(&path).status().unwrap();
    if !given_away.success() {
        println!("skipped: only root can give a file away");
        return;
    }
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` belongs to another user (uid 12345, not 0): run countersign as its owner"
    );
    let folder = path.parent().unwrap();
    std::process::Command::new("chown").arg("12345").arg(folder).status().unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store's folder `DIR/data` belongs to another user (uid 12345, not 0): run countersign as its owner"
    );
}

#[test]
fn links_are_not_followed() {
    let (place, path) = made();
    let aside = place.folder.path().join("aside.db");
    fs::rename(&path, &aside).unwrap();
    symlink(&aside, &path).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` is a symbolic link: move the file that it leads to here"
    );
    fs::remove_file(&path).unwrap();
    fs::hard_link(&aside, &path).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` has a second name elsewhere (a hard link): copy it, so that it has one"
    );
    let linked = place.folder.path().join("linked");
    symlink(path.parent().unwrap(), &linked).unwrap();
    insta::assert_snapshot!(
        fault(&place, &linked.join("countersign.db")),
        @"the store's folder `DIR/linked` is a symbolic link: name the folder that it leads to instead"
    );
}

#[test]
fn not_a_file_not_a_folder_not_absolute() {
    let place = Place::new();
    fs::create_dir_all(place.path()).unwrap();
    let folder = place.path().parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    insta::assert_snapshot!(
        fault(&place, &place.path()),
        @"the store `DIR/data/countersign.db` is a folder: move it away, and a new store is made"
    );
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    insta::assert_snapshot!(
        fault(&place, &pipe),
        @"the store `DIR/data/pipe` is not a regular file: move it away, and a new store is made"
    );
    fs::write(place.folder.path().join("file"), "").unwrap();
    insta::assert_snapshot!(
        fault(&place, &place.folder.path().join("file/countersign.db")),
        @"the store's folder `DIR/file` is not a folder: move it away"
    );
    insta::assert_snapshot!(
        fault(&place, Path::new("countersign.db")),
        @"the store's path `countersign.db` is not absolute: give the whole path"
    );
}

#[test]
fn newer_and_older_schemas() {
    let (place, path) = made();
    raw(&path, "PRAGMA user_version = 0x43530007");
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` was written by a newer countersign (its schema is 7, this one knows 6): upgrade countersign"
    );
    raw(&path, "PRAGMA user_version = 0x43530000");
    insta::assert_snapshot!(
        said(&place, block_on(Store::open(&path, Open::Hook)).unwrap_err()),
        @"the store `DIR/data/countersign.db` was written by an older countersign (its schema is 0, this one needs 6): run `countersign status` once, which brings it up to date"
    );
}

#[test]
fn a_store_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let place = Place::new();
    drop(place.open());
    fs::remove_file(place.path()).unwrap();
    fs::write(place.path(), "").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
    raw(&place.path(), include_str!("../../src/store/schema.sql"));
    raw(
        &place.path(),
        "INSERT INTO tokens VALUES (hex(zeroblob(32)), 't1', 'bot', 'ana', 'claude-code:s1', NULL, 1, 2, NULL);
         INSERT INTO sessions VALUES ('ana', 'claude-code:s1', 1, 1);
         INSERT INTO audit (at, actor, kind, detail) VALUES (1, 'ana', 'noted', '{}');
         PRAGMA user_version = 0x43530001",
    );
    let old = said(&place, block_on(Store::open(&place.path(), Open::Hook)).unwrap_err());
    assert!(old.contains("written by an older countersign"), "{old}");
    let mut store = place.open();
    let tokens = block_on(store.tokens("ana")).unwrap();
    assert_eq!((tokens.len(), &*tokens[0].kinds, &*tokens[0].above), (1, &[][..], &[][..]), "a main agent's");
    assert_eq!(block_on(store.audit_entries(&AuditFilter::default())).unwrap().len(), 1);
    ask(&mut store, &policy(Vec::new()), &shell("git push"), NOON);
    drop(store);
    block_on(Store::open(&place.path(), Open::Hook)).unwrap();
}

#[test]
fn another_programs_database_is_left_alone() {
    let place = Place::new();
    drop(place.open());
    fs::remove_file(place.path()).unwrap();
    fs::write(place.path(), "").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o600)).unwrap();
    raw(&place.path(), "CREATE TABLE cookies (name TEXT); PRAGMA user_version = 1");
    let before = fs::read(place.path()).unwrap();
    insta::assert_snapshot!(
        fault(&place, &place.path()),
        @"the store `DIR/data/countersign.db` is the database of another program: move it away, and a new store is made"
    );
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[test]
fn no_database_at_all() {
    let (place, path) = made();
    fs::write(&path, "not a database, but long enough to have a header".repeat(20)).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` is damaged (it does not begin as a database): move it away, and a new one is made; its grants have to be given again"
    );
}

#[test]
fn damaged_pages() {
    let (place, path) = made();
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).unwrap();
    insta::assert_snapshot!(
        fault(&place, &path),
        @"the store `DIR/data/countersign.db` is damaged (database disk image is malformed): move it away, and a new one is made; its grants have to be given again"
    );
}

#[test]
fn damaged_rows() {
    let (place, path) = made();
    raw(&path, "UPDATE approvals SET question = '{\"summary\": 7}'");
    let mut store = place.open();
    insta::assert_snapshot!(
        said(&place, block_on(store.open_questions(None, NOON)).unwrap_err()),
        @"the store `DIR/data/countersign.db` is damaged (an approval cannot be read: invalid type: integer `7`, expected a string at line 1 column 13): move it away, and a new one is made; its grants have to be given again"
    );
}

#[test]
fn locked() {
    let (place, path) = made();
    let mut other = block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        other
    });
    let mut store = block_on(Store::open(&path, Open::Hook)).unwrap();
    let call = shell("git push");
    let error = block_on(store.audit("ana", "off", &serde_json::json!({}), NOON)).unwrap_err();
    insta::assert_snapshot!(
        said(&place, error),
        @"the store `DIR/data/countersign.db` is locked by another process: try again; if it stays so, see who holds it with `fuser DIR/data/countersign.db`"
    );
    // Readers do not wait for it, and it goes on once the other is done.
    assert!(block_on(store.grants_for(&call, NOON)).unwrap().is_empty());
    block_on(async { sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap() });
    block_on(store.audit("ana", "off", &serde_json::json!({}), NOON)).unwrap();
}
