//! Guessing passwords.

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
