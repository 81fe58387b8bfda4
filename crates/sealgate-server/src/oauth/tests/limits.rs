//! Limits hold however many come at once, keep out nobody who is who they say, and are on record.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use futures_util::future::join_all;
use sealgate_host::{ForwardingHeader, TrustedProxies};
use sealgate_jose::Algorithm;
use sealgate_store::ClientAuthentication;
use serde_json::json as value;

use super::machines::{assertion, key, set};
use super::*;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How many requests of each status and reason there were.
type Counts = BTreeMap<(u16, String), usize>;

/// Sends requests all at once.
async fn at_once(house: &House, requests: impl Iterator<Item = Request<Body>>) -> Counts {
    let app = crate::app(Arc::clone(&house.plane));
    let sent = requests.map(|request| {
        let app = app.clone();
        tokio::spawn(async move { app.oneshot(request).await.unwrap() })
    });
    // All of them are under way before the first is waited for.
    let sent: Vec<_> = sent.collect();
    let mut counts = Counts::new();
    for response in join_all(sent).await {
        let response = response.unwrap();
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(response.headers()["retry-after"], "1");
        }
        let reason = json(response).await["reason"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        *counts.entry((status.as_u16(), reason)).or_default() += 1;
    }
    counts
}

fn ask(pairs: &[(&str, &str)]) -> Request<Body> {
    Request::post("/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form(pairs)))
        .unwrap()
}

fn with_secret(client: &str, secret: &str) -> Request<Body> {
    ask(&[
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
    ])
}

fn counts<const N: usize>(expected: [(u16, &str, usize); N]) -> Counts {
    let pairs = expected.map(|(status, reason, count)| ((status, reason.to_owned()), count));
    pairs.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_failures_at_once_sixty_are_told_so_known_client_or_not() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    for client in ["robot", "nobody"] {
        let guesses = (0..200).map(|number| with_secret(client, &number.to_string()));
        assert_eq!(
            at_once(&house, guesses).await,
            counts([
                (401, "client_unauthenticated", 60),
                (429, "client_throttled", 140)
            ]),
            "{client}"
        );
    }
}

// On one thread, each request gets as far as it can before any of them hears from the store.
#[tokio::test]
async fn two_hundred_at_once_who_are_who_they_say_all_get_their_tokens() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house.add_machine("robot", |_| {}).await;
    house
        .add_machine("signer", |client| {
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.jwks = Some(set(&[mine.public_jwk()]));
        })
        .await;
    let secrets = (0..200).map(|_| with_secret("robot", &secret("robot")));
    assert_eq!(at_once(&house, secrets).await, counts([(200, "", 200)]));
    let signed: Vec<_> = (0..200)
        .map(|_| assertion(&house, mine, "signer", &value!({})))
        .collect();
    let signed = signed.iter().map(|signed| {
        ask(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", signed),
        ])
    });
    assert_eq!(at_once(&house, signed).await, counts([(200, "", 200)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_assertion_that_is_repeated_two_hundred_times_at_once_is_taken_once() {
    let house = House::new().await;
    let mine = key(Algorithm::Ed25519);
    house
        .add_machine("signer", |client| {
            client.details.authentication = ClientAuthentication::PrivateKeyJwt;
            client.details.jwks = Some(set(&[mine.public_jwk()]));
        })
        .await;
    let signed = assertion(&house, mine, "signer", &value!({}));
    let repeated = (0..200).map(|_| {
        ask(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &signed),
        ])
    });
    let counts = at_once(&house, repeated).await;
    assert_eq!(counts[&(200, String::new())], 1, "{counts:?}");
    // Repeating it goes on being counted, so that it does not keep the store busy.
    let again = (0..200).map(|_| {
        ask(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &signed),
        ])
    });
    let counts = at_once(&house, again).await;
    assert!(
        counts[&(429, "client_throttled".to_owned())] >= 140,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_refused_for_its_number_is_on_record_in_few_rows() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    at_once(&house, (0..200).map(|_| with_secret("robot", "x"))).await;
    house.plane.refusals.flush_all(&house.plane).await;
    let rows = house.records().await;
    let told = |reason: &str| {
        let rows = rows.iter().filter(|row| row.reason == reason);
        let counts: Vec<_> = rows.map(|row| row.count).collect();
        (counts.len(), counts.iter().sum::<u32>())
    };
    assert_eq!(told("client_unauthenticated"), (6, 60));
    assert_eq!(told("client_throttled"), (6, 140));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_four_hundred_requests_pushed_at_once_under_a_public_name_three_hundred_leave_a_row() {
    let house = House::new().await;
    let body = Serializer::new(String::new())
        .extend_pairs(wish("native"))
        .finish();
    let pushes = (0..400).map(|_| {
        Request::post("/oauth/par")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.clone()))
            .unwrap()
    });
    assert_eq!(
        at_once(&house, pushes).await,
        counts([(201, "", 300), (429, "requests_throttled", 100)])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_device_codes_guessed_at_once_ten_are_looked_up() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let app = crate::app(Arc::clone(&house.plane));
    let guesses: Vec<_> = (0..200)
        .map(|_| {
            let request = Request::post("/device")
                .header(COOKIE, &cookie)
                .header("sec-fetch-site", "same-origin")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form(&[("user_code", "BCDF-GHJK")])));
            let app = app.clone();
            tokio::spawn(async move { app.oneshot(request.unwrap()).await.unwrap().status() })
        })
        .collect();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for guess in guesses {
        *statuses.entry(guess.await.unwrap().as_u16()).or_default() += 1;
    }
    assert_eq!(statuses, BTreeMap::from([(422, 10), (429, 190)]));
}

/// A request by way of `peer`, about which it says that it comes from `said`.
fn through(mut request: Request<Body>, peer: &str, said: &str) -> Request<Body> {
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
        .headers_mut()
        .insert("x-forwarded-for", said.parse().unwrap());
    request
}

async fn behind_proxies() -> House {
    let mut house = House::new().await;
    let plane = Arc::get_mut(&mut house.plane).unwrap();
    plane.policy.proxies = TrustedProxies::new(
        vec!["10.0.0.0/24".parse().unwrap()],
        ForwardingHeader::XForwardedFor,
    );
    plane.throttle.tell_networks_apart();
    house.add_machine("robot", |_| {}).await;
    house
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_caller_has_their_own_limits_and_their_own_address() {
    let house = behind_proxies().await;
    let guess = async |peer: &str, said: &str| {
        let response = house
            .send(through(with_secret("robot", "x"), peer, said))
            .await;
        response.status().as_u16()
    };
    for _ in 0..60 {
        assert_eq!(guess("10.0.0.1", "198.51.100.7").await, 401);
    }
    // The same caller by another proxy, and by writing an address of their own in front.
    assert_eq!(guess("10.0.0.2", "198.51.100.7").await, 429);
    assert_eq!(guess("10.0.0.1", "203.0.113.9, 198.51.100.7").await, 429);
    assert_eq!(
        guess("10.0.0.1", "10.0.0.9, 198.51.100.7, 10.0.0.2").await,
        429
    );
    // Another one.
    assert_eq!(guess("10.0.0.1", "198.51.100.8").await, 401);
    let last = house.last_record().await;
    assert_eq!(last.network.as_deref(), Some("198.51.100.8"));
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_is_where_they_connect_from_whatever_they_say() {
    let house = behind_proxies().await;
    for number in 0..60 {
        let said = format!("198.51.100.{number}");
        let request = through(with_secret("robot", "x"), "203.0.113.9", &said);
        assert_eq!(house.send(request).await.status(), StatusCode::UNAUTHORIZED);
    }
    let last = house.last_record().await;
    assert_eq!(last.network.as_deref(), Some("203.0.113.9"));
    let request = through(with_secret("robot", "x"), "203.0.113.9", "192.0.2.1");
    assert_eq!(
        house.send(request).await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn where_a_proxy_does_not_tell_nobody_is_taken_for_the_network_of_all() {
    let house = behind_proxies().await;
    for _ in 0..60 {
        let request = through(with_secret("robot", "x"), "10.0.0.1", "unknown");
        house.send(request).await;
    }
    let last = house.last_record().await;
    assert_eq!(last.network.as_deref(), Some("10.0.0.1"));
    let request = through(with_secret("robot", "x"), "10.0.0.1", "198.51.100.7");
    assert_eq!(house.send(request).await.status(), StatusCode::UNAUTHORIZED);
}
