//! What the gate of a resource hears of other clients' sessions: of those that its tokens come from.

use sealgate_model::GrantId;
use sealgate_store::{Delegated, NewDelegation};

use super::house::{House, PATIENCE, quick, revoked, told};
use super::*;

const API: &str = "https://api.example";

#[tokio::test]
async fn a_gate_hears_of_the_sessions_that_its_resource_was_granted_to_and_of_no_others() {
    // The log is read two rows at a time, so that some readings show this client nothing.
    let house = House::with(quick(2)).await;
    house.serve(API, "other").await;
    let mut granted = Vec::new();
    let mut foreign = Vec::new();
    for _ in 0..4 {
        granted.push(house.session_for("app", &[API]).await);
        foreign.push(house.session("app").await);
    }
    house.revoke(granted[0]).await;
    house.revoke(foreign[0]).await;
    let (mut follower, mut stream) = house.follow("other").await;
    assert_eq!(revoked(&follower, granted[0]), Some(RevokedBy::Session));
    assert_eq!(revoked(&follower, foreign[0]), None);
    for place in 1..4 {
        house.revoke(foreign[place]).await;
        house.revoke(granted[place]).await;
    }
    // No message is taken for a gap: each names the one before it in this client's stream.
    house
        .until_revoked_at("other", &mut follower, &mut stream, granted[3])
        .await;
    for place in 0..4 {
        let by = revoked(&follower, granted[place]);
        assert_eq!(by, Some(RevokedBy::Session));
        assert_eq!(revoked(&follower, foreign[place]), None);
    }
    let snapshot = house.snapshot("other").await;
    assert_eq!((told(&snapshot), snapshot.seq), (4, 12));
    // The client of the sessions hears of all of them.
    assert_eq!(told(&house.snapshot("app").await), 8);
}

#[tokio::test]
async fn a_gate_hears_of_a_session_whose_token_was_exchanged_for_its_resource() {
    let house = House::new().await;
    house.serve(API, "other").await;
    let session = house.session("app").await;
    let (mut follower, mut stream) = house.follow("other").await;
    let store = &house.plane.store;
    let delegation = NewDelegation {
        id: GrantId::generate(house.clock.now(), &*house.plane.random),
        session,
        client: "app".parse().unwrap(),
        parent: None,
        resources: vec![API.to_owned()],
    };
    let done = store.session_delegate(delegation, house.audit());
    assert_eq!(done.await.unwrap(), Delegated::Done);
    house.revoke(session).await;
    house
        .until_revoked_at("other", &mut follower, &mut stream, session)
        .await;
}

#[tokio::test]
async fn a_gate_hears_of_the_users_whose_tokens_it_takes() {
    let house = House::new().await;
    house.serve(API, "other").await;
    let (mut follower, mut stream) = house.follow("other").await;
    house.session_for("app", &[API]).await;
    let done = house.plane.store.user_disable(house.user, house.audit());
    assert!(done.await.unwrap());
    let user = house.user.to_string();
    let credential = Credential {
        tenant: None,
        grants: &[],
        session: None,
        subject: Some(&user),
        client: "app",
        key: None,
        token: None,
        started_at: house.clock.now(),
    };
    for _ in 0..PATIENCE {
        let message = house.read("other", &stream.next().await.unwrap().data);
        let action = follower.message(&message, house.clock.uptime());
        assert!(!matches!(action, Action::Resync(_)), "{action:?}");
        if follower.check(&credential).is_some() {
            break;
        }
    }
    assert_eq!(follower.check(&credential), Some(RevokedBy::User));
}

#[tokio::test]
async fn a_gate_that_begins_to_serve_a_resource_knows_what_ended_before_by_snapshot_or_stream() {
    let house = House::new().await;
    house.serve(API, "app").await;
    let session = house.session_for("app", &[API]).await;
    let later = house.session_for("app", &[API]).await;
    house.revoke(session).await;
    house.revoke(later).await;
    let (mut follower, mut stream) = house.follow("other").await;
    assert_eq!(revoked(&follower, later), None);
    house.serve(API, "other").await;
    house
        .until_revoked_at("other", &mut follower, &mut stream, session)
        .await;
    house
        .until_revoked_at("other", &mut follower, &mut stream, later)
        .await;
    let (fresh, _) = house.follow("other").await;
    assert_eq!(revoked(&fresh, session), Some(RevokedBy::Session));
    assert_eq!(revoked(&fresh, later), Some(RevokedBy::Session));
}
