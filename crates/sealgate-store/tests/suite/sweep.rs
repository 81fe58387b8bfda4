//! The sweep: what has expired goes, with all that hangs on it, and nothing else.

use sealgate_store::{Redeemed, RevokeReason, Rotated};

use crate::world::{DAY, HOUR, MINUTE, World};

#[tokio::test]
async fn what_has_not_expired_stays() {
    let world = World::new();
    let (user, client, sign_in, session, first) = world.story().await;
    let code = world.code(&sign_in, &client.id).await;
    let link = world.invitation(Some(user.id));
    world
        .store
        .invitation_create(link.clone(), None, world.audit("invitation.create"))
        .await
        .unwrap();
    world.rotate(first.id, world.token(&session, 1)).await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    // The very moment of expiry is not yet past it.
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, 0);
    assert!(world.store.code(code.id).await.unwrap().is_some());
    assert!(world.store.invitation(link.id).await.unwrap().is_some());
    assert!(world.store.sign_in(sign_in.id).await.unwrap().is_some());
    assert_eq!(world.log().await.len(), 1);
    let token = world.store.refresh_token(first.id).await.unwrap().unwrap();
    assert_eq!(token.answer.as_deref(), Some("sealed answer"));
}

#[tokio::test]
async fn each_thing_goes_when_its_own_time_is_past() {
    let world = World::new();
    let (user, client, sign_in, session, first) = world.story().await;
    let unused = world.code(&sign_in, &client.id).await;
    let link = world.invitation(Some(user.id));
    world
        .store
        .invitation_create(link.clone(), None, world.audit("invitation.create"))
        .await
        .unwrap();
    let second = world.token(&session, 1);
    assert!(matches!(
        world.rotate(first.id, second.clone()).await,
        Rotated::Won
    ));

    // An unused code goes after its minute, an answer after ten.
    world.clock.advance(2 * MINUTE);
    assert_eq!(world.sweep().await, 1);
    assert!(world.store.code(unused.id).await.unwrap().is_none());
    world.clock.advance(9 * MINUTE);
    assert_eq!(world.sweep().await, 1);
    let spent = world.store.refresh_token(first.id).await.unwrap().unwrap();
    assert!(spent.used_at.is_some() && spent.answer.is_none());

    // A session takes its tokens and its code along; its revocation and its sign-in end with it.
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    let records = world.records().await.len();
    world.clock.advance(DAY);
    assert_eq!(world.sweep().await, 6);
    assert!(world.store.session(session.id).await.unwrap().is_none());
    assert!(
        world
            .store
            .refresh_token(second.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.store.sign_in(sign_in.id).await.unwrap().is_none());
    assert!(world.log().await.is_empty());

    world.clock.advance(2 * DAY);
    assert_eq!(world.sweep().await, 1);
    assert!(world.store.invitation(link.id).await.unwrap().is_none());
    assert!(world.store.user(user.id).await.unwrap().is_some());
    assert_eq!(world.records().await.len(), records);
}

#[tokio::test]
async fn revocation_numbers_go_on_after_the_log_was_swept_empty() {
    let world = World::new();
    let (_, client, _, session, _) = world.story().await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    world.clock.advance(2 * DAY);
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(
        world.store.revocations_live(world.now()).await.unwrap(),
        (1, vec![])
    );

    let bob = world.user("bob@example.com").await;
    let (second, _) = world
        .session_from(&world.sign_in(bob.id).await, &client.id)
        .await;
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(second.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    assert_eq!(world.log().await[0].seq, 2);
}

#[tokio::test]
async fn more_than_one_slice_is_swept_at_once() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    for _ in 0..40 {
        let code = world.code(&sign_in, &client.id).await;
        let session = world.session_for(&code);
        assert_eq!(
            world.redeem(&code, &session, None).await.unwrap(),
            Redeemed::Started
        );
    }
    world.clock.advance(DAY + HOUR);
    // 41 sessions, as many codes, one refresh token and the sign-in.
    assert_eq!(world.sweep().await, 84);
}

#[tokio::test]
async fn what_clients_push_and_prove_goes_with_its_time_and_is_counted_by_kind() {
    let world = World::new();
    let (_, client, ..) = world.story().await;
    world.pushed(&client.id).await;
    world.device(&client.id, "BCDFGHJK").await;
    for jti in [1, 2] {
        let (until, now) = (world.now() + 5 * MINUTE, world.now());
        let used = world.store.assertion_use(&client.id, [jti; 32], until, now);
        assert!(used.await.unwrap());
    }
    let swept = async || {
        let swept = world.store.sweep(world.now()).await.unwrap();
        let rows = swept.rows.into_iter().filter(|(_, rows)| *rows > 0);
        rows.collect::<Vec<_>>()
    };
    world.clock.advance(MINUTE);
    assert!(swept().await.is_empty());
    world.clock.advance(MINUTE);
    assert_eq!(swept().await, [("pushed_requests", 1)]);
    world.clock.advance(4 * MINUTE);
    assert_eq!(swept().await, [("assertion_ids", 2)]);
    world.clock.advance(5 * MINUTE);
    assert_eq!(swept().await, [("device_codes", 1)]);
    // The letters are free for another device.
    world.device(&client.id, "BCDFGHJK").await;
}

#[tokio::test]
async fn every_kind_of_row_that_expires_has_a_count() {
    let world = World::new();
    let swept = world.store.sweep(world.now()).await.unwrap();
    let kinds: Vec<_> = swept.rows.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "sessions",
            "refresh_answers",
            "codes",
            "sign_ins",
            "invitations",
            "revocations",
            "pushed_requests",
            "device_codes",
            "assertion_ids",
            "heard_events",
            "listed_tokens",
            "bootstraps",
            "registration_tokens"
        ]
    );
    assert_eq!(swept.total(), 0);
}
