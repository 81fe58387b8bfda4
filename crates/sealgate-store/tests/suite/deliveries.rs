//! Logouts owed to clients: written with the end of a session, forgotten when told.

use sealgate_model::LogoutDeliveryId;
use sealgate_store::{LogoutDelivery, RevokeReason, SessionSelector};

use crate::world::{DAY, HOUR, MINUTE, World};

const URI: &str = "https://app.example/backchannel";

async fn due(world: &World) -> Vec<LogoutDelivery> {
    let due = world.store.deliveries_due(world.now(), 100, 100);
    due.await.unwrap()
}

#[tokio::test]
async fn a_client_that_asked_for_it_is_owed_word_of_each_session_that_ends() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let told = world
        .client_with("told", |details| {
            details.backchannel_logout_uri = Some(URI.to_owned());
        })
        .await;
    let silent = world.client("silent").await;
    let sign_in = world.sign_in(user.id).await;
    let (session, _) = world.session_from(&sign_in, &told.id).await;
    world.session_from(&sign_in, &silent.id).await;
    assert!(due(&world).await.is_empty());
    let audit = world.audit("sign_in.end");
    world
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, audit)
        .await
        .unwrap();
    let owed = due(&world).await;
    assert_eq!(
        owed,
        [LogoutDelivery {
            id: LogoutDeliveryId::from_bytes(*session.id.as_bytes()),
            client: told.id.clone(),
            user: user.id,
            session: Some(session.id),
            uri: URI.to_owned(),
            created_at: world.now(),
            next_try_at: world.now(),
            attempts: 0,
        }]
    );
    // Ending it again owes nothing more.
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    assert_eq!(due(&world).await.len(), 1);
}

#[tokio::test]
async fn a_failed_delivery_waits_and_a_made_one_is_forgotten() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let client = world
        .client_with("told", |details| {
            details.backchannel_logout_uri = Some(URI.to_owned());
        })
        .await;
    let sign_in = world.sign_in(user.id).await;
    let (first, _) = world.session_from(&sign_in, &client.id).await;
    let (second, _) = world.session_from(&sign_in, &client.id).await;
    for id in [first.id, second.id] {
        let audit = world.audit("session.revoke");
        let reason = RevokeReason::Admin;
        world.store.session_revoke(id, reason, audit).await.unwrap();
        world.clock.advance(MINUTE);
    }
    let owed = due(&world).await;
    let order: Vec<_> = owed.iter().map(|owed| owed.session).collect();
    assert_eq!(order, [Some(first.id), Some(second.id)]);
    for (limit, each) in [(1, 100), (100, 1)] {
        let due = world.store.deliveries_due(world.now(), limit, each);
        assert_eq!(due.await.unwrap(), owed[..1]);
    }

    let later = world.now() + HOUR;
    let failed = world.store.delivery_failed(owed[0].id, later).await;
    assert!(failed.unwrap());
    assert_eq!(due(&world).await, owed[1..]);
    let records = world.records().await.len();
    let done = async |id| {
        let audit = world.audit("logout.deliver");
        world.store.delivery_done(id, audit).await.unwrap()
    };
    assert!(done(owed[1].id).await);
    assert!(!done(owed[1].id).await);
    assert_eq!(world.records().await.len(), records + 1);
    assert!(due(&world).await.is_empty());

    world.clock.advance(HOUR);
    let again = due(&world).await;
    assert_eq!((again[0].id, again[0].attempts), (owed[0].id, 1));
    assert!(done(again[0].id).await);
    let failed = world.store.delivery_failed(owed[0].id, later).await;
    assert!(!failed.unwrap());
}

#[tokio::test]
async fn a_removed_client_still_hears_of_the_sessions_that_its_removal_ended() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let client = world
        .client_with("told", |details| {
            details.backchannel_logout_uri = Some(URI.to_owned());
        })
        .await;
    let (session, _) = world
        .session_from(&world.sign_in(user.id).await, &client.id)
        .await;
    let audit = world.audit("client.remove");
    assert!(world.store.client_remove(&client.id, audit).await.unwrap());
    let owed = due(&world).await;
    assert_eq!(owed.len(), 1);
    assert_eq!(
        (owed[0].session, owed[0].uri.as_str()),
        (Some(session.id), URI)
    );
}

#[tokio::test]
async fn nothing_is_owed_for_a_session_that_had_expired_or_at_the_wrong_time() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let client = world
        .client_with("told", |details| {
            details.backchannel_logout_uri = Some(URI.to_owned());
        })
        .await;
    let (session, _) = world
        .session_from(&world.sign_in(user.id).await, &client.id)
        .await;
    let selector = SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: world.now() - MINUTE,
    };
    let audit = world.audit("session.revoke");
    let revoked = world
        .store
        .sessions_revoke(selector, RevokeReason::Everything, audit)
        .await;
    assert_eq!(revoked.unwrap(), 0);
    world.clock.advance(DAY);
    let audit = world.audit("session.revoke");
    world
        .store
        .session_revoke(session.id, RevokeReason::Admin, audit)
        .await
        .unwrap();
    assert!(due(&world).await.is_empty());
}

#[tokio::test]
async fn one_address_with_a_long_queue_leaves_room_for_the_others() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let mut ended = Vec::new();
    for (id, times) in [("long", 5), ("short", 1), ("waiting", 1)] {
        let uri = format!("https://{id}.example/backchannel");
        let client = world
            .client_with(id, |details| details.backchannel_logout_uri = Some(uri))
            .await;
        for _ in 0..times {
            world.clock.advance(MINUTE / 60);
            let sign_in = world.sign_in(user.id).await;
            let (session, _) = world.session_from(&sign_in, &client.id).await;
            let audit = world.audit("session.revoke");
            let reason = RevokeReason::Admin;
            let revoked = world.store.session_revoke(session.id, reason, audit).await;
            assert!(revoked.unwrap());
            ended.push(Some(session.id));
        }
    }
    let waiting = due(&world).await.pop().unwrap();
    let later = world.now() + HOUR;
    let failed = world.store.delivery_failed(waiting.id, later).await;
    assert!(failed.unwrap());
    let due = async |limit, each| {
        let due = world.store.deliveries_due(world.now(), limit, each).await;
        let sessions = due.unwrap().into_iter().map(|owed| owed.session);
        sessions.collect::<Vec<_>>()
    };
    assert_eq!(due(100, 2).await, [ended[0], ended[1], ended[5]]);
    assert_eq!(due(2, 2).await, ended[..2]);
    assert_eq!(due(100, 100).await, ended[..6]);
    world.clock.advance(HOUR);
    assert_eq!(due(3, 1).await, [ended[0], ended[5], ended[6]]);
}
