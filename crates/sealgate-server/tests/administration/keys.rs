//! Signing keys.

use std::time::Duration;

use sealgate_server::admin::{KeyPlan, Keys};
use sealgate_store::KeyState;
use serde_json::{Value, json};

use crate::plane::Plane;

#[tokio::test]
async fn a_rotation_lets_the_published_key_sign_and_publishes_another() {
    let plane = Plane::new().await;
    let kid = |keys: &Keys, state: KeyState| {
        let mut found = keys.keys.iter().filter(|key| key.state == state);
        let kid = found.next().unwrap().kid.clone();
        assert_eq!(found.next(), None);
        kid
    };
    let before: Keys = plane.get("/keys").await.read();
    let after: Keys = plane.post("/keys/rotate", Value::Null).await.read();
    assert_eq!((before.keys.len(), after.keys.len()), (2, 3));
    assert_eq!(
        kid(&after, KeyState::Retiring),
        kid(&before, KeyState::Active)
    );
    assert_eq!(kid(&after, KeyState::Active), kid(&before, KeyState::Next));
    assert!(!plane.get("/keys").await.body.contains("sealed"));
}

#[tokio::test]
async fn a_second_rotation_waits_for_caches_of_the_key_set_unless_it_must_be_now() {
    let plane = Plane::new().await;
    let rotate = async |body: Value| plane.post("/keys/rotate", body).await;
    assert!(rotate(json!({})).await.status.is_success());
    let refused = rotate(json!({ "now": false })).await;
    refused.refused(409, "key_too_soon");
    assert!(
        refused.body.contains("for another 300 s"),
        "{}",
        refused.body
    );
    plane.clock.advance(Duration::from_secs(299));
    rotate(Value::Null).await.refused(409, "key_too_soon");
    plane.clock.advance(Duration::from_secs(1));
    assert!(rotate(Value::Null).await.status.is_success());
    assert!(rotate(json!({ "now": true })).await.status.is_success());
    rotate(json!({ "later": true }))
        .await
        .refused(400, "body_malformed");
}

#[tokio::test]
async fn a_rotation_names_an_algorithm_that_is_offered_and_in_use() {
    let plane = Plane::new().await;
    let rotate = async |name: &str| {
        plane
            .post("/keys/rotate", json!({ "algorithm": name }))
            .await
    };
    assert!(rotate("EdDSA").await.status.is_success());
    rotate("ES256").await.refused(409, "key_none_active");
    rotate("ML-DSA-65").await.refused(409, "algorithm_disabled");
    rotate("none").await.refused(400, "algorithm_unknown");
}

#[tokio::test]
async fn a_revoked_key_is_replaced_and_cannot_be_revoked_again() {
    let plane = Plane::new().await;
    let before: Keys = plane.get("/keys").await.read();
    let kid = |keys: &Keys, state: KeyState| {
        let mut found = keys.keys.iter().filter(|key| key.state == state);
        found.next().unwrap().kid.clone()
    };
    let leaked = kid(&before, KeyState::Active);
    let path = format!("/keys/{leaked}/revoke");
    let done = plane.post(&path, Value::Null).await;
    let after: Keys = done.read();
    assert_eq!(kid(&after, KeyState::Active), kid(&before, KeyState::Next));
    assert!(after.keys.iter().all(|key| key.kid != leaked));
    let record = plane.last_record().await;
    assert_eq!(
        (record.actor.as_str(), record.action.as_str()),
        ("operator", "key.revoke")
    );
    plane
        .post(&path, Value::Null)
        .await
        .refused(404, "key_unknown");
    plane
        .post("/keys/no-such-key/revoke", Value::Null)
        .await
        .refused(404, "key_unknown");
}

#[tokio::test]
async fn a_plan_tells_the_rotations_to_come_and_changes_nothing() {
    let plane = Plane::new().await;
    let before = plane.get("/keys").await.body;
    let year: KeyPlan = plane.get("/keys/plan").await.read();
    // Every 90 days one retires, one signs, one is made, and the retired one goes an hour later.
    assert_eq!((year.moves.len(), year.complete), (4 * 4, true));
    let quarter: KeyPlan = plane.get("/keys/plan?horizon=7776000").await.read();
    assert_eq!(quarter.moves[..], year.moves[..3]);
    assert_eq!(quarter.moves[2].new, Some(1));
    assert_eq!(plane.get("/keys").await.body, before);
    for wrong in ["horizon=-1", "horizon=1y", "horizon=315360001", "days=1"] {
        let path = format!("/keys/plan?{wrong}");
        plane.get(&path).await.refused(400, "query_malformed");
    }
}
