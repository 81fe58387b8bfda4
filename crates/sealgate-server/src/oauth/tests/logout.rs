//! RP-initiated logout.

use super::*;

const BYE: &str = "https://app.example/bye?a=1";

fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/oauth/logout?{}", form(pairs))
}

/// A browser signed in, with a session of `app` from it.
async fn signed_in(house: &House) -> (SignIn, String, Tokens) {
    let (sign_in, cookie) = house.sign_in().await;
    let code = house.code_for("app", "openid", &cookie).await;
    let given = tokens(house.redeem("app", &code).await).await;
    (sign_in, cookie, given)
}

async fn alive(house: &House, sign_in: &SignIn) -> bool {
    house
        .plane
        .store
        .sign_in(sign_in.id)
        .await
        .unwrap()
        .unwrap()
        .ended_at
        .is_none()
}

#[track_caller]
fn cookie_cleared(response: &Response) -> bool {
    let set = response
        .headers()
        .get("set-cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    set.is_some_and(|set| set.contains("Max-Age=0"))
}

fn id_token(given: &Tokens) -> &str {
    given.body["id_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_client_that_shows_its_id_token_ends_the_sign_in_and_every_session_from_it() {
    let house = House::new().await;
    let (sign_in, cookie, given) = signed_in(&house).await;
    let code = house.code_for("other", "openid", &cookie).await;
    let elsewhere = tokens(house.redeem("other", &code).await).await;
    // The token may have expired long ago.
    house.clock.advance(std::time::Duration::from_secs(3_000));
    let pairs = [
        ("id_token_hint", id_token(&given)),
        ("post_logout_redirect_uri", BYE),
        ("state", "s&t"),
    ];
    let response = house.get(&logout(&pairs), Some(&cookie)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        response.headers()[LOCATION],
        "https://app.example/bye?a=1&state=s%26t"
    );
    assert!(cookie_cleared(&response));
    assert!(!alive(&house, &sign_in).await);
    for access in [&given.access, &elsewhere.access] {
        assert_eq!(house.revoked_for(access).await, Some(RevokeReason::Logout));
    }
}

#[tokio::test]
async fn a_client_that_names_its_session_is_believed_even_when_it_has_revoked_it() {
    let house = House::new().await;
    for revoke_first in [false, true] {
        let (sign_in, cookie, given) = signed_in(&house).await;
        if revoke_first {
            house
                .post("/oauth/revoke", Some("app"), &[("token", &given.refresh)])
                .await;
        }
        let sid = claims(&given.access)["sid"].as_str().unwrap().to_owned();
        let pairs = [
            ("logout_hint", sid.as_str()),
            ("client_id", "app"),
            ("post_logout_redirect_uri", BYE),
        ];
        let response = house.get(&logout(&pairs), Some(&cookie)).await;
        assert_eq!(response.headers()[LOCATION], BYE);
        assert!(!alive(&house, &sign_in).await);
    }
}

/// The hidden field of the question.
fn confirmation(html: &str) -> String {
    let at = html.find("name=\"confirmation\" value=\"").unwrap()
        + "name=\"confirmation\" value=\"".len();
    html[at..].split('"').next().unwrap().to_owned()
}

async fn confirm(house: &House, cookie: &str, sealed: &str, site: &str) -> Response {
    let request = request(Method::POST, "/oauth/logout")
        .header(COOKIE, cookie)
        .header("sec-fetch-site", site)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form(&[("confirmation", sealed)])));
    house.send(request.unwrap()).await
}

#[tokio::test]
async fn on_anybody_elses_word_the_user_is_asked_first() {
    let house = House::new().await;
    let (sign_in, cookie, given) = signed_in(&house).await;
    let sid = claims(&given.access)["sid"].as_str().unwrap().to_owned();
    let foreign = house.tokens("app", "openid").await;
    let foreign_sid = claims(&foreign.access)["sid"].as_str().unwrap().to_owned();
    for pairs in [
        vec![],
        vec![("client_id", "app"), ("post_logout_redirect_uri", BYE)],
        vec![("client_id", "other"), ("logout_hint", sid.as_str())],
        vec![("client_id", "app"), ("logout_hint", foreign_sid.as_str())],
        vec![("id_token_hint", "not.a.token")],
        vec![("id_token_hint", given.access.as_str())],
    ] {
        let response = house.get(&logout(&pairs), Some(&cookie)).await;
        assert_eq!(response.status(), StatusCode::OK, "{pairs:?}");
        assert!(
            text(response).await.contains("name=\"confirmation\""),
            "{pairs:?}"
        );
        assert!(alive(&house, &sign_in).await);
    }
    let pairs = [("client_id", "app"), ("post_logout_redirect_uri", BYE)];
    let html = text(house.get(&logout(&pairs), Some(&cookie)).await).await;
    assert!(html.contains("The app client"));
    let sealed = confirmation(&html);

    let response = confirm(&house, &cookie, &sealed, "cross-site").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(text(response).await.contains("cross_origin"));
    let response = confirm(&house, &cookie, &sealed[1..], "same-origin").await;
    assert!(text(response).await.contains("confirmation_unreadable"));
    assert!(alive(&house, &sign_in).await);

    let response = confirm(&house, &cookie, &sealed, "same-origin").await;
    assert_eq!(response.headers()[LOCATION], BYE);
    assert!(cookie_cleared(&response));
    assert!(!alive(&house, &sign_in).await);
}

#[tokio::test]
async fn an_answer_is_good_for_the_sign_in_that_was_asked() {
    let house = House::new().await;
    let (_, mine, _) = signed_in(&house).await;
    let (theirs, cookie, _) = signed_in(&house).await;
    let sealed = confirmation(&text(house.get("/oauth/logout", Some(&mine)).await).await);
    let response = confirm(&house, &cookie, &sealed, "same-origin").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(alive(&house, &theirs).await);
}

#[tokio::test]
async fn a_browser_is_only_ever_sent_where_the_client_registered() {
    let house = House::new().await;
    let (sign_in, cookie, given) = signed_in(&house).await;
    let hint = id_token(&given);
    for (pairs, reason) in [
        (
            vec![
                ("id_token_hint", hint),
                ("post_logout_redirect_uri", "https://evil.example/"),
            ],
            "logout_uri_unregistered",
        ),
        (
            vec![
                ("id_token_hint", hint),
                ("post_logout_redirect_uri", "https://app.example/bye"),
            ],
            "logout_uri_unregistered",
        ),
        (
            vec![("post_logout_redirect_uri", BYE)],
            "logout_uri_unregistered",
        ),
        (
            vec![("id_token_hint", hint), ("client_id", "other")],
            "client_mismatch",
        ),
        (vec![("client_id", "nobody")], "client_unknown"),
        (
            vec![("client_id", "app"), ("client_id", "app")],
            "parameter_repeated",
        ),
    ] {
        let response = house.get(&logout(&pairs), Some(&cookie)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{reason}");
        assert!(response.headers().get(LOCATION).is_none());
        assert!(text(response).await.contains(reason), "{reason}");
        assert_eq!(house.last_record().await.reason, reason);
    }
    assert!(alive(&house, &sign_in).await);
}

#[tokio::test]
async fn without_a_sign_in_here_the_session_that_is_shown_ends_all_the_same() {
    let house = House::new().await;
    let (_, _, given) = signed_in(&house).await;
    let pairs = [
        ("id_token_hint", id_token(&given)),
        ("post_logout_redirect_uri", BYE),
    ];
    let response = house.get(&logout(&pairs), None).await;
    assert_eq!(response.headers()[LOCATION], BYE);
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::Logout)
    );
    let response = house.get("/oauth/logout", None).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wish_that_is_posted_is_made_again_as_a_navigation() {
    let house = House::new().await;
    let response = house
        .post(
            "/oauth/logout",
            None,
            &[("client_id", "app"), ("state", "a b")],
        )
        .await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        response.headers()[LOCATION],
        "https://id.example/oauth/logout?client_id=app&state=a+b"
    );
}

#[tokio::test]
async fn a_hint_is_good_under_any_of_our_algorithms_and_after_a_rotation() {
    let house = House::new().await;
    for algorithm in ["EdDSA", "ES256", "RS256", "PS256"] {
        let known = sealgate_jose::Algorithm::parse(algorithm).unwrap();
        house.plane.keys.ensure(known).await.unwrap();
        house
            .change_client("app", |client| {
                client.details.algorithm = algorithm.to_owned();
            })
            .await;
        let (sign_in, cookie, given) = signed_in(&house).await;
        house
            .plane
            .keys
            .rotate(Some(known), true, house.audit())
            .await
            .unwrap();
        house.clock.advance(std::time::Duration::from_secs(3_000));
        let pairs = [
            ("id_token_hint", id_token(&given)),
            ("post_logout_redirect_uri", BYE),
        ];
        let response = house.get(&logout(&pairs), Some(&cookie)).await;
        assert_eq!(response.headers()[LOCATION], BYE, "{algorithm}");
        assert!(!alive(&house, &sign_in).await, "{algorithm}");
    }
}

#[tokio::test]
async fn a_hint_under_a_key_that_is_gone_is_nobodys_word() {
    let house = House::new().await;
    let (sign_in, cookie, given) = signed_in(&house).await;
    let header = id_token(&given).split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let kid = header["kid"].as_str().unwrap();
    house.plane.keys.revoke(kid, house.audit()).await.unwrap();
    let pairs = [("id_token_hint", id_token(&given)), ("client_id", "app")];
    let response = house.get(&logout(&pairs), Some(&cookie)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.contains("Sign out?"));
    assert!(alive(&house, &sign_in).await);
}
