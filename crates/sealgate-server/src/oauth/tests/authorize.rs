//! The authorization endpoint.

use super::*;

async fn page_reason(response: Response) -> (StatusCode, String) {
    let status = response.status();
    assert!(response.headers().get(LOCATION).is_none());
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    (status, text(response).await)
}

#[tokio::test]
async fn a_signed_in_user_goes_straight_back_with_a_code() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let response = house.get(&authorize(&wish("app")), Some(&cookie)).await;
    no_store(response.headers());
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
    let answer = sent_back(&response);
    assert_eq!(answer["state"], "the state");
    assert_eq!(answer["iss"], ISSUER);
    assert_eq!(answer["code"].len(), 64);
    let record = house.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.outcome.as_str()),
        ("code.issue", "allowed")
    );
    assert_eq!(
        (record.user, record.client.unwrap().as_str()),
        (Some(house.user), "app")
    );
    assert_eq!(record.trace.unwrap().len(), 32);
}

#[tokio::test]
async fn a_posted_request_is_answered_alike() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let pairs = wish("app");
    let body = Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let request = request(Method::POST, "/oauth/authorize")
        .header(COOKIE, &cookie)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body));
    let response = house.send(request.unwrap()).await;
    assert!(sent_back(&response).contains_key("code"));
}

#[tokio::test]
async fn doubt_about_the_client_or_its_redirect_uri_shows_a_page_and_never_redirects() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let mut twice = wish("app");
    twice.push(("redirect_uri", CALLBACK.to_owned()));
    for (pairs, status, reason) in [
        (wish("nobody"), 400, "client_unknown"),
        (wish_with("client_id", ""), 400, "parameter_missing"),
        (
            wish_with("redirect_uri", "https://evil.example/cb"),
            400,
            "redirect_uri_unregistered",
        ),
        (
            wish_with("redirect_uri", "https://app.example/cb?x"),
            400,
            "redirect_uri_unregistered",
        ),
        (twice, 400, "parameter_repeated"),
        (
            wish_with("state", &"s".repeat(5000)),
            400,
            "parameter_too_long",
        ),
        (
            wish_with("x", &"s".repeat(20_000)),
            413,
            "parameters_too_long",
        ),
    ] {
        let (found, html) = page_reason(house.get(&authorize(&pairs), Some(&cookie)).await).await;
        assert_eq!(found.as_u16(), status, "{reason}");
        assert!(html.contains(reason), "{reason} in {html}");
        assert_eq!(house.last_record().await.reason, reason);
    }
    let (status, html) = page_reason(house.get("/oauth/authorize?client_id=%ff", None).await).await;
    assert_eq!(status, 400);
    assert!(html.contains("parameter_encoding"));
}

#[tokio::test]
async fn every_other_fault_goes_to_the_client_with_state_and_issuer() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let mut repeated = wish("app");
    repeated.push(("nonce", "another".to_owned()));
    for (pairs, error, reason) in [
        (
            wish_with("code_challenge", ""),
            "invalid_request",
            "pkce_missing",
        ),
        (
            wish_with("code_challenge_method", "plain"),
            "invalid_request",
            "pkce_method_unsupported",
        ),
        (
            wish_with("code_challenge_method", ""),
            "invalid_request",
            "pkce_method_unsupported",
        ),
        (
            wish_with("response_type", "token"),
            "unsupported_response_type",
            "response_type_unsupported",
        ),
        (
            wish_with("scope", "openid admin"),
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            wish_with("prompt", "none login"),
            "invalid_request",
            "parameter_invalid",
        ),
        (
            wish_with("request", "e30."),
            "request_not_supported",
            "request_unsupported",
        ),
        (repeated, "invalid_request", "parameter_repeated"),
    ] {
        let answer = sent_back(&house.get(&authorize(&pairs), Some(&cookie)).await);
        assert_eq!(
            (answer["error"].as_str(), answer["reason"].as_str()),
            (error, reason)
        );
        assert_eq!(
            (answer["state"].as_str(), answer["iss"].as_str()),
            ("the state", ISSUER)
        );
        assert!(!answer.contains_key("code"));
        let record = house.last_record().await;
        assert_eq!(
            (record.outcome.as_str(), record.reason.as_str()),
            ("denied", reason)
        );
    }
}

#[tokio::test]
async fn a_browser_that_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let house = House::new().await;
    let response = house.get(&authorize(&wish("app")), None).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = location(&response);
    assert_eq!(
        (
            location.origin().ascii_serialization().as_str(),
            location.path()
        ),
        (ISSUER, "/sign-in")
    );
    let sealed = location
        .query_pairs()
        .find(|(name, _)| name == "request")
        .unwrap()
        .1
        .into_owned();
    // Nothing of the request can be read on its way.
    assert!(!sealed.contains("app") && sealed.starts_with("v1."));

    let path = location.as_str().strip_prefix(ISSUER).unwrap();
    let page = text(house.get(path, None).await).await;
    assert!(page.contains("The app client"), "{page}");
    let (_, cookie) = house.sign_in().await;
    let response = house.resume(&sealed, &cookie).await;
    let code = sent_back(&response)["code"].clone();
    let tokens = tokens(house.redeem("app", &code).await).await;
    assert_eq!(
        claims(tokens.body["id_token"].as_str().unwrap())["nonce"],
        "the nonce"
    );
}

#[tokio::test]
async fn a_sealed_request_is_refused_when_altered_or_old() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let response = house.get(&authorize(&wish("app")), None).await;
    let sealed = sealed(&response);
    for wrong in [
        sealed[1..].to_owned(),
        format!("{sealed}A"),
        String::new(),
        "v1.AAAAAAAA.AAAA".into(),
    ] {
        let response = house.resume(&wrong, &cookie).await;
        let (status, html) = page_reason(response).await;
        assert_eq!(status, 400);
        assert!(html.contains("request_unreadable"));
    }
    house
        .clock
        .advance(std::time::Duration::from_secs(30 * 60 + 1));
    let response = house.resume(&sealed, &cookie).await;
    assert!(page_reason(response).await.1.contains("request_expired"));
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let house = House::new().await;
    let path = authorize(&wish_with("prompt", "none"));
    let answer = sent_back(&house.get(&path, None).await);
    assert_eq!(
        (answer["error"].as_str(), answer["state"].as_str()),
        ("login_required", "the state")
    );
    let (_, cookie) = house.sign_in().await;
    assert!(sent_back(&house.get(&path, Some(&cookie)).await).contains_key("code"));
    let aged = authorize(
        &[
            wish_with("prompt", "none"),
            vec![("max_age", "60".to_owned())],
        ]
        .concat(),
    );
    house.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(
        sent_back(&house.get(&aged, Some(&cookie)).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn prompt_login_and_an_exceeded_max_age_ask_again_even_when_signed_in() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    house.clock.advance(std::time::Duration::from_secs(61));
    for pairs in [
        wish_with("prompt", "login"),
        wish_with("max_age", "60"),
        wish_with("max_age", "0"),
    ] {
        let response = house.get(&authorize(&pairs), Some(&cookie)).await;
        assert_eq!(location(&response).path(), "/sign-in");
        let sealed = sealed(&response);
        // The old sign-in does not pass the page by another way.
        let response = house.resume(&sealed, &cookie).await;
        assert_eq!(location(&response).path(), "/sign-in");
        let (_, fresh) = house.sign_in().await;
        let response = house.resume(&sealed, &fresh).await;
        assert!(sent_back(&response).contains_key("code"));
    }
}

#[tokio::test]
async fn an_ended_sign_in_is_none() {
    let house = House::new().await;
    let (sign_in, cookie) = house.sign_in().await;
    house
        .plane
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, house.audit())
        .await
        .unwrap();
    let response = house.get(&authorize(&wish("app")), Some(&cookie)).await;
    assert_eq!(location(&response).path(), "/sign-in");
}

#[tokio::test]
async fn the_longest_state_and_nonce_travel_through_the_sign_in_page() {
    let house = House::new().await;
    let mut pairs = wish_with("state", &"s".repeat(2048));
    pairs.retain(|(name, _)| *name != "nonce");
    pairs.push(("nonce", "n".repeat(512)));
    let page = location(&house.get(&authorize(&pairs), None).await);
    assert_eq!(page.path(), "/sign-in");
    assert!(page.as_str().len() < 8_000);
    let shown = house.get(page.as_str().strip_prefix(ISSUER).unwrap(), None);
    assert_eq!(shown.await.status(), StatusCode::OK);
    let sealed = page.query_pairs().next().unwrap().1.into_owned();
    house.clock.advance(std::time::Duration::from_secs(1));
    let (_, cookie) = house.sign_in().await;
    let response = house.resume(&sealed, &cookie).await;
    assert_eq!(sent_back(&response)["state"], "s".repeat(2048));
}

#[tokio::test]
async fn a_request_too_long_to_be_carried_is_refused_to_the_client() {
    let house = House::new().await;
    // What must be escaped takes twice the room.
    let mut pairs = wish_with("state", &"\"".repeat(2048));
    pairs.retain(|(name, _)| *name != "nonce");
    pairs.push(("nonce", "\"".repeat(512)));
    pairs.push(("acr_values", "\"".repeat(256)));
    let answer = sent_back(&house.get(&authorize(&pairs), None).await);
    assert_eq!(
        (answer["error"].as_str(), answer["reason"].as_str()),
        ("invalid_request", "parameters_too_long")
    );
}
