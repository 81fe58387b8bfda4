//! The token endpoint: client authentication and the authorization code grant.

use super::*;

#[tokio::test]
async fn a_code_gives_tokens_for_the_user_the_client_and_the_scopes() {
    let house = House::new().await;
    let tokens = house
        .tokens("app", "openid email profile expenses:read")
        .await;
    let body = &tokens.body;
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["refresh_expires_in"], 86_400);
    assert_eq!(body["scope"], "openid email profile expenses:read");

    let keys = house.plane.keys.verifying();
    let id_token = body["id_token"].as_str().unwrap();
    assert!(keys.verify(id_token, &["JWT"]).is_ok());
    assert!(keys.verify(&tokens.access, &["at+jwt"]).is_ok());
    let (id, access) = (claims(id_token), claims(&tokens.access));
    let now = house.clock.now().as_seconds();
    let sub = house.user.to_string();
    assert_eq!(
        (id["iss"].as_str(), id["aud"].as_str(), id["sub"].as_str()),
        (Some(ISSUER), Some("app"), Some(sub.as_str()))
    );
    assert_eq!(
        (
            id["iat"].as_i64(),
            id["exp"].as_i64(),
            id["auth_time"].as_i64()
        ),
        (Some(now), Some(now + 300), Some(now))
    );
    assert_eq!(
        (
            id["nonce"].as_str(),
            id["email"].as_str(),
            id["name"].as_str()
        ),
        (Some("the nonce"), Some("ada@example.org"), Some("Ada"))
    );
    assert_eq!(id["amr"], serde_json::json!(["pwd"]));
    assert_eq!(id["roles"], serde_json::json!(["accountant"]));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, tokens.access.as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..32]));
    assert_eq!(
        (access["aud"].as_str(), access["client_id"].as_str()),
        (Some(ISSUER), Some("app"))
    );
    assert_eq!(access["sid"], id["sid"]);
    assert_eq!(access["scope"], "openid email profile expenses:read");
    let record = house.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.actor.as_str()),
        ("session.start", "client:app")
    );
    assert_eq!(
        record.session.unwrap().to_string(),
        access["sid"].as_str().unwrap()
    );
}

#[tokio::test]
async fn scopes_that_were_not_asked_for_tell_nothing() {
    let house = House::new().await;
    let tokens = house.tokens("app", "openid").await;
    let id = claims(tokens.body["id_token"].as_str().unwrap());
    assert!(
        id.get("email").is_none() && id.get("email_verified").is_none() && id.get("name").is_none()
    );
    let plain = house.tokens("app", "expenses:read").await;
    assert!(plain.body.get("id_token").is_none());
}

#[tokio::test]
async fn a_code_used_twice_revokes_what_it_gave() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let given = tokens(house.redeem("app", &code).await).await;
    assert_eq!(house.revoked_for(&given.access).await, None);
    assert_grant_refused(house.redeem("app", &code).await, "code_reused").await;
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::CodeReuse)
    );
    assert_grant_refused(
        house.refresh("app", &given.refresh).await,
        "session_revoked",
    )
    .await;
}

#[tokio::test]
async fn a_code_used_again_late_and_without_its_verifier_still_revokes_what_it_gave() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let given = tokens(house.redeem("app", &code).await).await;
    house.clock.advance(std::time::Duration::from_secs(3_000));
    let other = "v".repeat(43);
    let pairs = redemption(&code).map(|(name, value)| match name {
        "code_verifier" => (name, other.as_str()),
        _ => (name, value),
    });
    let response = house.post("/oauth/token", Some("app"), &pairs).await;
    assert_grant_refused(response, "code_reused").await;
    let revoked = house.revoked_for(&given.access).await;
    assert_eq!(revoked, Some(RevokeReason::CodeReuse));
}

#[tokio::test]
async fn of_two_redemptions_at_once_one_wins_and_is_revoked() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let (first, second) = tokio::join!(house.redeem("app", &code), house.redeem("app", &code));
    let (won, lost) = if first.status() == StatusCode::OK {
        (first, second)
    } else {
        (second, first)
    };
    assert_grant_refused(lost, "code_reused").await;
    let given = tokens(won).await;
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::CodeReuse)
    );
}

#[tokio::test]
async fn a_code_is_only_for_its_client_its_redirect_uri_and_its_verifier() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    assert_grant_refused(house.redeem("other", &code).await, "code_client_mismatch").await;
    let other = "v".repeat(43);
    for (name, value, reason) in [
        (
            "redirect_uri",
            "https://app.example/other",
            "redirect_uri_mismatch",
        ),
        ("code_verifier", other.as_str(), "verifier_mismatch"),
        ("code_verifier", challenge().as_str(), "verifier_mismatch"),
        ("code_verifier", "short", "verifier_malformed"),
        ("code_verifier", "", "verifier_missing"),
        ("code", "A", "code_unknown"),
        ("code", &"A".repeat(64), "code_unknown"),
        ("code", &format!("{}AAAA", &code[..60]), "code_unknown"),
    ] {
        let pairs = redemption(&code).map(|(key, kept)| {
            if key == name {
                (key, value)
            } else {
                (key, kept)
            }
        });
        assert_grant_refused(
            house.post("/oauth/token", Some("app"), &pairs).await,
            reason,
        )
        .await;
        assert_eq!(house.last_record().await.reason, reason);
    }
    // None of that has spent it.
    assert_eq!(house.redeem("app", &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_redirect_uri_may_be_left_out_at_the_token_endpoint() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let pairs: Vec<_> = redemption(&code)
        .into_iter()
        .filter(|(name, _)| *name != "redirect_uri")
        .collect();
    assert_eq!(
        house
            .post("/oauth/token", Some("app"), &pairs)
            .await
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    house.clock.advance(std::time::Duration::from_secs(60));
    assert_grant_refused(house.redeem("app", &code).await, "code_expired").await;
}

#[tokio::test]
async fn a_code_dies_with_its_user_and_its_sign_in() {
    let house = House::new().await;
    let (sign_in, cookie) = house.sign_in().await;
    let code = house.code_for("app", "openid", &cookie).await;
    house
        .plane
        .store
        .sign_in_end(sign_in.id, RevokeReason::Logout, house.audit())
        .await
        .unwrap();
    assert_grant_refused(house.redeem("app", &code).await, "sign_in_ended").await;
    let code = house.code("app", "openid").await;
    house
        .plane
        .store
        .user_disable(house.user, house.audit())
        .await
        .unwrap();
    assert_grant_refused(house.redeem("app", &code).await, "user_disabled").await;
}

#[tokio::test]
async fn a_session_does_not_outlast_the_proof_it_stands_on() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    house
        .clock
        .advance(std::time::Duration::from_secs(86_400 - 30));
    let code = house.code_for("app", "openid", &cookie).await;
    let given = tokens(house.redeem("app", &code).await).await;
    assert_eq!(
        (
            given.body["expires_in"].as_u64(),
            given.body["refresh_expires_in"].as_u64()
        ),
        (Some(30), Some(30))
    );
}

#[tokio::test]
async fn clients_authenticate_by_header_or_body_but_not_both() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let id_and_secret = [("client_id", "app"), ("client_secret", "secret: of app")];
    let both = [redemption(&code).as_slice(), &id_and_secret].concat();
    let response = house.post("/oauth/token", Some("app"), &both).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "client_authentication_repeated",
    )
    .await;
    assert_eq!(
        house.post("/oauth/token", None, &both).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_get_one_and_the_same_answer() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let attempts = [
        vec![("client_id", "app"), ("client_secret", "wrong")],
        vec![("client_id", "nobody"), ("client_secret", "wrong")],
        vec![("client_id", "no body"), ("client_secret", "wrong")],
        vec![("client_id", "app")],
        vec![("client_id", "native"), ("client_secret", "wrong")],
    ];
    for attempt in attempts {
        let pairs = [redemption(&code).as_slice(), &attempt].concat();
        let response = house.post("/oauth/token", None, &pairs).await;
        assert!(
            response.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic ")
        );
        assert_refused(
            response,
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "client_unauthenticated",
        )
        .await;
        assert_eq!(house.last_record().await.outcome, "denied");
    }
    assert_eq!(house.redeem("app", &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_public_client_needs_no_secret_and_renews_only_if_it_asked_for_it() {
    let house = House::new().await;
    for (scope, renewable) in [("openid", false), ("openid offline_access", true)] {
        let code = house.code("native", scope).await;
        let pairs = [redemption(&code).as_slice(), &[("client_id", "native")]].concat();
        let given = tokens(house.post("/oauth/token", None, &pairs).await).await;
        assert_eq!(!given.refresh.is_empty(), renewable, "{scope}");
    }
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong() {
    const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
    let house = House::new().await;
    let send = async |body: String, kind: &str| {
        let request = request(Method::POST, "/oauth/token")
            .header(CONTENT_TYPE, kind)
            .header(AUTHORIZATION, basic("app", &secret("app")))
            .body(Body::from(body));
        house.send(request.unwrap()).await
    };
    let many = (0..60)
        .map(|n| format!("a{n}=1"))
        .collect::<Vec<_>>()
        .join("&");
    for (body, kind, error, reason) in [
        (String::new(), FORM, "invalid_request", "parameter_missing"),
        (
            "{}".into(),
            "application/json",
            "invalid_request",
            "content_type",
        ),
        (
            "grant_type=password".into(),
            FORM,
            "unsupported_grant_type",
            "grant_type_unsupported",
        ),
        (
            "grant_type=refresh_token&grant_type=refresh_token".into(),
            FORM,
            "invalid_request",
            "parameter_repeated",
        ),
        (
            "grant_type=%zz".into(),
            FORM,
            "invalid_request",
            "parameter_encoding",
        ),
        (
            format!("scope={}", "a".repeat(17_000)),
            FORM,
            "invalid_request",
            "parameter_too_long",
        ),
        (many, FORM, "invalid_request", "parameters_too_many"),
    ] {
        assert_refused(
            send(body, kind).await,
            StatusCode::BAD_REQUEST,
            error,
            reason,
        )
        .await;
    }
    let response = send("a=".to_owned() + &"b".repeat(25_000), FORM).await;
    assert_refused(
        response,
        StatusCode::PAYLOAD_TOO_LARGE,
        "invalid_request",
        "parameters_too_long",
    )
    .await;
    assert_eq!(
        house.get("/oauth/token", None).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn no_record_and_no_answer_holds_a_secret() {
    let house = House::new().await;
    let code = house.code("app", "openid").await;
    let given = tokens(house.redeem("app", &code).await).await;
    house.refresh("app", &given.refresh).await;
    house.refresh("other", &given.refresh).await;
    let records = serde_json::to_string(&house.records().await).unwrap();
    for secret in [
        code,
        given.refresh,
        given.access,
        secret("app"),
        VERIFIER.to_owned(),
    ] {
        assert!(!records.contains(&secret));
    }
}
