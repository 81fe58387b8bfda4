//! A database that is put back from a copy: noticed by its witness or by what somebody shows, and nothing
//! that the copy believes in is good any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{
    ConsentRow, Footing, HistoryMark, RevokeReason, Revoked, Session, SqliteStore,
};

use crate::world::{HOUR, World, open};

const WITNESS: &str = "revocation.witness";
const NEXT: &str = "00112233445566778899aabbccddeeff";

/// A copy of the database, made while it was closed.
fn copy(world: &World) -> PathBuf {
    let kept = world.dir.path().join("backup.db");
    fs::copy(data(world).join("sealgate.db"), &kept).unwrap();
    kept
}

fn data(world: &World) -> PathBuf {
    world.dir.path().join("data")
}

/// Closes the store, does something to its directory, and opens it again.
fn around(world: World, act: impl FnOnce(&World)) -> (World, Arc<SqliteStore>) {
    let World {
        store,
        clock,
        random,
        dir,
    } = world;
    assert_eq!(Arc::strong_count(&store), 1);
    drop(store);
    let elsewhere = tempfile::tempdir().unwrap();
    let stand_in = Arc::new(open(elsewhere.path(), &clock, &random).unwrap());
    let closed = World {
        store: stand_in,
        clock,
        random,
        dir,
    };
    act(&closed);
    let path = data(&closed);
    let store = Arc::new(open(&path, &closed.clock, &closed.random).unwrap());
    let world = World {
        store: store.clone(),
        ..closed
    };
    (world, store)
}

fn put_back(world: &World, kept: &Path) {
    fs::copy(kept, data(world).join("sealgate.db")).unwrap();
}

async fn revoke(world: &World, session: &Session) {
    let audit = world.audit("session.revoke");
    let revoked = world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit);
    assert!(revoked.await.unwrap());
}

async fn position(world: &World) -> HistoryMark {
    HistoryMark {
        history: world.store.epoch().await.unwrap(),
        seq: world.store.revocation_head().await.unwrap(),
    }
}

/// A world with two sessions, of which one is revoked after the copy was made; and that copy.
async fn restored_world() -> (World, PathBuf, [Session; 2], HistoryMark) {
    let world = World::new();
    let (user, client, sign_in, ended, _) = world.story().await;
    let (going_on, _) = world.session_from(&sign_in, &client.id).await;
    let consent = ConsentRow {
        user: user.id,
        client: client.id.clone(),
        scopes: Vec::new(),
        resources: Vec::new(),
        grants: Vec::new(),
        granted_at: world.now(),
    };
    let audit = world.audit("consent.grant");
    world.store.consent_grant(consent, audit).await.unwrap();
    let link = world.invitation(Some(user.id));
    let audit = world.audit("user.invite");
    let made = world.store.invitation_create(link, None, audit);
    made.await.unwrap();
    let (world, _) = around(world, |_| {});
    let mut kept = PathBuf::new();
    let (world, store) = around(world, |world| kept = copy(world));
    assert_eq!(store.restored(), None);
    drop(store);
    world.clock.advance(HOUR / 2);
    revoke(&world, &ended).await;
    let before = position(&world).await;
    (world, kept, [ended, going_on], before)
}

async fn assert_nothing_is_good(world: &World, sessions: &[Session], before: &HistoryMark) {
    let now = position(world).await;
    assert_ne!(now.history, before.history);
    for session in sessions {
        assert_eq!(world.fate(session.id).await, Some(RevokeReason::Restored));
        let footing = Footing {
            client: session.client.clone(),
            user: Some(session.user),
            tenant: None,
            started_at: session.created_at,
            session: None,
            grants: Vec::new(),
            token: None,
        };
        let fallen = world.store.fallen(footing, world.now()).await.unwrap();
        assert!(fallen.is_some());
        let sign_in = world.store.sign_in(session.sign_in).await.unwrap();
        assert!(sign_in.unwrap().ended_at.is_some());
        let consent = world.store.consent(session.user, &session.client);
        assert!(consent.await.unwrap().is_none());
    }
    let log = world.log().await;
    let all = log.iter().find(|row| row.what == Revoked::All).unwrap();
    assert_eq!((all.at, &all.client), (world.now(), &None));
    assert!(all.expires_at >= world.now() + Duration::from_secs(24 * 3600));
    let records = world.records().await;
    let record = records
        .iter()
        .find(|record| record.action == "store.restored");
    assert_eq!(record.unwrap().object, Some(now.history));
}

#[tokio::test]
async fn the_witness_gives_away_a_copy_that_was_put_back() {
    let (world, kept, sessions, before) = restored_world().await;
    let (world, store) = around(world, |world| put_back(world, &kept));
    let restored = store.restored().unwrap();
    assert_eq!(restored.shown, before);
    assert_eq!(restored.known.history, before.history);
    assert!(restored.known.seq < before.seq);
    drop(store);
    assert_nothing_is_good(&world, &sessions, &before).await;

    // Once: the next start finds everything in order, and so does one that finds an old witness.
    let after = position(&world).await;
    let found_at = world.now();
    world.clock.advance(HOUR);
    let (world, store) = around(world, |_| {});
    assert_eq!(store.restored(), None);
    assert_eq!(store.restored_at(), Some(found_at));
    drop(store);
    let (world, store) = around(world, |world| {
        let line = format!("{} {}\n", before.history, before.seq);
        fs::write(data(world).join(WITNESS), line).unwrap();
    });
    assert_eq!(store.restored(), None);
    drop(store);
    assert_eq!(position(&world).await, after);

    // The same copy once more: it has not heard of the history that began since.
    let (world, store) = around(world, |world| put_back(world, &kept));
    assert_eq!(store.restored().unwrap().shown, after);
    drop(store);
    assert_ne!(position(&world).await.history, after.history);
}

#[tokio::test]
async fn a_new_session_after_that_is_good() {
    let (world, kept, sessions, _) = restored_world().await;
    let (world, store) = around(world, |world| put_back(world, &kept));
    drop(store);
    world.clock.advance(Duration::from_millis(1));
    let sign_in = world.sign_in(sessions[0].user).await;
    let (fresh, _) = world.session_from(&sign_in, &sessions[0].client).await;
    assert_eq!(world.fate(fresh.id).await, None);
}

#[tokio::test]
async fn a_witness_that_is_behind_or_empty_or_gone_gives_nothing_away() {
    let (world, _, _, before) = restored_world().await;
    // The witness may be behind: it is written after commits.
    let (world, store) = around(world, |world| {
        let line = format!("{} {}\n", before.history, before.seq - 1);
        fs::write(data(world).join(WITNESS), line).unwrap();
    });
    assert_eq!(store.restored(), None);
    drop(store);
    let (world, store) = around(world, |world| {
        fs::remove_file(data(world).join(WITNESS)).unwrap();
    });
    assert_eq!(store.restored(), None);
    drop(store);
    let (world, store) = around(world, |world| {
        fs::write(data(world).join(WITNESS), "").unwrap();
    });
    assert_eq!(store.restored(), None);
    drop(store);
    assert_eq!(position(&world).await, before);
}

#[tokio::test]
async fn without_a_witness_it_is_what_somebody_shows_that_gives_it_away() {
    let (world, kept, sessions, before) = restored_world().await;
    let (world, store) = around(world, |world| {
        put_back(world, &kept);
        fs::remove_file(data(world).join(WITNESS)).unwrap();
    });
    assert_eq!(store.restored(), None);
    drop(store);
    let stale = position(&world).await;
    assert_eq!(stale.history, before.history);
    let show = async |mark: &HistoryMark| {
        let audit = world.audit("store.restored");
        let lost = world
            .store
            .history_lost(mark.clone(), NEXT.to_owned(), audit);
        lost.await.unwrap()
    };
    // What the log knows is no news.
    assert_eq!(show(&stale).await, None);
    assert_eq!(position(&world).await, stale);
    let restored = show(&before).await.unwrap();
    assert_eq!((restored.known, restored.shown), (stale, before.clone()));
    assert_eq!(world.store.epoch().await.unwrap(), NEXT);
    assert_nothing_is_good(&world, &sessions, &before).await;
    // The same word once more, from another gate, changes nothing.
    let after = position(&world).await;
    assert_eq!(show(&before).await, None);
    let further = HistoryMark {
        seq: before.seq + 100,
        ..before.clone()
    };
    assert_eq!(show(&further).await, None);
    assert_eq!(position(&world).await, after);
    // And the witness goes along with it.
    let (world, store) = around(world, |_| {});
    assert_eq!(store.restored(), None);
    drop(store);
    assert_eq!(position(&world).await, after);
}

#[tokio::test]
async fn a_history_that_was_never_heard_of_gives_it_away_once() {
    let (world, _, _, before) = restored_world().await;
    let unheard = HistoryMark {
        history: "feedfeedfeedfeedfeedfeedfeedfeed".to_owned(),
        seq: 0,
    };
    for (next, found) in [(NEXT, true), ("another", false)] {
        let audit = world.audit("store.restored");
        let lost = world
            .store
            .history_lost(unheard.clone(), next.to_owned(), audit);
        assert_eq!(lost.await.unwrap().is_some(), found);
        assert_eq!(world.store.epoch().await.unwrap(), NEXT);
    }
    let audit = world.audit("store.restored");
    let lost = world
        .store
        .history_lost(before, "another".to_owned(), audit);
    assert_eq!(lost.await.unwrap(), None);
}

#[tokio::test]
async fn many_sessions_are_revoked_by_the_time_it_is_told() {
    let world = World::new();
    let (user, client, sign_in, first, _) = world.story().await;
    let mut sessions = vec![first];
    for _ in 0..600 {
        let session = world.session_from(&sign_in, &client.id);
        sessions.push(session.await.0);
    }
    let mark = HistoryMark {
        history: world.store.epoch().await.unwrap(),
        seq: 1,
    };
    let audit = world.audit("store.restored");
    let lost = world.store.history_lost(mark, NEXT.to_owned(), audit);
    assert!(lost.await.unwrap().is_some());
    for session in &sessions {
        assert_eq!(world.fate(session.id).await, Some(RevokeReason::Restored));
    }
    assert_eq!(world.store.revocation_head().await.unwrap(), 602);
    assert!(world.store.user(user.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_client_sees_its_part_of_the_log_with_sessions_side_by_side() {
    let world = World::new();
    let (user, client, sign_in, session, _) = world.story().await;
    let other = world.client("other").await;
    let (foreign, _) = world.session_from(&sign_in, &other.id).await;
    revoke(&world, &session).await;
    revoke(&world, &foreign).await;
    let audit = world.audit("user.disable");
    world.store.user_disable(user.id, audit).await.unwrap();
    let seen = async |client: &ClientId, now: Timestamp| {
        let seen = world.store.revocations_seen(client, now, HOUR);
        seen.await.unwrap()
    };
    let own = seen(&client.id, world.now()).await;
    let log = world.log().await;
    let visible = log.iter().filter(|row| {
        row.client
            .as_ref()
            .is_none_or(|reader| *reader == client.id)
    });
    let newest = visible.clone().map(|row| row.seq).max().unwrap();
    assert_eq!((own.head, own.newest), (log.last().unwrap().seq, newest));
    let [(end, ids)] = own.sessions.as_slice() else {
        panic!("{:?}", own.sessions)
    };
    assert_eq!(ids, &[session.id]);
    assert!(*end >= session.expires_at && *end < session.expires_at + HOUR);
    assert_eq!(end.as_millis() % 3_600_000, 0);
    let others: Vec<_> = visible
        .filter(|row| !matches!(row.what, Revoked::Session(_)))
        .cloned()
        .collect();
    assert_eq!(own.others, others);
    assert!(!others.is_empty());

    let ended = seen(&client.id, *end + HOUR * 100).await;
    assert_eq!((ended.head, ended.newest), (own.head, 0));
    assert!(ended.sessions.is_empty() && ended.others.is_empty());
}
