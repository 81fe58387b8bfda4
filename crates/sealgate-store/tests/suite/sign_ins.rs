//! Browser sign-ins: one in place of another, and all of a user's at once.

use sealgate_store::{Redeemed, RevokeReason};

use crate::world::World;

#[tokio::test]
async fn a_replaced_sign_in_ends_and_hands_its_live_sessions_over() {
    let world = World::new();
    let (user, client, before, session, _) = world.story().await;
    let after = world.sign_in_row(user.id);
    let audit = world.audit("sign_in.start");
    world
        .store
        .sign_in_replace(before.id, after.clone(), audit)
        .await
        .unwrap();
    let old = world.store.sign_in(before.id).await.unwrap().unwrap();
    assert_eq!(old.ended_at, Some(world.now()));
    assert_eq!(world.session(session.id).await.sign_in, after.id);
    let other = world.session_from(&after, &client.id).await.0;
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(after.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    for id in [session.id, other.id] {
        assert!(world.session(id).await.revoked_at.is_some());
    }
}

#[tokio::test]
async fn another_users_or_an_ended_sign_in_hands_nothing_over() {
    let world = World::new();
    let (user, _, before, session, _) = world.story().await;
    let eve = world.user("eve@example.com").await;
    let (of_eve, audit) = (world.sign_in_row(eve.id), world.audit("sign_in.start"));
    world
        .store
        .sign_in_replace(before.id, of_eve, audit)
        .await
        .unwrap();
    assert_eq!(world.session(session.id).await.sign_in, before.id);
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(before.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    let (after, audit) = (world.sign_in_row(user.id), world.audit("sign_in.start"));
    world
        .store
        .sign_in_replace(before.id, after, audit)
        .await
        .unwrap();
    let session = world.session(session.id).await;
    assert_eq!(session.sign_in, before.id);
    assert!(session.revoked_at.is_some());
}

#[tokio::test]
async fn signing_a_user_out_ends_every_sign_in_and_session_and_nobody_elses() {
    let world = World::new();
    let (user, client, first, session, _) = world.story().await;
    let second = world.sign_in(user.id).await;
    let eve = world.user("eve@example.com").await;
    let of_eve = world.sign_in(eve.id).await;
    let session_of_eve = world.session_from(&of_eve, &client.id).await.0;
    let before = world.log().await.len();
    let audit = world.audit("user.sign_out");
    world
        .store
        .user_sign_out(user.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    for sign_in in [first.id, second.id] {
        let ended = world.store.sign_in(sign_in).await.unwrap().unwrap();
        assert_eq!(ended.ended_at, Some(world.now()));
    }
    assert_eq!(
        world.session(session.id).await.revoked_for,
        Some(RevokeReason::Logout)
    );
    assert!(world.session(session_of_eve.id).await.revoked_at.is_none());
    assert_eq!(world.log().await.len(), before + 1);
    assert_eq!(world.actions().await.last().unwrap(), "user.sign_out");
}

#[tokio::test]
async fn a_code_on_its_way_belongs_to_the_sign_in_that_took_the_place_of_its_own() {
    let world = World::new();
    let (user, client, before, ..) = world.story().await;
    let (code, other) = (
        world.code(&before, &client.id).await,
        world.code(&before, &client.id).await,
    );
    // Read before the sign-in was replaced, redeemed after it.
    let session = world.session_for(&code);
    let after = world.sign_in_row(user.id);
    let audit = world.audit("sign_in.start");
    world
        .store
        .sign_in_replace(before.id, after.clone(), audit)
        .await
        .unwrap();
    assert_eq!(
        world.redeem(&code, &session, None).await.unwrap(),
        Redeemed::Started
    );
    assert_eq!(world.session(session.id).await.sign_in, after.id);
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(after.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    assert!(world.session(session.id).await.revoked_at.is_some());
    let late = world.session_for(&other);
    assert_eq!(
        world.redeem(&other, &late, None).await.unwrap(),
        Redeemed::Ended
    );
}
