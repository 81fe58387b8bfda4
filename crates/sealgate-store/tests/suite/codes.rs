//! Authorization codes, each good for one session.

use std::sync::Arc;

use sealgate_store::{Audit, AuditActor, Redeemed, RevokeReason, Revoked, StoreError};

use crate::world::{MINUTE, World};

#[tokio::test]
async fn a_code_comes_back_as_it_was_stored() {
    let world = World::new();
    let (user, client) = (
        world.user("ada@example.com").await,
        world.client("expenses").await,
    );
    let code = world.code(&world.sign_in(user.id).await, &client.id).await;
    let found = world.store.code(code.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{code:?}"));
    assert_eq!(found.secret_hash, code.secret_hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_redeemed_twice_at_once_starts_one_session_which_is_then_revoked() {
    let world = World::new();
    let (user, client) = (
        world.user("ada@example.com").await,
        world.client("expenses").await,
    );
    let code = world.code(&world.sign_in(user.id).await, &client.id).await;
    let session = world.session_for(&code);
    let racers: Vec<_> = (0..2)
        .map(|_| {
            let store = Arc::clone(&world.store);
            let (session, first) = (session.clone(), world.token(&session, 0));
            let audit = world.audit("session.start");
            let reuse = Audit::denied(world.now(), AuditActor::Anonymous, "code.redeem", "reuse");
            tokio::spawn(async move {
                store
                    .code_redeem(code.id, session, Some(first), audit, reuse)
                    .await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.unwrap().unwrap());
    }
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Redeemed::Started)
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Redeemed::Reused)
            .count(),
        1
    );

    let ended = world.session(session.id).await;
    assert_eq!(ended.revoked_for, Some(RevokeReason::CodeReuse));
    let log = world.log().await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].what, Revoked::Session(session.id));
    assert_eq!(log[0].client, Some(client.id));
    assert_eq!(log[0].expires_at, session.expires_at);
    let records = world.records().await;
    let last: Vec<_> = records
        .iter()
        .rev()
        .take(2)
        .map(|record| &*record.action)
        .collect();
    assert_eq!(last, ["code.redeem", "session.start"]);
}

#[tokio::test]
async fn a_code_reused_much_later_still_revokes_the_session_and_every_attempt_is_on_record() {
    let world = World::new();
    let (user, client) = (
        world.user("ada@example.com").await,
        world.client("expenses").await,
    );
    let code = world.code(&world.sign_in(user.id).await, &client.id).await;
    let session = world.session_for(&code);
    assert_eq!(
        world.redeem(&code, &session, None).await.unwrap(),
        Redeemed::Started
    );
    world.clock.advance(30 * MINUTE);
    world.store.sweep(world.now()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            world.redeem(&code, &session, None).await.unwrap(),
            Redeemed::Reused
        );
    }
    assert!(world.session(session.id).await.revoked_at.is_some());
    assert_eq!(world.log().await.len(), 1);
    let records = world.records().await;
    assert_eq!(
        records
            .iter()
            .filter(|record| record.outcome == "denied")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_its_time_a_logout_or_a_disabled_account() {
    let world = World::new();
    let (user, client) = (
        world.user("ada@example.com").await,
        world.client("expenses").await,
    );
    let late = world.code(&world.sign_in(user.id).await, &client.id).await;
    world.clock.advance(MINUTE);

    let sign_in = world.sign_in(user.id).await;
    let logged_out = world.code(&sign_in, &client.id).await;
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, audit)
        .await
        .unwrap();

    let disabled = world.code(&world.sign_in(user.id).await, &client.id).await;
    world
        .store
        .user_disable(user.id, world.audit("user.disable"))
        .await
        .unwrap();
    world
        .store
        .user_enable(user.id, world.audit("user.enable"))
        .await
        .unwrap();

    let records = world.records().await.len();
    for code in [late, logged_out, disabled] {
        let session = world.session_for(&code);
        assert_eq!(
            world.redeem(&code, &session, None).await.unwrap(),
            Redeemed::Ended
        );
        assert!(world.store.session(session.id).await.unwrap().is_none());
        assert_eq!(
            world.store.code(code.id).await.unwrap().unwrap().used_at,
            None
        );
    }
    assert_eq!(world.records().await.len(), records);
}

#[tokio::test]
async fn a_code_starts_only_the_session_it_is_for() {
    let world = World::new();
    let (user, client) = (
        world.user("ada@example.com").await,
        world.client("expenses").await,
    );
    let other = world.client("reports").await;
    let sign_in = world.sign_in(user.id).await;
    let code = world.code(&sign_in, &client.id).await;
    let fits = world.session_for(&code);
    let mut foreign = fits.clone();
    foreign.client = other.id.clone();
    let mut renamed = fits.clone();
    renamed.id = world.code(&sign_in, &client.id).await.session;
    for misfit in [foreign, renamed] {
        let refused = world.redeem(&code, &misfit, None).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{refused:?}"
        );
    }
    let mut stray = world.token(&fits, 0);
    stray.client = other.id;
    let refused = world.redeem(&code, &fits, Some(stray)).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    // None of them cost the code.
    assert_eq!(
        world.redeem(&code, &fits, None).await.unwrap(),
        Redeemed::Started
    );
}

#[tokio::test]
async fn a_code_for_a_client_that_does_not_exist_is_invalid() {
    let world = World::new();
    let (_, client, sign_in, ..) = world.story().await;
    let mut code = world.code(&sign_in, &client.id).await;
    code.id = sealgate_model::CodeId::generate(world.now(), &world.random);
    code.session = sealgate_model::SessionId::generate(world.now(), &world.random);
    code.client = "nobody".parse().unwrap();
    let refused = world
        .store
        .code_create(code, world.audit("code.create"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
}
