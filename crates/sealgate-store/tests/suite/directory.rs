//! The data directory of the SQLite home: one holder, private files, and nothing forgotten.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_store::{KeyRow, KeyState, RevokeReason, SqliteStore, StoreError};

use crate::world::{World, open};

/// Lets go of the world's store; where it was, and what is needed to open it again.
fn close(world: World) -> (tempfile::TempDir, FakeClock, FakeRandom) {
    let World {
        store,
        clock,
        random,
        dir,
    } = world;
    assert_eq!(Arc::strong_count(&store), 1);
    drop(store);
    (dir, clock, random)
}

fn reopen(world: World) -> World {
    reopen_after(world, |_| {})
}

/// Opens the directory again after something was done to its database in between.
pub(crate) fn reopen_after(world: World, between: impl FnOnce(&Connection)) -> World {
    let (dir, clock, random) = close(world);
    between(&Connection::open(dir.path().join("data/sealgate.db")).unwrap());
    let store = open(&dir.path().join("data"), &clock, &random).unwrap();
    World {
        store: Arc::new(store),
        clock,
        random,
        dir,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn reopening_the_directory_keeps_everything_and_the_epoch() {
    let world = World::new();
    let (user, client, _, session, first) = world.story().await;
    world.rotate(first.id, world.token(&session, 1)).await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    let epoch = world.store.epoch().await.unwrap();
    let (log, records) = (world.log().await, world.records().await);
    assert_eq!(epoch.len(), 32);

    let world = reopen(world);
    assert_eq!(world.store.epoch().await.unwrap(), epoch);
    assert_eq!(world.log().await, log);
    assert_eq!(world.records().await, records);
    assert_eq!(world.store.revocation_head().await.unwrap(), 1);
    assert_eq!(*world.store.revocation_wakeup().borrow(), 1);
    assert!(world.store.user(user.id).await.unwrap().is_some());
    assert!(world.store.client(&client.id).await.unwrap().is_some());
    assert!(world.session(session.id).await.revoked_at.is_some());
    // A restart forgets no rotation: the token stays spent and its answer kept.
    let spent = world.store.refresh_token(first.id).await.unwrap().unwrap();
    assert_eq!(spent.answer.as_deref(), Some("sealed answer"));
}

#[tokio::test]
async fn two_directories_have_two_epochs() {
    let world = World::new();
    let other = open(&world.dir.path().join("other"), &world.clock, &world.random).unwrap();
    let other: &dyn sealgate_store::Store = &other;
    assert_ne!(
        other.epoch().await.unwrap(),
        world.store.epoch().await.unwrap()
    );
}

#[tokio::test]
async fn a_directory_in_use_is_locked_until_its_store_is_dropped() {
    let world = World::new();
    let data = world.dir.path().join("data");
    let second = open(&data, &world.clock, &world.random);
    assert!(matches!(second, Err(StoreError::Locked)), "{second:?}");
    // The refusal did not disturb the holder.
    world.user("ada@example.com").await;
    let world = reopen(world);
    assert!(
        world
            .store
            .user_by_email("ada@example.com")
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn the_directory_and_every_file_in_it_are_the_owners_alone() {
    let world = World::new();
    world.story().await;
    let data = world.dir.path().join("data");
    assert_eq!(mode(&data), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "lock",
            "reserve",
            "revocation.witness",
            "sealgate.db",
            "sealgate.db-shm",
            "sealgate.db-wal"
        ]
    );

    // A database that somebody made readable is private again after the next start.
    let (dir, clock, random) = close(world);
    let file = dir.path().join("data/sealgate.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let _store = open(&dir.path().join("data"), &clock, &random).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn closing_folds_the_log_into_the_database() {
    let world = World::new();
    world.story().await;
    let (dir, ..) = close(world);
    assert!(!dir.path().join("data/sealgate.db-wal").exists());
    let connection = Connection::open(dir.path().join("data/sealgate.db")).unwrap();
    let sound: String = connection
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

fn opened_after(change: impl FnOnce(&Path)) -> Result<SqliteStore, StoreError> {
    let (dir, clock, random) = close(World::new());
    change(&dir.path().join("data/sealgate.db"));
    open(&dir.path().join("data"), &clock, &random)
}

#[test]
fn a_database_from_a_newer_program_is_left_alone() {
    let mut newest = 0;
    let newer = opened_after(|file| {
        let connection = Connection::open(file).unwrap();
        newest = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        connection
            .pragma_update(None, "user_version", newest + 1)
            .unwrap();
    });
    let Err(StoreError::TooNew { found, known }) = newer else {
        panic!("{newer:?}");
    };
    assert_eq!((found, known), (newest + 1, newest));
}

#[test]
fn a_file_that_is_no_database_of_ours_is_corrupt_and_left_alone() {
    let foreign = opened_after(|file| {
        Connection::open(file)
            .unwrap()
            .pragma_update(None, "application_id", 7)
            .unwrap();
    });
    assert!(
        matches!(foreign, Err(StoreError::Corrupt(_))),
        "{foreign:?}"
    );
    let text = "This is no database. ".repeat(100);
    let garbage = opened_after(|file| fs::write(file, &text).unwrap());
    assert!(
        matches!(garbage, Err(StoreError::Corrupt(_))),
        "{garbage:?}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let clock = FakeClock::at(sealgate_model::Timestamp::from_seconds(0));
    let refused = open(&file.join("data"), &clock, &FakeRandom::default());
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_private_part_of_a_key_that_is_gone_is_nowhere_in_the_directory() {
    let world = World::new();
    let sealed = "v1.k.private-part-under-the-master-key";
    let key = KeyRow {
        kid: "a".to_owned(),
        algorithm: "EdDSA".to_owned(),
        state: KeyState::Active,
        sealed_private: sealed.to_owned(),
        public_jwk: "{}".to_owned(),
        created_at: world.now(),
        changed_at: world.now(),
    };
    world
        .store
        .keys_change(vec![key], vec![], world.audit("key.create"))
        .await
        .unwrap();
    let gone = vec![("a".to_owned(), KeyState::Gone)];
    world
        .store
        .keys_change(vec![], gone, world.audit("key.rotate"))
        .await
        .unwrap();
    let (dir, ..) = close(world);
    for entry in fs::read_dir(dir.path().join("data")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(sealed.len())
                .any(|window| window == sealed.as_bytes())
        );
    }
}

#[tokio::test]
async fn a_row_that_this_version_would_not_write_is_corrupt() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let (dir, clock, random) = close(world);
    Connection::open(dir.path().join("data/sealgate.db"))
        .unwrap()
        .execute("UPDATE users SET roles = 'admin'", ())
        .unwrap();
    let store = open(&dir.path().join("data"), &clock, &random).unwrap();
    let store: &dyn sealgate_store::Store = &store;
    let found = store.user(user.id).await;
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}
