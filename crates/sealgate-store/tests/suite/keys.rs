//! Clients and signing keys.

use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState, StoreError};

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
async fn a_client_comes_back_as_it_was_stored_and_its_id_is_taken() {
    let world = World::new();
    let client = world.client("expenses").await;
    world.client("accounts").await;
    let found = world.store.client(&client.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{client:?}"));
    assert_eq!(found.secret_hash, client.secret_hash);
    let again = world
        .store
        .client_create(client, world.audit("client.create"))
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict("client id"))),
        "{again:?}"
    );
    let all = world.store.clients().await.unwrap();
    let ids: Vec<_> = all.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["accounts", "expenses"]);
    assert!(
        world
            .store
            .client(&"nobody".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
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
