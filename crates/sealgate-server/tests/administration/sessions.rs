//! Sessions.

use std::time::Duration;

use sealgate_model::{Clock as _, SessionId};
use sealgate_server::admin::{RevokedSessions, SessionView, Sessions};
use sealgate_store::RevokeReason;
use serde_json::{Value, json};

use crate::plane::{Plane, application};

/// A control plane with two users and two clients.
async fn plane() -> (Plane, [sealgate_model::UserId; 2]) {
    let plane = Plane::new().await;
    for id in ["one", "two"] {
        let mut app = application();
        app["id"] = id.into();
        plane.post("/clients", app).await;
    }
    let ada = plane.add_user("ada@example.com", &[]).await;
    let grace = plane.add_user("grace@example.com", &[]).await;
    (plane, [ada, grace])
}

async fn revoked_for(plane: &Plane, id: SessionId) -> Option<RevokeReason> {
    let session: SessionView = plane.get(&format!("/sessions/{id}")).await.read();
    session.revoked_for
}

#[tokio::test]
async fn sessions_are_listed_by_what_fits_and_shown_one_by_one() {
    let (plane, [ada, grace]) = plane().await;
    let mut all = Vec::new();
    for (user, client) in [(ada, "one"), (ada, "two"), (grace, "one")] {
        plane.clock.advance(Duration::from_secs(1));
        all.push(plane.start_session(user, client).await.unwrap().id);
    }
    let list = async |query: &str| -> Vec<SessionId> {
        let page: Sessions = plane.get(&format!("/sessions{query}")).await.read();
        page.sessions.iter().map(|session| session.id).collect()
    };
    assert_eq!(list("").await, all);
    assert_eq!(list(&format!("?user={ada}")).await, all[..2]);
    assert_eq!(list("?client=one").await, [all[0], all[2]]);
    assert_eq!(list("?tenant=acme").await, []);
    let page: Sessions = plane.get("/sessions?limit=1").await.read();
    assert_eq!(page.next, Some(all[0]));
    assert_eq!(list(&format!("?after={}", all[0])).await, all[1..]);
    let shown: SessionView = plane.get(&format!("/sessions/{}", all[0])).await.read();
    assert_eq!(
        (shown.email.as_str(), shown.client.as_str()),
        ("ada@example.com", "one")
    );
    let revoke = format!("/sessions/{}/revoke", all[0]);
    plane.post(&revoke, Value::Null).await;
    assert_eq!(list("").await, all[1..]);
    assert_eq!(list("?all=true").await, all);
}

#[tokio::test]
async fn one_session_is_revoked_alone_or_with_its_sign_in() {
    let (plane, [ada, _]) = plane().await;
    let first = plane.start_session(ada, "one").await.unwrap();
    let second = plane.start_session(ada, "two").await.unwrap();
    let ended = async |session: &sealgate_store::Session| {
        let sign_in = plane.plane.store.sign_in(session.sign_in).await.unwrap();
        sign_in.unwrap().ended_at.is_some()
    };
    let path = format!("/sessions/{}/revoke", first.id);
    let done = plane.operator(http::Method::POST, &path, None).await;
    assert_eq!(
        done.read::<SessionView>().revoked_for,
        Some(RevokeReason::Admin)
    );
    assert!(!ended(&first).await);
    let path = format!("/sessions/{}/revoke", second.id);
    let refused = plane.post(&path, json!({ "end_sign_ins": true })).await;
    refused.refused(400, "body_malformed");
    let done = plane.post(&path, json!({ "end_sign_in": true })).await;
    assert_eq!(
        done.read::<SessionView>().revoked_for,
        Some(RevokeReason::Admin)
    );
    assert!(ended(&second).await);
    let record = plane.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.user, record.session),
        ("session.revoke", Some(ada), Some(second.id))
    );
}

#[tokio::test]
async fn many_sessions_are_revoked_by_whose_they_are() {
    let (plane, [ada, grace]) = plane().await;
    let first = plane.start_session(ada, "one").await.unwrap().id;
    let second = plane.start_session(ada, "two").await.unwrap().id;
    let third = plane.start_session(grace, "one").await.unwrap().id;
    let revoke = async |body: Value| {
        let done = plane.post("/sessions/revoke", body).await;
        done.read::<RevokedSessions>().revoked
    };
    assert_eq!(revoke(json!({ "user": ada, "client": "two" })).await, 1);
    assert_eq!(revoked_for(&plane, second).await, Some(RevokeReason::Admin));
    assert_eq!(revoked_for(&plane, first).await, None);
    assert_eq!(revoke(json!({ "tenant": "acme" })).await, 0);
    assert_eq!(revoke(json!({ "client": "one" })).await, 2);
    assert_eq!(revoked_for(&plane, third).await, Some(RevokeReason::Admin));
    plane.clock.advance(Duration::from_secs(1));
    let fourth = plane.start_session(grace, "two").await.unwrap().id;
    assert_eq!(revoke(json!({ "all": true })).await, 1);
    assert_eq!(
        revoked_for(&plane, fourth).await,
        Some(RevokeReason::Everything)
    );
}

#[tokio::test]
async fn only_what_began_before_a_time_is_revoked() {
    let (plane, [ada, _]) = plane().await;
    let old = plane.start_session(ada, "one").await.unwrap().id;
    let between = plane.clock.now();
    plane.clock.advance(Duration::from_secs(60));
    let new = plane.start_session(ada, "one").await.unwrap().id;
    let body = json!({ "user": ada, "before": between });
    let done: RevokedSessions = plane.post("/sessions/revoke", body).await.read();
    assert_eq!(done.revoked, 1);
    assert_eq!(revoked_for(&plane, old).await, Some(RevokeReason::Admin));
    assert_eq!(revoked_for(&plane, new).await, None);
}

#[tokio::test]
async fn a_selection_of_nobody_or_of_everybody_by_mistake_is_refused() {
    let (plane, [ada, _]) = plane().await;
    let session = plane.start_session(ada, "one").await.unwrap().id;
    let ahead = plane.clock.now() + Duration::from_millis(1);
    for (body, reason) in [
        (json!({}), "sessions_unnamed"),
        (json!({ "before": 0 }), "sessions_unnamed"),
        (json!({ "all": true, "user": ada }), "sessions_unnamed"),
        (json!({ "all": true, "before": ahead }), "time_ahead"),
        (json!({ "client": "three" }), "client_unknown"),
        (
            json!({ "user": "01890a5d-ac96-774b-bcce-b302099a8057" }),
            "user_unknown",
        ),
    ] {
        plane
            .post("/sessions/revoke", body)
            .await
            .refused(422, reason);
    }
    assert_eq!(revoked_for(&plane, session).await, None);
}
