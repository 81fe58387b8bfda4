//! The device that waits for its user.

use std::time::Duration;

use sealgate_model::{DeviceId, Grant};
use sealgate_oauth::DeviceHandle;
use sealgate_store::{DeviceApproval, DeviceCode, DeviceDecision, DeviceState, GrantDetails};

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

struct Waiting {
    id: DeviceId,
    code: String,
}

async fn begin(house: &House) -> Waiting {
    house
        .change_client("native", |client| {
            client.details.grants.push(Grant::DeviceCode);
        })
        .await;
    let (now, random) = (house.clock.now(), house.plane.random.as_ref());
    let handle = DeviceHandle::generate(DeviceId::generate(now, random), random);
    let device = DeviceCode {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        user_code: "BCDFGHJK".to_owned(),
        client: "native".parse().unwrap(),
        scopes: ["openid", "offline_access"].map(String::from).to_vec(),
        details: GrantDetails::default(),
        network: None,
        created_at: now,
        expires_at: now + house.plane.lifetimes.device,
        interval: 5,
        polled_at: None,
        state: DeviceState::Pending,
    };
    house
        .plane
        .store
        .device_create(device, house.audit())
        .await
        .unwrap();
    Waiting {
        id: handle.id,
        code: handle.to_secret().expose().to_owned(),
    }
}

async fn poll(house: &House, waiting: &Waiting) -> Response {
    let pairs = [
        ("grant_type", GRANT),
        ("device_code", &waiting.code),
        ("client_id", "native"),
    ];
    house.post("/oauth/token", None, &pairs).await
}

fn wait(house: &House) {
    house.clock.advance(Duration::from_secs(5));
}

async fn decide(house: &House, waiting: &Waiting, approve: bool) {
    let (sign_in, _) = house.sign_in().await;
    let decision = if approve {
        DeviceDecision::Approved {
            approval: DeviceApproval {
                user: house.user,
                sign_in: sign_in.id,
                auth_time: sign_in.auth_time,
                methods: sign_in.methods,
            },
            details: GrantDetails::default(),
        }
    } else {
        DeviceDecision::Denied
    };
    let decided = house
        .plane
        .store
        .device_decide(waiting.id, decision, house.audit())
        .await;
    assert!(decided.unwrap());
}

async fn refused(house: &House, waiting: &Waiting, error: &str, reason: &str) {
    let response = poll(house, waiting).await;
    assert_refused(response, StatusCode::BAD_REQUEST, error, reason).await;
}

#[tokio::test]
async fn the_device_asks_until_its_user_has_approved_and_gets_tokens_once() {
    let house = House::new().await;
    let waiting = begin(&house).await;
    refused(
        &house,
        &waiting,
        "authorization_pending",
        "authorization_pending",
    )
    .await;
    wait(&house);
    refused(
        &house,
        &waiting,
        "authorization_pending",
        "authorization_pending",
    )
    .await;
    decide(&house, &waiting, true).await;
    wait(&house);
    let given = tokens(poll(&house, &waiting).await).await;
    assert_eq!(given.body["scope"], "openid offline_access");
    assert_eq!(claims(&given.access)["sub"], house.user.to_string());
    assert!(!given.refresh.is_empty());
    wait(&house);
    refused(&house, &waiting, "invalid_grant", "device_code_used").await;
    assert_eq!(house.revoked_for(&given.access).await, None);
}

#[tokio::test]
async fn a_device_that_asks_too_often_is_told_to_slow_down_by_five_seconds_each_time() {
    let house = House::new().await;
    let waiting = begin(&house).await;
    refused(
        &house,
        &waiting,
        "authorization_pending",
        "authorization_pending",
    )
    .await;
    refused(&house, &waiting, "slow_down", "slow_down").await;
    wait(&house);
    refused(&house, &waiting, "slow_down", "slow_down").await;
    house.clock.advance(Duration::from_secs(15));
    refused(
        &house,
        &waiting,
        "authorization_pending",
        "authorization_pending",
    )
    .await;
}

#[tokio::test]
async fn a_denied_or_expired_code_is_over() {
    let house = House::new().await;
    let waiting = begin(&house).await;
    decide(&house, &waiting, false).await;
    refused(&house, &waiting, "access_denied", "device_denied").await;
    house.clock.advance(Duration::from_secs(600));
    refused(&house, &waiting, "expired_token", "device_code_expired").await;
}

#[tokio::test]
async fn a_code_is_for_the_client_that_asked_for_it() {
    let house = House::new().await;
    let waiting = begin(&house).await;
    house
        .change_client("app", |client| {
            client.details.grants.push(Grant::DeviceCode);
        })
        .await;
    let pairs = [("grant_type", GRANT), ("device_code", &waiting.code)];
    let response = house.post("/oauth/token", Some("app"), &pairs).await;
    assert_grant_refused(response, "device_client_mismatch").await;
    let other = "A".repeat(64);
    let pairs = [("grant_type", GRANT), ("device_code", &other)];
    let response = house.post("/oauth/token", Some("app"), &pairs).await;
    assert_grant_refused(response, "device_code_unknown").await;
    // A client that is not registered for it has no use of it (RFC 8628, 3.4).
    let response = house.post("/oauth/token", Some("other"), &pairs).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "unauthorized_client",
        "grant_not_allowed",
    )
    .await;
}

#[tokio::test]
async fn an_approval_does_not_outlive_the_sign_in_it_was_given_in() {
    let house = House::new().await;
    let waiting = begin(&house).await;
    decide(&house, &waiting, true).await;
    house
        .plane
        .store
        .user_sign_out(house.user, RevokeReason::Logout, house.audit())
        .await
        .unwrap();
    let response = poll(&house, &waiting).await;
    assert_ne!(response.status(), StatusCode::OK);
}
