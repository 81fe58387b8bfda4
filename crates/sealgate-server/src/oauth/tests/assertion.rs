//! Clients that sign who they are.

use std::time::Duration;

use sealgate_host::FakeOutbound;
use sealgate_jose::Algorithm;
use sealgate_store::ClientAuthentication;
use serde_json::json as value;

use super::machines::{assertion, key, set};
use super::*;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn ask(house: &House, assertion: &str) -> Response {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    house.post("/oauth/token", None, &pairs).await
}

async fn refused(house: &House, assertion: &str, reason: &str) {
    let response = ask(house, assertion).await;
    assert_refused(response, StatusCode::UNAUTHORIZED, "invalid_client", reason).await;
}

fn signs(client: &mut Client, keys: Value) {
    client.details.authentication = ClientAuthentication::PrivateKeyJwt;
    client.details.jwks = Some(keys);
}

#[tokio::test]
async fn an_assertion_by_a_registered_key_of_any_algorithm_is_believed() {
    let house = House::new().await;
    let keys: Vec<_> = Algorithm::ALL
        .map(|algorithm| key(algorithm).public_jwk())
        .to_vec();
    house
        .add_machine("robot", |client| signs(client, set(&keys)))
        .await;
    for algorithm in Algorithm::ALL {
        let signed = assertion(&house, key(algorithm), "robot", &value!({}));
        tokens(ask(&house, &signed).await).await;
    }
}

#[tokio::test]
async fn an_assertion_is_good_for_one_request_here_by_its_own_client_and_now() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_machine("robot", |client| signs(client, set(&[mine.public_jwk()])))
        .await;
    let now = house.clock.now().as_seconds();
    for (more, reason) in [
        (
            value!({"aud": "https://elsewhere.example"}),
            "assertion_audience_wrong",
        ),
        (
            value!({"aud": format!("{ISSUER}/oauth/token")}),
            "assertion_audience_wrong",
        ),
        (value!({"aud": [ISSUER]}), "assertion_audience_wrong"),
        (value!({"iss": "app"}), "assertion_subject_wrong"),
        (value!({"exp": now - 61}), "assertion_expired"),
        (value!({"exp": now + 4000}), "assertion_long_lived"),
        (value!({"nbf": now + 120}), "assertion_early"),
        (value!({"exp": "soon"}), "assertion_malformed"),
        (value!({"nbf": "1"}), "assertion_malformed"),
        (value!({"jti": null}), "assertion_malformed"),
        (value!({"exp": null}), "assertion_malformed"),
    ] {
        refused(&house, &assertion(&house, mine, "robot", &more), reason).await;
    }
    let other = key(Algorithm::Es256);
    refused(
        &house,
        &assertion(&house, other, "robot", &value!({})),
        "client_unauthenticated",
    )
    .await;
    refused(
        &house,
        &assertion(&house, mine, "nobody", &value!({})),
        "client_unauthenticated",
    )
    .await;

    let signed = assertion(&house, mine, "robot", &value!({}));
    tokens(ask(&house, &signed).await).await;
    refused(&house, &signed, "assertion_reused").await;
}

#[tokio::test]
async fn only_a_client_that_is_registered_so_may_name_the_endpoint() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_machine("robot", |client| {
            signs(client, set(&[mine.public_jwk()]));
            client.details.endpoint_audience = true;
        })
        .await;
    for aud in [
        value!(format!("{ISSUER}/oauth/token")),
        value!([ISSUER]),
        value!(ISSUER),
    ] {
        let signed = assertion(&house, mine, "robot", &value!({"aud": aud}));
        tokens(ask(&house, &signed).await).await;
    }
    let signed = assertion(
        &house,
        mine,
        "robot",
        &value!({"aud": format!("{ISSUER}/oauth/jwks")}),
    );
    refused(&house, &signed, "assertion_audience_wrong").await;
}

#[tokio::test]
async fn each_client_authenticates_as_it_is_registered_and_no_other_way() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_machine("signer", |client| signs(client, set(&[mine.public_jwk()])))
        .await;
    house
        .add_machine("teller", |client| {
            client.details.jwks = Some(set(&[mine.public_jwk()]));
        })
        .await;
    let response = house.own_token("signer", &[]).await;
    let no = StatusCode::UNAUTHORIZED;
    assert_refused(response, no, "invalid_client", "client_unauthenticated").await;
    refused(
        &house,
        &assertion(&house, mine, "teller", &value!({})),
        "client_unauthenticated",
    )
    .await;
}

#[tokio::test]
async fn keys_are_fetched_once_kept_and_fetched_again_for_a_key_that_is_new() {
    let outbound = Arc::new(FakeOutbound::new());
    let house = House::new_with_outbound(outbound.clone()).await;
    let (old, new) = (key(Algorithm::Ed25519), key(Algorithm::Es256));
    let uri = "https://robot.example/jwks";
    house
        .add_machine("robot", |client| {
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.jwks_uri = Some(uri.to_owned());
        })
        .await;
    let by = |key| assertion(&house, key, "robot", &value!({}));

    // Nobody can say whether the client is who it says: that is not its failure.
    let response = ask(&house, &by(old)).await;
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    assert_refused(
        response,
        busy,
        "temporarily_unavailable",
        "client_keys_unavailable",
    )
    .await;

    outbound.serve(uri, set(&[old.public_jwk()]).to_string(), None);
    house.clock.advance(Duration::from_secs(5));
    for _ in 0..3 {
        tokens(ask(&house, &by(old)).await).await;
    }
    assert_eq!(outbound.sent().len(), 2);

    outbound.serve(uri, set(&[new.public_jwk()]).to_string(), None);
    refused(&house, &by(new), "client_unauthenticated").await;
    assert_eq!(outbound.sent().len(), 2);
    house.clock.advance(Duration::from_secs(60));
    tokens(ask(&house, &by(new)).await).await;
    refused(&house, &by(old), "client_unauthenticated").await;
    assert_eq!(outbound.sent().len(), 3);

    // What is there is used while nothing newer can be had, but not for ever.
    outbound.set(uri, Err(sealgate_host::OutboundError::TimedOut));
    house.clock.advance(Duration::from_secs(3600));
    tokens(ask(&house, &by(new)).await).await;
    tokio::task::yield_now().await;
    house.clock.advance(Duration::from_secs(3601));
    let response = ask(&house, &by(new)).await;
    assert_refused(
        response,
        busy,
        "temporarily_unavailable",
        "client_keys_unavailable",
    )
    .await;
}

/// Serves a key set once it is let to.
struct Slow {
    set: String,
    let_go: tokio::sync::Semaphore,
    asked: std::sync::atomic::AtomicUsize,
}

impl sealgate_host::Outbound for Slow {
    fn check(&self, _url: &str) -> Result<(), sealgate_host::OutboundError> {
        Ok(())
    }

    fn send(
        &self,
        _request: sealgate_host::OutboundRequest,
    ) -> std::pin::Pin<
        Box<
            dyn Future<
                    Output = Result<sealgate_host::OutboundResponse, sealgate_host::OutboundError>,
                > + Send
                + '_,
        >,
    > {
        Box::pin(async {
            self.asked
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.let_go.acquire().await.unwrap().forget();
            Ok(sealgate_host::OutboundResponse {
                status: 200,
                body: self.set.clone().into_bytes(),
                max_age: None,
            })
        })
    }

    fn check_host(&self, _: &str, _: u16) -> Result<(), sealgate_host::OutboundError> {
        Err(sealgate_host::OutboundError::Unresolved)
    }

    fn deliver(
        &self,
        _: sealgate_host::Delivery,
    ) -> std::pin::Pin<
        Box<
            dyn Future<Output = Result<sealgate_host::Delivered, sealgate_host::OutboundError>>
                + Send
                + '_,
        >,
    > {
        Box::pin(std::future::ready(Err(
            sealgate_host::OutboundError::Unresolved,
        )))
    }
}

#[tokio::test]
async fn who_goes_away_during_a_fetch_takes_nothing_from_the_client() {
    let mine = key(Algorithm::Ed25519);
    let slow = Arc::new(Slow {
        set: set(&[mine.public_jwk()]).to_string(),
        let_go: tokio::sync::Semaphore::new(0),
        asked: std::sync::atomic::AtomicUsize::new(0),
    });
    let house = Arc::new(House::new_with_outbound(slow.clone()).await);
    house
        .add_machine("robot", |client| {
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.jwks_uri = Some("https://robot.example/jwks".to_owned());
        })
        .await;
    // A stranger sets the fetch off and leaves at once.
    let garbage = assertion(&house, key(Algorithm::Es256), "robot", &value!({}));
    let left = tokio::spawn({
        let house = Arc::clone(&house);
        async move { ask(&house, &garbage).await }
    });
    while slow.asked.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    left.abort();
    let honest = tokio::spawn({
        let house = Arc::clone(&house);
        async move {
            let signed = assertion(&house, key(Algorithm::Ed25519), "robot", &value!({}));
            ask(&house, &signed).await
        }
    });
    slow.let_go.add_permits(1);
    tokens(honest.await.unwrap()).await;
    assert_eq!(slow.asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}
