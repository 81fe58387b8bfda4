//! When tokens end with which clients act for a user, and who hears of that.

use super::introspect::is_active;
use super::machines::API;
use super::token_exchange::ACCESS;
use super::*;

#[tokio::test]
async fn what_is_delegated_ends_with_session_user_client_actor_and_key() {
    /// What ends it, and whether the session with which it began goes on.
    enum End {
        Session,
        User,
        Client(&'static str),
        Key,
    }
    for end in [
        End::Session,
        End::User,
        End::Client("app"),
        End::Client("other"),
        End::Key,
    ] {
        let house = House::delegating().await;
        let first = house.delegated().await;
        let second = house.passed_on(&first.access).await;
        let store = &house.plane.store;
        assert!(is_active(&house, "files", &second.access).await);
        match end {
            End::Session => {
                let id = house.session_of(&first.access).await.id;
                let done = store.session_revoke(id, RevokeReason::Admin, house.audit());
                assert!(done.await.unwrap());
            }
            End::User => {
                let done = store.user_disable(house.user, house.audit()).await;
                assert!(done.unwrap());
            }
            End::Client(id) => house.disable_client(id).await,
            End::Key => {
                let rows = store.keys().await.unwrap();
                let active = |row: &sealgate_store::KeyRow| {
                    row.state == sealgate_store::KeyState::Active && row.algorithm == "EdDSA"
                };
                let kid = rows.into_iter().find(active).unwrap().kid;
                let keys = &house.plane.keys;
                keys.revoke(&kid, house.audit()).await.unwrap();
            }
        }
        assert!(!is_active(&house, "files", &second.access).await);
        if let End::Client(id) = end {
            // What it was given before it was disabled does not come back with it.
            let id = id.parse().unwrap();
            let done = store.client_enable(&id, house.audit()).await;
            assert!(done.unwrap());
            assert!(!is_active(&house, "files", &second.access).await);
        }
    }
}

#[tokio::test]
async fn what_an_actor_in_the_middle_was_part_of_ends_with_it() {
    let house = House::delegating().await;
    let first = house.delegated().await;
    let second = house.passed_on(&first.access).await;
    let to = [("resource", API)];
    let third = house.exchange("files", ACCESS, &second.access, &to).await;
    let third = tokens(third).await;
    house.add_machine("api", |_| {}).await;
    house.serve_api_by("api").await;
    assert!(is_active(&house, "api", &third.access).await);
    house.disable_client("other").await;
    assert!(!is_active(&house, "api", &third.access).await);
    // The session, in which other had no other part, goes on.
    assert_eq!(house.revoked_for(&first.access).await, None);
    assert!(is_active(&house, "app", &first.access).await);
}

#[tokio::test]
async fn an_actor_gives_up_its_token_and_not_the_users_session() {
    let house = House::delegating().await;
    let first = house.delegated().await;
    let second = house.passed_on(&first.access).await;
    let pairs = [("token", second.access.as_str())];
    let refused = house.post("/oauth/revoke", Some("app"), &pairs).await;
    assert_grant_refused(refused, "token_client_mismatch").await;
    let done = house.post("/oauth/revoke", Some("other"), &pairs).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert_eq!(house.last_record().await.action, "token.revoke");
    assert!(!is_active(&house, "files", &second.access).await);
    assert!(is_active(&house, "other", &first.access).await);
    assert_eq!(house.revoked_for(&first.access).await, None);
    let log = house.plane.store.revocations_after(0, 10).await.unwrap();
    let readers: Vec<_> = log
        .iter()
        .map(|entry| entry.client.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(readers, ["files", "other"]);
}

#[tokio::test]
async fn whoever_a_token_was_exchanged_for_hears_of_the_end_of_the_session() {
    let house = House::delegating().await;
    let first = house.delegated().await;
    house.passed_on(&first.access).await;
    let id = house.session_of(&first.access).await.id;
    let store = &house.plane.store;
    let done = store.session_revoke(id, RevokeReason::Admin, house.audit());
    assert!(done.await.unwrap());
    let log = store.revocations_after(0, 10).await.unwrap();
    let readers: Vec<_> = log
        .iter()
        .map(|entry| entry.client.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(readers, ["app", "files", "other"]);
}
