//! The revocation log, as the feed reads it.

use sealgate_model::{ClientId, UserId};
use sealgate_store::{RevokeReason, Revoked, SessionSelector, TokenRevocation};

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

#[tokio::test]
async fn a_token_is_revoked_once_and_for_whom_it_is_said() {
    let world = World::new();
    let client = world.client("app").await.id;
    let until = world.now() + HOUR;
    let api = world.client("api").await.id;
    let revoke = async |jti: &str, others: Option<Vec<ClientId>>| {
        let audit = world.audit("token.revoke");
        let token = TokenRevocation {
            jti: jti.to_owned(),
            client: client.clone(),
            others,
            expires_at: until,
        };
        world.store.token_revoke(token, audit).await.unwrap()
    };
    assert!(revoke("a", None).await);
    let others = vec![api.clone(), client.clone(), api.clone()];
    assert!(revoke("b", Some(others)).await);
    assert!(!revoke("a", None).await);
    for (jti, revoked) in [("a", true), ("b", true), ("c", false), ("", false)] {
        assert_eq!(world.store.token_revoked(jti).await.unwrap(), revoked);
    }
    let log = world.log().await;
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.what.clone(), entry.client.clone(), entry.expires_at))
        .collect();
    assert_eq!(
        told,
        [
            (Revoked::Token("a".to_owned()), None, until),
            (Revoked::Token("b".to_owned()), Some(api), until),
            (Revoked::Token("b".to_owned()), Some(client.clone()), until),
        ]
    );
    let actions = world.actions().await;
    assert_eq!(actions[2..], ["token.revoke", "token.revoke"]);
    world.clock.advance(2 * HOUR);
    assert_eq!(world.sweep().await, 3);
    assert!(!world.store.token_revoked("a").await.unwrap());
}

#[tokio::test]
async fn not_before_is_the_latest_of_what_covers_the_token() {
    let world = World::new();
    let (ada, app, ..) = world.story().await;
    let web = world.client("web").await.id;
    let selector = |user: Option<UserId>, client: Option<&ClientId>| SessionSelector {
        user,
        client: client.cloned(),
        tenant: None,
        started_at_or_before: world.now(),
    };
    let revoke = async |selector| {
        let audit = world.audit("session.revoke_many");
        let reason = RevokeReason::Admin;
        let revoked = world.store.sessions_revoke(selector, reason, audit).await;
        revoked.unwrap();
    };
    let not_before = async |user, client| world.store.not_before(user, client, None).await.unwrap();
    assert_eq!(not_before(Some(ada.id), Some(&app.id)).await, None);

    let first = world.now();
    revoke(selector(None, None)).await;
    assert_eq!(not_before(None, None).await, Some(first));
    assert_eq!(not_before(None, Some(&web)).await, Some(first));

    world.clock.advance(HOUR);
    let second = world.now();
    revoke(selector(None, Some(&app.id))).await;
    assert_eq!(not_before(None, Some(&app.id)).await, Some(second));
    assert_eq!(not_before(Some(ada.id), Some(&app.id)).await, Some(second));
    assert_eq!(not_before(None, Some(&web)).await, Some(first));
    assert_eq!(not_before(None, None).await, Some(first));

    // The user is known to one client alone; the entry is that client's.
    world.clock.advance(HOUR);
    let third = world.now();
    revoke(selector(Some(ada.id), None)).await;
    assert_eq!(not_before(Some(ada.id), Some(&app.id)).await, Some(third));
    assert_eq!(not_before(Some(ada.id), Some(&web)).await, Some(first));
    assert_eq!(not_before(Some(ada.id), None).await, Some(third));
}
