//! A store that does not answer, or of which nobody knows whether it wrote: never the grant's fault.

mod switched;

use std::sync::atomic::{AtomicU8, Ordering};

use sealgate_store::KeyState;

pub(super) use self::switched::{CHANGED_MEANWHILE, DOWN, ENDED_MEANWHILE, UP};
use self::switched::{Switched, UNKNOWN};
use super::*;

pub(super) async fn house() -> (House, Arc<AtomicU8>) {
    let state = Arc::new(AtomicU8::new(UP));
    let switch = Arc::clone(&state);
    let house = House::with_store(|inner| Arc::new(Switched { inner, state })).await;
    (house, switch)
}

pub(super) async fn assert_unavailable(response: Response) {
    assert_eq!(response.headers()["retry-after"], "1");
    assert_refused(
        response,
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "store_unavailable",
    )
    .await;
}

#[tokio::test]
async fn a_store_that_is_down_is_never_an_invalid_grant() {
    let (house, switch) = house().await;
    let given = house.tokens("app", "openid").await;
    let code = house.code("app", "openid").await;
    switch.store(DOWN, Ordering::SeqCst);
    assert_unavailable(house.redeem("app", &code).await).await;
    assert_unavailable(house.refresh("app", &given.refresh).await).await;
    assert_unavailable(
        house
            .post("/oauth/revoke", Some("app"), &[("token", &given.refresh)])
            .await,
    )
    .await;
    assert_unavailable(userinfo::ask(&house, &given.access).await).await;
    let page = house.get(&authorize(&wish("app")), None).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        house.get("/oauth/jwks", None).await.status(),
        StatusCode::OK
    );
    switch.store(UP, Ordering::SeqCst);
    assert_eq!(house.redeem("app", &code).await.status(), StatusCode::OK);
    assert_eq!(
        house.refresh("app", &given.refresh).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_renewal_of_unknown_result_can_be_asked_for_again() {
    let (house, switch) = house().await;
    let given = house.tokens("app", "openid").await;
    switch.store(UNKNOWN, Ordering::SeqCst);
    assert_unavailable(house.refresh("app", &given.refresh).await).await;
    switch.store(UP, Ordering::SeqCst);
    let next = tokens(house.refresh("app", &given.refresh).await).await;
    assert_eq!(
        house.refresh("app", &next.refresh).await.status(),
        StatusCode::OK
    );
    assert_eq!(house.revoked_for(&given.access).await, None);
}

#[tokio::test]
async fn a_rotation_of_unknown_result_is_caught_up_with() {
    let (house, switch) = house().await;
    switch.store(UNKNOWN, Ordering::SeqCst);
    let failed = house.plane.keys.rotate(None, false, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    switch.store(UP, Ordering::SeqCst);
    house.plane.keys.tick().await.unwrap();
    let active = house
        .plane
        .store
        .keys()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.state == KeyState::Active);
    let given = house.tokens("app", "openid").await;
    assert_eq!(
        house
            .plane
            .keys
            .verifying()
            .verify(&given.access, &["at+jwt"])
            .unwrap()
            .kid,
        active.unwrap().kid
    );
}

#[tokio::test]
async fn a_key_whose_revocation_may_have_been_written_stays_down_until_that_is_known() {
    let (house, switch) = house().await;
    let keys = &house.plane.keys;
    let given = house.tokens("app", "openid").await;
    let sign = || keys.sign(sealgate_jose::Algorithm::Ed25519, "at+jwt", &1);
    let kid = |token: &str| {
        let verified = keys.verifying().verify(token, &["at+jwt"]);
        verified.map(|verified| verified.kid)
    };
    let leaked = kid(&given.access).unwrap();
    switch.store(DOWN, Ordering::SeqCst);
    let failed = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    assert_eq!(
        kid(&sign().unwrap()).unwrap(),
        leaked,
        "nothing was asked of it yet"
    );

    switch.store(UNKNOWN, Ordering::SeqCst);
    let failed = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    assert!(kid(&given.access).is_err());
    assert_ne!(kid(&sign().unwrap()).unwrap(), leaked);
    switch.store(UP, Ordering::SeqCst);
    keys.tick().await.unwrap();
    assert!(kid(&given.access).is_err());
    let again = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(again.unwrap_err().code(), "key_unknown");
}

#[tokio::test]
async fn a_store_that_can_be_read_and_not_written_is_not_ready() {
    let (house, switch) = house().await;
    let app = crate::app(Arc::clone(&house.plane));
    let ready = async || {
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(ready().await, StatusCode::OK);
    for state in [UNKNOWN, DOWN] {
        switch.store(state, Ordering::SeqCst);
        house.clock.advance(std::time::Duration::from_secs(5));
        assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
        switch.store(UP, Ordering::SeqCst);
        assert_eq!(
            ready().await,
            StatusCode::SERVICE_UNAVAILABLE,
            "tried every five seconds, not at every question"
        );
        house.clock.advance(std::time::Duration::from_secs(5));
        assert_eq!(ready().await, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_exchange_that_may_not_be_on_record_gives_nothing_out() {
    let (house, switch) = house().await;
    house.add_api().await;
    house
        .change_client("app", |client| {
            client
                .details
                .grants
                .push(sealgate_model::Grant::TokenExchange);
            client.details.resources = vec![machines::API.to_owned()];
        })
        .await;
    let own = house.tokens("app", "openid").await;
    let exchange = async || {
        let to = [("resource", machines::API)];
        house
            .exchange("app", token_exchange::REFRESH, &own.refresh, &to)
            .await
    };
    switch.store(UNKNOWN, Ordering::SeqCst);
    assert_unavailable(exchange().await).await;
    switch.store(UP, Ordering::SeqCst);
    assert_eq!(exchange().await.status(), StatusCode::OK);
}
