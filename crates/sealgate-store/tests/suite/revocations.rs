//! The revocation log, as the feed reads it.

use sealgate_store::{RevokeReason, Revoked};

use crate::world::{HOUR, World};

#[tokio::test]
async fn the_log_is_read_from_a_place_in_slices() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    for _ in 0..5 {
        let (session, _) = world.session_from(&sign_in, &client.id).await;
        let audit = world.audit("session.revoke");
        world
            .store
            .session_revoke(session.id, RevokeReason::Admin, audit)
            .await
            .unwrap();
    }
    let slice = world.store.revocations_after(2, 2).await.unwrap();
    assert_eq!(
        slice.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [3, 4]
    );
    for past in [5, 6, u64::MAX] {
        assert!(
            world
                .store
                .revocations_after(past, 10)
                .await
                .unwrap()
                .is_empty()
        );
    }
    assert!(
        world
            .store
            .revocations_after(0, 0)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_empty_log_has_head_zero() {
    let world = World::new();
    assert_eq!(world.store.revocation_head().await.unwrap(), 0);
    assert_eq!(
        world.store.revocations_live(world.now()).await.unwrap(),
        (0, vec![])
    );
    assert_eq!(*world.store.revocation_wakeup().borrow(), 0);
}

#[tokio::test]
async fn what_is_live_leaves_out_what_can_no_longer_matter() {
    let world = World::new();
    let (user, client, sign_in, early, _) = world.story().await;
    world.clock.advance(HOUR);
    let (late, _) = world.session_from(&sign_in, &client.id).await;
    world
        .store
        .user_disable(user.id, world.audit("user.disable"))
        .await
        .unwrap();
    let live = async || {
        let (head, entries) = world.store.revocations_live(world.now()).await.unwrap();
        assert_eq!(head, 3);
        entries
            .into_iter()
            .map(|entry| entry.what)
            .collect::<Vec<_>>()
    };
    let all = [
        Revoked::Session(early.id),
        Revoked::Session(late.id),
        Revoked::User(user.id),
    ];
    assert_eq!(live().await, all);
    world.clock.advance(23 * HOUR);
    assert_eq!(live().await, all[1..]);
    world.clock.advance(HOUR);
    assert_eq!(live().await, all[2..]);
    world.clock.advance(HOUR);
    assert!(live().await.is_empty());
}
