//! Signing keys.

use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState, Revoked, StoreError};

use crate::world::{HOUR, World};

fn key(kid: &str, state: KeyState, at: Timestamp) -> KeyRow {
    KeyRow {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        state,
        sealed_private: format!("sealed {kid}"),
        public_jwk: "{}".to_owned(),
        created_at: at,
        changed_at: at,
    }
}

async fn states(world: &World) -> Vec<(String, KeyState)> {
    let keys = world.store.keys().await.unwrap();
    keys.into_iter().map(|key| (key.kid, key.state)).collect()
}

#[tokio::test]
async fn keys_move_on_together_and_a_key_that_is_gone_never_comes_back() {
    let world = World::new();
    let change = async |new, moves: &[(&str, KeyState)]| {
        let moves = moves
            .iter()
            .map(|(kid, state)| ((*kid).to_owned(), *state))
            .collect();
        world
            .store
            .keys_change(new, moves, world.audit("key.rotate"))
            .await
    };
    let start = world.now();
    change(
        vec![
            key("a", KeyState::Active, start),
            key("b", KeyState::Next, start),
        ],
        &[],
    )
    .await
    .unwrap();
    world.clock.advance(HOUR);
    // Whatever the order in which the moves are named.
    change(
        vec![key("c", KeyState::Next, world.now())],
        &[("b", KeyState::Active), ("a", KeyState::Retiring)],
    )
    .await
    .unwrap();
    let expected = [
        ("a".to_owned(), KeyState::Retiring),
        ("b".to_owned(), KeyState::Active),
        ("c".to_owned(), KeyState::Next),
    ];
    assert_eq!(states(&world).await, expected);
    let keys = world.store.keys().await.unwrap();
    assert_eq!(
        (keys[0].created_at, keys[0].changed_at),
        (start, world.now())
    );
    assert_eq!(keys[0].sealed_private, "sealed a");

    // All or nothing: the second move names no key, so the first does not happen.
    let refused = change(vec![], &[("a", KeyState::Gone), ("x", KeyState::Active)]).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    let two = change(vec![], &[("c", KeyState::Active)]).await;
    assert!(
        matches!(two, Err(StoreError::Conflict("active signing key"))),
        "{two:?}"
    );
    assert_eq!(states(&world).await, expected);

    change(vec![], &[("a", KeyState::Gone)]).await.unwrap();
    assert_eq!(states(&world).await, expected[1..]);
    let back = change(vec![], &[("a", KeyState::Retiring)]).await;
    assert!(matches!(back, Err(StoreError::Invalid(_))), "{back:?}");
    assert_eq!(world.actions().await, ["key.rotate"; 3]);
}

#[tokio::test]
async fn a_revoked_key_is_gone_at_once_and_everybody_is_told() {
    let world = World::new();
    let now = world.now();
    let keys = vec![
        key("a", KeyState::Active, now),
        key("b", KeyState::Next, now),
    ];
    let audit = world.audit("key.create");
    world.store.keys_change(keys, vec![], audit).await.unwrap();
    let revoke = async |kid: &str, new, moves| {
        let audit = world.audit("key.revoke");
        world
            .store
            .key_revoke(kid, new, moves, now + HOUR, audit)
            .await
    };
    // The active key goes, the next takes its place, and another one follows: one act.
    let successor = vec![("b".to_owned(), KeyState::Active)];
    let new = vec![key("c", KeyState::Next, now)];
    assert!(revoke("a", new, successor).await.unwrap());
    let expected = [
        ("b".to_owned(), KeyState::Active),
        ("c".to_owned(), KeyState::Next),
    ];
    assert_eq!(states(&world).await, expected);
    let log = world.log().await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].what, Revoked::Key("a".to_owned()));
    assert_eq!((&log[0].client, log[0].at), (&None, now));
    assert_eq!(log[0].expires_at, now + HOUR);

    // A key that is gone or was never there changes nothing, its successors included.
    for kid in ["a", "x"] {
        let moves = vec![("b".to_owned(), KeyState::Retiring)];
        assert!(!revoke(kid, vec![], moves).await.unwrap());
    }
    // Nor does a change that cannot be made: the key stays, and nobody is told.
    let two = revoke("c", vec![key("d", KeyState::Active, now)], vec![]).await;
    assert!(matches!(two, Err(StoreError::Conflict(_))), "{two:?}");
    assert_eq!(states(&world).await, expected);
    assert_eq!(world.log().await.len(), 1);
    assert_eq!(world.actions().await, ["key.create", "key.revoke"]);
}

#[tokio::test]
async fn each_algorithm_has_its_own_active_key() {
    let world = World::new();
    let now = world.now();
    let mut other = key("p", KeyState::Active, now);
    other.algorithm = "ES256".to_owned();
    let keys = vec![key("a", KeyState::Active, now), other];
    let audit = world.audit("key.create");
    world.store.keys_change(keys, vec![], audit).await.unwrap();
    assert_eq!(states(&world).await.len(), 2);
}
