//! Guessing passwords.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use sealgate_host::{ForwardingHeader, TrustedProxies};

use super::*;

#[tokio::test]
async fn guesses_are_refused_alike_for_a_known_and_an_unknown_account_until_time_has_passed() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let guess = async |email: &str| {
        let fields = [("email", email), ("password", "not the password")];
        site.post("/sign-in", "", &fields).await
    };
    let mut pages = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            let seen = guess(email).await;
            assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let seen = guess(&email.to_uppercase()).await;
        assert_eq!(seen.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(seen.headers[RETRY_AFTER], "6");
        assert!(seen.body.contains("<code>sign_in_throttled</code>"));
        let trace = seen.headers["sealgate-trace"].to_str().unwrap();
        pages.push(seen.body.replace(trace, "TRACE"));
    }
    assert_eq!(pages[0], pages[1]);
    // The right password waits too: otherwise guessing would go on.
    let seen = site.sign_in("ada@example.com", "").await;
    assert_eq!(seen.status, StatusCode::TOO_MANY_REQUESTS);
    site.clock.advance(Duration::from_secs(6));
    let seen = site.sign_in("ada@example.com", "").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_busy_queue_costs_no_attempt() {
    let busy = PasswordQueue::new(0, 0).with_patience(Duration::ZERO);
    let site = Site::with(busy, "https://id.example").await;
    site.user("ada@example.com").await;
    for _ in 0..20 {
        let seen = site.sign_in("ada@example.com", "").await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_guesses_at_once_ten_are_looked_at() {
    let site = Site::with(PasswordQueue::new(2, 256), "https://id.example").await;
    site.user("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let before = site.plane.passwords.worked();
        let router = app(Arc::clone(&site.plane));
        let guesses: Vec<_> = (0..200)
            .map(|number| {
                let password = format!("guess number {number}");
                let fields = [("email", email), ("password", &password)];
                let request = Request::post("/sign-in").header("sec-fetch-site", "same-origin");
                let (router, request) = (router.clone(), form(request, &fields));
                tokio::spawn(async move { router.oneshot(request).await.unwrap().status() })
            })
            .collect();
        let mut refused = 0;
        for guess in guesses {
            match guess.await.unwrap() {
                StatusCode::UNPROCESSABLE_ENTITY => {}
                StatusCode::TOO_MANY_REQUESTS => refused += 1,
                other => panic!("{other}"),
            }
        }
        assert_eq!(
            (refused, site.plane.passwords.worked() - before),
            (190, 10),
            "{email}"
        );
    }
    site.plane.refusals.flush_all(&site.plane).await;
    let rows = site.plane.store.audit_after(0, 1000).await.unwrap();
    let throttled = rows.iter().filter(|row| row.reason == "sign_in_throttled");
    let counts: Vec<_> = throttled.map(|row| row.count).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u32>()), (6, 380));
}

#[tokio::test]
async fn whether_there_is_an_account_shows_neither_in_the_work_nor_in_the_answer() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let disabled = site.user("grace@example.com").await;
    let store = &site.plane.store;
    store
        .user_disable(disabled, plane_act(&site.plane))
        .await
        .unwrap();
    site.invited("alan@example.com").await;
    let mut answers = Vec::new();
    let long = format!("{}@example.com", "a".repeat(250));
    for (email, password) in [
        ("ada@example.com", "not the password"),
        ("grace@example.com", PASSWORD),
        ("grace@example.com", "not the password"),
        ("alan@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        (&long, PASSWORD),
        ("ada@example.com", &"a".repeat(2000)),
    ] {
        let before = site.plane.passwords.worked();
        let fields = [("email", email), ("password", password)];
        let seen = site.post("/sign-in", "", &fields).await;
        assert_eq!(site.plane.passwords.worked() - before, 1, "{email}");
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
        let trace = seen.headers["sealgate-trace"].to_str().unwrap();
        answers.push(seen.body.replace(trace, "TRACE").replace(email, "EMAIL"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_a_network_that_guesses_at_many_accounts_is_stopped() {
    let mut site = Site::with(PasswordQueue::new(2, 16), "https://id.example").await;
    let plane = Arc::get_mut(&mut site.plane).unwrap();
    let proxies = vec!["fd00::/64".parse().unwrap()];
    plane.policy.proxies = TrustedProxies::new(proxies, ForwardingHeader::Forwarded);
    plane.throttle.tell_networks_apart();
    let guess = async |number: u32, said: &str| {
        let email = format!("user{number}@example.com");
        let fields = [("email", email.as_str()), ("password", "x")];
        let peer: SocketAddr = "[fd00::1]:4711".parse().unwrap();
        let request = Request::post("/sign-in")
            .header("sec-fetch-site", "same-origin")
            .header("forwarded", said)
            .header("x-forwarded-for", format!("192.0.2.{}", number % 250))
            .extension(ConnectInfo(peer));
        site.send(form(request, &fields)).await.status
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    for number in 0..100 {
        let said = format!("for=\"[2001:db8::{number:x}]\"");
        assert_eq!(guess(number, &said).await, wrong);
    }
    let own = "for=192.0.2.1, for=\"[2001:db8::ffff]:80\"";
    assert_eq!(guess(100, own).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess(101, "for=\"[2001:db8:0:1::]\"").await, wrong);
}
